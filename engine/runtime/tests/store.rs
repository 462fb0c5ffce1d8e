//! The SQLite store as other processes and the disk see it.

use piton_core::digest::Digest;
use piton_core::id::{Actor, RunId};
use piton_core::record::{Fact, Record};
use piton_core::run::Head;
use piton_core::time::{Millis, Timestamp};
use piton_runtime::owner::Owner;
use piton_runtime::store::{
    Commit, Lease, Location, NewRun, RunFilter, RunStatus, SqliteStore, Store, StoreError,
    conformance, new_run_id,
};
use piton_runtime::wake::{self, WakeSocket};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A directory that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        let path = std::env::temp_dir().join(new_run_id("piton-store").0);
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn path(&self) -> PathBuf {
        self.0.join("state/runs.db")
    }

    fn location(&self) -> Location {
        Location::Sqlite(self.path())
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path()).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run_id() -> RunId {
    RunId("drill-1".to_owned())
}

/// The next records of a journal: as many as asked, with the number of their batch in them.
fn batch(head: &mut Head, number: usize, count: usize) -> Vec<Record> {
    (0..count)
        .map(|_| {
            let fact = Fact::CancelRequested {
                by: Actor {
                    name: "ada".to_owned(),
                    account: "ada".to_owned(),
                },
                reason: Some(format!(
                    "batch {number} of {count} {}",
                    "x".repeat(number * 40 % 3000)
                )),
                rollback: false,
            };
            let record = Record::seal(head.seq + 1, Timestamp(number as i64), head.hash, &fact);
            *head = Head {
                seq: record.seq,
                hash: record.hash,
            };
            record
        })
        .collect()
}

async fn create(store: &impl Store) -> Head {
    let mut head = Head::EMPTY;
    let run = NewRun {
        id: run_id(),
        plan_json: "{}".to_owned(),
        runbook: "drill".to_owned(),
        title: None,
        starter: "ada".to_owned(),
        started: Timestamp(1),
        status: RunStatus::running(),
    };
    store.create(&run, &batch(&mut head, 0, 1)).await.unwrap();
    head
}

async fn commit(store: &impl Store, lease: &Lease, expected: Head, records: &[Record]) {
    let status = RunStatus::running();
    let commit = Commit {
        records,
        snapshot: None,
        consumed: &[],
        status: &status,
    };
    store.commit(lease, expected, commit).await.unwrap();
}

async fn acquire(store: &impl Store) -> Result<Lease, StoreError> {
    store
        .acquire(&run_id(), &Owner::this_process(), Millis(600_000))
        .await
}

#[tokio::test(flavor = "current_thread")]
async fn it_is_a_store() {
    let scratch = Scratch::new();
    let number = std::cell::Cell::new(0);
    let make = || {
        number.set(number.get() + 1);
        let path = scratch.0.join(format!("{}.db", number.get()));
        async move { SqliteStore::open(&path).unwrap() }
    };
    if let Err(failure) = conformance::all(make).await {
        panic!("{failure}");
    }
    assert!(number.get() > 10);
}

#[tokio::test(flavor = "current_thread")]
async fn it_is_for_its_user_only() {
    let scratch = Scratch::new();
    let store = scratch.open();
    create(&store).await;
    scratch
        .location()
        .run_directory(&run_id())
        .create()
        .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = scratch.0.join("state");
    assert_eq!(mode(&directory), 0o700);
    for name in ["runs.db", "runs.db-wal", "runs.db-shm"] {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
    for name in ["runs.db.d", "runs.db.d/drill-1", "runs.db.d/drill-1/work"] {
        assert_eq!(mode(&directory.join(name)), 0o700, "{name}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_store_opened_again_has_everything() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut head = create(&store).await;
    let lease = acquire(&store).await.unwrap();
    let before = head;
    commit(&store, &lease, before, &batch(&mut head, 1, 4)).await;
    drop(store);
    let store = scratch.open();
    assert_eq!(store.load(&run_id()).await.unwrap().head, head);
    assert!(matches!(
        acquire(&store).await,
        Err(StoreError::Held { .. })
    ));
}

#[test]
fn many_may_open_a_new_store_at_once() {
    let scratch = Scratch::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| SqliteStore::open(&scratch.path()).map(drop)))
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn of_many_threads_that_take_a_lease_one_gets_it() {
    let scratch = Scratch::new();
    block_on(create(&scratch.open()));
    for round in 1..=5 {
        // Opened before the threads start: one that failed to open would leave the others at the barrier.
        let stores: Vec<_> = (0..6).map(|_| scratch.open()).collect();
        let barrier = std::sync::Barrier::new(stores.len());
        let take = |store: SqliteStore| {
            barrier.wait();
            match block_on(acquire(&store)) {
                Ok(lease) => Some(lease),
                Err(StoreError::Held { .. }) => None,
                Err(error) => panic!("{error}"),
            }
        };
        let leases: Vec<Lease> = std::thread::scope(|scope| {
            let take = &take;
            let threads: Vec<_> = stores
                .into_iter()
                .map(|store| scope.spawn(move || take(store)))
                .collect();
            threads
                .into_iter()
                .filter_map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(leases.len(), 1, "round {round}");
        assert_eq!(leases[0].fence, round);
        block_on(scratch.open().release(&leases[0])).unwrap();
    }
}

/// The second process of the test below: takes the lease of the store that `PITON_TEST_STORE` names, says how it
/// went, and lives until its input ends.
#[test]
#[ignore = "started by another test as a process of its own"]
fn child_that_takes_the_lease() {
    let Some(store) = std::env::var_os("PITON_TEST_STORE") else {
        return;
    };
    let store = SqliteStore::open(Path::new(&store)).unwrap();
    let word = match block_on(acquire(&store)) {
        Ok(lease) => format!("fence {}", lease.fence),
        Err(StoreError::Held { by, .. }) => format!("held by {}", by.pid),
        Err(error) => format!("{error}"),
    };
    // Past the test harness, which captures what is printed.
    fs::write(std::env::var("PITON_TEST_ANSWER").unwrap(), word).unwrap();
    let _ = std::io::stdin().read_line(&mut String::new());
}

struct Child {
    process: std::process::Child,
    answer: PathBuf,
}

impl Child {
    fn start(scratch: &Scratch, test: &str, name: &str) -> Child {
        let answer = scratch.0.join(name);
        let process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                &format!("store::{test}"),
                "--ignored",
                "--nocapture",
            ])
            .env("PITON_TEST_STORE", scratch.path())
            .env("PITON_TEST_ANSWER", &answer)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Child { process, answer }
    }

    fn answer(&self) -> String {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            match fs::read_to_string(&self.answer) {
                Ok(text) if !text.is_empty() => return text,
                _ => assert!(
                    std::time::Instant::now() < deadline,
                    "the child does not answer"
                ),
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn of_two_processes_one_gets_the_lease_and_after_its_death_another_does_at_once() {
    let scratch = Scratch::new();
    let store = scratch.open();
    block_on(create(&store));
    let (one, two) = (
        Child::start(&scratch, "child_that_takes_the_lease", "one"),
        Child::start(&scratch, "child_that_takes_the_lease", "two"),
    );
    let (winner, loser) = match (one.answer().as_str(), two.answer().as_str()) {
        ("fence 1", held) if held == format!("held by {}", one.process.id()) => (one, two),
        (held, "fence 1") if held == format!("held by {}", two.process.id()) => (two, one),
        other => panic!("{other:?}"),
    };
    loser.kill();
    let held = block_on(acquire(&store));
    assert!(matches!(held, Err(StoreError::Held { by, .. }) if by.pid == winner.process.id()));
    let pid = winner.process.id();
    winner.kill();
    let lease = block_on(acquire(&store)).unwrap();
    assert_eq!(
        (lease.fence, lease.taken_from.map(|owner| owner.pid)),
        (2, Some(pid))
    );
}

/// The process of the test below: commits batches, and says after each one what the store has acknowledged.
#[test]
#[ignore = "started by another test as a process of its own"]
fn child_that_commits() {
    let Some(store) = std::env::var_os("PITON_TEST_STORE") else {
        return;
    };
    let store = SqliteStore::open(Path::new(&store)).unwrap();
    block_on(async {
        let lease = acquire(&store).await.unwrap();
        let mut head = store.load(&run_id()).await.unwrap().head;
        let mut said = fs::File::create(std::env::var("PITON_TEST_ANSWER").unwrap()).unwrap();
        for number in 1.. {
            let before = head;
            commit(&store, &lease, before, &batch(&mut head, number, 3)).await;
            writeln!(said, "{}", head.seq).unwrap();
        }
    });
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let scratch = Scratch::new();
    block_on(create(&scratch.open()));
    let mut last = 1;
    for round in 1..=8 {
        let child = Child::start(&scratch, "child_that_commits", &format!("round {round}"));
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        // Killed at another moment each time, but never before it has committed something.
        let acknowledged = || -> Vec<u64> {
            let said = fs::read_to_string(&child.answer).unwrap_or_default();
            let whole = said.rfind('\n').map_or("", |end| &said[..end]);
            whole.lines().map(|line| line.parse().unwrap()).collect()
        };
        while acknowledged().len() < round * 5 {
            assert!(
                std::time::Instant::now() < deadline,
                "the child does not commit"
            );
            std::thread::yield_now();
        }
        let answer = child.answer.clone();
        child.kill();
        let said = fs::read_to_string(answer).unwrap();
        let acknowledged: u64 = said.lines().last().unwrap().parse().unwrap();
        let found = block_on(survivors(&scratch.path())).unwrap().unwrap();
        assert!(
            found.seq >= acknowledged,
            "{acknowledged} was acknowledged, {found:?} is there"
        );
        assert!(
            found.seq <= acknowledged + 3,
            "more than one commit was not acknowledged"
        );
        assert_eq!((found.seq - last) % 3, 0, "half a batch is there");
        last = found.seq;
    }
}

/// Copies a store that is in use, as a power cut would leave it.
fn copy(from: &Path, to: &Path, log: &[u8]) {
    fs::copy(from, to).unwrap();
    let _ = fs::remove_file(to.with_file_name("copy.db-shm"));
    fs::write(to.with_file_name("copy.db-wal"), log).unwrap();
}

/// What is left of the run, its chain verified.
async fn survivors(path: &Path) -> Result<Option<Head>, StoreError> {
    let store = SqliteStore::open(path)?;
    let loaded = match store.load(&run_id()).await {
        Err(StoreError::NoSuchRun { .. }) => return Ok(None),
        loaded => loaded?,
    };
    let mut prev = Digest::ZERO;
    for (record, seq) in loaded.records.iter().zip(1..) {
        record.verify(seq, prev).unwrap();
        prev = record.hash;
    }
    assert_eq!(
        loaded.head,
        Head {
            seq: loaded.records.len() as u64,
            hash: prev
        }
    );
    Ok(Some(loaded.head))
}

#[tokio::test(flavor = "current_thread")]
async fn a_torn_log_loses_no_half_of_a_batch() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let path = scratch.path();
    let log_path = path.with_file_name("runs.db-wal");
    let mut head = create(&store).await;
    let lease = acquire(&store).await.unwrap();
    // The head after each batch, with the length of the log at which it was durable.
    let mut heads = vec![(fs::metadata(&log_path).unwrap().len(), head)];
    for number in 1..=12 {
        let before = head;
        commit(
            &store,
            &lease,
            before,
            &batch(&mut head, number * 7, number % 5 + 1),
        )
        .await;
        heads.push((fs::metadata(&log_path).unwrap().len(), head));
    }
    let log = fs::read(&log_path).unwrap();
    let copied = scratch.0.join("copy.db");
    let durable_at = |length: u64| {
        heads
            .iter()
            .rev()
            .find(|(needed, _)| *needed <= length)
            .map(|(_, head)| *head)
    };
    let mut lost = 0;
    for cut in (0..=log.len())
        .step_by(7919)
        .chain([log.len() - 1, log.len()])
    {
        copy(&path, &copied, &log[..cut]);
        let found = survivors(&copied).await.unwrap();
        if let Some(durable) = durable_at(cut as u64) {
            assert_eq!(found, Some(durable), "cut at {cut}");
            lost += usize::from(durable != head);
        }
    }
    assert!(lost > 5, "the cuts hit nothing: {lost}");
    for flipped in (0..log.len()).step_by(11_003) {
        let mut torn = log.clone();
        torn[flipped] ^= 0x41;
        copy(&path, &copied, &torn);
        // All that was durable before the place of the damage is there, and whole batches only.
        let found = survivors(&copied).await.unwrap();
        let durable = durable_at(flipped as u64).map_or(0, |head| head.seq);
        let known = found.is_none_or(|found| heads.iter().any(|(_, head)| *head == found));
        assert!(known, "flipped at {flipped}: {found:?}");
        assert!(
            found.map_or(0, |found| found.seq) >= durable,
            "flipped at {flipped}: {found:?}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_database_cut_short_is_damage_that_is_named() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut head = create(&store).await;
    let lease = acquire(&store).await.unwrap();
    for number in 1..=40 {
        let before = head;
        commit(&store, &lease, before, &batch(&mut head, number, 3)).await;
    }
    let path = scratch.path();
    scratch
        .location()
        .run_directory(&run_id())
        .create()
        .unwrap();
    drop(store);
    let whole = fs::read(&path).unwrap();
    assert!(
        !path.with_file_name("runs.db-wal").exists(),
        "the log was not written back"
    );
    for length in [
        0,
        5,
        50,
        99,
        100,
        600,
        4095,
        4096,
        5000,
        whole.len() / 2,
        whole.len() - 4096,
    ] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = survivors(&path).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Corrupt { .. }),
            "cut to {length}: {error:?}"
        );
        let message = error.to_string();
        assert!(
            message.contains("runs.db") && message.contains("--store"),
            "{message}"
        );
        assert_eq!(
            fs::read(&path).unwrap(),
            &whole[..length],
            "cut to {length}: it was changed"
        );
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(survivors(&path).await.unwrap(), Some(head));
}

#[tokio::test(flavor = "current_thread")]
async fn noise_in_the_database_is_an_error_or_harmless() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut head = create(&store).await;
    let lease = acquire(&store).await.unwrap();
    for number in 1..=20 {
        let before = head;
        commit(&store, &lease, before, &batch(&mut head, number, 3)).await;
    }
    let path = scratch.path();
    drop(store);
    let whole = fs::read(&path).unwrap();
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..60 {
        let mut damaged = whole.clone();
        for _ in 0..40 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let at = usize::try_from(noise >> 8).unwrap() % damaged.len();
            damaged[at] = noise as u8;
        }
        fs::write(&path, &damaged).unwrap();
        for side in ["runs.db-wal", "runs.db-shm"] {
            let _ = fs::remove_file(path.with_file_name(side));
        }
        // What matters is that nothing here panics; a changed record is the audit's to find.
        if let Ok(store) = SqliteStore::open(&path) {
            let _ = store
                .load(&run_id())
                .await
                .map(|loaded| loaded.records.len());
            let _ = store.runs(&RunFilter::default()).await;
            let _ = acquire(&store).await;
            let _ = store.inbox(&run_id()).await;
        }
    }
}

#[test]
fn what_is_not_a_store_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    let text = scratch.0.join("notes.txt");
    fs::write(&text, "remember the milk\n".repeat(100)).unwrap();
    let foreign = scratch.0.join("foreign.db");
    rusqlite::Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    for path in [text, foreign, scratch.0.clone()] {
        let before = fs::read(&path).ok();
        let error = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::NotAStore { .. }), "{error:?}");
        let message = error.to_string();
        assert!(
            message.contains(path.to_str().unwrap()) && message.contains("--store"),
            "{message}"
        );
        assert_eq!(fs::read(&path).ok(), before);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let scratch = Scratch::new();
    let file = scratch.0.join("file");
    fs::File::create(&file).unwrap().write_all(b"x").unwrap();
    let mut places = vec![file.join("runs.db"), PathBuf::from("/proc/nowhere/runs.db")];
    let closed = scratch.0.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    // Permissions do not stop root.
    if fs::File::create(closed.join("probe")).is_err() {
        places.push(closed.join("runs.db"));
        places.push(closed.join("deeper/runs.db"));
    }
    for place in places {
        let error = SqliteStore::open(&place).unwrap_err();
        assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(place.to_str().unwrap()), "{message}");
        assert!(
            message.contains("PITON_STORE") && message.contains("piton resume"),
            "{message}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_ring_wakes_the_engine_however_deep_its_directory() {
    let scratch = Scratch::new();
    let deep = scratch
        .0
        .join("d".repeat(90))
        .join("e".repeat(90))
        .join("runs.db");
    let directory = Location::Sqlite(deep).run_directory(&run_id());
    assert!(
        !wake::ring(&directory).unwrap(),
        "a directory that is not there"
    );
    directory.create().unwrap();
    assert!(!wake::ring(&directory).unwrap(), "nobody listens");
    let first = WakeSocket::bind(&directory).unwrap();
    let mode = fs::metadata(directory.wake_socket())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    for _ in 0..2000 {
        assert!(
            wake::ring(&directory).unwrap(),
            "also when the queue is full"
        );
    }
    soon(first.rung()).await.unwrap();
    assert!(soon(first.rung()).await.is_err(), "many rings count as one");
    // An engine that takes over takes the place, and the old one's end does not take it away again.
    let second = WakeSocket::bind(&directory).unwrap();
    drop(first);
    assert!(wake::ring(&directory).unwrap());
    soon(second.rung()).await.unwrap();
    drop(second);
    assert!(!directory.wake_socket().exists());
    assert!(!wake::ring(&directory).unwrap());
}

#[tokio::test(flavor = "current_thread")]
async fn the_socket_of_a_dead_engine_is_no_obstacle() {
    let scratch = Scratch::new();
    let directory = scratch.location().run_directory(&run_id());
    directory.create().unwrap();
    drop(std::os::unix::net::UnixDatagram::bind(directory.wake_socket()).unwrap());
    assert!(!wake::ring(&directory).unwrap());
    let socket = WakeSocket::bind(&directory).unwrap();
    assert!(wake::ring(&directory).unwrap());
    soon(socket.rung()).await.unwrap();
}

/// What is ready by now, or an error: a ring has arrived when `ring` returns.
async fn soon<T>(future: impl Future<Output = T>) -> Result<T, tokio::time::error::Elapsed> {
    tokio::time::timeout(Duration::from_millis(200), future).await
}

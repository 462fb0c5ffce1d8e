//! A run's directory, launches, and waiting for conditions.

use piton_core::id::{AttemptId, Purpose};
use piton_core::plan::NodeIndex;
use piton_core::time::Millis;
use piton_runtime::keeper::output::{LogLine, Stream};
use piton_runtime::keeper::{Ended, Executable, Keeper, KeeperDir, Launch, Status};
use rustix::process::{Pid, Signal, kill_process};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Far longer than anything here takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A directory of a run that goes away, with its keeper, at the end of the test.
pub struct Run {
    pub dir: KeeperDir,
    base: PathBuf,
}

impl Run {
    pub fn new() -> Run {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let base =
            std::env::temp_dir().join(format!("piton-keeper-{}-{number}", std::process::id()));
        // The name is the run's id: never that of another test.
        let dir = KeeperDir::new(base.join(format!("run-{}-{number}", std::process::id())));
        std::fs::create_dir_all(dir.path()).expect("a directory for the test");
        Run { dir, base }
    }

    pub async fn keeper(&self, fence: u64) -> Keeper {
        Keeper::attach_or_start(&self.dir, fence, &executable())
            .await
            .expect("a keeper")
    }

    /// A file for steps to write to.
    pub fn file(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    pub fn shell(&self, number: u32, script: &str) -> Launch {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let mut launch = Launch::new(attempt(number), argv, self.base.clone());
        launch
            .env
            .insert("PATH".into(), std::env::var("PATH").expect("a PATH"));
        launch.deadline_in = Some(Millis(60_000));
        launch.grace = Millis(2_000);
        launch
    }

    pub fn stdout(&self, number: u32) -> Vec<u8> {
        self.dir
            .read_stdout(attempt(number))
            .expect("readable output")
    }

    /// The text of one stream in the log, lines put together again.
    pub fn log_of(&self, number: u32, stream: Stream) -> Vec<u8> {
        let bytes = std::fs::read(self.dir.output_log(attempt(number))).unwrap_or_default();
        let mut text = Vec::new();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let line = LogLine::parse(line).expect("a line of the log");
            if line.stream == stream {
                text.extend_from_slice(line.text);
                if !line.continues {
                    text.push(b'\n');
                }
            }
        }
        text
    }

    pub fn write_log(&self, text: &str) {
        std::fs::write(self.dir.log(), text).expect("a log");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Only if the test failed is a keeper left that somebody has to end; it is known by its directory.
        let own = |pid: i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.ends_with(&[self.dir.path().as_os_str().as_encoded_bytes(), b"\0"].concat())
        };
        let pids = std::fs::read_dir("/proc").into_iter().flatten();
        pids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|&pid| own(pid))
            .for_each(kill9);
        let _best_effort = std::fs::remove_dir_all(&self.base);
    }
}

pub fn executable() -> Executable {
    Executable {
        program: PathBuf::from(env!("CARGO_BIN_EXE_piton-keeper-for-tests")),
        args: Vec::new(),
    }
}

pub fn attempt(number: u32) -> AttemptId {
    AttemptId {
        node: NodeIndex(0),
        pass: 1,
        purpose: Purpose::Do,
        number,
    }
}

pub fn in_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}

/// Starts an attempt and waits for the end of it.
pub async fn outcome(keeper: &Keeper, launch: Launch) -> Ended {
    let id = launch.attempt;
    keeper.start(launch).await.expect("asked");
    end_of(keeper, id).await
}

pub async fn end_of(keeper: &Keeper, id: AttemptId) -> Ended {
    let told = tokio::time::timeout(PATIENCE, keeper.ended())
        .await
        .expect("in time")
        .expect("told");
    assert_eq!(told.0, id);
    told.1
}

pub fn exited(code: i32) -> Ended {
    Ended::with(Status::Exited(code))
}

pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < give_up, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The process ids that a step wrote to a file, one a line, once there are this many.
pub async fn pids_in(file: &Path, count: usize) -> Vec<i32> {
    let read = || -> Vec<i32> {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole
            .lines()
            .filter_map(|line| line.trim().parse().ok())
            .collect()
    };
    until("the step has written its process ids", || {
        read().len() >= count
    })
    .await;
    read()
}

pub fn kill9(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _gone_already = kill_process(pid, Signal::KILL);
    }
}

/// Whether the process exists and is not a zombie.
pub fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

//! A store of its own for each test, and `piton` on it.

pub mod account;
pub mod api;
pub mod collector;
pub mod history;
pub mod line;
pub mod operator;
pub mod postgres;
pub mod scratch;
pub mod server;
pub mod site;
pub mod snapshot;
pub mod standins;
pub mod team;

use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long anything may take that should take next to no time; generous, because the machine may be busy.
pub const SOON: Duration = Duration::from_secs(30);

/// A folder of its own with a store in it. Removed at the end, and with it ends what was started in it.
pub struct Place {
    pub dir: PathBuf,
    /// Whether `piton` runs as the account that clusters belong to.
    pub beside_postgres: bool,
    /// What else `piton` finds in its environment.
    pub settings: Vec<(String, OsString)>,
}

impl Place {
    pub fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("piton-e2e-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a temporary folder");
        Place {
            dir,
            beside_postgres: false,
            settings: Vec::new(),
        }
    }

    pub fn store(&self) -> String {
        format!("sqlite:{}", self.dir.join("store.db").display())
    }

    /// Writes a file and gives its path.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.join(name);
        std::fs::write(&path, text).expect("a writable temporary folder");
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.join(name)).unwrap_or_default()
    }

    /// `piton` with these arguments, this store, and nobody at a terminal.
    pub fn piton<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = if self.beside_postgres {
            account::account().command(account::piton())
        } else {
            Command::new(env!("CARGO_BIN_EXE_piton"))
        };
        command
            .args(arguments)
            .env("PITON_STORE", self.store())
            .env("XDG_STATE_HOME", self.dir.join("state"))
            .env("NO_COLOR", "1")
            .env_remove("PITON_LOG")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ended {
        let output = self.piton(arguments).output().expect("piton starts");
        Ended::from(output)
    }

    pub fn spawn<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Child {
        self.piton(arguments).spawn().expect("piton starts")
    }

    pub fn json<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Value {
        let ended = self.run(arguments);
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}\n{ended:?}"))
    }

    /// The id of the newest run.
    pub fn last_run(&self) -> String {
        let runs = self.json(["runs", "--json"]);
        runs[0]["id"].as_str().expect("a run").to_owned()
    }

    /// The state word of the newest run.
    pub fn state(&self) -> String {
        let runs = self.json(["runs", "--json"]);
        runs[0]["state"].as_str().unwrap_or("none").to_owned()
    }

    /// `piton` that dies, as with `kill -9`, right after this record is durable and before anything follows from it.
    pub fn dies_after<S: AsRef<OsStr>>(
        &self,
        record: usize,
        arguments: impl IntoIterator<Item = S>,
    ) -> Ended {
        let mut command = self.piton(arguments);
        command.env("PITON_TEST_DIE_AFTER_RECORD", record.to_string());
        let ended = Ended::from(command.output().expect("piton starts"));
        assert_eq!(ended.code, None, "it should have died: {ended:?}");
        ended
    }

    /// What is written down about a run, in order.
    pub fn records(&self, run: &str) -> Vec<Written> {
        let store = rusqlite::Connection::open(self.dir.join("store.db")).expect("the store");
        let mut rows = store
            .prepare(
                "select record.at, record.body from record join run on run.number = record.run \
                 where run.id = ?1 order by record.seq",
            )
            .expect("the table of records");
        let rows = rows.query_map([run], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)));
        rows.expect("rows")
            .map(|row| {
                let (at, body) = row.expect("a record");
                let body: Value = serde_json::from_str(&body).expect("JSON");
                let fact = body["fact"].clone();
                Written { at, fact }
            })
            .collect()
    }

    /// The records of a run that are of this kind.
    pub fn facts(&self, run: &str, kind: &str) -> Vec<Value> {
        let records = self.records(run).into_iter();
        records
            .map(|record| record.fact)
            .filter(|fact| fact["is"] == kind)
            .collect()
    }

    /// Process ids of keepers of this place's store.
    pub fn keepers(&self) -> Vec<u32> {
        // With the slash, because the name of one place may begin with that of another.
        let folder = format!("{}/", self.dir.display());
        processes(|command_line| {
            command_line.contains("__keeper") && command_line.contains(&folder)
        })
    }

    /// Process ids of those who stay with runs of this place's store while people are called.
    pub fn attendants(&self) -> Vec<u32> {
        // Where the store is not named on the command line, the environment says whose it is.
        let folder = format!("{}/", self.dir.display());
        let mut attendants = processes(|command_line| command_line.contains("__attend"));
        attendants.retain(|pid| {
            ["cmdline", "environ"].iter().any(|file| {
                let text = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                String::from_utf8_lossy(&text).contains(&folder)
            })
        });
        attendants
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for pid in self.attendants().into_iter().chain(self.keepers()) {
            kill(pid, "KILL");
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A record, as it is stored.
#[derive(Clone, Debug)]
pub struct Written {
    /// When, in milliseconds since 1970. What is committed together has the same time.
    pub at: i64,
    /// What happened.
    pub fact: Value,
}

impl Written {
    /// What kind of thing happened.
    pub fn kind(&self) -> &str {
        self.fact["is"].as_str().unwrap_or_default()
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ended {
    #[track_caller]
    pub fn expect(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.without_panic()
    }

    #[track_caller]
    pub fn without_panic(self) -> Ended {
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }

    #[track_caller]
    pub fn says(self, what: &str) -> Ended {
        assert!(
            self.stdout.contains(what) || self.stderr.contains(what),
            "no `{what}` in {self:?}"
        );
        self
    }
}

/// Waits until it is true, and fails after a while.
#[track_caller]
pub fn until(what: &str, mut true_now: impl FnMut() -> bool) {
    let began = Instant::now();
    while !true_now() {
        assert!(began.elapsed() < SOON, "{what}: not within {SOON:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Process ids whose command line is like this.
pub fn processes(like: impl Fn(&str) -> bool) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if like(&line) {
            found.push(pid);
        }
    }
    found
}

pub fn kill(pid: u32, signal: &str) {
    let _ = Command::new("kill")
        .args([&format!("-{signal}"), &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

/// A repeatable source of chance; the seed is printed by the tests that use it.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A chain of steps, each of which says when it starts and when it is done, in files of `dir`.
pub fn chain(steps: usize, sleep: &str, dir: &Path) -> String {
    let mut text = format!(
        "runbook chain {{\n  timeout = 1m\n  dir = \"{}\"\n",
        dir.display()
    );
    for step in 0..steps {
        let _ = writeln!(
            text,
            "  step s{step} {{ run = \"echo s{step} >> started; sleep {sleep}; echo s{step} >> done\"  effect = abandoned(\"a test\") }}"
        );
    }
    text + "}\n"
}

/// The repository's top folder.
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

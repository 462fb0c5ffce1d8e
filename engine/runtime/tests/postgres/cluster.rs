//! A throwaway Postgres server: its own folder, its own port, gone when dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The role that owns it and needs no password.
pub const OWNER: &str = "owner";

/// A running server.
pub struct Cluster {
    pub dir: PathBuf,
    pub port: u16,
    settings: String,
    server: Child,
}

/// Where the server's programs are: `PITON_TEST_PG_BIN`, else where Debian keeps the newest, else on PATH.
fn programs() -> PathBuf {
    if let Some(given) = std::env::var_os("PITON_TEST_PG_BIN") {
        return given.into();
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let mut versions: Vec<(u32, PathBuf)> = versions
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let debian = versions.into_iter().rev().map(|(_, folder)| folder);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = debian
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").exists());
    found.expect("initdb: install PostgreSQL, or say where it is with PITON_TEST_PG_BIN")
}

fn number(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// Who the server runs as, since it refuses to be root: `None` for who runs the tests.
fn account() -> Option<(u32, u32)> {
    if number(&["-u"]) != Some(0) {
        return None;
    }
    let of = |name: &&str| Some((number(&["-u", name])?, number(&["-g", name])?));
    Some(
        ["postgres", "nobody"]
            .iter()
            .find_map(of)
            .expect("an account other than root"),
    )
}

/// A program of the server's, as its account.
fn command(program: &str) -> Command {
    let program = programs().join(program);
    let mut command = Command::new("setpriv");
    // The server ends with the test, however that ends.
    command.args(["--pdeathsig", "QUIT"]);
    if let Some((user, group)) = account() {
        command.args([
            format!("--reuid={user}"),
            format!("--regid={group}"),
            "--clear-groups".into(),
        ]);
    }
    command
        .arg(program)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// Gives a file to the server's account.
pub fn give(path: &Path) {
    if let Some((user, group)) = account() {
        std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn launch(dir: &Path, port: u16, settings: &str) -> Child {
    let mut server = command("postgres");
    server
        .arg("-D")
        .arg(dir.join("data"))
        .args(["-p", &port.to_string(), "-k"])
        .arg(dir);
    for setting in [
        "fsync=off",
        "listen_addresses=127.0.0.1",
        "max_connections=20",
        "timezone=UTC",
    ] {
        server.args(["-c", setting]);
    }
    for setting in settings.split_whitespace() {
        server.args(["-c", setting]);
    }
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"));
    server.stderr(log.unwrap()).spawn().unwrap()
}

impl Cluster {
    /// A server that lets everybody in.
    pub fn start() -> Cluster {
        Cluster::with("", |_| {})
    }

    /// A server with more settings, in whose data folder `prepare` may put something before it starts.
    pub fn with(settings: &str, prepare: impl FnOnce(&Path)) -> Cluster {
        let dir = std::env::temp_dir().join(piton_runtime::store::new_run_id("piton-postgres").0);
        std::fs::create_dir_all(&dir).unwrap();
        give(&dir);
        let data = dir.join("data");
        let made = command("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", OWNER, "-A", "trust", "-N", "-E", "UTF8", "--locale=C"])
            .status();
        assert!(made.unwrap().success(), "initdb");
        prepare(&data);
        let port = free_port();
        let server = launch(&dir, port, settings);
        let settings = settings.to_owned();
        let mut cluster = Cluster {
            dir,
            port,
            settings,
            server,
        };
        cluster.wait();
        cluster
    }

    /// Starts it again after a crash, at the same address with the same data.
    pub fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.dir.join("data/postmaster.pid"));
        self.server = launch(&self.dir, self.port, &self.settings);
        self.wait();
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let ready = |dir: &Path| {
            let pid = std::fs::read_to_string(dir.join("data/postmaster.pid"));
            pid.is_ok_and(|text| {
                text.lines()
                    .nth(7)
                    .is_some_and(|line| line.trim() == "ready")
            })
        };
        while !ready(&self.dir) {
            let ended = self.server.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its URL, on TCP.
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// Its URL through another port.
    pub fn url_at(&self, port: u16) -> String {
        format!("postgresql://{OWNER}@127.0.0.1:{port}/postgres")
    }

    /// Ends it as a power cut does.
    pub fn crash(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.server);
        // It may have ended already.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        self.server.wait().unwrap();
    }

    /// What the server wrote.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.crash();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

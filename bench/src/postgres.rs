//! A chain with its store on Postgres, against what that server takes for as many commits.
//!
//! The server is a throwaway one with the settings that it comes with, `fsync` on. The floor of a step is the same process
//! spawned and waited for by this program, and one `insert` of a row that commits by itself, all of them sent by one
//! `psql`, one after another, over a socket.

use super::{Outcome, chain, rounds_of, timed};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How many steps the chain has.
const STEPS: usize = 200;

/// How long the server may take until it takes connections.
const STARTING: Duration = Duration::from_secs(60);

/// Measures it and prints the figures; says so where there is no Postgres.
pub fn postgres(dir: &Path, piton: &Path, rounds: usize) -> Outcome<()> {
    let Some(programs) = programs() else {
        println!("postgres: skipped, there is no initdb; PITON_TEST_PG_BIN says where it is");
        return Ok(());
    };
    let server = Server::start(&programs, dir)?;
    server.psql("create table floor (seq bigserial primary key, body text)")?;
    let file = dir.join("chain-postgres.runbook");
    fs::write(&file, chain(STEPS))?;
    let inserts = dir.join("inserts.sql");
    let mut text = String::new();
    for _ in 0..STEPS {
        let body = "x".repeat(1024);
        let _ = writeln!(text, "insert into floor (body) values ('{body}');");
    }
    fs::write(&inserts, text)?;
    let floor = || server.floor(&inserts);
    let ours = || {
        let mut command = Command::new(piton);
        command
            .arg("run")
            .arg(&file)
            .env("PITON_STORE", server.url())
            .env("XDG_STATE_HOME", dir.join("state"))
            .env_remove("PITON_LOG");
        timed(&mut command)
    };
    let figures = rounds_of(rounds, floor, ours)?;
    figures.print(
        &format!("chain of {STEPS} on Postgres"),
        STEPS,
        "spawn + wait + committed insert, each step",
    );
    Ok(())
}

/// Where the server's programs are.
fn programs() -> Option<PathBuf> {
    let given = std::env::var_os("PITON_TEST_PG_BIN").map(PathBuf::from);
    let versions = fs::read_dir("/usr/lib/postgresql");
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
    let path = std::env::var_os("PATH").unwrap_or_default();
    given
        .into_iter()
        .chain(versions.into_iter().rev().map(|(_, folder)| folder))
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").exists())
}

/// A server that ends with this program.
struct Server {
    programs: PathBuf,
    dir: PathBuf,
    process: Child,
}

impl Server {
    fn start(programs: &Path, parent: &Path) -> Outcome<Server> {
        let dir = parent.join("postgres");
        fs::create_dir(&dir)?;
        let account = account()?;
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(&dir, Some(user), Some(group))?;
        }
        let command = |program: &str| {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "QUIT"]);
            if let Some((user, group)) = account {
                command.args([format!("--reuid={user}"), format!("--regid={group}")]);
                command.arg("--clear-groups");
            }
            command
                .arg(programs.join(program))
                .current_dir("/")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        };
        let data = dir.join("data");
        let made = command("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C"])
            .status()?;
        if !made.success() {
            return Err("initdb failed".into());
        }
        let process = command("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=", "-k"])
            .arg(&dir)
            .spawn()?;
        let mut server = Server {
            programs: programs.to_owned(),
            dir,
            process,
        };
        server.wait(&data)?;
        Ok(server)
    }

    fn wait(&mut self, data: &Path) -> Outcome<()> {
        let began = Instant::now();
        let is_ready = || {
            let pid = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            pid.lines()
                .nth(7)
                .is_some_and(|line| line.trim() == "ready")
        };
        while !is_ready() {
            if self.process.try_wait()?.is_some() || began.elapsed() > STARTING {
                return Err("the server does not start".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn url(&self) -> String {
        format!(
            "postgres:///postgres?user=bench&host={}",
            self.dir.display()
        )
    }

    fn client(&self) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "bench",
            "-d",
            "postgres",
            "-h",
        ])
        .arg(&self.dir)
        .stdout(Stdio::null());
        psql
    }

    fn psql(&self, sql: &str) -> Outcome<()> {
        timed(self.client().args(["-c", sql])).map(drop)
    }

    /// Spawns, waits and commits once a step.
    fn floor(&self, inserts: &Path) -> Outcome<Duration> {
        let began = Instant::now();
        for _ in 0..STEPS {
            let mut step = Command::new("sh");
            let status = step.args(["-c", ":"]).stdin(Stdio::null()).status()?;
            if !status.success() {
                return Err("`sh -c :` failed".into());
            }
        }
        let spawned = began.elapsed();
        Ok(spawned + timed(self.client().arg("-f").arg(inserts))?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its folder goes with it.
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        let _ = self.process.wait();
    }
}

/// Who the server runs as, since it refuses to be root: `None` for who runs this.
fn account() -> Outcome<Option<(u32, u32)>> {
    let number = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    };
    if number(&["-u"]) != Some(0) {
        return Ok(None);
    }
    let of = |name: &&str| Some((number(&["-u", name])?, number(&["-g", name])?));
    let found = ["postgres", "nobody"].iter().find_map(of);
    found
        .map(Some)
        .ok_or_else(|| "no account other than root".into())
}

//! Throwaway Postgres clusters: real servers on free ports, with WAL archiving if asked, gone when dropped.

use super::account::account;
use super::scratch::scratch;
use super::{Ended, kill, until};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// The role that owns a cluster, without a password on its socket.
pub const SUPERUSER: &str = "postgres";

/// Where `initdb`, `pg_ctl` and `postgres` are: `PITON_TEST_PG_BIN`, else where Debian keeps the newest, else on PATH.
pub fn pg_bin() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let given = std::env::var_os("PITON_TEST_PG_BIN").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        given
            .into_iter()
            .chain(debian())
            .chain(std::env::split_paths(&path))
            .find(|folder| folder.join("initdb").exists())
            .expect("initdb: install PostgreSQL, or say where it is with PITON_TEST_PG_BIN")
    })
}

fn debian() -> Vec<PathBuf> {
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
    versions
        .into_iter()
        .rev()
        .map(|(_, folder)| folder)
        .collect()
}

/// A port of 127.0.0.1 that nobody listens on; below those that the system gives to outgoing connections.
pub fn free_port() -> u16 {
    const FIRST: u16 = 17_000;
    const COUNT: u16 = 15_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two test binaries at once begin at different places.
    let start = u16::try_from(std::process::id() % 1000).expect("below 1000") * 15;
    for _ in 0..COUNT {
        let offset = (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        let port = FIRST + offset;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

/// An empty cluster, made once and copied from then on.
fn template() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch().join("template");
        account().folder(&folder);
        let data = folder.join("data");
        let password = folder.join("password");
        account().file(&password, "super-secret\n");
        let mut initdb = account().command(pg_bin().join("initdb"));
        // Segments of 1 MiB: an archive of sixteens is mostly zeros, and there are many tests.
        initdb.arg("-D").arg(&data).args(["-U", SUPERUSER, "--auth-local=trust", "--auth-host=scram-sha-256"]);
        initdb.arg("--pwfile").arg(&password);
        initdb.args(["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions", "--wal-segsize=1"]);
        done(&mut initdb);
        append(
            &data.join("postgresql.conf"),
            "listen_addresses = '127.0.0.1'\nfsync = off\nshared_buffers = 8MB\nmax_connections = 20\n\
             max_wal_senders = 4\nmax_parallel_workers = 0\nautovacuum_naptime = 1h\nmin_wal_size = 8MB\n\
             max_wal_size = 256MB\nlog_line_prefix = '%m [%p] '\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n",
        );
        data
    })
}

/// Runs a program of the test ground, which has to do well.
#[track_caller]
pub fn done(mut command: impl std::borrow::BorrowMut<Command>) -> Ended {
    let command = command.borrow_mut();
    let output = command.stdin(Stdio::null()).output();
    let ended = Ended::from(output.unwrap_or_else(|error| panic!("{command:?}: {error}")));
    assert_eq!(ended.code, Some(0), "{command:?}: {ended:?}");
    ended
}

/// Copies a folder as it is: owners, times, modes.
pub fn copy(from: &Path, to: &Path) {
    done(Command::new("cp").arg("-a").arg(from).arg(to));
}

fn append(file: &Path, text: &str) {
    let mut whole = std::fs::read_to_string(file).expect("a configuration file");
    whole.push_str(text);
    std::fs::write(file, whole).expect("a configuration file");
}

/// Where a primary sends its WAL, and with what.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The folder that is the archive, `WALG_FILE_PREFIX`.
    pub folder: PathBuf,
    /// Where `wal-g` is.
    pub programs: PathBuf,
    /// Where `wal-g` notes what it was asked.
    pub log: PathBuf,
}

/// A server, or what one left: a data directory, a folder for its socket, a port. Stopped when dropped.
#[derive(Debug)]
pub struct Cluster {
    pub data: PathBuf,
    /// Where its socket is, which lets every local user in as every role.
    pub sockets: PathBuf,
    pub port: u16,
    archive: Option<Archive>,
}

impl Cluster {
    /// An empty cluster in this folder, not started.
    pub fn new(folder: &Path, archive: Option<Archive>) -> Cluster {
        Cluster::of(template(), folder, archive)
    }

    /// A copy of a data directory that no server uses, in this folder, not started.
    pub fn of(data: &Path, folder: &Path, archive: Option<Archive>) -> Cluster {
        account().folder(folder);
        copy(data, &folder.join("data"));
        let cluster = Cluster::at(folder, free_port(), archive);
        cluster.configure(&format!("port = {}", cluster.port));
        cluster.configure(&format!(
            "unix_socket_directories = '{}'",
            cluster.sockets.display()
        ));
        if cluster.archive.is_some() {
            cluster.configure("archive_mode = on");
            cluster.configure("archive_command = 'wal-g wal-push \"%p\"'");
        }
        cluster
    }

    /// One that somebody else made in this folder, with its data in `data` and its socket in `sockets`.
    pub fn at(folder: &Path, port: u16, archive: Option<Archive>) -> Cluster {
        let (data, sockets) = (folder.join("data"), folder.join("sockets"));
        account().folder(&sockets);
        Cluster {
            data,
            sockets,
            port,
            archive,
        }
    }

    /// Adds a line to its configuration, for the next start.
    pub fn configure(&self, line: &str) {
        append(&self.data.join("postgresql.conf"), &format!("{line}\n"));
    }

    /// Starts the server and waits until it takes connections.
    pub fn start(&self) {
        let mut pg_ctl = self.pg_ctl(&["start", "-w", "-t", "60"]);
        let log = self.log_path();
        pg_ctl.arg("-l").arg(&log);
        let output = pg_ctl
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .expect("pg_ctl");
        let log = std::fs::read_to_string(log).unwrap_or_default();
        assert!(output.success(), "the server does not start: {log}");
    }

    /// Stops it cleanly: its last WAL is archived, and its files stay as they are.
    pub fn stop(&self) {
        done(&mut self.pg_ctl(&["stop", "-w", "-m", "fast"]));
    }

    /// Ends it at once, as a crash does. The next start recovers.
    pub fn crash(&self) {
        end(&self.data);
    }

    /// What the server wrote to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.sockets.join("server.log")
    }

    fn pg_ctl(&self, arguments: &[&str]) -> Command {
        let mut command = account().command(pg_bin().join("pg_ctl"));
        command.arg("-D").arg(&self.data).args(arguments);
        if let Some(archive) = &self.archive {
            archive.environment(&mut command);
        }
        command
    }

    /// Whether a server runs on this data directory.
    pub fn runs(&self) -> bool {
        server(&self.data).is_some()
    }

    /// Runs SQL as the superuser, in one session, up to the first error; what it printed, fields parted by `|`.
    #[track_caller]
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let ended = done(&mut self.psql_command(database, sql));
        ended.stdout.trim_end().to_owned()
    }

    /// The same, for SQL that may fail.
    pub fn try_psql(&self, database: &str, sql: &str) -> Ended {
        let output = self.psql_command(database, sql).output();
        Ended::from(output.expect("psql"))
    }

    /// Runs a file of SQL.
    #[track_caller]
    pub fn psql_file(&self, database: &str, file: &Path) {
        let mut command = self.psql_command(database, "select 1");
        command.arg("-q").arg("-f").arg(file);
        done(&mut command);
    }

    fn psql_command(&self, database: &str, sql: &str) -> Command {
        let mut command = Command::new(pg_bin().join("psql"));
        command
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                SUPERUSER,
            ])
            .args(["-d", database, "-p", &self.port.to_string(), "-h"])
            .arg(&self.sockets)
            .args(["-c", sql]);
        command
    }

    /// The database's own clock, in UTC with microseconds.
    pub fn now(&self) -> String {
        self.psql(
            "postgres",
            "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        )
    }

    /// Ends the WAL segment and waits until it is in the archive, and with it all that was committed before.
    pub fn archive_all(&self) {
        let segment = self.psql(
            "postgres",
            "select pg_walfile_name(pg_current_wal_insert_lsn()); select pg_switch_wal()",
        );
        let segment = segment.lines().next().unwrap_or_default().to_owned();
        let archive = self.archive.as_ref().expect("a cluster with an archive");
        let file = archive.folder.join("wal_005").join(segment);
        until("the last WAL segment is archived", || file.exists());
    }

    /// Takes a base backup into the archive, and gives its name.
    pub fn back_up(&self) -> String {
        let archive = self.archive.as_ref().expect("a cluster with an archive");
        let mut wal_g = account().command(archive.programs.join("wal-g"));
        archive.environment(&mut wal_g);
        self.environment(&mut wal_g);
        done(wal_g.arg("backup-push").arg(&self.data));
        let list = archive.folder.join("basebackups_005");
        let mut names: Vec<String> = std::fs::read_dir(list)
            .expect("backups")
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names.pop().expect("the backup that was just taken")
    }

    /// Tells programs of Postgres how to reach it as the superuser.
    pub fn environment(&self, command: &mut Command) {
        command
            .env("PGHOST", &self.sockets)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", SUPERUSER);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        end(&self.data);
    }
}

impl Archive {
    /// What the stand-ins go by.
    pub fn environment(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.programs.clone(), pg_bin().to_owned()];
        let folders = folders.into_iter().chain(std::env::split_paths(&path));
        command
            .env("PATH", std::env::join_paths(folders).expect("a PATH"))
            .env("WALG_FILE_PREFIX", &self.folder)
            .env("STANDIN_LOG", &self.log);
    }
}

/// The process that serves a data directory, if it still is one: a pid file outlives a crash, and pids come again.
fn server(data: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid: u32 = text.lines().next()?.trim().parse().ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let is_postgres = stat.contains("(postgres)") && !stat.contains(") Z ");
    is_postgres.then_some(pid)
}

/// Ends the server of a data directory at once, whoever started it.
pub fn end(data: &Path) {
    let Some(pid) = server(data) else { return };
    kill(pid, "QUIT");
    let began = std::time::Instant::now();
    while server(data) == Some(pid) {
        if began.elapsed() > super::SOON {
            kill(pid, "KILL");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Data directories in which a server was started, in this folder and those in it.
pub fn data_directories(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if folder.join("PG_VERSION").exists() {
        found.push(folder.to_owned());
        return found;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(data_directories(&entry.path()));
        }
    }
    found
}

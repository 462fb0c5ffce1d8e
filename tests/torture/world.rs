//! Where a round happens: a folder, a store, a run in it, and what can be seen of them from outside.

use super::ledger::{self, Entry, MARK};
use super::wall::Wall;
use crate::support::postgres::Cluster;
use crate::support::scratch::scratch;
use crate::support::{Ended, Place, until};
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;

/// The password of the role that the stores on Postgres belong to.
const PASSWORD: &str = "torture";

/// Where the runs of rounds are kept.
#[derive(Clone, Copy)]
pub enum Kept<'s> {
    /// A file of the round's own.
    Sqlite,
    /// A database of the round's own.
    Postgres(&'s Cluster),
}

impl Kept<'_> {
    pub fn name(&self) -> &'static str {
        match self {
            Kept::Sqlite => "SQLite",
            Kept::Postgres(_) => "Postgres",
        }
    }
}

/// The one server of the binary.
pub fn server() -> &'static Cluster {
    static SERVER: OnceLock<Cluster> = OnceLock::new();
    SERVER.get_or_init(|| {
        let cluster = Cluster::new(&scratch().join("torture"), None);
        cluster.start();
        cluster.psql(
            "postgres",
            &format!("create role torture login password '{PASSWORD}'"),
        );
        cluster
    })
}

/// A world of its own for a round.
pub struct World<'s> {
    /// A small file system for the store and what processes leave. Unmounted before its folder is removed.
    pub disk: Option<Disk>,
    pub place: Place,
    pub kept: Kept<'s>,
    /// The database on the server.
    pub database: String,
    pub wall: Option<Wall>,
    engines: usize,
    run: Option<String>,
}

impl<'s> World<'s> {
    pub fn new(kept: Kept<'s>, small_disk: bool, stepped: bool) -> World<'s> {
        let mut place = Place::new();
        place.file("mark", MARK);
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(place.dir.join("mark"), executable).expect("our file");
        let disk = small_disk
            .then(|| Disk::at(&place.dir.join("disk")))
            .flatten();
        let state = if disk.is_some() { "disk" } else { "state" };
        let name = place.dir.file_name().and_then(|name| name.to_str());
        let database = name.unwrap_or_default().replace('-', "_");
        let url = match kept {
            Kept::Sqlite => format!("sqlite:{}", place.dir.join(state).join("runs.db").display()),
            Kept::Postgres(cluster) => {
                cluster.psql("postgres", &format!("create database {database}"));
                cluster.psql(
                    "postgres",
                    &format!("alter database {database} owner to torture"),
                );
                let port = cluster.port;
                format!("postgres://torture:{PASSWORD}@127.0.0.1:{port}/{database}")
            }
        };
        std::fs::create_dir_all(place.dir.join(state)).expect("a folder");
        place.settings.push(("PITON_STORE".to_owned(), url.into()));
        let state = place.dir.join(state).into();
        place.settings.push(("XDG_STATE_HOME".to_owned(), state));
        let mut wall = None;
        if let Some((clock, settings)) = stepped.then(|| Wall::new(&place.dir)).flatten() {
            place.settings.extend(settings);
            wall = Some(clock);
        }
        World {
            place,
            kept,
            database,
            disk,
            wall,
            engines: 0,
            run: None,
        }
    }

    /// Starts an engine; what it says is kept in the folder.
    pub fn engine(&mut self, arguments: &[&str]) -> Child {
        self.engines += 1;
        let path = self.said(self.engines);
        let said = File::create(path).expect("a file");
        let mut command = self.place.piton(arguments);
        command.stdout(said.try_clone().expect("a file"));
        command.stderr(said).spawn().expect("piton starts")
    }

    fn said(&self, engine: usize) -> PathBuf {
        self.place.dir.join(format!("engine-{engine:02}.log"))
    }

    /// What the newest engine said.
    pub fn last_words(&self) -> String {
        std::fs::read_to_string(self.said(self.engines)).unwrap_or_default()
    }

    /// Runs a command on the run, to its end. `{run}` in an argument is the run.
    pub fn command(&self, arguments: &[&str]) -> Ended {
        self.place.run(arguments).without_panic()
    }

    /// The run's id, once there is one.
    pub fn run(&mut self) -> String {
        if let Some(run) = &self.run {
            return run.clone();
        }
        until("there is a run", || {
            let rows = self.ask("select id from run");
            self.run = rows.and_then(|mut rows| rows.pop());
            self.run.is_some()
        });
        self.run.clone().expect("there is a run")
    }

    /// Asks the store itself; tables without a schema. Each row's columns joined by `|`. `None` while it is away.
    pub fn ask(&self, sql: &str) -> Option<Vec<String>> {
        match self.kept {
            Kept::Sqlite => self.ask_file(sql).ok(),
            Kept::Postgres(cluster) => {
                let sql = format!("set search_path = piton; {sql}");
                let ended = cluster.try_psql(&self.database, &sql);
                let rows = ended.stdout.lines().map(str::to_owned).collect();
                (ended.code == Some(0)).then_some(rows)
            }
        }
    }

    fn ask_file(&self, sql: &str) -> rusqlite::Result<Vec<String>> {
        let path = self.store_file();
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let store = rusqlite::Connection::open_with_flags(path, flags)?;
        store.busy_timeout(std::time::Duration::from_secs(5))?;
        let mut query = store.prepare(sql)?;
        let columns = query.column_count();
        let rows = query.query_map([], |row| {
            let texts = (0..columns).map(|at| Ok(text(row.get_ref(at)?)));
            Ok(texts.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
        })?;
        rows.collect()
    }

    /// The file of a store on SQLite.
    pub fn store_file(&self) -> PathBuf {
        let state = if self.disk.is_some() { "disk" } else { "state" };
        self.place.dir.join(state).join("runs.db")
    }

    /// The records that are in the journal: number and hash.
    pub fn journal(&self) -> Option<Vec<String>> {
        let hash = match self.kept {
            Kept::Sqlite => "lower(hex(hash))",
            Kept::Postgres(_) => "encode(hash, 'hex')",
        };
        self.ask(&format!("select seq, {hash} from record order by seq"))
    }

    /// How the run stands: its state and its outcome, if it is over.
    pub fn stands(&self) -> Option<(String, String)> {
        let rows = self.ask("select state, coalesce(outcome, '') from progress")?;
        let (state, outcome) = rows.first()?.split_once('|')?;
        Some((state.to_owned(), outcome.to_owned()))
    }

    pub fn ledger(&self) -> Vec<Entry> {
        ledger::read(&self.place.dir.join("ledger"))
    }

    /// Whether an attempt is between its beginning and its end.
    pub fn is_inside(&self) -> bool {
        !ledger::open(&self.ledger()).is_empty()
    }

    /// Leaves the folder as it is, for people, and says where it is.
    pub fn keep(mut self) -> PathBuf {
        for pid in self.place.keepers() {
            crate::support::kill(pid, "KILL");
        }
        let folder = self.place.dir.clone();
        if let Some(disk) = self.disk.take() {
            disk.leave(&folder.join("disk-as-it-was"));
        }
        std::mem::forget(self.place);
        folder
    }

    /// Removes what a round on a server leaves there.
    pub fn remove(self) {
        if let Kept::Postgres(cluster) = self.kept {
            let sql = format!("drop database {} with (force)", self.database);
            let _best_effort = cluster.try_psql("postgres", &sql);
        }
    }
}

fn text(value: rusqlite::types::ValueRef<'_>) -> String {
    match value {
        rusqlite::types::ValueRef::Integer(number) => number.to_string(),
        rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

/// A small file system, unmounted at the end.
pub struct Disk(PathBuf);

impl Disk {
    /// `None` where this account may not mount; that is said.
    fn at(folder: &Path) -> Option<Disk> {
        std::fs::create_dir_all(folder).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]);
        if mount
            .arg(folder)
            .output()
            .is_ok_and(|it| it.status.success())
        {
            return Some(Disk(folder.to_owned()));
        }
        static SAID: OnceLock<()> = OnceLock::new();
        SAID.get_or_init(|| println!("passed over: this account may not mount a small disk"));
        None
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).expect("a file");
        while std::io::Write::write_all(&mut filler, &[7; 4096]).is_ok() {}
    }

    pub fn make_room(&self) {
        let _ = std::fs::remove_file(self.0.join("filler"));
    }

    /// Whether it could be made such that nothing can be written to it, or can again.
    pub fn remount(&self, how: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(&self.0);
        mount.output().is_ok_and(|it| it.status.success())
    }

    fn leave(self, to: &Path) {
        let _ = Command::new("cp").arg("-a").arg(&self.0).arg(to).status();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

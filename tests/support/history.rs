//! What happened at the pretend site before anybody restores anything: one primary, its backups, its archive and the
//! moments that matter, made once for the whole test binary. Sites are copies of it.

use super::account::account;
use super::api::TEST_USER;
use super::postgres::{Archive, Cluster, copy, done};
use super::scratch::scratch;
use super::standins::programs;
use super::top;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The database of the application, and the role that owns it.
pub const DATABASE: &str = "guestguard";
/// That role's password.
pub const PASSWORD: &str = "gg-p4ssw0rd";

/// The title of the last event that was written before the damage.
pub const LAST_GOOD: &str = "LAST GOOD";
/// The title of an event that was written after the damage.
pub const TOO_LATE: &str = "TOO LATE";

/// How many users the data has; the file says 300, which takes longer and shows nothing more.
const USERS: u32 = 60;

/// A base backup.
#[derive(Clone, Debug)]
pub struct Backup {
    pub name: String,
    /// By the database's clock, right after it was taken.
    pub finished: String,
}

/// What happened, in this order. Times are the database's own, in UTC: `2026-11-23T09:43:12.123456Z`.
#[derive(Debug)]
pub struct History {
    /// Taken at schema version 5.
    pub old: Backup,
    /// A moment between `old` and the migration to version 6.
    pub at_version_5: String,
    /// Taken at version 6.
    pub good: Backup,
    /// When the last transaction before the damage was committed.
    pub last_good: String,
    /// After `last_good`, before the damage.
    pub before_damage: String,
    /// When the migration that deletes guests and leaves their tokens was committed.
    pub damaged: String,
    /// Taken after the damage, before anybody noticed.
    pub late: Backup,
    /// After `late`, before the end.
    pub noticed: String,
    /// When the last transaction of all was committed.
    pub last: String,
    folder: PathBuf,
}

/// How much of the history a site has been through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Up to `last_good`: nothing is wrong but that the primary is gone.
    LastGood,
    /// All of it.
    Noticed,
}

impl History {
    /// The data directory that was left, stopped cleanly, and all of it archived.
    pub fn data(&self, until: Until) -> PathBuf {
        self.part(until).join("data")
    }

    /// The archive as it was then.
    pub fn archive(&self, until: Until) -> PathBuf {
        self.part(until).join("archive")
    }

    fn part(&self, until: Until) -> PathBuf {
        self.folder.join(match until {
            Until::LastGood => "last-good",
            Until::Noticed => "noticed",
        })
    }
}

/// The history, which is made when it is first asked for.
pub fn history() -> &'static History {
    static HISTORY: OnceLock<History> = OnceLock::new();
    HISTORY.get_or_init(make)
}

/// The folder of the schema: migrations and data.
pub fn schema() -> PathBuf {
    top().join("tests/fixtures/guestguard-schema")
}

/// Copies an archive by linking its files, which nobody may change: writers put new ones in their places.
pub fn link(from: &Path, to: &Path) {
    done(Command::new("cp").arg("-al").arg(from).arg(to));
}

fn make() -> History {
    let folder = scratch().join("history");
    account().folder(&folder);
    let archive = folder.join("archive");
    account().folder(&archive);
    let primary = Cluster::new(
        &folder.join("primary"),
        Some(Archive {
            folder: archive.clone(),
            programs: programs().to_owned(),
            log: folder.join("calls"),
        }),
    );
    primary.configure("track_commit_timestamp = on");
    primary.start();
    create(&primary);
    (1..=5).for_each(|version| migrate(&primary, version));
    load(&primary, &folder);
    heartbeat(&primary);
    let old = back_up(&primary);
    heartbeat(&primary);
    let at_version_5 = primary.now();
    migrate(&primary, 6);
    let good = back_up(&primary);
    event(&primary, LAST_GOOD);
    let last_good = heartbeat(&primary);
    let before_damage = primary.now();
    keep(&primary, &archive, &folder.join("last-good"));
    let damaged = damage(&primary);
    heartbeat(&primary);
    let late = back_up(&primary);
    event(&primary, TOO_LATE);
    heartbeat(&primary);
    let noticed = primary.now();
    let last = heartbeat(&primary);
    keep(&primary, &archive, &folder.join("noticed"));
    primary.crash();
    History {
        old,
        at_version_5,
        good,
        last_good,
        before_damage,
        damaged,
        late,
        noticed,
        last,
        folder,
    }
}

/// The role and the database, and a heartbeat for those who have to know what was lost.
fn create(primary: &Cluster) {
    primary.psql(
        "postgres",
        &format!("create role {DATABASE} login password '{PASSWORD}'"),
    );
    primary.psql(
        "postgres",
        &format!("create database {DATABASE} owner {DATABASE}"),
    );
    primary.psql(
        DATABASE,
        "create schema monitoring; create table monitoring.heartbeat \
         (id bigint generated always as identity primary key, at timestamptz not null default clock_timestamp())",
    );
    as_owner(
        primary,
        "create table schema_migrations (version int primary key, name text, applied_at timestamptz)",
    );
}

fn as_owner(primary: &Cluster, sql: &str) {
    primary.psql(DATABASE, &format!("set role {DATABASE}; {sql}"));
}

/// Applies one migration as the application does: with its line in the ledger, in one transaction.
fn migrate(primary: &Cluster, version: u32) {
    let prefix = format!("{version:04}_");
    let files = std::fs::read_dir(schema()).expect("the schema");
    let path = files
        .flatten()
        .map(|file| file.path())
        .find(|path| {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            name.starts_with(&prefix) && name.ends_with(".up.sql")
        })
        .expect("a migration");
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let name = name.trim_end_matches(".up.sql");
    let text = std::fs::read_to_string(&path).expect("a migration");
    let ledger = format!("insert into schema_migrations values ({version}, '{name}', now())");
    as_owner(primary, &format!("begin; {text}; {ledger}; commit"));
}

/// Loads the data, less of it.
fn load(primary: &Cluster, folder: &Path) {
    let text = std::fs::read_to_string(schema().join("data.sql")).expect("the data");
    let (all, fewer) = (
        "generate_series(1,300)",
        format!("generate_series(1,{USERS})"),
    );
    assert!(text.contains(all), "the data says how many users it has");
    let file = folder.join("data.sql");
    let text = format!("set role {DATABASE};\n{}", text.replace(all, &fewer));
    std::fs::write(&file, text).expect("a file");
    primary.psql_file(DATABASE, &file);
}

/// Commits a row, and gives the time of that commit as it stands in the WAL.
pub fn heartbeat(primary: &Cluster) -> String {
    let insert = "insert into monitoring.heartbeat default values returning id";
    let id = primary.psql(DATABASE, insert);
    primary.psql(
        DATABASE,
        &format!(
            "select to_char(pg_xact_commit_timestamp(xmin) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') \
             from monitoring.heartbeat where id = {id}"
        ),
    )
}

/// The test user creates an event.
pub fn event(primary: &Cluster, title: &str) {
    as_owner(
        primary,
        &format!(
            "insert into events (host_id, title) select id, '{title}' from users where email = '{TEST_USER}'"
        ),
    );
}

/// A migration that should have removed guests nobody invited, and removed others; nothing stopped it, because it
/// dropped a foreign key first. Gives the time of its commit.
fn damage(primary: &Cluster) -> String {
    as_owner(
        primary,
        "begin; alter table tokens drop constraint fk03_tokens_guest; \
         delete from guests where name in ('Guest 1', 'Guest 2'); \
         alter table tokens add constraint fk03_tokens_guest foreign key (guest_id) references guests(id) \
         on delete cascade not valid; commit",
    );
    primary.now()
}

fn back_up(primary: &Cluster) -> Backup {
    let name = primary.back_up();
    Backup {
        name,
        finished: primary.now(),
    }
}

/// Keeps what there is at this moment: all archived, the server stopped cleanly, and started again afterwards.
fn keep(primary: &Cluster, archive: &Path, to: &Path) {
    primary.stop();
    account().folder(to);
    copy(&primary.data, &to.join("data"));
    link(archive, &to.join("archive"));
    primary.start();
}

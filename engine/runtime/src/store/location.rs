//! Where a store is, and the names of everything that stands beside it.
//!
//! ```text
//! PATH              the database, with PATH-wal and PATH-shm of SQLite
//! PATH.d/RUN/       the directory of a run
//!   keeper.lock keeper.log keeper.sock    the keeper's
//!   clock                                 what time it was at a moment after the last boot
//!   wake.sock                             wakes the engine that drives the run
//!   logs/ATTEMPT.log                      what people read of an attempt's output
//!   out/ATTEMPT.out                       its standard output, for expressions
//!   out/ATTEMPT.values                    what it wrote to $PITON_OUTPUT
//!   engine.log                            the engine's, about attempts that it makes itself
//!   work/                                 for what steps leave between each other
//! ```
//!
//! With a store on Postgres, `$XDG_STATE_HOME/piton/pg-NAME.d` stands for `PATH.d`, on each host; NAME is a digest of
//! host, port and database.
//!
//! Directories have mode 0700 and files 0600: outputs and logs are nobody else's business.

use super::names::is_run_id;
use super::postgres::PostgresUrl;
use piton_core::id::{AttemptId, RunId};
use std::ffi::OsString;
use std::fmt;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The environment variable that names the store.
pub const STORE_VARIABLE: &str = "PITON_STORE";

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A SQLite database at this absolute path.
    Sqlite(PathBuf),
    /// A Postgres database, which several hosts share. What belongs to this host is kept on it.
    Postgres {
        /// The database. It never shows its password.
        url: PostgresUrl,
        /// Where the directories of the runs are, on this host.
        state: PathBuf,
    },
}

/// Why a text does not say where a store is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// There is no such kind of store.
    #[error(
        "`{0}` does not name a store; write `sqlite:PATH`, as in `--store sqlite:runs.db`, or \
         `postgres://USER@HOST/DATABASE`"
    )]
    Unknown(String),
    /// The address of a database is wrong. It is not repeated, because a password may be in it.
    #[error("the store cannot be found: {0}")]
    Address(String),
    /// The path is missing.
    #[error("`{0}` has no path; write `sqlite:PATH`, as in `--store sqlite:runs.db`")]
    NoPath(String),
    /// The path begins with `~`, which only a shell expands, and only at the beginning of a word.
    #[error(
        "the store's path in `{0}` begins with `~`, which is not expanded there; write `sqlite:$HOME/…`"
    )]
    Tilde(String),
    /// A relative path, and no current directory.
    #[error(
        "the store's path {0} is relative, and there is no current directory: {1}; write the whole path"
    )]
    NoCurrentDirectory(String, String),
    /// Nothing says where state is kept.
    #[error(
        "there is no place for the store: neither $PITON_STORE nor $XDG_STATE_HOME nor $HOME is set; name it with \
         `--store sqlite:PATH`"
    )]
    NoHome,
}

impl Location {
    /// The store that a command means: the one it was given, else `$PITON_STORE`, else `piton/piton.db` under
    /// `$XDG_STATE_HOME` or `~/.local/state`.
    ///
    /// # Errors
    /// When what decides does not name a store.
    pub fn choose(
        given: Option<&str>,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Location, LocationError> {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        if let Some(given) = given {
            return Location::read(given, environment);
        }
        if let Some(text) = set(STORE_VARIABLE) {
            // What is no text is no address either, so that there is no password in it.
            let text = text
                .to_str()
                .ok_or_else(|| LocationError::Unknown(text.to_string_lossy().into_owned()))?;
            return Location::read(text, environment);
        }
        Ok(Location::Sqlite(state(&environment)?.join("piton.db")))
    }

    /// The store that a text names.
    fn read(
        text: &str,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Location, LocationError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return sqlite(text, path);
        }
        let schemes = ["postgres://", "postgresql://"];
        if !schemes.iter().any(|scheme| text.starts_with(scheme)) {
            // Whatever it is, it may be an address with a password.
            let shown = text.split_once("://").map_or(text, |(scheme, _)| scheme);
            return Err(LocationError::Unknown(shown.to_owned()));
        }
        let url = PostgresUrl::parse(text, &environment).map_err(LocationError::Address)?;
        let state = state(&environment)?.join(format!("pg-{}.d", url.name()));
        Ok(Location::Postgres { url, state })
    }

    /// [`choose`](Location::choose) with the environment of this process.
    ///
    /// # Errors
    /// As there.
    pub fn from_environment(given: Option<&str>) -> Result<Location, LocationError> {
        Location::choose(given, |name| std::env::var_os(name))
    }

    /// The directory that holds the directories of the runs. It need not exist.
    #[must_use]
    pub fn runs_directory(&self) -> PathBuf {
        match self {
            Location::Sqlite(path) => runs_directory(path),
            Location::Postgres { state, .. } => state.clone(),
        }
    }

    /// The directory of a run's files. It need not exist.
    #[must_use]
    pub fn run_directory(&self, run: &RunId) -> RunDirectory {
        RunDirectory(self.runs_directory().join(directory_name(&run.0)))
    }

    /// What [`STORE_VARIABLE`] has to say so that another process finds this store. There may be a password in it: it
    /// is for the environment of a process of ours, and nothing else.
    #[must_use]
    pub fn to_variable(&self) -> OsString {
        match self {
            Location::Sqlite(path) => {
                let mut text = OsString::from("sqlite:");
                text.push(path);
                text
            }
            Location::Postgres { url, .. } => OsString::from(url.reveal()),
        }
    }
}

/// A SQLite database at the path that `text` names.
fn sqlite(text: &str, path: &str) -> Result<Location, LocationError> {
    if path.is_empty() || path.ends_with('/') || path.contains('\0') {
        return Err(LocationError::NoPath(text.to_owned()));
    }
    if path == "~" || path.starts_with("~/") {
        return Err(LocationError::Tilde(text.to_owned()));
    }
    std::path::absolute(path)
        .map(Location::Sqlite)
        .map_err(|error| LocationError::NoCurrentDirectory(path.to_owned(), error.to_string()))
}

/// Where this user's programs keep their state: `piton` under `$XDG_STATE_HOME` or `~/.local/state`.
fn state(environment: &impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, LocationError> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    // The XDG rules: a relative path there counts as not set.
    set("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/state")))
        .map(|state| state.join("piton"))
        .ok_or(LocationError::NoHome)
}

/// `PATH.d`, which holds the directories of the runs.
pub(crate) fn runs_directory(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".d");
    PathBuf::from(name)
}

/// The id itself; a store never has others, but a text that came another way must not name a place elsewhere.
fn directory_name(id: &str) -> String {
    if is_run_id(id) {
        return id.to_owned();
    }
    let hex: String = id
        .bytes()
        .take(60)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("%{hex}")
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Location, LocationError> {
        Location::read(text, |name| std::env::var_os(name))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Location::Postgres { url, .. } => write!(f, "{url}"),
        }
    }
}

/// The directory of a run's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory(PathBuf);

impl RunDirectory {
    /// The file that the keeper's socket has in a run's directory.
    pub const KEEPER_SOCKET: &str = "keeper.sock";
    /// The file that the engine's wake-up socket has in a run's directory.
    pub const WAKE_SOCKET: &str = "wake.sock";

    /// The directory at this path, for who was told the path.
    #[must_use]
    pub fn at(path: PathBuf) -> RunDirectory {
        RunDirectory(path)
    }

    /// Makes it with all that stands in it, as far as it is missing.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn create(&self) -> io::Result<()> {
        for directory in [self.0.clone(), self.logs(), self.outs(), self.work()] {
            create_private_directory(&directory)?;
        }
        Ok(())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The clock that all engines of the run share until the next boot.
    #[must_use]
    pub fn clock(&self) -> PathBuf {
        self.0.join("clock")
    }

    /// What the keeper locks for as long as it lives.
    #[must_use]
    pub fn keeper_lock(&self) -> PathBuf {
        self.0.join("keeper.lock")
    }

    /// What the keeper writes down about attempts.
    #[must_use]
    pub fn keeper_log(&self) -> PathBuf {
        self.0.join("keeper.log")
    }

    /// Where the keeper listens. Its path may be too long to connect to; see [`crate::wake`] for the way around.
    #[must_use]
    pub fn keeper_socket(&self) -> PathBuf {
        self.0.join(Self::KEEPER_SOCKET)
    }

    /// Where the engine is woken.
    #[must_use]
    pub fn wake_socket(&self) -> PathBuf {
        self.0.join(Self::WAKE_SOCKET)
    }

    /// The directory of what people read of attempts' output.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// What people read of an attempt's output; secrets are masked.
    #[must_use]
    pub fn log(&self, attempt: AttemptId) -> PathBuf {
        self.logs().join(format!("{attempt}.log"))
    }

    /// The directory of attempts' standard output.
    #[must_use]
    pub fn outs(&self) -> PathBuf {
        self.0.join("out")
    }

    /// An attempt's standard output, for expressions; secrets are masked.
    #[must_use]
    pub fn out(&self, attempt: AttemptId) -> PathBuf {
        self.outs().join(format!("{attempt}.out"))
    }

    /// What an attempt's process writes to `$PITON_OUTPUT`. Removed when it is in the journal.
    #[must_use]
    pub fn values(&self, attempt: AttemptId) -> PathBuf {
        self.outs().join(format!("{attempt}.values"))
    }

    /// What the engine writes down before it begins SQL, which ends with it.
    #[must_use]
    pub fn engine_log(&self) -> PathBuf {
        self.0.join("engine.log")
    }

    /// The directory of the files that were kept when an attempt ended.
    #[must_use]
    pub fn evidence(&self, attempt: AttemptId) -> PathBuf {
        self.0.join("evidence").join(attempt.to_string())
    }

    /// For what steps leave between each other.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.0.join("work")
    }
}

/// Makes a directory, and those above it that are missing, for this user only.
///
/// # Errors
/// When the file system refuses.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Options for a file that is for this user only, if it is made.
#[must_use]
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn choose(given: Option<&str>, set: &[(&str, &str)]) -> Result<Location, LocationError> {
        Location::choose(given, |name| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_nearest_word_on_the_store_wins() {
        let all = [
            ("PITON_STORE", "sqlite:/b"),
            ("XDG_STATE_HOME", "/x"),
            ("HOME", "/h"),
        ];
        let file = |path: &str| Ok(Location::Sqlite(PathBuf::from(path)));
        assert_eq!(choose(Some("sqlite:/a"), &all), file("/a"));
        assert_eq!(choose(None, &all), file("/b"));
        assert_eq!(choose(None, &all[1..]), file("/x/piton/piton.db"));
        let home = file("/h/.local/state/piton/piton.db");
        assert_eq!(choose(None, &all[2..]), home);
        let odd = [
            ("PITON_STORE", ""),
            ("XDG_STATE_HOME", "relative"),
            ("HOME", "/h"),
        ];
        assert_eq!(choose(None, &odd), home);
        assert_eq!(choose(None, &[]), Err(LocationError::NoHome));
    }

    #[test]
    fn what_does_not_name_a_store_is_refused_with_the_form_to_write() {
        for bad in [
            "",
            "runs.db",
            "/runs.db",
            "mysql://x",
            "sqlite:",
            "sqlite:dir/",
            "SQLITE:x",
        ] {
            let message = bad.parse::<Location>().unwrap_err().to_string();
            assert!(message.contains("sqlite:PATH"), "{message}");
        }
        let tilde = "sqlite:~/runs.db".parse::<Location>();
        assert_eq!(
            tilde,
            Err(LocationError::Tilde("sqlite:~/runs.db".to_owned()))
        );
        let location: Location = "sqlite:some/runs.db".parse().unwrap();
        assert!(location.runs_directory().is_absolute());
        assert_eq!(location.to_string().parse(), Ok(location));
    }

    #[test]
    fn a_store_on_postgres_keeps_its_runs_directories_under_the_state_of_this_host() {
        let of = |text: &str| choose(Some(text), &[("XDG_STATE_HOME", "/x")]).unwrap();
        let runs = of("postgres://me:hunter2@db/shop").runs_directory();
        assert_eq!(runs.parent(), Some(Path::new("/x/piton")));
        // Who connects, and how, makes no other store.
        let same = of("postgresql://you@db:5432/shop?sslmode=require");
        assert_eq!(same.runs_directory(), runs);
        assert_ne!(of("postgres://me@db/other").runs_directory(), runs);
        let location = of("postgres://me:hunter2@db/shop");
        assert_eq!(location.to_string(), "postgres://me@db:5432/shop");
        assert_eq!(location.to_variable(), "postgres://me:hunter2@db/shop");
    }

    #[test]
    fn what_may_be_an_address_is_not_repeated() {
        for bad in [
            "postgre://me:hunter2@db/shop",
            "mysql://me:hunter2@db/shop",
            "postgres://me:hunter2@db:notaport/shop",
            "postgres://me:hunter2@db/shop?sslmode=sometimes",
        ] {
            let error = bad.parse::<Location>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_runs_directory_stays_beside_its_database() {
        let location: Location = "sqlite:/s/runs.db".parse().unwrap();
        let path = |id: &str| {
            location
                .run_directory(&RunId(id.to_owned()))
                .path()
                .to_owned()
        };
        assert_eq!(path("drill-00000"), Path::new("/s/runs.db.d/drill-00000"));
        for hostile in ["..", "../../etc", "/etc", "", "a/b"] {
            assert_eq!(
                path(hostile).parent(),
                Some(Path::new("/s/runs.db.d")),
                "{hostile}"
            );
            assert!(!path(hostile).ends_with(".."));
        }
    }

    #[test]
    fn a_runs_directory_is_for_its_user_only() {
        let base = std::env::temp_dir().join(new_name());
        let directory = RunDirectory::at(base.join("runs.db.d/r"));
        directory.create().unwrap();
        directory.create().unwrap();
        for path in [
            directory.path(),
            &directory.logs(),
            &directory.outs(),
            &directory.work(),
        ] {
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", path.display());
        }
        std::fs::remove_dir_all(base).unwrap();
    }

    fn new_name() -> String {
        super::super::new_run_id("piton-location").0
    }
}

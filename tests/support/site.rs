//! A pretend GuestGuard site: a primary and its archive with a history, deployments and secrets as `kubectl` sees them,
//! the application, and `piton` as the account that may run Postgres. All of it in one folder, gone when dropped.

use super::account::account;
use super::api::{Api, SECRET, TEST_PASSWORD};
use super::history::{DATABASE, PASSWORD, Until, history, link};
use super::postgres::{Archive, Cluster, data_directories, end, free_port, pg_bin};
use super::standins::programs;
use super::{Ended, Place, kill, processes};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// The pod in which production's Postgres runs, for `kubectl exec`.
pub const POD: &str = "guestguard-pg-0";

/// The site. What `piton` finds in its environment: `PATH` with the stand-ins and Postgres' programs in front, `HOME`,
/// in which wal-g and the stand-ins find their settings (steps get that much of the environment and no more), and for
/// secrets
///
/// - `GG_DATABASE_URL`: the application's URL of the database that is to be restored, at `port`;
/// - `GG_SUPERUSER_URL`: the superuser's, through the socket folder `restored/sockets`;
/// - `GG_PRODUCTION_URL`: the superuser's URL of the primary, through its socket;
/// - `GG_TEST_PASSWORD`: what the smoke test signs in with;
/// - `GG_PAGER_URL`, `GG_STATUS_URL`, `GG_TICKET_URL`: hooks that keep what is posted to them.
pub struct Site {
    /// The store, `piton`, and the folder of it all.
    pub place: Place,
    /// Not started.
    pub primary: Cluster,
    pub archive: Archive,
    pub api: Api,
    /// For the restored server.
    pub port: u16,
}

impl Site {
    /// A site at the end of this much of the history, its primary down and its maintenance page up.
    pub fn after(until: Until) -> Site {
        let place = Place::new();
        account().owns(&place.dir);
        let folder = |name: &str| {
            let path = place.dir.join(name);
            account().folder(&path);
            path
        };
        let archive = Archive {
            folder: place.dir.join("archive"),
            programs: programs().to_owned(),
            log: place.dir.join("primary/calls"),
        };
        let primary = folder("primary");
        let primary = Cluster::of(&history().data(until), &primary, Some(archive.clone()));
        link(&history().archive(until), &archive.folder);
        folder("restored");
        folder("restored/sockets");
        let api = Api::serve(&folder("state"));
        let mut site = Site {
            place,
            primary,
            archive,
            api,
            port: free_port(),
        };
        site.deploy();
        site.settle();
        site.maintenance(true);
        site
    }

    fn deploy(&self) {
        for (name, replicas) in [("guestguard-api", 2), ("guestguard-notifier", 1)] {
            self.write(
                &format!("kubectl/deployments/{name}/replicas"),
                &format!("{replicas}\n"),
            );
        }
        let url = self.url(self.primary.port);
        self.write(&format!("kubectl/secrets/{SECRET}/GG_DATABASE_URL"), &url);
        let pod = format!(
            "PGHOST={}\nPGPORT={}\nPGUSER=postgres\n",
            self.primary.sockets.display(),
            self.primary.port
        );
        self.write(&format!("kubectl/pods/{POD}"), &pod);
    }

    /// The application's URL of its database on the server at this port.
    pub fn url(&self, port: u16) -> String {
        format!("postgres://{DATABASE}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}")
    }

    fn superuser(&self, sockets: &std::path::Path, port: u16) -> String {
        format!(
            "postgres:///{DATABASE}?host={}&port={port}&user=postgres",
            sockets.display()
        )
    }

    /// Writes a file of the stand-ins' state, and the folders above it.
    fn write(&self, name: &str, text: &str) {
        let mut folder = self.place.dir.join("state");
        let (folders, file) = name.rsplit_once('/').unwrap_or(("", name));
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            folder = folder.join(part);
            account().folder(&folder);
        }
        account().file(&folder.join(file), text);
    }

    /// What `piton` finds in its environment.
    fn settle(&mut self) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [programs().to_owned(), pg_bin().to_owned()];
        let folders = folders.into_iter().chain(std::env::split_paths(&path));
        let path = std::env::join_paths(folders).expect("a PATH");
        let text = |text: String| text.into();
        let superuser = self.superuser(&self.restored("sockets"), self.port);
        let production = self.superuser(&self.primary.sockets, self.primary.port);
        let settings = [
            ("PATH", path),
            ("HOME", self.place.dir.clone().into()),
            ("GG_DATABASE_URL", text(self.url(self.port))),
            ("GG_SUPERUSER_URL", text(superuser)),
            ("GG_PRODUCTION_URL", text(production)),
            ("GG_TEST_PASSWORD", text(TEST_PASSWORD.to_owned())),
            ("GG_PAGER_URL", text(self.api.url("/hooks/pager"))),
            ("GG_STATUS_URL", text(self.api.url("/hooks/status"))),
            ("GG_TICKET_URL", text(self.api.url("/hooks/ticket"))),
        ];
        let standins = format!(
            "STANDIN_LOG='{home}/calls'\nSTANDIN_STATE='{home}/state'\n",
            home = self.place.dir.display()
        );
        account().file(&self.place.dir.join(".standins"), &standins);
        let folder = self.archive.folder.display();
        let archive = format!("{{\"WALG_FILE_PREFIX\": \"{folder}\"}}\n");
        account().file(&self.place.dir.join(".walg.json"), &archive);
        self.place.beside_postgres = true;
        self.place.settings = settings
            .map(|(name, value)| (name.to_owned(), value))
            .into();
    }

    /// A path in the folder for what is restored.
    pub fn restored(&self, name: &str) -> PathBuf {
        self.place.dir.join("restored").join(name)
    }

    /// Puts the maintenance page up, or takes it away.
    pub fn maintenance(&self, up: bool) {
        if up {
            self.write("maintenance", "");
        } else {
            let _ = std::fs::remove_file(self.place.dir.join("state/maintenance"));
        }
    }

    /// How many replicas a deployment has.
    pub fn replicas(&self, name: &str) -> String {
        let text = self
            .place
            .read(&format!("state/kubectl/deployments/{name}/replicas"));
        text.trim().to_owned()
    }

    /// What the application's secret holds.
    pub fn secret(&self) -> String {
        self.place
            .read(&format!("state/kubectl/secrets/{SECRET}/GG_DATABASE_URL"))
    }

    /// What the stand-ins were asked since the beginning, by `piton` and what it started.
    pub fn calls(&self) -> Vec<String> {
        self.place
            .read("calls")
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// While this is there, this command of a stand-in waits (`wal-g/hold-backup-fetch`) or fails (`kubectl/fail-scale`).
    pub fn tell_standin(&self, what: &str, text: &str) {
        self.write(what, text);
    }

    /// Takes that back.
    pub fn untell_standin(&self, what: &str) {
        let _ = std::fs::remove_file(self.place.dir.join("state").join(what));
    }

    /// A standby of the primary, both started and the standby caught up.
    pub fn standby(&self) -> Cluster {
        let standby = Cluster::of(&self.primary.data, &self.place.dir.join("standby"), None);
        standby.configure("archive_mode = off");
        standby.configure(&format!(
            "primary_conninfo = 'host={} port={} user=postgres'",
            self.primary.sockets.display(),
            self.primary.port
        ));
        account().file(&standby.data.join("standby.signal"), "");
        self.primary.start();
        standby.start();
        standby
    }

    /// Runs `piton` to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ended {
        self.place.run(arguments)
    }

    /// A shell with this script, as the account and with the environment of `piton`.
    pub fn shell(&self, script: &str) -> Command {
        let mut shell = account().command("bash");
        shell
            .args(["-o", "pipefail", "-ec", script])
            .envs(
                self.place
                    .settings
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .current_dir(&self.place.dir);
        shell
    }

    /// The lines with which a shell becomes like `piton` here.
    pub fn exports(&self) -> String {
        let settings = self.place.settings.iter();
        let lines =
            settings.map(|(name, value)| format!("export {name}='{}'\n", value.to_string_lossy()));
        lines.collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for pid in self
            .place
            .attendants()
            .into_iter()
            .chain(self.place.keepers())
        {
            kill(pid, "KILL");
        }
        for data in data_directories(&self.place.dir) {
            end(&data);
        }
        let folder = format!("{}/", self.place.dir.display());
        for pid in processes(|line| line.contains(&folder)) {
            kill(pid, "KILL");
        }
    }
}

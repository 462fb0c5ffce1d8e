//! Who clusters belong to: Postgres refuses to run as root, so tests that run as root use another account.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The account that clusters and the `piton` beside them run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// The one that runs the tests.
    Own,
    /// Another, because the tests run as root.
    Other { user: u32, group: u32 },
}

/// `postgres` where there is such an account, else `nobody`; the own one where that is not root.
pub fn account() -> Account {
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    *ACCOUNT.get_or_init(|| match number(&["-u"]) {
        Some(0) => ["postgres", "nobody"]
            .iter()
            .find_map(|name| {
                let user = number(&["-u", name])?;
                let group = number(&["-g", name])?;
                Some(Account::Other { user, group })
            })
            .expect("an account `postgres` or `nobody`"),
        _ => Account::Own,
    })
}

fn number(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

impl Account {
    /// The program, to be run as this account.
    pub fn command(self, program: impl AsRef<OsStr>) -> Command {
        match self {
            Account::Own => Command::new(program),
            Account::Other { user, group } => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={group}"))
                    .arg("--clear-groups")
                    .arg(program);
                command
            }
        }
    }

    /// Makes a folder that belongs to this account.
    pub fn folder(self, path: &Path) {
        std::fs::create_dir_all(path).expect("a folder");
        self.owns(path);
    }

    /// Gives a file or folder to this account.
    pub fn owns(self, path: &Path) {
        if let Account::Other { user, group } = self {
            std::os::unix::fs::chown(path, Some(user), Some(group)).expect("root may give it away");
        }
    }

    /// Writes a file that belongs to this account.
    pub fn file(self, path: &Path, text: &str) {
        std::fs::write(path, text).expect("a writable folder");
        self.owns(path);
    }
}

/// The built `piton`, where every account can run it: the folder it was built in may be closed to others.
pub fn piton() -> PathBuf {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_piton"));
    if account() == Account::Own {
        return built;
    }
    static REACHABLE: OnceLock<PathBuf> = OnceLock::new();
    REACHABLE
        .get_or_init(|| {
            let path = super::scratch::scratch().join("piton");
            std::fs::hard_link(&built, &path)
                .or_else(|_| std::fs::copy(&built, &path).map(|_| ()))
                .expect("a copy of piton");
            path
        })
        .clone()
}

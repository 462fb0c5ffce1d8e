//! `run`: a script, given to a shell as its last argument.
//!
//! Without `shell` it is `sh -eu -o pipefail -c SCRIPT` where `sh` knows `pipefail`, else `sh -eu -c SCRIPT`: the
//! script ends at the first command that fails and at the first variable that is not set. With `shell` the script
//! is appended to what is written there: `shell = ["bash", "-euc"]`, `shell = ["python3", "-c"]`.

use super::held::{Held, Obstacle};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The longest script: what the kernel takes as one argument, with room to spare.
pub const SCRIPT_LIMIT: usize = 128 * 1024 - 64;

/// Knows what the default shell can do; asks it once, when it is first needed.
#[derive(Debug, Default)]
pub struct Shell {
    pipefail: OnceCell<bool>,
    /// Shells that were found on a PATH, so that each is looked for once.
    found: RefCell<BTreeSet<(String, String)>>,
}

impl Shell {
    /// The argv that runs this script.
    ///
    /// `path` is the PATH that the process gets, and `dir` its directory.
    ///
    /// # Errors
    /// What is wrong with the script, or that the shell is not there.
    pub fn argv(
        &self,
        script: &str,
        shell: Option<&[String]>,
        path: Option<&str>,
        dir: &Path,
    ) -> Result<Vec<String>, Obstacle> {
        if script.len() > SCRIPT_LIMIT {
            return Err(Obstacle::Hopeless(format!(
                "the script is {} bytes long, and a shell takes at most {SCRIPT_LIMIT}; put it into a file and run that",
                script.len()
            )));
        }
        let program = shell
            .and_then(<[String]>::first)
            .map_or("sh", String::as_str);
        self.find(program, path.unwrap_or_default(), dir)?;
        let mut argv: Vec<String> = match shell {
            Some([]) => return Err(Obstacle::Hopeless("`shell` is empty".to_owned())),
            Some(shell) => shell.to_vec(),
            None if *self.pipefail.get_or_init(sh_knows_pipefail) => {
                ["sh", "-eu", "-o", "pipefail", "-c"]
                    .map(str::to_owned)
                    .to_vec()
            }
            None => ["sh", "-eu", "-c"].map(str::to_owned).to_vec(),
        };
        argv.push(script.to_owned());
        Ok(argv)
    }

    fn find(&self, program: &str, path: &str, dir: &Path) -> Result<(), Obstacle> {
        let key = (program.to_owned(), path.to_owned());
        if self.found.borrow().contains(&key) {
            return Ok(());
        }
        let there = if program.contains('/') {
            dir.join(program).exists()
        } else {
            let mut places = path.split(':').map(PathBuf::from);
            places.any(|place| dir.join(place).join(program).is_file())
        };
        if !there {
            return Err(Obstacle::Held(Held(format!(
                "there is no shell `{program}` on PATH ({path})"
            ))));
        }
        self.found.borrow_mut().insert(key);
        Ok(())
    }
}

/// A missing `sh` does not know it either; that there is none is said when the step is started.
fn sh_knows_pipefail() -> bool {
    Command::new("sh")
        .args(["-c", "set -o pipefail"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_the_last_argument() {
        let shell = Shell::default();
        let argv = |script: &str, own: Option<&[String]>| {
            shell.argv(script, own, Some("/usr/bin:/bin"), Path::new("/"))
        };
        let default = argv("false | true", None).unwrap();
        assert_eq!(default.first().map(String::as_str), Some("sh"));
        assert_eq!(default.last().map(String::as_str), Some("false | true"));
        let env = ["env".to_owned(), "sh".to_owned(), "-c".to_owned()];
        assert_eq!(
            argv("true", Some(&env)).unwrap(),
            ["env", "sh", "-c", "true"]
        );
        assert!(argv("x", Some(&[])).is_err());
        assert!(matches!(
            argv(&"x".repeat(SCRIPT_LIMIT + 1), None),
            Err(Obstacle::Hopeless(why)) if why.contains("file")
        ));
    }

    #[test]
    fn a_missing_shell_holds_the_attempt_and_is_looked_for_again() {
        let shell = Shell::default();
        let argv = |path: &str| shell.argv("true", None, Some(path), Path::new("/"));
        for path in ["", "/no/such/folder"] {
            let held = argv(path).unwrap_err();
            assert!(matches!(held, Obstacle::Held(Held(why)) if why.contains("`sh`")));
        }
        assert!(argv("/no/such/folder:/bin").is_ok());
    }
}

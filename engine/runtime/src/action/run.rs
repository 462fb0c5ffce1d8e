//! `run`: a script, given to a shell as its last argument.
//!
//! Without `shell` it is `sh -eu -o pipefail -c SCRIPT` where `sh` knows `pipefail`, else `sh -eu -c SCRIPT`: the
//! script ends at the first command that fails and at the first variable that is not set. With `shell` the script
//! is appended to what is written there: `shell = ["bash", "-euc"]`, `shell = ["python3", "-c"]`.

use std::cell::OnceCell;
use std::process::{Command, Stdio};

/// The longest script: what the kernel takes as one argument, with room to spare.
pub const SCRIPT_LIMIT: usize = 128 * 1024 - 64;

/// Knows what the default shell can do; asks it once, when it is first needed.
#[derive(Debug, Default)]
pub struct Shell {
    pipefail: OnceCell<bool>,
}

impl Shell {
    /// The argv that runs this script.
    ///
    /// # Errors
    /// What is wrong with the script or the shell, for people.
    pub fn argv(&self, script: &str, shell: Option<&[String]>) -> Result<Vec<String>, String> {
        if script.len() > SCRIPT_LIMIT {
            return Err(format!(
                "the script is {} bytes long, and a shell takes at most {SCRIPT_LIMIT}; put it into a file and run that",
                script.len()
            ));
        }
        let mut argv: Vec<String> = match shell {
            Some([]) => return Err("`shell` is empty".to_owned()),
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
        let argv = shell.argv("false | true", None).unwrap();
        assert_eq!(argv.first().map(String::as_str), Some("sh"));
        assert_eq!(argv.last().map(String::as_str), Some("false | true"));
        let python = ["python3".to_owned(), "-c".to_owned()];
        assert_eq!(
            shell.argv("pass", Some(&python)).unwrap(),
            ["python3", "-c", "pass"]
        );
        assert!(shell.argv("x", Some(&[])).is_err());
        assert!(
            shell
                .argv(&"x".repeat(SCRIPT_LIMIT + 1), None)
                .unwrap_err()
                .contains("file")
        );
    }
}

//! Secrets: read from where the plan says when they are used, held only as long as the engine runs.
//!
//! A [`Text`] names the secrets in it; [`Secrets::reveal`] puts the values in. Every value that was ever read is
//! remembered, so that whatever an attempt says can be masked ([`Secrets::known`]).

use piton_core::plan::SecretSource;
use piton_core::text::Text;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a secret's command may take.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// The largest secret that is read, in bytes.
pub const SIZE_LIMIT: usize = 64 * 1024;

/// Why a secret could not be read. Names the secret and its source, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The plan has no secret of this name.
    #[error("there is no secret `{name}` in the plan")]
    Undeclared {
        /// The name that was used.
        name: String,
    },
    /// Its source did not give it.
    #[error("the secret `{name}` could not be read: {why}")]
    Unreadable {
        /// The secret.
        name: String,
        /// What was tried, and what is missing.
        why: String,
    },
}

/// The secrets of a plan, and the values that were read so far.
#[derive(Debug)]
pub struct Secrets {
    sources: BTreeMap<String, SecretSource>,
    known: RefCell<Known>,
}

#[derive(Default)]
struct Known {
    values: BTreeMap<String, String>,
    /// Every value ever read, also those that were read anew and had changed.
    all: Vec<String>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} values, not shown", self.all.len())
    }
}

impl Secrets {
    /// The secrets of a plan; none is read yet.
    #[must_use]
    pub fn new(sources: BTreeMap<String, SecretSource>) -> Secrets {
        Secrets {
            sources,
            known: RefCell::default(),
        }
    }

    /// Reads the secrets of these names anew, so that [`Secrets::reveal`] knows them. Files and programs that are
    /// named by relative paths are looked for from `base`.
    ///
    /// # Errors
    /// The first secret that cannot be read.
    pub async fn resolve(
        &self,
        names: impl IntoIterator<Item = &str>,
        base: &Path,
    ) -> Result<(), SecretError> {
        for name in names {
            let source = self
                .sources
                .get(name)
                .ok_or_else(|| SecretError::Undeclared {
                    name: name.to_owned(),
                })?;
            let value = read(source, base)
                .await
                .map_err(|why| SecretError::Unreadable {
                    name: name.to_owned(),
                    why,
                })?;
            let mut known = self.known.borrow_mut();
            if !known.all.contains(&value) {
                known.all.push(value.clone());
            }
            known.values.insert(name.to_owned(), value);
        }
        Ok(())
    }

    /// The text with the values in it, of secrets that were resolved before.
    ///
    /// # Errors
    /// When one of them was not.
    pub fn reveal(&self, text: &Text) -> Result<String, SecretError> {
        let known = self.known.borrow();
        text.reveal(|name| known.values.get(name).cloned())
            .map_err(|name| SecretError::Undeclared {
                name: name.to_owned(),
            })
    }

    /// The names of those that were not read so far.
    #[must_use]
    pub fn unread(&self) -> Vec<String> {
        let known = self.known.borrow();
        let names = self.sources.keys();
        names
            .filter(|name| !known.values.contains_key(*name))
            .cloned()
            .collect()
    }

    /// Every value that was read so far, to be masked.
    #[must_use]
    pub fn known(&self) -> Vec<String> {
        self.known.borrow().all.clone()
    }
}

async fn read(source: &SecretSource, base: &Path) -> Result<String, String> {
    let (value, what) = match source {
        SecretSource::Env(variable) => {
            let what = format!("the environment variable {variable}");
            let value = std::env::var_os(variable).ok_or_else(|| format!("{what} is not set"))?;
            (value.into_encoded_bytes(), what)
        }
        SecretSource::File(path) => {
            let path = base.join(path);
            let what = format!("the file {}", path.display());
            let mut value = Vec::new();
            std::fs::File::open(&path)
                .and_then(|file| file.take(SIZE_LIMIT as u64 + 1).read_to_end(&mut value))
                .map_err(|error| format!("{what}: {error}"))?;
            (without_line_end(value), what)
        }
        SecretSource::Command(argv) => {
            let program = argv.first().ok_or("its command is empty")?;
            let what = format!("the output of `{program}`");
            (without_line_end(run(argv, base).await?), what)
        }
    };
    if value.is_empty() {
        return Err(format!("{what} is empty"));
    }
    if value.len() > SIZE_LIMIT {
        return Err(format!("{what} is larger than {SIZE_LIMIT} bytes"));
    }
    if value.contains(&0) {
        return Err(format!("{what} has a zero byte in it"));
    }
    String::from_utf8(value).map_err(|_| format!("{what} is not UTF-8 text"))
}

fn without_line_end(mut value: Vec<u8>) -> Vec<u8> {
    if value.last() == Some(&b'\n') {
        value.pop();
        if value.last() == Some(&b'\r') {
            value.pop();
        }
    }
    value
}

/// Runs a secret's program in a process group of its own, so that all of it can be ended. What it writes to its
/// standard error is not repeated: nobody knows whether the value is in it.
async fn run(argv: &[String], base: &Path) -> Result<Vec<u8>, String> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err("its command is empty".to_owned());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(base)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("its command `{program}` could not be started: {error}"))?;
    let group = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let reading = tokio::task::spawn_blocking(move || {
        let mut value = Vec::new();
        let read = match child.stdout.take() {
            Some(out) => out
                .take(SIZE_LIMIT as u64 + 1)
                .read_to_end(&mut value)
                .map(|_| ()),
            None => Ok(()),
        };
        (read.and_then(|()| child.wait()), value)
    });
    match tokio::time::timeout(COMMAND_LIMIT, reading).await {
        // Whoever writes more than is read ends badly for that reason alone; the size is what has to be said.
        Ok(Ok((Ok(status), value))) if status.success() || value.len() > SIZE_LIMIT => Ok(value),
        Ok(Ok((Ok(status), _))) => Err(format!(
            "its command `{program}` ended with {}; run it by hand to see why",
            match status.code() {
                Some(code) => format!("exit code {code}"),
                None => status.to_string(),
            }
        )),
        Ok(Ok((Err(error), _))) => Err(format!(
            "the output of its command `{program}` could not be read: {error}"
        )),
        Ok(Err(_)) => Err(format!("its command `{program}` could not be waited for")),
        Err(_) => {
            if let Some(group) = group {
                // It may have ended this very moment; then there is nothing left to end.
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            Err(format!(
                "its command `{program}` took longer than {} s and was ended",
                COMMAND_LIMIT.as_secs()
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use piton_core::text::Piece;

    fn secret(name: &str) -> Text {
        Text {
            pieces: vec![
                Piece::Literal("<".into()),
                Piece::Secret(name.into()),
                Piece::Literal(">".into()),
            ],
        }
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(future)
    }

    fn one(source: SecretSource) -> Result<String, String> {
        let secrets = Secrets::new(BTreeMap::from([("s".to_owned(), source)]));
        block_on(secrets.resolve(["s"], Path::new("/"))).map_err(|error| error.to_string())?;
        assert_eq!(secrets.known().len(), 1);
        assert!(
            !format!("{secrets:?}").contains("hunter2"),
            "a secret is not shown by Debug"
        );
        secrets
            .reveal(&secret("s"))
            .map_err(|error| error.to_string())
    }

    fn command(words: &[&str]) -> SecretSource {
        SecretSource::Command(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn each_source_gives_its_value_without_one_line_end() {
        let file = std::env::temp_dir().join(format!("piton-secret-{}", std::process::id()));
        std::fs::write(&file, "hunter2\n\n").unwrap();
        assert_eq!(
            one(SecretSource::File(file.display().to_string())),
            Ok("<hunter2\n>".into())
        );
        std::fs::remove_file(&file).unwrap();
        assert_eq!(
            one(command(&["sh", "-c", "echo hunter$((1 + 1))"])),
            Ok("<hunter2>".into())
        );
        assert_eq!(
            one(SecretSource::Env("PATH".into())),
            Ok(format!("<{}>", std::env::var("PATH").unwrap()))
        );
    }

    #[test]
    fn what_is_missing_is_named_and_the_value_is_not() {
        let missing = one(SecretSource::Env("PITON_TEST_NO_SUCH_VARIABLE".into())).unwrap_err();
        assert!(
            missing.contains("`s`") && missing.contains("PITON_TEST_NO_SUCH_VARIABLE"),
            "{missing}"
        );
        let missing = one(SecretSource::File("/nowhere/token".into())).unwrap_err();
        assert!(missing.contains("/nowhere/token"), "{missing}");
        let failed = one(command(&[
            "sh",
            "-c",
            "echo hunter2; echo hunter2 >&2; exit 3",
        ]))
        .unwrap_err();
        assert!(
            failed.contains("exit code 3") && !failed.contains("hunter2"),
            "{failed}"
        );
        assert!(
            one(command(&["/nowhere/vault"]))
                .unwrap_err()
                .contains("/nowhere/vault")
        );
        assert!(one(command(&["true"])).unwrap_err().contains("empty"));
    }

    #[test]
    fn a_secret_that_is_too_large_is_refused() {
        let name = crate::store::new_run_id("piton-secret").0;
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "x".repeat(SIZE_LIMIT)).unwrap();
        assert!(one(SecretSource::File(path.display().to_string())).is_ok());
        std::fs::write(&path, "x".repeat(SIZE_LIMIT + 1)).unwrap();
        let refused = one(SecretSource::File(path.display().to_string())).unwrap_err();
        assert!(refused.contains("larger than 65536"), "{refused}");
        std::fs::remove_file(&path).unwrap();
        let program = command(&["sh", "-c", "yes | head -c 70000"]);
        assert!(one(program).unwrap_err().contains("larger than 65536"));
    }

    #[test]
    fn an_undeclared_secret_is_an_error() {
        let secrets = Secrets::new(BTreeMap::new());
        assert!(block_on(secrets.resolve(["x"], Path::new("/"))).is_err());
        assert!(secrets.reveal(&secret("x")).is_err());
    }
}

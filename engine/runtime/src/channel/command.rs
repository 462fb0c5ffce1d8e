//! `command`: a program gets the message as JSON on its standard input; its exit code 0 means that it was delivered.
//!
//! It runs in the run's base directory with the environment of the engine, so that it finds the credentials of
//! whatever it sends the message with. It is ended, with all that it started, when its time is up.

use crate::mask::masked;
use crate::secrets::Secrets;
use piton_core::text::Text;
use rustix::process::{Pid, Signal, kill_process_group};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// How much of what it writes to standard error is looked at, in bytes.
const LAST_WORDS: usize = 64 * 1024;

/// How long its standard error is read after its end: what it wrote is there, unless something that it started
/// keeps the stream open.
const READING: Duration = Duration::from_millis(200);

/// How it is called in messages: its name, without its arguments.
pub fn describe(argv: &[Text]) -> String {
    let program = argv.first().map(Text::shown).unwrap_or_default();
    format!("command `{program}`")
}

/// Has the program deliver a JSON text.
///
/// # Errors
/// Why it was not delivered, for people.
pub async fn send(argv: &[Text], json: &str, base: &Path, secrets: &Secrets) -> Result<(), String> {
    if let Some(secret) = argv.iter().flat_map(Text::secrets).next() {
        return Err(format!(
            "was not started, because the secret `{secret}` is in its arguments, which everybody on this machine can \
             read; give it through the environment, or use a webhook"
        ));
    }
    let argv: Vec<String> = argv.iter().map(Text::shown).collect();
    let Some((program, arguments)) = argv.split_first() else {
        return Err("names no program".to_owned());
    };
    let mut child = Command::new(place(program, base))
        .args(arguments)
        .current_dir(base)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("could not be started: {error}"))?;
    let mut group = Group::of(&child);
    let input = child.stdin.take();
    let errors = child.stderr.take();
    let write = async {
        if let Some(mut input) = input {
            // A program that does not read all of it may still deliver: its exit code counts.
            drop(input.write_all(json.as_bytes()).await);
            drop(input.write_all(b"\n").await);
        }
    };
    let mut words = LastWords::default();
    let status = {
        let read = words.read(errors);
        let ((), ended) = tokio::join!(write, wait(&mut child, read));
        ended.map_err(|error| format!("could not be waited for: {error}"))?
    };
    group.let_go();
    if status.success() {
        return Ok(());
    }
    let words = words.last_line(&secrets.known());
    let how = how(status);
    Err(if words.is_empty() {
        how
    } else {
        format!("{how}: {words}")
    })
}

/// A program that is named by a relative path is looked for from the base directory, others on the `PATH`.
fn place(program: &str, base: &Path) -> std::path::PathBuf {
    if program.contains('/') {
        base.join(program)
    } else {
        program.into()
    }
}

/// Waits for the end of the program while its last words are read.
async fn wait(child: &mut Child, read: impl Future<Output = ()>) -> std::io::Result<ExitStatus> {
    tokio::pin!(read);
    let mut closed = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            () = &mut read, if !closed => closed = true,
        }
    };
    if !closed {
        drop(tokio::time::timeout(READING, read).await);
    }
    Ok(status)
}

fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!(
            "was ended by signal {}",
            crate::action::process::signal_name(signal)
        ),
        (None, None) => "ended".to_owned(),
    }
}

/// The end of what a program wrote to its standard error.
#[derive(Default)]
struct LastWords(Vec<u8>);

impl LastWords {
    async fn read(&mut self, errors: Option<tokio::process::ChildStderr>) {
        let Some(mut errors) = errors else {
            return;
        };
        let mut bytes = [0; 1024];
        while let Ok(count @ 1..) = errors.read(&mut bytes).await {
            self.0.extend(bytes.iter().take(count));
            let over = self.0.len().saturating_sub(LAST_WORDS);
            self.0.drain(..over);
        }
    }

    /// The last line that says anything, without these secrets and not too long.
    fn last_line(&self, secrets: &[String]) -> String {
        // Masked before it is cut: half a secret would not be known for one.
        let text = masked(&String::from_utf8_lossy(&self.0), secrets);
        let line = text.lines().rev().find(|line| !line.trim().is_empty());
        line.unwrap_or_default().trim().chars().take(300).collect()
    }
}

/// Ends a program and all that it started, when it is dropped before the program ended.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Group {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Group(id.and_then(Pid::from_raw))
    }

    /// The program has ended. What it left behind is its own business.
    fn let_go(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended this very moment.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

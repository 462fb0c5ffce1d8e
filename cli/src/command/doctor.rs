//! `piton doctor`: does this machine have what Piton needs?

mod near;

use crate::display::style::{self, Line, Style};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runbook::load_runbook;
use crate::session::{Session, block_on, from_store};
use clap::Args;
use piton_runtime::store::postgres::ServerFacts;
use piton_runtime::store::{AnyStore, Location};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What `piton doctor` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton doctor
  piton doctor restore.runbook      would the store survive what this runbook is for?

With runbooks it also warns when the store is on the disk, or the machine, of a database or a directory that they
work on: a journal that is lost together with what it is to restore helps nobody. Exits 1 when something that is needed
is missing.")]
pub struct Doctor {
    /// Runbooks whose databases and directories are compared with the place of the store
    files: Vec<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// How something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Found {
    /// As it should be.
    Good,
    /// It works, and is no good idea.
    Warning,
    /// Piton works without it.
    Optional,
    /// Piton does not work like this.
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    name: &'static str,
    found: Found,
    message: String,
}

fn finding(name: &'static str, found: Found, message: impl Into<String>) -> Finding {
    Finding {
        name,
        found,
        message: message.into(),
    }
}

impl Doctor {
    /// Does it.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let findings = [
            store_findings(store),
            targets(&self.files, store)?,
            vec![
                shell(),
                pipefail(),
                processes(),
                pidfd(),
                subreaper(),
                shellcheck(),
            ],
        ]
        .concat();
        if self.json {
            output::json(&findings)?;
        } else {
            let colour = style::colour(&io::stdout());
            let text: String = findings
                .iter()
                .map(|finding| line(finding).render(colour) + "\n")
                .collect();
            output::text(&text)?;
        }
        let missing = findings
            .iter()
            .any(|finding| finding.found == Found::Missing);
        Ok(if missing { Exit::Failed } else { Exit::Success })
    }
}

fn line(finding: &Finding) -> Line {
    let (sign, look) = match finding.found {
        Found::Good => ("✓", Style::Good),
        Found::Warning => ("!", Style::Asks),
        Found::Optional => ("–", Style::Dim),
        Found::Missing => ("✗", Style::Bad),
    };
    Line::new()
        .with(look, sign)
        .with(Style::Strong, format!(" {}", style::pad(finding.name, 10)))
        .and(format!("  {}", finding.message))
}

fn store_findings(store: Option<&str>) -> Vec<Finding> {
    let location = match Location::from_environment(store) {
        Ok(location) => location,
        Err(error) => return vec![finding("store", Found::Missing, error.to_string())],
    };
    let opened = block_on(async {
        let session = Session::open(store).await?;
        match session.store() {
            AnyStore::Sqlite(_) => Ok(None),
            AnyStore::Postgres(store) => Ok(Some(store.server().await.map_err(from_store)?)),
        }
    });
    let mut findings = match opened {
        Ok(server) => {
            let message = format!("{location} can be read and written");
            let mut findings = vec![finding("store", Found::Good, message)];
            findings.extend(server.iter().flat_map(server_findings));
            findings
        }
        Err(failure) => vec![finding("store", Found::Missing, failure.message)],
    };
    findings.push(space(&location.runs_directory()));
    findings
}

/// What is known of the server that a team's store is on.
fn server_findings(server: &ServerFacts) -> Vec<Finding> {
    let encrypted = match server.is_encrypted {
        true => "encrypted",
        false => "not encrypted",
    };
    let message = format!(
        "Postgres {}, schema `piton` of layout {}, an answer takes {}.{:03} ms, {encrypted}",
        server.version,
        server.layout,
        server.round_trip / 1000,
        server.round_trip % 1000,
    );
    let mut findings = vec![finding("server", Found::Good, message)];
    if !server.is_durable {
        findings.push(finding(
            "durable",
            Found::Missing,
            "`fsync` or `full_page_writes` is off there: what it acknowledges may be lost with its machine; switch \
             them on in its postgresql.conf",
        ));
    }
    findings
}

/// What the runbooks work on that goes down with the store, or takes it along.
fn targets(files: &[PathBuf], store: Option<&str>) -> Result<Vec<Finding>, Failure> {
    // What is wrong with the name is said already.
    let Ok(location) = Location::from_environment(store) else {
        return Ok(Vec::new());
    };
    let mut findings = Vec::new();
    for file in files {
        let near = near::near(&load_runbook(file)?, &location);
        let file = file.display();
        let warnings = near.iter().map(|what| {
            let text =
                format!("{file}: {what}; keep the store elsewhere, or copy it with `piton backup`");
            finding("place", Found::Warning, text)
        });
        findings.extend(warnings);
        if near.is_empty() {
            let text =
                format!("{file}: the store is not known to share a disk with what it works on");
            findings.push(finding("place", Found::Good, text));
        }
    }
    Ok(findings)
}

/// Less than this is too little for a run.
const LITTLE_SPACE: u64 = 100 * 1024 * 1024;

/// Less than this is worth a word before a run is started.
const SOON_LITTLE_SPACE: u64 = 1024 * 1024 * 1024;

fn space(path: &Path) -> Finding {
    let there = path
        .ancestors()
        .find(|ancestor| ancestor.is_dir())
        .unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(there) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let text = format!("{} MiB free at {}", free / (1024 * 1024), there.display());
            if free < LITTLE_SPACE {
                finding(
                    "space",
                    Found::Missing,
                    format!("{text}; free at least 100 MiB"),
                )
            } else if free < SOON_LITTLE_SPACE {
                let text = format!("{text}; `piton prune` deletes what is over");
                finding("space", Found::Warning, text)
            } else {
                finding("space", Found::Good, text)
            }
        }
        Err(error) => finding(
            "space",
            Found::Optional,
            format!("{} does not say how much is free: {error}", there.display()),
        ),
    }
}

/// Runs a program without input or output; whether it ended well, or why it could not be started.
fn ends_well(program: &str, arguments: &[&str]) -> io::Result<bool> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command.status()?.success())
}

fn shell() -> Finding {
    match ends_well("sh", &["-eu", "-c", ":"]) {
        Ok(true) => finding("shell", Found::Good, "`sh -eu` runs scripts"),
        Ok(false) => finding(
            "shell",
            Found::Missing,
            "`sh -eu -c :` fails; `run` steps need a POSIX shell on $PATH",
        ),
        Err(error) => finding(
            "shell",
            Found::Missing,
            format!("there is no `sh` on $PATH: {error}; `run` steps need one"),
        ),
    }
}

fn pipefail() -> Finding {
    match ends_well("sh", &["-c", "set -o pipefail"]) {
        Ok(true) => finding(
            "pipefail",
            Found::Good,
            "a failed command in a pipe fails the step",
        ),
        _ => finding(
            "pipefail",
            Found::Optional,
            "this `sh` does not know it: only the last command of a pipe decides; write `shell = [\"bash\", \"-euo\", \"pipefail\", \"-c\"]` where it matters",
        ),
    }
}

fn processes() -> Finding {
    match std::fs::read_to_string("/proc/self/stat") {
        Ok(_) => finding(
            "proc",
            Found::Good,
            "/proc tells processes apart after a crash",
        ),
        Err(error) => finding(
            "proc",
            Found::Missing,
            format!("/proc/self/stat cannot be read: {error}; mount /proc"),
        ),
    }
}

fn pidfd() -> Finding {
    let opened = rustix::process::pidfd_open(
        rustix::process::getpid(),
        rustix::process::PidfdFlags::empty(),
    );
    match opened {
        Ok(_) => finding("pidfd", Found::Good, "ends of processes are seen at once"),
        Err(error) => finding(
            "pidfd",
            Found::Missing,
            format!("pidfd_open: {error}; Linux 5.3 or newer is needed"),
        ),
    }
}

fn subreaper() -> Finding {
    // Asking changes nothing; that the system answers means that it knows of it.
    match rustix::process::child_subreaper() {
        Ok(_) => finding(
            "subreaper",
            Found::Good,
            "what steps leave behind stays with their keeper",
        ),
        Err(error) => finding(
            "subreaper",
            Found::Missing,
            format!("prctl: {error}; Linux 3.4 or newer is needed"),
        ),
    }
}

fn shellcheck() -> Finding {
    match ends_well("shellcheck", &["--version"]) {
        Ok(true) => finding(
            "shellcheck",
            Found::Good,
            "is installed; `piton check` asks it about scripts",
        ),
        _ => finding(
            "shellcheck",
            Found::Optional,
            "is not installed; with it `piton check` says more about scripts",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_told_from_one_that_fails() {
        assert!(ends_well("no-such-program-here", &[]).is_err());
        assert_eq!(ends_well("false", &[]).ok(), Some(false));
        assert_eq!(ends_well("true", &[]).ok(), Some(true));
    }

    #[test]
    fn a_finding_is_a_line() {
        let text = line(&finding("shell", Found::Missing, "there is none")).plain();
        assert_eq!(text, "✗ shell       there is none");
    }
}

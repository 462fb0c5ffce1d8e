//! Scenario files, and the runbooks that they belong to.

use crate::failure::Failure;
use crate::runbook::reason;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the name of a scenario file ends with.
const ENDING: &str = ".test.yaml";

/// What the names of runbooks end with, in the order in which they are looked for.
const RUNBOOKS: [&str; 3] = [".runbook", ".runbook.yaml", ".runbook.yml"];

/// A scenario file and a runbook that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The scenario file.
    pub scenarios: PathBuf,
    /// The runbook.
    pub runbook: PathBuf,
}

/// All of those that were named, or lie under the folders that were.
///
/// # Errors
/// When one cannot be read, or there is none.
pub fn subjects(named: &[PathBuf]) -> Result<Vec<Subject>, Failure> {
    let here = [PathBuf::from(".")];
    let named = if named.is_empty() { &here } else { named };
    let mut files = BTreeSet::new();
    for path in named {
        if path.is_dir() {
            under(path, &mut files)?;
        } else {
            files.insert(file_of(path)?);
        }
    }
    if files.is_empty() {
        let help = "scenarios of `restore.runbook` stand in `restore.test.yaml` beside it; `piton prove` prints some";
        return Err(Failure::usage("there is no scenario file here").help(help));
    }
    let mut subjects = Vec::new();
    for file in files {
        subjects.extend(of_file(&file)?);
    }
    Ok(subjects)
}

/// The scenario file that was named, or that belongs to the runbook that was.
fn file_of(path: &Path) -> Result<PathBuf, Failure> {
    let name = path.display().to_string();
    if name.ends_with(ENDING) {
        return Ok(path.to_path_buf());
    }
    let mut endings = RUNBOOKS.iter().rev();
    match endings.find_map(|ending| name.strip_suffix(ending)) {
        Some(stem) => Ok(PathBuf::from(format!("{stem}{ENDING}"))),
        None => Err(
            Failure::usage(format!("{name} is neither a scenario file nor a runbook"))
                .help(format!("the names of scenario files end with `{ENDING}`")),
        ),
    }
}

fn of_file(file: &Path) -> Result<Vec<Subject>, Failure> {
    let name = file.display().to_string();
    if !file.is_file() {
        return Err(
            Failure::usage(format!("{name} cannot be read: there is no such file"))
                .help("`piton prove` prints scenarios to begin with"),
        );
    }
    let stem = name.strip_suffix(ENDING).unwrap_or(&name);
    let runbooks = RUNBOOKS
        .iter()
        .map(|ending| PathBuf::from(format!("{stem}{ending}")));
    let found: Vec<_> = runbooks
        .filter(|runbook| runbook.is_file())
        .map(|runbook| Subject {
            scenarios: file.to_path_buf(),
            runbook,
        })
        .collect();
    match found.is_empty() {
        false => Ok(found),
        true => Err(
            Failure::usage(format!("there is no runbook for {name}")).help(format!(
                "it belongs to `{stem}.runbook` or `{stem}.runbook.yaml`"
            )),
        ),
    }
}

fn under(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!(
            "{} cannot be read: {}",
            folder.display(),
            reason(&error)
        ))
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            under(&path, files)?;
        } else if name.ends_with(ENDING) && path.is_file() {
            files.insert(
                path.strip_prefix(".")
                    .map(Path::to_path_buf)
                    .unwrap_or(path),
            );
        }
    }
    Ok(())
}

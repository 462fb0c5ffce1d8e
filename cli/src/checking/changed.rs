//! `piton check --changed-since REV`: which runbooks a change may have broken, as `git` tells.

use crate::checking::files::real;
use crate::checking::look::look_at;
use crate::failure::Failure;
use crate::runbook::Settings;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Of these runbooks those that differ from the revision, or call one that does, or whose settings do: what was
/// changed, staged, renamed, deleted, or is not yet known to git. Where the branch left the revision's counts, not what
/// was changed there since.
///
/// # Errors
/// When a path is in no repository, or there is no such revision, or there is no `git`.
pub fn since(
    revision: &str,
    paths: &[PathBuf],
    files: Vec<PathBuf>,
) -> Result<Vec<PathBuf>, Failure> {
    let mut changed = BTreeSet::new();
    let mut roots = BTreeSet::new();
    for path in paths {
        let root = root_of(path)?;
        if roots.insert(root.clone()) {
            changed.extend(differing(&root, revision)?);
        }
    }
    Ok(files
        .into_iter()
        .filter(|file| is_concerned(file, &changed))
        .collect())
}

/// Whether a runbook has to be checked.
fn is_concerned(file: &Path, changed: &BTreeSet<PathBuf>) -> bool {
    let own = real(file);
    let settings = own.ancestors().skip(1).map(|it| it.join("piton.toml"));
    if changed.contains(&own) || settings.into_iter().any(|it| changed.contains(&it)) {
        return true;
    }
    // What cannot be read is told when it is checked.
    let Ok(looked) = look_at(file, &BTreeMap::new(), &Settings::default()) else {
        return true;
    };
    let mut all = looked.iter();
    all.any(|one| {
        changed.contains(&real(Path::new(&one.source.name)))
            // What it calls may have been deleted or renamed.
            || one.found.iter().any(|found| found.code == "call::unreadable")
    })
}

/// The top of the repository that a path is in.
fn root_of(path: &Path) -> Result<PathBuf, Failure> {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(Path::new(""))
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let output = git(folder, ["rev-parse", "--show-toplevel"])?;
    if !output.status.success() {
        return Err(Failure::usage(format!(
            "{} is in no git repository, so nobody knows what was changed: {}",
            path.display(),
            said(&output)
        ))
        .help("without --changed-since all runbooks are checked"));
    }
    let line = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
    Ok(real(Path::new(OsStr::from_bytes(line))))
}

/// All files of a repository that differ from the revision.
fn differing(root: &Path, revision: &str) -> Result<BTreeSet<PathBuf>, Failure> {
    let commit = commit_of(root, revision)?;
    let merge_base = git(root, ["merge-base", &commit, "HEAD"])?;
    // Without a common past, in a shallow clone for instance, the revision itself is compared with.
    let base = match merge_base.status.success() {
        true => String::from_utf8_lossy(&merge_base.stdout)
            .trim()
            .to_owned(),
        false => commit,
    };
    // Both names of what was renamed: the new one is to be checked, the old one may be called by others.
    let tracked = [
        "diff",
        "--name-only",
        "--no-renames",
        "--no-ext-diff",
        "-z",
        &base,
        "--",
    ];
    let untracked = ["ls-files", "--others", "--exclude-standard", "-z"];
    let mut found = BTreeSet::new();
    for output in [git(root, tracked)?, git(root, untracked)?] {
        if !output.status.success() {
            return Err(Failure::new(format!(
                "git cannot tell what was changed: {}",
                said(&output)
            )));
        }
        let names = output.stdout.split(|byte| *byte == 0);
        let names = names.filter(|name| !name.is_empty());
        found.extend(names.map(|name| real(&root.join(OsStr::from_bytes(name)))));
    }
    Ok(found)
}

/// The commit that a revision names.
fn commit_of(root: &Path, revision: &str) -> Result<String, Failure> {
    let wanted = format!("{revision}^{{commit}}");
    let arguments = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &wanted,
    ];
    let output = git(root, arguments)?;
    let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || commit.is_empty() {
        return Err(Failure::usage(format!(
            "there is no revision `{revision}` in the repository {}",
            root.display()
        ))
        .help(
            "in a shallow clone it may be missing: `git fetch --unshallow`, or fetch that branch",
        ));
    }
    Ok(commit)
}

fn git<'a>(folder: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Result<Output, Failure> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output();
    output.map_err(|error| {
        let failure = Failure::usage(format!("`git` cannot be started: {error}"));
        match error.kind() {
            io::ErrorKind::NotFound => failure.help("--changed-since asks git what was changed"),
            _ => failure,
        }
    })
}

/// What git said, on one line.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let text = text.trim().trim_start_matches("fatal: ");
    text.lines().next().unwrap_or("it said nothing").to_owned()
}

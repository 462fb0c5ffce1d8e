//! The runbooks that paths stand for.

use crate::failure::Failure;
use crate::runbook;
use std::path::{Path, PathBuf};

/// What the names of runbooks end in.
const ENDINGS: [&str; 3] = [".runbook", ".runbook.yaml", ".runbook.yml"];

/// The files that paths stand for: themselves, or every runbook under a folder in order of name. A folder that is
/// a link to another is not followed, so the walk ends. Folders that cannot be read are told beside them.
#[must_use]
pub fn expand(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Failure>) {
    let (mut files, mut failures) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            walk(path, &mut files, &mut failures);
        } else {
            files.push(path.clone());
        }
    }
    (files, failures)
}

/// The file that a path leads to, so that two ways to it are one.
#[must_use]
pub fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, failures: &mut Vec<Failure>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let text = format!(
                "{} cannot be read: {}",
                folder.display(),
                runbook::reason(&error)
            );
            failures.push(Failure::usage(text));
            return;
        }
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && !name.starts_with('.') {
            walk(&path, files, failures);
        } else if !is_folder && ENDINGS.iter().any(|end| name.ends_with(end)) {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_the_runbooks_in_it() {
        let folder = std::env::temp_dir().join(format!("piton-check-{}", std::process::id()));
        for name in [
            "b.runbook.yaml",
            "a.runbook",
            "sub/c.runbook.yml",
            "readme.md",
            ".git/d.runbook",
        ] {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let (files, failures) = expand(std::slice::from_ref(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
        let names: Vec<_> = files
            .iter()
            .map(|path| path.strip_prefix(&folder).unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            ["a.runbook", "b.runbook.yaml", "sub/c.runbook.yml"].map(PathBuf::from)
        );
        assert!(failures.is_empty());
    }
}

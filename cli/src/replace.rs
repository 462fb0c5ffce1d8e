//! Writing files so that nobody ever sees half of one.

use crate::failure::Failure;
use crate::runbook::reason;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Puts new contents in the place of a file, all at once: whatever happens, the old or the new is there. Who may read
/// it stays as it was, and a link stays a link.
///
/// # Errors
/// When it cannot be written. The file is then as it was.
pub fn file(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    put(&target, contents).map_err(|error| {
        Failure::new(format!(
            "{} cannot be written: {}; it is as it was",
            path.display(),
            reason(&error)
        ))
    })
}

fn put(target: &Path, contents: &[u8]) -> io::Result<()> {
    let permissions = fs::metadata(target)?.permissions();
    // Renaming would get round a file that may not be written.
    if permissions.readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let (beside, mut out) = beside(target)?;
    let written = out
        .set_permissions(permissions)
        .and_then(|()| out.write_all(contents))
        .and_then(|()| out.sync_all())
        .and_then(|()| fs::rename(&beside, target));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A new file in the same folder, so that it can be renamed over the other.
fn beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut number = std::process::id();
    loop {
        let path = target.with_file_name(format!(".{name}.{number}.new"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                number = number.wrapping_add(1);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Writes a file that is not there yet.
///
/// # Errors
/// When it is there, or cannot be written.
pub fn new_file(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    let name = path.display();
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let mut out = opened.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{name} is there already; it is as it was"))
                .help("remove it first, or write to another name")
        }
        _ => Failure::new(format!("{name} cannot be written: {}", reason(&error))),
    })?;
    let written = out.write_all(contents).and_then(|()| out.sync_all());
    written.map_err(|error| {
        let _ = fs::remove_file(path);
        Failure::new(format!("{name} cannot be written: {}", reason(&error)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_is_replaced_and_keeps_its_permissions() {
        let folder = std::env::temp_dir().join(format!("piton-replace-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (real, link) = (folder.join("real"), folder.join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        file(&link, b"new").unwrap();
        let (text, mode) = (
            fs::read_to_string(&real).unwrap(),
            fs::metadata(&real).unwrap().permissions().mode(),
        );
        let is_link = fs::symlink_metadata(&link).unwrap().is_symlink();
        let left = fs::read_dir(&folder).unwrap().count();
        let refused = new_file(&real, b"x").is_err();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((text.as_str(), mode & 0o777), ("new", 0o640));
        assert!(is_link && refused);
        assert_eq!(left, 2, "nothing else is left in the folder");
    }
}

//! Writes files: a new text in the place of another, whole or not at all, or a file that is not there yet.

use crate::failure::Failure;
use crate::runbook::reason;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Replaces what a file holds. The new text is written beside it and takes its name when it is safely on the disk, so
/// that nobody ever finds half of it; its permissions stay. A link stays a link to the file.
///
/// # Errors
/// When it cannot be done; the file is as it was.
pub fn replace(path: &Path, text: &[u8]) -> Result<(), Failure> {
    try_replace(path, text).map_err(|error| {
        Failure::new(format!(
            "{} cannot be written: {}; it is as it was",
            path.display(),
            reason(&error)
        ))
    })
}

fn try_replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.piton", std::process::id()));
    let written = File::create_new(&beside).and_then(|mut file| {
        file.set_permissions(permissions)?;
        file.write_all(text)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&beside, &path));
    if renamed.is_err() {
        // What cannot be taken away either is only a file that nobody asked for.
        let _ = fs::remove_file(&beside);
        return renamed;
    }
    // The new name is on the disk when the folder is; a file system that cannot do that still has one or the other.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
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
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_with_its_permissions_and_through_links() {
        let folder = std::env::temp_dir().join(format!("piton-rewrite-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, link) = (folder.join("a.runbook"), folder.join("link.runbook"));
        fs::write(&file, "before").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, b"after").unwrap();
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        let text = fs::read_to_string(&file).unwrap();
        let is_link = fs::symlink_metadata(&link).unwrap().is_symlink();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
        let refused = replace(&file, b"again");
        let there = new_file(&file, b"again");
        let kept = fs::read_to_string(&file).unwrap();
        let names = fs::read_dir(&folder).unwrap().count();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((mode, text.as_str(), is_link), (0o640, "after", true));
        assert!(refused.is_err() && there.is_err());
        assert_eq!((kept.as_str(), names), ("after", 2));
    }
}

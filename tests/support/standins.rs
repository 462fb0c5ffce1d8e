//! The programs of `tests/standins/`, which stand in for those that a restore needs and that cannot run here.

use super::scratch::scratch;
use super::top;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A folder with the stand-ins, for the front of PATH, where every account can run them.
pub fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch().join("programs");
        std::fs::create_dir_all(&folder).expect("a folder");
        for name in ["wal-g", "kubectl"] {
            let path = folder.join(name);
            std::fs::copy(top().join("tests/standins").join(name), &path).expect("a stand-in");
            let everybody = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&path, everybody).expect("our file");
        }
        folder
    })
}

//! What all tests of the binary share, in one folder that goes when the binary ends, however it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The shared folder.
pub fn scratch() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("piton-e2e-{}-shared", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        remove_at_the_end(&folder);
        folder
    })
}

/// A static is never dropped, so a process waits for the end of this one: then nobody holds its standard input open.
/// It also ends the servers that a killed test left there.
fn remove_at_the_end(folder: &Path) {
    let script = r#"
        trap '' INT TERM HUP
        read -r never
        for file in "$0"/*/postmaster.pid "$0"/*/*/postmaster.pid; do
            if [ -f "$file" ]; then kill -QUIT "$(head -n 1 "$file")"; fi
        done 2>/dev/null
        rm -rf "$0"
    "#;
    // Kept, and with it the pipe that is open for as long as this process lives.
    static WAITING: OnceLock<Child> = OnceLock::new();
    let waiting = Command::new("setsid")
        .args(["sh", "-c", script])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("setsid and sh");
    let _ = WAITING.set(waiting);
}

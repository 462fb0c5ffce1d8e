//! A wall clock that can be stepped: a library that stands before the C library of the processes that a test starts.

use crate::support::scratch::scratch;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The library, made once.
fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = || {
        let (source, library) = (scratch().join("clock.c"), scratch().join("clock.so"));
        std::fs::write(&source, include_str!("clock.c")).expect("a temporary folder");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]);
        let made = compiler.arg(&library).arg(&source).status();
        let made = made.is_ok_and(|status| status.success());
        if !made {
            println!("passed over: no C compiler, so the wall clock is not stepped");
        }
        made.then_some(library)
    };
    LIBRARY.get_or_init(made).as_deref()
}

/// The wall clock of a place.
pub struct Wall(PathBuf);

impl Wall {
    /// One that goes right, for processes with these settings. `None` without a C compiler.
    pub fn new(folder: &Path) -> Option<(Wall, Vec<(String, OsString)>)> {
        let library = library()?;
        let wall = Wall(folder.join("wall-clock"));
        wall.step(0);
        let settings = vec![
            ("LD_PRELOAD".to_owned(), library.into()),
            ("PITON_TEST_CLOCK".to_owned(), wall.0.clone().into()),
        ];
        Some((wall, settings))
    }

    /// Sets it so many seconds away from what is right.
    pub fn step(&self, seconds: i64) {
        let mut file = std::fs::File::options();
        let mut file = file
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.0)
            .expect("a file");
        // In its place: processes see the file itself.
        file.write_all(&seconds.to_ne_bytes()).expect("a file");
    }
}

//! The keeper as a program of its own, for this crate's tests, which are built without `piton`.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().next_back().map(PathBuf::from) {
        Some(dir) => piton_runtime::keeper::main(&dir),
        None => ExitCode::from(2),
    }
}

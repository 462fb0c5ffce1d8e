//! How the files that a runbook calls come in: this crate reads none itself.

use crate::source::SourceFile;

/// Gives the files that a runbook names.
pub trait Loader {
    /// The file at `path`, as it is written in `from`: relative to where `from` stands.
    ///
    /// The name of what comes back is the name that people are shown, and two files are the same when their names
    /// are: give `a/../b.runbook` the name `b.runbook`.
    ///
    /// # Errors
    /// When there is no such file, or it is no text.
    fn load(&self, from: &SourceFile, path: &str) -> Result<SourceFile, LoadError>;
}

/// Why a file that a runbook calls did not come in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// There is no such file.
    #[error("there is no file {0}")]
    Missing(String),
    /// It is there, and cannot be used.
    #[error("{name} cannot be read: {why}")]
    Unreadable {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

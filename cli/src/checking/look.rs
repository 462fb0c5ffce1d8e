//! All that there is to say about a file and about those it calls.

use crate::failure::Failure;
use crate::runbook::{self, Beside, Settings};
use piton_dsl::diagnostic::Diagnostic;
use piton_dsl::source::SourceFile;
use std::collections::BTreeMap;
use std::path::Path;

/// A file and what there is to say about it.
#[derive(Debug)]
pub struct Looked {
    /// The file.
    pub source: SourceFile,
    /// What was found, in the order of the file.
    pub found: Vec<Diagnostic>,
}

/// A file that is to be checked, as it was read.
pub type Read = Result<SourceFile, (SourceFile, Diagnostic)>;

/// Looks at a file as it was read; binds parameters too, when some are given or a mode is. Those that it calls come
/// after it.
///
/// # Errors
/// When the parameters that are given cannot be bound.
pub fn look(
    read: Read,
    values: &BTreeMap<String, String>,
    settings: &Settings,
) -> Result<Vec<Looked>, Failure> {
    let source = match read {
        Ok(source) => source,
        Err((source, diagnostic)) => {
            let found = vec![diagnostic];
            return Ok(vec![Looked { source, found }]);
        }
    };
    let checked = piton_dsl::check_with(&source, &Beside);
    if let (Some(runbook), false) = (
        &checked.runbook,
        settings.is_empty() || checked.diagnostics.iter().any(Diagnostic::is_error),
    ) {
        // What is given with --set is not part of the file, and so no finding about it.
        piton_dsl::compile_mode(runbook, values, settings.mode())
            .map_err(|errors| runbook::unbound(&source.name, &errors))?;
    }
    let own = Looked {
        source,
        found: checked.diagnostics,
    };
    let called = checked.called.into_iter().map(|called| Looked {
        source: called.file,
        found: called.diagnostics,
    });
    Ok(std::iter::once(own).chain(called).collect())
}

/// Reads a file and looks at it.
///
/// # Errors
/// When it cannot be read, or as [`look`].
pub fn look_at(
    path: &Path,
    values: &BTreeMap<String, String>,
    settings: &Settings,
) -> Result<Vec<Looked>, Failure> {
    look(runbook::read(path)?, values, settings)
}

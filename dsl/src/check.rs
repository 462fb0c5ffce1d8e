//! Everything that can be said about a file before it runs.

use crate::diagnostic::Diagnostic;
use crate::lint::lint;
use crate::lower::lower;
use crate::runbook::Runbook;
use crate::source::SourceFile;
use crate::syntax::{self, MAX_DIAGNOSTICS};

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The runbook; `None` when there are errors.
    pub runbook: Option<Runbook>,
    /// What there is to say, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

impl Checked {
    /// Whether there are errors; warnings and advice are none.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Reads and checks a file: all that is wrong with it in one pass. Never panics, and takes time and memory in
/// proportion to the file.
#[must_use]
pub fn check(file: &SourceFile) -> Checked {
    let parsed = syntax::parse(file);
    let mut diagnostics = parsed.diagnostics;
    let mut runbook = None;
    if let Some(root) = &parsed.root {
        runbook = lower(root, file.syntax, &mut diagnostics);
        if let Some(runbook) = &runbook {
            lint(runbook, &mut diagnostics);
        }
    }
    if diagnostics.iter().any(Diagnostic::is_error) {
        runbook = None;
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span(), diagnostic.severity));
    cap(&mut diagnostics);
    Checked {
        runbook,
        diagnostics,
    }
}

/// Reads and checks a text; the name's ending says which syntax it is in.
#[must_use]
pub fn check_text(name: &str, text: &str) -> Checked {
    check(&SourceFile::new(name, text))
}

/// Keeps as many as anybody reads. Errors stay before warnings.
fn cap(diagnostics: &mut Vec<Diagnostic>) {
    if diagnostics.len() <= MAX_DIAGNOSTICS {
        return;
    }
    let errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .count();
    if errors >= MAX_DIAGNOSTICS {
        diagnostics.retain(Diagnostic::is_error);
        diagnostics.truncate(MAX_DIAGNOSTICS);
        return;
    }
    let mut others = MAX_DIAGNOSTICS - errors;
    diagnostics.retain(|diagnostic| {
        if diagnostic.is_error() {
            return true;
        }
        let keep = others > 0;
        others = others.saturating_sub(1);
        keep
    });
}

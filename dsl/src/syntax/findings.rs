//! Collects the diagnostics of one file, up to a cap.

use crate::diagnostic::{Diagnostic, Severity};
use crate::fix::Fix;
use crate::syntax::MAX_DIAGNOSTICS;

/// The diagnostics so far.
#[derive(Default)]
pub(super) struct Findings {
    found: Vec<Diagnostic>,
    left_out: usize,
}

impl Findings {
    /// Adds one, or counts it when there are too many already.
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        if self.found.len() < MAX_DIAGNOSTICS {
            self.found.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    /// Says how the file can be changed so that what was found last is gone. Nothing where that one was left out.
    pub(super) fn mend_last(&mut self, fix: Fix) {
        if self.left_out == 0
            && let Some(last) = self.found.last_mut()
        {
            last.fix = Some(Box::new(fix));
        }
    }

    /// Adds all of another collection.
    pub(super) fn append(&mut self, other: Findings) {
        self.left_out += other.left_out;
        for diagnostic in other.found {
            self.add(diagnostic);
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them in the order of the file, the last one saying how many were left out.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.found
            .sort_by_key(|diagnostic| (diagnostic.span(), diagnostic.code));
        if self.left_out > 0 {
            let end = self.found.last().map(Diagnostic::span).unwrap_or_default();
            self.found.push(
                Diagnostic::new(
                    "syntax::too-many-errors",
                    Severity::Error,
                    format!("{} more errors are not shown", self.left_out),
                )
                .label(end.after(), "")
                .help("correct the errors above and check the file again"),
            );
        }
        self.found
    }
}

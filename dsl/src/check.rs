//! Everything that can be said about a file before it runs.

mod calls;

pub(crate) use calls::MOST_NODES;

use crate::allow::Allows;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::lint;
use crate::loader::Loader;
use crate::lower::lower;
use crate::node::Node;
use crate::runbook::Runbook;
use crate::source::SourceFile;
use crate::syntax::{self, MAX_DIAGNOSTICS};
use calls::Calls;

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The runbook; `None` when there are errors.
    pub runbook: Option<Runbook>,
    /// What there is to say, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The files it calls, and those that they call, each once and after those it calls itself.
    pub called: Vec<Called>,
}

/// A file that another one calls, and what there is to say about it.
#[derive(Clone, Debug)]
pub struct Called {
    /// The file.
    pub file: SourceFile,
    /// What there is to say, in the order of the file. A caller of a file with errors has an error itself.
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
/// proportion to the file. Does not look at the files that it calls: [`check_with`] does.
#[must_use]
pub fn check(file: &SourceFile) -> Checked {
    let (runbook, diagnostics, _) = one(file, None);
    Checked {
        runbook,
        diagnostics,
        called: Vec::new(),
    }
}

/// As [`check`], with all files that it calls.
#[must_use]
pub fn check_with(file: &SourceFile, loader: &dyn Loader) -> Checked {
    let mut calls = Calls::new(loader, file);
    let (runbook, diagnostics, _) = one(file, Some(&mut calls));
    Checked {
        runbook,
        diagnostics,
        called: calls.files,
    }
}

/// Checks one file: the runbook if it has no errors, what there is to say, and how many nodes it has with those that
/// it calls.
fn one(
    file: &SourceFile,
    calls: Option<&mut Calls<'_>>,
) -> (Option<Runbook>, Vec<Diagnostic>, usize) {
    let parsed = syntax::parse(file);
    let mut diagnostics = parsed.diagnostics;
    let with_calls = calls.is_some();
    let (mut runbook, mut nodes) = (None, 0);
    if let Some(root) = &parsed.root {
        runbook = lower(root, file.syntax, &mut diagnostics);
        if let Some(runbook) = &mut runbook {
            if let Some(calls) = calls {
                nodes = calls.follow(file, runbook, &mut diagnostics);
            }
            lint(runbook, &mut diagnostics);
        }
        allow(
            file,
            root,
            &mut diagnostics,
            is_complete(with_calls, runbook.as_ref()),
        );
    }
    if diagnostics.iter().any(Diagnostic::is_error) {
        runbook = None;
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span(), diagnostic.severity));
    cap(&mut diagnostics);
    (runbook, diagnostics, nodes)
}

/// Whether every rule could look at all there is.
fn is_complete(with_calls: bool, runbook: Option<&Runbook>) -> bool {
    let calls = |runbook: &Runbook| runbook.nodes.iter().any(|node| node.is_call());
    runbook.is_some_and(|runbook| with_calls || !calls(runbook))
}

/// Leaves out what the file's comments allow, and adds what is wrong with those comments.
fn allow(file: &SourceFile, root: &Node, found: &mut Vec<Diagnostic>, is_complete: bool) {
    let mut allows = Allows::of(file, root);
    allows.keep(file, found);
    let is_complete = is_complete && !found.iter().any(Diagnostic::is_error);
    allows.report(file, is_complete, found);
}

/// Reads and checks a text; the name's ending says which syntax it is in.
#[must_use]
pub fn check_text(name: &str, text: &str) -> Checked {
    check(&SourceFile::new(name, text))
}

/// The code of the last diagnostic of a file that has more than are shown.
const TOO_MANY: &str = "syntax::too-many-errors";

/// Keeps as many as anybody reads, errors before the rest, and says at the end that there are more.
fn cap(diagnostics: &mut Vec<Diagnostic>) {
    let of_syntax = diagnostics.iter().position(|it| it.code == TOO_MANY);
    let marker = of_syntax.map(|at| diagnostics.remove(at));
    let count = |all: &[Diagnostic]| all.iter().filter(|it| it.is_error()).count();
    let (before, errors_before) = (diagnostics.len(), count(diagnostics));
    let mut others = MAX_DIAGNOSTICS.saturating_sub(errors_before);
    let mut errors = MAX_DIAGNOSTICS;
    diagnostics.retain(|diagnostic| {
        let left = if diagnostic.is_error() {
            &mut errors
        } else {
            &mut others
        };
        let keep = *left > 0;
        *left = left.saturating_sub(1);
        keep
    });
    let left_out = before - diagnostics.len();
    if left_out > 0 {
        diagnostics.push(more(diagnostics, left_out, errors_before > MAX_DIAGNOSTICS));
    } else {
        diagnostics.extend(marker);
    }
}

fn more(shown: &[Diagnostic], left_out: usize, errors: bool) -> Diagnostic {
    let (severity, what) = if errors {
        (Severity::Error, "findings")
    } else {
        (Severity::Warning, "warnings")
    };
    let end = shown.last().map(Diagnostic::span).unwrap_or_default();
    let message = format!("at least {left_out} more {what} are not shown");
    Diagnostic::new(TOO_MANY, severity, message)
        .label(end.after(), "")
        .help("correct what is shown and check the file again")
}

//! # A script that is one comment
//!
//! ## What it does
//! Finds scripts of which nothing is carried out, because all of it is a comment, and first lines (`#!…`) that hold
//! more than the name of a shell.
//!
//! ## Why it is bad
//! Where a document lost its line breaks on the way, its script is one line, and that line begins with `#`: the step
//! does nothing, and succeeds.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step dump {
//!     run     = "#!/bin/sh # the nightly dump: pg_dump shop > shop.sql"
//!     effect  = abandoned("a file more")
//!     timeout = 1h
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step dump {
//!     run     = """
//!       # the nightly dump
//!       pg_dump shop > shop.sql
//!     """
//!     effect  = abandoned("a file more")
//!     timeout = 1h
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "shell::all-comment";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in &context.embedded.codes {
        let (Some(text), Some(comment)) = (code.text, code.script.comments.first()) else {
            continue;
        };
        let message = if code.script.pipelines.is_empty() {
            "the script does nothing: all of it is a comment"
        } else if swallows(&text.text) {
            "the first line of the script is a comment, and holds more than the name of a shell"
        } else {
            continue;
        };
        found.push(
            Diagnostic::warning(CODE, *comment, message, "from here to the end of the line")
                .help("put each command on a line of its own; in YAML, under `run: |`"),
        );
    }
}

/// Whether the line that names the shell goes on with another comment.
fn swallows(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first
        .strip_prefix("#!")
        .is_some_and(|line| line.contains(" #"))
}

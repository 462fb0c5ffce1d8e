//! # A request whose status nobody looks at
//!
//! ## What it does
//! Finds `curl` in scripts without `--fail` (`-f`), where neither the status (`-w '%{http_code}'`) nor the answer is
//! looked at.
//!
//! ## Why it is bad
//! `curl` succeeds when a server answers at all, be it with "503 Service Unavailable".
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   gate healthy {
//!     run     = "curl http://localhost:3001/health/ready"
//!     timeout = 1m
//!     on_fail = [stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   gate healthy {
//!     run     = "curl --fail --silent --show-error http://localhost:3001/health/ready"
//!     timeout = 1m
//!     on_fail = [stop]
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::fix::Fix;
use crate::lint::Context;
use crate::lint::embedded::{Code, Purpose};
use crate::shell::{Invocation, Pipeline};
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "shell::curl-without-fail";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in context.embedded.running(&["curl"]) {
        if code.judged {
            continue;
        }
        for pipeline in &code.script.pipelines {
            for (place, command) in pipeline.commands.iter().enumerate() {
                let Some(curl) = command.invocation().filter(|it| it.program == "curl") else {
                    continue;
                };
                if asks(&curl) && !is_looked_at(pipeline, place) {
                    found.push(
                        Diagnostic::warning(
                            CODE,
                            curl.word.span,
                            "`curl` succeeds also when the server answers with an error",
                            "no `--fail`",
                        )
                        .help("add --fail, or use `http`, whose status is checked")
                        .fix(fix(context, code, &curl)),
                    );
                }
            }
        }
    }
}

/// Where all that a script does is to ask, and it is there to find something out, its success can mean only one thing.
fn fix(context: &Context<'_>, code: &Code<'_>, curl: &Invocation<'_>) -> Option<Fix> {
    let node = context.runbook.nodes.get(code.node)?;
    let is_check = code.purpose == Purpose::Check
        || node.kind == NodeKind::Gate && code.purpose == Purpose::Action;
    let is_all = code.script.commands().count() == 1;
    (is_check && is_all)
        .then(|| code.add_option(curl, "--fail"))
        .flatten()
}

/// Whether it asks a web server, and succeeds whatever that answers.
fn asks(curl: &Invocation<'_>) -> bool {
    let looks = curl.has(
        &[
            "fail",
            "fail-with-body",
            "config",
            "write-out",
            "version",
            "help",
        ],
        "fKwVh",
    );
    let elsewhere = |word: &crate::shell::Word| {
        ["file:", "ftp:", "ftps:", "sftp:", "telnet:", "smtp:"]
            .iter()
            .any(|scheme| word.text.starts_with(scheme))
    };
    !looks && !curl.arguments.is_empty() && !curl.operands().any(elsewhere)
}

/// Whether what comes out is looked at: put into a word, or searched.
fn is_looked_at(pipeline: &Pipeline, place: usize) -> bool {
    let searched = pipeline
        .commands
        .get(place + 1)
        .and_then(|it| it.invocation());
    pipeline.substituted
        || searched.is_some_and(|it| {
            matches!(
                it.program,
                "grep" | "egrep" | "fgrep" | "jq" | "tar" | "gunzip"
            )
        })
}

//! # A command that never ends
//!
//! ## What it does
//! Finds commands in scripts that go on until somebody stops them: `tail -f`, `kubectl logs -f`, `docker logs --follow`,
//! `journalctl -f`, `watch`. Under `timeout`, in the background, or in a pipe that ends them they are fine.
//!
//! ## Why it is bad
//! The step always ends at its time limit, as a failure, however well things went.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step look {
//!     run     = "kubectl logs -f deployment/shop --tail=20"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step look {
//!     run     = "kubectl logs deployment/shop --tail=20"
//!     until   = "stdout.contains('server started')"
//!     every   = 2s
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::shell::{Invocation, Pipeline};

/// The code of this rule.
pub const CODE: &str = "shell::never-ends";

/// The programs that may go on for ever.
const PROGRAMS: [&str; 8] = [
    "tail",
    "kubectl",
    "oc",
    "docker",
    "podman",
    "docker-compose",
    "journalctl",
    "watch",
];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in context.embedded.running(&PROGRAMS) {
        for pipeline in &code.script.pipelines {
            for (place, command) in pipeline.commands.iter().enumerate() {
                let Some(it) = command.invocation() else {
                    continue;
                };
                if !goes_on(&it) || it.through.contains(&"timeout") || is_ended(pipeline, place) {
                    continue;
                }
                found.push(
                    Diagnostic::warning(
                        CODE,
                        command.span(),
                        format!("`{}` goes on until somebody stops it", it.program),
                        "never ends",
                    )
                    .help("look at what is there once, and repeat that with `until` and `every`; `fail_when` watches a file for a line"),
                );
            }
        }
    }
}

/// Whether a program goes on for ever.
fn goes_on(it: &Invocation<'_>) -> bool {
    let mut operands = it.operands().map(|word| word.text.as_str());
    let follows = || {
        it.option(&["follow"], "f")
            .is_some_and(|word| word.text != "--follow=false")
    };
    match it.program {
        "tail" => it.has(&["follow", "retry"], "fF") && !it.has(&["pid"], ""),
        "kubectl" | "oc" => match operands.next() {
            Some("logs") => follows(),
            Some("get") => it.has(&["watch", "watch-only"], "w"),
            Some("port-forward" | "proxy") => true,
            _ => false,
        },
        "docker" | "podman" | "docker-compose" => {
            operands.take(2).any(|word| word == "logs") && follows()
        }
        "journalctl" => follows(),
        "watch" => true,
        _ => false,
    }
}

/// Whether a command is ended by another one, or left behind.
fn is_ended(pipeline: &Pipeline, place: usize) -> bool {
    let behind = pipeline.commands.get(place + 1..).unwrap_or_default();
    pipeline.background
        || behind.iter().any(|command| {
            command.compound
                || command.invocation().is_some_and(|it| match it.program {
                    "grep" | "egrep" | "fgrep" => it.has(&["quiet", "silent", "max-count"], "qm"),
                    "head" | "sed" | "awk" => true,
                    _ => false,
                })
        })
}

//! # A restore into a folder that was used before
//!
//! ## What it does
//! Finds `wal-g backup-fetch`, `pg_basebackup`, `barman recover` and `pgbackrest restore --pg1-path` into a folder that
//! is the same in every pass, and that nothing before it empties or looks at.
//!
//! ## Why it is bad
//! The first try leaves half a server there. The next one is refused because of it, or mixes files of two backups, which
//! starts, and loses rows. A production folder that is overwritten cannot be salvaged either.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step fetch {
//!     run     = "wal-g backup-fetch /var/lib/postgresql/data LATEST"
//!     effect  = abandoned("nobody uses the folder yet")
//!     timeout = 40m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step fetch {
//!     exec    = ["wal-g", "backup-fetch", "/srv/restore/${{ run.id }}/${{ string(node.pass) }}", "LATEST"]
//!     effect  = abandoned("each pass fetches into a folder of its own")
//!     timeout = 40m
//!   }
//! }
//! ```

use super::restores::{PROGRAMS, filled};
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::embedded::{Code, Purpose};
use crate::lint::words::{literal, resolved, splices};
use crate::shell::Command;

/// The code of this rule.
pub const CODE: &str = "postgres::used-directory";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let runbook = context.runbook;
    for code in context.embedded.running(&PROGRAMS) {
        if code.purpose != Purpose::Action {
            continue;
        }
        for command in code.script.commands() {
            let Some(folder) = command.invocation().and_then(|it| filled(&it)) else {
                continue;
            };
            let path = resolved(runbook, code, &folder.text);
            let path = path
                .split_once("pg1-path=")
                .map_or(path.as_str(), |it| it.1);
            if is_the_same_each_time(context, code, path) && !is_looked_after(context, code, path) {
                found.push(
                    Diagnostic::warning(
                        CODE,
                        folder.span,
                        "what an earlier try or another run left here is in the way, or is mixed with what is restored",
                        "the same in every pass",
                    )
                    .help("restore into a folder of this pass, such as /srv/restore/${{ run.id }}/${{ string(node.pass) }}, or empty it first"),
                );
            }
        }
    }
}

/// Whether a path names one and the same folder in each pass of each run, as far as that is known.
fn is_the_same_each_time(context: &Context<'_>, code: &Code<'_>, path: &str) -> bool {
    let lasts = |text: &str| {
        // What the shell works out, nobody knows here.
        let known = !literal(text).contains(['$', '`', '*']);
        known && splices(text).all(is_param)
    };
    let is_whole = path.starts_with('/') || path.starts_with("${{");
    if is_whole {
        return lasts(path);
    }
    let node = context.runbook.nodes.get(code.node);
    let own = node.and_then(|node| node.dir.as_ref());
    let dir = own.or(context.runbook.dir.as_ref());
    let moves = code
        .script
        .commands()
        .any(|command| command.words.first().is_some_and(|it| it.text == "cd"));
    !path.is_empty() && lasts(path) && !moves && dir.is_none_or(|it| lasts(it.value.text()))
}

/// Whether an expression is about parameters and nothing of the run.
fn is_param(text: &str) -> bool {
    let others = [
        "run.", "node.", "steps", "item", "key", "mode", "capture", "secrets",
    ];
    text.contains("params") && !others.iter().any(|name| text.contains(name))
}

/// Whether this script, or one of a node above it, empties the folder, moves it away, or looks what is in it.
fn is_looked_after(context: &Context<'_>, code: &Code<'_>, path: &str) -> bool {
    let above = context
        .embedded
        .codes
        .iter()
        .filter(|it| it.node <= code.node && it.purpose != Purpose::Undo);
    above.into_iter().any(|it| {
        let about = |text: &str| {
            let text = resolved(context.runbook, it, text);
            let text = text.trim_end_matches(['*', '/', '.']);
            text == path.trim_end_matches('/')
                || !text.is_empty() && path.starts_with(&format!("{text}/"))
        };
        it.script
            .commands()
            .any(|command| clears(command) && command.words.iter().any(|word| about(&word.text)))
    })
}

/// Whether a command empties what it names, or fails or tells when something is there.
fn clears(command: &Command) -> bool {
    let Some(it) = command.invocation() else {
        return false;
    };
    match it.program {
        "rm" => it.has(&["recursive"], "rR"),
        "mkdir" => !it.has(&["parents"], "p"),
        "mv" | "rmdir" | "test" | "[" | "[[" | "find" | "ls" | "mountpoint" | "zfs" => true,
        _ => false,
    }
}

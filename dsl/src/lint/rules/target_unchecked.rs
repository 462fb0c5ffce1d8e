//! # Nobody looked whether the moment can be reached
//!
//! ## What it does
//! Finds restores to a moment (`recovery_target_time`, `_lsn`, `_xid`, `pgbackrest restore --type=time`) before which
//! nothing stops for a check or a person.
//!
//! ## Why it is bad
//! A moment before the end of the backup is overshot without a word, or the server refuses it when it has already been
//! waited for; one after the last archived change ends with a server that starts and then dies; and one after the mistake
//! brings the mistake back. All of it can be known before anything is restored.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   param target { help = "Moment to restore to, in UTC" }
//!   step fetch {
//!     env     { TARGET = "${{ params.target }}" }
//!     run     = "pgbackrest --stanza=shop --type=time --target=\"$TARGET\" --target-action=promote restore"
//!     effect  = abandoned("nobody uses the folder yet")
//!     timeout = 40m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   param target { help = "Moment to restore to, in UTC" }
//!   gate reachable {
//!     env     { TARGET = "${{ params.target }}" }
//!     run     = "./is-within-the-backups.sh \"$TARGET\""
//!     timeout = 1m
//!     on_fail = [stop]
//!   }
//!   step fetch {
//!     env     { TARGET = "${{ params.target }}" }
//!     run     = "pgbackrest --stanza=shop --type=time --target=\"$TARGET\" --target-action=promote restore"
//!     effect  = abandoned("nobody uses the folder yet")
//!     timeout = 40m
//!   }
//! }
//! ```

use super::settings::Settings;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::before::stops;
use crate::lint::embedded::{Code, Purpose};
use crate::shell::Invocation;
use crate::source::Span;

/// The code of this rule.
pub const CODE: &str = "postgres::target-unchecked";

/// The settings that are a moment, and not a name or the end of the backup.
const MOMENTS: [&str; 3] = [
    "recovery_target_time",
    "recovery_target_lsn",
    "recovery_target_xid",
];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let set = context
        .embedded
        .recovering()
        .filter_map(|code| Some((code, in_text(code)?)));
    let given = context.embedded.running(&["pgbackrest", "barman"]);
    let given = given.filter_map(|code| {
        let mut commands = code.script.commands();
        let span = commands.find_map(|command| command.invocation().and_then(|it| option(&it)))?;
        Some((code, span))
    });
    let places: Vec<_> = set
        .chain(given)
        .filter(|(code, _)| code.purpose == Purpose::Action)
        .collect();
    if places.is_empty() {
        return;
    }
    let unchecked = context.none_before(stops);
    for (code, span) in places {
        let itself = context.runbook.nodes.get(code.node).is_some_and(stops);
        if unchecked.get(code.node) == Some(&true) && !itself {
            found.push(
                Diagnostic::warning(
                    CODE,
                    span,
                    "nothing looks beforehand whether there is a way to this moment",
                    "reachable?",
                )
                .help("put a gate before it: the backup ended before the moment, and WAL is archived beyond it"),
            );
        }
    }
}

/// Where a script sets a moment.
fn in_text(code: &Code<'_>) -> Option<Span> {
    let text = code.text?;
    let settings = Settings::of(&text.text);
    let range = MOMENTS.iter().find_map(|name| settings.set(name))?;
    Some(text.source_span(range))
}

/// Where a command says to which moment it restores.
fn option(it: &Invocation<'_>) -> Option<Span> {
    let kinds = it.values("type", '\0');
    let is_moment = kinds
        .iter()
        .any(|(kind, _)| matches!(*kind, "time" | "lsn" | "xid"));
    let value = match it.program {
        "pgbackrest" if is_moment => it.values("target", '\0'),
        "barman" => ["target-time", "target-lsn", "target-xid"]
            .iter()
            .flat_map(|name| it.values(name, '\0'))
            .collect(),
        _ => Vec::new(),
    };
    value.first().map(|(_, word)| word.span)
}

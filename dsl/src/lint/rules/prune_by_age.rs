//! # Backups deleted by their age alone
//!
//! ## What it does
//! Finds `find … -mtime +N … -delete` (or `-exec rm`) on what looks like backups.
//!
//! ## Why it is bad
//! The clock does not know whether there is anything newer: when backups have failed for that many days, the last good
//! one is deleted on schedule. `+30` also means 31 days, and subfolders of others are searched too.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step prune {
//!     run          = "find /backups -name '*.sql.gz' -mtime +30 -delete"
//!     irreversible = "they are gone"
//!     timeout      = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step prune {
//!     title        = "All but the newest thirty"
//!     run          = "ls -t /backups/*.sql.gz | tail -n +31 | xargs -r rm --"
//!     irreversible = "they are gone"
//!     timeout      = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::shell::{Invocation, Pipeline};

/// The code of this rule.
pub const CODE: &str = "shell::prune-by-age";

/// What backups are called.
const BACKUPS: [&str; 9] = [
    "backup",
    "dump",
    ".sql",
    ".bak",
    "snapshot",
    "archive",
    "pg_wal",
    ".tar",
    "basebackup",
];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in context.embedded.running(&["find"]) {
        for pipeline in &code.script.pipelines {
            for (place, command) in pipeline.commands.iter().enumerate() {
                let Some(find) = command.invocation().filter(|it| it.program == "find") else {
                    continue;
                };
                if by_age(&find) && deletes(&find, pipeline, place) && is_about_backups(&find) {
                    found.push(
                        Diagnostic::warning(
                            CODE,
                            command.span(),
                            "this deletes by age alone, the last good backup too when newer ones have failed",
                            "whatever is newer",
                        )
                        .help("keep a number of them instead (`ls -t … | tail -n +31`), in a step behind the one that made a new one"),
                    );
                }
            }
        }
    }
}

fn by_age(find: &Invocation<'_>) -> bool {
    let arguments = find.arguments.windows(2);
    let mut pairs = arguments.filter_map(|pair| match pair {
        [test, value] => Some((test.text.as_str(), value.text.as_str())),
        _ => None,
    });
    pairs.any(|(test, value)| {
        matches!(
            test,
            "-mtime" | "-mmin" | "-ctime" | "-cmin" | "-atime" | "-amin"
        ) && value.starts_with('+')
    })
}

fn deletes(find: &Invocation<'_>, pipeline: &Pipeline, place: usize) -> bool {
    let mut words = find.arguments.iter().map(|word| word.text.as_str());
    let next = pipeline.commands.get(place + 1);
    words.any(|word| matches!(word, "-delete" | "rm"))
        || next.is_some_and(|next| next.words.iter().any(|word| word.text == "rm"))
}

fn is_about_backups(find: &Invocation<'_>) -> bool {
    find.arguments.iter().any(|word| {
        let text = word.text.to_ascii_lowercase();
        BACKUPS.iter().any(|name| text.contains(name))
    })
}

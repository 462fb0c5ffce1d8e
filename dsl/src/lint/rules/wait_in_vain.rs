//! # Waiting for a server that may have died
//!
//! ## What it does
//! Finds `until` on `pg_is_in_recovery()` without `fail_when`, in runbooks that set up a recovery.
//!
//! ## Why it is bad
//! `pg_ctl start` succeeds, and the server ends later: a target behind the last archived commit, a timeline that is not
//! there. Its log says so in a line with FATAL; without `fail_when` the run waits for its time limit all the same.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   database = "postgres:///postgres?host=/srv/restore"
//!   timeout  = 30m
//!   step start {
//!     run    = "touch data/recovery.signal && pg_ctl start -D data -o '-c archive_mode=off'"
//!     effect = abandoned("a server of its own")
//!   }
//!   step recovered {
//!     sql    = "select pg_is_in_recovery()"
//!     until  = "!value"
//!     every  = 1s
//!     effect = none
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   database = "postgres:///postgres?host=/srv/restore"
//!   timeout  = 30m
//!   step start {
//!     run    = "touch data/recovery.signal && pg_ctl start -D data -o '-c archive_mode=off'"
//!     effect = abandoned("a server of its own")
//!   }
//!   step recovered {
//!     sql    = "select pg_is_in_recovery()"
//!     until  = "!value"
//!     every  = 1s
//!     fail_when { file = "data/log/server.log", matches = "FATAL|PANIC" }
//!     effect = none
//!   }
//! }
//! ```

use super::settings::Settings;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::embedded::Purpose;

/// The code of this rule.
pub const CODE: &str = "postgres::wait-in-vain";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut texts = context.embedded.recovering().filter_map(|code| code.text);
    if !texts.any(|text| Settings::of(&text.text).recovers().is_some()) {
        return;
    }
    for query in context.queries() {
        let Some(node) = context.runbook.nodes.get(query.node) else {
            continue;
        };
        if let Some(until) = &node.until
            && query.purpose == Purpose::Action
            && node.key("fail_when").is_none()
            && query.bare.contains("pg_is_in_recovery")
        {
            found.push(
                Diagnostic::warning(
                    CODE,
                    until.source.span,
                    "if the server has died, this waits for its time limit all the same",
                    "no `fail_when`",
                )
                .help("watch the server's log: fail_when { file = \"…/server.log\", matches = \"FATAL|PANIC\" }"),
            );
        }
    }
}

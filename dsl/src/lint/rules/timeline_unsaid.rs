//! # A recovery that follows any timeline
//!
//! ## What it does
//! Finds scripts that set `restore_command` without `recovery_target_timeline`, in runbooks that say nothing of it
//! elsewhere.
//!
//! ## Why it is bad
//! Postgres follows the newest timeline in the archive. If a drill, or a server that was given up, left one there, the
//! recovery takes it: other rows are gone, and it ends well.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step configure {
//!     run     = """
//!       cat >> "$PITON_WORK/data/postgresql.auto.conf" <<EOF
//!       restore_command = 'wal-g wal-fetch "%f" "%p"'
//!       archive_mode = off
//!       EOF
//!     """
//!     effect  = abandoned("in the run's own folder")
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step configure {
//!     run     = """
//!       cat >> "$PITON_WORK/data/postgresql.auto.conf" <<EOF
//!       restore_command = 'wal-g wal-fetch "%f" "%p"'
//!       recovery_target_timeline = 'current'
//!       archive_mode = off
//!       EOF
//!     """
//!     effect  = abandoned("in the run's own folder")
//!     timeout = 5m
//!   }
//! }
//! ```

use super::settings::{Settings, mentioned};
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use std::cell::LazyCell;

/// The code of this rule.
pub const CODE: &str = "postgres::timeline-unsaid";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let is_said = LazyCell::new(|| mentioned(context, "recovery_target_timeline"));
    for text in context.embedded.recovering().filter_map(|code| code.text) {
        if let Some(range) = Settings::of(&text.text).set("restore_command")
            && !*is_said
        {
            found.push(
                Diagnostic::warning(
                    CODE,
                    text.source_span(range),
                    "the recovery follows the newest timeline in the archive, whoever left it there",
                    "no recovery_target_timeline",
                )
                .help("set recovery_target_timeline: 'current' is the backup's own; after a promotion, the number of the new one"),
            );
        }
    }
}

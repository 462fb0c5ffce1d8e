//! # A restored copy that archives
//!
//! ## What it does
//! Finds scripts that set up a recovery (`restore_command`, `recovery.signal`, `standby.signal`) in runbooks that say
//! nothing of `archive_mode`.
//!
//! ## Why it is bad
//! The copy has the original's configuration. When its recovery ends it archives into the same place: a timeline and
//! segments that never belonged there, and that a later restore follows. Every drill does it again.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step configure {
//!     run     = """
//!       cat >> "$PITON_WORK/data/postgresql.auto.conf" <<EOF
//!       restore_command = 'wal-g wal-fetch "%f" "%p"'
//!       recovery_target_timeline = 'current'
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
pub const CODE: &str = "postgres::copy-archives";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let is_said = LazyCell::new(|| mentioned(context, "archive_mode"));
    for text in context.embedded.recovering().filter_map(|code| code.text) {
        if let Some(range) = Settings::of(&text.text).recovers()
            && !*is_said
        {
            found.push(
                Diagnostic::warning(
                    CODE,
                    text.source_span(range),
                    "what is restored here may archive into the original's archive",
                    "a recovery is set up",
                )
                .help("set archive_mode = off; turn it on, to a place of its own, when the copy is to serve"),
            );
        }
    }
}

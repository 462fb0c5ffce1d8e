//! # A recovery that pauses at its target
//!
//! ## What it does
//! Finds scripts that set a recovery target (`recovery_target_time`, `_lsn`, `_xid`, `_name`, or `pgbackrest restore
//! --type=time`) and no `recovery_target_action`, in runbooks that do not promote the server themselves.
//!
//! ## Why it is bad
//! Without an action Postgres pauses when it has reached the target: it stays in recovery, read-only, and whoever waits
//! for the end of the recovery waits for ever.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step configure {
//!     run     = "echo \"recovery_target_name = '$TARGET'\" >> \"$PITON_WORK/server.conf\""
//!     env     { TARGET = "before-release-7" }
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step configure {
//!     run     = "printf '%s\\n' \"recovery_target_name = '$TARGET'\" 'recovery_target_action = promote' >> \"$PITON_WORK/server.conf\""
//!     env     { TARGET = "before-release-7" }
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use super::settings::{Settings, promotes};
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use std::cell::LazyCell;

/// The code of this rule.
pub const CODE: &str = "postgres::recovery-pauses";

/// The settings that are a target.
const TARGETS: [&str; 5] = [
    "recovery_target_time",
    "recovery_target_lsn",
    "recovery_target_xid",
    "recovery_target_name",
    "recovery_target",
];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let promoted = LazyCell::new(|| promotes(context));
    let mut report = |span, help: &str| {
        if *promoted {
            return;
        }
        found.push(
            Diagnostic::warning(
                CODE,
                span,
                "Postgres pauses at this target, and stays in recovery",
                "and then?",
            )
            .help(format!(
                "{help}, or `pause`, and promote the server in a step of its own"
            )),
        );
    };
    for text in context.embedded.recovering().filter_map(|code| code.text) {
        let settings = Settings::of(&text.text);
        let target = TARGETS.iter().find_map(|name| settings.set(name));
        if let (Some(range), false) = (target, settings.mentions("recovery_target_action")) {
            report(
                text.source_span(range),
                "set recovery_target_action = 'promote' beside it",
            );
        }
    }
    for code in context.embedded.running(&["pgbackrest"]) {
        for command in code.script.commands() {
            let Some(tool) = command.invocation().filter(|it| it.program == "pgbackrest") else {
                continue;
            };
            let target = tool
                .values("type", '\0')
                .into_iter()
                .find(|(value, _)| matches!(*value, "time" | "lsn" | "xid" | "name" | "immediate"));
            let restores = tool.operands().any(|word| word.text == "restore");
            if let (Some((_, word)), true, false) =
                (target, restores, tool.has(&["target-action"], ""))
            {
                report(word.span, "add --target-action=promote");
            }
        }
    }
}

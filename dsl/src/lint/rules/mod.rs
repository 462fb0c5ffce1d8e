//! One rule, one file. The comment at the top of each is the page that `piton explain CODE` prints.
//!
//! Rules that look at a whole runbook have a function `run`, listed in [`super::catalogue`]; the others word what
//! lowering finds.

pub(crate) mod all_comment;
pub(crate) mod allow_error;
pub(crate) mod allow_malformed;
pub(crate) mod allow_no_reason;
pub(crate) mod allow_unknown_code;
pub(crate) mod allow_unused;
pub(crate) mod alone_over_rto;
pub(crate) mod ask_default;
pub(crate) mod ask_is_output;
pub(crate) mod backup_elsewhere;
pub(crate) mod bad_default;
pub(crate) mod bad_name;
pub(crate) mod break_hides_failure;
pub(crate) mod call_endless;
pub(crate) mod call_lock;
pub(crate) mod call_missing_param;
pub(crate) mod call_unknown_param;
pub(crate) mod call_unreadable;
pub(crate) mod call_wrong_type;
pub(crate) mod config_elsewhere;
pub(crate) mod copy_archives;
pub(crate) mod curl_without_fail;
pub(crate) mod cycle;
pub(crate) mod database_unnamed;
pub(crate) mod drop_in_use;
pub(crate) mod duplicate_name;
pub(crate) mod error_hidden;
pub(crate) mod evidence_untried;
pub(crate) mod exactly_one_action;
pub(crate) mod expression_type;
pub(crate) mod fail_when_pattern;
pub(crate) mod finally_goes_back;
pub(crate) mod finally_needed;
pub(crate) mod finally_waits;
pub(crate) mod for_each_action;
pub(crate) mod gate_cannot_fail;
pub(crate) mod gate_effect;
pub(crate) mod gate_guarded;
pub(crate) mod gate_on_fail;
pub(crate) mod goes_on;
pub(crate) mod hold_outlasts;
pub(crate) mod http_bad_json;
pub(crate) mod http_bad_url;
pub(crate) mod http_body_of_look;
pub(crate) mod http_two_bodies;
pub(crate) mod ident;
pub(crate) mod invalid_expression;
pub(crate) mod lock_empty;
pub(crate) mod lock_held;
pub(crate) mod manual_empty;
pub(crate) mod may_be_missing;
pub(crate) mod missing_key;
pub(crate) mod mode_bad_set;
pub(crate) mod mode_clock_end;
pub(crate) mod mode_dropped_output;
pub(crate) mod mode_unknown_node;
pub(crate) mod never_ends;
pub(crate) mod never_taken;
pub(crate) mod no_ack_within;
pub(crate) mod no_channel;
pub(crate) mod no_database;
pub(crate) mod no_expiry;
pub(crate) mod no_gate;
pub(crate) mod no_timeout;
pub(crate) mod nobody;
pub(crate) mod nobody_paged;
pub(crate) mod not_before;
pub(crate) mod not_exactly_one;
pub(crate) mod other_database;
pub(crate) mod over_rto;
pub(crate) mod people_placeholder;
pub(crate) mod pg_restore_misused;
pub(crate) mod pipe_failure_lost;
pub(crate) mod placeholder;
pub(crate) mod prune_by_age;
pub(crate) mod psql_goes_on;
pub(crate) mod reaches_production;
pub(crate) mod recovery_pauses;
mod restores;
pub(crate) mod rewind_irreversible;
pub(crate) mod rewind_not_before;
pub(crate) mod roles_missing;
pub(crate) mod secret_literal;
pub(crate) mod secret_written_down;
pub(crate) mod server_side_copy;
mod settings;
pub(crate) mod several_effects;
pub(crate) mod shell_without_run;
pub(crate) mod size_of_archive;
pub(crate) mod splice;
pub(crate) mod sql_unreadable;
pub(crate) mod starter_may_approve;
pub(crate) mod target_unchecked;
pub(crate) mod targets_clock_order;
pub(crate) mod targets_nobody_paged;
pub(crate) mod targets_not_measured;
pub(crate) mod targets_unknown_node;
pub(crate) mod timeline_unsaid;
pub(crate) mod undeclared_output;
pub(crate) mod undo_half_done;
pub(crate) mod undo_missing_output;
pub(crate) mod undo_of_restore;
pub(crate) mod unknown_contact;
pub(crate) mod unknown_database;
pub(crate) mod unknown_key;
pub(crate) mod unknown_name;
pub(crate) mod unknown_node;
pub(crate) mod unknown_policy;
pub(crate) mod unstated_effect;
pub(crate) mod until_action;
pub(crate) mod until_missing;
pub(crate) mod until_no_every;
pub(crate) mod unused;
pub(crate) mod unused_capture;
pub(crate) mod used_directory;
pub(crate) mod valid_for_step;
pub(crate) mod verified_too_late;
pub(crate) mod wait_in_vain;
pub(crate) mod within_not_before;
pub(crate) mod within_of;
pub(crate) mod wrong_type;

use super::Context;
use crate::diagnostic::Diagnostic;
use crate::fix::Fix;
use crate::source::Span;

/// Labels each of these keys.
fn label_each(
    diagnostic: Diagnostic,
    keys: impl IntoIterator<Item = (&'static str, Span)>,
) -> Diagnostic {
    keys.into_iter()
        .fold(diagnostic, |diagnostic, (key, span)| {
            diagnostic.label(span, format!("`{key}` here"))
        })
}

/// Writes the name that was meant, as it may stand in an expression: `steps.fetch-all` would be a subtraction.
fn meant(unknown: &super::scope::Unknown, path: &[String], span: Span) -> Option<Fix> {
    let (written, meant) = (path.get(unknown.at)?, unknown.surely.as_deref()?);
    let is_bare = span.len() == written.len();
    if is_bare && meant.contains('-') {
        return None;
    }
    Fix::rename(span, written, meant)
}

/// Reports the names that there are not, of one code.
fn report_unknown(code: &'static str, context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for reference in &context.references {
        let super::scope::Resolution::Unknown(unknown) = &reference.resolution else {
            continue;
        };
        let Some(site) = context.sites.get(reference.site) else {
            continue;
        };
        if unknown.code != code {
            continue;
        }
        let range = reference
            .reference
            .spans
            .get(unknown.at)
            .unwrap_or(&reference.reference.span);
        let mut diagnostic =
            Diagnostic::error(code, site.span(range), &unknown.message, "not known");
        diagnostic.help.clone_from(&unknown.help);
        let fix = meant(unknown, &reference.reference.path, diagnostic.span());
        diagnostic = diagnostic.fix(fix);
        found.push(diagnostic);
    }
}

/// A shell that fails with any command of a pipe, as it is written in a runbook.
fn shell_with_pipefail(syntax: crate::source::Syntax) -> &'static str {
    match syntax {
        crate::source::Syntax::Runbook => "shell = [\"bash\", \"-euo\", \"pipefail\", \"-c\"]",
        crate::source::Syntax::Yaml => "shell: [bash, -euo, pipefail, -c]",
    }
}

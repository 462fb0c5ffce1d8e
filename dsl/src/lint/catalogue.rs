//! Every code, once: its rule, its page, and the function that looks for it.

use super::Context;
use super::rules::{
    all_comment, allow_error, allow_malformed, allow_no_reason, allow_unknown_code, allow_unused,
    alone_over_rto, ask_default, ask_is_output, backup_elsewhere, bad_default, bad_name,
    break_hides_failure, call_endless, call_lock, call_missing_param, call_unknown_param,
    call_unreadable, call_wrong_type, config_elsewhere, copy_archives, curl_without_fail, cycle,
    database_unnamed, drop_in_use, duplicate_name, error_hidden, evidence_untried,
    exactly_one_action, expression_type, fail_when_pattern, finally_goes_back, finally_needed,
    finally_waits, for_each_action, gate_cannot_fail, gate_effect, gate_guarded, gate_on_fail,
    goes_on, hold_outlasts, http_bad_json, http_bad_url, http_body_of_look, http_two_bodies, ident,
    invalid_expression, lock_empty, lock_held, manual_empty, may_be_missing, missing_key,
    mode_bad_set, mode_clock_end, mode_dropped_output, mode_unknown_node, never_ends, never_taken,
    no_ack_within, no_channel, no_database, no_expiry, no_gate, no_timeout, nobody, nobody_paged,
    not_before, not_exactly_one, other_database, over_rto, people_placeholder, pg_restore_misused,
    pipe_failure_lost, placeholder, prune_by_age, psql_goes_on, reaches_production,
    recovery_pauses, rewind_irreversible, rewind_not_before, roles_missing, secret_literal,
    secret_written_down, server_side_copy, several_effects, shell_without_run, size_of_archive,
    splice, sql_unreadable, starter_may_approve, target_unchecked, targets_clock_order,
    targets_nobody_paged, targets_not_measured, targets_unknown_node, timeline_unsaid,
    undeclared_output, undo_half_done, undo_missing_output, undo_of_restore, unknown_contact,
    unknown_database, unknown_key, unknown_name, unknown_node, unknown_policy, unstated_effect,
    until_action, until_missing, until_no_every, unused, unused_capture, used_directory,
    valid_for_step, verified_too_late, wait_in_vain, within_not_before, within_of, wrong_type,
};
use crate::diagnostic::{Diagnostic, Severity};
use crate::syntax::CODES;
use std::sync::LazyLock;

/// A function that looks for one mistake.
pub(crate) type Look = fn(&Context<'_>, &mut Vec<Diagnostic>);

/// A code of a rule in this crate.
pub(crate) struct Rule {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    /// The rule's file; the comment at its top is its page.
    source: &'static str,
    /// `None` for what lowering finds.
    pub(crate) run: Option<Look>,
}

macro_rules! rule {
    ($rule:ident, $severity:ident) => {
        rule!($rule, $severity, None)
    };
    ($rule:ident, $severity:ident, $run:expr) => {
        Rule {
            code: $rule::CODE,
            severity: Severity::$severity,
            source: include_str!(concat!("rules/", stringify!($rule), ".rs")),
            run: $run,
        }
    };
}

/// All rules, in the order in which they look.
pub(crate) static RULES: &[Rule] = &[
    rule!(unknown_key, Error),
    rule!(wrong_type, Error),
    rule!(missing_key, Error),
    rule!(bad_name, Error),
    rule!(not_exactly_one, Error),
    rule!(nobody, Error, Some(nobody::run)),
    rule!(manual_empty, Error, Some(manual_empty::run)),
    rule!(lock_empty, Error, Some(lock_empty::run)),
    rule!(duplicate_name, Error, Some(duplicate_name::run)),
    rule!(unknown_name, Error, Some(unknown_name::run)),
    rule!(unknown_node, Error, Some(unknown_node::run)),
    rule!(undeclared_output, Error, Some(undeclared_output::run)),
    rule!(cycle, Error, Some(cycle::run)),
    rule!(not_before, Error, Some(not_before::run)),
    rule!(exactly_one_action, Error, Some(exactly_one_action::run)),
    rule!(shell_without_run, Error),
    rule!(no_database, Error),
    rule!(unknown_database, Error, Some(unknown_database::run)),
    rule!(splice, Error, Some(splice::run)),
    rule!(ident, Error, Some(ident::run)),
    rule!(http_bad_url, Error, Some(http_bad_url::run)),
    rule!(http_body_of_look, Error, Some(http_body_of_look::run)),
    rule!(http_two_bodies, Error, Some(http_two_bodies::run)),
    rule!(http_bad_json, Error, Some(http_bad_json::run)),
    rule!(secret_written_down, Error, Some(secret_written_down::run)),
    rule!(gate_effect, Error, Some(gate_effect::run)),
    rule!(gate_on_fail, Error, Some(gate_on_fail::run)),
    rule!(several_effects, Error, Some(several_effects::run)),
    rule!(unstated_effect, Warning, Some(unstated_effect::run)),
    rule!(no_timeout, Warning, Some(no_timeout::run)),
    rule!(no_expiry, Warning, Some(no_expiry::run)),
    rule!(invalid_expression, Error),
    rule!(expression_type, Error, Some(expression_type::run)),
    rule!(bad_default, Error, Some(bad_default::run)),
    rule!(unknown_contact, Error, Some(unknown_contact::run)),
    rule!(unknown_policy, Error, Some(unknown_policy::run)),
    rule!(no_channel, Warning, Some(no_channel::run)),
    rule!(nobody_paged, Warning, Some(nobody_paged::run)),
    rule!(starter_may_approve, Warning, Some(starter_may_approve::run)),
    rule!(rewind_not_before, Error, Some(rewind_not_before::run)),
    rule!(rewind_irreversible, Error, Some(rewind_irreversible::run)),
    rule!(never_taken, Warning, Some(never_taken::run)),
    rule!(undo_missing_output, Error, Some(undo_missing_output::run)),
    rule!(undo_half_done, Warning, Some(undo_half_done::run)),
    rule!(unused_capture, Warning, Some(unused_capture::run)),
    rule!(finally_needed, Error, Some(finally_needed::run)),
    rule!(finally_waits, Error, Some(finally_waits::run)),
    rule!(finally_goes_back, Error, Some(finally_goes_back::run)),
    rule!(until_no_every, Error, Some(until_no_every::run)),
    rule!(until_missing, Error, Some(until_missing::run)),
    rule!(until_action, Error, Some(until_action::run)),
    rule!(fail_when_pattern, Error, Some(fail_when_pattern::run)),
    rule!(evidence_untried, Error, Some(evidence_untried::run)),
    rule!(valid_for_step, Error, Some(valid_for_step::run)),
    rule!(within_of, Error, Some(within_of::run)),
    rule!(within_not_before, Error, Some(within_not_before::run)),
    rule!(for_each_action, Error, Some(for_each_action::run)),
    rule!(gate_guarded, Error, Some(gate_guarded::run)),
    rule!(ask_is_output, Error, Some(ask_is_output::run)),
    rule!(ask_default, Error, Some(ask_default::run)),
    rule!(lock_held, Error, Some(lock_held::run)),
    rule!(may_be_missing, Warning, Some(may_be_missing::run)),
    rule!(call_unreadable, Error),
    rule!(call_endless, Error),
    rule!(call_unknown_param, Error, Some(call_unknown_param::run)),
    rule!(call_lock, Error, Some(call_lock::run)),
    rule!(call_missing_param, Error, Some(call_missing_param::run)),
    rule!(call_wrong_type, Error, Some(call_wrong_type::run)),
    rule!(mode_unknown_node, Error, Some(mode_unknown_node::run)),
    rule!(mode_bad_set, Error, Some(mode_bad_set::run)),
    rule!(mode_dropped_output, Error, Some(mode_dropped_output::run)),
    rule!(mode_clock_end, Error, Some(mode_clock_end::run)),
    rule!(targets_unknown_node, Error, Some(targets_unknown_node::run)),
    rule!(targets_clock_order, Error, Some(targets_clock_order::run)),
    rule!(targets_not_measured, Error, Some(targets_not_measured::run)),
    rule!(
        targets_nobody_paged,
        Warning,
        Some(targets_nobody_paged::run)
    ),
    rule!(pipe_failure_lost, Warning, Some(pipe_failure_lost::run)),
    rule!(error_hidden, Warning, Some(error_hidden::run)),
    rule!(goes_on, Warning, Some(goes_on::run)),
    rule!(break_hides_failure, Warning, Some(break_hides_failure::run)),
    rule!(all_comment, Warning, Some(all_comment::run)),
    rule!(curl_without_fail, Warning, Some(curl_without_fail::run)),
    rule!(never_ends, Warning, Some(never_ends::run)),
    rule!(psql_goes_on, Warning, Some(psql_goes_on::run)),
    rule!(prune_by_age, Warning, Some(prune_by_age::run)),
    rule!(size_of_archive, Warning, Some(size_of_archive::run)),
    rule!(placeholder, Warning, Some(placeholder::run)),
    rule!(secret_literal, Warning, Some(secret_literal::run)),
    rule!(sql_unreadable, Error, Some(sql_unreadable::run)),
    rule!(drop_in_use, Warning, Some(drop_in_use::run)),
    rule!(server_side_copy, Warning, Some(server_side_copy::run)),
    rule!(other_database, Warning, Some(other_database::run)),
    rule!(pg_restore_misused, Warning, Some(pg_restore_misused::run)),
    rule!(recovery_pauses, Warning, Some(recovery_pauses::run)),
    rule!(copy_archives, Warning, Some(copy_archives::run)),
    rule!(timeline_unsaid, Warning, Some(timeline_unsaid::run)),
    rule!(wait_in_vain, Warning, Some(wait_in_vain::run)),
    rule!(used_directory, Warning, Some(used_directory::run)),
    rule!(undo_of_restore, Warning, Some(undo_of_restore::run)),
    rule!(config_elsewhere, Warning, Some(config_elsewhere::run)),
    rule!(database_unnamed, Warning, Some(database_unnamed::run)),
    rule!(roles_missing, Warning, Some(roles_missing::run)),
    rule!(target_unchecked, Warning, Some(target_unchecked::run)),
    rule!(backup_elsewhere, Warning, Some(backup_elsewhere::run)),
    rule!(hold_outlasts, Warning, Some(hold_outlasts::run)),
    rule!(gate_cannot_fail, Warning, Some(gate_cannot_fail::run)),
    rule!(no_gate, Warning, Some(no_gate::run)),
    rule!(verified_too_late, Warning, Some(verified_too_late::run)),
    rule!(reaches_production, Warning, Some(reaches_production::run)),
    rule!(people_placeholder, Warning, Some(people_placeholder::run)),
    rule!(no_ack_within, Warning, Some(no_ack_within::run)),
    rule!(over_rto, Warning, Some(over_rto::run)),
    rule!(alone_over_rto, Warning, Some(alone_over_rto::run)),
    rule!(unused, Warning, Some(unused::run)),
    rule!(allow_malformed, Warning),
    rule!(allow_no_reason, Warning),
    rule!(allow_unknown_code, Warning),
    rule!(allow_error, Warning),
    rule!(allow_unused, Warning),
];

/// What `piton explain` knows of a code.
#[derive(Clone, Debug)]
pub struct Page {
    /// The code.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// The page, in Markdown.
    pub text: String,
}

static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    let rules = RULES.iter().map(|rule| {
        let text = page_of(rule.source);
        Page {
            code: rule.code,
            severity: rule.severity,
            summary: summary_of(&text),
            text,
        }
    });
    let scenarios = crate::scenario::CODES;
    let syntax = CODES.iter().chain(scenarios).map(|code| Page {
        code: code.code,
        severity: Severity::Error,
        summary: code.summary.to_owned(),
        text: code.page.to_owned(),
    });
    let mut pages: Vec<_> = rules.chain(syntax).collect();
    pages.sort_by_key(|page| page.code);
    pages
});

/// Every code with its page, in the order of the codes.
#[must_use]
pub fn catalogue() -> &'static [Page] {
    &PAGES
}

/// The page of a code.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.code == code)
}

/// How much a finding of this code matters; `None` for a code that there is not.
pub(crate) fn severity_of(code: &str) -> Option<Severity> {
    explain(code).map(|page| page.severity)
}

/// The comment at the top of a rule's file, as Markdown.
fn page_of(source: &str) -> String {
    source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"])
        .collect()
}

/// The title of a page.
fn summary_of(page: &str) -> String {
    page.lines()
        .next()
        .and_then(|line| line.strip_prefix("# "))
        .unwrap_or_default()
        .to_owned()
}

//! Every code, once: its rule, its page, and the function that looks for it.

use super::Context;
use super::rules::{
    bad_default, bad_name, cycle, duplicate_name, exactly_one_action, expression_type, gate_effect,
    gate_on_fail, invalid_expression, missing_key, no_database, no_expiry, no_timeout, not_before,
    not_exactly_one, secret_written_down, several_effects, shell_without_run, splice,
    undeclared_output, unknown_key, unknown_name, unknown_node, unstated_effect, unused,
    wrong_type,
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
    rule!(duplicate_name, Error, Some(duplicate_name::run)),
    rule!(unknown_name, Error, Some(unknown_name::run)),
    rule!(unknown_node, Error, Some(unknown_node::run)),
    rule!(undeclared_output, Error, Some(undeclared_output::run)),
    rule!(cycle, Error, Some(cycle::run)),
    rule!(not_before, Error, Some(not_before::run)),
    rule!(exactly_one_action, Error, Some(exactly_one_action::run)),
    rule!(shell_without_run, Error),
    rule!(no_database, Error),
    rule!(splice, Error, Some(splice::run)),
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
    rule!(unused, Warning, Some(unused::run)),
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
    let syntax = CODES.iter().map(|code| Page {
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

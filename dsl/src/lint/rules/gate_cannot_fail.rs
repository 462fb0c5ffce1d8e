//! # A check that cannot fail
//!
//! ## What it does
//! Finds gates and checks that pass whatever they find: `run = "true"`, `… || true` at the end, `expect = "true"`, and a
//! query that always has a row (`select count(*) …`) without `expect`.
//!
//! ## Why it is bad
//! It looks like a check in the plan, in the report and in the post-mortem, and it lets everything through.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   database = "sqlite:shop.db"
//!   timeout  = 5m
//!   gate filled {
//!     checks { check "there are users" { sql = "select count(*) from users" } }
//!     on_fail = [stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   database = "sqlite:shop.db"
//!   timeout  = 5m
//!   gate filled {
//!     checks { check "there are users" { sql = "select count(*) from users", expect = "value > 0" } }
//!     on_fail = [stop]
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::embedded::{Code, Purpose};
use crate::lint::queries::bare;
use crate::runbook::Action;
use crate::shell::{Joint, Pipeline};
use crate::source::Span;
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "gate::cannot-fail";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut report = |span: Span, label: &str, help: &str| {
        found.push(
            Diagnostic::warning(CODE, span, "this check passes whatever it finds", label)
                .help(help),
        );
    };
    for code in &context.embedded.codes {
        if judges(context, code.node, code.purpose)
            && !code.judged
            && let Some(span) = always_succeeds(code)
        {
            report(
                span,
                "always succeeds",
                "let it end with the status of what it looks at",
            );
        }
    }
    for statement in &context.embedded.statements {
        if !judges(context, statement.node, statement.purpose) || statement.judged {
            continue;
        }
        if let Some(text) = statement
            .sql
            .text
            .as_ref()
            .filter(|text| has_always_a_row(text.value.text()))
        {
            let span = text.source.source_span(0..text.value.text().len());
            report(
                span,
                "nobody looks at what it gives",
                "say what is expected: expect = \"value > 0\", in a check of `checks`",
            );
        }
    }
    for node in &context.runbook.nodes {
        for written in &node.actions {
            let Some(Action::Checks(checks)) = &written.action else {
                continue;
            };
            for expect in checks.iter().filter_map(|check| check.expect.as_ref()) {
                if expect.value.text().trim() == "true" {
                    report(
                        expect.source.span,
                        "always true",
                        "say what is expected of what it finds",
                    );
                }
            }
        }
    }
}

/// Whether a piece of code decides whether the run may go on.
fn judges(context: &Context<'_>, node: usize, purpose: Purpose) -> bool {
    let is_gate = context
        .runbook
        .nodes
        .get(node)
        .is_some_and(|node| node.kind == NodeKind::Gate);
    purpose == Purpose::Check || is_gate && purpose == Purpose::Action
}

/// Where a script makes sure that it succeeds.
fn always_succeeds(code: &Code<'_>) -> Option<Span> {
    let pipelines = &code.script.pipelines;
    let last = pipelines.last()?;
    let word = nothing(last)?;
    let whatever = last.before == Joint::Or || pipelines.iter().all(|it| nothing(it).is_some());
    whatever.then_some(word)
}

/// Where a pipeline does nothing, successfully.
fn nothing(pipeline: &Pipeline) -> Option<Span> {
    let [command] = pipeline.commands.as_slice() else {
        return None;
    };
    let words: Vec<_> = command
        .words
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let is_nothing = matches!(words.as_slice(), ["true" | ":"] | ["exit", "0"]);
    (is_nothing && !pipeline.negated).then(|| command.span())
}

/// Whether a query gives one row, whatever there is.
fn has_always_a_row(text: &str) -> bool {
    let bare = bare(text);
    let words: Vec<_> = bare.split_whitespace().collect();
    let query = words.join(" ");
    let starts = [
        "select count(",
        "select count (",
        "select true",
        "select false",
        "select exists",
        "select not ",
        "select pg_is_in_recovery(",
    ];
    let whole = !query.trim_end_matches(';').contains(';')
        && !query.contains('/')
        && !query.contains(" group by ")
        && !query.contains(" having ");
    whole && starts.iter().any(|start| query.starts_with(start))
}

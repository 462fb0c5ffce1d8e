//! # Something is destroyed, and nobody was asked
//!
//! ## What it does
//! Finds steps that drop or truncate tables, delete all rows, remove folders that a parameter names, delete what runs
//! in a cluster, or format disks, without a gate before them, and without `confirm` or `target`.
//!
//! ## Why it is bad
//! One wrong parameter, and the wrong database is gone. A gate stops for a check or for a person; `target` makes sure
//! that it is the right one, and `confirm` lets the operator type its name.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step clear {
//!     run          = "psql -X -d shop -c 'truncate carts'"
//!     irreversible = "the carts are gone"
//!     timeout      = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step clear {
//!     run          = "psql -X -d shop -c 'truncate carts'"
//!     confirm      = "clear the carts"
//!     irreversible = "the carts are gone"
//!     timeout      = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::embedded::{Code, Purpose};
use crate::lint::words::variables;
use crate::runbook::{Node, Runbook};
use crate::shell::{Command, Invocation};
use crate::source::Span;
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "safety::no-gate";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let runbook = context.runbook;
    let unguarded = context.none_before(guards);
    let open = |node: usize, purpose: Purpose| {
        let acts = runbook
            .nodes
            .get(node)
            .is_some_and(|it| it.kind == NodeKind::Step && !it.finally && !guards(it));
        unguarded.get(node) == Some(&true) && acts && purpose == Purpose::Action
    };
    let mut report = |span: Span, what: &str| {
        found.push(
            Diagnostic::warning(CODE, span, format!("{what}, and nothing before it stops for a check or a person"), "destroys")
                .help("put a gate before it, or give the step `target` (is it the right one?) or `confirm` (type its name)"),
        );
    };
    for code in context
        .embedded
        .codes
        .iter()
        .filter(|code| open(code.node, code.purpose))
    {
        for command in code.script.commands() {
            if let Some(what) = destroys(runbook, code, command) {
                report(command.span(), what);
            }
        }
    }
    for query in context
        .queries()
        .iter()
        .filter(|query| open(query.node, query.purpose))
    {
        for range in query.statements() {
            let statement = query.bare.get(range.clone()).unwrap_or_default();
            if let Some(what) = sql_destroys(statement) {
                report(query.span(range), what);
            }
        }
    }
}

fn guards(node: &Node) -> bool {
    node.kind == NodeKind::Gate || node.confirm.is_some() || node.target.is_some()
}

/// What a statement destroys.
fn sql_destroys(statement: &str) -> Option<&'static str> {
    let words: Vec<_> = statement.split_whitespace().collect();
    match words.as_slice() {
        ["drop", "database", ..] => Some("this drops a database"),
        ["drop", "schema", ..] => Some("this drops a schema"),
        ["drop", "table", ..] => Some("this drops a table"),
        ["truncate", ..] => Some("this empties a table"),
        ["delete", "from", ..] if !words.contains(&"where") && !words.contains(&"using") => {
            Some("this deletes every row of a table")
        }
        _ => None,
    }
}

/// What a command destroys.
fn destroys(runbook: &Runbook, code: &Code<'_>, command: &Command) -> Option<&'static str> {
    let it = command.invocation()?;
    let operands: Vec<_> = it.operands().map(|word| word.text.as_str()).collect();
    match (it.program, operands.as_slice()) {
        ("rm", _) if removes_named(runbook, code, &it) => {
            Some("this removes a folder with all that is in it")
        }
        ("dropdb", [_, ..]) => Some("this drops a database"),
        ("wipefs" | "blkdiscard", _) => Some("this empties a disk"),
        ("dd", operands)
            if operands
                .iter()
                .any(|it| it.starts_with("of=/dev/") && *it != "of=/dev/null") =>
        {
            Some("this overwrites a disk")
        }
        ("kubectl" | "oc", ["delete", what, ..])
            if !matches!(*what, "pod" | "pods" | "po") && !what.starts_with("pod/") =>
        {
            Some("this deletes what is in the cluster")
        }
        ("docker" | "podman", ["volume", "rm" | "prune", ..]) => Some("this removes a volume"),
        ("terraform" | "tofu", ["destroy", ..]) => Some("this destroys what was set up"),
        ("helm", ["uninstall" | "delete", ..]) => Some("this uninstalls a release"),
        ("aws", ["s3", "rb", ..]) => Some("this removes a bucket"),
        ("aws", ["s3", "rm", ..]) if it.has(&["recursive"], "") => {
            Some("this removes all files under an address")
        }
        ("redis-cli", operands)
            if operands
                .iter()
                .any(|it| matches!(it.to_ascii_lowercase().as_str(), "flushall" | "flushdb")) =>
        {
            Some("this empties Redis")
        }
        (program, _) if program.starts_with("mkfs") => Some("this formats a disk"),
        _ => None,
    }
}

/// Whether `rm` removes folders that are not the run's own: given by parameters, or written out.
fn removes_named(runbook: &Runbook, code: &Code<'_>, rm: &Invocation<'_>) -> bool {
    rm.has(&["recursive"], "rR")
        && rm.operands().any(|word| {
            let written = word.text.starts_with('/')
                && !word.text.starts_with("/tmp/")
                && !word.text.contains('$');
            let mut variables = variables(&word.text);
            written
                || word.text.contains("${{") && is_given(&word.text)
                || variables.any(|name| {
                    code.variable(runbook, name)
                        .is_some_and(|value| is_given(value.value.text()))
                })
        })
}

/// Whether a value comes from a parameter, and is not the run's own.
fn is_given(value: &str) -> bool {
    let own = ["node.pass", "run.id", "run.work"];
    (value.contains("params.") || value.contains("params["))
        && !own.iter().any(|name| value.contains(name))
}

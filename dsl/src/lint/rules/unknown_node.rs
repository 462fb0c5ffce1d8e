//! # A step or gate that there is not
//!
//! ## What it does
//! Finds names of steps and gates, in `needs`, `rewind`, `of` and in expressions, that the runbook does not have.
//!
//! ## Why it is bad
//! Nobody can tell what has to come first, or whose output is meant.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none, needs = ["fetsh"] }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none, needs = ["fetch"] }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Response;

/// The code of this rule.
pub const CODE: &str = "names::unknown-node";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    super::report_unknown(CODE, context, found);
    let runbook = context.runbook;
    let needs = runbook
        .nodes
        .iter()
        .flat_map(|node| node.needs.iter().flatten());
    let of = runbook.nodes.iter().filter_map(|node| node.of.as_ref());
    let back = context
        .ladders()
        .flatten()
        .filter_map(|response| match &response.value {
            Response::Rewind { to, .. } => Some(to),
            _ => None,
        });
    let names = needs.chain(of).chain(back);
    for name in names.filter(|name| context.find(&name.value).is_none()) {
        let mut diagnostic = Diagnostic::error(
            CODE,
            name.span,
            format!("there is no step or gate `{}`", shorten(&name.value)),
            "not known",
        );
        let known = runbook.nodes.iter().map(|node| node.id.value.as_str());
        diagnostic.help = inside_a_call(context, &name.value);
        if diagnostic.help.is_none()
            && let Some(meant) = context.suggest(&name.value, known.clone())
        {
            diagnostic.help = Some(format!("did you mean `{meant}`?"));
            diagnostic = diagnostic.fix(context.rename(name, known));
        }
        found.push(diagnostic);
    }
}

/// What to say about a name that reaches into a runbook that is called.
fn inside_a_call(context: &Context<'_>, name: &str) -> Option<String> {
    let (call, _) = name.split_once('/')?;
    let node = context.runbook.nodes.get(context.find(call)?)?;
    node.is_call().then(|| {
        format!("nothing outside of the runbook that `{call}` calls reaches into it; name `{call}` itself")
    })
}

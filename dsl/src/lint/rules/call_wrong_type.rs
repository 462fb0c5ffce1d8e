//! # A value that does not fit the called runbook's parameter
//!
//! ## What it does
//! Finds values in the `with` of a call that are not of the parameter's type, or none of its choices. Of a value that
//! is one `${{ }}` the type is looked at, as far as it is known before the run.
//!
//! ## Why it is bad
//! The called runbook would be given something that it does not expect.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step report {
//!     call { runbook = "report.runbook", with { days = "a week" } }
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step report {
//!     call { runbook = "report.runbook", with { days = 7 } }
//!   }
//! }
//! ```

use super::call_unknown_param::calls;
use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::scope::{OutputTypes, Types};
use crate::lint::sites::{Place, Site};
use crate::runbook::{Param, ParamType, Sourced};
use piton_core::expr::{Expression, Template, Type};
use std::collections::BTreeMap;

/// The code of this rule.
pub const CODE: &str = "call::wrong-type";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let sites = context
        .sites
        .iter()
        .filter(|site| site.place == Place::With);
    let sites: Sites<'_> = sites
        .map(|site| (std::ptr::from_ref(site.expression), site))
        .collect();
    for (call, called) in calls(context) {
        for (name, value) in &call.with {
            let param = called.params.iter().find(|it| it.name.value == name.value);
            let (Some(param), Some(value)) = (param, value) else {
                continue;
            };
            if value.value.is_literal() {
                found.extend(literal(param, value));
            } else {
                found.extend(computed(context, &sites, param, value));
            }
        }
    }
}

/// The sites in calls, by their expressions.
type Sites<'a> = BTreeMap<*const Expression, &'a Site<'a>>;

/// What is wrong with a text as the value of a parameter.
fn literal(param: &Param, value: &Sourced<Template>) -> Option<Diagnostic> {
    let kind = param.kind?;
    // A literal `${{` is written with one `$` more.
    let text = value.value.text().replace("$${{", "${{");
    let name = &param.name.value;
    let span = value.source.span;
    if kind.read(&text).is_none() {
        let message = format!(
            "`{}` cannot be the parameter `{name}`: it takes {}",
            shorten(&text),
            kind.describe()
        );
        let label = format!("takes {}", kind.describe());
        return Some(Diagnostic::error(CODE, span, message, label));
    }
    if param.accepts(&text) {
        return None;
    }
    let choices = param.choices.iter().flatten();
    let choices: Vec<_> = choices
        .map(|choice| format!("`{}`", shorten(&choice.text)))
        .collect();
    let message = format!(
        "`{}` is none of the choices of the parameter `{name}`",
        shorten(&text)
    );
    Some(
        Diagnostic::error(CODE, span, message, "not among the choices")
            .help(format!("the choices are {}", choices.join(", "))),
    )
}

/// What is wrong with one `${{ }}` as the value of a parameter.
fn computed(
    context: &Context<'_>,
    sites: &Sites<'_>,
    param: &Param,
    value: &Sourced<Template>,
) -> Option<Diagnostic> {
    let kind = param.kind?;
    let mut expressions = value.value.expressions();
    let (offset, expression) = expressions.next()?;
    let is_whole = offset == "${{".len()
        && offset + expression.text().len() + "}}".len() == value.value.text().len();
    if !is_whole {
        return None;
    }
    let site = sites.get(&std::ptr::from_ref(expression))?;
    let scope = Types {
        context,
        site,
        outputs: &OutputTypes::new(),
    };
    // What is wrong with the expression itself is reported as that.
    let given = expression.check(&scope).ok()?;
    let (expected, convert) = expected(kind);
    let fits = given == expected
        || matches!(
            (&given, &expected),
            (Type::Any, _) | (Type::Int, Type::Float)
        )
        || (given == Type::Null && param.optional);
    if fits || given == Type::Secret {
        return None;
    }
    let message = format!(
        "the parameter `{}` takes {}, and this is a {given}",
        param.name.value,
        kind.describe()
    );
    let text = expression.text().trim();
    Some(
        Diagnostic::error(CODE, value.source.span, message, format!("a {given}"))
            .help(format!("write `${{{{ {convert}({text}) }}}}`")),
    )
}

/// The type that a parameter takes, and the function that makes it.
fn expected(kind: ParamType) -> (Type, &'static str) {
    match kind {
        ParamType::String => (Type::String, "string"),
        ParamType::Int => (Type::Int, "int"),
        ParamType::Float => (Type::Float, "double"),
        ParamType::Bool => (Type::Bool, "bool"),
        ParamType::Duration => (Type::Duration, "duration"),
        ParamType::Timestamp => (Type::Timestamp, "timestamp"),
    }
}

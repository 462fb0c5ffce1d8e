//! # A parameter or secret that nothing uses
//!
//! ## What it does
//! Finds parameters and secrets that no expression names. Looked for only where nothing else is wrong.
//!
//! ## Why it is bad
//! People will give it and believe that it has an effect.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   param region { default = "eu" }
//!   step report {
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   param region { default = "eu" }
//!   step report {
//!     env { REGION = "${{ params.region }}" }
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Spanned;
use std::collections::BTreeSet;

/// The code of this rule.
pub const CODE: &str = "names::unused";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    // An expression that could not be read may be the one that uses it.
    if context.has_errors {
        return;
    }
    let used: BTreeSet<(&str, &str)> = context
        .references
        .iter()
        .filter_map(|reference| match reference.reference.path.as_slice() {
            [root, name, ..] => Some((root.as_str(), name.as_str())),
            _ => None,
        })
        .collect();
    // `params` by itself (`params[name]`) may mean any of them.
    let all = |root: &str| {
        context
            .references
            .iter()
            .any(|it| matches!(it.reference.path.as_slice(), [one] if one == root))
    };
    if !all("params") {
        let params = context.runbook.params.iter().map(|param| &param.name);
        report("params", "parameter", params, &used, found);
    }
    if !all("secrets") {
        let secrets = context.runbook.secrets.iter().map(|secret| &secret.name);
        report("secrets", "secret", secrets, &used, found);
    }
}

fn report<'a>(
    root: &str,
    what: &str,
    names: impl Iterator<Item = &'a Spanned<String>>,
    used: &BTreeSet<(&str, &str)>,
    found: &mut Vec<Diagnostic>,
) {
    for name in names.filter(|name| !used.contains(&(root, name.value.as_str()))) {
        let message = format!("nothing uses the {what} `{}`", name.value);
        found.push(
            Diagnostic::warning(CODE, name.span, message, "never used").help(format!(
                "use it as `${{{{ {root}.{} }}}}`, or take it out",
                name.value
            )),
        );
    }
}

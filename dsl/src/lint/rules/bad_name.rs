//! # A name that cannot be used
//!
//! ## What it does
//! Checks names: of steps and gates lower-case letters, digits and dashes; of parameters, secrets and outputs
//! lower-case letters, digits and underscores; of environment variables letters, digits and underscores.
//!
//! ## Why it is bad
//! Names are written in expressions, where a dash is a minus, and they become names of files.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   param data-dir { default = "data" }
//!   step report {
//!     exec    = ["./report.sh", "${{ params['data-dir'] }}"]
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   param data_dir { default = "data" }
//!   step report {
//!     exec    = ["./report.sh", "${{ params.data_dir }}"]
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::node::Scalar;

/// The code of this rule.
pub const CODE: &str = "keys::bad-name";

/// What is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A runbook, step or gate.
    Node,
    /// A parameter, secret or output.
    Identifier,
    /// An environment variable.
    Variable,
    /// A header of a request.
    Header,
}

/// What is wrong with a name, if something is.
pub(crate) fn check(kind: Kind, name: &Scalar) -> Option<Diagnostic> {
    if fits(kind, &name.text) {
        return None;
    }
    let rule = match kind {
        Kind::Node => {
            "a name is made of lower-case letters, digits and dashes, and begins with a letter"
        }
        Kind::Identifier => {
            "a name is made of lower-case letters, digits and underscores, and begins with a letter"
        }
        Kind::Variable => {
            "the name of an environment variable is made of letters, digits and underscores"
        }
        Kind::Header => "the name of a header is made of letters, digits and dashes",
    };
    let mut diagnostic = Diagnostic::error(
        CODE,
        name.span,
        format!("`{}` cannot be used as a name here", shorten(&name.text)),
        rule,
    );
    let better = better(kind, &name.text);
    if fits(kind, &better) {
        diagnostic = diagnostic.help(format!("write `{better}`"));
    }
    Some(diagnostic)
}

fn fits(kind: Kind, name: &str) -> bool {
    const LONGEST: usize = 64;
    let mut letters = name.chars();
    let Some(first) = letters.next() else {
        return false;
    };
    name.len() <= LONGEST
        && match kind {
            Kind::Node => {
                first.is_ascii_lowercase()
                    && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            }
            Kind::Identifier => {
                first.is_ascii_lowercase()
                    && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            }
            Kind::Header => {
                let others = "!#$%&'*+-.^_`|~";
                let fits = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
                fits(first) && letters.all(fits)
            }
            Kind::Variable => {
                (first.is_ascii_alphabetic() || first == '_')
                    && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
            }
        }
}

fn better(kind: Kind, name: &str) -> String {
    let joint = match kind {
        Kind::Node | Kind::Header => '-',
        Kind::Identifier | Kind::Variable => '_',
    };
    let keeps_case = matches!(kind, Kind::Variable | Kind::Header);
    name.trim()
        .chars()
        .take(100)
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() && !keeps_case => c.to_ascii_lowercase(),
            c if c.is_ascii_alphanumeric() => c,
            _ => joint,
        })
        .collect()
}

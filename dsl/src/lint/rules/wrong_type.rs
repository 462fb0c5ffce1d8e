//! # A value that the key does not take
//!
//! ## What it does
//! Finds values of the wrong kind: a word where a length of time has to stand, a list where a text has to.
//!
//! ## Why it is bad
//! Nobody can tell what was meant, so the runbook is refused rather than guessed at.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step report {
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = "five minutes"
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step report {
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::fix::Fix;
use crate::node::Node;
use crate::schema::{Block, Key, Takes};
use crate::source::{Span, Syntax};
use piton_core::expr::suggest_surely;

/// The code of this rule.
pub const CODE: &str = "keys::wrong-type";

/// A value that `key` does not take.
pub(crate) fn report(key: &Key, node: &Node, syntax: Syntax) -> Diagnostic {
    let found = found(node);
    let message = if found == "nothing" {
        format!("`{}` has no value", key.name)
    } else {
        format!("`{}` takes {}, not {found}", key.name, key.takes)
    };
    Diagnostic::error(CODE, node.span, message, format!("takes {}", key.takes))
        .help(format!("for example: {}", example(key, syntax)))
        .fix(meant(&key.takes, node))
}

/// Writes the value as the key takes it, where only one can be meant.
fn meant(takes: &Takes, node: &Node) -> Option<Fix> {
    let scalar = node.as_scalar()?;
    let text = scalar.text.trim();
    let write = |value: &str| Some(Fix::new(format!("write `{value}`"), node.span, value));
    match takes {
        Takes::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => write("true"),
            "false" | "no" | "off" => write("false"),
            _ => None,
        },
        Takes::Count(least) => {
            let number: u32 = text.parse().ok().filter(|number| number >= least)?;
            write(&number.to_string())
        }
        Takes::OneOf(words) => {
            let meant = suggest_surely(text, words.iter().copied())?;
            Fix::rename(node.span, &scalar.text, &meant)
        }
        _ => None,
    }
}

/// Something else where a block has to stand: an item of a list, or the whole file.
pub(crate) fn not_a_block(block: &Block, node: &Node) -> Diagnostic {
    let known: Vec<_> = block
        .keys
        .iter()
        .map(|key| format!("`{}`", key.name))
        .collect();
    let message = format!(
        "here has to stand a `{}` block, not {}",
        block.keyword,
        found(node)
    );
    Diagnostic::error(CODE, node.span, message, "not a block").help(format!(
        "a `{}` takes {}",
        block.keyword,
        known.join(", ")
    ))
}

/// More entries than a list may have.
pub(crate) fn too_many(key: &Key, count: usize, most: usize, span: Span) -> Diagnostic {
    let message = format!("`{}` has {count} entries, and may have {most}", key.name);
    Diagnostic::error(CODE, span.before(), message, "too many").help("make several runbooks of it")
}

/// How the key is written in this syntax.
pub(crate) fn example(key: &Key, syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Runbook => key.example,
        Syntax::Yaml => key.yaml,
    }
}

fn found(node: &Node) -> String {
    match node.as_scalar() {
        Some(scalar) if matches!(scalar.text.as_str(), "" | "~") => "nothing".to_owned(),
        Some(scalar) => format!("`{}`", shorten(&scalar.text)),
        None => match node.as_list() {
            Some([]) => "an empty list".to_owned(),
            _ => node.describe().to_owned(),
        },
    }
}

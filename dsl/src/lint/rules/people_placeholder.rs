//! # A contact that was never filled in
//!
//! ## What it does
//! Finds placeholders in how people are reached: `oncall@yourcompany.com`, `TODO`, `CHANGE_ME`, `+1-555-0100`.
//!
//! ## Why it is bad
//! The page is sent, and nobody gets it.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   page    = "infra"
//!
//!   contact infra-lead { via = [{ command = ["./mail.sh", "oncall@yourcompany.com"] }] }
//!   escalation infra { level { page = ["infra-lead"] } }
//!
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   page    = "infra"
//!
//!   contact infra-lead { via = [{ command = ["./mail.sh", "oncall@shop.example"] }] }
//!   escalation infra { level { page = ["infra-lead"] } }
//!
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```

use super::placeholder::placeholder;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Channel, Sourced};
use piton_core::expr::Template;

/// The code of this rule.
pub const CODE: &str = "people::placeholder";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for contact in &context.runbook.contacts {
        let mut texts: Vec<&Sourced<Template>> = Vec::new();
        for channel in &contact.via {
            match channel {
                Channel::Webhook(url) => texts.push(url),
                Channel::Command(argv) => texts.extend(argv.iter().flatten()),
            }
        }
        for text in texts {
            if is_placeholder(text.value.text()) {
                let message = format!("contact `{}` was never filled in", contact.id.value);
                found.push(
                    Diagnostic::warning(CODE, text.source.span, message, "a placeholder")
                        .help("write where this contact is really reached, or take it from a secret or a parameter"),
                );
            }
        }
    }
}

fn is_placeholder(text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    let digits: String = lower.chars().filter(char::is_ascii_digit).collect();
    let is_number = lower
        .chars()
        .all(|c| c.is_ascii_digit() || "+-() .x".contains(c));
    placeholder(text).is_some()
        || matches!(lower.as_str(), "todo" | "tbd" | "fixme" | "xxx" | "n/a" | "none" | "?")
        || lower.contains("todo@") || lower.contains("@acme.test") || lower.contains("@company.com")
        || lower.contains("xxx-xxx") || lower.contains("/xxxx")
        // Numbers that are kept free for films.
        || is_number && digits.len() >= 7 && (lower.contains("555-01") || lower.contains("+1-555-") || lower.contains("xxxx"))
}

//! # A placeholder in code
//!
//! ## What it does
//! Finds `CHANGE_ME`, `REPLACE_ME`, `your-bucket`, `yourcompany.com` and the like in scripts, programs, addresses and
//! databases.
//!
//! ## Why it is bad
//! What was to be filled in later is missing on the night when it is needed.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step upload {
//!     exec    = ["aws", "s3", "cp", "shop.dump", "s3://your-backup-bucket/shop/"]
//!     effect  = abandoned("a file more")
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   param bucket { default = "s3://shop-backups/nightly" }
//!   step upload {
//!     exec    = ["aws", "s3", "cp", "shop.dump", "${{ params.bucket }}/"]
//!     effect  = abandoned("a file more")
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::source::Span;
use std::ops::Range;

/// The code of this rule.
pub const CODE: &str = "code::placeholder";

/// What people write where something is to be filled in, in lower case. `-` stands for itself, `_` or nothing.
const WORDS: [&str; 10] = [
    "change-me",
    "replace-me",
    "fill-me-in",
    "your-company",
    "your-domain",
    "your-bucket",
    "your-server",
    "your-org",
    "your-host",
    "your-database",
];

/// Programs that fill placeholders in.
const FILLING: [&str; 8] = ["sed", "envsubst", "perl", "awk", "grep", "tr", "m4", "yq"];

/// Where a text has a placeholder, if it has one.
pub(super) fn placeholder(text: &str) -> Option<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut starts = ["change", "replace", "fill", "your"]
        .iter()
        .flat_map(|start| lower.match_indices(start).map(|(at, _)| at))
        .collect::<Vec<_>>();
    starts.sort_unstable();
    starts.into_iter().find_map(|at| {
        let before = lower.get(..at).unwrap_or_default();
        let rest = lower.get(at..).unwrap_or_default();
        let inside = before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '$' || c == '{');
        let length = (!inside).then(|| {
            WORDS
                .iter()
                .find_map(|word| length_of(rest, word))
                .or_else(|| yours(rest))
        })??;
        Some(at..at + length)
    })
}

/// How long a word is here, if the text begins with it and it ends there.
fn length_of(rest: &str, word: &str) -> Option<usize> {
    let joined = word.replace('-', "");
    let forms = [word.to_owned(), word.replace('-', "_"), joined];
    let form = forms.iter().find(|form| rest.starts_with(form.as_str()))?;
    let behind = rest.get(form.len()..)?;
    (!behind.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some(form.len())
}

/// `your-backup-bucket` and the like.
fn yours(rest: &str) -> Option<usize> {
    let word: &str = rest
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .next()?;
    let parts: Vec<_> = word.split(['-', '_']).collect();
    let things = [
        "bucket", "domain", "company", "host", "server", "org", "database", "token", "password",
        "channel",
    ];
    let is_one = parts.len() >= 2
        && parts.first() == Some(&"your")
        && parts.last().is_some_and(|it| things.contains(it));
    is_one.then_some(word.len())
}

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut report = |span: Span, what: &str| {
        found.push(
            Diagnostic::warning(
                CODE,
                span,
                format!("`{what}` was to be filled in"),
                "a placeholder",
            )
            .help("fill it in, or make it a parameter without a default, which has to be given"),
        );
    };
    for code in &context.embedded.codes {
        for command in code.script.commands() {
            if command
                .invocation()
                .is_some_and(|it| FILLING.contains(&it.program))
            {
                continue;
            }
            let assigned = command.assignments.iter().map(|(_, word)| word);
            let targets = command.redirects.iter().map(|it| &it.target);
            for word in command.words.iter().chain(assigned).chain(targets) {
                if let Some(range) = placeholder(&word.text) {
                    report(word.span, word.text.get(range).unwrap_or_default());
                }
            }
        }
    }
    let runbook = context.runbook;
    let env = runbook
        .nodes
        .iter()
        .flat_map(|node| &node.env)
        .chain(&runbook.env);
    let requests = runbook
        .nodes
        .iter()
        .flat_map(crate::runbook::Node::requests);
    let addresses = requests.filter_map(|request| request.url.as_ref());
    let databases = runbook
        .nodes
        .iter()
        .filter_map(|node| node.database.as_ref())
        .chain(&runbook.database);
    let texts = env
        .filter_map(|(_, value)| value.as_ref())
        .chain(addresses)
        .chain(databases);
    for text in texts {
        if let Some(range) = placeholder(text.value.text()) {
            let what = text.value.text().get(range.clone()).unwrap_or_default();
            report(text.source.source_span(range), what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_names() {
        for text in [
            "CHANGE_ME",
            "ops@yourcompany.com",
            "s3://your-backup-bucket/x",
            "changeme",
            "x:REPLACE-ME@db",
            "https://your-domain/",
            "your_org",
        ] {
            assert!(placeholder(text).is_some(), "{text}");
        }
        for text in [
            "exchange_mechanism",
            "your",
            "yours truly",
            "change",
            "$CHANGE_ME",
            "your-backups",
            "change_method",
        ] {
            assert_eq!(placeholder(text), None, "{text}");
        }
    }
}

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

/// More than the longest placeholder has, in bytes: a text of nothing else must not be read again for each word in it.
const LONGEST: usize = 256;

/// Programs that fill placeholders in.
const FILLING: [&str; 8] = ["sed", "envsubst", "perl", "awk", "grep", "tr", "m4", "yq"];

/// Where a text has a placeholder, if it has one.
pub(super) fn placeholder(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let begins = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        ["change", "replace", "fill", "your"].iter().any(|start| {
            let same = rest.get(..start.len());
            same.is_some_and(|same| same.eq_ignore_ascii_case(start.as_bytes()))
        })
    };
    let is_letter = |byte: &u8| matches!(byte | 0x20, b'c' | b'r' | b'f' | b'y');
    let letters = bytes.iter().enumerate().filter(|(_, byte)| is_letter(byte));
    letters
        .map(|(at, _)| at)
        .filter(|at| begins(*at))
        .find_map(|at| {
            let before = text.get(..at).unwrap_or_default();
            let rest = text.get(at..).unwrap_or_default();
            let inside =
                before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '$' || c == '{');
            if inside {
                return None;
            }
            let rest = rest
                .get(..rest.floor_char_boundary(LONGEST))
                .unwrap_or(rest);
            let rest = rest.to_ascii_lowercase();
            let words = WORDS.iter().find_map(|word| length_of(&rest, word));
            let length = words.or_else(|| yours(&rest))?;
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
    (is_one && word.len() < LONGEST - 4).then_some(word.len())
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

//! Whether two trees say the same to whoever reads them, the order of keys included.

use super::document::Comment;
use crate::node::{Entry, Kind, Node, Scalar, Style};
use crate::source::Span;

/// The first place in `before` at which `after` says something else, wherever each says what the runbook is called.
pub(super) fn difference_of_files(before: &Node, after: &Node) -> Option<Span> {
    let (Some(a), Some(b)) = (before.as_map(), after.as_map()) else {
        return Some(before.span);
    };
    let is_name = |entry: &&Entry| entry.key.text == "runbook";
    let names = (a.iter().find(is_name), b.iter().find(is_name));
    if let (Some(a), Some(b)) = names
        && let Some(found) = difference(&a.value, &b.value)
    {
        return Some(found);
    }
    let mut others = b.iter().filter(|entry| !is_name(entry));
    for entry in a.iter().filter(|entry| !is_name(entry)) {
        match others.next() {
            Some(other) if other.key.text == entry.key.text => {
                if let Some(found) = difference(&entry.value, &other.value) {
                    return Some(found);
                }
            }
            _ => return Some(entry.key.span),
        }
    }
    others.next().map(|_| before.span)
}

/// The first place in `before` at which `after` says something else.
pub(super) fn difference(before: &Node, after: &Node) -> Option<Span> {
    match (&before.kind, &after.kind) {
        (Kind::Scalar(a), Kind::Scalar(b)) => (!scalars(a, b)).then_some(before.span),
        (Kind::List(a), Kind::List(b)) if a.len() == b.len() => {
            a.iter().zip(b).find_map(|(a, b)| difference(a, b))
        }
        (Kind::Map(a), Kind::Map(b)) => {
            for (at, entry) in a.iter().enumerate() {
                let Some(other) = b.get(at) else {
                    return Some(entry.key.span);
                };
                if entry.key.text != other.key.text {
                    return Some(entry.key.span);
                }
                if let Some(found) = difference(&entry.value, &other.value) {
                    return Some(found);
                }
            }
            (a.len() != b.len()).then_some(before.span)
        }
        _ => Some(before.span),
    }
}

fn scalars(a: &Scalar, b: &Scalar) -> bool {
    let nothing = |scalar: &Scalar| {
        scalar.style == Style::Plain && matches!(scalar.text.as_str(), "" | "~" | "null")
    };
    if nothing(a) || nothing(b) {
        return nothing(a) && nothing(b);
    }
    // Quotes make a text of what would be a number or a truth value.
    let value = |scalar: &Scalar| {
        scalar.style == Style::Plain
            && (matches!(scalar.text.as_str(), "true" | "false")
                || scalar.text.starts_with(|c: char| c.is_ascii_digit())
                    && scalar.text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    a.text == b.text && value(a) == value(b)
}

/// What a comment says, whatever its mark: `#`, `//`, `/* … */`.
pub(super) fn said(comments: &[&Comment]) -> Vec<String> {
    let mut all = Vec::new();
    for comment in comments.iter().filter(|comment| *comment != &"---") {
        let inner = match comment.strip_prefix("/*") {
            Some(inner) => inner.strip_suffix("*/").unwrap_or(inner),
            None => comment
                .strip_prefix("//")
                .or_else(|| comment.strip_prefix('#'))
                .unwrap_or(comment),
        };
        all.extend(inner.trim().split('\n').map(|line| line.trim().to_owned()));
    }
    all
}

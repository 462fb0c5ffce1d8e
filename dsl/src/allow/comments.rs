//! Where the comments of a file are that begin with `#`: those of its syntax, and those of its scripts.

use crate::node::{Kind, Node, Scalar, Style};
use crate::source::{SourceFile, Span, Syntax};
use crate::syntax::hash_comments;

/// One comment, from `#` to the end of its line.
pub(super) struct Comment {
    pub(super) span: Span,
    /// The number of its line, from 1.
    pub(super) line: usize,
    /// Whether nothing else stands on its line.
    pub(super) is_alone: bool,
    /// Whether it is one of a script.
    pub(super) in_script: bool,
}

/// All of them, in the order of the file.
pub(super) fn of(file: &SourceFile, root: &Node) -> Vec<Comment> {
    let mut scalars = Vec::new();
    let mut scripts = Vec::new();
    collect(root, &mut scalars, &mut scripts);
    scalars.sort();
    let own = match file.syntax {
        Syntax::Runbook => hash_comments(&file.text),
        Syntax::Yaml => in_yaml(&file.text, &scalars),
    };
    let mut found: Vec<Comment> = own
        .into_iter()
        .map(|span| comment(file, span, false))
        .collect();
    for script in scripts {
        let inside = in_script(file, script).into_iter();
        found.extend(inside.map(|span| comment(file, span, true)));
    }
    found.sort_by_key(|comment| comment.span);
    found
}

fn comment(file: &SourceFile, span: Span, in_script: bool) -> Comment {
    let before = file.text.get(..span.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let before = before.get(line_start..).unwrap_or_default();
    Comment {
        span,
        line: file.line(span.start),
        is_alone: before.trim_start_matches('\u{feff}').trim().is_empty(),
        in_script,
    }
}

/// The places of all single values, and those of scripts over several lines.
fn collect<'t>(node: &'t Node, scalars: &mut Vec<Span>, scripts: &mut Vec<&'t Scalar>) {
    match &node.kind {
        Kind::Scalar(scalar) => scalars.push(scalar.span),
        Kind::Unreadable => scalars.push(node.span),
        Kind::List(items) => {
            for item in items {
                collect(item, scalars, scripts);
            }
        }
        Kind::Map(entries) => {
            for entry in entries {
                scalars.push(entry.key.span);
                if entry.key.text == "run"
                    && let Some(script) = entry.value.as_scalar()
                    && script.style == Style::Block
                {
                    scripts.push(script);
                }
                collect(&entry.value, scalars, scripts);
            }
        }
    }
}

/// Comments of YAML: from a `#` behind white space, outside of all values, to the end of the line.
fn in_yaml(text: &str, scalars: &[Span]) -> Vec<Span> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = text.get(at..).and_then(|rest| rest.find('#')) {
        let start = at + start;
        let index = scalars.partition_point(|scalar| scalar.start <= start);
        let value = index.checked_sub(1).and_then(|index| scalars.get(index));
        if let Some(value) = value.filter(|value| start < value.end) {
            at = value.end.max(start + 1);
            continue;
        }
        let before = text.get(..start).unwrap_or_default();
        if before.is_empty() || before.ends_with([' ', '\t', '\n', '\u{feff}']) {
            at = line_end(text, start);
            found.push(Span::new(start, at));
        } else {
            at = start + 1;
        }
    }
    found
}

/// Comments of a script, as far as its lines show them by themselves: not behind an open quote.
fn in_script(file: &SourceFile, script: &Scalar) -> Vec<Span> {
    let text = file.slice(script.span);
    let (mut found, mut start) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        if let Some(at) = hash_of(line) {
            let end = line.trim_end_matches(['\n', '\r']).len();
            let from = script.span.start + start;
            found.push(Span::new(from + at, from + end));
        }
        start += line.len();
    }
    found
}

/// Where a line of a script has a comment.
fn hash_of(line: &str) -> Option<usize> {
    let (mut quote, mut before, mut escaped) = (None, ' ', false);
    for (at, c) in line.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '#') if before.is_whitespace() || before == ';' => return Some(at),
            _ => {}
        }
        before = c;
    }
    None
}

fn line_end(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let end = rest.find('\n').unwrap_or(rest.len());
    let line = rest.get(..end).unwrap_or_default();
    from + line.trim_end_matches('\r').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_comments_outside_of_its_quotes() {
        assert_eq!(hash_of("# one"), Some(0));
        assert_eq!(hash_of("  echo it's # no"), None);
        assert_eq!(hash_of("  echo \"a # b\" # yes"), Some(15));
        assert_eq!(hash_of("echo a#b"), None);
        assert_eq!(hash_of("echo $# \\# \"\\\" # no\""), None);
    }
}

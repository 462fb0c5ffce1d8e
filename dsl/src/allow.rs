//! `# piton: allow(CODE[, CODE]) REASON`: findings that the author has looked at and leaves as they are.
//!
//! Such a comment speaks for the line it ends, for the line below it, and, above a step, gate or other named block,
//! for the whole block. Only warnings and advice can be allowed: with an error the runbook does not run.

mod comments;

use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::catalogue::severity_of;
use crate::lint::rules::{
    allow_error, allow_malformed, allow_no_reason, allow_unknown_code, allow_unused,
};
use crate::node::{Kind, Node};
use crate::schema::{BLOCKS, Shape};
use crate::source::{SourceFile, Span};
use crate::syntax;
use comments::{Comment, Line};

/// What every such comment begins with, behind the `#`.
const WORD: &str = "piton:";

/// A code that a comment allows.
pub(crate) struct Code {
    pub(crate) text: String,
    pub(crate) span: Span,
    /// Whether something was left out because of it.
    used: bool,
}

/// A comment that allows something.
pub(crate) struct Allow {
    /// From `#` to the end of the line.
    pub(crate) span: Span,
    /// Whether nothing else stands on its line.
    pub(crate) is_alone: bool,
    pub(crate) codes: Vec<Code>,
    pub(crate) has_reason: bool,
    /// The lines it speaks for, first and last, counted from 1.
    lines: Vec<(usize, usize)>,
}

/// The comments of a file that allow something.
pub(crate) struct Allows {
    found: Vec<Allow>,
    /// Comments that begin as one and cannot be read.
    malformed: Vec<Span>,
}

impl Allows {
    /// Those of a file and the tree that was read from it.
    pub(crate) fn of(file: &SourceFile, root: &Node) -> Allows {
        let mut allows = Allows {
            found: Vec::new(),
            malformed: Vec::new(),
        };
        if !file.text.contains(WORD) {
            return allows;
        }
        let comments = comments::of(file, root);
        let blocks = blocks(file, root);
        for (index, comment) in comments.iter().enumerate() {
            let Some(rest) = instruction(file.slice(comment.span)) else {
                continue;
            };
            let at = comment.span.end - rest.len();
            match read(rest, at) {
                Some((codes, has_reason)) => allows.found.push(Allow {
                    span: comment.span,
                    is_alone: comment.is_alone,
                    codes,
                    has_reason,
                    lines: lines(comments.get(index..).unwrap_or_default(), &blocks),
                }),
                None => allows.malformed.push(comment.span),
            }
        }
        allows
    }

    /// Takes out of what was found what is allowed.
    pub(crate) fn keep(&mut self, file: &SourceFile, diagnostics: &mut Vec<Diagnostic>) {
        if self.found.is_empty() {
            return;
        }
        diagnostics.retain(|diagnostic| {
            let (line, _) = file.position(diagnostic.span().start);
            diagnostic.is_error() || !self.is_allowed(diagnostic.code, line)
        });
    }

    fn is_allowed(&mut self, code: &str, line: usize) -> bool {
        let mut is_allowed = false;
        for allow in &mut self.found {
            let speaks = |(first, last): &(usize, usize)| (*first..=*last).contains(&line);
            if !allow.lines.iter().any(speaks) {
                continue;
            }
            for named in allow.codes.iter_mut().filter(|named| named.text == code) {
                named.used = true;
                is_allowed = true;
            }
        }
        is_allowed
    }

    /// What is wrong with the comments themselves. `is_complete` says that every rule has looked, so that one which
    /// allows nothing is not needed.
    pub(crate) fn report(&self, file: &SourceFile, is_complete: bool, found: &mut Vec<Diagnostic>) {
        found.extend(self.malformed.iter().copied().map(allow_malformed::report));
        for allow in &self.found {
            if !allow.has_reason {
                found.push(allow_no_reason::report(allow));
            }
            let is_unused = |code: &Code| is_complete && !code.used && !is_foreign(&code.text);
            let all = allow.codes.iter().all(is_unused);
            for (index, code) in allow.codes.iter().enumerate() {
                match severity_of(&code.text) {
                    None if is_foreign(&code.text) => {}
                    None => found.push(allow_unknown_code::report(code)),
                    Some(severity) if !may_be_allowed(&code.text, severity) => {
                        found.push(allow_error::report(code));
                    }
                    Some(_) if is_unused(code) => {
                        found.push(allow_unused::report(file, allow, index, all));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// Takes out of what others found in a file (a checker of scripts, say) what its comments allow.
pub fn keep(file: &SourceFile, diagnostics: &mut Vec<Diagnostic>) {
    if diagnostics.is_empty() || !file.text.contains(WORD) {
        return;
    }
    if let Some(root) = &syntax::parse(file).root {
        Allows::of(file, root).keep(file, diagnostics);
    }
}

/// Whether a code is one of another program whose findings can be allowed too.
#[must_use]
pub fn is_foreign(code: &str) -> bool {
    let number = code.strip_prefix("shellcheck::SC");
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether what a rule of this severity finds can be allowed.
pub(crate) fn may_be_allowed(code: &str, severity: Severity) -> bool {
    severity != Severity::Error && !code.starts_with("allow::")
}

/// What stands behind `# piton:`.
fn instruction(comment: &str) -> Option<&str> {
    comment.strip_prefix('#')?.trim_start().strip_prefix(WORD)
}

/// The codes of `allow(…)`, and whether a reason follows. `at` is where the text stands in the file.
fn read(text: &str, at: usize) -> Option<(Vec<Code>, bool)> {
    let rest = text.trim_start().strip_prefix("allow")?;
    let rest = rest.trim_start().strip_prefix('(')?;
    let (list, reason) = rest.split_once(')')?;
    let mut start = at + text.len() - rest.len();
    let mut codes = Vec::new();
    for part in list.split(',') {
        let code = part.trim();
        let from = start + part.len() - part.trim_start().len();
        start += part.len() + 1;
        if code.is_empty() {
            return None;
        }
        codes.push(Code {
            text: code.to_owned(),
            span: Span::new(from, from + code.len()),
            used: false,
        });
    }
    Some((codes, reason.chars().any(char::is_alphanumeric)))
}

/// The lines that the first of these comments speaks for.
fn lines(comments: &[Comment], blocks: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let Some(first) = comments.first() else {
        return Vec::new();
    };
    let mut lines = vec![(first.line, first.line)];
    if !first.is_alone {
        return lines;
    }
    // What stands below may have more comments above it.
    let mut below = first.line + 1;
    let others = comments.iter().skip(1).filter(|other| other.is_alone);
    for other in others.take_while(|other| other.in_script == first.in_script) {
        if other.line == below {
            below += 1;
        }
    }
    lines.push((below, below));
    if !first.in_script {
        lines.extend(blocks.iter().filter(|(start, _)| *start == below));
    }
    lines
}

/// The first and the last line of each step, gate and other block of the runbook.
fn blocks(file: &SourceFile, root: &Node) -> Vec<(usize, usize)> {
    let line = |offset: usize| file.line(offset);
    let lines = |start: Span, node: &Node| {
        let last = node.span.end.max(start.end).saturating_sub(1);
        (line(start.start), line(last.max(start.start)))
    };
    let mut found = Vec::new();
    for entry in root.as_map().unwrap_or_default() {
        let is_map_of_blocks = BLOCKS
            .iter()
            .any(|block| block.plural == entry.key.text && block.shape == Shape::Map);
        match &entry.value.kind {
            Kind::List(items) => found.extend(items.iter().map(|item| lines(item.span, item))),
            Kind::Map(entries) if is_map_of_blocks => {
                let inner = entries.iter();
                found.extend(inner.map(|entry| lines(entry.key.span, &entry.value)));
            }
            _ => found.push(lines(entry.key.span, &entry.value)),
        }
    }
    found
}

impl SourceFile {
    /// The line of a byte offset, counted from 1.
    fn line(&self, offset: usize) -> Line {
        self.position(offset).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instruction_of_a_comment_is_read_with_its_places() {
        let text = " allow( time::no-timeout,names::unused )  it ends by itself";
        let (codes, has_reason) = read(text, 100).expect("it can be read");
        let codes: Vec<_> = codes.iter().map(|it| (it.text.as_str(), it.span)).collect();
        assert_eq!(
            codes,
            [
                ("time::no-timeout", Span::new(108, 124)),
                ("names::unused", Span::new(125, 138))
            ]
        );
        assert!(has_reason);
        assert!(read(" allow(a) …", 0).is_some_and(|(_, has_reason)| !has_reason));
        for text in [
            "",
            " allow",
            " allow a",
            " allow()",
            " allow(a,)",
            " alow(a)",
            " allow(a",
        ] {
            assert!(read(text, 0).is_none(), "{text}");
        }
        assert_eq!(instruction("#  piton: allow"), Some(" allow"));
        assert_eq!(instruction("# see piton: allow"), None);
    }

    #[test]
    fn codes_of_other_programs_have_their_form() {
        assert!(is_foreign("shellcheck::SC2086"));
        assert!(!is_foreign("shellcheck::SC"));
        assert!(!is_foreign("shellcheck::SCx"));
        assert!(!is_foreign("time::no-timeout"));
    }
}

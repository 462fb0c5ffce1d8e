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
use comments::Comment;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Its line, counted from 1.
    line: usize,
    /// The line it stands above, counted from 1; its own if something else stands there.
    below: usize,
    in_script: bool,
}

/// The comments of a file that allow something.
pub(crate) struct Allows {
    found: Vec<Allow>,
    /// The places in `found` of those that stand at or above a line.
    by_line: BTreeMap<usize, Vec<usize>>,
    /// Where blocks end that have such a comment above them, by the line they begin in.
    blocks: BTreeMap<usize, usize>,
    /// Comments that begin as one and cannot be read.
    malformed: Vec<Span>,
}

impl Allows {
    /// Those of a file and the tree that was read from it.
    pub(crate) fn of(file: &SourceFile, root: &Node) -> Allows {
        let mut allows = Allows {
            found: Vec::new(),
            by_line: BTreeMap::new(),
            blocks: BTreeMap::new(),
            malformed: Vec::new(),
        };
        if !file.text.contains(WORD) {
            return allows;
        }
        let comments = comments::of(file, root);
        let blocks = blocks(file, root);
        let mut firsts = BTreeMap::new();
        first_lines(file, root, &mut firsts);
        for (comment, below) in comments.iter().zip(below(&comments)) {
            let above_all = comment.is_alone && !comment.in_script;
            let first = firsts.get(&below).filter(|_| above_all);
            let below = first.copied().unwrap_or(below);
            let Some(rest) = instruction(file.slice(comment.span)) else {
                continue;
            };
            let at = comment.span.end - rest.len();
            match read(rest, at) {
                Some((codes, has_reason)) => {
                    for line in BTreeSet::from([comment.line, below]) {
                        let at = allows.by_line.entry(line).or_default();
                        at.push(allows.found.len());
                    }
                    if let Some(end) = blocks
                        .get(&below)
                        .filter(|_| comment.is_alone && !comment.in_script)
                    {
                        allows.blocks.insert(below, *end);
                    }
                    allows.found.push(Allow {
                        span: comment.span,
                        is_alone: comment.is_alone,
                        codes,
                        has_reason,
                        line: comment.line,
                        below,
                        in_script: comment.in_script,
                    });
                }
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
        // Each line is looked up once for a code, whatever stands there how often.
        let mut known = BTreeMap::new();
        diagnostics.retain(|diagnostic| {
            if diagnostic.is_error() {
                return true;
            }
            let (line, code) = (file.line(diagnostic.span().start), diagnostic.code);
            let allowed = known.entry((line, code));
            !*allowed.or_insert_with(|| self.is_allowed(code, line))
        });
    }

    fn is_allowed(&mut self, code: &str, line: usize) -> bool {
        let block = self.blocks.range(..=line).next_back();
        let above_block = block
            .filter(|(_, end)| **end >= line)
            .map(|(start, _)| start);
        let of_block = above_block.and_then(|start| self.by_line.get(start));
        let of_line = self.by_line.get(&line).into_iter().flatten();
        let mut is_allowed = false;
        for index in of_line.chain(of_block.into_iter().flatten()) {
            let Some(allow) = self.found.get_mut(*index) else {
                continue;
            };
            let is_above_block =
                allow.is_alone && !allow.in_script && Some(&allow.below) == above_block;
            let is_at_line = allow.below == line || allow.line == line;
            for named in allow.codes.iter_mut().filter(|named| named.text == code) {
                if is_at_line || is_above_block {
                    named.used = true;
                    is_allowed = true;
                }
            }
        }
        is_allowed
    }

    /// Codes of another program that allow nothing, when all that it found has been looked at.
    fn report_foreign(&self, file: &SourceFile, found: &mut Vec<Diagnostic>) {
        for allow in &self.found {
            let is_unused = |code: &Code| !code.used && is_foreign(&code.text);
            let all = allow.codes.iter().all(is_unused);
            for (index, code) in allow.codes.iter().enumerate() {
                if is_unused(code) {
                    let mut unused = allow_unused::report(file, allow, index, all);
                    // Another version of that program may need it; and what it finds is not looked at for a fix.
                    unused.severity = Severity::Advice;
                    unused.fix = None;
                    found.push(unused);
                }
            }
        }
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

/// Takes out of what another program found in a file (a checker of scripts, say) what its comments allow, and adds the
/// codes of that program which they allow for nothing. `diagnostics` holds all that it found.
pub fn keep(file: &SourceFile, diagnostics: &mut Vec<Diagnostic>) {
    if !file.text.contains(WORD) {
        return;
    }
    if let Some(root) = &syntax::parse(file).root {
        let mut allows = Allows::of(file, root);
        allows.keep(file, diagnostics);
        allows.report_foreign(file, diagnostics);
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

/// The line that each comment stands above: the first one below it that is no comment; for a comment behind something
/// else, its own.
fn below(comments: &[Comment]) -> Vec<usize> {
    let mut lines: Vec<usize> = Vec::with_capacity(comments.len());
    let mut next: Option<(&Comment, usize)> = None;
    for comment in comments.iter().rev() {
        let line = match next {
            _ if !comment.is_alone => comment.line,
            Some((other, line))
                if other.is_alone
                    && other.line == comment.line + 1
                    && other.in_script == comment.in_script =>
            {
                line
            }
            _ => comment.line + 1,
        };
        next = Some((comment, line));
        lines.push(line);
    }
    lines.reverse();
    lines
}

/// Where each step, gate and other block of the runbook ends, by the line it begins in.
fn blocks(file: &SourceFile, root: &Node) -> BTreeMap<usize, usize> {
    let line = |offset: usize| file.line(offset);
    let lines = |start: Span, node: &Node| {
        let last = node.span.end.max(start.end).saturating_sub(1);
        (line(start.start), line(last.max(start.start)))
    };
    let mut found = BTreeMap::new();
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
            _ => found.extend([lines(entry.key.span, &entry.value)]),
        }
    }
    found
}

/// Keys such as `steps`, which only YAML writes, by their lines, with the line of the first block under each: a comment
/// above the key stands above that one in the other syntax.
fn first_lines(file: &SourceFile, node: &Node, found: &mut BTreeMap<usize, usize>) {
    for item in node.as_list().unwrap_or_default() {
        first_lines(file, item, found);
    }
    for entry in node.as_map().unwrap_or_default() {
        let is_plural = BLOCKS.iter().any(|block| block.plural == entry.key.text);
        let first = match &entry.value.kind {
            Kind::List(items) => items.first().map(|item| item.span),
            Kind::Map(entries) => entries.first().map(|entry| entry.key.span),
            _ => None,
        };
        if let Some(first) = first.filter(|_| is_plural) {
            let (key, first) = (file.line(entry.key.span.start), file.line(first.start));
            if key < first {
                found.insert(key, first);
            }
        }
        first_lines(file, &entry.value, found);
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

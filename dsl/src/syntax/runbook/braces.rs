//! Explains braces that do not pair: which block is never closed, or which `}` is one too many.
//!
//! The parser notices at the end of the file. People indent their blocks, so a `}` at the beginning of a line that
//! stands further left or right than the line of the `{` it pairs with shows where it went wrong.

use pest::iterators::Pair;

use super::{Reader, Rule, place};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Span;

/// A block: its words and its opening brace, and its closing one.
struct Block {
    header: Span,
    close: Option<usize>,
}

impl Reader<'_> {
    /// Looks over the whole file for braces that do not pair and reports at most one: it explains the others.
    pub(super) fn braces(&mut self, file: &Pair<'_, Rule>) {
        let mut strays = Vec::new();
        let mut blocks = Vec::new();
        let mut header: Option<Span> = None;
        for pair in file.clone().into_inner().flatten() {
            match pair.as_rule() {
                Rule::block => header = Some(place(&pair)),
                Rule::body => {
                    let span = place(&pair);
                    let last = pair.into_inner().next_back();
                    let open = last.is_some_and(|last| last.as_rule() == Rule::unclosed);
                    // A body inside a value has no words of its own before it.
                    let start = header.take().map_or(span.start, |header| header.start);
                    blocks.push(Block {
                        header: Span::new(start, span.start + 1),
                        close: (!open).then(|| span.end.saturating_sub(1)),
                    });
                }
                Rule::assignment | Rule::wrong_sign | Rule::no_sign => header = None,
                Rule::stray => strays.push(place(&pair)),
                Rule::open_raw | Rule::open_comment => self.damage.swallowed = true,
                Rule::open_string if pair.as_str().contains(['{', '}']) => {
                    self.damage.swallowed = true;
                }
                _ => {}
            }
        }
        let unclosed = blocks.iter().any(|block| block.close.is_none());
        self.damage.braces = unclosed || !strays.is_empty();
        if self.damage.swallowed || !self.damage.braces {
            return;
        }
        self.lines = Lines::of(self.text);
        let diagnostic = if unclosed {
            self.unclosed(&blocks, &self.lines)
        } else {
            self.stray(&blocks, &strays, &self.lines)
        };
        self.damage.unclosed = unclosed;
        self.findings.add(diagnostic);
    }

    fn unclosed(&self, blocks: &[Block], lines: &Lines) -> Diagnostic {
        let suspect = blocks
            .iter()
            .filter_map(|block| Some((block.close?, block)))
            .filter(|(close, block)| {
                lines
                    .own_indent(*close)
                    .is_some_and(|indent| indent < lines.indent(block.header.start))
            })
            .min_by_key(|(close, _)| *close);
        let help = "write the `}` that ends it";
        if let Some((close, block)) = suspect {
            return Diagnostic::new(
                "syntax::unclosed",
                Severity::Error,
                format!("{} is never closed", self.words(block)),
            )
            .label(block.header, "opened here")
            .label(
                Span::new(close, close + 1),
                "this `}` closes it, but stands where an outer block ends",
            )
            .help(help);
        }
        let mut open = blocks.iter().rev().filter(|block| block.close.is_none());
        let innermost = open.next();
        let header = innermost.map(|block| block.header).unwrap_or_default();
        let words = innermost.map_or_else(|| "a block".to_string(), |block| self.words(block));
        let mut diagnostic = Diagnostic::new(
            "syntax::unclosed",
            Severity::Error,
            format!("{words} is never closed"),
        )
        .label(header, "opened here")
        .help(help);
        for outer in open.take(3) {
            diagnostic = diagnostic.label(outer.header, "this one is open too");
        }
        diagnostic
    }

    fn stray(&self, blocks: &[Block], strays: &[Span], lines: &Lines) -> Diagnostic {
        let code = "syntax::stray-brace";
        let help = "remove one `}`, or write the `{` that is missing before it";
        let suspect = blocks
            .iter()
            .filter_map(|block| Some((block.close?, block)))
            .filter(|(close, block)| {
                lines
                    .own_indent(*close)
                    .is_some_and(|indent| indent > lines.indent(block.header.start))
            })
            .min_by_key(|(close, _)| *close);
        match suspect {
            Some((close, block)) => {
                Diagnostic::new(code, Severity::Error, "there is a `}` too many".to_string())
                    .label(
                        Span::new(close, close + 1),
                        format!("this one already closes {}", self.words(block)),
                    )
                    .label(block.header, "which begins here")
            }
            None => Diagnostic::new(code, Severity::Error, "this `}` closes nothing").label(
                strays.first().copied().unwrap_or_default(),
                "no block is open here",
            ),
        }
        .help(help)
    }

    /// The block in the words of its header: `step fetch`.
    fn words(&self, block: &Block) -> String {
        let header = self.text.get(block.header.range()).unwrap_or_default();
        match header.trim_end_matches('{').trim() {
            "" => "this `{`".to_string(),
            words => format!("`{}`", super::shorten(words)),
        }
    }
}

/// Where lines begin and how far they are indented, computed once: a file may be a single long line.
#[derive(Default)]
pub(super) struct Lines(Vec<(usize, usize)>);

impl Lines {
    fn of(text: &str) -> Lines {
        let mut start = 0;
        let mut lines = Vec::new();
        for line in text.split('\n') {
            let indent = line.len() - line.trim_start().len();
            lines.push((start, indent));
            start += line.len() + 1;
        }
        Lines(lines)
    }

    fn line(&self, offset: usize) -> (usize, usize) {
        let after = self.0.partition_point(|(start, _)| *start <= offset);
        self.0
            .get(after.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }

    /// The indentation of the line of `offset`.
    pub(super) fn indent(&self, offset: usize) -> usize {
        self.line(offset).1
    }

    /// The indentation of what begins its line at `offset`; `None` for what stands further along on it.
    pub(super) fn own_indent(&self, offset: usize) -> Option<usize> {
        let (start, indent) = self.line(offset);
        (start + indent == offset).then_some(indent)
    }
}

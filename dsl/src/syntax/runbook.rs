//! Piton's own language: text to [`Node`]s.
//!
//! `runbook.pest` cuts any text into pairs, mistakes included. Here, blocks become maps the way the other syntax writes
//! them (`step a { … }` an item of `steps`), in `tree`; values are read in `value`; braces that do not pair are
//! explained in `braces`. Names of grammar rules never reach a message.

mod braces;
pub(crate) mod grammar;
mod map;
mod tree;
mod value;

use pest::Parser as _;
use pest::iterators::Pair;

use crate::diagnostic::{Diagnostic, Severity};
use crate::node::Node;
use crate::source::Span;
use crate::syntax::findings::Findings;
use crate::syntax::{MAX_DEPTH, Parsed, scan, too_large};

use grammar::{Grammar, Rule};
pub(crate) use value::{is_exact, is_name};

/// Reads a text in Piton's own language.
pub fn parse(text: &str) -> Parsed {
    if let Some(refused) = refuse(text) {
        return Parsed {
            root: None,
            diagnostics: vec![refused],
        };
    }
    let mut pairs = match Grammar::parse(Rule::file, text) {
        Ok(pairs) => pairs,
        // The grammar takes any text; what remains is a stack too small for it.
        Err(error) => {
            let at = match error.location {
                pest::error::InputLocation::Pos(at) => at,
                pest::error::InputLocation::Span((at, _)) => at,
            };
            return Parsed {
                root: None,
                diagnostics: vec![too_deep(Span::at(at))],
            };
        }
    };
    let mut reader = Reader {
        text,
        findings: Findings::default(),
        lines: braces::Lines::default(),
        spilled: Vec::new(),
        damage: Damage::default(),
        last_bad: None,
    };
    let root: Option<Node> = pairs.next().and_then(|file| reader.file(file));
    Parsed {
        root,
        diagnostics: reader.findings.finish(),
    }
}

fn refuse(text: &str) -> Option<Diagnostic> {
    too_large(text).or_else(|| scan::too_deep(text).map(too_deep))
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error(
        "syntax::too-deep",
        span,
        format!("brackets nest deeper than {MAX_DEPTH} levels"),
        "this one is too deep",
    )
    .help("a runbook needs about eight levels; look for brackets that are never closed")
}

/// Reads the pairs of one file.
struct Reader<'a> {
    text: &'a str,
    findings: Findings,
    lines: braces::Lines,
    /// Statements that stand in a block only because a `}` is missing before them, on their way to an outer one.
    spilled: Vec<Pair<'a, Rule>>,
    damage: Damage,
    /// The last stretch of text that was reported as unreadable, so that its continuation is not reported again.
    last_bad: Option<Span>,
}

/// What is known of mistakes that make everything behind them look wrong.
#[derive(Default)]
struct Damage {
    /// A brace is missing, or there is one too many.
    braces: bool,
    /// A `}` is missing, and indentation says where.
    unclosed: bool,
    /// A `"""` text, a comment or a string swallowed closing brackets.
    swallowed: bool,
}

impl<'a> Reader<'a> {
    fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: &str,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::new(code, Severity::Error, message)
            .label(span, label)
            .help(help);
        self.findings.add(diagnostic);
    }

    /// A stretch of text that is no statement. Reported once for lines of it that follow each other.
    fn junk(&mut self, span: Span) {
        let between = self
            .last_bad
            .and_then(|last| self.text.get(last.end..span.start));
        let continues = between.is_some_and(|text| text.trim().is_empty());
        self.last_bad = Some(span);
        if continues {
            return;
        }
        let text = self.text.get(span.range()).unwrap_or_default();
        let first = text.chars().next().unwrap_or_default();
        let (message, help) = match first {
            ']' | ')' => (
                format!("`{first}` closes nothing"),
                "remove it, or look for the bracket that should have been opened before it",
            ),
            '[' | '(' | '{' | '"' => (
                "here stands a value without a name".to_string(),
                "write `name = value`, or a block as `name { … }`",
            ),
            _ => (
                format!("`{}` is neither `name = value` nor a block", shorten(text)),
                "write `name = value`, or a block as `name { … }`; a comment begins with `#`",
            ),
        };
        self.error("syntax::unexpected", span, message, "not understood", help);
    }
}

/// The place of a pair.
fn place(pair: &Pair<'_, Rule>) -> Span {
    let span = pair.as_span();
    Span::new(span.start(), span.end())
}

/// A text as it can be quoted in a message: its first line, and not too much of that.
fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim_end();
    if line.chars().count() <= 40 {
        return line.to_string();
    }
    let mut short: String = line.chars().take(37).collect();
    short.push('…');
    short
}

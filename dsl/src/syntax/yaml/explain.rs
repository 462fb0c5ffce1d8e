//! What is wrong with a YAML file, in words for people who write runbooks and do not know the YAML specification.

use granit_parser::ErrorKind;

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Span;
use crate::syntax::MAX_DEPTH;

fn error(
    code: &'static str,
    span: Span,
    message: impl Into<String>,
    label: &str,
    help: impl Into<String>,
) -> Diagnostic {
    Diagnostic::new(code, Severity::Error, message)
        .label(span, label)
        .help(help)
}

/// A carriage return that ends a line on its own makes lines that no editor shows.
pub(super) fn odd_line_ends(text: &str) -> Option<Diagnostic> {
    let bytes = text.as_bytes();
    let lone = bytes
        .iter()
        .enumerate()
        .position(|(at, byte)| *byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'))?;
    Some(error(
        "syntax::line-end",
        Span::new(lone, lone + 1),
        "a line ends with a carriage return alone",
        "here",
        "save the file with line ends of Unix (LF) or Windows (CRLF)",
    ))
}

pub(super) fn nothing() -> Diagnostic {
    error(
        "syntax::no-runbook",
        Span::default(),
        "the file is empty",
        "a runbook begins here",
        "begin with `runbook: NAME` and `steps:`",
    )
}

pub(super) fn too_many(limit: usize, span: Span) -> Diagnostic {
    error(
        "syntax::too-large",
        span,
        format!("the file holds more than {limit} values"),
        "reading stopped here",
        "split the runbook, or keep its data in files of their own",
    )
}

pub(super) fn second_document(span: Span) -> Diagnostic {
    error(
        "syntax::second-document",
        span,
        "a file holds one YAML document",
        "a second one begins here",
        "move it to a file of its own",
    )
}

pub(super) fn anchor(name: &str, span: Span) -> Diagnostic {
    error(
        "syntax::anchor",
        span,
        format!("anchors are not allowed: `&{name}`"),
        "",
        "write the value at each place that needs it; values used often can be `params`",
    )
}

pub(super) fn alias(written: &str, span: Span) -> Diagnostic {
    error(
        "syntax::anchor",
        span,
        format!("aliases are not allowed: `{written}`"),
        "",
        "write the value out; a text that begins with `*` needs quotes",
    )
}

pub(super) fn merge_key(span: Span) -> Diagnostic {
    error(
        "syntax::anchor",
        span,
        "merge keys (`<<`) are not allowed",
        "",
        "write the keys out where they are needed",
    )
}

pub(super) fn tag(tag: &str, span: Span) -> Diagnostic {
    error(
        "syntax::tag",
        span,
        format!("tags are not allowed: `{tag}`"),
        "",
        "remove it: the key says what type its value has; a text that begins with `!` needs quotes",
    )
}

pub(super) fn complex_key(span: Span) -> Diagnostic {
    error(
        "syntax::bad-key",
        span,
        "a key is one word or one text",
        "a list or a map stands here as a key",
        "write `key: value`; `${{ … }}` needs quotes, because `{` begins a map in YAML",
    )
}

/// A mistake that the parser found at byte `at`.
pub(super) fn explain(text: &str, kind: &ErrorKind, at: usize) -> Diagnostic {
    use ErrorKind as E;
    let span = character(text, at);
    match kind {
        E::UnclosedQuotedScalar | E::DocumentIndicatorInQuotedScalar => error(
            "syntax::unclosed-text",
            span,
            "this text has no closing quote",
            "",
            "write the same quote at its end; a text of several lines is written with `|`",
        ),
        E::UnclosedFlowCollection { open } => error(
            "syntax::unclosed",
            span,
            format!("a `{open}` is never closed"),
            "",
            format!("write the `{}` that ends it", counterpart(*open)),
        ),
        E::MismatchedFlowCollectionEnd { open, close } => error(
            "syntax::unclosed",
            span,
            format!("this `{close}` does not close the `{open}` before it"),
            "",
            format!("write `{}`", counterpart(*open)),
        ),
        E::MisplacedFlowCollectionEnd => error(
            "syntax::stray-brace",
            span,
            "this bracket closes nothing",
            "",
            "remove it, or look for the bracket that should have been opened before it",
        ),
        E::UnexpectedEof
        | E::UnexpectedEofBlockMapping
        | E::UnexpectedEofBlockSequence
        | E::UnexpectedEofFlowMapping
        | E::UnexpectedEofFlowSequence
        | E::UnexpectedEofImplicitFlowMapping => error(
            "syntax::unclosed",
            span,
            "the file ends in the middle of something",
            "",
            "look for a bracket or a quote that is never closed",
        ),
        E::ExpectedFlowMappingSeparator | E::ExpectedFlowSequenceSeparator => error(
            "syntax::missing-comma",
            span,
            "a comma or the closing bracket is missing before this",
            "",
            "in brackets, values are separated by commas: `[a, b]`, `{a: 1, b: 2}`",
        ),
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabAtBlockScalarStart
        | E::TabInPlainScalar => error(
            "syntax::tab",
            tab(text, span),
            "YAML does not allow a tab here",
            "a tab",
            "indent with spaces",
        ),
        E::RecursionLimitExceeded => error(
            "syntax::too-deep",
            span,
            format!("brackets or indentation nest deeper than {MAX_DEPTH} levels"),
            "this one is too deep",
            "a runbook needs about eight levels; look for brackets that are never closed",
        ),
        E::UnknownQuotedScalarEscape
        | E::InvalidQuotedScalarHexEscape
        | E::InvalidLowSurrogate
        | E::InvalidLowSurrogateHexEscape
        | E::MissingLowSurrogate
        | E::UnpairedLowSurrogate
        | E::InvalidUnicodeEscape => error(
            "syntax::bad-escape",
            span,
            "this is not an escape that YAML knows",
            "",
            "for a backslash itself write `\\\\`, or use single quotes, where nothing is an escape",
        ),
        E::DirectiveDisallowed
        | E::InvalidDirectiveName
        | E::MissingDirectiveName
        | E::InvalidDirectiveTerminator
        | E::MissingDocumentEndBeforeDirective
        | E::DuplicateVersionDirective
        | E::UnsupportedYamlMajorVersion => error(
            "syntax::directive",
            span,
            "YAML directives (`%…`) are not allowed",
            "",
            "remove it; a text that begins with `%` needs quotes",
        ),
        E::MappingValueNotAllowed
        | E::InvalidColonPlacement
        | E::InvalidMappingValueWhitespace
        | E::InvalidSimpleKey => error(
            "syntax::needs-quotes",
            span,
            "this `:` cannot begin a value here",
            "",
            "a text with `: ` in it needs quotes: `title: \"a: b\"`; a key stands on a line of its own",
        ),
        E::SimpleKeyExpected | E::ExpectedBlockMappingKey | E::MappingKeyNotAllowed => error(
            "syntax::unexpected",
            span,
            "here should stand `key: value`",
            "",
            "write `: ` with a space behind each key, and indent the keys of one block alike",
        ),
        E::ExpectedBlockSequenceEntry
        | E::BlockSequenceEntryNotAllowed
        | E::InvalidBlockEntryWhitespace
        | E::BlockEntryInFlowCollection => error(
            "syntax::unexpected",
            span,
            "a list item does not fit here",
            "",
            "write each item as `- value` on a line of its own, all indented alike",
        ),
        E::InvalidIndentation
        | E::InvalidBlockScalarIndent
        | E::InvalidQuotedScalarIndent
        | E::InvalidFlowScalarIndent => error(
            "syntax::indentation",
            span,
            "this line is not indented like the ones it belongs to",
            "",
            "indent the keys of one block, and the lines of one text, alike",
        ),
        E::UnexpectedCharacter { character } => error(
            "syntax::needs-quotes",
            span,
            format!("a value cannot begin with `{}`", character.escape_debug()),
            "",
            "put the text in quotes",
        ),
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => error(
            "syntax::unexpected",
            span,
            "something follows the closing quote",
            "",
            "put all of the text in quotes; a quote inside it is written `\\\"` in double and `''` in single quotes",
        ),
        other => error(
            "syntax::invalid-yaml",
            span,
            format!("this is not valid YAML: {other}"),
            "",
            "often a text that needs quotes, or indentation that differs within a block",
        ),
    }
}

/// The character at a byte offset; at the end of the text, the place behind it.
fn character(text: &str, at: usize) -> Span {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let next = text.get(at..).and_then(|rest| rest.chars().next());
    let length = next.filter(|next| *next != '\n').map_or(0, char::len_utf8);
    Span::new(at, at + length)
}

/// The first tab on the line up to a place; the parser notices only what follows it.
fn tab(text: &str, noticed: Span) -> Span {
    let before = text.get(..noticed.end).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let found = before.get(line..).and_then(|line| line.find('\t'));
    found.map_or(noticed, |at| Span::new(line + at, line + at + 1))
}

fn counterpart(open: char) -> char {
    match open {
        '[' => ']',
        '{' => '}',
        other => other,
    }
}

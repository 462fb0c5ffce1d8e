//! Words for what does not parse. Nobody who writes a runbook should meet a rule's name.

use super::ExprError;
use super::functions::short;
use super::parse::Rule;
use pest::error::{Error, ErrorVariant, InputLocation};

/// How deep brackets may be nested: it bounds the parser's stack.
const DEEPEST_BRACKETS: usize = 64;

/// Finds strings and brackets that are not closed, or too deep. Linear, and without recursion.
pub(super) fn check_brackets(text: &str) -> Result<(), ExprError> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' | '"' => skip_string(letter, &mut letters).ok_or_else(|| {
                ExprError::new(
                    at..text.len(),
                    format!("this string is not closed with `{letter}`"),
                )
            })?,
            '(' | '[' | '{' => {
                open.push((at, letter));
                if open.len() > DEEPEST_BRACKETS {
                    let message = format!("brackets are nested more than {DEEPEST_BRACKETS} deep");
                    return Err(ExprError::new(at..at + 1, message).help("take some of them out"));
                }
            }
            ')' | ']' | '}' => match open.pop() {
                Some((_, opened)) if closing(opened) == letter => {}
                Some((_, opened)) => {
                    let message = format!("`{letter}` does not close the `{opened}` before it");
                    return Err(ExprError::new(at..at + 1, message)
                        .help(format!("write `{}` here", closing(opened))));
                }
                None => {
                    return Err(ExprError::new(
                        at..at + 1,
                        format!("this `{letter}` closes nothing"),
                    )
                    .help("remove it"));
                }
            },
            _ => {}
        }
    }
    match open.last() {
        Some((at, opened)) => Err(ExprError::new(
            *at..at + 1,
            format!("this `{opened}` is not closed"),
        )
        .help(format!("close it with `{}`", closing(*opened)))),
        None => Ok(()),
    }
}

fn closing(opened: char) -> char {
    match opened {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// Goes to the end of the string that begins with `quote`; `None` if it has no end.
fn skip_string(quote: char, letters: &mut std::str::CharIndices) -> Option<()> {
    while let Some((_, letter)) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
            }
            _ if letter == quote => return Some(()),
            _ => {}
        }
    }
    None
}

/// What the parser found, in words.
pub(super) fn worded(text: &str, error: &Error<Rule>) -> ExprError {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(text.len()),
    };
    let at = at + leading_space(text.get(at..).unwrap_or(""));
    let (before, found) = text.split_at_checked(at).unwrap_or((text, ""));
    let token = token(found);
    let span = at..at + token.len();
    let last = last_token(before).map(short);
    let last = last.as_deref();
    if text.trim().is_empty() {
        return ExprError::new(0..text.len(), "there is no expression here");
    }
    let expected: &[Rule] = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        ErrorVariant::CustomError { .. } => &[],
    };
    let expects = |rule: Rule| expected.contains(&rule);
    let but = if token.is_empty() {
        String::new()
    } else {
        format!(", and `{token}` stands here")
    };
    if expects(Rule::expression)
        || expects(Rule::chain)
        || expects(Rule::term)
        || expects(Rule::integer)
        || expects(Rule::entry)
    {
        let what = match last {
            Some(last) => format!("expected a value after `{last}`{but}"),
            None => format!("expected a value{but}"),
        };
        return with_help(ExprError::new(span, what), token, last);
    }
    if expects(Rule::field_name) || expects(Rule::node_name) {
        return ExprError::new(span, format!("expected a name after `.`{but}"))
            .help("a name that is not letters, digits and `_` is written `['the-name']`");
    }
    if expects(Rule::entry_colon) {
        return ExprError::new(span, format!("expected `:` and a value after a key{but}"))
            .help("a map is written `{'key': value}`");
    }
    if expects(Rule::colon) && !expects(Rule::question) {
        return ExprError::new(span, format!("expected `:` and the other value{but}"))
            .help("a choice is written `condition ? value : other_value`");
    }
    let what = match last {
        Some(last) if token.is_empty() => format!("expected more after `{last}`"),
        _ => format!("expected an operator before `{token}`"),
    };
    with_help(ExprError::new(span, what), token, last)
}

/// What to write instead of some things that other languages have.
fn with_help(error: ExprError, token: &str, last: Option<&str>) -> ExprError {
    let is_number = |token: &str| token.starts_with(|c: char| c.is_ascii_digit());
    match token {
        "=" => error.help("`==` compares"),
        "===" => error.help("`==` compares"),
        "&" | "and" | "AND" => error.help("`&&` means and"),
        "|" | "or" | "OR" => error.help("`||` means or"),
        "not" | "NOT" => error.help("`!` means not"),
        "<>" => error.help("`!=` means not equal"),
        _ if last == Some("not") => error.help("`!` means not"),
        _ if token.starts_with(['“', '”', '‘', '’']) => {
            error.help("strings stand in `'…'` or `\"…\"`")
        }
        "s" | "m" | "h" | "d" | "ms" => match last.filter(|last| is_number(last)) {
            Some(last) => error.help(format!(
                "a length of time is written `duration('{last}{token}')`"
            )),
            None => error,
        },
        _ => error,
    }
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t', '\n', '\r']).len()
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn is_sign(letter: char) -> bool {
    "=<>!&|+-*/%".contains(letter)
}

/// The token at the beginning of a text, for showing: a word, a run of signs, or one character.
fn token(text: &str) -> &str {
    let Some(first) = text.chars().next() else {
        return "";
    };
    let end = if is_word(first) {
        text.find(|letter| !is_word(letter)).unwrap_or(text.len())
    } else if "=<>&|".contains(first) {
        text.find(|letter| !is_sign(letter)).unwrap_or(text.len())
    } else {
        first.len_utf8()
    };
    text.get(..cut(text, end)).unwrap_or("")
}

/// The token at the end of a text.
fn last_token(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let last = text.chars().next_back()?;
    let same: fn(char) -> bool = if is_word(last) {
        is_word
    } else if is_sign(last) {
        is_sign
    } else {
        |_| false
    };
    let start = text
        .char_indices()
        .rev()
        .take_while(|(_, letter)| same(*letter))
        .last()
        .map_or(text.len() - last.len_utf8(), |(at, _)| at);
    text.get(start..)
}

/// At most about forty bytes of a token, on a character boundary.
fn cut(text: &str, end: usize) -> usize {
    text.char_indices()
        .map(|(at, letter)| at + letter.len_utf8())
        .take_while(|at| *at <= end.min(40))
        .last()
        .unwrap_or(end)
}

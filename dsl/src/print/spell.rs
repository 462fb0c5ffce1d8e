//! How one text, number or word is spelled in either syntax.

use super::document::{Spelling, Token};
use crate::node::Style;
use crate::source::Span;
use crate::syntax::runbook::{is_exact, is_name};
use crate::syntax::text;

/// A value in Piton's own language, on one line unless it was written over several.
pub(super) fn runbook(token: &Token) -> String {
    match &token.spelling {
        Spelling::AsWritten(written) => written.clone(),
        _ if token.is_nothing() => "null".to_owned(),
        _ if token.style == Style::Plain && is_exact(&token.text) => token.text.clone(),
        _ => quoted(&token.text),
    }
}

/// A key, a name, or the word of a block in Piton's own language.
pub(super) fn runbook_word(token: &Token) -> String {
    match &token.spelling {
        Spelling::AsWritten(written) => written.clone(),
        _ if is_name(&token.text) => token.text.clone(),
        _ => quoted(&token.text),
    }
}

/// Whether a text is best written between `"""`, and comes back from there as it is.
pub(super) fn is_raw(token: &Token) -> bool {
    let said = &token.text;
    if token.style != Style::Block || !said.contains('\n') || said.contains("\"\"\"") {
        return false;
    }
    let inner = format!("\n{said}");
    text::raw(&inner, 0, Span::default()).text == *said && !said.ends_with('"')
}

/// A text in double quotes in Piton's own language.
fn quoted(said: &str) -> String {
    let odd = |character: char| {
        (character.is_control() || character == '\u{feff}')
            .then(|| format!("\\u{{{:x}}}", u32::from(character)))
    };
    in_double_quotes(said, odd)
}

/// A text in double quotes, as both syntaxes have them; `odd` spells the characters that each has its own way for.
fn in_double_quotes(said: &str, odd: impl Fn(char) -> Option<String>) -> String {
    let mut out = String::with_capacity(said.len() + 2);
    out.push('"');
    for character in said.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            other => match odd(other) {
                Some(spelled) => out.push_str(&spelled),
                None => out.push(other),
            },
        }
    }
    out.push('"');
    out
}

/// A value in YAML; `flow` says that it stands in brackets.
pub(super) fn yaml(token: &Token, flow: bool) -> String {
    match &token.spelling {
        Spelling::AsWritten(written) => return written.clone(),
        // Only where no block can stand.
        Spelling::Block { .. } => return yaml_double(&token.text),
        Spelling::Free | Spelling::Raw => {}
    }
    let said = token.text.as_str();
    match token.style {
        Style::Plain if said.is_empty() => "null".to_owned(),
        Style::Plain if is_plain(said, flow) => said.to_owned(),
        Style::Plain => yaml_quoted(said),
        Style::Quoted | Style::Block if is_plain(said, flow) && !is_special(said) => {
            said.to_owned()
        }
        Style::Quoted | Style::Block => yaml_quoted(said),
    }
}

/// A key in YAML. In brackets one may go on over several lines, elsewhere not.
pub(super) fn yaml_key(token: &Token, flow: bool) -> String {
    match &token.spelling {
        Spelling::AsWritten(written) if !written.contains('\n') => written.clone(),
        _ if is_plain(&token.text, flow) && !matches!(token.text.as_str(), "~" | "null" | "<<") => {
            token.text.clone()
        }
        _ => yaml_quoted(&token.text),
    }
}

/// The first line of a block in YAML that holds this text, if one can.
pub(super) fn yaml_block(said: &str) -> Option<(String, Vec<String>)> {
    let odd = |character: char| {
        (character.is_control() && !matches!(character, '\n' | '\t'))
            || matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    let lines: Vec<&str> = said.split('\n').collect();
    let blank = |line: &&str| !line.is_empty() && line.trim().is_empty();
    if !said.contains('\n')
        || said.trim().is_empty()
        || said.contains(odd)
        || lines.iter().any(blank)
    {
        return None;
    }
    let chomp = match (said.ends_with('\n'), said.ends_with("\n\n")) {
        (false, _) => "-",
        (true, false) => "",
        (true, true) => "+",
    };
    Some((format!("|{chomp}"), block_lines(said)))
}

/// The lines of a text that a block holds.
pub(super) fn block_lines(said: &str) -> Vec<String> {
    if said.is_empty() {
        return Vec::new();
    }
    let inner = said.strip_suffix('\n').unwrap_or(said);
    inner.split('\n').map(str::to_owned).collect()
}

/// Whether a text can stand without quotes and be read as it is.
fn is_plain(said: &str, flow: bool) -> bool {
    let Some(first) = said.chars().next() else {
        return false;
    };
    let second = said.chars().nth(1);
    let indicator = "?:,[]{}#&*!|>'\"%@`=~".contains(first);
    let dash = first == '-' && second.is_none_or(|second| !second.is_ascii_alphanumeric());
    let inner = flow && said.contains([',', '[', ']', '{', '}']);
    let odd = said.chars().any(|character| {
        character.is_control()
            || matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    });
    !(indicator && !matches!(said, "~")
        || dash
        || inner
        || odd
        || said.starts_with(char::is_whitespace)
        || said.ends_with(char::is_whitespace)
        || said.starts_with("...")
        || said.contains(": ")
        || said.contains(" #")
        || said.contains(":\t")
        || said.contains("\t#")
        || (flow && said.contains(':') && said.contains(['"', '\'']))
        || said.ends_with(':'))
}

/// Whether a text without quotes would be taken for something else than a text.
fn is_special(said: &str) -> bool {
    let lower = said.to_ascii_lowercase();
    let word = matches!(
        lower.as_str(),
        "" | "~" | "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    let digits = said.trim_start_matches(['-', '+', '.']);
    word || (digits.starts_with(|first: char| first.is_ascii_digit())
        && !said.contains(char::is_whitespace))
}

/// Whether a character can stand in YAML only by its number.
fn is_odd(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn yaml_quoted(said: &str) -> String {
    if said.contains(is_odd) || !said.contains(['"', '\\']) {
        return yaml_double(said);
    }
    format!("'{}'", said.replace('\'', "''"))
}

fn yaml_double(said: &str) -> String {
    let odd = |character| is_odd(character).then(|| format!("\\u{:04x}", u32::from(character)));
    in_double_quotes(said, odd)
}

//! What the words of a script stand for, as far as the runbook says it.

use super::embedded::Code;
use crate::runbook::Runbook;

/// How often a variable may stand for another one.
const DEEPEST: usize = 4;

/// How long a text may become; what is longer is left as it stands.
const LONGEST: usize = 4096;

/// The names of variables in a word.
pub(crate) fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).filter_map(|part| {
        let name = name(part.strip_prefix('{').unwrap_or(part));
        (!name.is_empty()).then_some(name)
    })
}

/// The name that a text begins with.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

/// A text of a script with what its variables stand for: what the script sets, else the runbook's `env` as it is
/// written there, with its `${{ … }}`. What nobody says stays as it is.
pub(crate) fn resolved(runbook: &Runbook, code: &Code<'_>, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..DEEPEST {
        let next = once(runbook, code, &text);
        if next == text || next.len() > LONGEST {
            break;
        }
        text = next;
    }
    text
}

fn once(runbook: &Runbook, code: &Code<'_>, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        // `${{ … }}` is the runbook's, and not the shell's.
        if let Some(end) = behind.strip_prefix("{{").and_then(|it| it.find("}}")) {
            let (splice, after) = behind.split_at(end + 4);
            out.push('$');
            out.push_str(splice);
            rest = after;
            continue;
        }
        let braced = behind.strip_prefix('{');
        let name = name(braced.unwrap_or(behind));
        let after = match braced {
            Some(inner) => inner.get(name.len()..).and_then(|it| it.strip_prefix('}')),
            None => behind.get(name.len()..),
        };
        match after.zip(value(runbook, code, name)) {
            Some((after, value)) => {
                out.push_str(&value);
                rest = after;
            }
            None => {
                out.push('$');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// What a variable stands for.
fn value(runbook: &Runbook, code: &Code<'_>, name: &str) -> Option<String> {
    let assigned = code
        .script
        .commands()
        .flat_map(|command| &command.assignments);
    match assigned.filter(|(set, _)| set == name).last() {
        // The word is all of `NAME=value`.
        Some((_, word)) => word.text.split_once('=').map(|(_, value)| value.to_owned()),
        None => code
            .variable(runbook, name)
            .map(|value| value.value.text().to_owned()),
    }
}

/// A text without its `${{ … }}`.
pub(crate) fn literal(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${{") {
        out.push_str(before);
        rest = behind.split_once("}}").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// The texts inside of each `${{ … }}`.
pub(crate) fn splices(text: &str) -> impl Iterator<Item = &str> {
    text.split("${{")
        .skip(1)
        .map(|part| part.split_once("}}").map_or(part, |(inside, _)| inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    /// What a word of the only script stands for.
    fn of(script: &str, word: &str) -> String {
        let text = format!(
            "runbook a {{\n  env {{ ROOT = \"/srv/${{{{ run.id }}}}\", LOOP = \"$LOOP/x\" }}\n  step s {{ env {{ INTO = \"$ROOT/data\" }}, run = \"{script}\", effect = none, timeout = 1m }}\n}}\n"
        );
        let file = SourceFile::new("a.runbook", text);
        let checked = crate::check(&file);
        let runbook = checked.runbook.expect("no errors");
        let embedded = super::super::embedded::of(&runbook);
        resolved(&runbook, &embedded.codes[0], word)
    }

    #[test]
    fn variables_stand_for_what_is_said_of_them() {
        for (script, word, stands_for) in [
            ("true", "$ROOT/x", "/srv/${{ run.id }}/x"),
            ("true", "${INTO}x", "/srv/${{ run.id }}/datax"),
            ("ROOT=/tmp; true", "$INTO", "/tmp/data"),
            ("D=$(mktemp -d)", "$D/data", "$(mktemp -d)/data"),
            ("true", "$NOBODY/${ROOT:-x}/$", "$NOBODY/${ROOT:-x}/$"),
            ("true", "${{ params.x }}/$", "${{ params.x }}/$"),
            ("true", "a ${{ params.x", "a ${{ params.x"),
        ] {
            assert_eq!(of(script, word), stands_for, "{script} {word}");
        }
        assert!(of("true", "$LOOP").len() < 40, "it comes to an end");
    }

    #[test]
    fn the_runbooks_own_parts_are_told_from_the_rest() {
        assert_eq!(literal("a${{ x }}b${{ y }}"), "ab");
        assert_eq!(literal("a${{ x"), "a");
        let all: Vec<_> = splices("a${{ x }}b${{ y }}").collect();
        assert_eq!(all, [" x ", " y "]);
        let names: Vec<_> = variables("$A/${B}_$(x)").collect();
        assert_eq!(names, ["A", "B"]);
    }
}

//! Reading a script with all that is inside of it.

use super::Script;
use super::group::group;
use super::words::Lexer;
use crate::node::Scalar;
use std::ops::Range;

/// How deep `$(…)` is followed.
const MAX_DEPTH: usize = 12;

/// Reads the text of a scalar as a script.
pub(crate) fn read(scalar: &Scalar) -> Script {
    let mut script = Script::default();
    inside(scalar, 0..scalar.text.len(), 0, &mut script);
    script
}

fn inside(scalar: &Scalar, range: Range<usize>, depth: usize, script: &mut Script) {
    let mut lexer = Lexer::new(scalar, range);
    lexer.run();
    script.comments.append(&mut lexer.comments);
    if depth < MAX_DEPTH {
        for range in std::mem::take(&mut lexer.inner) {
            inside(scalar, range, depth + 1, script);
        }
    }
    group(lexer.tokens, depth > 0, script);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Style;
    use crate::shell::Joint;
    use crate::source::Span;

    fn script(text: &str) -> Script {
        read(&Scalar::verbatim(
            text,
            Style::Block,
            Span::new(0, text.len()),
        ))
    }

    /// Each pipeline: its commands' words, with `|` between them.
    fn lines(text: &str) -> Vec<String> {
        let words = |command: &crate::shell::Command| match command.compound {
            true => "{}".to_owned(),
            false => {
                let words: Vec<_> = command
                    .words
                    .iter()
                    .map(|word| word.text.as_str())
                    .collect();
                words.join(" ")
            }
        };
        script(text)
            .pipelines
            .iter()
            .map(|it| {
                it.commands
                    .iter()
                    .map(words)
                    .collect::<Vec<_>>()
                    .join(" | ")
            })
            .collect()
    }

    #[test]
    fn commands_are_told_apart() {
        assert_eq!(
            lines("a 'b c' \"d $e\"; f && g\nh || i &"),
            ["a b c d $e", "f", "g", "h", "i"]
        );
        assert_eq!(lines("# a | b\n\n  x # y | z\n"), ["x"]);
        assert_eq!(lines("pg_dump x | gzip > \"y z\""), ["pg_dump x | gzip"]);
        assert_eq!(lines("a \\\n  b |\n  c"), ["a b | c"]);
        assert_eq!(lines("echo a#b '#c' \\; \\'d"), ["echo a#b #c ; 'd"]);
    }

    #[test]
    fn what_is_inside_is_read_too() {
        assert_eq!(lines("x=$(a | b)"), ["a | b", ""]);
        assert_eq!(
            lines("echo \"$(a \"$(b)\" ')')\" `c d`"),
            ["b", "a $(b) )", "c d", "echo $(a \"$(b)\" ')') `c d`"]
        );
        assert_eq!(
            lines("echo $((1 + 2)) ${x:-y}"),
            ["echo $((1 + 2)) ${x:-y}"]
        );
    }

    #[test]
    fn groups_loops_and_conditions_are_followed() {
        assert_eq!(lines("{ a; b; } | c"), ["a", "b", "{} | c"]);
        assert_eq!(lines("(a; b) > c"), ["a", "b", "{}"]);
        assert_eq!(
            lines("for f in *.sql; do psql -f $f || break; done | sort"),
            ["psql -f $f", "break", "{} | sort"]
        );
        assert_eq!(
            lines("case \"$x\" in a|b) c ;; *) d; e ;; esac; f"),
            ["c", "d", "e", "{}", "f"]
        );
        assert_eq!(lines("f() { a; }\nf"), ["a", "{}", "f"]);
        let found = script("if a | b; then c; elif ! d; then e; fi");
        let conditions: Vec<_> = found.pipelines.iter().map(|it| it.condition).collect();
        assert_eq!(conditions, [true, false, true, false, false]);
        let found = script("while a; do b; done");
        assert!(found.pipelines.first().is_some_and(|it| it.condition));
        assert!(found.pipelines.get(1).is_some_and(|it| !it.condition));
        let found = script("for x in a b; do c || break; done; d");
        let joints: Vec<_> = found
            .pipelines
            .iter()
            .map(|it| (it.before, it.after, it.in_for))
            .collect();
        assert_eq!(
            joints,
            [
                (Joint::End, Joint::Or, true),
                (Joint::Or, Joint::End, true),
                (Joint::End, Joint::End, false),
                (Joint::End, Joint::End, false)
            ]
        );
    }

    #[test]
    fn redirections_are_no_words() {
        let found = script("A=1 B='2 3' cmd x 2>/dev/null >>log <<EOF y\na | b\nEOF\nnext <in");
        let command = found.commands().next().expect("a command");
        let words: Vec<_> = command
            .words
            .iter()
            .map(|word| word.text.as_str())
            .collect();
        assert_eq!(words, ["cmd", "x", "y"]);
        let redirects: Vec<_> = command
            .redirects
            .iter()
            .map(|it| {
                (
                    it.number,
                    it.operator,
                    it.target.text.as_str(),
                    it.body.as_str(),
                )
            })
            .collect();
        assert_eq!(
            redirects,
            [
                (Some(2), ">", "/dev/null", ""),
                (None, ">>", "log", ""),
                (None, "<<", "EOF", "a | b\n")
            ]
        );
        assert_eq!(command.assignments.len(), 2);
        assert!(
            found
                .commands()
                .nth(1)
                .is_some_and(|it| it.reads_redirected())
        );
    }

    #[test]
    fn places_are_those_of_the_file() {
        let text = "ab | cd";
        let found = script(text);
        let spans: Vec<_> = found.commands().map(|it| it.span()).collect();
        assert_eq!(spans, [Span::new(0, 2), Span::new(5, 7)]);
    }

    #[test]
    fn what_is_unfinished_ends() {
        for text in [
            "'",
            "\"",
            "$(",
            "`",
            "a <<E",
            "a <",
            "${",
            "( ( (",
            "))",
            "case x in",
            "}",
            "fi",
            "| |",
            "if",
            "for",
            "done",
            "f(",
            "\\",
            ";;",
            "a=(",
            "<(",
            "é\u{301}$(é",
            "& > ",
        ] {
            let _ = script(text);
        }
        let deep = "$(".repeat(5000);
        let _ = script(&deep);
        let deep = "( ".repeat(5000);
        let _ = script(&deep);
    }
}

//! Making text that a step wrote safe to show: no program's output moves the cursor, clears the screen or types
//! into the terminal of the person who watches.

/// The text without escape sequences and control characters; tabs become spaces. With `keep_colour`, sequences
/// that only set colours stay.
#[must_use]
pub fn clean(text: &str, keep_colour: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut coloured = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\x1b' => match chars.peek() {
                Some('[') => {
                    chars.next();
                    let mut sequence = String::new();
                    let end = chars.by_ref().find(|&c| {
                        sequence.push(c);
                        ('\x40'..='\x7e').contains(&c)
                    });
                    let only_numbers = sequence
                        .trim_end_matches('m')
                        .chars()
                        .all(|c| c.is_ascii_digit() || c == ';');
                    if keep_colour && end == Some('m') && only_numbers {
                        coloured = true;
                        out.push_str("\x1b[");
                        out.push_str(&sequence);
                    }
                }
                // A string sequence (title, clipboard, …) goes on to its terminator.
                Some(']' | 'P' | '_' | '^' | 'X') => {
                    chars.next();
                    while let Some(c) = chars.next() {
                        if c == '\x07' || c == '\u{9c}' {
                            break;
                        }
                        if c == '\x1b' {
                            chars.next_if_eq(&'\\');
                            break;
                        }
                    }
                }
                Some(_) => {
                    chars.next();
                }
                None => {}
            },
            '\t' => out.push_str("    "),
            c if c.is_control() || is_bidi_control(c) => {}
            c => out.push(c),
        }
    }
    if coloured {
        out.push_str("\x1b[0m");
    }
    out
}

/// Characters that make text read in another order than it is written.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text on one line: cleaned, with runs of white space as one space.
#[must_use]
pub fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    clean(&spaced, false)
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(clean("a\x1b[2Jb\x1b[10;3Hc\rd\x07\te", false), "abcd    e");
        assert_eq!(
            clean("\x1b]0;title\x07text\x1b]52;c;AAAA\x1b\\!", false),
            "text!"
        );
        assert_eq!(clean("cut \x1b[31", true), "cut ");
        assert_eq!(clean("\x1b", true), "");
        assert_eq!(clean("a\u{202e}b", false), "ab");
    }

    #[test]
    fn colours_stay_when_asked_for_and_end() {
        assert_eq!(clean("\x1b[31mred\x1b[K", true), "\x1b[31mred\x1b[0m");
        assert_eq!(clean("\x1b[31mred", false), "red");
        assert_eq!(clean("\x1b[?25mx", true), "x");
    }

    #[test]
    fn one_line_is_one_line() {
        assert_eq!(one_line("  a\n\tb\r\n c "), "a b c");
    }
}

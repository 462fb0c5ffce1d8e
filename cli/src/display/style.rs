//! Styled lines: text with a meaning, which becomes colour where colour is wanted.

use std::io::IsTerminal;
use unicode_width::UnicodeWidthChar;

/// What a piece of text is, and so how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// As it is.
    #[default]
    Plain,
    /// What to look at.
    Strong,
    /// What can be passed over.
    Dim,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// It goes on right now.
    Live,
    /// It waits for somebody.
    Asks,
}

impl Style {
    /// The ANSI sequence that begins it.
    fn ansi(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Strong => "\x1b[1m",
            Style::Dim => "\x1b[2m",
            Style::Good => "\x1b[32m",
            Style::Bad => "\x1b[31m",
            Style::Live => "\x1b[36m",
            Style::Asks => "\x1b[33m",
        }
    }
}

/// A line of styled pieces, without its line end.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Line {
    pieces: Vec<(Style, String)>,
}

impl Line {
    /// An empty line.
    #[must_use]
    pub fn new() -> Line {
        Line::default()
    }

    /// Adds text in a style.
    #[must_use]
    pub fn with(mut self, style: Style, text: impl Into<String>) -> Line {
        let text = text.into();
        if !text.is_empty() {
            self.pieces.push((style, text));
        }
        self
    }

    /// Adds text as it is.
    #[must_use]
    pub fn and(self, text: impl Into<String>) -> Line {
        self.with(Style::Plain, text)
    }

    /// Adds another line's pieces.
    #[must_use]
    pub fn then(mut self, other: Line) -> Line {
        self.pieces.extend(other.pieces);
        self
    }

    /// The line without white space at its end.
    #[must_use]
    pub fn trimmed(mut self) -> Line {
        while let Some((_, text)) = self.pieces.last_mut() {
            text.truncate(text.trim_end().len());
            if !text.is_empty() {
                break;
            }
            self.pieces.pop();
        }
        self
    }

    /// The text alone.
    #[must_use]
    pub fn plain(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The text with colours, or without.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        if !colour {
            return self.plain();
        }
        let mut out = String::new();
        for (style, text) in &self.pieces {
            if *style == Style::Plain {
                out.push_str(text);
            } else {
                out.push_str(style.ansi());
                out.push_str(text);
                out.push_str("\x1b[0m");
            }
        }
        out
    }

    /// The line cut to this many columns, with `…` where it was cut.
    #[must_use]
    pub fn cut(&self, columns: usize) -> Line {
        let total: usize = self.pieces.iter().map(|(_, text)| width(text)).sum();
        if total <= columns {
            return self.clone();
        }
        let mut left = columns.saturating_sub(1);
        let mut cut = Line::new();
        for (style, text) in &self.pieces {
            let mut kept = String::new();
            for char in text.chars() {
                let wide = char.width().unwrap_or(0);
                if wide > left {
                    return cut
                        .with(*style, kept)
                        .and(if columns == 0 { "" } else { "…" });
                }
                left -= wide;
                kept.push(char);
            }
            cut = cut.with(*style, kept);
        }
        cut.and("…")
    }
}

/// How many columns a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|char| char.width().unwrap_or(0)).sum()
}

/// The text filled up with spaces to this many columns.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Whether colours are wanted on a stream: a terminal that knows them, and `NO_COLOR` not set.
#[must_use]
pub fn colour(stream: &impl IsTerminal) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !set("NO_COLOR") && !dumb()
}

/// Whether the terminal cannot move its cursor.
#[must_use]
pub fn dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_the_width_of_the_terminal() {
        let line = Line::new()
            .with(Style::Good, "✓ ")
            .and("backup of the database");
        assert_eq!(line.cut(10).plain(), "✓ backup …");
        assert_eq!(line.cut(80), line);
        assert_eq!(line.cut(0).plain(), "");
        assert_eq!(Line::new().and("日本語").cut(5).plain(), "日本…");
    }

    #[test]
    fn colours_are_only_there_when_wanted() {
        let line = Line::new().with(Style::Bad, "✗").and(" go");
        assert_eq!(line.render(false), "✗ go");
        assert_eq!(line.render(true), "\x1b[31m✗\x1b[0m go");
    }

    #[test]
    fn white_space_at_the_end_goes() {
        let line = Line::new().and("a ").with(Style::Dim, "  ");
        assert_eq!(line.trimmed(), Line::new().and("a"));
    }

    #[test]
    fn padding_counts_columns() {
        assert_eq!(pad("日", 4), "日  ");
        assert_eq!(pad("long", 2), "long");
    }
}

//! A [`Document`] to YAML.

use super::document::{Above, Body, Comment, Document, Head, Item, Spelling, Token, Value};
use super::spell;
use super::width::Piece;
use crate::node::Style;

/// How far what belongs to a key is indented.
const STEP: usize = 2;

/// Writes a document of maps and lists.
pub(super) fn write(document: &Document) -> String {
    let mut writer = Writer { out: String::new() };
    writer.map(&document.body, 0, false);
    writer.out
}

struct Writer {
    out: String,
}

impl Writer {
    fn begin(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn above<'c>(&mut self, above: impl Iterator<Item = &'c Above>, indent: usize, first: bool) {
        for (at, comment) in above.enumerate() {
            if comment.blank && !(first && at == 0) {
                self.out.push('\n');
            }
            self.begin(indent);
            self.out.push_str(&comment.comment);
            self.out.push('\n');
        }
    }

    fn behind(&mut self, comments: &[Comment]) {
        for comment in comments {
            self.out.push_str("  ");
            self.out.push_str(comment);
        }
        self.out.push('\n');
    }

    fn blank(&mut self, item: &Item, first: bool) {
        if item.blank && !(first && item.above.is_empty()) {
            self.out.push('\n');
        }
    }

    /// Entries on lines of their own. With `begun`, the first line has begun, and what belongs above it is written.
    fn map(&mut self, body: &Body, indent: usize, begun: bool) {
        for (at, item) in body.items.iter().enumerate() {
            if !(begun && at == 0) {
                self.above(item.above.iter(), indent, at == 0);
                self.blank(item, at == 0);
                self.begin(indent);
            }
            if let Head::Key(key) = &item.head {
                self.out.push_str(&spell::yaml_key(key, false));
            }
            self.out.push(':');
            self.value(item, indent);
        }
        self.above(body.end.iter(), indent, body.items.is_empty());
    }

    fn list(&mut self, body: &Body, indent: usize, begun: bool) {
        for (at, item) in body.items.iter().enumerate() {
            if !(begun && at == 0) {
                self.above(item.above.iter(), indent, at == 0);
                self.hoisted(item, indent);
                self.blank(item, at == 0);
                self.begin(indent);
            }
            self.out.push('-');
            self.entry(item, indent);
        }
        self.above(body.end.iter(), indent, body.items.is_empty());
    }

    /// What stands above the first entry of an item has no line of its own in it.
    fn hoisted(&mut self, item: &Item, indent: usize) {
        if flat(&item.value, indent).is_some() {
            return;
        }
        let Some(body) = item.value.body() else {
            return;
        };
        for comment in &body.opened {
            self.begin(indent);
            self.out.push_str(comment);
            self.out.push('\n');
        }
        if let Some(first) = body.items.first() {
            self.above(first.above.iter(), indent, true);
            self.hoisted_first(body, first, indent);
        }
    }

    fn hoisted_first(&mut self, body: &Body, first: &Item, indent: usize) {
        if matches!(first.head, Head::None) && !body.items.is_empty() {
            self.hoisted(first, indent);
        }
    }

    /// What stands behind `-`.
    fn entry(&mut self, item: &Item, indent: usize) {
        let body = match &item.value {
            Value::Token(_) => None,
            value if flat(value, indent + STEP).is_some() => None,
            value => value.body(),
        };
        let Some(body) = body.filter(|body| !body.items.is_empty()) else {
            self.value(item, indent);
            return;
        };
        self.out.push(' ');
        match &item.value {
            Value::List(_) => self.list(body, indent + STEP, true),
            _ => self.map(body, indent + STEP, true),
        }
        for comment in &item.behind {
            self.begin(indent + STEP);
            self.out.push_str(comment);
            self.out.push('\n');
        }
    }

    /// What stands behind `key:`, and the end of the line.
    fn value(&mut self, item: &Item, indent: usize) {
        let head = match &item.head {
            Head::Key(key) => spell::yaml_key(key, false).chars().count() + 1,
            _ => 1,
        };
        let body = match &item.value {
            Value::Token(token) => return self.token(token, indent, &item.behind),
            Value::List(body) | Value::Map(body) | Value::Call(_, body) | Value::Word(_, body) => {
                body
            }
        };
        if let Some(line) = flat(&item.value, indent + head + 1) {
            self.out.push(' ');
            self.out.push_str(&line);
            self.behind(&item.behind);
            return;
        }
        let alone = !body.has_comments();
        self.behind(if alone { &item.behind } else { &body.opened });
        match &item.value {
            Value::List(_) => self.list(body, indent + STEP, false),
            _ => self.map(body, indent + STEP, false),
        }
        for comment in item.behind.iter().filter(|_| !alone) {
            self.begin(indent + STEP);
            self.out.push_str(comment);
            self.out.push('\n');
        }
    }

    fn token(&mut self, token: &Token, indent: usize, behind: &[Comment]) {
        let block = match &token.spelling {
            Spelling::Block { header, lines } => Some((header.clone(), lines.clone())),
            Spelling::Free if token.style == Style::Block => spell::yaml_block(&token.text),
            _ => None,
        };
        let Some((header, lines)) = block else {
            let spelled = spell::yaml(token, false);
            if !spelled.is_empty() {
                self.out.push(' ');
                self.spelled(&spelled, indent);
            }
            self.behind(behind);
            return;
        };
        self.out.push(' ');
        let mut marks = header.chars();
        self.out.extend(marks.next());
        let first = lines.iter().find(|line| !line.trim().is_empty());
        if first
            .or(lines.first())
            .is_some_and(|line| line.starts_with(' '))
        {
            // The first line would be taken for what all of them are indented by.
            self.out.push_str(&STEP.to_string());
        }
        self.out.extend(marks);
        self.behind(behind);
        for line in &lines {
            if !line.is_empty() {
                self.begin(indent + STEP);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }

    /// A scalar that may go on over further lines.
    fn spelled(&mut self, spelled: &str, indent: usize) {
        let mut lines = spelled.split('\n').enumerate().peekable();
        while let Some((at, line)) = lines.next() {
            let line = match at {
                0 => line,
                _ => line.trim_start_matches(BLANKS),
            };
            let line = match lines.peek() {
                Some(_) => without_blanks(line),
                None => line,
            };
            if at > 0 && !line.is_empty() {
                self.begin(indent + STEP);
            }
            self.out.push_str(line);
            if lines.peek().is_some() {
                self.out.push('\n');
            }
        }
    }
}

/// What means nothing at the ends of lines. Other blanks, such as those that do not break, belong to the text.
const BLANKS: [char; 3] = [' ', '\t', '\r'];

/// A line of a quoted text without the blanks at its end, which mean nothing, unless the first of them is escaped.
fn without_blanks(line: &str) -> &str {
    let bare = line.trim_end_matches(BLANKS);
    let backslashes = bare.len() - bare.trim_end_matches('\\').len();
    if backslashes % 2 == 1 && bare.len() < line.len() {
        return line.get(..bare.len() + 1).unwrap_or(line);
    }
    bare
}

/// A list or a map in brackets, if it may stand on one line and fits there.
fn flat(value: &Value, indent: usize) -> Option<String> {
    let piece = piece(value)?;
    let empty = value.body().is_some_and(|body| body.items.is_empty());
    (empty || piece.fits(indent)).then_some(piece.text)
}

fn piece(value: &Value) -> Option<Piece> {
    let body = match value {
        Value::Token(token) => {
            let spelled = spell::yaml(token, true);
            return (!spelled.contains('\n')).then(|| Piece::token(spelled));
        }
        value => value.body()?,
    };
    let (open, close) = match value {
        Value::List(_) => ("[", "]"),
        _ => ("{", "}"),
    };
    if body.items.is_empty() {
        return Some(Piece::plain(format!("{open}{close}")));
    }
    if !body.one_line || body.has_comments() {
        return None;
    }
    let mut whole = Piece::plain(open);
    for (at, item) in body.items.iter().enumerate() {
        if at > 0 {
            whole.push(", ");
        }
        if let Head::Key(key) = &item.head {
            whole.push(&spell::yaml_key(key, true));
            whole.push(": ");
        }
        whole.join(&piece(&item.value)?);
    }
    whole.push(close);
    Some(whole)
}

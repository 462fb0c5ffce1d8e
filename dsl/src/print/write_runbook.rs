//! A [`Document`] to Piton's own language.

use super::document::{Above, Body, Comment, Document, Head, Item, Spelling, Token, Value};
use super::spell;
use super::width::Piece;
use crate::schema::BLOCKS;

/// How far a block is indented.
const STEP: usize = 2;

/// Writes a document.
pub(super) fn write(document: &Document) -> String {
    let mut writer = Writer { out: String::new() };
    writer.items(&document.body.items, 0);
    writer.end(&document.body.end, 0, document.body.items.is_empty());
    writer.out
}

struct Writer {
    out: String,
}

impl Writer {
    fn line(&mut self, indent: usize, text: &str) {
        self.begin(indent);
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn begin(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn above(&mut self, above: &[Above], indent: usize, first: bool) {
        for (at, comment) in above.iter().enumerate() {
            if comment.blank && !(first && at == 0) {
                self.out.push('\n');
            }
            self.line(indent, &comment.comment);
        }
    }

    fn end(&mut self, end: &[Above], indent: usize, first: bool) {
        self.above(end, indent, first);
    }

    /// Ends a line with the comments that stand on it.
    fn behind(&mut self, comments: &[Comment]) {
        for comment in comments {
            self.out.push_str("  ");
            self.out.push_str(comment);
        }
        self.out.push('\n');
    }

    /// Statements, each on lines of its own.
    fn items(&mut self, items: &[Item], indent: usize) {
        let widths = widths(items, indent);
        for (at, (item, width)) in items.iter().zip(widths).enumerate() {
            self.above(&item.above, indent, at == 0);
            if item.blank && !(at == 0 && item.above.is_empty()) {
                self.out.push('\n');
            }
            self.begin(indent);
            self.statement(item, indent, width);
            self.behind(&item.behind);
        }
    }

    fn statement(&mut self, item: &Item, indent: usize, width: usize) {
        let head = head(&item.head);
        if let Some(line) = one_line(item, indent) {
            let pad = width.saturating_sub(head.chars().count());
            self.out.push_str(&head);
            self.out.extend(std::iter::repeat_n(' ', pad));
            self.out
                .push_str(line.get(head.len()..).unwrap_or_default());
            return;
        }
        self.out.push_str(&head);
        match &item.head {
            Head::None => {}
            Head::Key(_) => {
                let pad = width.saturating_sub(head.chars().count());
                self.out.extend(std::iter::repeat_n(' ', pad));
                self.out.push_str(" = ");
            }
            Head::Block(..) => self.out.push(' '),
        }
        self.value(&item.value, indent);
    }

    /// A value that takes several lines, the first of which has begun.
    fn value(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Token(token) => self.token(token, indent),
            Value::List(body) => self.list("[", body, "]", indent),
            Value::Map(body) => self.block(body, indent),
            Value::Call(word, body) => {
                self.out.push_str(&spell::runbook_word(word));
                self.list("(", body, ")", indent);
            }
            Value::Word(word, body) => {
                self.out.push_str(&spell::runbook_word(word));
                self.out.push(' ');
                self.block(body, indent);
            }
        }
    }

    fn token(&mut self, token: &Token, indent: usize) {
        if let Some(lines) = raw_lines(token) {
            self.out.push_str("\"\"\"");
            let mut lines = lines.into_iter().peekable();
            while let Some(line) = lines.next() {
                self.out.push('\n');
                match (line.is_empty(), lines.peek().is_some()) {
                    (true, true) => {}
                    (true, false) => self.begin(indent),
                    (false, _) => self.begin(indent + STEP),
                }
                self.out.push_str(line);
            }
            self.out.push_str("\"\"\"");
        } else {
            self.out.push_str(&spell::runbook(token));
        }
    }

    fn block(&mut self, body: &Body, indent: usize) {
        if body.items.is_empty() && !body.has_comments() {
            self.out.push_str("{}");
            return;
        }
        self.out.push('{');
        self.behind(&body.opened);
        self.items(&body.items, indent + STEP);
        self.end(&body.end, indent + STEP, body.items.is_empty());
        self.begin(indent);
        self.out.push('}');
    }

    /// Values in brackets, one a line.
    fn list(&mut self, open: &str, body: &Body, close: &str, indent: usize) {
        self.out.push_str(open);
        if body.items.is_empty() && !body.has_comments() {
            self.out.push_str(close);
            return;
        }
        self.behind(&body.opened);
        let inner = indent + STEP;
        for (at, item) in body.items.iter().enumerate() {
            self.above(&item.above, inner, at == 0);
            if item.blank && !(at == 0 && item.above.is_empty()) {
                self.out.push('\n');
            }
            self.begin(inner);
            self.statement(item, inner, 0);
            if at + 1 < body.items.len() {
                self.out.push(',');
            }
            self.behind(&item.behind);
        }
        self.end(&body.end, inner, body.items.is_empty());
        self.begin(indent);
        self.out.push_str(close);
    }
}

/// The lines of a text that is written between `"""` on lines of their own.
fn raw_lines(token: &Token) -> Option<Vec<&str>> {
    let raw = match token.spelling {
        Spelling::Raw => true,
        Spelling::Free => spell::is_raw(token),
        _ => false,
    };
    raw.then(|| token.text.split('\n').collect())
}

fn head(head: &Head) -> String {
    match head {
        Head::None => String::new(),
        Head::Key(key) => spell::runbook_word(key),
        Head::Block(word, None) => spell::runbook_word(word),
        Head::Block(word, Some(name)) => {
            format!(
                "{} {}",
                spell::runbook_word(word),
                spell::runbook_word(name)
            )
        }
    }
}

/// The whole statement on one line, if it may and fits.
fn one_line(item: &Item, indent: usize) -> Option<String> {
    let piece = flat(item)?;
    let breaks = match &item.value {
        Value::Token(_) => false,
        // Nothing is gained by taking a call with one value apart.
        Value::Call(..) => false,
        Value::List(body) | Value::Map(body) | Value::Word(_, body) => !body.items.is_empty(),
    };
    (!breaks || piece.fits(indent)).then_some(piece.text)
}

fn flat(item: &Item) -> Option<Piece> {
    let mut piece = Piece::plain(head(&item.head));
    match &item.head {
        Head::None => {}
        Head::Key(_) => piece.push(" = "),
        Head::Block(..) => piece.push(" "),
    }
    piece.join(&flat_value(&item.value)?);
    Some(piece)
}

fn flat_value(value: &Value) -> Option<Piece> {
    match value {
        Value::Token(token) => {
            if raw_lines(token).is_some() {
                return None;
            }
            let spelled = spell::runbook(token);
            (!spelled.contains('\n')).then(|| Piece::token(spelled))
        }
        Value::List(body) => flat_body("[", body, "]"),
        Value::Map(body) => flat_block(body),
        Value::Call(word, body) => {
            let mut piece = Piece::plain(spell::runbook_word(word));
            piece.join(&flat_body("(", body, ")")?);
            Some(piece)
        }
        Value::Word(word, body) => {
            let mut piece = Piece::plain(spell::runbook_word(word));
            piece.push(" ");
            piece.join(&flat_block(body)?);
            Some(piece)
        }
    }
}

fn flat_block(body: &Body) -> Option<Piece> {
    if body.items.is_empty() {
        return flat_body("{", body, "}");
    }
    flat_body("{ ", body, " }")
}

fn flat_body(open: &str, body: &Body, close: &str) -> Option<Piece> {
    if !(body.one_line || body.items.is_empty()) || body.has_comments() {
        return None;
    }
    let mut piece = Piece::plain(open);
    let mut before: Option<&Item> = None;
    for item in &body.items {
        if let Some(before) = before {
            let block = |item: &Item| matches!(item.head, Head::Block(..));
            piece.push(if block(before) || block(item) {
                "  "
            } else {
                ", "
            });
        }
        piece.join(&flat(item)?);
        before = Some(item);
    }
    piece.push(close);
    Some(piece)
}

/// How wide the heads of statements are written: neighbours on lines of their own are aligned.
fn widths(items: &[Item], indent: usize) -> Vec<usize> {
    let mut widths = vec![0; items.len()];
    let mut run: Vec<usize> = Vec::new();
    let mut kind = None;
    for (at, item) in items.iter().enumerate() {
        let aligned = aligned(item, indent);
        let own = aligned.as_ref().map(|aligned| aligned.kind.clone());
        let parted = item.blank || item.above.iter().any(|above| above.blank);
        if parted || own.is_none() || own != kind {
            close(&mut run, items, &mut widths);
        }
        kind = own;
        if let Some(aligned) = aligned {
            run.push(at);
            if aligned.last {
                close(&mut run, items, &mut widths);
                kind = None;
            }
        }
    }
    close(&mut run, items, &mut widths);
    widths
}

fn close(run: &mut Vec<usize>, items: &[Item], widths: &mut [usize]) {
    let width = |at: &usize| {
        items
            .get(*at)
            .map_or(0, |item| head(&item.head).chars().count())
    };
    let widest = run.iter().map(width).max().unwrap_or(0);
    for at in run.drain(..) {
        if let Some(width) = widths.get_mut(at) {
            *width = widest;
        }
    }
}

/// How a statement takes part in an alignment.
struct Aligned {
    /// Only statements of one kind are aligned with each other: those without a name, and blocks of one word.
    kind: Option<String>,
    /// Whether it goes on over further lines, so that nothing below is aligned with it.
    last: bool,
}

fn aligned(item: &Item, indent: usize) -> Option<Aligned> {
    let whole = one_line(item, indent).is_some();
    match &item.head {
        Head::None => None,
        Head::Key(_) => Some(Aligned {
            kind: None,
            last: !whole,
        }),
        Head::Block(word, name) => whole.then(|| {
            let many = BLOCKS.iter().any(|block| block.keyword == word.text);
            Aligned {
                kind: (name.is_some() || many).then(|| word.text.clone()),
                last: false,
            }
        }),
    }
}

//! YAML to a [`Document`].
//!
//! Values and their places come from the tree; comments from what lies between them. Which block a comment belongs to
//! is told by its column, as the blocks themselves are.

use super::comments::{Comments, of_yaml};
use super::document::{Above, Body, Document, Head, Item, Spelling, Token, Value};
use super::spell::block_lines;
use crate::node::{Entry, Kind, Node, Scalar, Style};
use crate::source::Span;

/// Reads a text that was found to be without mistakes; `None` when it holds no map.
pub(super) fn read(text: &str, root: &Node) -> Option<Document> {
    let entries = root.as_map()?;
    let mut scalars = Vec::new();
    places(text, root, &mut scalars);
    let mut comments = of_yaml(text, &scalars);
    let first = scalars.first().map_or(text.len(), |span| span.start);
    if let Some(marker) = marker(text, first) {
        let at = comments.partition_point(|span| span.start < marker.start);
        comments.insert(at, marker);
    }
    let mut reader = Reader {
        text,
        comments: Comments::new(text, comments),
    };
    let around = if is_flow(text, root) {
        Around::Brackets(root.span.end.saturating_sub(1))
    } else {
        Around::Columns(reader.column(root.span.start), text.len())
    };
    let mut last = 0;
    let mut body = reader.map(entries, &mut last, &around);
    let opened = std::mem::take(&mut body.opened);
    let opened = opened.into_iter().map(|comment| Above {
        comment,
        blank: false,
    });
    match body.items.first_mut() {
        Some(item) => drop(item.above.splice(0..0, opened)),
        None => drop(body.end.splice(0..0, opened)),
    }
    let mut rest = reader.comments.before(text.len(), &mut last, &mut body);
    body.end.append(&mut rest);
    Some(Document { body })
}

/// The places of all scalars, in order.
fn places(text: &str, node: &Node, found: &mut Vec<Span>) {
    let mut add = |scalar: &Scalar| {
        if !is_absent(text, scalar) {
            found.push(scalar_span(text, scalar));
        }
    };
    match &node.kind {
        Kind::Scalar(scalar) => add(scalar),
        Kind::List(items) => items.iter().for_each(|item| places(text, item, found)),
        Kind::Map(entries) => {
            for entry in entries {
                found.push(entry.key.span);
                places(text, &entry.value, found);
            }
        }
        Kind::Unreadable => {}
    }
}

/// Where a scalar stands. A comment on the first line of a block is not part of it.
fn scalar_span(text: &str, scalar: &Scalar) -> Span {
    let written = text.get(scalar.span.range()).unwrap_or_default();
    if scalar.style != Style::Block {
        return scalar.span;
    }
    let end = scalar.span.start + written.trim_end().len();
    Span::new(scalar.span.start, end.max(scalar.span.start))
}

/// Whether a value is not there at all.
fn is_absent(text: &str, scalar: &Scalar) -> bool {
    scalar.style == Style::Plain
        && scalar.text.is_empty()
        && text.get(scalar.span.range()).map(str::trim) != Some("~")
}

/// The line `---` before everything.
fn marker(text: &str, first: usize) -> Option<Span> {
    let mut at = 0;
    for line in text.get(..first)?.split_inclusive('\n') {
        let bare = line.trim_start_matches('\u{feff}');
        let start = at + line.len() - bare.len();
        if bare
            .strip_prefix("---")
            .is_some_and(|rest| rest.trim().is_empty() || rest.starts_with([' ', '\t']))
        {
            return Some(Span::new(start, start + 3));
        }
        at += line.len();
    }
    None
}

/// What keeps the entries of a block together.
enum Around {
    /// Their column; everything before the second place may belong to them.
    Columns(usize, usize),
    /// Brackets, of which the second stands here.
    Brackets(usize),
}

struct Reader<'a> {
    text: &'a str,
    comments: Comments<'a>,
}

impl Reader<'_> {
    fn column(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |found| found + 1);
        let line = before.get(line..).unwrap_or_default();
        line.trim_start_matches('\u{feff}').chars().count()
    }

    /// Whether nothing stands before it on its line.
    fn on_its_own(&self, at: usize) -> bool {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |found| found + 1);
        let line = before.get(line..).unwrap_or_default();
        line.trim_start_matches('\u{feff}').trim().is_empty()
    }

    /// The first `mark` from here on that stands in no comment.
    fn find(&self, from: usize, mark: impl Fn(char) -> bool) -> Option<usize> {
        let mut comment = false;
        let rest = self.text.get(from..)?;
        for (at, character) in rest.char_indices() {
            match character {
                '\n' => comment = false,
                '#' => comment = true,
                other if !comment && mark(other) => return Some(from + at),
                _ => {}
            }
        }
        None
    }

    fn map(&mut self, entries: &[Entry], last: &mut usize, around: &Around) -> Body {
        let mut body = Body::default();
        for (at, entry) in entries.iter().enumerate() {
            let mut above = self.comments.before(entry.key.span.start, last, &mut body);
            let blank = self.comments.blank_between(*last, entry.key.span.start);
            *last = entry.key.span.end;
            let limit = limit(around, entries.get(at + 1).map(|next| next.key.span.start));
            let parent = match around {
                Around::Columns(column, _) => Some(*column),
                Around::Brackets(_) => None,
            };
            let key = self.token(&entry.key);
            let (value, behind) = self.value(&entry.value, last, limit, parent, &mut above);
            body.items.push(Item {
                above,
                blank,
                head: Head::Key(key),
                value,
                behind,
            });
        }
        self.finish(&mut body, last, around);
        body
    }

    fn list(&mut self, items: &[Node], last: &mut usize, around: &Around) -> Body {
        let mut body = Body::default();
        for (at, node) in items.iter().enumerate() {
            let start = match around {
                Around::Columns(..) => self.find(*last, |mark| mark == '-').unwrap_or(*last),
                Around::Brackets(_) => node.span.start.max(*last),
            };
            let mut above = self.comments.before(start, last, &mut body);
            let blank = self.comments.blank_between(*last, start);
            *last = match around {
                Around::Columns(..) => start + 1,
                Around::Brackets(_) => start,
            };
            // What stands behind the next dash is not this item's.
            let next = items.get(at + 1).map(|next| match around {
                Around::Columns(..) => self
                    .find(node.span.end.max(*last), |mark| mark == '-')
                    .unwrap_or(next.span.start),
                Around::Brackets(_) => next.span.start,
            });
            let limit = limit(around, next);
            let (value, behind) = self.value(node, last, limit, None, &mut above);
            body.items.push(Item {
                above,
                blank,
                head: Head::None,
                value,
                behind,
            });
        }
        self.finish(&mut body, last, around);
        body
    }

    /// The comments behind the last entry that belong to the block.
    fn finish(&mut self, body: &mut Body, last: &mut usize, around: &Around) {
        match *around {
            Around::Brackets(close) => {
                let mut end = self.comments.before(close, last, body);
                body.end.append(&mut end);
                *last = close + 1;
            }
            Around::Columns(column, limit) => {
                while let Some(span) = self.comments.peek(limit) {
                    let behind = body.end.is_empty() && self.comments.same_line(*last, span.start);
                    let below = self.on_its_own(span.start) && self.column(span.start) >= column;
                    if !behind && !below {
                        break;
                    }
                    self.comments.take(limit);
                    let comment = self.comments.written(span);
                    if behind {
                        body.comment_behind(comment);
                    } else {
                        let blank = self.comments.blank_between(*last, span.start);
                        body.end.push(Above { comment, blank });
                    }
                    *last = span.end;
                }
            }
        }
    }

    /// A value; `last` is where what stands before it ends, and afterwards where it ends. Comments that have no place
    /// inside it join those above. `parent` is the column of the map whose key stands before it.
    fn value(
        &mut self,
        node: &Node,
        last: &mut usize,
        limit: usize,
        parent: Option<usize>,
        above: &mut Vec<Above>,
    ) -> (Value, Vec<String>) {
        match &node.kind {
            Kind::Scalar(scalar) => self.scalar(scalar, last, above),
            Kind::Unreadable => {
                let token = Token::free("", Style::Plain);
                (Value::Token(token), Vec::new())
            }
            Kind::List(_) | Kind::Map(_) if is_flow(self.text, node) => {
                self.all_above(node.span.start, last, above);
                *last = node.span.start + 1;
                let around = Around::Brackets(node.span.end.saturating_sub(1));
                let mut body = self.inner(node, last, &around);
                *last = node.span.end;
                let written = self.text.get(node.span.range()).unwrap_or_default();
                body.one_line = !written.contains('\n') && !body.has_comments();
                if body.items.is_empty() {
                    let opened = std::mem::take(&mut body.opened);
                    above.extend(opened.into_iter().map(|comment| Above {
                        comment,
                        blank: false,
                    }));
                    above.append(&mut body.end);
                }
                (wrap(node, body), Vec::new())
            }
            Kind::List(_) | Kind::Map(_) => {
                let start = match node.kind {
                    Kind::List(_) => self.find(*last, |mark| mark == '-'),
                    _ => None,
                };
                let column = self.column(start.unwrap_or(node.span.start));
                // A list may stand in the column of its key; comments there belong to what comes behind it.
                let own = if parent == Some(column) {
                    usize::MAX
                } else {
                    column
                };
                let body = self.inner(node, last, &Around::Columns(own, limit));
                (wrap(node, body), Vec::new())
            }
        }
    }

    fn inner(&mut self, node: &Node, last: &mut usize, around: &Around) -> Body {
        match &node.kind {
            Kind::List(items) => self.list(items, last, around),
            Kind::Map(entries) => self.map(entries, last, around),
            _ => Body::default(),
        }
    }

    fn all_above(&mut self, end: usize, last: &mut usize, above: &mut Vec<Above>) {
        while let Some(span) = self.comments.take(end) {
            let blank = self.comments.blank_between(*last, span.start);
            let comment = self.comments.written(span);
            above.push(Above { comment, blank });
            *last = span.end;
        }
    }

    fn scalar(
        &mut self,
        scalar: &Scalar,
        last: &mut usize,
        above: &mut Vec<Above>,
    ) -> (Value, Vec<String>) {
        if is_absent(self.text, scalar) {
            let token = Token {
                text: String::new(),
                style: Style::Plain,
                spelling: Spelling::AsWritten(String::new()),
            };
            return (Value::Token(token), Vec::new());
        }
        if scalar.style != Style::Block {
            self.all_above(scalar.span.start, last, above);
            *last = scalar.span.end;
            return (Value::Token(self.token(scalar)), Vec::new());
        }
        let mark = |mark| matches!(mark, '|' | '>');
        let start = self.find(*last, mark).unwrap_or(scalar.span.start);
        self.all_above(start, last, above);
        *last = start;
        let mut behind = Vec::new();
        while let Some(span) = self.comments.peek(scalar.span.start)
            && self.comments.same_line(start, span.start)
        {
            self.comments.take(scalar.span.start);
            behind.push(self.comments.written(span));
        }
        let (spelling, end) = block(self.text, start, scalar);
        *last = end;
        let token = Token {
            text: scalar.text.clone(),
            style: Style::Block,
            spelling,
        };
        (Value::Token(token), behind)
    }

    fn token(&self, scalar: &Scalar) -> Token {
        let written = self.text.get(scalar.span.range()).unwrap_or_default();
        Token {
            text: scalar.text.clone(),
            style: scalar.style,
            spelling: Spelling::AsWritten(written.replace("\r\n", "\n")),
        }
    }
}

/// Whether a list or a map stands in brackets. The place of one that does not is that of the first thing in it.
fn is_flow(text: &str, node: &Node) -> bool {
    let first = match &node.kind {
        Kind::List(items) => items.first().map(|item| item.span.start),
        Kind::Map(entries) => entries.first().map(|entry| entry.key.span.start),
        _ => return false,
    };
    let rest = text.get(node.span.start..).unwrap_or_default();
    rest.starts_with(['{', '[']) && first != Some(node.span.start)
}

fn limit(around: &Around, next: Option<usize>) -> usize {
    let whole = match around {
        Around::Columns(_, limit) => *limit,
        Around::Brackets(close) => *close,
    };
    next.unwrap_or(whole)
}

fn wrap(node: &Node, body: Body) -> Value {
    match node.kind {
        Kind::List(_) => Value::List(body),
        _ => Value::Map(body),
    }
}

/// How the block whose first line begins at `start` is written, and where its last line ends.
fn block(text: &str, start: usize, scalar: &Scalar) -> (Spelling, usize) {
    let rest = text.get(start..).unwrap_or_default();
    let first = rest.find('\n').unwrap_or(rest.len());
    let header: String = rest
        .chars()
        .take_while(|character| !character.is_whitespace() && *character != '#')
        .filter(|character| matches!(character, '|' | '>' | '+' | '-'))
        .collect();
    let inner = start + first;
    let said = scalar.text.as_str();
    let whole = text
        .get(inner..scalar.span.end.max(inner))
        .unwrap_or_default();
    let content = match said.trim_matches('\n') {
        "" => 0,
        _ => whole.trim_end_matches([' ', '\t', '\n', '\r']).len(),
    };
    let newlines = said.len() - said.trim_end_matches('\n').len();
    let keeps = header.ends_with('+');
    let kept = if keeps { newlines } else { 0 };
    // Lines of nothing but blanks are part of the text, and empty ones too where they are kept.
    let tail = said.get(said.trim_end().len()..).unwrap_or_default();
    let spaces = tail.trim_end_matches('\n');
    let behind = match (keeps, spaces) {
        (true, _) => tail.matches('\n').count(),
        (false, "") => 0,
        (false, _) => spaces.matches('\n').count() + 1,
    };
    let end = inner + nth_newline(text.get(inner..).unwrap_or_default(), content, behind);
    if header.starts_with('|') {
        let lines = block_lines(said);
        return (Spelling::Block { header, lines }, end);
    }
    let mut lines = folded(whole.strip_prefix('\n').unwrap_or(whole), said);
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.extend(std::iter::repeat_n(String::new(), kept.saturating_sub(1)));
    (Spelling::Block { header, lines }, end)
}

/// The place before the newline number `count` behind `from`; `from` for none.
fn nth_newline(text: &str, from: usize, count: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let newlines = rest.match_indices('\n').take(count);
    newlines.last().map_or(from, |(at, _)| from + at)
}

/// The lines of a folded block without the indentation that they share.
fn folded(rest: &str, said: &str) -> Vec<String> {
    let lines: Vec<&str> = rest
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .collect();
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let first = lines.iter().find(|line| !line.trim().is_empty());
    let own = said.split('\n').find(|line| !line.trim().is_empty());
    let indent = first.map_or(0, |line| blanks(line))
        - own
            .map_or(0, blanks)
            .min(first.map_or(0, |line| blanks(line)));
    let cut = |line: &&str| {
        line.get(indent.min(blanks(line))..)
            .unwrap_or_default()
            .to_owned()
    };
    lines.iter().map(cut).collect()
}

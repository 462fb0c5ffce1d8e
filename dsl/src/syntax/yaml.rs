//! YAML: text to [`Node`]s.
//!
//! The parser's events are put together without recursion. Of YAML only maps, lists and scalars are taken; anchors,
//! aliases, merge keys, tags, directives and further documents are refused, because a runbook has to say what it does
//! where it does it.
//!
//! Faulty YAML ends the parser's work at that place. So that the mistakes behind it are found too, the value on the
//! faulty line is blanked out and the file is read again, a few times at most: see `mend`.

mod explain;
mod mend;

use std::collections::BTreeMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle};

use crate::diagnostic::Diagnostic;
use crate::node::{Entry, Kind, Node, OffsetMap, Scalar, Style};
use crate::source::Span;
use crate::syntax::align::{Escapes, align};
use crate::syntax::findings::Findings;
use crate::syntax::{MAX_DEPTH, Parsed, duplicate_key, too_large};

/// The most values a file may hold.
const MAX_NODES: usize = 1_000_000;

/// Reads a text in YAML.
pub fn parse(text: &str) -> Parsed {
    if let Some(refused) = too_large(text).or_else(|| explain::odd_line_ends(text)) {
        return Parsed {
            root: None,
            diagnostics: vec![refused],
        };
    }
    let mut findings = Findings::default();
    let mut mended = mend::Mended::new(text);
    loop {
        let mut reader = Reader {
            text: mended.text(),
            given: text,
            blanked: mended.blanked(),
            findings: Findings::default(),
            open: Vec::new(),
            root: None,
            nodes: 0,
        };
        let broken = reader.read();
        let mut root = reader.close_all();
        let found = reader.findings;
        if let Some((kind, at)) = broken {
            let (kind, at) = match mend::unclosed_bracket(mended.text(), at) {
                Some(bracket) => {
                    let open = text
                        .as_bytes()
                        .get(bracket)
                        .copied()
                        .map_or('[', char::from);
                    (ErrorKind::UnclosedFlowCollection { open }, bracket)
                }
                None => (kind, at),
            };
            findings.add(explain::explain(text, &kind, at));
            if mended.blank(at) {
                continue;
            }
        }
        if root.is_none() && findings.is_empty() && found.is_empty() {
            findings.add(explain::nothing());
        }
        // A file of which nothing is left after mending has no tree to go on with.
        if root.as_ref().is_some_and(is_blank) {
            root = None;
        }
        findings.append(found);
        return Parsed {
            root,
            diagnostics: findings.finish(),
        };
    }
}

fn is_blank(node: &Node) -> bool {
    node.is_unreadable()
}

struct Reader<'a> {
    /// The text that is parsed, with blanked lines.
    text: &'a str,
    /// The text as it was given.
    given: &'a str,
    /// Where values were blanked: what is missing there is unreadable, not absent.
    blanked: &'a [Span],
    findings: Findings,
    /// The lists and maps that are being read, outermost first.
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
}

enum Open {
    List {
        start: Span,
        items: Vec<Node>,
    },
    Map {
        start: Span,
        entries: Vec<Entry>,
        places: BTreeMap<String, usize>,
        key: Key,
    },
}

/// Whether a map's next value is a key or belongs to one.
enum Key {
    None,
    /// The key, and whether its value is kept.
    Some(Scalar, bool),
    /// A key that is none was reported; its value is dropped.
    Unusable,
}

impl Reader<'_> {
    /// Reads to the end, or to a mistake that the parser cannot go past.
    fn read(&mut self) -> Option<(ErrorKind, usize)> {
        let options = granit_parser::options! {
            emit_anchor_events: true,
            emit_unresolved_aliases: true,
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        let mut documents = 0;
        let mut parser = Parser::new_from_str_with_options(self.text, options);
        while let Some(next) = parser.next_event() {
            let (event, at) = match next {
                Ok(next) => next,
                Err(error) => {
                    let place = error.marker().byte_offset().unwrap_or(self.text.len());
                    return Some((error.kind().clone(), place));
                }
            };
            let span = self.inside(at.byte_range().unwrap_or_default());
            if let Some(tag) = tag_of(&event) {
                let at = at.tag_span().and_then(|tag| tag.byte_range());
                let at = at.map_or(span, |range| self.inside(range));
                self.findings.add(explain::tag(&tag, at));
            }
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        self.findings.add(explain::second_document(span));
                        return None;
                    }
                }
                Event::Anchor(_, name) => self.findings.add(explain::anchor(&name, span)),
                Event::Alias(_) | Event::UnresolvedAlias(_) => {
                    let written = self.given.get(span.range()).unwrap_or_default();
                    self.findings.add(explain::alias(written, span));
                    self.value(Node {
                        span,
                        kind: Kind::Unreadable,
                    });
                }
                Event::Scalar(value, style, ..) => {
                    // What is absent comes as `~`, YAML's sign for nothing.
                    let nothing = style == ScalarStyle::Plain && value == "~";
                    let value = if nothing { "".into() } else { value };
                    let node = if value.is_empty() && self.was_blanked(span) {
                        Node {
                            span,
                            kind: Kind::Unreadable,
                        }
                    } else {
                        Node::scalar(self.scalar(&value, style, span))
                    };
                    self.value(node);
                }
                Event::SequenceStart(..) => self.open.push(Open::List {
                    start: span,
                    items: Vec::new(),
                }),
                Event::MappingStart(..) => self.open.push(Open::Map {
                    start: span,
                    entries: Vec::new(),
                    places: BTreeMap::new(),
                    key: Key::None,
                }),
                Event::SequenceEnd | Event::MappingEnd => self.close(span),
                _ => {}
            }
            if self.nodes > MAX_NODES {
                self.findings.add(explain::too_many(MAX_NODES, span));
                return None;
            }
        }
        None
    }

    /// A range of the parser as a span that surely lies in the text, on character boundaries.
    fn inside(&self, range: std::ops::Range<usize>) -> Span {
        let boundary = |offset: usize| {
            let mut offset = offset.min(self.text.len());
            while !self.text.is_char_boundary(offset) {
                offset -= 1;
            }
            // What was blanked may have had longer characters than the blanks that stand for them.
            let blanked = |blank: &&Span| blank.start < offset && offset < blank.end;
            self.blanked
                .iter()
                .find(blanked)
                .map_or(offset, |blank| blank.start)
        };
        Span::new(boundary(range.start), boundary(range.end))
    }

    /// Whether something in this span was blanked, so that its text is not what the file says.
    fn has_blanks(&self, span: Span) -> bool {
        self.blanked
            .iter()
            .any(|blank| blank.start < span.end && span.start < blank.end)
    }

    /// Whether an empty value at this place is one that was blanked: nothing but white space lies between.
    fn was_blanked(&self, span: Span) -> bool {
        let after = self
            .blanked
            .partition_point(|blanked| blanked.start <= span.start);
        let behind = after.checked_sub(1).and_then(|at| self.blanked.get(at));
        let ahead = self.blanked.get(after);
        let empty = |from: usize, to: usize| {
            let between = self.text.get(from..to);
            between.is_some_and(|text| text.trim_end_matches([' ', ':', '\n', '\r']).is_empty())
        };
        behind.is_some_and(|blanked| blanked.end >= span.start || empty(blanked.end, span.start))
            || ahead.is_some_and(|blanked| empty(span.start, blanked.start))
    }

    fn scalar(&self, value: &str, style: ScalarStyle, span: Span) -> Scalar {
        let source = self.text.get(span.range()).unwrap_or_default();
        let (inner, escapes, style) = match style {
            ScalarStyle::Plain => (0..source.len(), Escapes::None, Style::Plain),
            ScalarStyle::SingleQuoted => (unquoted(source), Escapes::Single, Style::Quoted),
            ScalarStyle::DoubleQuoted => (unquoted(source), Escapes::Double, Style::Quoted),
            ScalarStyle::Literal | ScalarStyle::Folded => {
                // The first line holds only `|` or `>` with what modifies it.
                let header = source.starts_with(['|', '>']);
                let line = source.find('\n').map_or(source.len(), |at| at + 1);
                let start = if header { line } else { 0 };
                (start..source.len(), Escapes::None, Style::Block)
            }
        };
        let start = span.start + inner.start;
        let written = source.get(inner).unwrap_or_default();
        let map = match self.has_blanks(span) {
            false => align(value, written, start, escapes),
            // Only the place of the whole is known.
            true => None,
        };
        let map: OffsetMap = map.unwrap_or_default();
        Scalar {
            text: value.to_string(),
            style,
            span,
            map,
        }
    }

    /// Puts a finished value where it belongs: a key, a value, an item or the whole file.
    fn value(&mut self, node: Node) {
        self.nodes += 1;
        match self.open.last_mut() {
            None => {
                if self.root.is_none() {
                    self.root = Some(node);
                }
            }
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map {
                entries,
                places,
                key,
                ..
            }) => match std::mem::replace(key, Key::None) {
                Key::None => *key = next_key(node, entries, places, &mut self.findings),
                Key::Some(name, true) => {
                    places.insert(name.text.clone(), entries.len());
                    entries.push(Entry {
                        key: name,
                        value: node,
                    });
                }
                Key::Some(_, false) | Key::Unusable => {}
            },
        }
    }

    /// Ends the innermost list or map; `end` is where the parser saw it end.
    fn close(&mut self, end: Span) {
        let node = match self.open.pop() {
            Some(Open::List { start, items }) => {
                let last = items.last().map(|item| item.span);
                Node {
                    span: self.extent(start, last, end),
                    kind: Kind::List(items),
                }
            }
            Some(Open::Map {
                start,
                mut entries,
                key,
                ..
            }) => {
                if let Key::Some(key, true) = key {
                    // The file ended or broke behind this key.
                    let value = Node {
                        span: key.span.after(),
                        kind: Kind::Unreadable,
                    };
                    entries.push(Entry { key, value });
                }
                let last = entries.last().map(|entry| entry.value.span);
                Node {
                    span: self.extent(start, last, end),
                    kind: Kind::Map(entries),
                }
            }
            None => return,
        };
        self.value(node);
    }

    /// From the opening to the closing bracket; without brackets, to the end of the last value.
    fn extent(&self, start: Span, last: Option<Span>, end: Span) -> Span {
        let flow = self
            .text
            .get(start.start..)
            .is_some_and(|text| text.starts_with(['{', '[']));
        let last_end = last.map_or(start.end, |last| last.end);
        let stop = if flow {
            end.end.max(last_end)
        } else {
            last_end
        };
        Span::new(start.start, stop)
    }

    /// Ends what is still open: after a mistake that ended the reading.
    fn close_all(&mut self) -> Option<Node> {
        while !self.open.is_empty() {
            self.close(Span::at(self.text.len()));
        }
        self.root.take()
    }
}

fn unquoted(source: &str) -> std::ops::Range<usize> {
    1..source.len().saturating_sub(1).max(1)
}

fn tag_of(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Scalar(_, _, _, tag)
        | Event::SequenceStart(_, _, tag)
        | Event::MappingStart(_, _, tag) => tag.as_ref().map(|tag| tag.original()),
        _ => None,
    }
}

fn next_key(
    node: Node,
    entries: &[Entry],
    places: &BTreeMap<String, usize>,
    findings: &mut Findings,
) -> Key {
    let Kind::Scalar(scalar) = node.kind else {
        if !node.is_unreadable() {
            findings.add(explain::complex_key(node.span));
        }
        return Key::Unusable;
    };
    if scalar.text == "<<" && scalar.style == Style::Plain {
        findings.add(explain::merge_key(scalar.span));
        return Key::Unusable;
    }
    if let Some(first) = places.get(&scalar.text) {
        let first = entries.get(*first).map(|entry| entry.key.span);
        let diagnostic: Diagnostic =
            duplicate_key(&scalar.text, scalar.span, first.unwrap_or_default());
        findings.add(diagnostic);
        return Key::Some(scalar, false);
    }
    Key::Some(scalar, true)
}

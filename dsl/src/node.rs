//! What both syntaxes parse to: a tree of maps, lists and scalars that knows where each part stands in the file.
//!
//! Scalars are texts here; the schema says later which are numbers, durations or expressions. Two files that say the
//! same in the two syntaxes give trees for which [`Node::same_as`] holds.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::source::Span;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// From the first to the last byte of the value, brackets and quotes included.
    pub span: Span,
    /// The value.
    pub kind: Kind,
}

/// The value of a [`Node`].
#[derive(Clone, Debug)]
pub enum Kind {
    /// A text, a number, a word: anything that is one token.
    Scalar(Scalar),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key, in the order of the file. Keys are unique: a repeated one was reported and left out.
    Map(Vec<Entry>),
    /// A value that could not be read and was reported already. It counts as given and fits anywhere,
    /// so that one mistake is not reported twice.
    Unreadable,
}

/// A key and its value in a map.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key. For a part that the syntax only implies (`steps` in Piton's own language),
    /// its span is that of the first word which implies it.
    pub key: Scalar,
    /// The value.
    pub value: Node,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: `10m`, `string`, `true`. In YAML an empty plain scalar is a missing value.
    Plain,
    /// In quotes.
    Quoted,
    /// Over several lines: `"""…"""`, or `|` and `>` in YAML.
    Block,
}

/// One token: its text with escapes and indentation resolved, and where each piece of it stands.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The text.
    pub text: String,
    /// How it was written.
    pub style: Style,
    /// Where it stands, quotes included.
    pub span: Span,
    /// Which source bytes the text came from.
    pub map: OffsetMap,
}

impl Scalar {
    /// A scalar whose text is exactly the source bytes of `span`.
    pub fn verbatim(text: impl Into<String>, style: Style, span: Span) -> Scalar {
        let text = text.into();
        let mut map = OffsetMap::default();
        map.push(0, span.start, span.len());
        Scalar {
            text,
            style,
            span,
            map,
        }
    }

    /// The bytes of the file that the bytes `range` of [`Scalar::text`] came from. Where a character was written as
    /// an escape, the whole escape. A range outside the text is cut to it; where the exact bytes are not known,
    /// the whole scalar.
    pub fn source_span(&self, range: Range<usize>) -> Span {
        self.map
            .source_span(self.text.len(), range)
            .unwrap_or(self.span)
    }
}

/// Pairs places in a scalar's text with places in the file.
///
/// The text is cut into pieces; each was copied from source bytes as it is (equal lengths), or made from them as a
/// whole (an escape, a line end with indentation).
#[derive(Clone, Debug, Default)]
pub struct OffsetMap {
    pieces: Pieces,
}

/// Most scalars have one piece, which needs no memory of its own.
#[derive(Clone, Debug, Default)]
enum Pieces {
    #[default]
    None,
    One(Piece),
    Many(Vec<Piece>),
}

impl Pieces {
    fn as_slice(&self) -> &[Piece] {
        match self {
            Pieces::None => &[],
            Pieces::One(piece) => std::slice::from_ref(piece),
            Pieces::Many(pieces) => pieces,
        }
    }

    fn push(&mut self, piece: Piece) {
        match self {
            Pieces::None => *self = Pieces::One(piece),
            Pieces::One(first) => *self = Pieces::Many(vec![*first, piece]),
            Pieces::Many(pieces) => pieces.push(piece),
        }
    }

    fn last_mut(&mut self) -> Option<&mut Piece> {
        match self {
            Pieces::None => None,
            Pieces::One(piece) => Some(piece),
            Pieces::Many(pieces) => pieces.last_mut(),
        }
    }
}

/// Offsets fit in 32 bits because files are capped far below 4 GiB; a scalar of nothing but escapes has many pieces.
#[derive(Clone, Copy, Debug)]
struct Piece {
    text: u32,
    source: u32,
    source_len: u32,
}

impl OffsetMap {
    /// Adds a piece: the text from `text` on (up to the next piece, or the end) came from `source_len` bytes at
    /// `source`. Pieces are added in the order of the text. A map with a piece that does not fit 32 bits is emptied,
    /// and then gives the whole scalar for every range.
    pub fn push(&mut self, text: usize, source: usize, source_len: usize) {
        let numbers = (
            u32::try_from(text),
            u32::try_from(source),
            u32::try_from(source_len),
        );
        if let (Ok(text), Ok(source), Ok(source_len)) = numbers {
            let piece = Piece {
                text,
                source,
                source_len,
            };
            match self.pieces.last_mut() {
                // The piece before turned out to hold no text.
                Some(last) if last.text == text => *last = piece,
                _ => self.pieces.push(piece),
            }
        } else {
            self.pieces = Pieces::None;
        }
    }

    fn source_span(&self, text_len: usize, range: Range<usize>) -> Option<Span> {
        let start = range.start.min(text_len);
        let end = range.end.clamp(start, text_len);
        let first = self.piece_at(start, text_len)?;
        if start == end {
            return Some(Span::at(first.source_start(start)));
        }
        let last = self.piece_at(end - 1, text_len)?;
        Some(Span::new(first.source_start(start), last.source_end(end)))
    }

    fn piece_at(&self, offset: usize, text_len: usize) -> Option<Located> {
        let pieces = self.pieces.as_slice();
        let after = pieces.partition_point(|piece| piece.text as usize <= offset);
        let piece = pieces.get(after.checked_sub(1)?)?;
        let end = pieces
            .get(after)
            .map_or(text_len, |next| next.text as usize);
        let text = piece.text as usize..end;
        let source = piece.source as usize..piece.source as usize + piece.source_len as usize;
        Some(Located { text, source })
    }
}

/// A piece with both its ranges.
struct Located {
    text: Range<usize>,
    source: Range<usize>,
}

impl Located {
    fn is_copy(&self) -> bool {
        self.text.len() == self.source.len()
    }

    fn source_start(&self, offset: usize) -> usize {
        if self.is_copy() {
            self.source.start + offset.saturating_sub(self.text.start)
        } else if offset >= self.text.end {
            self.source.end
        } else {
            self.source.start
        }
    }

    fn source_end(&self, offset: usize) -> usize {
        if self.is_copy() {
            self.source.start + offset.saturating_sub(self.text.start)
        } else {
            self.source.end
        }
    }
}

impl Node {
    /// A scalar as a node.
    pub fn scalar(scalar: Scalar) -> Node {
        Node {
            span: scalar.span,
            kind: Kind::Scalar(scalar),
        }
    }

    /// The scalar, if it is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a map.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of a map under `key`. Looks through the entries one by one: for maps that people write.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.as_map()?.iter().find(|entry| entry.key.text == key)
    }

    /// Whether it is a value that could not be read and was reported.
    pub fn is_unreadable(&self) -> bool {
        matches!(self.kind, Kind::Unreadable)
    }

    /// What it is, in the words of a message: `a text`, `a list`, `a block`.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(scalar) if scalar.style == Style::Plain && scalar.text.is_empty() => {
                "nothing"
            }
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a block",
            Kind::Unreadable => "something unreadable",
        }
    }

    /// Whether both say the same: equal texts, lists and maps, whatever the places, the quoting and the order of keys.
    pub fn same_as(&self, other: &Node) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Scalar(a), Kind::Scalar(b)) => a.text == b.text,
            (Kind::List(a), Kind::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_as(b))
            }
            (Kind::Map(a), Kind::Map(b)) => {
                let by_key: BTreeMap<&str, &Node> =
                    b.iter().map(|e| (e.key.text.as_str(), &e.value)).collect();
                a.len() == b.len()
                    && a.iter().all(|entry| {
                        by_key
                            .get(entry.key.text.as_str())
                            .is_some_and(|value| entry.value.same_as(value))
                    })
            }
            (Kind::Unreadable, Kind::Unreadable) => true,
            _ => false,
        }
    }
}

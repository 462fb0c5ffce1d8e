//! What fits on a line.

/// How long a line may be.
pub(super) const WIDTH: usize = 120;

/// How much of a long text counts: such a text stays long on a line of its own too, so it is no reason to take a line
/// apart.
const COUNTED: usize = 40;

/// A piece of a line: its text, and how many columns of it count.
#[derive(Clone, Debug, Default)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) counted: usize,
}

impl Piece {
    /// A piece of which every column counts.
    pub(super) fn plain(text: impl Into<String>) -> Piece {
        let text = text.into();
        let counted = text.chars().count();
        Piece { text, counted }
    }

    /// The spelling of one value.
    pub(super) fn token(text: impl Into<String>) -> Piece {
        let mut piece = Piece::plain(text);
        piece.counted = piece.counted.min(COUNTED);
        piece
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.counted += text.chars().count();
    }

    pub(super) fn join(&mut self, other: &Piece) {
        self.text.push_str(&other.text);
        self.counted += other.counted;
    }

    /// Whether it fits behind `indent` blanks.
    pub(super) fn fits(&self, indent: usize) -> bool {
        indent + self.counted <= WIDTH
    }
}

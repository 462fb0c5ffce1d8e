//! Text that may contain secrets without holding them.

use serde::{Deserialize, Serialize};

/// A rendered text: literal pieces and references to secrets. It can be journaled, shown and hashed, because the
/// secrets in it are names; the runtime puts their values in when the text is used, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Text {
    /// The pieces in order.
    pub pieces: Vec<Piece>,
}

/// A piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// As it stands.
    Literal(String),
    /// The secret of this name.
    Secret(String),
}

impl Text {
    /// A text without secrets.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Text {
        Text {
            pieces: vec![Piece::Literal(text.into())],
        }
    }

    /// The text as it may be shown: each secret as `[secret NAME]`.
    #[must_use]
    pub fn shown(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.clone(),
                Piece::Secret(name) => format!("[secret {name}]"),
            })
            .collect()
    }

    /// The text with its secrets put in, or the name of the first secret that `reveal` does not know.
    ///
    /// # Errors
    /// The name of the secret that is not known.
    pub fn reveal(&self, mut reveal: impl FnMut(&str) -> Option<String>) -> Result<String, &str> {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => Ok(text.clone()),
                Piece::Secret(name) => reveal(name).ok_or(name.as_str()),
            })
            .collect()
    }

    /// The names of the secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Secret(name) => Some(name.as_str()),
        })
    }
}

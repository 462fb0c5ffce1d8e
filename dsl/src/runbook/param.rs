//! Parameters.

use super::Spanned;
use crate::node::Scalar;

/// The type of a parameter, or of an answer that people give.
pub use piton_core::plan::AnswerType as ParamType;

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Spanned<String>,
    /// Its type; `None` when what was written is none.
    pub kind: Option<ParamType>,
    /// Its default as it was written.
    pub default: Option<Scalar>,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it is for.
    pub help: Option<String>,
    /// The only values it may have, as they were written.
    pub choices: Option<Vec<Scalar>>,
}

impl Param {
    /// Whether the choices, if there are any, have this value.
    #[must_use]
    pub fn accepts(&self, text: &str) -> bool {
        let (Some(kind), Some(choices)) = (self.kind, &self.choices) else {
            return true;
        };
        let value = kind.read(text);
        choices.is_empty()
            || choices
                .iter()
                .any(|choice| kind.read(&choice.text) == value)
    }
}

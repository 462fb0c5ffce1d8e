//! Piton's own language.
use super::Parsed;
/// Reads a text in Piton's own language.
pub fn parse(_text: &str) -> Parsed {
    Parsed {
        root: None,
        diagnostics: Vec::new(),
    }
}

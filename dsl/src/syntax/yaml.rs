//! YAML.
use super::Parsed;
/// Reads a text in YAML.
pub fn parse(_text: &str) -> Parsed {
    Parsed {
        root: None,
        diagnostics: Vec::new(),
    }
}

//! Keys of a parameter.

use super::key::{Block, Key, Takes};

/// A parameter.
pub static PARAM: Block = Block {
    keyword: "param",
    doc: "What is given when a run starts.",
    keys: &[&PARAM_TYPE, &PARAM_DEFAULT, &OPTIONAL, &HELP, &CHOICES],
};

/// The types a parameter may have.
pub const PARAM_TYPES: &[&str] = &["string", "int", "float", "bool", "duration", "timestamp"];

/// Its type.
pub static PARAM_TYPE: Key = Key {
    name: "type",
    takes: Takes::OneOf(PARAM_TYPES),
    required: false,
    default: Some("string"),
    doc: "What kind of value it is.",
    example: "type = int",
    yaml: "type: int",
};

/// Its default.
pub static PARAM_DEFAULT: Key = Key {
    name: "default",
    takes: Takes::Value,
    required: false,
    default: None,
    doc: "Its value when none is given. Without a default, and unless it is `optional`, one has to be given.",
    example: "default = \"LATEST\"",
    yaml: "default: LATEST",
};

/// Whether it may be left out.
pub static OPTIONAL: Key = Key {
    name: "optional",
    takes: Takes::Bool,
    required: false,
    default: Some("false"),
    doc: "Whether it may be left out; it is null then.",
    example: "optional = true",
    yaml: "optional: true",
};

/// What it is for.
pub static HELP: Key = Key {
    name: "help",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "What it is for, in a line.",
    example: "help = \"Base backup to restore\"",
    yaml: "help: Base backup to restore",
};

/// What it may be.
pub static CHOICES: Key = Key {
    name: "choices",
    takes: Takes::List(&Takes::Value),
    required: false,
    default: None,
    doc: "The only values it may have.",
    example: "choices = [\"eu\", \"us\"]",
    yaml: "choices: [eu, us]",
};

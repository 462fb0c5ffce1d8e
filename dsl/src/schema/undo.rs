//! Keys of an `undo` block.

use super::key::{Block, Key, Takes};
use super::{EXEC, RUN, SHELL, SQL_ACTION};

/// The action that takes a step back.
pub static UNDO: Block = Block {
    keyword: "undo",
    doc: "The action that takes the step back: one of `run`, `exec`, `sql`.",
    keys: &[&RUN, &SHELL, &EXEC, &SQL_ACTION, &UNDO_ENV, &UNDO_TIMEOUT],
};

/// Variables of its own.
pub static UNDO_ENV: Key = Key {
    name: "env",
    takes: Takes::MapOf(&Takes::Template),
    required: false,
    default: None,
    doc: "Environment variables of the undo, beside the step's.",
    example: "env { REPLICAS = \"3\" }",
    yaml: "env: {REPLICAS: \"3\"}",
};

/// Its time limit.
pub static UNDO_TIMEOUT: Key = Key {
    name: "timeout",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "How long each try of the undo may take; else the step's.",
    example: "timeout = 2m",
    yaml: "timeout: 2m",
};

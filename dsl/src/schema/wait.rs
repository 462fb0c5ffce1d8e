//! Keys of a `wait` block.

use super::key::{Block, Key, Takes};

/// Lets time pass: one of `for`, `until`.
pub static WAIT: Block = Block {
    keyword: "wait",
    doc: "Lets time pass: one of `for`, `until`.",
    keys: &[&WAIT_FOR, &WAIT_UNTIL],
};

/// For so long, from when it starts.
pub static WAIT_FOR: Key = Key {
    name: "for",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "For so long, from when it starts.",
    example: "for = 10m",
    yaml: "for: 10m",
};

/// Until this time; if it has passed, there is no wait.
pub static WAIT_UNTIL: Key = Key {
    name: "until",
    takes: Takes::Expression,
    required: false,
    default: None,
    doc: "Until this time; if it has passed, there is no wait.",
    example: "until = \"params.switch_at\"",
    yaml: "until: params.switch_at",
};

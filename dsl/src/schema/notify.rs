//! Keys of a `notify` block.

use super::key::{Block, Key, Takes};

/// Tells contacts something, and waits for nobody.
pub static NOTIFY: Block = Block {
    keyword: "notify",
    doc: "Tells contacts something, and waits for nobody.",
    keys: &[&NOTIFY_TO, &MESSAGE],
};

/// The contacts that are told, in each of the ways in which they are reached.
pub static NOTIFY_TO: Key = Key {
    name: "to",
    takes: Takes::OneOrList(&Takes::Text),
    required: true,
    default: None,
    doc: "The contacts that are told, in each of the ways in which they are reached.",
    example: "to = [\"infra-lead\"]",
    yaml: "to: [infra-lead]",
};

/// What they are told.
pub static MESSAGE: Key = Key {
    name: "message",
    takes: Takes::Template,
    required: true,
    default: None,
    doc: "What they are told.",
    example: "message = \"the restore of ${{ run.id }} begins\"",
    yaml: "message: the restore of ${{ run.id }} begins",
};

//! Keys of a `retry` block.

use super::key::{Block, Key, Takes};

/// What happens after a failed try.
pub static RETRY: Block = Block {
    keyword: "retry",
    doc: "Further tries after one that failed.",
    keys: &[&TIMES, &BACKOFF],
};

/// How many more.
pub static TIMES: Key = Key {
    name: "times",
    takes: Takes::Count(0),
    required: true,
    default: None,
    doc: "How many more tries there may be.",
    example: "times = 3",
    yaml: "times: 3",
};

/// The wait between.
pub static BACKOFF: Key = Key {
    name: "backoff",
    takes: Takes::Backoff,
    required: false,
    default: Some("1s..30s"),
    doc: "The wait before a further try; a range doubles it each time, up to its end.",
    example: "backoff = 2s..30s",
    yaml: "backoff: 2s..30s",
};

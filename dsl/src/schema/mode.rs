//! Keys of a mode.

use super::key::{Block, Key, Takes};

/// A way to run a part of the runbook, such as a drill: `piton run FILE --mode NAME`.
pub static MODE: Block = Block {
    keyword: "mode",
    doc: "A way to run a part of the runbook, such as a drill: `piton run FILE --mode NAME`.",
    keys: &[&ONLY, &SET, &MODE_RTO],
};

/// The steps and gates that this mode keeps; without it, all.
pub static ONLY: Key = Key {
    name: "only",
    takes: Takes::OneOrList(&Takes::NodeName),
    required: false,
    default: None,
    doc: "The steps and gates that this mode keeps; without it, all.",
    example: "only = [\"fetch\", \"verified\"]",
    yaml: "only: [fetch, verified]",
};

/// Values that parameters have in this mode; they cannot be given besides.
pub static SET: Key = Key {
    name: "set",
    takes: Takes::MapOf(&Takes::Value),
    required: false,
    default: None,
    doc: "Values that parameters have in this mode; they cannot be given besides.",
    example: "set { data_dir = \"./drill\" }",
    yaml: "set: {data_dir: ./drill}",
};

/// Where the clock of `targets` starts and stops in this mode.
pub static MODE_RTO: Key = Key {
    name: "rto",
    takes: Takes::Block(&MODE_RTO_BLOCK),
    required: false,
    default: None,
    doc: "Where the clock of `targets` starts and stops in this mode.",
    example: "rto { from = \"fetch\", to = \"verified\" }",
    yaml: "rto: {from: fetch, to: verified}",
};

/// Where the clock starts and stops in a mode.
pub static MODE_RTO_BLOCK: Block = Block {
    keyword: "rto",
    doc: "Where the clock starts and stops in a mode.",
    keys: &[&MODE_RTO_FROM, &MODE_RTO_TO],
};

/// Where the clock starts; without it, where the runbook says.
pub static MODE_RTO_FROM: Key = Key {
    name: "from",
    takes: Takes::NodeName,
    required: false,
    default: None,
    doc: "Where the clock starts; without it, where the runbook says.",
    example: "from = \"fetch\"",
    yaml: "from: fetch",
};

/// Where the clock stops; without it, where the runbook says.
pub static MODE_RTO_TO: Key = Key {
    name: "to",
    takes: Takes::NodeName,
    required: false,
    default: None,
    doc: "Where the clock stops; without it, where the runbook says.",
    example: "to = \"verified\"",
    yaml: "to: verified",
};

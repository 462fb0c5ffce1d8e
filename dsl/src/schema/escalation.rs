//! Keys of an escalation policy.

use super::key::{Block, Key, Takes};

/// Who is paged while a question is open, and who then.
pub static ESCALATION: Block = Block {
    keyword: "escalation",
    doc: "Who is paged while a question is open, and who then.",
    keys: &[&LEVELS, &DECIDE_WITHIN],
};

/// Who is paged: the first of these, and the next each time when nobody has acknowledged in time.
pub static LEVELS: Key = Key {
    name: "levels",
    takes: Takes::Blocks(&[&LEVEL]),
    required: true,
    default: None,
    doc: "Who is paged: the first of these, and the next each time when nobody has acknowledged in time.",
    example: "level { page = [\"infra-lead\"], ack_within = 15m }   # under `levels`",
    yaml: "levels: [{page: [infra-lead], ack_within: 15m}, {page: [cto]}]",
};

/// How long paging pauses after somebody acknowledged, and how long a question is kept for who took it.
pub static DECIDE_WITHIN: Key = Key {
    name: "decide_within",
    takes: Takes::Duration,
    required: false,
    default: Some("15m"),
    doc: "How long paging pauses after somebody acknowledged, and how long a question is kept for who took it.",
    example: "decide_within = 30m",
    yaml: "decide_within: 30m",
};

/// Who is paged together, and how long they have.
pub static LEVEL: Block = Block {
    keyword: "level",
    doc: "Who is paged together, and how long they have.",
    keys: &[&LEVEL_PAGE, &ACK_WITHIN],
};

/// The contacts that are paged together.
pub static LEVEL_PAGE: Key = Key {
    name: "page",
    takes: Takes::OneOrList(&Takes::Text),
    required: true,
    default: None,
    doc: "The contacts that are paged together.",
    example: "page = [\"infra-lead\"]",
    yaml: "page: [infra-lead]",
};

/// How long they have to acknowledge before the next level is paged (15m if nothing is said); of the last level,
/// before it is paged again (never if nothing is said).
pub static ACK_WITHIN: Key = Key {
    name: "ack_within",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "How long they have to acknowledge before the next level is paged (15m if nothing is said); of the last level, before it is paged again (never if nothing is said).",
    example: "ack_within = 15m",
    yaml: "ack_within: 15m",
};

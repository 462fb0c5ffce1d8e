//! Responses to failure.

use super::key::{Block, Key, Takes};

/// The words of `on_fail`.
pub const RESPONSES: &[&str] = &["stop", "continue", "rollback"];

/// All forms of an entry of `on_fail`.
pub const RESPONSE_FORMS: &[Takes] = &[
    Takes::OneOf(RESPONSES),
    Takes::Call("rewind", &Takes::NodeName),
    Takes::Call("escalate", &Takes::Text),
];

/// Goes back: undoes a step or gate and all that depends on it, and does them again.
pub static REWIND: Block = Block {
    keyword: "rewind",
    doc: "Goes back: undoes a step or gate and all that depends on it, and does them again.",
    keys: &[&REWIND_TO, &REWIND_TIMES],
};

/// The step or gate to go back to: the one itself, or one that comes before it.
pub static REWIND_TO: Key = Key {
    name: "rewind",
    takes: Takes::NodeName,
    required: true,
    default: None,
    doc: "The step or gate to go back to: the one itself, or one that comes before it.",
    example: "on_fail = [rewind(\"fetch\")]",
    yaml: "on_fail: [{rewind: fetch}]",
};

/// How often it may be taken in a run; then the next response is.
pub static REWIND_TIMES: Key = Key {
    name: "times",
    takes: Takes::Count(1),
    required: false,
    default: Some("1"),
    doc: "How often it may be taken in a run; then the next response is.",
    example: "on_fail = [rewind(\"fetch\", times = 2)]",
    yaml: "on_fail: [{rewind: fetch, times: 2}]",
};

/// Asks people to decide, and pages them until somebody does.
pub static ESCALATE: Block = Block {
    keyword: "escalate",
    doc: "Asks people to decide, and pages them until somebody does.",
    keys: &[&ESCALATE_POLICY, &ESCALATE_EXPIRES],
};

/// The escalation policy that is paged until somebody decides.
pub static ESCALATE_POLICY: Key = Key {
    name: "escalate",
    takes: Takes::Text,
    required: true,
    default: None,
    doc: "The escalation policy that is paged until somebody decides.",
    example: "on_fail = [escalate(\"infra\")]",
    yaml: "on_fail: [{escalate: infra}]",
};

/// How long people have; then the next response is taken. Without it, as long as the whole policy takes if another
/// response follows, else for ever.
pub static ESCALATE_EXPIRES: Key = Key {
    name: "expires",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "How long people have; then the next response is taken. Without it, as long as the whole policy takes if another response follows, else for ever.",
    example: "on_fail = [escalate(\"infra\", expires = 1h)]",
    yaml: "on_fail: [{escalate: infra, expires: 1h}]",
};

//! Keys of an `approve` block.

use super::key::{Block, Key, Takes};

/// Waiting for people to approve.
pub static APPROVE: Block = Block {
    keyword: "approve",
    doc: "Waits until people approve.",
    keys: &[&BY, &COUNT, &NOT_STARTER, &EXPIRES, &APPROVE_PAGE],
};

/// Who may approve.
pub static BY: Key = Key {
    name: "by",
    takes: Takes::OneOrList(&Takes::Text),
    required: false,
    default: Some("[]"),
    doc: "Contacts or roles that may approve or reject; without it, anybody may.",
    example: "by = [\"cto\", \"on-call-lead\"]",
    yaml: "by: [cto, on-call-lead]",
};

/// How many.
pub static COUNT: Key = Key {
    name: "count",
    takes: Takes::Count(1),
    required: false,
    default: Some("1"),
    doc: "How many different people have to approve; one who rejects is enough to fail it.",
    example: "count = 2",
    yaml: "count: 2",
};

/// Four eyes.
pub static NOT_STARTER: Key = Key {
    name: "not_starter",
    takes: Takes::Bool,
    required: false,
    default: Some("false"),
    doc: "Whether the one who started the run may not approve.",
    example: "not_starter = true",
    yaml: "not_starter: true",
};

/// How long an answer counts.
pub static EXPIRES: Key = Key {
    name: "expires",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "How long an answer is waited for; then the gate has failed.",
    example: "expires = 30m",
    yaml: "expires: 30m",
};

/// The escalation policy that is paged while nobody answers; without it, the runbook's.
pub static APPROVE_PAGE: Key = Key {
    name: "page",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "The escalation policy that is paged while nobody answers; without it, the runbook's.",
    example: "page = \"infra\"",
    yaml: "page: infra",
};

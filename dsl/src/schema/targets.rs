//! Keys of `targets`.

use super::key::{Block, Key, Takes};

/// What the procedure has to achieve. It is checked and kept; nothing measures it yet.
pub static TARGETS: Block = Block {
    keyword: "targets",
    doc: "What the procedure has to achieve. It is checked and kept; nothing measures it yet.",
    keys: &[&RTO, &RPO],
};

/// How long the procedure may take.
pub static RTO: Key = Key {
    name: "rto",
    takes: Takes::Block(&RTO_BLOCK),
    required: false,
    default: None,
    doc: "How long the procedure may take.",
    example: "rto { within = 1h, from = \"go\", to = \"smoke-test\", at_risk = 80%, page = \"infra\" }",
    yaml: "rto: {within: 1h, from: go, to: smoke-test, at_risk: 80%, page: infra}",
};

/// How much may be lost.
pub static RPO: Key = Key {
    name: "rpo",
    takes: Takes::Block(&RPO_BLOCK),
    required: false,
    default: None,
    doc: "How much may be lost.",
    example: "rpo { within = 5m, achieved = \"params.failed_at - steps.replay.outputs.last_commit\" }",
    yaml: "rpo: {within: 5m, achieved: params.failed_at - steps.replay.outputs.last_commit}",
};

/// How long the procedure may take.
pub static RTO_BLOCK: Block = Block {
    keyword: "rto",
    doc: "How long the procedure may take.",
    keys: &[&RTO_WITHIN, &RTO_FROM, &RTO_TO, &AT_RISK, &RTO_PAGE],
};

/// How long it may take.
pub static RTO_WITHIN: Key = Key {
    name: "within",
    takes: Takes::Duration,
    required: true,
    default: None,
    doc: "How long it may take.",
    example: "within = 1h",
    yaml: "within: 1h",
};

/// The step or gate with which the clock starts; without it, with the run.
pub static RTO_FROM: Key = Key {
    name: "from",
    takes: Takes::NodeName,
    required: false,
    default: None,
    doc: "The step or gate with which the clock starts; without it, with the run.",
    example: "from = \"go\"",
    yaml: "from: go",
};

/// The step or gate with which the clock stops; without it, with the run.
pub static RTO_TO: Key = Key {
    name: "to",
    takes: Takes::NodeName,
    required: false,
    default: None,
    doc: "The step or gate with which the clock stops; without it, with the run.",
    example: "to = \"smoke-test\"",
    yaml: "to: smoke-test",
};

/// The part of the time after which people are to be paged.
pub static AT_RISK: Key = Key {
    name: "at_risk",
    takes: Takes::Percent,
    required: false,
    default: None,
    doc: "The part of the time after which people are to be paged.",
    example: "at_risk = 80%",
    yaml: "at_risk: 80%",
};

/// The escalation policy that is to be paged then.
pub static RTO_PAGE: Key = Key {
    name: "page",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "The escalation policy that is to be paged then.",
    example: "page = \"infra\"",
    yaml: "page: infra",
};

/// How much may be lost.
pub static RPO_BLOCK: Block = Block {
    keyword: "rpo",
    doc: "How much may be lost.",
    keys: &[&RPO_WITHIN, &ACHIEVED],
};

/// How far back what is lost may reach, as a length of time.
pub static RPO_WITHIN: Key = Key {
    name: "within",
    takes: Takes::Duration,
    required: true,
    default: None,
    doc: "How far back what is lost may reach, as a length of time.",
    example: "within = 5m",
    yaml: "within: 5m",
};

/// What was lost in this run, as a length of time.
pub static ACHIEVED: Key = Key {
    name: "achieved",
    takes: Takes::Expression,
    required: false,
    default: None,
    doc: "What was lost in this run, as a length of time.",
    example: "achieved = \"params.failed_at - steps.replay.outputs.last_commit\"",
    yaml: "achieved: params.failed_at - steps.replay.outputs.last_commit",
};

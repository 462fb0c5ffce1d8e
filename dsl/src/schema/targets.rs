//! Keys of `targets`.

use super::key::{Block, Key, Takes};

/// What the procedure has to achieve.
pub static TARGETS: Block = Block {
    keyword: "targets",
    doc: "What the procedure has to achieve. It is measured in every run, written down, and shown by `piton show`. Those of a runbook that is called do not count.",
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

/// The step or gate that starts the clock when it is done for the first time; without it, the run does.
pub static RTO_FROM: Key = Key {
    name: "from",
    takes: Takes::NodeName,
    required: false,
    default: None,
    doc: "The step or gate that starts the clock when it is done for the first time; without it, the run does. The clock starts once and never pauses.",
    example: "from = \"go\"",
    yaml: "from: go",
};

/// The step or gate that stops the clock when it has succeeded; without it, the end of the work does, before what is
/// `finally`.
pub static RTO_TO: Key = Key {
    name: "to",
    takes: Takes::NodeName,
    required: false,
    default: None,
    doc: "The step or gate that stops the clock when it has succeeded; without it, the end of the work does, before what is `finally`. When a rewind takes it back the clock runs on.",
    example: "to = \"smoke-test\"",
    yaml: "to: smoke-test",
};

/// The part of the time after which people are paged while the clock runs; the work goes on.
pub static AT_RISK: Key = Key {
    name: "at_risk",
    takes: Takes::Percent,
    required: false,
    default: None,
    doc: "The part of the time after which people are paged while the clock runs; the work goes on. They are paged again when all of it has passed.",
    example: "at_risk = 80%",
    yaml: "at_risk: 80%",
};

/// The escalation policy that is paged, level by level, until somebody acknowledges with `piton ack` or the clock
/// stops; without it, the `page` of the runbook if there is `at_risk`.
pub static RTO_PAGE: Key = Key {
    name: "page",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "The escalation policy that is paged, level by level, until somebody acknowledges with `piton ack` or the clock stops; without it, the `page` of the runbook if there is `at_risk`. Without `at_risk` it is paged when all of the time has passed.",
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
    doc: "What was lost in this run, as a length of time. It is worked out when the clock of `rto` stops, or else at the end of the work; not in a mode that leaves out a step which it uses.",
    example: "achieved = \"params.failed_at - steps.replay.outputs.last_commit\"",
    yaml: "achieved: params.failed_at - steps.replay.outputs.last_commit",
};

//! Keys that guard a step: what was there, what is about to be changed, who is asked.

use super::key::{Block, Key, Takes};
use super::{EXEC, HTTP_ACTION, RUN, SHELL, SQL_ACTION};

/// Looks at what is there before the step changes it; `undo` uses what it found as `capture.value`,
/// `capture.stdout` and so on.
pub static CAPTURE: Key = Key {
    name: "capture",
    takes: Takes::Block(&CAPTURE_BLOCK),
    required: false,
    default: None,
    doc: "Looks at what is there before the step changes it; `undo` uses what it found as `capture.value`, `capture.stdout` and so on.",
    example: "capture { exec = [\"cat\", \"replicas\"] }",
    yaml: "capture: {exec: [cat, replicas]}",
};

/// Recognises what is about to be changed: people are shown its fingerprint, and it is read again right before the
/// step starts.
pub static TARGET: Key = Key {
    name: "target",
    takes: Takes::Block(&TARGET_BLOCK),
    required: false,
    default: None,
    doc: "Recognises what is about to be changed: people are shown its fingerprint, and it is read again right before the step starts.",
    example: "target { probe { exec = [\"hostname\"] }, expect = \"value == 'db-2'\" }",
    yaml: "target: {probe: {exec: [hostname]}, expect: value == 'db-2'}",
};

/// What somebody has to type before it starts; `--yes` does not type it.
pub static CONFIRM: Key = Key {
    name: "confirm",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "What somebody has to type before it starts; `--yes` does not type it.",
    example: "confirm = \"drop ${{ params.database }}\"",
    yaml: "confirm: drop ${{ params.database }}",
};

/// The escalation policy that is paged while a confirmation, or a decision about it, is waited for; without it, the
/// runbook's.
pub static NODE_PAGE: Key = Key {
    name: "page",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "The escalation policy that is paged while a confirmation, or a decision about it, is waited for; without it, the runbook's.",
    example: "page = \"infra\"",
    yaml: "page: infra",
};

/// Says that no decision can skip it.
pub static SKIP: Key = Key {
    name: "skip",
    takes: Takes::OneOf(&["never"]),
    required: false,
    default: None,
    doc: "Says that no decision can skip it.",
    example: "skip = never",
    yaml: "skip: never",
};

/// Whether it runs when the run ends, however it ends; nothing else may need it, and it waits for nobody.
pub static FINALLY: Key = Key {
    name: "finally",
    takes: Takes::Bool,
    required: false,
    default: Some("false"),
    doc: "Whether it runs when the run ends, however it ends; nothing else may need it, and it waits for nobody.",
    example: "finally = true",
    yaml: "finally: true",
};

/// Looks at what is there, changing nothing: one of `run`, `exec`, `sql`, `http`.
pub static CAPTURE_BLOCK: Block = Block {
    keyword: "capture",
    doc: "Looks at what is there, changing nothing: one of `run`, `exec`, `sql`, `http`.",
    keys: &[&RUN, &SHELL, &EXEC, &SQL_ACTION, &HTTP_ACTION],
};

/// What is about to be changed, recognised by a fingerprint.
pub static TARGET_BLOCK: Block = Block {
    keyword: "target",
    doc: "What is about to be changed, recognised by a fingerprint.",
    keys: &[&TARGET_PROBE, &TARGET_EXPECT],
};

/// Reads the fingerprint, changing nothing; its `value` is the fingerprint.
pub static TARGET_PROBE: Key = Key {
    name: "probe",
    takes: Takes::Block(&TARGET_PROBE_BLOCK),
    required: true,
    default: None,
    doc: "Reads the fingerprint, changing nothing; its `value` is the fingerprint.",
    example: "probe { exec = [\"hostname\"] }",
    yaml: "probe: {exec: [hostname]}",
};

/// True of the right fingerprint, which is `value`; the step fails before it changes anything else.
pub static TARGET_EXPECT: Key = Key {
    name: "expect",
    takes: Takes::Expression,
    required: false,
    default: None,
    doc: "True of the right fingerprint, which is `value`; the step fails before it changes anything else.",
    example: "expect = \"value == 'db-2'\"",
    yaml: "expect: value == 'db-2'",
};

/// Reads a fingerprint, changing nothing: one of `run`, `exec`, `sql`, `http`.
pub static TARGET_PROBE_BLOCK: Block = Block {
    keyword: "probe",
    doc: "Reads a fingerprint, changing nothing: one of `run`, `exec`, `sql`, `http`.",
    keys: &[&RUN, &SHELL, &EXEC, &SQL_ACTION, &HTTP_ACTION],
};

//! Keys of an `undo` block.

use super::key::{Block, Key, Takes};
use super::{EXEC, HTTP_ACTION, RETRY, RUN, SHELL, SQL_ACTION};

/// The action that takes a step back.
pub static UNDO: Block = Block {
    keyword: "undo",
    doc: "The action that takes the step back: one of `run`, `exec`, `sql`, `http`.",
    keys: &[
        &RUN,
        &SHELL,
        &EXEC,
        &SQL_ACTION,
        &HTTP_ACTION,
        &UNDO_ENV,
        &UNDO_TIMEOUT,
        &UNDO_AFTER,
        &UNDO_RETRY,
        &UNDO_CHECK,
    ],
};

/// Variables of its own.
pub static UNDO_ENV: Key = Key {
    name: "env",
    takes: Takes::MapOf(&Takes::Template),
    required: false,
    default: None,
    doc: "Environment variables of the undo, besides those of the step.",
    example: "env { REPLICAS = \"3\" }",
    yaml: "env: {REPLICAS: \"3\"}",
};

/// Its time limit.
pub static UNDO_TIMEOUT: Key = Key {
    name: "timeout",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "How long each try of the undo may take; without it, as long as one of the step.",
    example: "timeout = 2m",
    yaml: "timeout: 2m",
};

/// When it runs without anybody being asked: only if the step succeeded, or whenever the step was started.
pub static UNDO_AFTER: Key = Key {
    name: "after",
    takes: Takes::OneOf(&["succeeded", "started"]),
    required: false,
    default: Some("succeeded"),
    doc: "When it runs without anybody being asked: only if the step succeeded, or whenever the step was started.",
    example: "after = started",
    yaml: "after: started",
};

/// Further tries after an undo that failed.
pub static UNDO_RETRY: Key = Key {
    name: "retry",
    takes: Takes::Block(&RETRY),
    required: false,
    default: None,
    doc: "Further tries after an undo that failed.",
    example: "retry { times = 2 }",
    yaml: "retry: {times: 2}",
};

/// Finds out whether an undo with an unknown outcome happened: it succeeds if so and fails if not.
pub static UNDO_CHECK: Key = Key {
    name: "check",
    takes: Takes::Block(&UNDO_CHECK_BLOCK),
    required: false,
    default: None,
    doc: "Finds out whether an undo with an unknown outcome happened: it succeeds if so and fails if not.",
    example: "check { exec = [\"./writes-are-on.sh\"] }",
    yaml: "check: {exec: [./writes-are-on.sh]}",
};

/// Finds out whether an undo happened: one of `run`, `exec`, `sql`, `http`.
pub static UNDO_CHECK_BLOCK: Block = Block {
    keyword: "check",
    doc: "Finds out whether an undo happened: one of `run`, `exec`, `sql`, `http`.",
    keys: &[&RUN, &SHELL, &EXEC, &SQL_ACTION, &HTTP_ACTION],
};

//! Keys of a check.

use super::key::{Block, Key, Takes};
use super::{EXEC, HTTP_ACTION, RUN, SHELL, SQL_ACTION};

/// A check of a `checks` action.
pub static CHECK: Block = Block {
    keyword: "check",
    doc: "A named check: one of `run`, `exec`, `sql`, `http`, and what is expected of it.",
    keys: &[
        &CHECK_NAME,
        &RUN,
        &SHELL,
        &EXEC,
        &SQL_ACTION,
        &HTTP_ACTION,
        &EXPECT,
    ],
};

/// The check's name.
pub static CHECK_NAME: Key = Key {
    name: "check",
    takes: Takes::Text,
    required: true,
    default: None,
    doc: "What is checked, in words.",
    example: "check \"no orphan guests\" { … }",
    yaml: "check: no orphan guests",
};

/// What is expected.
pub static EXPECT: Key = Key {
    name: "expect",
    takes: Takes::Expression,
    required: false,
    default: None,
    doc: "True when the check passes; without it, success of the action is what counts.",
    example: "expect = \"value == 0\"",
    yaml: "expect: value == 0",
};

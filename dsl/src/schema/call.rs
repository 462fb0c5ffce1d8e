//! Keys of a `call` block.

use super::key::{Block, Key, Takes};

/// Does another runbook as a part of this one. Its steps and gates are called `CALL/NAME` in the run; with
/// `for_each`, `CALL/KEY/NAME`.
pub static CALL: Block = Block {
    keyword: "call",
    doc: "Does another runbook as a part of this one. Its steps and gates are called `CALL/NAME` in the run; with `for_each`, `CALL/KEY/NAME`.",
    keys: &[&CALL_RUNBOOK, &WITH],
};

/// The file of the runbook that is called, relative to this file.
pub static CALL_RUNBOOK: Key = Key {
    name: "runbook",
    takes: Takes::Text,
    required: true,
    default: None,
    doc: "The file of the runbook that is called, relative to this file.",
    example: "runbook = \"restore-db.runbook\"",
    yaml: "runbook: restore-db.runbook",
};

/// Values for the parameters of the runbook that is called.
pub static WITH: Key = Key {
    name: "with",
    takes: Takes::MapOf(&Takes::Template),
    required: false,
    default: None,
    doc: "Values for the parameters of the runbook that is called.",
    example: "with { backup = \"${{ params.backup }}\" }",
    yaml: "with: {backup: \"${{ params.backup }}\"}",
};

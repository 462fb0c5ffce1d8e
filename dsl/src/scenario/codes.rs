//! The pages that `piton explain CODE` prints for mistakes in scenario files.

use crate::syntax::{CodePage, code};

/// Every code that a scenario file can give beside those of its syntax, in alphabetical order.
pub const CODES: &[CodePage] = &[
    code(
        "scenario::bad-value",
        "a value that a scenario cannot have there",
        "The report says what the key takes. `piton test` needs whole values: lengths of time such as `90s`, names of\n\
         nodes, and what a node gives as it would give it.",
    ),
    code(
        "scenario::cannot-happen",
        "something is given that cannot happen at its node",
        "A node without `when` is not skipped, one without `lock` does not wait for one, and what people do is not tried\n\
         like a program: their answers stand under `decide`.",
    ),
    code(
        "scenario::missing-key",
        "a scenario lacks something",
        "Each scenario begins with `scenario: NAME`, by which reports tell it apart.",
    ),
    code(
        "scenario::same-name",
        "two scenarios of one file have the same name",
        "Reports tell scenarios apart by their names. Give each its own; the report shows both places.",
    ),
    code(
        "scenario::unknown-key",
        "a key that scenarios do not have",
        "The report lists the keys that may stand there, or the one that was probably meant.",
    ),
    code(
        "scenario::unknown-node",
        "a node that the runbook does not have",
        "Nodes are named as in the runbook; those of a runbook that it calls, `CALL/NODE`. In a mode only the nodes that\n\
         it keeps are there.",
    ),
];

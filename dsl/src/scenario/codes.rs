//! The pages that `piton explain CODE` prints for mistakes in scenario files.

use crate::syntax::CodePage;

/// Every code that reading or playing a scenario can give, in alphabetical order.
pub const CODES: &[CodePage] = &[
    CodePage {
        code: "scenario::bad-value",
        summary: "a value in a scenario that its key does not take",
        page: "`docs/testing.md` says what each key takes. Durations are written as 90s, 10m or 1h30m; how an attempt\n\
               ends is `succeeds`, `fails`, `times out` or `unknown`.",
    },
    CodePage {
        code: "scenario::cannot-happen",
        summary: "something is given that cannot happen at its node",
        page: "A node without `when` is not skipped, one without `lock` waits for none, and what people do is not\n\
               given but decided: write it under `decide`.",
    },
    CodePage {
        code: "scenario::missing-key",
        summary: "a part of a scenario does not say what it has to",
        page: "A scenario has a name (`scenario: …`); a decision says about which `node` it is, and what the `answer` is;\n\
               `rewind` says where `to`.",
    },
    CodePage {
        code: "scenario::same-name",
        summary: "two scenarios of a file have one name",
        page: "Reports tell scenarios apart by their names. Give each one of its own.",
    },
    CodePage {
        code: "scenario::unknown-key",
        summary: "a key that scenarios do not have",
        page: "The key does nothing, and what it was to say is not looked at. `docs/testing.md` lists the keys.",
    },
    CodePage {
        code: "scenario::unknown-node",
        summary: "a scenario names a node that its runbook does not have",
        page: "Nodes are named as `piton plan` names them: those of a called runbook `CALL/NODE`, and in a mode only those\n\
               that the mode keeps.",
    },
];

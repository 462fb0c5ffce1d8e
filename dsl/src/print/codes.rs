//! The pages that `piton explain CODE` prints for what `fmt` and `convert` refuse.

use crate::syntax::CodePage;

/// Every code that writing a runbook anew can give, in alphabetical order.
pub const CODES: &[CodePage] = &[
    CodePage {
        code: "format::comments-move",
        summary: "comments would stand in another order in the other syntax",
        page: "YAML collects blocks of one kind under one key, so comments between blocks of several kinds would change places.\n\
               Put blocks of one kind next to each other, and one comment on a line.",
    },
    CodePage {
        code: "format::no-name",
        summary: "a runbook without one name cannot be written in the other syntax",
        page: "Write `runbook NAME { … }`, or `runbook: NAME` once in YAML, with a single word as the name.",
    },
    CodePage {
        code: "format::no-runbook",
        summary: "a file that holds no runbook",
        page: "A runbook is a map of keys and values that begins with `runbook`. The file is left as it is.",
    },
    CodePage {
        code: "format::not-kept",
        summary: "a layout that would change what the file says",
        page: "What is written is read again before it takes the file's place, and it did not say the same. The file is as it\n\
               was. This is a fault of Piton: please report it with the file.",
    },
    CodePage {
        code: "format::unsayable",
        summary: "something that the other syntax cannot say",
        page: "The report shows where it stands. `piton check` says whether it belongs there at all.",
    },
];

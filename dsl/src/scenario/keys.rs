//! The keys of scenario files: what `read` takes, and what `docs/testing.md` says of each.

/// A key, what it takes, and what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes, as people say it.
    pub takes: &'static str,
    /// What it is for, in a sentence.
    pub doc: &'static str,
}

const fn key(name: &'static str, takes: &'static str, doc: &'static str) -> Key {
    Key { name, takes, doc }
}

/// A block of keys.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// What messages and the documentation call it.
    pub name: &'static str,
    /// Its keys, in the order of the documentation.
    pub keys: &'static [Key],
}

/// Of a scenario.
pub const SCENARIO: Block = Block {
    name: "a scenario",
    keys: &[
        key(
            "scenario",
            "a text",
            "What it is called. Unique in its file.",
        ),
        key(
            "mode",
            "a mode",
            "The mode that the runbook runs in; without it, the whole runbook.",
        ),
        key(
            "params",
            "values by name",
            "Parameters, as `--set` would give them.",
        ),
        key(
            "lock",
            "`never`",
            "Somebody else has the run's lock, and keeps it.",
        ),
        key(
            "given",
            "what happens, by node",
            "What does not go as usual, and what outputs there are. Without a word about it an attempt succeeds after a second, and its conditions are met.",
        ),
        key(
            "decide",
            "a list of answers",
            "What people answer. Each entry is for the next question about its node; without one, planned questions are answered after a minute by somebody who may, and nobody says anything about failures.",
        ),
        key(
            "expect",
            "what comes of it",
            "What the run has to come to. What is not said is not looked at.",
        ),
    ],
};

/// Of what happens at a node.
pub const GIVEN: Block = Block {
    name: "what happens at a node",
    keys: &[
        key(
            "ends",
            "`succeeds`, `fails`, `times out` or `unknown`",
            "How each attempt ends. The word can stand alone: `fetch: fails`.",
        ),
        key(
            "tries",
            "a list of ends",
            "How the attempts end one after another, over all passes and items; the last entry is repeated.",
        ),
        key(
            "passes",
            "a list of lists of ends",
            "The same for each pass; the last pass is repeated.",
        ),
        key(
            "takes",
            "a duration",
            "How long an attempt takes. Longer than its `timeout`: it runs out of time.",
        ),
        key("message", "a text", "Why it did not end well."),
        key(
            "outputs",
            "values by name",
            "Its outputs. Where nothing is given, what depends on them is put aside as `prove` does it. Without quotes, numbers, `true`, `false`, `null` and times such as 2026-01-31T03:00:00Z are read as such.",
        ),
        key(
            "stdout",
            "a text",
            "What it printed. With it, or with one of the next four, `until`, `expect`, `success` and `outputs` are worked out as in a real run.",
        ),
        key(
            "json",
            "any value",
            "What it printed, or answered, as JSON.",
        ),
        key("rows", "a list of maps", "The rows of its SQL."),
        key(
            "status",
            "a number",
            "The status of the answer to its request; its text is `stdout` or `json`.",
        ),
        key("exit_code", "a number", "The exit code of its process."),
        key("undo", "the same again", "What its undo does."),
        key(
            "undo_check",
            "the same again",
            "What the check of its undo finds: success says that the undo happened.",
        ),
        key(
            "probe",
            "the same again",
            "What its probe finds: success says that it happened.",
        ),
        key("capture", "the same again", "What its capture does."),
        key(
            "target",
            "the same again",
            "What the look at its target does.",
        ),
        key(
            "choices",
            "the same again",
            "What the action does that gives the choices of its questions.",
        ),
        key(
            "skipped",
            "`true`",
            "Its `when` is false, where only the run could work it out.",
        ),
        key(
            "lock",
            "`never`",
            "Somebody else has its locks, and keeps them.",
        ),
    ],
};

/// Of a decision.
pub const DECIDE: Block = Block {
    name: "a decision",
    keys: &[
        key("node", "a node", "Which node the question is about."),
        key(
            "answer",
            "a word",
            "`approve`, `reject`, `done`, `failed`, `confirm`, `succeeded`, `did-not-happen`, `retry`, `skip`, `rewind`, `rollback`, `stop`, `undone-by-hand`, `abandon-undo`, or `nothing`: nobody answers.",
        ),
        key("to", "a node", "Where `rewind` goes back to."),
        key(
            "values",
            "values by name",
            "The answers of `done`; the outputs of `succeeded` and `skip`.",
        ),
        key(
            "typed",
            "a text",
            "What is typed for `confirm`; without it, what has to be.",
        ),
        key(
            "by",
            "a name, or several",
            "Who; without it, as many of those who may as it takes.",
        ),
        key(
            "after",
            "a duration",
            "How long after the question was put; without it, a minute.",
        ),
    ],
};

/// Of what is expected.
pub const EXPECT: Block = Block {
    name: "what is expected",
    keys: &[
        key(
            "end",
            "a word",
            "`succeeded`, `failed`, `rolled back`, `partly rolled back`, `waiting` or `stuck`.",
        ),
        key("exit", "a number", "What `piton run` would exit with."),
        key(
            "path",
            "a list of nodes",
            "The nodes that begin, in order, one entry for each pass; ends of calls apart.",
        ),
        key(
            "includes",
            "a list of nodes",
            "Nodes that begin, in this order, among others.",
        ),
        key("excludes", "a list of nodes", "Nodes that never begin."),
        key(
            "undo",
            "a list of nodes",
            "The nodes that are taken back, in order.",
        ),
        key(
            "left",
            "a list of nodes",
            "The nodes that were to be taken back and are left.",
        ),
        key(
            "waits",
            "a list of nodes",
            "The nodes that people are still asked about at the end.",
        ),
        key(
            "cleanup_failed",
            "a list of nodes",
            "The nodes that run however the run ends, and fail.",
        ),
        key(
            "pages",
            "a list of pages",
            "Who is paged, in order; not again and again at the last level.",
        ),
        key(
            "rto",
            "a block",
            "The clock of the RTO: `took`, a duration, and `met`, `true` or `false`.",
        ),
        key(
            "outputs",
            "values by node and name",
            "Outputs of nodes at the end.",
        ),
    ],
};

/// Of a page that is expected.
pub const PAGE: Block = Block {
    name: "a page",
    keys: &[
        key(
            "node",
            "a node",
            "About which node; `rto`: about the clock.",
        ),
        key("policy", "a policy", "By which policy."),
        key("level", "a number", "Which level of it, from 1."),
        key("to", "a list of contacts", "Who is called."),
        key("after", "a duration", "How long after the run's start."),
    ],
};

/// Of the clock that is expected.
pub const RTO: Block = Block {
    name: "what the clock says",
    keys: &[
        key("took", "a duration", "How long it ran."),
        key(
            "met",
            "`true` or `false`",
            "Whether that was within the target.",
        ),
    ],
};

/// All of them, in the order of the documentation.
pub const BLOCKS: [Block; 6] = [SCENARIO, GIVEN, DECIDE, EXPECT, PAGE, RTO];

/// The tables of the documentation, in Markdown.
#[must_use]
pub fn tables() -> String {
    let mut out = String::new();
    for block in BLOCKS {
        out.push_str(&format!(
            "### Keys of {}\n\n| Key | Takes | What it is for |\n|---|---|---|\n",
            block.name
        ));
        for key in block.keys {
            out.push_str(&format!(
                "| `{}` | {} | {} |\n",
                key.name, key.takes, key.doc
            ));
        }
        out.push('\n');
    }
    out
}

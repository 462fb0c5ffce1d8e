//! Keys of a `manual` block and its questions.

use super::key::{Block, Key, Takes};
use super::param::PARAM_TYPES;
use super::{EXEC, HTTP_ACTION, RUN, SHELL, SQL_ACTION};

/// A person does something, or answers questions. `piton done` or `piton answer` says that it is done.
pub static MANUAL: Block = Block {
    keyword: "manual",
    doc: "A person does something, or answers questions. `piton done` or `piton answer` says that it is done.",
    keys: &[
        &INSTRUCTIONS,
        &CHECKLIST,
        &ASKS,
        &MANUAL_BY,
        &MANUAL_EXPIRES,
        &MANUAL_PAGE,
    ],
};

/// What the person has to do.
pub static INSTRUCTIONS: Key = Key {
    name: "instructions",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "What the person has to do.",
    example: "instructions = \"Switch the load balancer to ${{ params.region }}.\"",
    yaml: "instructions: Switch the load balancer to ${{ params.region }}.",
};

/// What has to be ticked off, all of it.
pub static CHECKLIST: Key = Key {
    name: "checklist",
    takes: Takes::OneOrList(&Takes::Template),
    required: false,
    default: None,
    doc: "What has to be ticked off, all of it.",
    example: "checklist = [\"the old primary is off\", \"the banner is up\"]",
    yaml: "checklist: [the old primary is off, the banner is up]",
};

/// Typed questions; an answer is the output of the same name.
pub static ASKS: Key = Key {
    name: "asks",
    takes: Takes::MapOf(&Takes::Block(&ASK)),
    required: false,
    default: None,
    doc: "Typed questions; an answer is the output of the same name.",
    example: "ask backup { type = string, help = \"Which backup?\" }   # under `asks`",
    yaml: "asks: {backup: {type: string, help: Which backup?}}",
};

/// Contacts or roles that may do it; without it, anybody may.
pub static MANUAL_BY: Key = Key {
    name: "by",
    takes: Takes::OneOrList(&Takes::Text),
    required: false,
    default: Some("[]"),
    doc: "Contacts or roles that may do it; without it, anybody may.",
    example: "by = [\"on-call-lead\"]",
    yaml: "by: [on-call-lead]",
};

/// How long it is waited for; then the step has failed.
pub static MANUAL_EXPIRES: Key = Key {
    name: "expires",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "How long it is waited for; then the step has failed.",
    example: "expires = 2h",
    yaml: "expires: 2h",
};

/// The escalation policy that is paged while nobody answers; without it, the runbook's.
pub static MANUAL_PAGE: Key = Key {
    name: "page",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "The escalation policy that is paged while nobody answers; without it, the runbook's.",
    example: "page = \"infra\"",
    yaml: "page: infra",
};

/// A typed question to a person.
pub static ASK: Block = Block {
    keyword: "ask",
    doc: "A typed question to a person.",
    keys: &[
        &ASK_TYPE,
        &ASK_HELP,
        &ASK_FROM,
        &COLUMNS,
        &VALIDATE,
        &ASK_DEFAULT,
    ],
};

/// What kind of answer it takes.
pub static ASK_TYPE: Key = Key {
    name: "type",
    takes: Takes::OneOf(PARAM_TYPES),
    required: false,
    default: Some("string"),
    doc: "What kind of answer it takes.",
    example: "type = int",
    yaml: "type: int",
};

/// What is asked, in a line.
pub static ASK_HELP: Key = Key {
    name: "help",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "What is asked, in a line.",
    example: "help = \"Which backup?\"",
    yaml: "help: Which backup?",
};

/// Finds out the only possible answers: a row, or a line, for each. Of a line the first word is the answer.
pub static ASK_FROM: Key = Key {
    name: "from",
    takes: Takes::Block(&FROM),
    required: false,
    default: None,
    doc: "Finds out the only possible answers: a row, or a line, for each. Of a line the first word is the answer.",
    example: "from { exec = [\"wal-g\", \"backup-list\"] }",
    yaml: "from: {exec: [wal-g, backup-list]}",
};

/// Which columns of the rows of `from` are shown; the first one is the answer. Without it, all.
pub static COLUMNS: Key = Key {
    name: "columns",
    takes: Takes::OneOrList(&Takes::Text),
    required: false,
    default: None,
    doc: "Which columns of the rows of `from` are shown; the first one is the answer. Without it, all.",
    example: "columns = [\"name\", \"finished\"]",
    yaml: "columns: [name, finished]",
};

/// True of an answer that may be given, which is `value`.
pub static VALIDATE: Key = Key {
    name: "validate",
    takes: Takes::Expression,
    required: false,
    default: None,
    doc: "True of an answer that may be given, which is `value`.",
    example: "validate = \"value != ''\"",
    yaml: "validate: value != ''",
};

/// The answer when none is given, and the one that `--yes` gives.
pub static ASK_DEFAULT: Key = Key {
    name: "default",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "The answer when none is given, and the one that `--yes` gives.",
    example: "default = \"LATEST\"",
    yaml: "default: LATEST",
};

/// Gives the possible answers: one of `run`, `exec`, `sql`, `http`.
pub static FROM: Block = Block {
    keyword: "from",
    doc: "Gives the possible answers: one of `run`, `exec`, `sql`, `http`.",
    keys: &[&RUN, &SHELL, &EXEC, &SQL_ACTION, &HTTP_ACTION],
};

//! Keys of the runbook itself.

use super::key::{Block, Key, Takes};
use super::{CONTACT, ESCALATION, GATE, MODE, PARAM, SECRET, STEP, TARGETS};

/// The whole file.
pub static RUNBOOK: Block = Block {
    keyword: "runbook",
    doc: "A procedure: what it is called, what it needs to know, and its steps and gates.",
    keys: &[
        &RUNBOOK_NAME,
        &RUNBOOK_TITLE,
        &OWNER,
        &RUNBOOK_DOC,
        &PARALLEL,
        &RUNBOOK_DATABASE,
        &RUNBOOK_ENV,
        &RUNBOOK_DIR,
        &RUNBOOK_TIMEOUT,
        &RUNBOOK_ON_FAIL,
        &PARAMS,
        &SECRETS,
        &CONTACTS,
        &ESCALATIONS,
        &RUNBOOK_PAGE,
        &RUNBOOK_LOCK,
        &RUNBOOK_LOCK_TIMEOUT,
        &RUNBOOK_TARGETS,
        &MODES,
        &RUNBOOK_OUTPUTS,
        &STEPS,
    ],
};

/// The runbook's name.
pub static RUNBOOK_NAME: Key = Key {
    name: "runbook",
    takes: Takes::NodeName,
    required: true,
    default: None,
    doc: "The runbook's name: lower-case letters, digits and dashes; the ids of its runs begin with it.",
    example: "runbook restore-drill { … }",
    yaml: "runbook: restore-drill",
};

/// What people call it.
pub static RUNBOOK_TITLE: Key = Key {
    name: "title",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "What people call it.",
    example: "title = \"Restore drill\"",
    yaml: "title: Restore drill",
};

/// Who answers for it.
pub static OWNER: Key = Key {
    name: "owner",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "The team that answers for it.",
    example: "owner = \"infra\"",
    yaml: "owner: infra",
};

/// What a reader should know.
pub static RUNBOOK_DOC: Key = Key {
    name: "doc",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "What a reader should know about it.",
    example: "doc = \"Restores the newest backup beside the live database.\"",
    yaml: "doc: Restores the newest backup beside the live database.",
};

/// How much runs at once.
pub static PARALLEL: Key = Key {
    name: "parallel",
    takes: Takes::Count(1),
    required: false,
    default: Some("8"),
    doc: "How many steps and gates may run at once.",
    example: "parallel = 4",
    yaml: "parallel: 4",
};

/// The database of `sql`.
pub static RUNBOOK_DATABASE: Key = Key {
    name: "database",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "The database of every `sql` that does not name its own with `on`.",
    example: "database = \"sqlite:app.db\"",
    yaml: "database: sqlite:app.db",
};

/// Environment variables of all.
pub static RUNBOOK_ENV: Key = Key {
    name: "env",
    takes: Takes::MapOf(&Takes::Template),
    required: false,
    default: None,
    doc: "Environment variables of every step and gate; one's own win over these.",
    example: "env { LC_ALL = \"C\" }",
    yaml: "env: {LC_ALL: C}",
};

/// The directory of all.
pub static RUNBOOK_DIR: Key = Key {
    name: "dir",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "The working directory of every step and gate, relative to the folder of the runbook; without it, that folder.",
    example: "dir = \"${{ run.work }}\"",
    yaml: "dir: ${{ run.work }}",
};

/// The time limit of all.
pub static RUNBOOK_TIMEOUT: Key = Key {
    name: "timeout",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "How long each try of a step or gate may take that has no `timeout` of its own.",
    example: "timeout = 10m",
    yaml: "timeout: 10m",
};

/// What failures get.
pub static RUNBOOK_ON_FAIL: Key = Key {
    name: "on_fail",
    takes: Takes::OneOrList(&Takes::Either(super::RESPONSE_FORMS)),
    required: false,
    default: Some("[stop]"),
    doc: "What a failure gets where the step or gate does not say: `continue`, `rewind`, `escalate`, `rollback` and `stop`, in the order in which they are to be taken.",
    example: "on_fail = [stop]",
    yaml: "on_fail: [stop]",
};

/// Parameters by name.
pub static PARAMS: Key = Key {
    name: "params",
    takes: Takes::MapOf(&Takes::Block(&PARAM)),
    required: false,
    default: None,
    doc: "What is given when a run starts; used as `params.NAME`.",
    example: "param backup { type = string, default = \"LATEST\" }   # under `params`",
    yaml: "params: {backup: {type: string, default: LATEST}}",
};

/// Secrets by name.
pub static SECRETS: Key = Key {
    name: "secrets",
    takes: Takes::MapOf(&Takes::Block(&SECRET)),
    required: false,
    default: None,
    doc: "What is read when it is used and never written down; used as `secrets.NAME`.",
    example: "secret token { env = \"API_TOKEN\" }   # under `secrets`",
    yaml: "secrets: {token: {env: API_TOKEN}}",
};

/// Steps and gates.
pub static STEPS: Key = Key {
    name: "steps",
    takes: Takes::Blocks(&[&STEP, &GATE]),
    required: true,
    default: None,
    doc: "The steps and gates in reading order.",
    example: "step backup { run = \"./backup.sh\", effect = none }   # under `steps`",
    yaml: "steps: [{step: backup, run: ./backup.sh, effect: none}]",
};

/// People who can be reached, and may be named in `by`.
pub static CONTACTS: Key = Key {
    name: "contacts",
    takes: Takes::MapOf(&Takes::Block(&CONTACT)),
    required: false,
    default: None,
    doc: "People who can be reached, and may be named in `by`.",
    example: "contact infra-lead { via = [{ webhook = \"https://…\" }] }   # under `contacts`",
    yaml: "contacts: {infra-lead: {via: [{webhook: \"https://…\"}]}}",
};

/// Who is paged while a question is open, and who then, by the name of the policy.
pub static ESCALATIONS: Key = Key {
    name: "escalations",
    takes: Takes::MapOf(&Takes::Block(&ESCALATION)),
    required: false,
    default: None,
    doc: "Who is paged while a question is open, and who then, by the name of the policy.",
    example: "escalation infra { level { page = [\"infra-lead\"] } }   # under `escalations`",
    yaml: "escalations: {infra: {levels: [{page: [infra-lead]}]}}",
};

/// The escalation policy of every question to people that names none of its own.
pub static RUNBOOK_PAGE: Key = Key {
    name: "page",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "The escalation policy of every question to people that names none of its own.",
    example: "page = \"infra\"",
    yaml: "page: infra",
};

/// Names of locks that the run holds from its start to its end. All runs of a store share them; several are taken
/// all at once.
pub static RUNBOOK_LOCK: Key = Key {
    name: "lock",
    takes: Takes::OneOrList(&Takes::Template),
    required: false,
    default: None,
    doc: "Names of locks that the run holds from its start to its end. All runs of a store share them; several are taken all at once.",
    example: "lock = \"production-database\"",
    yaml: "lock: production-database",
};

/// How long these locks are waited for; then the run has failed.
pub static RUNBOOK_LOCK_TIMEOUT: Key = Key {
    name: "lock_timeout",
    takes: Takes::Duration,
    required: false,
    default: Some("1h"),
    doc: "How long these locks are waited for; then the run has failed.",
    example: "lock_timeout = 10m",
    yaml: "lock_timeout: 10m",
};

/// How long the procedure may take, and how much may be lost.
pub static RUNBOOK_TARGETS: Key = Key {
    name: "targets",
    takes: Takes::Block(&TARGETS),
    required: false,
    default: None,
    doc: "How long the procedure may take, and how much may be lost.",
    example: "targets { rto { within = 1h } }",
    yaml: "targets: {rto: {within: 1h}}",
};

/// Ways to run a part of the runbook, such as a drill.
pub static MODES: Key = Key {
    name: "modes",
    takes: Takes::MapOf(&Takes::Block(&MODE)),
    required: false,
    default: None,
    doc: "Ways to run a part of the runbook, such as a drill.",
    example: "mode drill { only = [\"fetch\"] }   # under `modes`",
    yaml: "modes: {drill: {only: [fetch]}}",
};

/// What comes out for a runbook that calls this one.
pub static RUNBOOK_OUTPUTS: Key = Key {
    name: "outputs",
    takes: Takes::MapOf(&Takes::Expression),
    required: false,
    default: None,
    doc: "What comes out for a runbook that calls this one.",
    example: "outputs { path = \"steps.fetch.outputs.path\" }",
    yaml: "outputs: {path: steps.fetch.outputs.path}",
};

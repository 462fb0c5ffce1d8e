//! Keys of steps and gates.

use super::key::{Block, Key, Takes};
use super::{
    APPROVE, CALL, CAPTURE, CHECK, CONFIRM, CONSECUTIVE, EVERY, FAIL_WHEN, FINALLY, FOR_EACH,
    FOR_EACH_KEY, HOLD_FOR, HTTP, INTERRUPTED_FORMS, LOCK, LOCK_TIMEOUT, MANUAL, NODE_PAGE, NOTIFY,
    OF, RESPONSE_FORMS, RETRY, SKIP, SQL, SUCCESS, TARGET, UNDO, UNTIL, VALID_FOR, WAIT, WITHIN,
};

/// A step: changes the world, or gathers what others need.
pub static STEP: Block = Block {
    keyword: "step",
    doc: "Changes the world, or gathers what others need. Exactly one action, and what it leaves behind.",
    keys: &[
        &STEP_NAME,
        &TITLE,
        &DOC,
        &NEEDS,
        &WHEN,
        &RUN,
        &SHELL,
        &EXEC,
        &SQL_ACTION,
        &HTTP_ACTION,
        &CHECKS,
        &APPROVE_ACTION,
        &MANUAL_ACTION,
        &NOTIFY_ACTION,
        &WAIT_ACTION,
        &CALL_ACTION,
        &ENV,
        &DIR,
        &DATABASE,
        &TIMEOUT,
        &RETRY_KEY,
        &IDEMPOTENT,
        &OUTPUTS,
        &EVIDENCE,
        &UNTIL,
        &EVERY,
        &FAIL_WHEN,
        &HOLD_FOR,
        &CONSECUTIVE,
        &SUCCESS,
        &FOR_EACH,
        &FOR_EACH_KEY,
        &LOCK,
        &LOCK_TIMEOUT,
        &WITHIN,
        &OF,
        &VALID_FOR,
        &TARGET,
        &CONFIRM,
        &NODE_PAGE,
        &SKIP,
        &FINALLY,
        &CAPTURE,
        &INTERRUPTED,
        &ON_FAIL,
        &EFFECT,
        &UNDO_KEY,
        &IRREVERSIBLE,
    ],
};

/// A gate: decides whether the run may go on.
///
/// It takes the keys of a step's effect too, so that writing one is told as what it is (`gate::effect`) rather
/// than as a key that nobody knows.
pub static GATE: Block = Block {
    keyword: "gate",
    doc: "Decides whether the run may go on. Exactly one action, no effect, and what its failure gets.",
    keys: &[
        &GATE_NAME,
        &TITLE,
        &DOC,
        &NEEDS,
        &WHEN,
        &RUN,
        &SHELL,
        &EXEC,
        &SQL_ACTION,
        &HTTP_ACTION,
        &CHECKS,
        &APPROVE_ACTION,
        &MANUAL_ACTION,
        &NOTIFY_ACTION,
        &WAIT_ACTION,
        &CALL_ACTION,
        &ENV,
        &DIR,
        &DATABASE,
        &TIMEOUT,
        &RETRY_KEY,
        &IDEMPOTENT,
        &OUTPUTS,
        &EVIDENCE,
        &UNTIL,
        &EVERY,
        &FAIL_WHEN,
        &HOLD_FOR,
        &CONSECUTIVE,
        &SUCCESS,
        &FOR_EACH,
        &FOR_EACH_KEY,
        &LOCK,
        &LOCK_TIMEOUT,
        &WITHIN,
        &OF,
        &VALID_FOR,
        &TARGET,
        &CONFIRM,
        &NODE_PAGE,
        &SKIP,
        &FINALLY,
        &CAPTURE,
        &INTERRUPTED,
        &ON_FAIL,
        &EFFECT,
        &UNDO_KEY,
        &IRREVERSIBLE,
    ],
};

/// Keys of [`GATE`] that a gate cannot have: they are there to be told apart from keys that nobody knows.
pub const NOT_FOR_GATES: &[&str] = &["capture", "effect", "undo", "irreversible"];

/// The step's name.
pub static STEP_NAME: Key = Key {
    name: "step",
    takes: Takes::NodeName,
    required: true,
    default: None,
    doc: "The step's name: lower-case letters, digits and dashes.",
    example: "step fetch-backup { … }",
    yaml: "step: fetch-backup",
};

/// The gate's name.
pub static GATE_NAME: Key = Key {
    name: "gate",
    takes: Takes::NodeName,
    required: true,
    default: None,
    doc: "The gate's name: lower-case letters, digits and dashes.",
    example: "gate verified { … }",
    yaml: "gate: verified",
};

/// What people call it.
pub static TITLE: Key = Key {
    name: "title",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "What people call it.",
    example: "title = \"Fetch the backup\"",
    yaml: "title: Fetch the backup",
};

/// What a reader should know.
pub static DOC: Key = Key {
    name: "doc",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "What a reader should know about it.",
    example: "doc = \"Takes about four minutes.\"",
    yaml: "doc: Takes about four minutes.",
};

/// What comes before.
pub static NEEDS: Key = Key {
    name: "needs",
    takes: Takes::OneOrList(&Takes::NodeName),
    required: false,
    default: None,
    doc: "The steps and gates that come before it. Without it, the one written above; with `[]`, none.",
    example: "needs = [\"fetch\", \"check-disk\"]",
    yaml: "needs: [fetch, check-disk]",
};

/// Whether it is done at all.
pub static WHEN: Key = Key {
    name: "when",
    takes: Takes::Expression,
    required: false,
    default: None,
    doc: "Worked out when all that it needs is done; if false, it is skipped.",
    example: "when = \"params.region == 'eu'\"",
    yaml: "when: params.region == 'eu'",
};

/// A script.
pub static RUN: Key = Key {
    name: "run",
    takes: Takes::Code,
    required: false,
    default: None,
    doc: "A script for a shell, which stops at the first command that fails.",
    example: "run = \"./backup.sh\"",
    yaml: "run: ./backup.sh",
};

/// Its shell.
pub static SHELL: Key = Key {
    name: "shell",
    takes: Takes::OneOrList(&Takes::Text),
    required: false,
    default: Some("[\"sh\", \"-euc\"]"),
    doc: "The shell of `run`, with its arguments; the script is put behind them. Without it, `sh` with `pipefail` where it knows that.",
    example: "shell = [\"bash\", \"-euc\"]",
    yaml: "shell: [bash, -euc]",
};

/// A program.
pub static EXEC: Key = Key {
    name: "exec",
    takes: Takes::List(&Takes::Template),
    required: false,
    default: None,
    doc: "A program with its arguments, started without a shell.",
    example: "exec = [\"pg_ctl\", \"start\", \"-D\", \"${{ params.data_dir }}\"]",
    yaml: "exec: [pg_ctl, start, -D, \"${{ params.data_dir }}\"]",
};

/// SQL.
pub static SQL_ACTION: Key = Key {
    name: "sql",
    takes: Takes::Either(&[Takes::Code, Takes::Block(&SQL)]),
    required: false,
    default: None,
    doc: "SQL: one query on `database`, or a block.",
    example: "sql = \"select count(*) from users\"",
    yaml: "sql: select count(*) from users",
};

/// A request to a web server.
pub static HTTP_ACTION: Key = Key {
    name: "http",
    takes: Takes::Either(&[Takes::Template, Takes::Block(&HTTP)]),
    required: false,
    default: None,
    doc: "A request to a web server: the address to `GET`, or a block.",
    example: "http = \"https://app.example/health\"",
    yaml: "http: https://app.example/health",
};

/// Checks.
pub static CHECKS: Key = Key {
    name: "checks",
    takes: Takes::Blocks(&[&CHECK]),
    required: false,
    default: None,
    doc: "Named checks; all of them are done and reported, and one that fails is enough.",
    example: "checks { check \"no orphans\" { sql = \"select count(*) from orphans\", expect = \"value == 0\" } }",
    yaml: "checks: [{check: no orphans, sql: select count(*) from orphans, expect: value == 0}]",
};

/// People.
pub static APPROVE_ACTION: Key = Key {
    name: "approve",
    takes: Takes::Block(&APPROVE),
    required: false,
    default: None,
    doc: "Waits until people approve.",
    example: "approve { by = [\"on-call-lead\"], expires = 30m }",
    yaml: "approve: {by: [on-call-lead], expires: 30m}",
};

/// Environment variables.
pub static ENV: Key = Key {
    name: "env",
    takes: Takes::MapOf(&Takes::Template),
    required: false,
    default: None,
    doc: "Environment variables; this is how values reach a script.",
    example: "env { BACKUP = \"${{ params.backup }}\" }",
    yaml: "env: {BACKUP: \"${{ params.backup }}\"}",
};

/// The working directory.
pub static DIR: Key = Key {
    name: "dir",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "The working directory, relative to the folder of the runbook; without it, that folder.",
    example: "dir = \"${{ run.work }}\"",
    yaml: "dir: ${{ run.work }}",
};

/// The database of `sql`.
pub static DATABASE: Key = Key {
    name: "database",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "The database of every `sql` in it that does not name its own with `on`.",
    example: "database = \"sqlite:app.db\"",
    yaml: "database: sqlite:app.db",
};

/// The time limit.
pub static TIMEOUT: Key = Key {
    name: "timeout",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "How long each try may take; all it started is ended then.",
    example: "timeout = 10m",
    yaml: "timeout: 10m",
};

/// Further tries.
pub static RETRY_KEY: Key = Key {
    name: "retry",
    takes: Takes::Block(&RETRY),
    required: false,
    default: None,
    doc: "Further tries after one that failed.",
    example: "retry { times = 3, backoff = 2s..30s }",
    yaml: "retry: {times: 3, backoff: 2s..30s}",
};

/// Whether trying again is harmless.
pub static IDEMPOTENT: Key = Key {
    name: "idempotent",
    takes: Takes::Bool,
    required: false,
    default: Some("false"),
    doc: "Whether trying again does no harm even if an earlier try got somewhere; `retry` takes timeouts then too.",
    example: "idempotent = true",
    yaml: "idempotent: true",
};

/// What others can use.
pub static OUTPUTS: Key = Key {
    name: "outputs",
    takes: Takes::MapOf(&Takes::Expression),
    required: false,
    default: None,
    doc: "What others can use of its result, as `steps.ID.outputs.NAME`.",
    example: "outputs { size = \"int(output.size)\" }",
    yaml: "outputs: {size: int(output.size)}",
};

/// Files that are kept with the run.
pub static EVIDENCE: Key = Key {
    name: "evidence",
    takes: Takes::OneOrList(&Takes::Template),
    required: false,
    default: None,
    doc: "Files that are copied into the folder of the run whenever a try ends, well or not; relative to the directory of the step. Secrets in the copies are masked, of each file at most the last 16 MiB are kept, and the journal says the SHA-256 of each copy, or that there was no such file. Of an `until`, only the looks that decide.",
    example: "evidence = [\"${{ params.data_dir }}/log/server.log\"]",
    yaml: "evidence: [\"${{ params.data_dir }}/log/server.log\"]",
};

/// What an unknown outcome gets.
pub static INTERRUPTED: Key = Key {
    name: "interrupted",
    takes: Takes::Either(INTERRUPTED_FORMS),
    required: false,
    default: None,
    doc: "What an attempt gets of which nobody knows whether it happened; without it `rerun` for gates and where `effect = none`, and `ask` for the rest.",
    example: "interrupted = probe { run = \"test -e backup.tar\" }",
    yaml: "interrupted: {probe: {run: test -e backup.tar}}",
};

/// What a failure gets.
pub static ON_FAIL: Key = Key {
    name: "on_fail",
    takes: Takes::OneOrList(&Takes::Either(RESPONSE_FORMS)),
    required: false,
    default: None,
    doc: "What a failure gets: `continue`, `rewind`, `escalate`, `rollback` and `stop`, in the order in which they are to be taken; without it, what the runbook says.",
    example: "on_fail = [stop]",
    yaml: "on_fail: [stop]",
};

/// What it leaves behind.
pub static EFFECT: Key = Key {
    name: "effect",
    takes: Takes::Either(&[
        Takes::OneOf(&["none"]),
        Takes::Call("abandoned", &Takes::Text),
    ]),
    required: false,
    default: None,
    doc: "What the step leaves behind: `none`, or something `abandoned` harmlessly and why.",
    example: "effect = abandoned(\"each pass writes a file of its own\")",
    yaml: "effect: {abandoned: each pass writes a file of its own}",
};

/// What takes it back.
pub static UNDO_KEY: Key = Key {
    name: "undo",
    takes: Takes::Block(&UNDO),
    required: false,
    default: None,
    doc: "The action that takes the step back; it gets what the step got.",
    example: "undo { run = \"./start-writes.sh\" }",
    yaml: "undo: {run: ./start-writes.sh}",
};

/// Why nothing takes it back.
pub static IRREVERSIBLE: Key = Key {
    name: "irreversible",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "Why nothing can take the step back.",
    example: "irreversible = \"the old primary is gone\"",
    yaml: "irreversible: the old primary is gone",
};

/// A person does something, or answers questions.
pub static MANUAL_ACTION: Key = Key {
    name: "manual",
    takes: Takes::Block(&MANUAL),
    required: false,
    default: None,
    doc: "A person does something, or answers questions.",
    example: "manual { instructions = \"Switch the load balancer.\" }",
    yaml: "manual: {instructions: Switch the load balancer.}",
};

/// Tells contacts something, and waits for nobody.
pub static NOTIFY_ACTION: Key = Key {
    name: "notify",
    takes: Takes::Block(&NOTIFY),
    required: false,
    default: None,
    doc: "Tells contacts something, and waits for nobody.",
    example: "notify { to = [\"infra-lead\"], message = \"the restore begins\" }",
    yaml: "notify: {to: [infra-lead], message: the restore begins}",
};

/// Lets time pass: a length of time, or `for` or `until` in a block.
pub static WAIT_ACTION: Key = Key {
    name: "wait",
    takes: Takes::Either(&[Takes::Duration, Takes::Block(&WAIT)]),
    required: false,
    default: None,
    doc: "Lets time pass: a length of time, or `for` or `until` in a block.",
    example: "wait = 10m",
    yaml: "wait: 10m",
};

/// Does another runbook as a part of this one; what comes out is what that one says in its `outputs`.
pub static CALL_ACTION: Key = Key {
    name: "call",
    takes: Takes::Block(&CALL),
    required: false,
    default: None,
    doc: "Does another runbook as a part of this one; what comes out is what that one says in its `outputs`.",
    example: "call { runbook = \"restore-db.runbook\", with { backup = \"LATEST\" } }",
    yaml: "call: {runbook: restore-db.runbook, with: {backup: LATEST}}",
};

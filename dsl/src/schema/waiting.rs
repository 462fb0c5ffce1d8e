//! Keys of waiting: for something to become true, for a lock, for other nodes; and of doing it for many items.

use super::key::{Block, Key, Takes};

/// Does the action again and again until this is true of what it gave; a try that fails counts as not true.
/// `timeout` bounds all of it together.
pub static UNTIL: Key = Key {
    name: "until",
    takes: Takes::Expression,
    required: false,
    default: None,
    doc: "Does the action again and again until this is true of what it gave; a try that fails counts as not true. `timeout` bounds all of it together.",
    example: "until = \"value == 'ready'\"",
    yaml: "until: value == 'ready'",
};

/// The pause between two looks of `until`.
pub static EVERY: Key = Key {
    name: "every",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "The pause between two looks of `until`.",
    example: "every = 5s",
    yaml: "every: 5s",
};

/// What tells that `until` waits in vain: an expression over a look, or a line of a file.
pub static FAIL_WHEN: Key = Key {
    name: "fail_when",
    takes: Takes::Either(&[Takes::Expression, Takes::Block(&FAIL_WHEN_BLOCK)]),
    required: false,
    default: None,
    doc: "What tells that `until` waits in vain: an expression over a look, or a line of a file.",
    example: "fail_when { file = \"log/server.log\", matches = \"FATAL\" }",
    yaml: "fail_when: {file: log/server.log, matches: FATAL}",
};

/// For how long `until` has to stay true, at every look.
pub static HOLD_FOR: Key = Key {
    name: "hold_for",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "For how long `until` has to stay true, at every look.",
    example: "hold_for = 30s",
    yaml: "hold_for: 30s",
};

/// At how many looks in a row `until` has to be true.
pub static CONSECUTIVE: Key = Key {
    name: "consecutive",
    takes: Takes::Count(1),
    required: false,
    default: Some("1"),
    doc: "At how many looks in a row `until` has to be true.",
    example: "consecutive = 3",
    yaml: "consecutive: 3",
};

/// True of an exit code, or an output, that means success; without it, exit code 0 does.
pub static SUCCESS: Key = Key {
    name: "success",
    takes: Takes::Expression,
    required: false,
    default: None,
    doc: "True of an exit code, or an output, that means success; without it, exit code 0 does.",
    example: "success = \"exit_code == 0 || exit_code == 3\"",
    yaml: "success: exit_code == 0 || exit_code == 3",
};

/// How long the evidence of a gate holds; what is older when a step behind the gate starts is gathered again.
pub static VALID_FOR: Key = Key {
    name: "valid_for",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "How long the evidence of a gate holds; what is older when a step behind the gate starts is gathered again.",
    example: "valid_for = 10m",
    yaml: "valid_for: 10m",
};

/// How soon it has to start after the step or gate in `of` was done; later than that, it fails.
pub static WITHIN: Key = Key {
    name: "within",
    takes: Takes::Duration,
    required: false,
    default: None,
    doc: "How soon it has to start after the step or gate in `of` was done; later than that, it fails.",
    example: "within = 10s",
    yaml: "within: 10s",
};

/// The step or gate that `within` counts from.
pub static OF: Key = Key {
    name: "of",
    takes: Takes::NodeName,
    required: false,
    default: None,
    doc: "The step or gate that `within` counts from.",
    example: "of = \"stop-writes\"",
    yaml: "of: stop-writes",
};

/// Names of locks that it holds until its outcome is known. All runs of a store share them; several are taken all
/// at once.
pub static LOCK: Key = Key {
    name: "lock",
    takes: Takes::OneOrList(&Takes::Template),
    required: false,
    default: None,
    doc: "Names of locks that it holds until its outcome is known. All runs of a store share them; several are taken all at once.",
    example: "lock = [\"database-${{ params.region }}\"]",
    yaml: "lock: [\"database-${{ params.region }}\"]",
};

/// How long its locks are waited for; then it has failed.
pub static LOCK_TIMEOUT: Key = Key {
    name: "lock_timeout",
    takes: Takes::Duration,
    required: false,
    default: Some("1h"),
    doc: "How long its locks are waited for; then it has failed.",
    example: "lock_timeout = 10m",
    yaml: "lock_timeout: 10m",
};

/// A list, or a map: it is done once for each, one after another, with the names `item` and `key`. A retry does
/// only what is not done yet.
pub static FOR_EACH: Key = Key {
    name: "for_each",
    takes: Takes::Expression,
    required: false,
    default: None,
    doc: "A list, or a map: it is done once for each, one after another, with the names `item` and `key`. A retry does only what is not done yet.",
    example: "for_each = \"['eu', 'us']\"",
    yaml: "for_each: \"['eu', 'us']\"",
};

/// The key of an item, unique among them; without it the item itself, if it is a text or a number, or else its place.
pub static FOR_EACH_KEY: Key = Key {
    name: "for_each_key",
    takes: Takes::Expression,
    required: false,
    default: None,
    doc: "The key of an item, unique among them; without it the item itself, if it is a text or a number, or else its place.",
    example: "for_each_key = \"item.name\"",
    yaml: "for_each_key: item.name",
};

/// A line of a file tells that waiting is in vain.
pub static FAIL_WHEN_BLOCK: Block = Block {
    keyword: "fail_when",
    doc: "A line of a file tells that waiting is in vain.",
    keys: &[&FAIL_FILE, &MATCHES],
};

/// The file, relative to the step's directory; one that is not there has no lines.
pub static FAIL_FILE: Key = Key {
    name: "file",
    takes: Takes::Template,
    required: true,
    default: None,
    doc: "The file, relative to the step's directory; one that is not there has no lines.",
    example: "file = \"log/server.log\"",
    yaml: "file: log/server.log",
};

/// A regular expression that a line of it matches.
pub static MATCHES: Key = Key {
    name: "matches",
    takes: Takes::Text,
    required: true,
    default: None,
    doc: "A regular expression that a line of it matches.",
    example: "matches = \"FATAL\"",
    yaml: "matches: FATAL",
};

//! Keys of the `probe` of `interrupted`.

use super::key::{Block, Takes};
use super::{EXEC, HTTP_ACTION, RUN, SHELL, SQL_ACTION};

/// An action that finds out.
pub static PROBE: Block = Block {
    keyword: "probe",
    doc: "Finds out whether an interrupted attempt happened: succeeds if so, fails if not. One of `run`, `exec`, `sql`, `http`.",
    keys: &[&RUN, &SHELL, &EXEC, &SQL_ACTION, &HTTP_ACTION],
};

/// What an attempt with an unknown outcome may get, as single words.
pub const INTERRUPTED_WORDS: &[&str] = &["ask", "rerun", "fail"];

/// All forms of `interrupted`.
pub const INTERRUPTED_FORMS: &[Takes] = &[
    Takes::OneOf(INTERRUPTED_WORDS),
    Takes::Call("probe", &Takes::Block(&PROBE)),
];

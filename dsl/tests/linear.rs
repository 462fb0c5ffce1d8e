//! Checking a file takes time in proportion to its length, also where scripts and SQL are made to be looked at twice.

use piton_dsl::check_text;

/// Words that a rule looks for, or goes on from.
const WORDS: &[&str] = &[
    "recovery_target ",
    "restore_command ",
    "API_KEY=",
    "API_KEY=a",
    "your-",
    "your-bucket-",
    "change-me-",
    "://",
    "://a:",
    "eyJ",
    "Bearer ",
    "-----BEGIN ",
    "from a.b",
    "select ",
    "select 1, ",
    "psql -c 'x' | ",
    "a;",
    "x=\"$y\" ",
];

/// How long it takes to check a runbook with this script and this SQL.
fn time(text: &str) -> f64 {
    let quoted = text.replace('"', "\\\"");
    let runbook = format!(
        "runbook x {{\n  database = \"sqlite:a.db\"\n  step a {{ run = \"{quoted}$\" }}\n  step b {{ sql = \"{quoted}$\" }}\n}}\n"
    );
    crate::cpu::seconds(|| check_text("x.runbook", &runbook))
}

#[test]
fn scripts_of_one_word_are_checked_in_time() {
    for word in WORDS {
        let text = word.repeat(30_000 / word.len());
        // 8 when it is linear, 64 when it is quadratic. What else runs on the machine only ever adds to the longer time:
        // one good measurement is enough.
        let growth =
            || time(&text.repeat(8)) / (0..3).map(|_| time(&text)).fold(f64::MAX, f64::min);
        assert!(
            (0..8).any(|_| growth() < 30.0),
            "{word:?} takes more than its length"
        );
    }
}

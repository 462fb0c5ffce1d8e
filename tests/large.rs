//! Runbooks as large as they may be. What takes time with the square of their size would not end here.

use crate::support::Place;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

#[test]
fn a_hundred_thousand_steps_are_checked_and_planned() {
    let place = Place::new();
    let mut text = "runbook large {\n  timeout = 1m\n".to_owned();
    for number in 0..100_000 {
        let _ = writeln!(
            text,
            "  step s{number} {{ run = \"true\"  effect = abandoned(\"a test\") }}"
        );
    }
    text += "}\n";
    let file = place.file("large.runbook", &text);
    let began = Instant::now();
    for words in [&["check", "--no-shellcheck"][..], &["plan"]] {
        let words = words.iter().map(std::ffi::OsStr::new);
        let ended = place.run(words.chain([file.as_os_str()])).expect(0);
        if ended.stdout.contains("worst case") {
            ended
                .says("s9 → … 99980 more … → s99990")
                .says("what a rollback from each node would do is left out");
        }
    }
    // Two seconds each where nothing else runs. With the square of the size it would be hours.
    assert!(began.elapsed() < Duration::from_secs(120));
}

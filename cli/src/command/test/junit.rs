//! JUnit XML: a suite a runbook, a case a scenario.

use super::{Tested, Wrong, place};
use std::fmt::Write as _;

/// The document.
pub fn xml(all: &[Tested]) -> String {
    let scenarios: usize = all.iter().map(|tested| tested.scenarios.len()).sum();
    let failed: usize = all.iter().map(Tested::failed).sum();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"piton test\" tests=\"{scenarios}\" failures=\"{failed}\">\n"
    );
    for tested in all {
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">",
            escaped(&tested.runbook),
            tested.scenarios.len(),
            tested.failed()
        );
        for outcome in &tested.scenarios {
            let case = format!(
                "    <testcase name=\"{}\" classname=\"{}\"",
                escaped(&outcome.name),
                escaped(&tested.runbook)
            );
            match &outcome.result {
                Ok(()) => {
                    let _ = writeln!(out, "{case}/>");
                }
                Err(wrong) => {
                    let (message, text) = failure(tested, wrong);
                    let _ = writeln!(
                        out,
                        "{case}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                        escaped(&message),
                        escaped(&text)
                    );
                }
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn failure(tested: &Tested, wrong: &Wrong) -> (String, String) {
    match wrong {
        Wrong::Broken(why) => (why.clone(), why.clone()),
        Wrong::Differs(mismatches) => {
            let mut text = String::new();
            for mismatch in mismatches {
                let _ = writeln!(
                    text,
                    "{}: {}\n  expected  {}\n  found     {}",
                    place(tested, mismatch),
                    mismatch.what,
                    mismatch.expected,
                    mismatch.found
                );
            }
            let whats: Vec<_> = mismatches.iter().map(|mismatch| mismatch.what).collect();
            (format!("not as expected: {}", whats.join(", ")), text)
        }
    }
}

/// A text as XML holds it. Characters that XML has no form for are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            control if control.is_control() => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_takes_for_its_own_is_escaped() {
        assert_eq!(
            escaped("a<b & \"c\">\u{1b}[0m\n"),
            "a&lt;b &amp; &quot;c&quot;&gt;\u{fffd}[0m\n"
        );
    }
}

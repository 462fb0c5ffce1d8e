//! Damaged files by the thousand: both parsers, expressions, `fmt` and `convert` take whatever comes.
//!
//! Without anything set this is a short run that is always the same. `PITON_FUZZ_SECONDS=60` runs for that long, with a
//! seed that is printed; `PITON_FUZZ_SEED` gives it. What was found once stands in `fuzz/corpus/`, a folder for each of
//! [`TARGETS`], and is tried again in every run before it is damaged further.

mod expressions;

use crate::format::all;
use crate::format::promises::{convert_holds, format_holds};
use piton_dsl::source::SourceFile;
use piton_dsl::{check, syntax};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// What is fed, and with which texts it begins.
const TARGETS: &[&str] = &["runbook", "yaml", "expression", "fmt"];

/// How long one input may take. Damaged files are a few kilobytes; a hang takes for ever.
const LONGEST: Duration = Duration::from_secs(20);

/// Pieces of both syntaxes and of expressions, to be put anywhere.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "\"\"\"",
    "'",
    "=",
    "==",
    ":",
    ": ",
    ",",
    ";",
    "\n",
    "\n\n",
    "  ",
    "\t",
    "#",
    " # x",
    "//",
    "/*",
    "*/",
    "step a {",
    "gate",
    "runbook x",
    "checks",
    "check \"a\" {",
    "- ",
    "-\n",
    "&a ",
    "*a",
    "!t ",
    "<<: ",
    "---\n",
    "...\n",
    "|",
    ">-",
    "|2+\n",
    "? ",
    "\r\n",
    "\r",
    "\u{feff}",
    "\u{2028}",
    "\u{85}",
    "é",
    "\\",
    "\\u{41}",
    "${{ ",
    " }}",
    "params.x",
    "steps.a.outputs",
    "null",
    "true",
    "1.5",
    "10m",
    "2s..3s",
    "80%",
    "a ? b : c",
    " && ",
    " in ",
    "!",
    ".map(x, x)",
    "size(",
    "- step: a\n",
    "  k: v\n",
    "{a: b, c: [d]}",
    "\0",
    "\u{1b}",
];

struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let count = u64::try_from(count).unwrap_or(1).max(1);
        usize::try_from((self.0 >> 11) % count).unwrap_or(0)
    }

    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn range(&mut self, text: &str, longest: usize) -> std::ops::Range<usize> {
        let start = self.place(text);
        let mut end = (start + self.below(longest)).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        start..end.max(start)
    }

    /// Does something to a text; `others` are texts to take pieces of.
    fn damage(&mut self, text: &mut String, others: &[String]) {
        match self.below(9) {
            0 => {
                let range = self.range(text, 12);
                text.replace_range(range, "");
            }
            1 => {
                let range = self.range(text, 80);
                text.replace_range(range, "");
            }
            2 => {
                let range = self.range(text, 120);
                let piece = text[range].to_owned();
                let at = self.place(text);
                text.insert_str(at, &piece);
            }
            3 | 4 => {
                let at = self.place(text);
                text.insert_str(at, TOKENS[self.below(TOKENS.len())]);
            }
            5 => {
                let range = self.range(text, 4);
                text.replace_range(range, TOKENS[self.below(TOKENS.len())]);
            }
            6 => {
                let other = &others[self.below(others.len())];
                let piece = other[self.range(other, 200)].to_owned();
                let at = self.place(text);
                text.insert_str(at, &piece);
            }
            7 => {
                let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
                let (a, b) = (self.below(lines.len()), self.below(lines.len()));
                if !lines.is_empty() {
                    lines.swap(a, b);
                }
                *text = lines.concat();
            }
            _ => {
                // One line stands further left or right.
                let at = self.place(text);
                let line = text[..at].rfind('\n').map_or(0, |found| found + 1);
                if text[line..].starts_with("  ") && self.below(2) == 0 {
                    text.replace_range(line..line + 2, "");
                } else {
                    text.insert_str(line, "  ");
                }
            }
        }
    }
}

/// The texts that each target begins with.
fn corpus() -> Vec<Vec<(String, String)>> {
    let files = all();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let found = |target: &str| {
        let mut texts = Vec::new();
        for entry in std::fs::read_dir(top.join(target))
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            #[allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]
            let bytes = std::fs::read(&path).expect("a file of the corpus");
            texts.push((
                path.display().to_string(),
                String::from_utf8_lossy(&bytes).into_owned(),
            ));
        }
        texts.sort();
        texts
    };
    let of = |yaml: bool| {
        let named = |name: &str| name.ends_with(".yaml") || name.ends_with(".yml");
        files
            .iter()
            .filter(move |(name, _)| named(name) == yaml)
            .cloned()
    };
    TARGETS
        .iter()
        .map(|target| {
            let mut texts = found(target);
            match *target {
                "runbook" => texts.extend(of(false)),
                "yaml" => texts.extend(of(true)),
                "fmt" => texts.extend(files.iter().cloned()),
                _ => texts.extend(
                    files
                        .iter()
                        .flat_map(|(name, text)| expressions(name, text)),
                ),
            }
            texts
        })
        .collect()
}

/// The texts in double quotes of a file: most of them are expressions or templates.
fn expressions(name: &str, text: &str) -> Vec<(String, String)> {
    let quoted = text.split('"').skip(1).step_by(2);
    let short = quoted.filter(|text| (3..200).contains(&text.len()) && !text.contains('\n'));
    short
        .map(|text| (name.to_owned(), text.to_owned()))
        .collect()
}

/// Feeds a text to a target; panics when it does not hold.
fn feed(target: &str, name: &str, text: &str) {
    match target {
        "expression" => expressions::holds(text),
        "fmt" => {
            format_holds(name, text);
            convert_holds(name, text);
        }
        _ => {
            let file = SourceFile::new(name, text);
            let parsed = syntax::parse(&file);
            let checked = check(&file);
            for found in parsed.diagnostics.iter().chain(&checked.diagnostics) {
                for label in &found.labels {
                    assert!(
                        text.get(label.span.range()).is_some(),
                        "{found:?} is not in the file"
                    );
                }
            }
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the test is bounded by time where it is asked to be"
)]
fn now() -> Instant {
    Instant::now()
}

fn setting(name: &str) -> Option<u64> {
    #[allow(
        clippy::disallowed_methods,
        reason = "how long a test runs is said from outside"
    )]
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}=`{value}` is no number")),
    )
}

/// Feeds a text and measures; `Err` says what went wrong.
fn holds(target: &str, name: &str, text: &str) -> Result<(), String> {
    let begin = now();
    let fed = catch_unwind(AssertUnwindSafe(|| feed(target, name, text)));
    let taken = begin.elapsed();
    match fed {
        Ok(()) if taken < LONGEST => Ok(()),
        Ok(()) => Err(format!("it took {taken:?}")),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            Err(said.unwrap_or_else(|| "it panicked".to_owned()))
        }
    }
}

#[test]
fn whatever_is_fed_is_taken() {
    let seconds = setting("PITON_FUZZ_SECONDS");
    #[allow(
        clippy::disallowed_methods,
        reason = "a long run begins somewhere else each time"
    )]
    let random = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(1, |since| since.subsec_nanos().into())
    };
    let seed = setting("PITON_FUZZ_SEED").unwrap_or_else(|| seconds.map_or(1, |_| random()));
    println!("PITON_FUZZ_SEED={seed}");
    let corpus = corpus();
    let mut fed = [0_usize; 4];
    for (number, target) in TARGETS.iter().enumerate() {
        for (name, text) in &corpus[number] {
            let ended = holds(target, name, text);
            assert!(ended.is_ok(), "{target}: {name}: {ended:?}");
        }
    }
    let begin = now();
    let more = |round: u64| match seconds {
        Some(seconds) => begin.elapsed() < Duration::from_secs(seconds),
        None => round < 600,
    };
    let mut round = 0;
    while more(round) {
        // Each round has a seed of its own, so that one alone can be done again.
        let mut dice = Dice(seed.wrapping_add(round).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        dice.below(2);
        let number = dice.below(TARGETS.len());
        let texts = &corpus[number];
        let others: Vec<String> = (0..2)
            .map(|_| texts[dice.below(texts.len())].1.clone())
            .collect();
        let (name, mut text) = texts[dice.below(texts.len())].clone();
        for _ in 0..=dice.below(6) {
            dice.damage(&mut text, &others);
        }
        let ended = holds(TARGETS[number], &name, &text);
        assert!(
            ended.is_ok(),
            "{}: PITON_FUZZ_SEED={}: {ended:?}\n{text:?}",
            TARGETS[number],
            seed.wrapping_add(round)
        );
        fed[number] += 1;
        round += 1;
    }
    println!(
        "{round} inputs in {:?}: {:?}",
        begin.elapsed(),
        TARGETS.iter().zip(fed).collect::<Vec<_>>()
    );
}

//! The promises on runbooks that are made up: every form of both syntaxes, laid out as badly as can be, with comments
//! wherever one may stand.

use super::promises::{convert_holds, format_holds, tree};
use proptest::prelude::*;

/// Makes choices from a number.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let count = u64::try_from(count).unwrap_or(1).max(1);
        usize::try_from((self.0 >> 11) % count).unwrap_or(0)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

const WORDS: &[&str] = &[
    "a", "go-on", "true", "3", "10m", "2s..30s", "80%", "none", "stop", "string", "null", "x.y",
    "-1.5e3",
];

const TEXTS: &[&str] = &[
    "plain",
    "two words",
    "",
    "true",
    "12",
    "a # b",
    "a: b",
    "it's",
    "say \"x\"",
    "back\\slash",
    "é — ü",
    "tab\there",
    "- dash",
    "${{ params.x }}",
    "{a}",
    "[b]",
    "ends:",
    " lead",
    "trail ",
    "a, b",
    "~",
    "null",
    "no",
    "*star",
    "&and",
    "%pct",
    "@at",
    "`tick`",
    "// not",
    "/* not */",
    "<<",
    "2026-01-02",
    "key: 'v' # c",
    "a\nb",
    "line\n",
    "---",
    "|",
    ">",
];

const LINES: &[&str] = &[
    "echo one",
    "  two",
    "if x; then",
    "# no comment",
    "",
    "\"quoted\"",
    "a: b",
    "- c",
    "{}",
    "tab\t",
    "ends  ",
    "é",
    "// no",
];

/// A text in Piton's own language.
struct Runbook {
    dice: Dice,
    out: String,
    count: usize,
}

impl Runbook {
    fn make(seed: u64) -> String {
        let mut made = Runbook {
            dice: Dice(seed | 1),
            out: String::new(),
            count: 0,
        };
        made.between();
        made.out += "runbook made ";
        made.block(0, "runbook", false);
        made.space();
        made.between();
        made.out
    }

    fn space(&mut self) {
        let space = self.dice.one(&["", " ", "  ", "\t"]);
        self.out += space;
    }

    /// What may stand between two statements.
    fn between(&mut self) {
        for _ in 0..self.dice.below(4) {
            self.count += 1;
            let comment = match self.dice.below(10) {
                0 => format!("# c{}\n", self.count),
                1 => format!("  // c{} # \"x\" \n", self.count),
                2 => format!("/* c{} */ ", self.count),
                3 => format!("/* c{}\n  more */\n", self.count),
                4 => "\n\n".to_owned(),
                5 => "\r\n".to_owned(),
                6 => "\n \n\n".to_owned(),
                _ => "\n".to_owned(),
            };
            self.out += &comment;
        }
    }

    fn name(&mut self, word: &str) -> String {
        self.count += 1;
        match self.dice.below(6) {
            0 => format!("\"{word} {}\"", self.count),
            _ => format!("{word}-{}", self.count),
        }
    }

    fn block(&mut self, depth: usize, within: &str, short: bool) {
        self.out += "{";
        let count = self.dice.below(if depth == 0 { 9 } else { 5 });
        for _ in 0..count {
            if short {
                self.out += " ";
            } else {
                self.between();
                self.out += self.dice.one(&["\n", "\n  ", "\n\n", ", ", "; ", "\n\t"]);
            }
            self.statement(depth + 1, within, short);
            if short {
                self.out += ",";
            }
        }
        if !short {
            self.between();
        }
        self.out += "}";
    }

    fn statement(&mut self, depth: usize, within: &str, short: bool) {
        let short = short || self.dice.chance(25);
        match self.dice.below(12) {
            0..=2 if depth < 5 => {
                let (word, named) = match within {
                    "runbook" => (
                        self.dice.one(&["step", "gate", "param", "secret", "mode"]),
                        true,
                    ),
                    "escalation" => ("level", false),
                    "checks" => ("check", true),
                    _ => (
                        self.dice
                            .one(&["checks", "env", "retry", "ask", "undo", "escalation"]),
                        false,
                    ),
                };
                let named = named || matches!(word, "ask" | "escalation");
                let name = if named {
                    self.name(word)
                } else {
                    String::new()
                };
                if !named {
                    self.count += 1;
                }
                let word = match word {
                    "env" | "retry" => format!("{word}{}", self.count),
                    "checks" | "undo" if within != "runbook" => format!("{word}x{}", self.count),
                    other => other.to_owned(),
                };
                self.out += &format!("{word} {name}");
                self.space();
                let word = word.clone();
                self.block(depth, &word, short);
            }
            3 if depth < 5 && !short => {
                self.count += 1;
                self.out += &format!("k{} = probe ", self.count);
                self.block(depth, "probe", short);
            }
            _ => {
                self.count += 1;
                let key = match self.dice.below(8) {
                    0 => format!("\"key {}\"", self.count),
                    _ => format!("k{}", self.count),
                };
                self.out += &key;
                self.space();
                self.out += "=";
                self.space();
                self.value(depth, short);
            }
        }
    }

    fn value(&mut self, depth: usize, short: bool) {
        match self.dice.below(10) {
            0 | 1 if depth < 5 => self.list(depth, short),
            2 if depth < 5 => self.block(depth, "", short),
            // Those that the schema does not know come back as blocks, which are longer.
            3 if depth < 5 && !short => {
                self.out += "f(";
                self.value(depth + 5, true);
                if self.dice.chance(40) {
                    self.out += ", times = ";
                    self.value(depth + 5, true);
                }
                self.out += ")";
            }
            4 if !short => self.raw(),
            5 | 6 => self.out += self.dice.one(WORDS),
            _ => {
                let text = self.dice.one(TEXTS);
                let text = text
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n");
                self.out += &format!("\"{text}\"");
            }
        }
    }

    fn list(&mut self, depth: usize, short: bool) {
        self.out += "[";
        for at in 0..self.dice.below(4) {
            if at > 0 {
                self.out += ",";
            }
            if !short {
                self.between();
            }
            self.space();
            self.value(depth + 1, short);
        }
        if !short {
            self.between();
        }
        self.out += "]";
    }

    fn raw(&mut self) {
        self.out += "\"\"\"";
        let indent = self.dice.one(&["", "  ", "      ", "\t"]);
        for _ in 0..self.dice.below(5) {
            let line = self.dice.one(LINES);
            self.out += &format!("\n{indent}{line}");
        }
        self.out += self.dice.one(&["", "\n", "\n    "]);
        // A quote would end the text early.
        self.out += " \"\"\"";
    }
}

/// A text in YAML.
struct Yaml {
    dice: Dice,
    out: String,
    count: usize,
}

impl Yaml {
    fn make(seed: u64) -> String {
        let mut made = Yaml {
            dice: Dice(seed | 1),
            out: String::new(),
            count: 0,
        };
        made.out += made.dice.one(&["", "", "---\n", "\u{feff}"]);
        made.between(0);
        made.out += "runbook: made";
        made.end();
        made.map(0, 0, true);
        made.between(0);
        made.out
    }

    /// Lines between two entries.
    fn between(&mut self, column: usize) {
        for _ in 0..self.dice.below(3) {
            self.count += 1;
            let near = column.saturating_sub(2) + self.dice.below(4);
            match self.dice.below(4) {
                0 => self.out += &format!("{}# c{}\n", " ".repeat(near), self.count),
                1 => self.out += &format!("{}#c{} 'x' \n", " ".repeat(column), self.count),
                2 => self.out += "\n",
                _ => self.out += "   \n\n",
            }
        }
    }

    fn end(&mut self) {
        self.count += 1;
        match self.dice.below(6) {
            0 => self.out += &format!(" # e{}\n", self.count),
            1 => self.out += &format!("   #e{}  \n", self.count),
            2 => self.out += "  \r\n",
            _ => self.out += "\n",
        }
    }

    fn map(&mut self, column: usize, depth: usize, begun: bool) {
        let count = 1 + self.dice.below(if depth == 0 { 6 } else { 4 });
        for at in 0..count {
            if at > 0 || begun {
                self.between(column);
                self.out += &" ".repeat(column);
            }
            self.count += 1;
            let key = match (depth, self.dice.below(9)) {
                (0, 0) => "steps".to_owned(),
                (0, 1) => "params".to_owned(),
                (_, 2) => "checks".to_owned(),
                (_, 3) => format!("'key {}'", self.count),
                (_, 4) => "effect".to_owned(),
                (_, 5) => "on_fail".to_owned(),
                _ => String::new(),
            };
            let key = match key.as_str() {
                // Only the first is no repetition.
                "" => format!("k{}", self.count),
                key if at > 0 && !key.starts_with('\'') => format!("k{}", self.count),
                key => key.to_owned(),
            };
            self.out += &format!("{key}:");
            self.after_key(&key, column, depth);
        }
    }

    fn after_key(&mut self, key: &str, column: usize, depth: usize) {
        let deeper = column + 1 + self.dice.below(4);
        match self.dice.below(10) {
            0 | 1 if depth < 4 => {
                self.end();
                self.map(deeper, depth + 1, true);
            }
            2 | 3 if depth < 4 => {
                self.end();
                let zero = self.dice.chance(30);
                self.list(if zero { column } else { deeper }, depth + 1, key);
            }
            4 => {
                self.out += " ";
                self.flow(0);
                self.end();
            }
            5 => self.block(deeper),
            6 => {
                self.out += self.dice.one(&["", " ~", " null", " ''"]);
                self.end();
            }
            _ => {
                self.out += " ";
                self.scalar(deeper, false);
                self.end();
            }
        }
    }

    fn list(&mut self, column: usize, depth: usize, key: &str) {
        for _ in 0..=self.dice.below(3) {
            self.between(column);
            self.out += &format!("{}-", " ".repeat(column));
            let gap = 1 + self.dice.below(3);
            match self.dice.below(6) {
                0 | 1 if depth < 4 => {
                    self.out += &" ".repeat(gap);
                    match key {
                        "steps" => {
                            self.count += 1;
                            self.out += &format!("step: s{}", self.count);
                            self.end();
                            self.map(column + 1 + gap, depth + 1, true);
                        }
                        _ => self.map(column + 1 + gap, depth + 1, false),
                    }
                }
                2 if depth < 4 => {
                    self.end();
                    self.map(column + 2, depth + 1, true);
                }
                3 => {
                    self.out += " ";
                    self.flow(0);
                    self.end();
                }
                4 => self.block(column + 2),
                _ => {
                    self.out += " ";
                    self.scalar(column + 2, false);
                    self.end();
                }
            }
        }
    }

    fn flow(&mut self, level: usize) {
        let map = self.dice.chance(50);
        self.out += if map { "{" } else { "[" };
        for at in 0..self.dice.below(4) {
            if at > 0 {
                self.out += ",";
            }
            self.count += 1;
            match self.dice.below(8) {
                0 => self.out += "\n              ",
                1 => self.out += &format!(" # f{}\n              ", self.count),
                _ => self.out += self.dice.one(&["", " ", "  "]),
            }
            if map {
                self.out += &format!("f{}: ", self.count);
            }
            if level < 2 && self.dice.chance(20) {
                self.flow(level + 1);
            } else {
                self.scalar(14, true);
            }
        }
        self.out += self.dice.one(&["", " "]);
        self.out += if map { "}" } else { "]" };
    }

    fn scalar(&mut self, column: usize, flow: bool) {
        let text = self.dice.one(TEXTS);
        match self.dice.below(6) {
            0 => self.out += &format!("'{}'", text.replace('\'', "''").replace('\n', " ")),
            1 | 2 => {
                let text = text
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n");
                self.out += &format!("\"{}\"", text.replace('\t', "\\t"));
            }
            3 => {
                let indent = " ".repeat(column);
                let quote = self.dice.one(&["", "\"", "'"]);
                let line = self.dice.one(&["\n", "\n\n", "  \n"]);
                self.out += &format!("{quote}over{line}{indent}lines{quote}");
            }
            _ if flow => self.out += self.dice.one(&["a", "3", "10m", "true", "a b"]),
            _ => self.out += self.dice.one(WORDS),
        }
    }

    fn block(&mut self, column: usize) {
        let mark = self.dice.one(&["|", "|", "|-", "|+", ">", ">-", ">+"]);
        self.out += &format!(" {mark}");
        self.end();
        let indent = " ".repeat(column);
        self.out += &format!("{indent}first\n");
        for _ in 0..self.dice.below(4) {
            let line = self.dice.one(LINES);
            self.out += &format!("{indent}{line}\n");
        }
        self.out += self.dice.one(&["", "\n", "\n\n"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn made_up_runbooks_keep_everything(seed in any::<u64>()) {
        let text = Runbook::make(seed);
        format_holds("t.runbook", &text);
        convert_holds("t.runbook", &text);
    }

    #[test]
    fn made_up_yaml_keeps_everything(seed in any::<u64>()) {
        let text = Yaml::make(seed);
        format_holds("t.runbook.yaml", &text);
        convert_holds("t.runbook.yaml", &text);
    }
}

/// What once went wrong, by its number: a text whose last line is only spaces; an empty block that stands apart from
/// another of its kind.
#[test]
fn what_once_went_wrong_holds() {
    for seed in [1_818_592_801_658_024_980, 15_965_655_465_547_500_870] {
        let text = Yaml::make(seed);
        format_holds("t.runbook.yaml", &text);
        convert_holds("t.runbook.yaml", &text);
    }
    let text = Runbook::make(2_115_121_709_859_583_122);
    format_holds("t.runbook", &text);
    convert_holds("t.runbook", &text);
}

#[test]
fn most_of_what_is_made_up_is_without_mistakes() {
    let (mut parsed, mut converted) = (0, 0);
    for seed in 1..200_u64 {
        let seed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let texts = [
            ("t.runbook", Runbook::make(seed)),
            ("t.runbook.yaml", Yaml::make(seed)),
        ];
        for (name, text) in texts {
            parsed += usize::from(tree(name, &text).is_some());
            converted += usize::from(convert_holds(name, &text));
        }
    }
    assert!(
        parsed > 300 && converted > 200,
        "{parsed} {converted} of 398"
    );
}

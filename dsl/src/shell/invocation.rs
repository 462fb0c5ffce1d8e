//! Which program a command runs, behind what only leads to it: `sudo`, `env`, `timeout`, `kubectl exec … --`.

use super::{Command, Word};
use std::cell::OnceCell;

/// A program and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Invocation<'a> {
    /// The last part of the program's path.
    pub(crate) program: &'a str,
    /// The program's word.
    pub(crate) word: &'a Word,
    /// Its arguments.
    pub(crate) arguments: &'a [Word],
    /// The programs that lead to it, outermost first.
    pub(crate) through: Vec<&'a str>,
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Where in a command the words are that [`Invocation`] is made of: twenty rules ask each command.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The program's word.
    word: usize,
    /// Where its last part begins, in bytes.
    base: usize,
    /// The programs that lead to it, likewise.
    through: Vec<(usize, usize)>,
}

/// What was found out about a command, which does not change any more when rules ask.
pub(super) type Cache = OnceCell<Option<Place>>;

impl Command {
    /// The program that it runs in the end; `None` when it runs none.
    pub(crate) fn invocation(&self) -> Option<Invocation<'_>> {
        let place = self.runs.get_or_init(|| self.place()).as_ref()?;
        let program = |(word, base): (usize, usize)| self.words.get(word)?.text.get(base..);
        Some(Invocation {
            program: program((place.word, place.base))?,
            word: self.words.get(place.word)?,
            arguments: self.words.get(place.word + 1..).unwrap_or_default(),
            through: place.through.iter().filter_map(|it| program(*it)).collect(),
        })
    }

    fn place(&self) -> Option<Place> {
        let mut words = self.words.as_slice();
        let mut through = Vec::new();
        loop {
            let (word, arguments) = words.split_first()?;
            let program = base(&word.text);
            let at = self.words.len() - words.len();
            let base = word.text.len() - program.len();
            match behind(program, arguments) {
                Some(inner) if !inner.is_empty() && through.len() < 8 => {
                    through.push((at, base));
                    words = inner;
                }
                _ => {
                    return Some(Place {
                        word: at,
                        base,
                        through,
                    });
                }
            }
        }
    }
}

/// What a program runs, if all it does is to run another one.
fn behind<'a>(program: &str, arguments: &'a [Word]) -> Option<&'a [Word]> {
    match program {
        "sudo" | "doas" | "nice" | "ionice" | "chronic" | "setsid" | "stdbuf" | "chrt" => Some(
            skip_options(arguments, &["-u", "-g", "-n", "-c", "-h", "-p"]),
        ),
        "nohup" | "command" | "exec" | "time" | "builtin" => Some(skip_options(arguments, &[])),
        "env" => {
            let rest = skip_options(arguments, &["-u", "-C"]);
            let set = rest.iter().take_while(|word| word.text.contains('='));
            rest.get(set.count()..)
        }
        "timeout" => skip_options(arguments, &["-s", "-k", "--signal", "--kill-after"]).get(1..),
        "kubectl" | "oc" if first_word(arguments) == Some("exec") => {
            let dashes = arguments.iter().position(|word| word.text == "--")?;
            arguments.get(dashes + 1..)
        }
        "docker" | "podman" => {
            let at = arguments.iter().position(|word| word.text == "exec")?;
            let rest = arguments.get(at + 1..)?;
            skip_options(
                rest,
                &["-e", "-u", "-w", "--env", "--user", "--workdir", "--index"],
            )
            .get(1..)
        }
        _ => None,
    }
}

fn first_word(words: &[Word]) -> Option<&str> {
    words
        .iter()
        .map(|word| word.text.as_str())
        .find(|text| !text.starts_with('-'))
}

/// What stands behind options; those in `with_value` have a value in the next word.
fn skip_options<'a>(words: &'a [Word], with_value: &[&str]) -> &'a [Word] {
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.text.starts_with('-')) {
        at += 1 + usize::from(with_value.contains(&word.text.as_str()));
        if word.text == "--" {
            break;
        }
    }
    words.get(at..).unwrap_or_default()
}

impl<'a> Invocation<'a> {
    /// Whether it has one of these long options (`--x`, also as `--x=…`), or one of these letters among its short
    /// ones (`-x`, also as `-ax`).
    pub(crate) fn has(&self, long: &[&str], short: &str) -> bool {
        self.option(long, short).is_some()
    }

    /// The first word with one of these options.
    pub(crate) fn option(&self, long: &[&str], short: &str) -> Option<&'a Word> {
        self.arguments
            .iter()
            .take_while(|word| word.text != "--")
            .find(|word| match word.text.strip_prefix("--") {
                Some(name) => {
                    let name = name.split('=').next().unwrap_or(name);
                    long.contains(&name)
                }
                None => word
                    .text
                    .strip_prefix('-')
                    .is_some_and(|letters| letters.contains(|c| short.contains(c))),
            })
    }

    /// The values of an option: the next word, what follows the letter, or what follows `=`.
    pub(crate) fn values(&self, long: &str, short: char) -> Vec<(&'a str, &'a Word)> {
        let mut found = Vec::new();
        let mut words = self.arguments.iter().peekable();
        while let Some(word) = words.next() {
            let text = word.text.as_str();
            if let Some(name) = text.strip_prefix("--") {
                match name.split_once('=') {
                    Some((name, value)) if name == long => found.push((value, word)),
                    None if name == long => {
                        found.extend(words.peek().map(|next| (next.text.as_str(), *next)));
                    }
                    _ => {}
                }
            } else if let Some(letters) = text.strip_prefix('-')
                && let Some((before, after)) = letters.split_once(short)
                && before.chars().all(|c| c.is_ascii_alphabetic())
            {
                match after {
                    "" => found.extend(words.peek().map(|next| (next.text.as_str(), *next))),
                    value => found.push((value, word)),
                }
            }
        }
        found
    }

    /// Arguments that are no options.
    pub(crate) fn operands(&self) -> impl Iterator<Item = &'a Word> + use<'a> {
        self.arguments
            .iter()
            .filter(|word| !word.text.starts_with('-'))
    }
}

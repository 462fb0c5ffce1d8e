//! Shell scripts, read as far as rules need: commands with their words, pipelines, redirections, here-documents and
//! comments. It is no parser of the whole language: what it does not know it takes for words.

mod group;
mod invocation;
mod read;
mod words;

pub(crate) use invocation::Invocation;
pub(crate) use read::read;

use crate::source::Span;
use std::ops::Range;

/// A script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// Every pipeline, those inside of others before them, otherwise in the order of the text.
    pub(crate) pipelines: Vec<Pipeline>,
    /// Comments, from their `#` to the end of the line.
    pub(crate) comments: Vec<Span>,
}

/// Commands joined by `|`; most often one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipeline {
    /// The commands.
    pub(crate) commands: Vec<Command>,
    /// Whether `!` turns its status round.
    pub(crate) negated: bool,
    /// Whether its status decides what comes next: after `if`, `while` and the like.
    pub(crate) condition: bool,
    /// Whether `&` sends it to the background.
    pub(crate) background: bool,
    /// How it is joined to the one before.
    pub(crate) before: Joint,
    /// How the next one is joined to it.
    pub(crate) after: Joint,
    /// Whether it stands in a `for` loop.
    pub(crate) in_for: bool,
    /// Whether its output is put into another command: `$(…)`.
    pub(crate) substituted: bool,
}

/// What stands between two pipelines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Joint {
    /// The end of a command.
    #[default]
    End,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// A command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    /// Variables that it sets, with their values.
    pub(crate) assignments: Vec<(String, Word)>,
    /// Its name and its arguments.
    pub(crate) words: Vec<Word>,
    /// Redirections.
    pub(crate) redirects: Vec<Redirect>,
    /// Whether it is a group, a loop or a condition, whose commands are in pipelines of their own.
    pub(crate) compound: bool,
    /// What it runs, once somebody asked.
    runs: invocation::Cache,
}

/// A word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word {
    /// The text without its quotes. What the shell puts in (`$X`, `$(…)`) stands as it was written.
    pub(crate) text: String,
    /// Whether any of it was quoted.
    pub(crate) quoted: bool,
    /// Where it stands.
    pub(crate) span: Span,
}

/// A redirection.
#[derive(Clone, Debug)]
pub(crate) struct Redirect {
    /// The number before it, if there is one.
    pub(crate) number: Option<u32>,
    /// `<`, `>`, `>>`, `<<`, `<<<`, `>&`, `&>` and the like.
    pub(crate) operator: &'static str,
    /// The file, or the end mark of a here-document.
    pub(crate) target: Word,
    /// The text of a here-document.
    pub(crate) body: String,
}

impl Script {
    /// Every command.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &Command> {
        self.pipelines
            .iter()
            .flat_map(|pipeline| &pipeline.commands)
    }
}

impl Command {
    /// A program with its arguments.
    pub(crate) fn of(words: Vec<Word>) -> Command {
        Command {
            words,
            ..Command::default()
        }
    }

    /// Where it stands, from its first to its last word.
    pub(crate) fn span(&self) -> Span {
        let assigned = self.assignments.iter().map(|(_, word)| word.span);
        let words = assigned.chain(self.words.iter().map(|word| word.span));
        let mut targets = self.redirects.iter().map(|redirect| redirect.target.span);
        words
            .clone()
            .next()
            .map(|first| {
                let last = words.last().unwrap_or(first);
                Span::new(first.start, last.end.max(first.end))
            })
            .or_else(|| targets.next_back())
            .unwrap_or_default()
    }

    /// Whether what it reads comes from a file or a here-document.
    pub(crate) fn reads_redirected(&self) -> bool {
        self.redirects
            .iter()
            .any(|it| it.operator.starts_with('<') && it.number.is_none_or(|number| number == 0))
    }
}

/// The part of a text.
fn part(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or_default()
}

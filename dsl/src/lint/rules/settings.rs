//! What scripts set in the configuration of Postgres, for the rules about that.

use crate::lint::Context;
use crate::lint::find::{contains, places};
use std::ops::Range;

/// The settings in the text of a script.
pub(super) struct Settings<'a> {
    text: &'a str,
}

impl<'a> Settings<'a> {
    pub(super) fn of(text: &'a str) -> Settings<'a> {
        Settings { text }
    }

    /// Where a setting of this name gets a value (`name = …`, or `-c name=…`), comments aside.
    pub(super) fn set(&self, name: &str) -> Option<Range<usize>> {
        self.places(name).find(|range| {
            let behind = self
                .text
                .get(range.end..)
                .unwrap_or_default()
                .trim_start_matches([' ', '\t']);
            // `name 'value'` is fine for Postgres, but prose is full of names.
            behind.starts_with('=')
        })
    }

    /// Whether there is any mention of it, comments aside.
    pub(super) fn mentions(&self, name: &str) -> bool {
        self.places(name).next().is_some()
    }

    fn places(&self, name: &str) -> impl Iterator<Item = Range<usize>> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        // Most texts have none of them, and then need not be cut into lines.
        let text = Some(self.text).filter(|text| contains(text, name));
        let mut begin = 0;
        let lines = text
            .unwrap_or_default()
            .split_inclusive('\n')
            .map(move |line| {
                begin += line.len();
                (begin - line.len(), line)
            });
        lines
            .filter(|(_, line)| !line.trim_start().starts_with('#'))
            .flat_map(move |(begin, line)| places(line, name).map(move |at| (begin, line, at)))
            .filter_map(move |(begin, line, at)| {
                let end = at + name.len();
                let before = line.get(..at).unwrap_or_default();
                let behind = line.get(end..).unwrap_or_default();
                let whole = !before.ends_with(is_part) && !behind.starts_with(is_part);
                whole.then_some(begin + at..begin + end)
            })
    }

    /// Where it is said that a server recovers from an archive: the command that fetches WAL, or the file that starts a
    /// recovery.
    pub(super) fn recovers(&self) -> Option<Range<usize>> {
        self.set("restore_command").or_else(|| {
            let mut files = ["recovery.signal", "standby.signal"].iter();
            files.find_map(|name| self.places(name).next())
        })
    }
}

/// Whether anything in a runbook promotes a server, or lets its replay go on.
pub(super) fn promotes(context: &Context<'_>) -> bool {
    let said = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["pg_promote", "pg_wal_replay_resume"]
            .iter()
            .any(|name| text.contains(name))
            || text.contains("pg_ctl") && text.contains("promote")
    };
    let mut queries = context.embedded.statements.iter();
    queries.any(|it| {
        it.sql
            .text
            .as_ref()
            .is_some_and(|text| said(text.value.text()))
    }) || context.embedded.codes.iter().any(|code| match code.text {
        Some(text) => said(&text.text),
        None => code.script.commands().any(|command| {
            let words: Vec<_> = command
                .words
                .iter()
                .map(|word| word.text.as_str())
                .collect();
            said(&words.join(" "))
        }),
    })
}

/// Whether any script of a runbook mentions a setting.
pub(super) fn mentioned(context: &Context<'_>, name: &str) -> bool {
    let texts = context.embedded.codes.iter().filter_map(|code| code.text);
    let mut texts = texts.map(|text| Settings::of(&text.text));
    texts.any(|settings| settings.mentions(name))
}

//! # A backup is looked for where none is made
//!
//! ## What it does
//! Finds dumps that are read under a path where the same runbook does not write them: in its folder of backups under a
//! name that nothing there has, or under a name that it gives, in another folder.
//!
//! ## Why it is bad
//! The day somebody needs it, the file is not there; or it is one that somebody left there long ago, and is loaded.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step dump {
//!     run     = "pg_dump -d shop > \"/backups/shop/shop-$(date +%F).sql\""
//!     effect  = abandoned("a file more")
//!     timeout = 5m
//!   }
//!   gate complete {
//!     run     = "tail -n 5 /backups/shop/latest.sql | grep -q 'dump complete'"
//!     timeout = 1m
//!     on_fail = [stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step dump {
//!     run     = "pg_dump -d shop > \"/backups/shop/shop-$(date +%F).sql\" && ln -sfn \"shop-$(date +%F).sql\" /backups/shop/latest.sql"
//!     effect  = abandoned("a file more")
//!     timeout = 5m
//!   }
//!   gate complete {
//!     run     = "tail -n 5 /backups/shop/latest.sql | grep -q 'dump complete'"
//!     timeout = 1m
//!     on_fail = [stop]
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::embedded::Code;
use crate::lint::words::resolved;
use crate::shell::{Command, Word};
use std::collections::BTreeSet;

/// The code of this rule.
pub const CODE: &str = "postgres::backup-elsewhere";

/// How dumps end.
const ENDINGS: [&str; 10] = [
    ".sql", ".sql.gz", ".sql.zst", ".sql.xz", ".dump", ".dump.gz", ".pgdump", ".backup", ".tar.gz",
    ".sql.gpg",
];

/// The programs that make a dump.
const MAKING: [&str; 3] = ["pg_dump", "pg_dumpall", "pg_basebackup"];

/// The programs that only read the files they name.
const READING: [&str; 14] = [
    "gunzip",
    "zcat",
    "zstdcat",
    "xzcat",
    "pg_restore",
    "psql",
    "test",
    "[",
    "[[",
    "tail",
    "head",
    "cat",
    "grep",
    "gzip",
];

/// The least that names have to have in common, in bytes, for one to be meant as the other.
const LEAST: usize = 3;

/// A file that the runbook writes a dump to.
struct Written {
    folder: String,
    /// How its name begins, up to what only the shell knows.
    begins: String,
    ends: &'static str,
    /// Whether that is all of its name.
    whole: bool,
}

/// What is wrong with a path, and the word it stands in.
type Wrong<'c> = (&'c Word, String);

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let written: Vec<Written> = context
        .embedded
        .running(&MAKING)
        .flat_map(|code| dumps(context, code))
        .collect();
    if written.is_empty() {
        return;
    }
    // What any other command names, that one may make.
    let made: BTreeSet<String> = context
        .embedded
        .codes
        .iter()
        .flat_map(|code| code.script.commands().map(move |command| (code, command)))
        .filter(|(_, command)| !reads(command))
        .flat_map(|(code, command)| {
            words(command).map(move |word| resolved(context.runbook, code, &word.text))
        })
        .collect();
    for code in context.embedded.running(&READING) {
        for command in code.script.commands().filter(|command| reads(command)) {
            for (word, message) in wrong(context, code, command, &written, &made) {
                found.push(
                    Diagnostic::warning(CODE, word.span, message, "nothing here makes it").help(
                        "read what is written: under one path, in a variable of `env` for both",
                    ),
                );
            }
        }
    }
}

/// The dumps that a script writes, as far as it is known where.
fn dumps(context: &Context<'_>, code: &Code<'_>) -> Vec<Written> {
    let mut found = Vec::new();
    for pipeline in &code.script.pipelines {
        let mut commands = pipeline.commands.iter();
        let makes = |command: &Command| {
            command
                .invocation()
                .is_some_and(|it| MAKING.contains(&it.program))
        };
        if !commands.any(makes) {
            continue;
        }
        for command in &pipeline.commands {
            let files = command
                .invocation()
                .map(|it| it.values("file", 'f'))
                .unwrap_or_default();
            let files = files.into_iter().map(|(text, _)| text);
            let out = command.redirects.iter().filter(|it| {
                matches!(it.operator, ">" | ">>") && it.number.is_none_or(|it| it == 1)
            });
            let all = files.chain(out.map(|it| it.target.text.as_str()));
            found.extend(all.filter_map(|text| written(&resolved(context.runbook, code, text))));
        }
    }
    found
}

/// A path that a dump is written to; `None` where it is not known in which folder.
fn written(path: &str) -> Option<Written> {
    let ends = ending(path)?;
    let known = path.find(['$', '*', '`']).unwrap_or(path.len());
    let (folder, _) = path.get(..known)?.rsplit_once('/')?;
    // A slash behind what is not known may belong to a folder.
    let rest = path.get(known..)?;
    let outside = rest.rsplit(')').next().unwrap_or(rest);
    (folder.starts_with('/') && !outside.contains('/')).then(|| Written {
        folder: folder.to_owned(),
        begins: path
            .get(folder.len() + 1..known)
            .unwrap_or_default()
            .to_owned(),
        ends,
        whole: known == path.len(),
    })
}

/// The longest ending of a dump that a path has.
fn ending(path: &str) -> Option<&'static str> {
    let fitting = ENDINGS.into_iter().filter(|ending| path.ends_with(ending));
    fitting.max_by_key(|ending| ending.len())
}

/// Whether a command only reads the files that it names, on this machine.
fn reads(command: &Command) -> bool {
    command.invocation().is_some_and(|it| {
        let here = it
            .through
            .iter()
            .all(|program| !matches!(*program, "kubectl" | "oc" | "docker" | "podman"));
        let unpacks =
            it.program != "gzip" || it.has(&["decompress", "stdout", "test", "list"], "dctl");
        let writes = it.program == "pg_restore" && !it.values("file", 'f').is_empty();
        here && READING.contains(&it.program) && unpacks && !writes
    })
}

/// The words of a command, and what it reads and writes.
fn words(command: &Command) -> impl Iterator<Item = &Word> {
    let targets = command.redirects.iter().map(|it| &it.target);
    command.words.iter().chain(targets)
}

/// The paths that a command reads, and at which none of the dumps is.
fn wrong<'c>(
    context: &Context<'_>,
    code: &Code<'_>,
    command: &'c Command,
    written: &[Written],
    made: &BTreeSet<String>,
) -> Vec<Wrong<'c>> {
    let outputs: Vec<_> = command
        .redirects
        .iter()
        .filter(|it| it.operator.starts_with('>'))
        .map(|it| it.target.span)
        .collect();
    let mut found = Vec::new();
    for word in words(command).filter(|word| !outputs.contains(&word.span)) {
        let path = resolved(context.runbook, code, &word.text);
        if path.starts_with('/')
            && !path.contains(['$', '*', '?', '`', ' '])
            && !made.contains(&path)
            && let Some(message) = missed(&path, written)
        {
            found.push((word, message));
        }
    }
    found
}

/// What is wrong with a path at which a dump is looked for.
fn missed(path: &str, written: &[Written]) -> Option<String> {
    let ends = ending(path)?;
    let (folder, name) = path.rsplit_once('/')?;
    let is_named = |it: &Written| match it.whole {
        true => name == it.begins,
        false => name.starts_with(&it.begins) && name.ends_with(it.ends),
    };
    let (there, elsewhere): (Vec<&Written>, Vec<&Written>) =
        written.iter().partition(|it| it.folder == folder);
    if there.iter().any(|it| is_named(it)) {
        return None;
    }
    if let Some(other) = there.iter().find(|it| it.ends == ends) {
        return Some(format!(
            "no dump is written to `{name}` here: those in this folder are called `{}{}`",
            other.begins,
            if other.whole {
                String::new()
            } else {
                format!("…{}", other.ends)
            }
        ));
    }
    let moved = elsewhere
        .iter()
        .find(|it| is_named(it) && it.begins.len() >= LEAST)?;
    Some(format!(
        "dumps of this name are written to `{}`, and looked for in `{folder}`",
        moved.folder
    ))
}

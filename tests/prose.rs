//! What README.md and docs/ say is run here: `sh` blocks are commands, `runbook` and `yaml` blocks are files.

use crate::support::{Ended, Place, top, until};
use std::process::Command;

/// The fenced blocks of a Markdown text that are of this kind.
pub fn blocks(text: &str, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => found.extend(open.take()),
            (Some(block), _) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, Some(word)) if word.trim() == kind => open = Some(String::new()),
            (None, _) => {}
        }
    }
    found
}

fn prose() -> Vec<(String, String)> {
    let mut files = vec![top().join("README.md")];
    files.extend(
        std::fs::read_dir(top().join("docs"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .map(|path| {
            (
                path.display().to_string(),
                std::fs::read_to_string(&path).expect("a text"),
            )
        })
        .collect()
}

/// A command of the prose, and how its remark says that it ends.
pub struct Line {
    pub command: String,
    pub code: i32,
}

impl Line {
    /// Reads a line: the command, and behind a `#` what is said of it. Without `exit code N`, it has to do well.
    pub fn read(line: &str) -> Line {
        let (command, remark) = line.split_once(" #").unwrap_or((line, ""));
        let code = remark
            .split_once("exit code ")
            .and_then(|(_, after)| after.split(|c: char| !c.is_ascii_digit()).next())
            .and_then(|code| code.parse().ok());
        Line {
            command: command.trim().to_owned(),
            code: code.unwrap_or(0),
        }
    }
}

/// A place in which commands run as people would type them, one after another.
pub struct Shell {
    place: Place,
}

impl Shell {
    pub fn new() -> Shell {
        let place = Place::new();
        std::os::unix::fs::symlink(top().join("examples"), place.dir.join("examples"))
            .expect("a link");
        let bin = place.dir.join("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_piton"), bin.join("piton")).expect("a link");
        Shell { place }
    }

    /// Runs a command, once what the one before set off has come to rest.
    pub fn run(&self, name: &str, line: &Line) {
        until("the run before rests", || {
            self.place.json(["runs", "--json"])[0]["state"] != "running"
        });
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.place.dir.join("bin");
        let output = Command::new("sh")
            .args(["-c", &line.command])
            .env("PITON_STORE", self.place.store())
            .env("PATH", format!("{}:{path}", bin.display()))
            .current_dir(&self.place.dir)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("sh");
        let ended = Ended::from(output).without_panic();
        assert_eq!(
            ended.code,
            Some(line.code),
            "{name}: `{}`: {ended:?}",
            line.command
        );
    }
}

#[test]
fn every_command_in_the_prose_runs() {
    let mut count = 0;
    for (name, text) in prose() {
        // It needs a database; tests/tutorial.rs runs it.
        if name.ends_with("tutorial.md") {
            continue;
        }
        let shell = Shell::new();
        for block in blocks(&text, "sh") {
            for line in block.lines() {
                // The suite itself runs ./test; building is what made this binary.
                let line = line.trim();
                if line.is_empty()
                    || line.starts_with('#')
                    || line.starts_with("./test")
                    || line.starts_with("cargo install")
                    || line.contains("piton-bench")
                {
                    continue;
                }
                let line = line.replace("cargo run --release -- ", "piton ");
                shell.run(&name, &Line::read(&line));
                count += 1;
            }
        }
    }
    assert!(count >= 20, "only {count} commands were found in the prose");
}

#[test]
fn every_command_that_the_prose_mentions_is_there() {
    let place = Place::new();
    let mut seen = std::collections::BTreeSet::new();
    for (name, text) in prose() {
        for (_, after) in text
            .match_indices("`piton ")
            .map(|(at, mark)| text.split_at(at + mark.len()))
        {
            let word = after
                .split(|c: char| !(c.is_ascii_lowercase() || c == '-' || c == '_'))
                .next()
                .unwrap_or_default();
            if !word.is_empty() && seen.insert(word.to_owned()) {
                let ended = place.run([word, "--help"]);
                assert_eq!(ended.code, Some(0), "{name}: `piton {word}`");
            }
        }
    }
    assert!(seen.len() >= 12, "{seen:?}");
}

#[test]
fn every_runbook_in_the_prose_checks_clean() {
    let mut count = 0;
    for (name, text) in prose() {
        for (kind, ending) in [("runbook", "runbook"), ("yaml", "runbook.yaml")] {
            for block in blocks(&text, kind) {
                let place = Place::new();
                let file = place.file(&format!("prose.{ending}"), &block);
                let ended = place.run(["check".as_ref(), "--strict".as_ref(), file.as_os_str()]);
                assert_eq!(ended.code, Some(0), "{name}:\n{block}\n{ended:?}");
                count += 1;
            }
        }
    }
    assert!(count >= 6, "only {count} runbooks were found in the prose");
}

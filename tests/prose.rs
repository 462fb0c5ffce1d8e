//! What README.md and docs/ say is run here: `sh` blocks are commands, `runbook` and `yaml` blocks are files.

use crate::support::{Ended, Place, top};
use std::process::Command;

/// The fenced blocks of a Markdown text that are of this kind.
fn blocks(text: &str, kind: &str) -> Vec<String> {
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

#[test]
fn every_command_in_the_prose_runs() {
    let mut count = 0;
    for (name, text) in prose() {
        let place = Place::new();
        std::os::unix::fs::symlink(top().join("examples"), place.dir.join("examples"))
            .expect("a link");
        let bin = place.dir.join("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_piton"), bin.join("piton")).expect("a link");
        let path = std::env::var("PATH").unwrap_or_default();
        for block in blocks(&text, "sh") {
            for line in block.lines() {
                let line = line.split(" # ").next().unwrap_or_default().trim();
                // The suite itself runs ./test; building is what made this binary.
                if line.is_empty()
                    || line.starts_with('#')
                    || line.starts_with("./test")
                    || line.starts_with("cargo install")
                    || line.contains("piton-bench")
                {
                    continue;
                }
                let line = line.replace("cargo run --release -- ", "piton ");
                let output = Command::new("sh")
                    .args(["-c", &line])
                    .env("PITON_STORE", place.store())
                    .env("PATH", format!("{}:{path}", bin.display()))
                    .current_dir(&place.dir)
                    .stdin(std::process::Stdio::null())
                    .output()
                    .expect("sh");
                let ended = Ended::from(output).without_panic();
                let waits = line.contains("02-approval") && line.contains(" run ");
                assert_eq!(
                    ended.code,
                    Some(if waits { 3 } else { 0 }),
                    "{name}: `{line}`: {ended:?}"
                );
                count += 1;
            }
        }
    }
    assert!(count >= 8, "only {count} commands were found in the prose");
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
    assert!(count >= 2, "only {count} runbooks were found in the prose");
}

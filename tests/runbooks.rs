//! Every runbook that comes with the project is clean, and has a plan whole and in each of its modes.

use crate::support::{Place, top};
use std::path::{Path, PathBuf};

/// The runbook files in a folder and those below it.
pub fn runbooks(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            runbooks(&path, into);
        } else if name.ends_with(".runbook") || name.ends_with(".runbook.yaml") {
            into.push(path);
        }
    }
}

/// A value for each parameter that has none, as `piton plan` asks for them.
pub fn values(place: &Place, file: &str) -> Vec<String> {
    let asked = place.run(["plan", file]).stderr;
    let lines = asked
        .lines()
        .filter_map(|line| line.split_once("the parameter `"));
    lines
        .filter_map(|(_, rest)| {
            let (name, what) = rest.split_once("` has no value")?;
            let value = if what.contains("a whole number") {
                "6"
            } else {
                "sqlite:some.db"
            };
            Some(format!("--set={name}={value}"))
        })
        .collect()
}

/// The modes of a runbook.
pub fn modes(text: &str) -> Vec<&str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("  mode "));
    lines.filter_map(|line| line.split(' ').next()).collect()
}

#[test]
fn every_runbook_is_clean_and_has_a_plan_in_every_mode() {
    let place = Place::new();
    let mut files = Vec::new();
    for folder in ["runbooks", "examples"] {
        runbooks(&top().join(folder), &mut files);
    }
    assert!(files.len() > 20, "{files:?}");
    let mut tried = 0;
    for file in &files {
        place
            .run(["check".as_ref(), "--strict".as_ref(), file.as_os_str()])
            .expect(0)
            .says("nothing to say");
        if !file.starts_with(top().join("runbooks")) {
            continue;
        }
        let name = file.display().to_string();
        let mut words = vec!["plan".to_owned(), name.clone()];
        words.extend(values(&place, &name));
        place.run(&words).expect(0);
        let text = std::fs::read_to_string(file).expect("a runbook");
        for mode in modes(&text) {
            let in_mode = ["--mode".to_owned(), mode.to_owned()];
            place.run(words.iter().chain(&in_mode)).expect(0).says(mode);
            tried += 1;
        }
    }
    assert!(tried > 0, "no mode was found");
}

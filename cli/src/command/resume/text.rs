//! What an edited runbook changes, as people read it.

use crate::display::clean::one_line;
use crate::display::style::{Line, Style};
use piton_core::id::RunId;
use piton_core::plan::KeyDifference;
use piton_core::run::{BecameWord, Revised, Revision};
use similar::{ChangeTag, TextDiff};
use std::path::Path;

/// What a file would change in a run.
pub fn compared(run: &RunId, file: &Path, revision: &Revision) -> Vec<Line> {
    let file = one_line(&file.display().to_string());
    if revision.is_empty() {
        return vec![Line::new().with(
            Style::Good,
            format!("{file} says what the plan of run {run} says; nothing would change"),
        )];
    }
    let mut lines = vec![Line::new().with(Style::Strong, format!("run {run} with {file}"))];
    lines.extend(differences(revision));
    lines.push(Line::new());
    lines.extend(verdict(run, &file, revision));
    lines
}

/// What was taken over.
pub fn taken(run: &RunId, revision: &Revision) -> Vec<Line> {
    let head = format!("run {run} has taken over the edited runbook");
    let mut lines = vec![Line::new().with(Style::Good, "✓ ").and(head)];
    lines.extend(differences(revision));
    lines.extend(asked_again(revision));
    lines
}

fn differences(revision: &Revision) -> Vec<Line> {
    let mut lines = Vec::new();
    for whole in &revision.whole {
        lines.extend(key(&whole.difference, "  "));
        lines.extend(whole.blocked.as_ref().map(|why| stays(why, "  ")));
    }
    revision.differing().for_each(|it| lines.extend(node(it)));
    let unchanged = revision.nodes.len() - revision.differing().count();
    if unchanged > 0 {
        let text = format!("  = {} unchanged", counted(unchanged));
        lines.push(Line::new().with(Style::Dim, text));
    }
    lines
}

fn counted(nodes: usize) -> String {
    match nodes {
        1 => "1 node".to_owned(),
        nodes => format!("{nodes} nodes"),
    }
}

fn node(revised: &Revised) -> Vec<Line> {
    let (sign, style, word) = match revised.became {
        BecameWord::Unchanged => ("=", Style::Dim, ""),
        BecameWord::Changed => ("~", Style::Asks, ""),
        BecameWord::Added => ("+", Style::Good, "  new"),
        BecameWord::Removed => ("-", Style::Bad, "  gone"),
    };
    let head = Line::new()
        .and("  ")
        .with(style, format!("{sign} "))
        .with(Style::Strong, one_line(&revised.node))
        .and(word);
    let mut lines = vec![head];
    revised
        .keys
        .iter()
        .for_each(|difference| lines.extend(key(difference, "      ")));
    lines.extend(revised.blocked.as_ref().map(|why| stays(why, "      ")));
    lines
}

fn stays(why: &str, indent: &str) -> Line {
    let text = format!(
        "cannot be taken over: {}; it stays as it was begun",
        one_line(why)
    );
    Line::new().and(indent).with(Style::Bad, text)
}

/// A key with what it was and is: on one line, or line by line.
fn key(difference: &KeyDifference, indent: &str) -> Vec<Line> {
    let side = |text: &Option<String>| text.clone().unwrap_or_default();
    let (old, new) = (side(&difference.old), side(&difference.new));
    let head = Line::new()
        .and(indent)
        .with(Style::Dim, one_line(&difference.key));
    if !old.contains('\n') && !new.contains('\n') {
        let shown = |text: &Option<String>| text.as_deref().map_or("—".to_owned(), one_line);
        return vec![
            head.and("  ")
                .with(Style::Bad, shown(&difference.old))
                .and(" → ")
                .with(Style::Good, shown(&difference.new)),
        ];
    }
    let mut lines = vec![head];
    let diff = TextDiff::from_lines(&old, &new);
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ("-", Style::Bad),
                ChangeTag::Insert => ("+", Style::Good),
                ChangeTag::Equal => (" ", Style::Dim),
            };
            let text = one_line(change.value().trim_end_matches('\n'));
            let line = Line::new().and(indent).and("  ");
            lines.push(line.with(style, format!("{sign} {text}")).trimmed());
        }
    }
    lines
}

fn verdict(run: &RunId, file: &str, revision: &Revision) -> Vec<Line> {
    if let Some(refused) = &revision.refused {
        return vec![Line::new().with(
            Style::Bad,
            format!("nothing can be taken over now: {refused}"),
        )];
    }
    let blocked = revision.blocked().len();
    if blocked > 0 {
        let what = match blocked {
            1 => "1 difference is about what has begun".to_owned(),
            more => format!("{more} differences are about what has begun"),
        };
        let text = format!("{what}, so nothing of the file can be taken over as it is");
        return vec![Line::new().with(Style::Bad, text)];
    }
    let mut lines = asked_again(revision);
    let text = format!("`piton resume {run} --replan {file}` takes it over and goes on");
    lines.push(Line::new().and(text));
    lines
}

fn asked_again(revision: &Revision) -> Vec<Line> {
    if revision.asked_again.is_empty() {
        return Vec::new();
    }
    let gates: Vec<String> = revision
        .asked_again
        .iter()
        .map(|gate| format!("`{gate}`"))
        .collect();
    let text = format!("approved anew: {}", gates.join(", "));
    vec![Line::new().with(Style::Asks, text)]
}

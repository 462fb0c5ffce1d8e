//! Ways back, as `show` and the report at the end tell of them: what was undone, in which order, and what is left.

use crate::clock;
use crate::display::clean::one_line;
use crate::display::plain::back_words;
use crate::display::style::{Line, Style};
use piton_core::view::{BackKind, BackView, LeftView, NodeStanding, RunView, UndoState, UndoView};

/// The ways back of a run, each in a line, and the entries of the one that is under way or was the end.
#[must_use]
pub fn lines(view: &RunView) -> Vec<Line> {
    let mut lines = Vec::new();
    for back in &view.earlier_backs {
        lines.push(head(back));
        // What a rewind undid shows in the passes of its nodes.
        if back.kind == BackKind::Rollback {
            lines.extend(entries(back));
        }
    }
    if let Some(back) = &view.back {
        lines.push(head(back));
        lines.extend(entries(back));
    }
    lines
}

fn head(back: &BackView) -> Line {
    let (done, all) = back.progress();
    let far = match (&back.undo, back.ended) {
        (None, None) => ", while what runs is ended".to_owned(),
        (None, Some(_)) => String::new(),
        (Some(_), None) => format!(", {done} of {all} undone"),
        (Some(undo), Some(_)) => {
            let undone = undo.iter().filter(|one| one.state == UndoState::Undone);
            format!(", {} undone", undone.count())
        }
    };
    let words = match (back.ended, &back.to) {
        (None, _) => back_words(back),
        (Some(_), Some(to)) => match (back.count, back.times) {
            (Some(count), Some(times)) => format!("rewound to `{to}` ({count} of {times})"),
            _ => format!("rewound to `{to}`"),
        },
        (Some(_), None) => "rolled back".to_owned(),
    };
    let time = clock::time(back.began);
    let mut line = Line::new()
        .with(Style::Asks, "  ↶ ")
        .and(words)
        .with(Style::Dim, format!("{far}, at {time}"));
    if let Some(by) = &back.by {
        line = line.with(Style::Dim, format!(", by {by}"));
    }
    if let Some(because) = &back.because {
        line = line.with(
            Style::Dim,
            format!(": `{because}` failed: {}", one_line(&back.why)),
        );
    }
    if let Some(by) = &back.stopped_by {
        line = line.with(Style::Bad, format!(", stopped by {by}"));
    }
    line
}

/// The undo set in its order, with how far each entry is.
fn entries(back: &BackView) -> Vec<Line> {
    let undo = back.undo.as_deref().unwrap_or_default();
    let entries = undo.iter().enumerate();
    entries
        .map(|(at, one)| entry(at + 1, undo.len(), one))
        .collect()
}

fn entry(at: usize, all: usize, entry: &UndoView) -> Line {
    let (sign, look, words) = match entry.state {
        UndoState::Pending => ("·", Style::Dim, "to come"),
        UndoState::Asking => ("?", Style::Asks, "somebody has to decide"),
        UndoState::Running => ("↶", Style::Live, "is being undone"),
        UndoState::Undone => ("✓", Style::Good, "undone"),
        UndoState::Nothing => ("–", Style::Dim, "there was nothing to undo"),
        UndoState::Failed => ("✗", Style::Bad, "its undo failed"),
        UndoState::Left => ("!", Style::Bad, "is left"),
    };
    let columns = all.to_string().len();
    let pass = match entry.pass {
        1 => String::new(),
        pass => format!(" (pass {pass})"),
    };
    let by = entry.by.as_ref().map(|by| format!(", says {by}"));
    let why = Some(one_line(&entry.why)).filter(|why| !why.is_empty());
    Line::new()
        .with(Style::Dim, format!("      {at:>columns$} of {all} "))
        .with(look, sign)
        .and(format!(" {}{pass}", entry.node))
        .with(Style::Dim, format!("  {words}{}", by.unwrap_or_default()))
        .and(why.map(|why| format!(": {why}")).unwrap_or_default())
}

/// What was done and is left, and why; empty when nothing is.
#[must_use]
pub fn left(view: &RunView) -> Vec<Line> {
    if view.left.is_empty() {
        return Vec::new();
    }
    let text = "  What was done and is left:";
    let mut lines = vec![Line::new().with(Style::Bad, text)];
    lines.extend(view.left.iter().map(|left| one_left(view, left)));
    lines
}

fn one_left(view: &RunView, left: &LeftView) -> Line {
    let pass = match left.pass {
        1 => String::new(),
        pass => format!(" (pass {pass})"),
    };
    let node = view.node(left.index);
    let failed = node.is_some_and(|node| {
        node.pass == left.pass
            && node
                .settled
                .is_some_and(|end| end != NodeStanding::Succeeded)
    });
    let half = if failed { " (not done in full)" } else { "" };
    let by = left.by.as_ref().map(|by| format!(", decided by {by}"));
    Line::new()
        .with(Style::Bad, "    ! ")
        .with(Style::Strong, left.node.clone())
        .and(format!("{pass}{half}  {}", one_line(&left.why)))
        .with(Style::Dim, by.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{after, plan, view};
    use piton_core::id::Actor;
    use piton_core::plan::{NodeIndex, Response};
    use piton_core::record::{Fact, Inputs, Left, Planned, RenderedAction, UndoEntry, WhyAsk};

    fn text(lines: &[Line]) -> Vec<String> {
        lines.iter().map(Line::plain).collect()
    }

    #[test]
    fn a_rollback_tells_what_is_undone_and_what_is_left() {
        let names = ["stop-writes", "drop", "check"];
        let plan = plan(&names);
        let node = NodeIndex;
        let entry = |at: u32, planned| UndoEntry {
            node: node(at),
            pass: 1,
            planned,
        };
        let inputs = Inputs::of(RenderedAction::Exec { argv: vec![] });
        let ann = Actor {
            name: "ann".to_owned(),
            account: "ann".to_owned(),
        };
        let facts = [
            Fact::NodeSucceeded {
                node: node(0),
                pass: 1,
                outputs: Default::default(),
            },
            Fact::NodeSucceeded {
                node: node(1),
                pass: 1,
                outputs: Default::default(),
            },
            Fact::NodeFailed {
                node: node(2),
                pass: 1,
                message: "3 orphans".to_owned(),
            },
            Fact::ResponseTaken {
                node: node(2),
                pass: 1,
                owner: node(2),
                rung: Some(0),
                response: Response::Rollback,
                by: None,
            },
            Fact::UndoPlanned {
                entries: vec![
                    entry(1, Planned::Ask(WhyAsk::Irreversible)),
                    entry(0, Planned::Run),
                ],
            },
            Fact::UndoLeft {
                left: Left {
                    node: node(1),
                    pass: 1,
                    why: "nothing takes it back".to_owned(),
                    by: Some(ann),
                },
            },
            Fact::UndoStarted {
                node: node(0),
                pass: 1,
                inputs,
            },
        ];
        let view = after(&plan, view(&names), &facts);
        let text = text(&lines(&view));
        assert!(
            text[0].starts_with("  ↶ rolling back, 1 of 2 undone, at "),
            "{text:#?}"
        );
        assert!(
            text[0].ends_with(": `check` failed: 3 orphans"),
            "{text:#?}"
        );
        assert_eq!(
            text[1..],
            [
                "      1 of 2 ! drop  is left, says ann: nothing takes it back",
                "      2 of 2 ↶ stop-writes  is being undone",
            ]
        );
        assert_eq!(
            self::text(&left(&view)),
            [
                "  What was done and is left:",
                "    ! drop  nothing takes it back, decided by ann"
            ]
        );
    }
}

//! The plan as people read it.

use super::node::node_lines;
use super::{order, point_of_no_return, targets};
use crate::clock;
use crate::display::style::{Line, Style};
use crate::undo_set::undo_sets;
use crate::worst_case::{WorstCase, worst_case};
use piton_core::plan::{Escalation, Plan, SecretSource};

/// The whole plan.
pub(super) fn lines(plan: &Plan) -> Vec<Line> {
    let mut lines = head(plan);
    let last = point_of_no_return(plan);
    let sets = undo_sets(plan);
    let mut ends = false;
    for (number, index) in order(plan).into_iter().enumerate() {
        let Some(node) = plan.node(index) else {
            continue;
        };
        lines.push(Line::new());
        if last == Some(index) {
            lines.push(Line::new().with(
                Style::Bad,
                "── point of no return: nothing takes back what follows ──",
            ));
        }
        if node.finally && !std::mem::replace(&mut ends, true) {
            lines.push(Line::new().with(Style::Dim, "── however the run ends ──"));
        }
        let set = sets
            .as_ref()
            .and_then(|sets| sets.get(index.index())?.as_ref());
        lines.extend(node_lines(plan, number + 1, index, node, set));
    }
    lines.push(Line::new());
    if sets.is_none() {
        lines.push(Line::new().with(
            Style::Dim,
            "what a rollback from each node would do is left out: very many nodes change something",
        ));
    }
    lines.push(worst_line(&worst_case(plan)));
    lines
}

fn head(plan: &Plan) -> Vec<Line> {
    let mut head = Line::new().with(Style::Strong, plan.runbook.clone());
    if let Some(title) = &plan.title {
        head = head.and(format!("  {title}"));
    }
    let mut lines = vec![head.with(Style::Dim, format!("  plan {}", plan.digest().short()))];
    let mut line = |word: &str, text: String, more: String| {
        lines.push(
            Line::new()
                .with(Style::Dim, format!("  {word} "))
                .and(text)
                .with(Style::Dim, more),
        );
    };
    if let Some(mode) = &plan.mode {
        line("mode", mode.clone(), String::new());
    }
    if let Some(run) = &plan.undoes {
        line("takes back run", run.to_string(), String::new());
    }
    for (name, value) in &plan.params {
        let value = serde_json::to_string(&value.to_json()).unwrap_or_default();
        line("param", format!("{name} = {value}"), String::new());
    }
    for (name, source) in &plan.secrets {
        line("secret", format!("{name} "), source_words(source));
    }
    if let Some(lock) = &plan.lock {
        let names: Vec<&str> = lock.names.iter().map(|name| name.text()).collect();
        let more = format!("  from start to end; waits {} for it", lock.timeout);
        line("lock", names.join(", "), more);
    }
    for (word, text, more) in targets::words(plan) {
        line(word, text, more);
    }
    for (name, escalation) in &plan.escalations {
        let everywhere = if plan.page.as_ref() == Some(name) {
            " (for every wait for people)"
        } else {
            ""
        };
        let levels = levels(escalation);
        line(
            "escalation",
            format!("{name}: {levels}"),
            everywhere.to_owned(),
        );
    }
    lines
}

fn source_words(source: &SecretSource) -> String {
    match source {
        SecretSource::Env(variable) => format!("from ${variable}"),
        SecretSource::File(path) => format!("from the file {path}"),
        SecretSource::Command(argv) => format!("printed by {}", argv.join(" ")),
    }
}

/// Who is paged when: `lead (15m), then cto and ceo`.
fn levels(escalation: &Escalation) -> String {
    let level = |level: &piton_core::plan::Level| {
        let who = level.page.join(" and ");
        match level.ack_within {
            Some(within) => format!("{who} ({within})"),
            None => who,
        }
    };
    escalation
        .levels
        .iter()
        .map(level)
        .collect::<Vec<_>>()
        .join(", then ")
}

/// A list that may be very long, as people can read it: its beginning and its end.
pub(super) fn some_of<S: AsRef<str>>(all: &[S], between: &str) -> String {
    /// What fits into a few lines of a terminal.
    const MOST: usize = 40;
    const ENDS: usize = 10;
    let join = |part: &[S]| part.iter().map(S::as_ref).collect::<Vec<_>>().join(between);
    match (all.get(..ENDS), all.get(all.len().saturating_sub(ENDS)..)) {
        (Some(head), Some(tail)) if all.len() > MOST => {
            let left_out = all.len() - 2 * ENDS;
            let parts = [join(head), format!("… {left_out} more …"), join(tail)];
            parts.join(between)
        }
        _ => join(all),
    }
}

fn worst_line(worst: &WorstCase) -> Line {
    let path = some_of(&worst.path, " → ");
    let time = clock::length(piton_core::time::Millis(worst.ms));
    let line = if worst.unbounded.is_empty() {
        Line::new().and("worst case ").with(Style::Strong, time)
    } else {
        let without = some_of(&worst.unbounded, ", ");
        Line::new()
            .and("worst case unknown: no time limit on ")
            .with(Style::Asks, without)
            .and(format!("; the rest takes at most {time}"))
    };
    line.with(Style::Dim, format!("  along {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;
    use piton_core::expr::{Expression, Template};
    use piton_core::plan::{
        Level, Lock, NodeIndex, Response, Retry, Target, Undo, UndoAfter, Until, WorldEffect,
    };
    use piton_core::time::Millis;
    use std::collections::BTreeMap;

    fn text(plan: &Plan) -> Vec<String> {
        lines(plan).iter().map(Line::plain).collect()
    }

    #[test]
    fn a_very_long_path_is_shown_by_its_ends() {
        let names: Vec<String> = (0..41).map(|number| format!("n{number}")).collect();
        let text = some_of(&names, " → ");
        assert!(text.starts_with("n0 → n1 → "), "{text}");
        assert!(text.contains("n9 → … 21 more … → n31"), "{text}");
        assert!(text.ends_with("→ n40"), "{text}");
        assert!(!some_of(&names[..40], ", ").contains('…'));
    }

    #[test]
    fn the_point_of_no_return_is_marked_once() {
        let mut plan = plan(&["a", "b", "c"]);
        plan.nodes[1].effect = WorldEffect::Irreversible("it drops the old database".to_owned());
        plan.nodes[2].effect = WorldEffect::Unstated;
        assert_eq!(point_of_no_return(&plan), Some(NodeIndex(1)));
        let text = text(&plan);
        assert_eq!(
            text.iter()
                .filter(|line| line.contains("point of no return"))
                .count(),
            1,
            "{text:#?}"
        );
        assert!(
            text.iter()
                .any(|line| line.contains("irreversible: it drops")),
            "{text:#?}"
        );
        let json = serde_json::to_value(super::super::json::shown(&plan)).unwrap();
        assert_eq!(json["point_of_no_return"], "b");
        assert_eq!(json["nodes"][2]["needs"][0], "b");
    }

    #[test]
    fn each_node_says_what_a_rollback_would_do() {
        let mut plan = plan(&["a", "b", "c"]);
        plan.nodes[0].effect = WorldEffect::Undo(Undo {
            action: plan.nodes[0].action.clone(),
            env: BTreeMap::new(),
            timeout: None,
            after: UndoAfter::Succeeded,
            retry: Retry::default(),
            check: None,
        });
        plan.nodes[1].effect = WorldEffect::Irreversible("it is sent".to_owned());
        plan.nodes[2].on_fail = vec![
            Response::Rewind {
                to: NodeIndex(0),
                times: 2,
            },
            Response::Rollback,
        ];
        let text = text(&plan);
        let back: Vec<&String> = text
            .iter()
            .filter(|line| line.contains("rollback here"))
            .collect();
        assert_eq!(
            back,
            [
                "     rollback here: asks about a (half done)",
                "     rollback here: asks about b (nothing takes it back); undoes a",
                "     rollback here: asks about b (nothing takes it back); undoes a",
            ]
        );
        assert!(
            text.iter()
                .any(|line| line.contains("on failure: rewind to `a`")),
            "{text:#?}"
        );
        let json = serde_json::to_value(super::super::json::shown(&plan)).unwrap();
        assert_eq!(json["nodes"][2]["back"]["undo"][0], "a");
        assert_eq!(json["nodes"][2]["back"]["ask"][0]["why"], "irreversible");
        assert_eq!(json["nodes"][2]["on_fail"][0]["rewind"]["to"], "a");
        assert_eq!(json["nodes"][2]["on_fail"][1], "rollback");
    }

    #[test]
    fn what_a_node_waits_for_and_guards_is_shown() {
        let mut plan = plan(&["a", "clean"]);
        plan.mode = Some("drill".to_owned());
        plan.page = Some("infra".to_owned());
        let level = |who: &str, within| Level {
            page: vec![who.to_owned()],
            ack_within: within,
        };
        let escalation = Escalation {
            levels: vec![level("lead", Some(Millis(900_000))), level("cto", None)],
            decide_within: Millis(900_000),
        };
        plan.escalations.insert("infra".to_owned(), escalation);
        let node = &mut plan.nodes[0];
        node.until = Some(Until {
            condition: Expression::parse("value == 1").unwrap(),
            every: Millis(5000),
            fail_when: None,
            hold_for: Some(Millis(30_000)),
            consecutive: 3,
        });
        node.capture = Some(node.action.clone());
        node.target = Some(Target {
            probe: node.action.clone(),
            expect: Some(Expression::parse("value == 'prod'").unwrap()),
        });
        node.confirm = Some(Template::literal("prod"));
        node.lock = Some(Lock {
            names: vec![Template::literal("db")],
            timeout: Millis(60_000),
        });
        node.never_skip = true;
        plan.nodes[1].finally = true;
        plan.nodes[1].needs = vec![];
        let text = text(&plan).join("\n");
        for part in [
            "mode drill",
            "escalation infra: lead (15m), then cto (for every wait for people)",
            "until   value == 1  every 5s, true for 30s, 3 looks in a row",
            "capture run: :",
            "target  run: :  expects value == 'prod'",
            "confirm somebody types prod",
            "lock    db  waits 1m for it",
            "nobody may skip it",
            "── however the run ends ──",
        ] {
            assert!(text.contains(part), "no `{part}` in:\n{text}");
        }
    }
}

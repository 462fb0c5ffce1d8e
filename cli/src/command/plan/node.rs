//! One node of the plan as people read it.

use super::{back, json};
use crate::display::action;
use crate::display::style::{self, Line, Style};
use crate::outputs;
use crate::undo_set::UndoSet;
use piton_core::plan::{
    Action, CallPart, FailWhen, Interrupted, Node, NodeIndex, NodeKind, Plan, Response,
};

/// The lines of a node: what it does, what it waits for, what its failure gets, and the way back from it.
pub(super) fn node_lines(
    plan: &Plan,
    number: usize,
    index: NodeIndex,
    node: &Node,
    set: Option<&UndoSet>,
) -> Vec<Line> {
    let mut lines = vec![head(plan, number, node)];
    let word_line = |(word, text): (&str, String)| {
        Line::new()
            .with(Style::Dim, format!("     {} ", style::pad(word, 7)))
            .and(text)
    };
    lines.extend(before(node).into_iter().map(word_line));
    lines.extend(does(plan, index, node).into_iter().map(word_line));
    if let Some(effect) = action::effect(node) {
        let how = if action::is_final(node) {
            Style::Bad
        } else {
            Style::Dim
        };
        lines.push(Line::new().with(how, format!("     {effect}")));
    }
    let limits = limits(plan, node).join("; ");
    let responses = responses(plan, node);
    let back = set.and_then(|set| back::words(plan, set));
    let notes = [
        Some(limits).filter(|limits| !limits.is_empty()),
        responses.map(|responses| format!("on failure: {responses}")),
        back.map(|back| format!("rollback here: {back}")),
    ];
    let notes = notes.into_iter().flatten();
    lines.extend(notes.map(|note| Line::new().with(Style::Dim, format!("     {note}"))));
    lines
}

fn head(plan: &Plan, number: usize, node: &Node) -> Line {
    let kind = match node.kind {
        NodeKind::Step => "step",
        NodeKind::Gate => "gate",
    };
    let mut head = Line::new()
        .with(Style::Dim, format!("{number:>3}. {kind} "))
        .with(Style::Strong, node.id.clone());
    if let Some(title) = &node.title {
        head = head.and(format!("  {title}"));
    }
    let needs: Vec<&str> = node
        .needs
        .iter()
        .filter_map(|need| plan.node(*need))
        .map(|node| node.id.as_str())
        .collect();
    match needs.as_slice() {
        [] if node.finally => head,
        [] => head.with(Style::Dim, "  at once"),
        needs => head.with(Style::Dim, format!("  after {}", needs.join(", "))),
    }
}

/// What has to be so before it starts.
fn before(node: &Node) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(when) = &node.when {
        lines.push(("when", when.text().to_owned()));
    }
    if let Some(each) = &node.for_each {
        let key = each.key.as_ref();
        let key = key.map(|key| format!("  by the key {}", key.text()));
        let items = each.items.text();
        lines.push(("each", format!("{items}{}", key.unwrap_or_default())));
    }
    if let Some(lock) = &node.lock {
        let names: Vec<&str> = lock.names.iter().map(|name| name.text()).collect();
        let timeout = lock.timeout;
        lines.push((
            "lock",
            format!("{}  waits {timeout} for it", names.join(", ")),
        ));
    }
    if let Some(target) = &node.target {
        let expect = target.expect.as_ref();
        let expect = expect.map(|expect| format!("  expects {}", expect.text()));
        let probe = one_line(&target.probe);
        lines.push(("target", format!("{probe}{}", expect.unwrap_or_default())));
    }
    if let Some(confirm) = &node.confirm {
        lines.push(("confirm", format!("somebody types {}", confirm.text())));
    }
    if let Some(capture) = &node.capture {
        lines.push(("capture", one_line(capture)));
    }
    lines
}

/// An action in a line, with its kind.
fn one_line(action: &Action) -> String {
    format!(
        "{}: {}",
        action::word(action),
        action::lines(action).join("; ")
    )
}

/// What it does, and what tells that it is done.
fn does(plan: &Plan, index: NodeIndex, node: &Node) -> Vec<(&'static str, String)> {
    let mut lines: Vec<(&'static str, String)> = match &node.action {
        Action::Call(CallPart::Begin) => called(plan, index, node),
        action => action::lines(action)
            .into_iter()
            .enumerate()
            .map(|(at, text)| (if at == 0 { action::word(action) } else { "" }, text))
            .collect(),
    };
    if let Some(until) = &node.until {
        let mut text = format!("{}  every {}", until.condition.text(), until.every);
        if let Some(hold) = until.hold_for {
            text.push_str(&format!(", true for {hold}"));
        }
        if until.consecutive > 1 {
            text.push_str(&format!(", {} looks in a row", until.consecutive));
        }
        lines.push(("until", text));
        match &until.fail_when {
            Some(FailWhen::True(condition)) => {
                lines.push(("fails", format!("when {}", condition.text())));
            }
            Some(FailWhen::Line { file, matches }) => {
                lines.push((
                    "fails",
                    format!("when a line of {} matches {matches}", file.text()),
                ));
            }
            None => {}
        }
    }
    if let Some(success) = &node.success {
        lines.push(("success", success.text().to_owned()));
    }
    let begins = matches!(node.action, Action::Call(CallPart::Begin));
    let gives = outputs::names(node).join(", ");
    if !gives.is_empty() && !begins {
        lines.push(("gives", gives));
    }
    lines
}

/// Which runbook is called, and what it is given.
fn called(plan: &Plan, index: NodeIndex, node: &Node) -> Vec<(&'static str, String)> {
    let scope = plan.scopes.iter().find(|scope| scope.begin == index);
    let what = scope.map(|scope| format!("{}  plan {}", scope.runbook, scope.digest.short()));
    // A call for each of a list begins once more before the first of them.
    let what = what.unwrap_or_else(|| "once for each of a list, one after another".to_owned());
    let mut lines = vec![("call", what)];
    let given = node.outputs.iter();
    lines.extend(given.map(|(name, value)| ("with", format!("{name} = {}", value.text().trim()))));
    lines
}

/// Time limits, tries, and what is unusual about it.
fn limits(plan: &Plan, node: &Node) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(timeout) = node.timeout {
        parts.push(format!("at most {timeout}"));
    }
    if node.retry.times > 0 {
        let waits = match (node.retry.backoff, node.retry.longest) {
            (first, longest) if longest > first => format!("{first}..{longest}"),
            (first, _) => first.to_string(),
        };
        parts.push(format!(
            "up to {} more tries, {waits} apart",
            node.retry.times
        ));
    }
    if let Some(within) = &node.within {
        let of = plan.node(within.of).map_or("?", |node| node.id.as_str());
        parts.push(format!("within {} of {of}", within.length));
    }
    if let Some(valid) = node.valid_for {
        parts.push(format!("holds for {valid}"));
    }
    if node.on_fail == [Response::Continue] {
        parts.push("goes on when it fails".to_owned());
    }
    if !matches!(node.interrupted, Interrupted::Ask | Interrupted::Rerun) {
        parts.push(format!("interrupted: {}", json::interrupted(node)));
    }
    if node.never_skip {
        parts.push("nobody may skip it".to_owned());
    }
    if let Some(policy) = &node.page {
        parts.push(format!("pages {policy}"));
    }
    parts
}

/// Its ladder, where it is more than the usual.
fn responses(plan: &Plan, node: &Node) -> Option<String> {
    match node.on_fail.as_slice() {
        [] | [Response::Stop] | [Response::Continue] => None,
        many => {
            let many: Vec<String> = many.iter().map(|one| action::response(plan, one)).collect();
            Some(many.join(", then "))
        }
    }
}

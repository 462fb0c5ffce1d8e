//! `piton plan`: what a run would do, without doing any of it.

use crate::clock;
use crate::display::action;
use crate::display::style::{self, Line, Style};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runbook::{Settings, load_plan};
use crate::worst_case::{WorstCase, worst_case};
use clap::Args;
use piton_core::plan::{Interrupted, Node, NodeIndex, NodeKind, Plan, Response, SecretSource};
use piton_core::value::Value;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// What `piton plan` takes.
#[derive(Args, Debug)]
#[command(
    name = "plan",
    after_help = "\
Example:
  piton plan restore.runbook --set backup=LATEST

Secrets are shown by name; nothing is started and no secret is read."
)]
pub struct PlanCommand {
    /// The runbook
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// The plan as `--json` writes it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    runbook: &'a str,
    title: Option<&'a str>,
    owner: Option<&'a str>,
    digest: String,
    parallel: u32,
    params: &'a BTreeMap<String, Value>,
    secrets: &'a BTreeMap<String, SecretSource>,
    /// The node after whose start the run cannot be taken back.
    point_of_no_return: Option<&'a str>,
    worst_case: WorstCase,
    /// In an order in which they can run.
    nodes: Vec<ShownNode<'a>>,
}

#[derive(Debug, Serialize)]
struct ShownNode<'a> {
    id: &'a str,
    kind: NodeKind,
    title: Option<&'a str>,
    needs: Vec<&'a str>,
    when: Option<&'a str>,
    action: &'static str,
    command: Vec<String>,
    effect: Option<String>,
    irreversible: bool,
    timeout_ms: Option<u64>,
    retries: u32,
    interrupted: &'static str,
    on_fail: &'a [Response],
}

impl PlanCommand {
    /// Does it.
    ///
    /// # Errors
    /// When the file does not check or the output cannot be written.
    pub fn execute(self) -> Result<Exit, Failure> {
        let loaded = load_plan(&self.file, &self.settings)?;
        let plan = &loaded.plan;
        if self.json {
            output::json(&shown(plan))?;
        } else {
            let colour = style::colour(&io::stdout());
            let text: String = lines(plan)
                .iter()
                .map(|line| line.render(colour) + "\n")
                .collect();
            output::text(&text)?;
        }
        Ok(Exit::Success)
    }
}

/// Nodes in an order in which they can run; of those that could be next, the one that stands first in the file.
#[must_use]
pub fn order(plan: &Plan) -> Vec<NodeIndex> {
    let mut missing: Vec<usize> = plan.nodes.iter().map(|node| node.needs.len()).collect();
    let mut dependants: Vec<Vec<NodeIndex>> = vec![Vec::new(); plan.nodes.len()];
    for (index, node) in plan.indices().zip(&plan.nodes) {
        for need in &node.needs {
            if let Some(list) = dependants.get_mut(need.index()) {
                list.push(index);
            }
        }
    }
    let free = plan
        .indices()
        .filter(|index| missing.get(index.index()) == Some(&0));
    let mut ready: std::collections::BTreeSet<NodeIndex> = free.collect();
    let mut order = Vec::with_capacity(plan.nodes.len());
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for dependant in dependants.get(next.index()).into_iter().flatten() {
            if let Some(count) = missing.get_mut(dependant.index()) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.insert(*dependant);
                }
            }
        }
    }
    order
}

/// The first node in `order` that nothing takes back.
#[must_use]
pub fn point_of_no_return(plan: &Plan) -> Option<NodeIndex> {
    order(plan)
        .into_iter()
        .find(|index| plan.node(*index).is_some_and(action::is_final))
}

fn names<'a>(plan: &'a Plan, needs: &[NodeIndex]) -> Vec<&'a str> {
    needs
        .iter()
        .filter_map(|need| plan.node(*need))
        .map(|node| node.id.as_str())
        .collect()
}

fn interrupted(node: &Node) -> &'static str {
    match node.interrupted {
        Interrupted::Ask => "ask",
        Interrupted::Rerun => "rerun",
        Interrupted::Fail => "fail",
        Interrupted::Probe(_) => "probe",
    }
}

fn shown(plan: &Plan) -> Shown<'_> {
    Shown {
        runbook: &plan.runbook,
        title: plan.title.as_deref(),
        owner: plan.owner.as_deref(),
        digest: plan.digest().to_string(),
        parallel: plan.parallel,
        params: &plan.params,
        secrets: &plan.secrets,
        point_of_no_return: point_of_no_return(plan)
            .and_then(|at| plan.node(at))
            .map(|node| node.id.as_str()),
        worst_case: worst_case(plan),
        nodes: order(plan)
            .into_iter()
            .filter_map(|at| plan.node(at))
            .map(|node| shown_node(plan, node))
            .collect(),
    }
}

fn shown_node<'a>(plan: &'a Plan, node: &'a Node) -> ShownNode<'a> {
    ShownNode {
        id: &node.id,
        kind: node.kind,
        title: node.title.as_deref(),
        needs: names(plan, &node.needs),
        when: node.when.as_ref().map(|when| when.text()),
        action: action::word(&node.action),
        command: action::lines(&node.action),
        effect: action::effect(node),
        irreversible: action::is_final(node),
        timeout_ms: node.timeout.map(|timeout| timeout.0),
        retries: node.retry.times,
        interrupted: interrupted(node),
        on_fail: &node.on_fail,
    }
}

fn lines(plan: &Plan) -> Vec<Line> {
    let mut head = Line::new().with(Style::Strong, plan.runbook.clone());
    if let Some(title) = &plan.title {
        head = head.and(format!("  {title}"));
    }
    let mut lines = vec![head.with(Style::Dim, format!("  plan {}", plan.digest().short()))];
    for (name, value) in &plan.params {
        let value = serde_json::to_string(value).unwrap_or_default();
        lines.push(
            Line::new()
                .with(Style::Dim, "  param ")
                .and(format!("{name} = {value}")),
        );
    }
    for (name, source) in &plan.secrets {
        let source = match source {
            SecretSource::Env(variable) => format!("from ${variable}"),
            SecretSource::File(path) => format!("from the file {path}"),
            SecretSource::Command(argv) => format!("printed by {}", argv.join(" ")),
        };
        lines.push(
            Line::new()
                .with(Style::Dim, "  secret ")
                .and(format!("{name} "))
                .with(Style::Dim, source),
        );
    }
    let last = point_of_no_return(plan);
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
        lines.extend(node_lines(plan, number + 1, node));
    }
    lines.push(Line::new());
    lines.push(worst_line(&worst_case(plan)));
    lines
}

fn node_lines(plan: &Plan, number: usize, node: &Node) -> Vec<Line> {
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
    let needs = names(plan, &node.needs);
    head = match needs.as_slice() {
        [] => head.with(Style::Dim, "  at once"),
        needs => head.with(Style::Dim, format!("  after {}", needs.join(", "))),
    };
    let mut lines = vec![head];
    if let Some(when) = &node.when {
        lines.push(Line::new().with(Style::Dim, "     when ").and(when.text()));
    }
    let word = action::word(&node.action);
    for (at, text) in action::lines(&node.action).into_iter().enumerate() {
        let first = if at == 0 {
            style::pad(word, 7)
        } else {
            " ".repeat(7)
        };
        lines.push(
            Line::new()
                .with(Style::Dim, format!("     {first} "))
                .and(text),
        );
    }
    if let Some(effect) = action::effect(node) {
        let how = if action::is_final(node) {
            Style::Bad
        } else {
            Style::Dim
        };
        lines.push(Line::new().with(how, format!("     {effect}")));
    }
    let limits = limits(node);
    if !limits.is_empty() {
        lines.push(Line::new().with(Style::Dim, format!("     {limits}")));
    }
    lines
}

/// Time limit, tries, and what happens when it fails or is interrupted, where that is not the usual.
fn limits(node: &Node) -> String {
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
    if node.on_fail == [Response::Continue] {
        parts.push("goes on when it fails".to_owned());
    }
    if !matches!(node.interrupted, Interrupted::Ask | Interrupted::Rerun) {
        parts.push(format!("interrupted: {}", interrupted(node)));
    }
    parts.join("; ")
}

fn worst_line(worst: &WorstCase) -> Line {
    let path = worst.path.join(" → ");
    let time = clock::length(piton_core::time::Millis(worst.ms));
    let line = if worst.unbounded.is_empty() {
        Line::new().and("worst case ").with(Style::Strong, time)
    } else {
        let without = worst.unbounded.join(", ");
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
    use piton_core::plan::WorldEffect;

    #[test]
    fn the_order_follows_needs_and_then_the_file() {
        let mut plan = plan(&["a", "b", "c", "d"]);
        plan.nodes[1].needs = vec![NodeIndex(3)];
        plan.nodes[3].needs = vec![];
        let ids: Vec<_> = order(&plan)
            .iter()
            .map(|at| plan.nodes[at.index()].id.as_str())
            .collect();
        assert_eq!(ids, ["a", "d", "b", "c"]);
    }

    #[test]
    fn the_point_of_no_return_is_marked_once() {
        let mut plan = plan(&["a", "b", "c"]);
        plan.nodes[1].effect = WorldEffect::Irreversible("it drops the old database".to_owned());
        plan.nodes[2].effect = WorldEffect::Unstated;
        assert_eq!(point_of_no_return(&plan), Some(NodeIndex(1)));
        let text: Vec<_> = lines(&plan).iter().map(Line::plain).collect();
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
        let json = serde_json::to_value(shown(&plan)).unwrap();
        assert_eq!(json["point_of_no_return"], "b");
        assert_eq!(json["nodes"][2]["needs"][0], "b");
    }
}

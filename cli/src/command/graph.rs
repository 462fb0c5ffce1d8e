//! `piton graph`: the runbook as a picture's source.
//!
//! Both languages draw the same: what comes before what as plain arrows, ways back apart from them (rewinds and
//! undos dashed, in a colour of their own), gates with another shape than steps, called runbooks and what runs
//! however the run ends in frames.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runbook::{Settings, load_plan};
use clap::{Args, ValueEnum};
use piton_core::plan::{Action, CallPart, Node, NodeIndex, NodeKind, Plan, Response, WorldEffect};
use std::fmt::Write as _;
use std::path::PathBuf;

/// What `piton graph` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  piton graph restore.runbook --format dot | dot -Tsvg > restore.svg"
)]
pub struct Graph {
    /// The runbook
    file: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
    #[command(flatten)]
    settings: Settings,
}

/// The language the graph is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Mermaid, as Markdown pages on many sites show it
    Mermaid,
    /// Graphviz
    Dot,
}

impl Graph {
    /// Does it.
    ///
    /// # Errors
    /// When the file does not check or the output cannot be written.
    pub fn execute(self) -> Result<Exit, Failure> {
        let loaded = load_plan(&self.file, &self.settings)?;
        output::text(&match self.format {
            Format::Mermaid => mermaid(&loaded.plan),
            Format::Dot => dot(&loaded.plan),
        })?;
        Ok(Exit::Success)
    }
}

/// What a node looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A step.
    Step,
    /// A gate.
    Gate,
    /// One end of a called runbook.
    Call,
}

/// How a node is taken back, as far as the picture shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Back {
    /// It has an undo.
    Undo,
    /// Nothing takes it back, or nothing is said about it.
    Final,
    /// There is nothing to take back.
    None,
}

/// A frame around nodes: a called runbook, or what runs however the run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Frame {
    title: String,
    nodes: Vec<NodeIndex>,
    frames: Vec<Frame>,
}

fn shape(node: &Node) -> Shape {
    match (&node.action, node.kind) {
        (Action::Call(_), _) => Shape::Call,
        (_, NodeKind::Gate) => Shape::Gate,
        (_, NodeKind::Step) => Shape::Step,
    }
}

fn back(node: &Node) -> Back {
    match node.effect {
        WorldEffect::Undo(_) => Back::Undo,
        WorldEffect::Irreversible(_) | WorldEffect::Unstated => Back::Final,
        WorldEffect::None | WorldEffect::Abandoned(_) => Back::None,
    }
}

/// What stands in a node: its name, its title, what it does specially, and how it is taken back.
fn label(node: &Node) -> Vec<String> {
    let mut rows = vec![node.id.clone()];
    rows.extend(node.title.clone());
    let mut notes = Vec::new();
    match &node.action {
        Action::Call(CallPart::Begin) => notes.push("call begins".to_owned()),
        Action::Call(CallPart::End) => notes.push("call is done".to_owned()),
        _ => {}
    }
    if node.for_each.is_some() {
        notes.push("for each".to_owned());
    }
    match back(node) {
        Back::Undo => notes.push("↶ undo".to_owned()),
        Back::Final => notes.push("cannot be taken back".to_owned()),
        Back::None => {}
    }
    if !notes.is_empty() {
        rows.push(notes.join(", "));
    }
    rows
}

/// The rewinds of a plan: from where, to where, and what stands at the arrow.
fn rewinds(plan: &Plan) -> Vec<(NodeIndex, NodeIndex, String)> {
    let mut edges = Vec::new();
    for (index, node) in plan.indices().zip(&plan.nodes) {
        for response in &node.on_fail {
            if let Response::Rewind { to, times } = response {
                edges.push((index, *to, format!("rewind ×{times}")));
            }
        }
    }
    edges
}

/// The nodes that stand in no frame, and the frames.
fn frames(plan: &Plan) -> (Vec<NodeIndex>, Vec<Frame>) {
    let mut root = Frame {
        title: String::new(),
        nodes: Vec::new(),
        frames: Vec::new(),
    };
    for (index, node) in plan.indices().zip(&plan.nodes) {
        let mut at = &mut root;
        if node.finally && node.call.is_none() {
            at = frame_of(at, "finally, however the run ends".to_owned());
        }
        for title in calls(plan, index) {
            at = frame_of(at, title);
        }
        at.nodes.push(index);
    }
    (root.nodes, root.frames)
}

fn frame_of(within: &mut Frame, title: String) -> &mut Frame {
    let at = within.frames.iter().position(|frame| frame.title == title);
    let at = at.unwrap_or_else(|| {
        within.frames.push(Frame {
            title,
            nodes: Vec::new(),
            frames: Vec::new(),
        });
        within.frames.len() - 1
    });
    &mut within.frames[at]
}

/// The titles of the calls that a node is part of, the outermost first. The ends of a call are part of it.
fn calls(plan: &Plan, index: NodeIndex) -> Vec<String> {
    let mut titles = Vec::new();
    let own = plan.node(index).and_then(|node| match node.action {
        Action::Call(CallPart::End) => Some(index),
        Action::Call(CallPart::Begin) => plan.find(node.id.strip_suffix(":begin")?),
        _ => None,
    });
    let mut call = own.or(plan.node(index).and_then(|node| node.call));
    // No call is part of itself; the bound is for a plan that was made wrong.
    while let Some(end) = call.filter(|_| titles.len() < plan.nodes.len()) {
        let Some(node) = plan.node(end) else { break };
        let scope = node.scope.and_then(|scope| plan.scopes.get(scope as usize));
        titles.push(match scope {
            Some(scope) => format!("{} calls {}", node.id, scope.runbook),
            None => node.id.clone(),
        });
        call = node.call;
    }
    titles.reverse();
    titles
}

/// A Mermaid flowchart: steps are boxes, gates are six-sided, calls have round ends.
fn mermaid(plan: &Plan) -> String {
    let mut out = String::from(
        "flowchart TD\n  %% --> comes before; -. rewind ×n .-> goes back after a failure, at most n times\n  \
         %% boxes are steps, six-sided nodes are gates, round ones are the ends of called runbooks\n  \
         %% a brown border: has an undo; a thick red one: cannot be taken back\n",
    );
    let (nodes, frames) = frames(plan);
    nodes
        .iter()
        .for_each(|node| mermaid_node(&mut out, plan, *node, 1));
    let mut number = 0;
    for frame in &frames {
        mermaid_frame(&mut out, plan, frame, &mut number, 1);
    }
    let mut edges = 0;
    for (index, node) in plan.indices().zip(&plan.nodes) {
        for need in &node.needs {
            let _ = writeln!(out, "  n{} --> n{}", need.index(), index.index());
            edges += 1;
        }
    }
    let rewinds = rewinds(plan);
    let mut links = Vec::new();
    for (from, to, text) in &rewinds {
        let _ = writeln!(out, "  n{} -. \"{text}\" .-> n{}", from.index(), to.index());
        links.push(edges.to_string());
        edges += 1;
    }
    if !links.is_empty() {
        let _ = writeln!(
            out,
            "  linkStyle {} stroke:#b45309,color:#b45309",
            links.join(",")
        );
    }
    let has = |class: &str| out.contains(&format!(":::{class}"));
    let classes = [
        ("gate", "stroke-width:3px"),
        ("call", "stroke-dasharray:2 2"),
        ("undo", "stroke:#b45309"),
        ("final", "stroke:#b91c1c,stroke-width:3px"),
    ];
    let used: Vec<_> = classes
        .into_iter()
        .filter(|(class, _)| has(class))
        .collect();
    for (class, style) in used {
        let _ = writeln!(out, "  classDef {class} {style}");
    }
    out
}

fn mermaid_node(out: &mut String, plan: &Plan, index: NodeIndex, depth: usize) {
    let Some(node) = plan.node(index) else { return };
    let rows: Vec<String> = label(node).iter().map(|row| mermaid_text(row)).collect();
    let label = rows.join("<br/>");
    let (open, close, class) = match (shape(node), back(node)) {
        (Shape::Gate, _) => ("{{\"", "\"}}", ":::gate"),
        (Shape::Call, _) => ("([\"", "\"])", ":::call"),
        (Shape::Step, Back::Undo) => ("[\"", "\"]", ":::undo"),
        (Shape::Step, Back::Final) => ("[\"", "\"]", ":::final"),
        (Shape::Step, Back::None) => ("[\"", "\"]", ""),
    };
    let indentation = "  ".repeat(depth);
    let at = index.index();
    let _ = writeln!(out, "{indentation}n{at}{open}{label}{close}{class}");
}

fn mermaid_frame(out: &mut String, plan: &Plan, frame: &Frame, number: &mut usize, depth: usize) {
    let indentation = "  ".repeat(depth);
    let title = mermaid_text(&frame.title);
    let _ = writeln!(out, "{indentation}subgraph f{number}[\"{title}\"]");
    *number += 1;
    for node in &frame.nodes {
        mermaid_node(out, plan, *node, depth + 1);
    }
    for inner in &frame.frames {
        mermaid_frame(out, plan, inner, number, depth + 1);
    }
    let _ = writeln!(out, "{indentation}end");
}

fn mermaid_text(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('\n', " ")
}

/// A Graphviz graph: steps are boxes, gates are diamonds, calls have round ends.
fn dot(plan: &Plan) -> String {
    let mut out = format!(
        "digraph \"{}\" {{\n  \
         // plain arrows: comes before; dashed `rewind ×n`: goes back after a failure, at most n times\n  \
         // a brown border: has an undo; a thick red one: cannot be taken back; boxes are steps, diamonds are gates, ellipses are the ends of called runbooks\n  \
         node [fontname=\"sans-serif\"]\n  edge [fontname=\"sans-serif\"]\n",
        dot_text(&plan.runbook)
    );
    let (nodes, frames) = frames(plan);
    nodes
        .iter()
        .for_each(|node| dot_node(&mut out, plan, *node, 1));
    let mut number = 0;
    for frame in &frames {
        dot_frame(&mut out, plan, frame, &mut number, 1);
    }
    let name = |index: NodeIndex| plan.node(index).map_or("", |node| node.id.as_str());
    for node in &plan.nodes {
        for need in &node.needs {
            let (from, to) = (dot_text(name(*need)), dot_text(&node.id));
            let _ = writeln!(out, "  \"{from}\" -> \"{to}\"");
        }
    }
    for (from, to, text) in rewinds(plan) {
        let (from, to) = (dot_text(name(from)), dot_text(name(to)));
        let _ = writeln!(
            out,
            "  \"{from}\" -> \"{to}\" [label=\"{text}\" style=dashed color=\"#b45309\" fontcolor=\"#b45309\" constraint=false]"
        );
    }
    out.push_str("}\n");
    out
}

fn dot_node(out: &mut String, plan: &Plan, index: NodeIndex, depth: usize) {
    let Some(node) = plan.node(index) else { return };
    let rows: Vec<String> = label(node).iter().map(|row| dot_text(row)).collect();
    let label = rows.join("\\n");
    let shape = match shape(node) {
        Shape::Step => "box",
        Shape::Gate => "diamond",
        Shape::Call => "ellipse",
    };
    let look = match back(node) {
        Back::Undo => " color=\"#b45309\"",
        Back::Final => " color=\"#b91c1c\" penwidth=3",
        Back::None => "",
    };
    let indentation = "  ".repeat(depth);
    let id = dot_text(&node.id);
    let _ = writeln!(
        out,
        "{indentation}\"{id}\" [label=\"{label}\" shape={shape}{look}]"
    );
}

fn dot_frame(out: &mut String, plan: &Plan, frame: &Frame, number: &mut usize, depth: usize) {
    let indentation = "  ".repeat(depth);
    let title = dot_text(&frame.title);
    let _ = writeln!(out, "{indentation}subgraph cluster_{number} {{");
    let _ = writeln!(
        out,
        "{indentation}  label=\"{title}\" style=dashed fontname=\"sans-serif\""
    );
    *number += 1;
    for node in &frame.nodes {
        dot_node(out, plan, *node, depth + 1);
    }
    for inner in &frame.frames {
        dot_frame(out, plan, inner, number, depth + 1);
    }
    let _ = writeln!(out, "{indentation}}}");
}

fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;
    use piton_core::plan::{CallScope, Run, Undo};

    fn undo() -> WorldEffect {
        WorldEffect::Undo(Undo {
            action: Action::Run(Run {
                script: ":".to_owned(),
                shell: None,
            }),
            env: Default::default(),
            timeout: None,
            after: Default::default(),
            retry: Default::default(),
            check: None,
        })
    }

    #[test]
    fn gates_are_drawn_apart_from_steps() {
        let plan = plan(&["backup", "?go", "restore"]);
        let mermaid = mermaid(&plan);
        assert!(mermaid.contains("n0[\"backup\"]"), "{mermaid}");
        assert!(mermaid.contains("n1{{\"go\"}}:::gate"), "{mermaid}");
        assert!(mermaid.contains("n0 --> n1\n  n1 --> n2"), "{mermaid}");
        let dot = dot(&plan);
        assert!(
            dot.contains("\"backup\" [label=\"backup\" shape=box]"),
            "{dot}"
        );
        assert!(dot.contains("\"go\" [label=\"go\" shape=diamond]"), "{dot}");
        assert!(dot.contains("\"go\" -> \"restore\""), "{dot}");
    }

    #[test]
    fn ways_back_are_drawn_apart_from_what_comes_before() {
        let mut plan = plan(&["fetch", "?check", "drop"]);
        plan.nodes[0].effect = undo();
        plan.nodes[1].on_fail = vec![
            Response::Rewind {
                to: NodeIndex(0),
                times: 2,
            },
            Response::Rollback,
        ];
        plan.nodes[2].effect = WorldEffect::Irreversible("it is gone".to_owned());
        let mermaid = mermaid(&plan);
        for part in [
            "n0[\"fetch<br/>↶ undo\"]:::undo",
            "n2[\"drop<br/>cannot be taken back\"]:::final",
            "n1 -. \"rewind ×2\" .-> n0",
            "linkStyle 2 stroke",
            "classDef undo",
        ] {
            assert!(mermaid.contains(part), "no {part} in {mermaid}");
        }
        let dot = dot(&plan);
        for part in [
            "\"check\" -> \"fetch\" [label=\"rewind ×2\" style=dashed",
            "[label=\"fetch\\n↶ undo\" shape=box color=",
            "penwidth=3",
        ] {
            assert!(dot.contains(part), "no {part} in {dot}");
        }
    }

    #[test]
    fn calls_and_what_runs_at_the_end_stand_in_frames() {
        let mut plan = plan(&["sub:begin", "sub/copy", "sub", "tidy"]);
        plan.scopes = vec![CallScope {
            prefix: "sub/".to_owned(),
            begin: NodeIndex(0),
            runbook: "copying".to_owned(),
            digest: piton_core::digest::Digest::ZERO,
            params: Default::default(),
            secrets: Default::default(),
        }];
        plan.nodes[0].action = Action::Call(CallPart::Begin);
        plan.nodes[1].call = Some(NodeIndex(2));
        plan.nodes[2].action = Action::Call(CallPart::End);
        plan.nodes[2].scope = Some(0);
        plan.nodes[3].finally = true;
        plan.nodes[3].needs.clear();
        let (free, frames) = frames(&plan);
        assert!(free.is_empty(), "{free:?}");
        let titles: Vec<&str> = frames.iter().map(|frame| frame.title.as_str()).collect();
        assert_eq!(
            titles,
            ["sub calls copying", "finally, however the run ends"]
        );
        assert_eq!(frames[0].nodes, [NodeIndex(0), NodeIndex(1), NodeIndex(2)]);
        let mermaid = mermaid(&plan);
        assert!(
            mermaid.contains("  subgraph f0[\"sub calls copying\"]\n    n0([\"sub:begin"),
            "{mermaid}"
        );
        assert!(dot(&plan).contains("subgraph cluster_1 {"));
    }
}

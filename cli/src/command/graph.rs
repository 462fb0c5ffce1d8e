//! `piton graph`: the runbook as a picture's source.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runbook::{Settings, load_plan};
use clap::{Args, ValueEnum};
use piton_core::plan::{NodeKind, Plan};
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

/// A Mermaid flowchart: steps are boxes, gates are six-sided.
fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart TD\n");
    let escaped = |text: &str| {
        text.replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;")
            .replace('\n', " ")
    };
    for (at, node) in plan.nodes.iter().enumerate() {
        let label = match &node.title {
            Some(title) => format!("{}<br/>{}", escaped(&node.id), escaped(title)),
            None => escaped(&node.id),
        };
        let _ = match node.kind {
            NodeKind::Step => writeln!(out, "  n{at}[\"{label}\"]"),
            NodeKind::Gate => writeln!(out, "  n{at}{{{{\"{label}\"}}}}:::gate"),
        };
    }
    for (at, node) in plan.nodes.iter().enumerate() {
        for need in &node.needs {
            let _ = writeln!(out, "  n{} --> n{at}", need.index());
        }
    }
    if plan.nodes.iter().any(|node| node.kind == NodeKind::Gate) {
        out.push_str("  classDef gate stroke-width:3px\n");
    }
    out
}

/// A Graphviz graph: steps are boxes, gates are diamonds.
fn dot(plan: &Plan) -> String {
    let quoted = |text: &str| {
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', " ")
    };
    let mut out = format!(
        "digraph \"{}\" {{\n  node [fontname=\"sans-serif\"]\n",
        quoted(&plan.runbook)
    );
    for node in &plan.nodes {
        let label = match &node.title {
            Some(title) => format!("{}\\n{}", quoted(&node.id), quoted(title)),
            None => quoted(&node.id),
        };
        let shape = match node.kind {
            NodeKind::Step => "box",
            NodeKind::Gate => "diamond",
        };
        let _ = writeln!(
            out,
            "  \"{}\" [label=\"{label}\" shape={shape}]",
            quoted(&node.id)
        );
    }
    for node in &plan.nodes {
        for need in node.needs.iter().filter_map(|need| plan.node(*need)) {
            let _ = writeln!(
                out,
                "  \"{}\" -> \"{}\"",
                quoted(&need.id),
                quoted(&node.id)
            );
        }
    }
    out.push_str("}\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;

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
}

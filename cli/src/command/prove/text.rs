//! What people read.

use super::Proof;
use crate::display::style::{Line, Style};
use piton_core::plan::NodeIndex;
use piton_core::prove::{Ending, Fault, Found};
use piton_dsl::scenario::told;

/// How many scenarios are printed in full; of the rest, which is seldom anything else, only the way there.
const SHOWN: usize = 20;

/// The lines.
pub fn lines(proof: &Proof<'_>) -> Vec<Line> {
    let mut lines = vec![headline(proof)];
    for (ending, runs) in &proof.explored.endings {
        let style = if ending.is_fault() {
            Style::Bad
        } else {
            Style::Plain
        };
        lines.push(row(style, ending.words(), *runs));
    }
    if proof.explored.cleanup_failed > 0 {
        lines.push(row(
            Style::Dim,
            "… of these with a cleanup that failed",
            proof.explored.cleanup_failed,
        ));
    }
    lines.extend(assumed(proof));
    for (at, found) in proof.explored.faults.iter().enumerate() {
        lines.push(Line::new());
        lines.extend(fault(proof, found, at < SHOWN));
    }
    lines.push(Line::new());
    lines.push(verdict(proof));
    lines
}

fn headline(proof: &Proof<'_>) -> Line {
    let tried = match proof.limits.failures {
        0 => "nothing fails".to_owned(),
        1 => "nothing fails, and each failure alone".to_owned(),
        2 => "nothing fails, each failure alone, and every two".to_owned(),
        more => format!("nothing fails, each failure alone, and up to {more} together"),
    };
    let mode = match &proof.plan.mode {
        Some(mode) => format!(", mode {mode}"),
        None => String::new(),
    };
    let (runs, nodes) = (proof.explored.runs, proof.plan.nodes.len());
    let seconds = proof.took.as_secs_f64();
    Line::new()
        .with(Style::Strong, format!("{}{mode}", proof.file))
        .and(format!(
            ": {} of {}, in {seconds:.1}s: {tried}",
            counted(runs, "run"),
            counted(nodes as u64, "node")
        ))
}

fn row(style: Style, words: &str, runs: u64) -> Line {
    Line::new().with(style, format!("  {words:<40} {:>12}", thousands(runs)))
}

/// What was not worked out, and what was taken instead.
fn assumed(proof: &Proof<'_>) -> Vec<Line> {
    let assumed = proof.assumed;
    let said = [
        (
            "values that only a run knows, put aside: outputs of",
            &assumed.outputs,
        ),
        (
            "conditions that only a run knows, true and false: of",
            &assumed.conditions,
        ),
        (
            "lists that only a run knows, two entries: of",
            &assumed.lists,
        ),
    ];
    let said = said.into_iter().filter(|(_, nodes)| !nodes.is_empty());
    said.map(|(what, nodes)| {
        Line::new().with(Style::Dim, format!("  {what} {}", names(proof, nodes)))
    })
    .collect()
}

fn fault(proof: &Proof<'_>, found: &Found, whole: bool) -> Vec<Line> {
    let words = Ending::Fault(found.fault).words();
    let runs = counted(found.runs, "run");
    let mut lines = vec![
        Line::new()
            .with(Style::Bad, format!("✗ {words}"))
            .and(format!(": {} ({runs})", explained(proof, found))),
    ];
    match found.steps.as_slice() {
        [] => lines.push(Line::new().and("    without anything going wrong")),
        steps => {
            for (at, step) in steps.iter().enumerate() {
                let word = if at == 0 { "when" } else { "and" };
                lines.push(Line::new().and(format!("    {word:<4} {}", told(proof.plan, step))));
            }
        }
    }
    if whole {
        lines.push(Line::new().with(Style::Dim, "  as a scenario:"));
        for line in proof.scenario(found).lines() {
            lines.push(Line::new().with(Style::Dim, format!("    {line}")));
        }
    }
    lines
}

/// What is wrong, and what to write.
fn explained(proof: &Proof<'_>, found: &Found) -> String {
    let nodes = names(proof, &found.nodes);
    match found.fault {
        Fault::Stuck if found.nodes.is_empty() => {
            "nothing is under way, and nobody is asked".to_owned()
        }
        Fault::Stuck => format!("{nodes} may run for ever; give it a `timeout`"),
        Fault::HalfDone => {
            let at = found.at.map_or_else(String::new, |at| {
                format!(
                    ", and nothing says what becomes of it when {} fails; give that `on_fail`",
                    names(proof, &[at])
                )
            });
            format!("{nodes} is neither done for good nor taken back{at}")
        }
        Fault::NobodyTold => {
            format!("{nodes} waits for an answer, and nobody is called; name a policy with `page`")
        }
    }
}

fn names(proof: &Proof<'_>, nodes: &[NodeIndex]) -> String {
    let names: Vec<_> = nodes
        .iter()
        .filter_map(|index| Some(format!("`{}`", proof.plan.node(*index)?.id)))
        .collect();
    names.join(", ")
}

fn verdict(proof: &Proof<'_>) -> Line {
    let (faults, unexplored) = (proof.explored.faults.len(), proof.explored.unexplored);
    if unexplored > 0 {
        let ways = thousands(unexplored);
        return Line::new().with(
            Style::Bad,
            format!("✗ not all was tried: at least {ways} runs are left; raise --limit, or try --failures 1"),
        );
    }
    match faults {
        0 => Line::new().with(Style::Good, "✓ every run ends well, or as the runbook says"),
        _ => Line::new().with(Style::Bad, format!("✗ {}", counted(faults as u64, "error"))),
    }
}

fn counted(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{} {what}s", thousands(number)),
    }
}

/// A number with a comma before every three digits.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_can_be_read() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(counted(1, "run"), "1 run");
        assert_eq!(counted(1000, "run"), "1,000 runs");
    }
}

//! What people read: a line a scenario, and where it differs.

use super::{Outcome, Tested, Wrong, counted, place};
use crate::display::style::{Line, Style};

/// The lines.
pub fn lines(all: &[Tested]) -> Vec<Line> {
    let mut lines = Vec::new();
    for tested in all {
        lines.push(Line::new().with(Style::Strong, tested.runbook.clone()));
        for outcome in &tested.scenarios {
            lines.extend(of_scenario(tested, outcome));
        }
        lines.extend(covered(tested));
    }
    let scenarios: usize = all.iter().map(|tested| tested.scenarios.len()).sum();
    let failed: usize = all.iter().map(Tested::failed).sum();
    lines.push(Line::new());
    lines.push(match failed {
        0 => Line::new().with(
            Style::Good,
            format!("✓ {} passed", counted(scenarios, "scenario")),
        ),
        failed => {
            let passed = scenarios - failed;
            let text = format!("✗ {} failed, {passed} passed", counted(failed, "scenario"));
            Line::new().with(Style::Bad, text)
        }
    });
    lines
}

fn of_scenario(tested: &Tested, outcome: &Outcome) -> Vec<Line> {
    let mode = match &outcome.mode {
        Some(mode) => format!(" (mode {mode})"),
        None => String::new(),
    };
    let name = format!(" {}", outcome.name);
    match &outcome.result {
        Ok(()) => vec![
            Line::new()
                .with(Style::Good, "  ✓")
                .and(name)
                .with(Style::Dim, mode),
        ],
        Err(wrong) => {
            let mut lines = vec![
                Line::new()
                    .with(Style::Bad, "  ✗")
                    .and(name)
                    .with(Style::Dim, mode),
            ];
            match wrong {
                Wrong::Broken(why) => lines.push(Line::new().and(format!("      {why}"))),
                Wrong::Differs(mismatches) => {
                    for mismatch in mismatches {
                        let at = place(tested, mismatch);
                        lines.push(
                            Line::new()
                                .and(format!("      {}", mismatch.what))
                                .with(Style::Dim, format!("  {at}")),
                        );
                        lines.push(Line::new().with(
                            Style::Good,
                            format!("        expected  {}", mismatch.expected),
                        ));
                        lines.push(
                            Line::new()
                                .with(Style::Bad, format!("        found     {}", mismatch.found)),
                        );
                    }
                }
            }
            lines
        }
    }
}

fn covered(tested: &Tested) -> Vec<Line> {
    let coverage = &tested.coverage;
    let mut lines = vec![Line::new().with(
        Style::Dim,
        format!(
            "  {}% covered: {} of {} nodes, {} of {} edges",
            coverage.percent(),
            coverage.nodes.len(),
            coverage.all_nodes.len(),
            coverage.edges.len(),
            coverage.all_edges.len()
        ),
    )];
    for edge in coverage.untaken() {
        lines.push(Line::new().with(Style::Dim, format!("    no scenario takes: {edge}")));
    }
    lines
}

//! Plans of a regular shape, of any size.

use super::{plan, step};
use crate::id::Actor;
use crate::plan::{NodeIndex, Plan};
use crate::record::Start;

/// A chain of steps `s0`, `s1`, …, each of which needs the one before it.
#[must_use]
pub fn chain(length: u32) -> Plan {
    let mut plan = plan("chain").plan;
    plan.nodes = (0..length)
        .map(|at| {
            let mut node = step(&format!("s{at}")).node;
            node.needs = at.checked_sub(1).map(NodeIndex).into_iter().collect();
            node
        })
        .collect();
    plan
}

/// A first step, `width` steps that need it, and a last one that needs these.
#[must_use]
pub fn fan(width: u32, parallel: u32) -> Plan {
    let mut plan = plan("fan").parallel(parallel).plan;
    plan.nodes.push(step("first").node);
    for at in 0..width {
        let mut node = step(&format!("s{at}")).node;
        node.needs = vec![NodeIndex(0)];
        plan.nodes.push(node);
    }
    let mut last = step("last").node;
    last.needs = (1..=width).map(NodeIndex).collect();
    plan.nodes.push(last);
    plan
}

/// A start by `starter`, in directories that are not there.
#[must_use]
pub fn start() -> Start {
    Start {
        by: Actor {
            name: "starter".to_owned(),
            account: "starter@here".to_owned(),
        },
        base: "/base".to_owned(),
        work: "/work-of-the-run".to_owned(),
        file: "trial.runbook".to_owned(),
        assumed: Vec::new(),
    }
}

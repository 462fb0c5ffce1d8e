//! `piton prove`: every failure of every node, explored without executing anything.
//!
//! `command` explores and counts; `text` and `json` say what came of it.

mod command;
mod json;
mod text;

pub use command::Prove;

use piton_core::plan::Plan;
use piton_core::prove::{Assumed, Ending, Explored, Found, Limits};
use piton_dsl::scenario::write;
use std::collections::BTreeMap;
use std::time::Duration;

/// What was proved of which file.
struct Proof<'a> {
    file: &'a str,
    plan: &'a Plan,
    params: &'a BTreeMap<String, String>,
    assumed: &'a Assumed,
    explored: &'a Explored,
    limits: Limits,
    took: Duration,
}

impl Proof<'_> {
    /// An error as a scenario.
    fn scenario(&self, found: &Found) -> String {
        let at = found.at.and_then(|index| self.plan.node(index));
        let title = match at {
            Some(node) => format!("{} at {}", Ending::Fault(found.fault).words(), node.id),
            None => Ending::Fault(found.fault).words().to_owned(),
        };
        let ending = Ending::Fault(found.fault);
        write(self.plan, &title, self.params, &found.steps, ending)
    }
}

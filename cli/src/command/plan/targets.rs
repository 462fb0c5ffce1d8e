//! What `plan` says of the targets: between which ends the clock runs, and who is called when.

use crate::display::targets::ends;
use piton_core::plan::{NodeIndex, Plan, Rpo, Rto};
use piton_core::time::Millis;
use serde::Serialize;

/// The targets as `--json` writes them.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    rto: Option<ShownRto<'a>>,
    rpo: Option<ShownRpo<'a>>,
}

#[derive(Debug, Serialize)]
struct ShownRto<'a> {
    within_ms: Millis,
    /// `null`: the run's start.
    from: Option<&'a str>,
    /// `null`: the end of the work.
    to: Option<&'a str>,
    at_risk_ms: Option<Millis>,
    page: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct ShownRpo<'a> {
    within_ms: Millis,
    achieved: Option<&'a str>,
}

/// The JSON form.
pub(super) fn json(plan: &Plan) -> Option<Shown<'_>> {
    let targets = plan.targets.as_ref()?;
    let rto = targets.rto.as_ref().map(|rto| ShownRto {
        within_ms: rto.within,
        from: name(plan, rto.from),
        to: name(plan, rto.to),
        at_risk_ms: rto.at_risk,
        page: rto.page.as_deref(),
    });
    let rpo = targets.rpo.as_ref().map(|rpo| ShownRpo {
        within_ms: rpo.within,
        achieved: rpo.achieved.as_ref().map(|achieved| achieved.text()),
    });
    Some(Shown { rto, rpo })
}

/// A line for each: its word, what it says, and more.
pub(super) fn words(plan: &Plan) -> Vec<(&'static str, String, String)> {
    let targets = plan.targets.as_ref();
    let rto = targets.and_then(|targets| targets.rto.as_ref());
    let rpo = targets.and_then(|targets| targets.rpo.as_ref());
    let rto = rto.map(|rto| rto_words(plan, rto));
    rto.into_iter().chain(rpo.map(rpo_words)).collect()
}

fn rto_words(plan: &Plan, rto: &Rto) -> (&'static str, String, String) {
    let ends = ends(name(plan, rto.from), name(plan, rto.to));
    let more = match (&rto.page, rto.at_risk) {
        (Some(policy), Some(after)) => format!("; pages {policy} after {after}"),
        (Some(policy), None) => format!("; pages {policy} when it is missed"),
        (None, _) => String::new(),
    };
    ("rto", format!("{} {ends}", rto.within), more)
}

fn rpo_words(rpo: &Rpo) -> (&'static str, String, String) {
    let more = rpo.achieved.as_ref();
    let more = more.map_or(String::new(), |achieved| {
        format!("  measured as {}", achieved.text())
    });
    ("rpo", rpo.within.to_string(), more)
}

fn name(plan: &Plan, index: Option<NodeIndex>) -> Option<&str> {
    plan.node(index?).map(|node| node.id.as_str())
}

//! The targets as they stand in the plan: the clock's ends are places of nodes there.

use super::{CompileError, Result, unchecked};
use crate::runbook::{self, Runbook, Spanned};
use piton_core::plan::{NodeIndex, Plan, Rpo, Rto, Targets};
use piton_core::time::Millis;

/// The targets of a runbook, as it is in its mode, for a plan that has all its nodes.
pub(super) fn targets(runbook: &Runbook, plan: &Plan) -> Result<Option<Targets>> {
    let Some(written) = &runbook.targets else {
        return Ok(None);
    };
    let rto = written.rto.as_ref();
    let rto = rto.map(|rto| self::rto(runbook, rto, plan)).transpose()?;
    let rpo = written.rpo.as_ref().map(self::rpo).transpose()?;
    Ok(Some(Targets {
        rto,
        rpo: rpo.filter(|_| is_measurable(runbook, written)),
    }))
}

fn rto(runbook: &Runbook, written: &runbook::Rto, plan: &Plan) -> Result<Rto> {
    let within = written.within.as_ref();
    let within = within.ok_or_else(|| unchecked("`rto`"))?.value;
    let at_risk = written
        .at_risk
        .as_ref()
        .map(|percent| part(within, percent.value));
    // Who is to be told that it is at risk is whom the runbook pages.
    let shared = runbook.page.as_ref().filter(|_| at_risk.is_some());
    let page = written.page.as_ref().or(shared);
    Ok(Rto {
        within,
        from: end(plan, written.from.as_ref(), "starts")?,
        to: end(plan, written.to.as_ref(), "stops")?,
        at_risk,
        page: page.map(|page| page.value.clone()),
    })
}

/// So many percent of a length of time.
fn part(within: Millis, percent: f64) -> Millis {
    // The schema lets only 0 to 100 through.
    let part = within.0 as f64 * percent.clamp(0.0, 100.0) / 100.0;
    Millis(part.round() as u64)
}

/// The node of this name. Of a call it is the one that closes it.
fn end(
    plan: &Plan,
    name: Option<&Spanned<String>>,
    verb: &'static str,
) -> Result<Option<NodeIndex>> {
    let Some(name) = name else {
        return Ok(None);
    };
    let found = plan.find(&name.value);
    let missing = || CompileError::ClockEnd {
        mode: plan.mode.clone(),
        verb,
        node: name.value.clone(),
    };
    found.map(Some).ok_or_else(missing)
}

fn rpo(written: &runbook::Rpo) -> Result<Rpo> {
    let within = written.within.as_ref();
    Ok(Rpo {
        within: within.ok_or_else(|| unchecked("`rpo`"))?.value,
        achieved: written.achieved.as_ref().map(|it| it.value.clone()),
    })
}

/// Whether the steps are there that the loss is worked out from: a mode may leave them out, and does not measure then.
fn is_measurable(runbook: &Runbook, written: &runbook::Targets) -> bool {
    let achieved = written.rpo.as_ref().and_then(|rpo| rpo.achieved.as_ref());
    let references = achieved.map(|achieved| achieved.value.references());
    let is_there = |name: &String| runbook.nodes.iter().any(|node| node.id.value == *name);
    references
        .into_iter()
        .flatten()
        .all(|reference| match reference.path.as_slice() {
            [root, name, ..] if root == "steps" => is_there(name),
            _ => true,
        })
}

//! Targets: from both syntaxes to the plan, in every mode.

use crate::files::Files;
use piton_core::plan::{Plan, Targets};
use piton_core::time::Millis;

const RUNBOOK: &str = r#"runbook restore {
  timeout = 5m
  page = "infra"
  targets {
    rto { within = 1h, from = "go", to = "serve", at_risk = 75% }
    rpo { within = 5m, achieved = "timestamp('2026-01-31T03:00:00Z') - steps.replay.outputs.last" }
  }
  contact lead { via = [{ command = ["page"] }] }
  escalation infra { level { page = ["lead"] } }
  gate go { approve { expires = 1h } on_fail = [stop] }
  step replay { run = "./replay", effect = none, outputs { last = "timestamp(output.last)" } }
  gate verified { run = "./verify", on_fail = [stop] }
  step serve { call { runbook = "serve.runbook" } }
  mode drill { only = ["replay", "verified"], rto { from = "replay", to = "verified" } }
  mode look { only = ["go", "verified"], rto { to = "verified" } }
}
"#;

const YAML: &str = r#"runbook: restore
timeout: 5m
page: infra
targets:
  rto: {within: 1h, from: go, to: serve, at_risk: 75%}
  rpo: {within: 5m, achieved: "timestamp('2026-01-31T03:00:00Z') - steps.replay.outputs.last"}
contacts:
  lead: {via: [{command: [page]}]}
escalations:
  infra: {levels: [{page: [lead]}]}
steps:
  - {gate: go, approve: {expires: 1h}, on_fail: [stop]}
  - {step: replay, run: ./replay, effect: none, outputs: {last: timestamp(output.last)}}
  - {gate: verified, run: ./verify, on_fail: [stop]}
  - {step: serve, call: {runbook: serve.runbook}}
modes:
  drill: {only: [replay, verified], rto: {from: replay, to: verified}}
  look: {only: [go, verified], rto: {to: verified}}
"#;

const SERVE: &str = r#"runbook serve {
  timeout = 1m
  targets { rto { within = 2m } }
  step up { run = "./up", effect = none }
}
"#;

/// The targets in a mode, with the names of the clock's ends.
fn targets(file: &str, mode: Option<&str>) -> Result<(Targets, Vec<String>), String> {
    let text = match file.ends_with("yaml") {
        true => YAML,
        false => RUNBOOK,
    };
    let files = Files::of(&[("serve.runbook", SERVE)]);
    let plan: Plan = files.plan(file, text, &[], mode)?;
    let targets = plan.targets.clone().ok_or("it has no targets")?;
    let rto = targets.rto.as_ref().ok_or("it has no rto")?;
    let ends = [rto.from, rto.to].into_iter().flatten();
    let names = ends.filter_map(|end| plan.node(end).map(|node| node.id.clone()));
    Ok((targets.clone(), names.collect()))
}

#[test]
fn the_clock_runs_between_places_of_the_plan_and_may_end_with_a_call() {
    for file in ["restore.runbook", "restore.runbook.yaml"] {
        let (targets, ends) = targets(file, None).unwrap();
        assert_eq!(ends, ["go", "serve"]);
        let rto = targets.rto.unwrap();
        assert_eq!(rto.within, Millis(3_600_000));
        assert_eq!(rto.at_risk, Some(Millis(2_700_000)));
        // It is at risk, so those are paged whom the runbook pages.
        assert_eq!(rto.page.as_deref(), Some("infra"));
        let rpo = targets.rpo.unwrap();
        assert_eq!(rpo.within, Millis(300_000));
        assert!(rpo.achieved.is_some());
    }
}

#[test]
fn a_mode_has_ends_of_its_own_and_measures_no_loss_without_its_steps() {
    for file in ["restore.runbook", "restore.runbook.yaml"] {
        let (drill, ends) = targets(file, Some("drill")).unwrap();
        assert_eq!(ends, ["replay", "verified"]);
        assert!(drill.rpo.is_some());
        let (look, ends) = targets(file, Some("look")).unwrap();
        assert_eq!(ends, ["go", "verified"]);
        assert_eq!(look.rpo, None);
    }
}

//! The same runbook, run another way.

use crate::files::{Files, order};
use piton_core::plan::Plan;
use piton_core::value::Value;

const RESTORE: &str = r#"runbook restore {
  timeout = 5m
  param dir { default = "/srv/db" }
  step stop   { run = "./stop", undo { run = "./start" } }
  step choose { run = "./choose", effect = none, outputs { backup = "stdout" } }
  step check  { run = "./check", effect = none }
  step fetch  { exec = ["./fetch", "${{ params.dir }}", "${{ steps.choose.outputs.backup }}"], effect = abandoned("its own") }
  gate good   { run = "./good", on_fail = [rewind("choose"), stop], needs = ["fetch", "stop"] }
  step tell   { run = "./tell", effect = none, finally = true }
  mode drill  { only = ["choose", "fetch", "good"], set { dir = "./drill" } }
}"#;

const RESTORE_YAML: &str = r#"runbook: restore
timeout: 5m
params:
  dir: {default: /srv/db}
modes:
  drill: {only: [choose, fetch, good], set: {dir: ./drill}}
steps:
  - {step: stop, run: ./stop, undo: {run: ./start}}
  - {step: choose, run: ./choose, effect: none, outputs: {backup: stdout}}
  - {step: check, run: ./check, effect: none}
  - step: fetch
    exec: [./fetch, "${{ params.dir }}", "${{ steps.choose.outputs.backup }}"]
    effect: {abandoned: its own}
  - {gate: good, run: ./good, on_fail: [{rewind: choose}, stop], needs: [fetch, stop]}
  - {step: tell, run: ./tell, effect: none, finally: true}
"#;

fn plan(text: &str, given: &[(&str, &str)], mode: Option<&str>) -> Result<Plan, String> {
    let name = if text.starts_with("runbook:") {
        "a.runbook.yaml"
    } else {
        "a.runbook"
    };
    Files::default().plan(name, text, given, mode)
}

#[test]
fn a_mode_keeps_what_it_names_and_the_order_of_it() {
    let drill = plan(RESTORE, &[], Some("drill")).expect("it is clean");
    assert_eq!(
        order(&drill),
        ["choose <", "fetch < choose", "good < fetch"]
    );
    assert_eq!(drill.mode.as_deref(), Some("drill"));
    assert_eq!(drill.params["dir"], Value::from("./drill"));
    let whole = plan(RESTORE, &[], None).expect("it is clean");
    assert_eq!(whole.nodes.len(), 6);
    assert_eq!(whole.mode, None);
    assert_eq!(whole.params["dir"], Value::from("/srv/db"));
    assert_ne!(whole.digest(), drill.digest());
    for mode in [None, Some("drill")] {
        assert_eq!(plan(RESTORE, &[], mode), plan(RESTORE_YAML, &[], mode));
    }
}

#[test]
fn what_a_mode_sets_is_not_given_too() {
    let error = plan(RESTORE, &[("dir", "/srv/other")], Some("drill")).expect_err("set twice");
    assert!(
        error.contains("the mode `drill` sets the parameter `dir`"),
        "{error}"
    );
    assert!(plan(RESTORE, &[("dir", "/srv/other")], None).is_ok());
}

#[test]
fn a_mode_that_there_is_not_is_told_which_was_meant() {
    let error = plan(RESTORE, &[], Some("dril")).expect_err("misspelt");
    assert_eq!(error, "there is no mode `dril`; did you mean `drill`?");
    let none = "runbook a {\n timeout = 1m\n step s { run = \"x\", effect = none }\n}";
    let error = plan(none, &[], Some("drill")).expect_err("none");
    assert_eq!(error, "there is no mode `drill`; this runbook has none");
}

#[test]
fn a_kept_node_that_uses_one_left_out_is_an_error_in_the_file() {
    for (from, to, part) in [
        (
            "\"choose\", \"fetch\"",
            "\"fetch\"",
            "`fetch` uses the result of `choose`",
        ),
        (
            "\"choose\", \"fetch\"",
            "\"fetch\"",
            "`good` goes back to `choose`",
        ),
        (
            "needs = [\"fetch\", \"stop\"] }",
            "within = 1m, of = \"check\" }",
            "`good` has to start soon after `check`",
        ),
    ] {
        let error = plan(&RESTORE.replace(from, to), &[], Some("drill")).expect_err(to);
        assert!(
            error.contains(&format!(
                "mode::dropped-output: in the mode `drill`, {part}"
            )),
            "{error}"
        );
    }
}

#[test]
fn a_mode_has_no_secrets_of_what_it_leaves_out() {
    let text = r#"runbook restore {
  timeout = 5m
  secret production { env = "PRODUCTION_URL" }
  secret pager      { env = "PAGER_URL" }
  contact lead { via = [{ webhook = "${{ secrets.pager }}" }] }
  escalation all { level { page = ["lead"] } }
  step load { run = "./load"  env { URL = "${{ secrets.production }}" }  effect = abandoned("a test") }
  step look { run = "./look"  effect = none  page = "all" }
  mode drill { only = ["look"] }
}"#;
    let secrets = |mode| {
        let plan = plan(text, &[], mode).expect("it is clean");
        plan.secrets.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(secrets(None), ["pager", "production"]);
    assert_eq!(secrets(Some("drill")), ["pager"]);
}

//! Doing something for each of a list.

use crate::files::{Files, order};
use piton_core::plan::{Action, NodeIndex, Plan, WorldEffect};
use piton_core::value::Value;

const SHARD: &str = r#"runbook shard {
  timeout = 1m
  param host {}
  param number { type = int, default = 0 }
  outputs { rows = "steps.load.outputs.rows" }
  step load { exec = ["./load", "${{ params.host }}", "${{ params.number }}"], effect = none, outputs { rows = "int(stdout)" } }
}"#;

const ALL: &str = r#"runbook all {
  timeout = 1m
  param hosts { default = "eu-1,us-1" }
  step each {
    call { runbook = "shard.runbook", with { host = "${{ item }}", number = "${{ size(key) }}" } }
    for_each = "params.hosts.split(',')"
    undo { exec = ["./drop", "${{ item }}"] }
  }
  step report { exec = ["./report", "${{ steps.each.outputs.rows['eu-1'] }}"], effect = none }
}"#;

const ALL_YAML: &str = r#"runbook: all
timeout: 1m
params:
  hosts: {default: "eu-1,us-1"}
steps:
  - step: each
    call: {runbook: shard.runbook, with: {host: "${{ item }}", number: "${{ size(key) }}"}}
    for_each: params.hosts.split(',')
    undo: {exec: [./drop, "${{ item }}"]}
  - {step: report, exec: [./report, "${{ steps.each.outputs.rows['eu-1'] }}"], effect: none}
"#;

fn plan(name: &str, text: &str, given: &[(&str, &str)]) -> Result<Plan, String> {
    Files::of(&[("shard.runbook", SHARD)]).plan(name, text, given, None)
}

#[test]
fn a_call_for_each_item_is_one_round_after_another() {
    let plan = plan("all.runbook", ALL, &[]).expect("it is clean");
    assert_eq!(
        order(&plan),
        [
            "each:begin <",
            "each/eu-1:begin < each:begin",
            "each/eu-1/load < each/eu-1:begin",
            "each/eu-1 < each/eu-1/load",
            "each/us-1:begin < each/eu-1",
            "each/us-1/load < each/us-1:begin",
            "each/us-1 < each/us-1/load",
            "each < each/us-1",
            "report < each",
        ]
    );
    let node = |at: u32| plan.node(NodeIndex(at)).expect("it is there");
    let text = |at: u32, name: &str| node(at).outputs[name].text().trim().to_owned();
    assert_eq!(
        (text(1, "host"), text(1, "number")),
        ("'eu-1'".into(), "size('eu-1')".into())
    );
    assert_eq!(text(4, "host"), "'us-1'");
    assert_eq!(
        text(7, "rows"),
        "{'eu-1': steps['each/eu-1'].outputs['rows'], 'us-1': steps['each/us-1'].outputs['rows'] }"
    );
    let seen = |at: u32| (node(at).scope, node(at).call, node(at).item.clone());
    let us = Some(Value::from("us-1"));
    assert_eq!(seen(4), (None, Some(NodeIndex(7)), us.clone()));
    assert_eq!(seen(5), (Some(1), Some(NodeIndex(6)), us.clone()));
    assert_eq!(seen(6), (Some(1), Some(NodeIndex(7)), us));
    assert_eq!(seen(7), (None, None, None));
    // A call that is skipped is skipped with all its items.
    for at in [1, 4, 7] {
        let when = node(at).when.as_ref().map(|when| when.text());
        assert_eq!(when, Some("steps['each:begin'].status == 'succeeded'"));
    }
    assert_eq!(plan.scopes[1].prefix, "each/us-1/");
    assert_eq!(plan.scopes[0].digest, plan.scopes[1].digest);
    // Each item is taken back by itself, and the end of all by nothing.
    let WorldEffect::Undo(undo) = &node(6).effect else {
        panic!("{:?}", node(6).effect)
    };
    assert!(matches!(&undo.action, Action::Exec(exec) if exec.argv[1].text() == "${{ 'us-1' }}"));
    assert_eq!(node(7).effect, WorldEffect::None);
}

#[test]
fn for_each_is_the_same_in_both_syntaxes() {
    let yaml = plan("all.runbook.yaml", ALL_YAML, &[]).expect("it is clean");
    assert_eq!(plan("all.runbook", ALL, &[]).expect("it is clean"), yaml);
    let given = [("hosts", "x,y,z")];
    assert_eq!(
        plan("all.runbook", ALL, &given)
            .expect("it is clean")
            .nodes
            .len(),
        12
    );
}

#[test]
fn items_have_to_be_known_before_the_run() {
    let text = ALL
        .replace("step each {", "step list { run = \"./list\", effect = none, outputs { hosts = \"json\" } }\n  step each {")
        .replace("params.hosts.split(',')", "steps.list.outputs.hosts")
        .replace("  param hosts { default = \"eu-1,us-1\" }\n", "");
    let error = plan("all.runbook", &text, &[]).expect_err("it is not known");
    assert!(
        error.contains("for_each of `each`: the list `steps.list.outputs.hosts` is not known"),
        "{error}"
    );
    let error = plan("all.runbook", ALL, &[("hosts", "a,a")]).expect_err("twice");
    assert!(error.contains("the key `a` is there twice"), "{error}");
}

#[test]
fn an_action_for_each_item_is_one_node() {
    let text = r#"runbook a {
      timeout = 1m
      step s { exec = ["x", "${{ item.id }}"], effect = none, for_each = "[{'id': 1}]", for_each_key = "item.id" }
    }"#;
    let plan = plan("a.runbook", text, &[]).expect("it is clean");
    assert_eq!(plan.nodes.len(), 1);
    let each = plan.nodes[0].for_each.as_ref().expect("items");
    assert_eq!(each.items.text(), "[{'id': 1}]");
    assert_eq!(each.key.as_ref().map(|key| key.text()), Some("item.id"));
}

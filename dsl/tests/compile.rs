//! From checked runbooks to plans.

use piton_core::plan::{Interrupted, NodeIndex, Plan, Response, WorldEffect};
use piton_core::time::Millis;
use piton_core::value::Value;
use piton_dsl::{Params, check_text, compile};

pub(crate) fn plan_with(name: &str, text: &str, given: &[(&str, &str)]) -> Result<Plan, String> {
    let checked = check_text(name, text);
    let runbook = checked
        .runbook
        .ok_or_else(|| format!("{:#?}", checked.diagnostics))?;
    let given: Params = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    compile(&runbook, &given).map_err(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        errors.join("\n")
    })
}

pub(crate) const FULL: &str = r#"runbook restore-drill {
  title    = "Restore drill"
  owner    = "infra"
  parallel = 3
  database = "sqlite:app.db"
  dir      = "${{ run.work }}"
  timeout  = 10m
  on_fail  = [stop]
  env { LC_ALL = "C", REGION = "none" }

  param backup { type = string, default = "LATEST", help = "Base backup" }
  param days   { type = int, default = 7, choices = [7, 14] }
  param until  { type = timestamp, optional = true }
  param pause  { type = duration, default = 1m30s }
  secret token { command = ["pass", "show", "token"] }

  gate go {
    approve { by = ["cto", "on-call-lead"], count = 2, not_starter = true, expires = 30m }
    on_fail = [continue]
  }
  step fetch {
    when  = "params.days > 3 && params.until == null && params.pause > duration('1s')"
    shell = ["bash", "-euc"]
    env { REGION = "eu", BACKUP = "${{ params.backup }}" }
    run = """
      echo "file=$BACKUP.db" >> "$PITON_OUTPUT"
      printf '%s\n' done
    """
    outputs { file = "output.file" }
    undo { run = "rm -f fetched", env { A = "b" } }
    retry { times = 2, backoff = 2s..30s }
    idempotent = true
  }
  step look { needs = [], exec = ["ls", "-l"], effect = none, timeout = 5s }
  step load {
    needs = ["fetch", "look"]
    sql { query = "select $1 as name", bind = ["${{ steps.fetch.outputs.file }}"] }
    outputs { name = "rows[0].name" }
    effect = abandoned("a table of its own")
    interrupted = probe { sql = "select 1" }
  }
  gate verified {
    checks {
      check "no orphans" { sql = "select 0", expect = "value == 0" }
      check "file" { exec = ["test", "-f", "app.db"] }
    }
  }
  step publish { run = "./publish", irreversible = "people have read it", env { TOKEN = "${{ secrets.token }}" } }
}
"#;

pub(crate) const FULL_YAML: &str = r#"runbook: restore-drill
title: Restore drill
owner: infra
parallel: 3
database: sqlite:app.db
dir: ${{ run.work }}
timeout: 10m
on_fail: [stop]
env: {LC_ALL: C, REGION: none}
params:
  backup: {type: string, default: LATEST, help: Base backup}
  days: {type: int, default: 7, choices: [7, 14]}
  until: {type: timestamp, optional: true}
  pause: {type: duration, default: 1m30s}
secrets:
  token: {command: [pass, show, token]}
steps:
  - gate: go
    approve: {by: [cto, on-call-lead], count: 2, not_starter: true, expires: 30m}
    on_fail: continue
  - step: fetch
    when: params.days > 3 && params.until == null && params.pause > duration('1s')
    shell: bash -euc
    env:
      REGION: eu
      BACKUP: ${{ params.backup }}
    run: |
      echo "file=$BACKUP.db" >> "$PITON_OUTPUT"
      printf '%s\n' done
    outputs:
      file: output.file
    undo: {run: rm -f fetched, env: {A: b}}
    retry: {times: 2, backoff: 2s..30s}
    idempotent: true
  - step: look
    needs: []
    exec: [ls, -l]
    effect: none
    timeout: 5s
  - step: load
    needs: [look, fetch]
    sql: {query: "select $1 as name", bind: ["${{ steps.fetch.outputs.file }}"]}
    outputs: {name: "rows[0].name"}
    effect: {abandoned: a table of its own}
    interrupted: {probe: {sql: select 1}}
  - gate: verified
    checks:
      - {check: no orphans, sql: select 0, expect: value == 0}
      - {check: file, exec: [test, -f, app.db]}
  - step: publish
    run: ./publish
    irreversible: people have read it
    env: {TOKEN: "${{ secrets.token }}"}
"#;

#[test]
fn the_same_runbook_in_both_syntaxes_is_the_same_plan() {
    let one = plan_with("a.runbook", FULL, &[("days", "14")]).expect("it is clean");
    let other = plan_with("a.runbook.yaml", FULL_YAML, &[("days", "14")]).expect("it is clean");
    assert_eq!(one, other);
    assert_eq!(one.digest(), other.digest());
    let stored = Plan::from_json(&one.to_json()).expect("it reads back");
    assert_eq!(stored, one);
}

#[test]
fn what_is_said_once_reaches_every_node_and_its_own_wins() {
    let plan = plan_with("a.runbook", FULL, &[]).expect("it is clean");
    let node = |id: &str| {
        plan.find(id)
            .and_then(|index| plan.node(index))
            .expect("it is there")
    };
    let env = |id: &str| -> Vec<(String, String)> {
        node(id)
            .env
            .iter()
            .map(|(name, value)| (name.clone(), value.text().to_owned()))
            .collect()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        env("fetch"),
        [
            pair("BACKUP", "${{ params.backup }}"),
            pair("LC_ALL", "C"),
            pair("REGION", "eu")
        ]
    );
    assert_eq!(env("look"), [pair("LC_ALL", "C"), pair("REGION", "none")]);
    assert_eq!(node("look").timeout, Some(Millis(5_000)));
    assert_eq!(node("load").timeout, Some(Millis(600_000)));
    assert_eq!(
        node("go").timeout,
        None,
        "a limit for work is none for people"
    );
    assert_eq!(node("go").on_fail, [Response::Continue]);
    assert_eq!(node("verified").on_fail, [Response::Stop]);
    assert_eq!(node("go").effect, WorldEffect::None);
    assert_eq!(node("go").interrupted, Interrupted::Rerun);
    assert_eq!(node("look").interrupted, Interrupted::Rerun);
    assert_eq!(node("fetch").interrupted, Interrupted::Ask);
    assert!(matches!(node("load").interrupted, Interrupted::Probe(_)));
    assert!(
        matches!(&node("fetch").effect, WorldEffect::Undo(undo) if undo.timeout == Some(Millis(600_000)))
    );
}

#[test]
fn order_is_that_of_the_file_unless_said_otherwise() {
    let plan = plan_with("a.runbook", FULL, &[]).expect("it is clean");
    let needs: Vec<Vec<u32>> = plan
        .nodes
        .iter()
        .map(|node| node.needs.iter().map(|NodeIndex(index)| *index).collect())
        .collect();
    assert_eq!(
        needs,
        [vec![], vec![0], vec![], vec![1, 2], vec![3], vec![4]]
    );
}

#[test]
fn parameters_are_read_by_their_types() {
    let given = [
        ("until", "2026-01-31T03:00:00+01:00"),
        ("pause", "2h"),
        ("days", "14"),
    ];
    let plan = plan_with("a.runbook", FULL, &given).expect("it is clean");
    assert_eq!(
        plan.params.get("backup"),
        Some(&Value::String("LATEST".to_owned()))
    );
    assert_eq!(plan.params.get("days"), Some(&Value::Int(14)));
    assert_eq!(
        plan.params.get("pause"),
        Some(&Value::Duration(Millis(7_200_000)))
    );
    assert_eq!(
        plan.params.get("until"),
        "2026-01-31T02:00:00Z"
            .parse()
            .ok()
            .map(Value::Timestamp)
            .as_ref()
    );
    let plan = plan_with("a.runbook", FULL, &[]).expect("it is clean");
    assert_eq!(plan.params.get("until"), Some(&Value::Null));
}

#[test]
fn all_that_is_wrong_with_parameters_is_said_at_once() {
    let text = r#"runbook a {
      timeout = 1m
      param host  { help = "where to" }
      param size  { type = int, default = 3 }
      param color { choices = ["red", "green"], optional = true }
      step s { exec = ["x", "${{ params.host }}", "${{ params.size }}", "${{ params.color }}"], effect = none }
    }"#;
    let given = [("size", "many"), ("color", "blue"), ("hosts", "x")];
    let errors = plan_with("a.runbook", text, &given).expect_err("four mistakes");
    assert_eq!(
        errors.lines().collect::<Vec<_>>(),
        [
            "there is no parameter `hosts`; did you mean `host`?",
            "`blue` is none of the choices of the parameter `color`: `red`, `green`",
            "the parameter `host` has no value; give it with --set host=VALUE, which takes text (where to)",
            "`many` cannot be the parameter `size`: it takes a whole number, such as 42; write --set size=VALUE",
        ]
    );
}

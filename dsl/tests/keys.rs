//! The keys of the way back, of people and of waiting: the same in both syntaxes, what comes of them in the plan.

use crate::compile::plan_with;
use piton_core::plan::{
    Action, AnswerType, Channel, DECIDE_WITHIN, FailWhen, Interrupted, LOCK_TIMEOUT, Node,
    NodeIndex, Plan, Response, UndoAfter, Wait, WorldEffect,
};
use piton_core::time::Millis;
use piton_dsl::check;
use piton_dsl::source::SourceFile;

pub(crate) const COMPLETE: &str = include_str!("fixtures/complete/restore.runbook");
pub(crate) const COMPLETE_YAML: &str = include_str!("fixtures/complete/restore.runbook.yaml");

/// The one plan of a runbook in both syntaxes; `before` and `nodes` are what stands in it.
pub(crate) fn both(before: [&str; 2], nodes: [&str; 2]) -> Plan {
    let own = format!("runbook a {{\n{}\n{}\n}}\n", before[0], nodes[0]);
    let yaml = format!("runbook: a\n{}\nsteps:\n{}\n", before[1], nodes[1]);
    let one = plan_with("a.runbook", &own, &[]).unwrap_or_else(|found| panic!("{own}\n{found}"));
    let other =
        plan_with("a.runbook.yaml", &yaml, &[]).unwrap_or_else(|found| panic!("{yaml}\n{found}"));
    assert_eq!(one, other);
    assert_eq!(Plan::from_json(&one.to_json()).expect("it reads back"), one);
    one
}

pub(crate) fn node<'a>(plan: &'a Plan, id: &str) -> &'a Node {
    plan.find(id)
        .and_then(|index| plan.node(index))
        .unwrap_or_else(|| panic!("there is no `{id}`"))
}

#[test]
fn the_complete_form_is_clean_and_the_same_plan_in_both_syntaxes() {
    for (name, text) in [("r.runbook", COMPLETE), ("r.runbook.yaml", COMPLETE_YAML)] {
        let found = check(&SourceFile::new(name, text)).diagnostics;
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
    let one = plan_with("r.runbook", COMPLETE, &[]).expect("it is clean");
    let other = plan_with("r.runbook.yaml", COMPLETE_YAML, &[]).expect("it is clean");
    assert_eq!(one, other);
    let choose = one.find("choose-backup").expect("it is there");
    assert_eq!(
        node(&one, "verified").on_fail,
        [
            Response::Rewind {
                to: choose,
                times: 2
            },
            Response::Escalate {
                policy: "backend".to_owned(),
                expires: Some(Millis(3_600_000))
            },
            Response::Rollback,
        ]
    );
    assert!(node(&one, "report").finally && node(&one, "report").needs.is_empty());
    assert_eq!(one.page.as_deref(), Some("infra"));
}

#[test]
fn contacts_and_escalations_reach_the_plan() {
    let plan = both(
        [
            r#"secret url { env = "URL" }
               contact lead { name = "Lead" roles = ["on-call"] via = [{ webhook = "${{ secrets.url }}/x" }, { command = ["page", "lead"] }] }
               escalation infra { level { page = ["lead"] ack_within = 5m }  level { page = "lead" } }
               escalation other { decide_within = 1h  levels { level { page = ["lead"] } } }
               page = "infra""#,
            "secrets: {url: {env: URL}}
contacts:
  lead: {name: Lead, roles: [on-call], via: [{webhook: \"${{ secrets.url }}/x\"}, {command: [page, lead]}]}
escalations:
  infra: {levels: [{page: [lead], ack_within: 5m}, {page: lead}]}
  other: {decide_within: 1h, levels: [{page: lead}]}
page: infra",
        ],
        [
            r#"gate go { approve { by = ["on-call"], expires = 1h, page = "other" }, on_fail = [stop] }
               step tell { notify { to = ["lead"], message = "run ${{ run.id }}" } }"#,
            "  - gate: go
    approve: {by: on-call, expires: 1h, page: other}
    on_fail: stop
  - step: tell
    notify: {to: lead, message: \"run ${{ run.id }}\"}",
        ],
    );
    assert_eq!(plan.page.as_deref(), Some("infra"));
    let lead = &plan.contacts["lead"];
    assert_eq!(lead.roles, ["on-call"]);
    assert!(
        matches!(lead.via.as_slice(), [Channel::Webhook(url), Channel::Command(argv)]
        if url.text() == "${{ secrets.url }}/x" && argv.len() == 2)
    );
    let infra = &plan.escalations["infra"];
    assert_eq!(infra.decide_within, DECIDE_WITHIN);
    assert_eq!(infra.levels[0].ack_within, Some(Millis(300_000)));
    assert_eq!(infra.levels[1].page, ["lead"]);
    assert_eq!(plan.escalations["other"].decide_within, Millis(3_600_000));
    assert!(matches!(&node(&plan, "go").action, Action::Approve(approve)
        if approve.page.as_deref() == Some("other")));
    let tell = node(&plan, "tell");
    assert_eq!(
        tell.effect,
        WorldEffect::Abandoned("a message that was sent".to_owned())
    );
    assert_eq!(tell.interrupted, Interrupted::Rerun);
}

#[test]
fn a_manual_step_asks_and_its_answers_are_outputs() {
    let plan = both(
        [
            r#"timeout = 1m, database = "sqlite:a""#,
            "timeout: 1m\ndatabase: sqlite:a",
        ],
        [
            r#"step ask {
                 effect = none
                 manual {
                   instructions = "in ${{ node.id }}"
                   checklist = ["one", "two"]
                   ask size { type = int, help = "how many", validate = "value > 0 && value < 9", default = "3" }
                   ask name { from { sql = "select name, at from t" } columns = ["name", "at"] }
                   by = ["x"], expires = 2h
                 }
               }
               step use { exec = ["x", "${{ steps.ask.outputs.size + 1 }}", "${{ steps.ask.outputs.name }}"], effect = none }"#,
            "  - step: ask
    effect: none
    manual:
      instructions: in ${{ node.id }}
      checklist: [one, two]
      asks:
        size: {type: int, help: how many, validate: value > 0 && value < 9, default: 3}
        name: {from: {sql: \"select name, at from t\"}, columns: [name, at]}
      by: x
      expires: 2h
  - step: use
    exec: [x, \"${{ steps.ask.outputs.size + 1 }}\", \"${{ steps.ask.outputs.name }}\"]
    effect: none",
        ],
    );
    let ask = node(&plan, "ask");
    assert_eq!(
        ask.timeout, None,
        "a limit for work says nothing about people"
    );
    let Action::Manual(manual) = &ask.action else {
        panic!("{:#?}", ask.action)
    };
    assert_eq!(manual.checklist.len(), 2);
    assert_eq!(manual.expires, Some(Millis(7_200_000)));
    let [size, name] = manual.asks.as_slice() else {
        panic!("{:#?}", manual.asks)
    };
    assert_eq!((size.name.as_str(), size.kind), ("size", AnswerType::Int));
    assert_eq!(
        (name.name.as_str(), name.kind),
        ("name", AnswerType::String)
    );
    assert!(matches!(name.from.as_deref(), Some(Action::Sql(_))));
    assert_eq!(name.columns, ["name", "at"]);
}

#[test]
fn capture_and_undo_reach_the_plan() {
    let plan = both(
        [r#"timeout = 1m, database = "sqlite:a""#, "timeout: 1m\ndatabase: sqlite:a"],
        [
            r#"step a {
                 capture { run = "cat n" }
                 run = "echo 0 > n"
                 undo {
                   env { N = "${{ capture.value }} ${{ capture.exit_code }} ${{ capture.json.a }} ${{ capture.stdout }}" }
                   run = "echo $N > n"
                   timeout = 5s, after = started, retry { times = 2 }
                   check { run = "test -s n" }
                 }
               }
               step b {
                 capture { sql = "select n from t" }
                 sql = "update t set n = 0"
                 undo { sql { query = "update t set n = $1", bind = ["${{ capture.rows[0].n }}"] } }
               }"#,
            "  - step: a
    capture: {run: cat n}
    run: echo 0 > n
    undo:
      env: {N: \"${{ capture.value }} ${{ capture.exit_code }} ${{ capture.json.a }} ${{ capture.stdout }}\"}
      run: echo $N > n
      timeout: 5s
      after: started
      retry: {times: 2}
      check: {run: test -s n}
  - step: b
    capture: {sql: select n from t}
    sql: update t set n = 0
    undo: {sql: {query: update t set n = $1, bind: [\"${{ capture.rows[0].n }}\"]}}",
        ],
    );
    let WorldEffect::Undo(undo) = &node(&plan, "a").effect else {
        panic!("no undo")
    };
    assert_eq!(undo.after, UndoAfter::Started);
    assert_eq!((undo.retry.times, undo.timeout), (2, Some(Millis(5_000))));
    assert!(matches!(undo.check, Some(Action::Run(_))));
    assert!(matches!(node(&plan, "a").capture, Some(Action::Run(_))));
    let WorldEffect::Undo(undo) = &node(&plan, "b").effect else {
        panic!("no undo")
    };
    assert_eq!(undo.after, UndoAfter::Succeeded);
    assert_eq!(undo.timeout, Some(Millis(60_000)));
    assert_eq!(undo.check, None);
}

#[test]
fn ladders_reach_the_plan_from_the_node_and_the_runbook() {
    let plan = both(
        [
            r#"timeout = 1m
               contact c { via = [{ command = ["page"] }] }
               escalation p { level { page = ["c"] } }
               page = "p"
               on_fail = [rewind("a"), escalate("p", expires = 1h), rollback]"#,
            "timeout: 1m
contacts: {c: {via: [{command: [page]}]}}
escalations: {p: {levels: [{page: c}]}}
page: p
on_fail: [{rewind: a}, {escalate: p, expires: 1h}, rollback]",
        ],
        [
            r#"step a { run = "x", effect = none, on_fail = stop }
               step b { run = "x", effect = none }
               step c { run = "x", effect = none, on_fail = rewind("b", times = 3) }
               step d { run = "x", effect = none, finally = true }"#,
            "  - {step: a, run: x, effect: none, on_fail: stop}
  - {step: b, run: x, effect: none}
  - {step: c, run: x, effect: none, on_fail: {rewind: b, times: 3}}
  - {step: d, run: x, effect: none, finally: true}",
        ],
    );
    let rewind = |to, times| Response::Rewind {
        to: NodeIndex(to),
        times,
    };
    assert_eq!(node(&plan, "a").on_fail, [Response::Stop]);
    assert_eq!(
        node(&plan, "b").on_fail,
        [
            rewind(0, 1),
            Response::Escalate {
                policy: "p".to_owned(),
                expires: Some(Millis(3_600_000))
            },
            Response::Rollback
        ]
    );
    assert_eq!(node(&plan, "c").on_fail, [rewind(1, 3)]);
    assert_eq!(
        node(&plan, "d").on_fail,
        [Response::Stop],
        "tidying up has a ladder of its own"
    );
}

#[test]
fn waiting_reaches_the_plan() {
    let plan = both(
        [
            "timeout = 1m, param at { type = timestamp, default = \"2026-01-31T03:00:00Z\" }",
            "timeout: 1m\nparams: {at: {type: timestamp, default: \"2026-01-31T03:00:00Z\"}}",
        ],
        [
            r#"step a { wait = 10m }
               step b { wait { for = 90s } }
               step c { wait { until = "params.at + duration('1h')" } }
               gate d {
                 exec = ["probe"], until = "value == 'up'", every = 5s, hold_for = 30s, consecutive = 3
                 fail_when = "stdout.contains('dead')", success = "exit_code < 2", valid_for = 10m, on_fail = stop
               }
               step e {
                 exec = ["probe"], until = "exit_code == 0", every = 1s, effect = none
                 fail_when { file = "log/${{ node.pass }}", matches = "^FATAL" }
               }
               step f { run = "x", effect = none, within = 10s, of = "d", skip = never }"#,
            r#"  - {step: a, wait: 10m}
  - {step: b, wait: {for: 90s}}
  - {step: c, wait: {until: "params.at + duration('1h')"}}
  - gate: d
    exec: [probe]
    until: value == 'up'
    every: 5s
    hold_for: 30s
    consecutive: 3
    fail_when: stdout.contains('dead')
    success: exit_code < 2
    valid_for: 10m
    on_fail: stop
  - step: e
    exec: [probe]
    until: exit_code == 0
    every: 1s
    effect: none
    fail_when: {file: "log/${{ node.pass }}", matches: ^FATAL}
  - {step: f, run: x, effect: none, within: 10s, of: d, skip: never}"#,
        ],
    );
    for (id, wait) in [
        ("a", Wait::For(Millis(600_000))),
        ("b", Wait::For(Millis(90_000))),
    ] {
        let node = node(&plan, id);
        assert_eq!(node.action, Action::Wait(wait));
        assert_eq!((&node.effect, node.timeout), (&WorldEffect::None, None));
        assert_eq!(node.interrupted, Interrupted::Rerun);
    }
    assert!(matches!(
        node(&plan, "c").action,
        Action::Wait(Wait::Until(_))
    ));
    let until = node(&plan, "d").until.as_ref().expect("it waits");
    assert_eq!(until.every, Millis(5_000));
    assert_eq!(
        (until.hold_for, until.consecutive),
        (Some(Millis(30_000)), 3)
    );
    assert!(matches!(until.fail_when, Some(FailWhen::True(_))));
    assert!(node(&plan, "d").success.is_some());
    assert_eq!(node(&plan, "d").valid_for, Some(Millis(600_000)));
    let until = node(&plan, "e").until.as_ref().expect("it waits");
    assert!(
        matches!(&until.fail_when, Some(FailWhen::Line { matches, .. }) if matches == "^FATAL")
    );
    assert_eq!(until.consecutive, 1);
    let within = node(&plan, "f").within.expect("it is pressed for time");
    assert_eq!((within.length, within.of), (Millis(10_000), NodeIndex(3)));
    assert!(node(&plan, "f").never_skip);
}

#[test]
fn guards_locks_and_items_reach_the_plan() {
    let plan = both(
        [
            r#"timeout = 1m, param db { default = "a" }
               contact c { via = [{ command = ["page"] }] }
               escalation p { level { page = ["c"] } }
               page = "p"
               lock = ["db-${{ params.db }}", "${{ run.runbook }}"], lock_timeout = 5m"#,
            "timeout: 1m
params: {db: {default: a}}
contacts: {c: {via: [{command: [page]}]}}
escalations: {p: {levels: [{page: c}]}}
page: p
lock: [\"db-${{ params.db }}\", \"${{ run.runbook }}\"]
lock_timeout: 5m",
        ],
        [
            r#"step a {
                 run = "x", effect = none, confirm = "drop ${{ params.db }}", page = "p", lock = "other"
                 target { probe { exec = ["hostname"] }, expect = "value == params.db" }
               }
               step b {
                 for_each = "['x', 'y']", for_each_key = "item + '-1'"
                 env { ITEM = "${{ item }}", KEY = "${{ key }}", MODE = "${{ mode == null ? 'all' : mode }}" }
                 run = "echo $ITEM"
                 undo { exec = ["rm", "${{ item }}"] }
               }"#,
            r#"  - step: a
    run: x
    effect: none
    confirm: drop ${{ params.db }}
    page: p
    lock: other
    target: {probe: {exec: [hostname]}, expect: value == params.db}
  - step: b
    for_each: "['x', 'y']"
    for_each_key: item + '-1'
    env: {ITEM: "${{ item }}", KEY: "${{ key }}", MODE: "${{ mode == null ? 'all' : mode }}"}
    run: echo $ITEM
    undo: {exec: [rm, "${{ item }}"]}"#,
        ],
    );
    let lock = plan.lock.as_ref().expect("the run has locks");
    assert_eq!((lock.names.len(), lock.timeout), (2, Millis(300_000)));
    let a = node(&plan, "a");
    assert_eq!(a.lock.as_ref().map(|lock| lock.timeout), Some(LOCK_TIMEOUT));
    assert_eq!(a.page.as_deref(), Some("p"));
    assert!(a.confirm.is_some());
    assert!(
        matches!(&a.target, Some(target) if target.expect.is_some() && matches!(target.probe, Action::Exec(_)))
    );
    let each = node(&plan, "b").for_each.as_ref().expect("it has items");
    assert!(each.key.is_some());
}

#[test]
fn what_runs_at_the_end_follows_its_like_and_nobody_follows_it() {
    let plan = both(
        ["timeout = 1m", "timeout: 1m"],
        [
            r#"step a { run = "x", effect = none, outputs { n = "stdout" } }
               step clean { env { N = "${{ steps.b.outputs.n }} ${{ run.outcome }} ${{ steps.a.status }}" }, run = "x", effect = abandoned("it may stay"), finally = true }
               step b { run = "x", effect = none, outputs { n = "stdout" } }
               step tidy { run = "x", effect = none, finally = true }"#,
            "  - {step: a, run: x, effect: none, outputs: {n: stdout}}
  - step: clean
    env: {N: \"${{ steps.b.outputs.n }} ${{ run.outcome }} ${{ steps.a.status }}\"}
    run: x
    effect: {abandoned: it may stay}
    finally: true
  - {step: b, run: x, effect: none, outputs: {n: stdout}}
  - {step: tidy, run: x, effect: none, finally: true}",
        ],
    );
    let needs: Vec<_> = plan.nodes.iter().map(|node| node.needs.clone()).collect();
    assert_eq!(
        needs,
        [vec![], vec![], vec![NodeIndex(0)], vec![NodeIndex(1)]]
    );
    assert_eq!(
        node(&plan, "clean").interrupted,
        Interrupted::Fail,
        "nobody is waited for at the end"
    );
    assert_eq!(node(&plan, "tidy").interrupted, Interrupted::Rerun);
}

#[test]
fn targets_modes_calls_and_outputs_are_read_alike_in_both_syntaxes() {
    let own = r#"runbook a {
      timeout = 1m
      param region { default = "eu" }
      targets { rto { within = 1h, from = "s", to = "t", at_risk = 80% }  rpo { within = 5m, achieved = "duration('1m')" } }
      mode drill { only = ["s", "t"]  set { region = "test" }  rto { from = "t" } }
      outputs { path = "steps.t.outputs.path" }
      step s { call { runbook = "sub.runbook", with { region = "${{ params.region }}", days = 7 } } }
      step t { run = "x", effect = none, env { A = "${{ steps.s.outputs.whatever }}" }, outputs { path = "stdout" } }
    }"#;
    let yaml = r#"runbook: a
timeout: 1m
params: {region: {default: eu}}
targets: {rto: {within: 1h, from: s, to: t, at_risk: 80%}, rpo: {within: 5m, achieved: duration('1m')}}
modes: {drill: {only: [s, t], set: {region: test}, rto: {from: t}}}
outputs: {path: steps.t.outputs.path}
steps:
  - step: s
    call: {runbook: sub.runbook, with: {region: "${{ params.region }}", days: 7}}
  - step: t
    run: x
    effect: none
    env: {A: "${{ steps.s.outputs.whatever }}"}
    outputs: {path: stdout}
"#;
    for (name, text) in [("a.runbook", own), ("a.runbook.yaml", yaml)] {
        let mut found = Vec::new();
        let file = SourceFile::new(name, text);
        let parsed = piton_dsl::syntax::parse(&file);
        assert!(parsed.diagnostics.is_empty(), "{:#?}", parsed.diagnostics);
        let root = parsed.root.expect("a tree");
        let runbook = piton_dsl::lower::lower(&root, file.syntax, &mut found).expect("a runbook");
        assert!(found.is_empty(), "{found:#?}");
        let targets = runbook.targets.as_ref().expect("it has targets");
        let rto = targets.rto.as_ref().expect("it has an RTO");
        assert_eq!(
            rto.within.as_ref().map(|it| it.value),
            Some(Millis(3_600_000))
        );
        assert_eq!(rto.at_risk.as_ref().map(|it| it.value), Some(80.0));
        assert_eq!(rto.from.as_ref().map(|it| it.value.as_str()), Some("s"));
        assert!(targets.rpo.as_ref().is_some_and(|it| it.achieved.is_some()));
        let [mode] = runbook.modes.as_slice() else {
            panic!("one mode")
        };
        assert_eq!(mode.only.as_ref().map(Vec::len), Some(2));
        assert!(matches!(mode.set.as_slice(), [(name, Some(value))]
            if name.value == "region" && value.text == "test"));
        assert!(
            mode.rto
                .as_ref()
                .is_some_and(|it| it.from.is_some() && it.to.is_none())
        );
        assert_eq!(runbook.outputs.len(), 1);
        let Some(piton_dsl::runbook::Action::Call(call)) = runbook.nodes[0].action() else {
            panic!("a call")
        };
        assert_eq!(call.with.len(), 2);
        assert!(runbook.nodes[0].is_call());
    }
}

#[test]
fn files_that_are_kept_reach_the_plan() {
    let plan = both(
        [
            r#"timeout = 1m, param dir { type = string, default = "x" }"#,
            "timeout: 1m\nparams: {dir: {type: string, default: x}}",
        ],
        [
            r#"step a { run = "true", evidence = ["${{ params.dir }}/log", "report.txt"], effect = none }
               gate b { checks { check "c" { run = "true" } }, evidence = "${{ steps.a.status }}.log", on_fail = [stop] }
               step c { run = "true", effect = none }"#,
            r#"
  - {step: a, run: "true", evidence: ["${{ params.dir }}/log", report.txt], effect: none}
  - {gate: b, checks: [{check: c, run: "true"}], evidence: "${{ steps.a.status }}.log", on_fail: [stop]}
  - {step: c, run: "true", effect: none}"#,
        ],
    );
    let files = |id| {
        let files = node(&plan, id).evidence.iter();
        files.map(|file| file.text().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(files("a"), ["${{ params.dir }}/log", "report.txt"]);
    assert_eq!(files("b"), ["${{ steps.a.status }}.log"]);
}

//! Calls of other runbooks.

use crate::files::{Files, order};
use piton_core::plan::{
    Action, CallPart, Channel, NodeIndex, Plan, Response, SecretSource, WorldEffect,
};
use piton_core::value::Value;
use piton_dsl::source::SourceFile;
use piton_dsl::{check, check_with, compile};
use std::collections::BTreeMap;

const OUTER: &str = r#"runbook outer {
  timeout = 5m
  dir = "work"
  param host { default = "db-1" }
  secret pager { env = "PAGER" }
  contact lead { via = [{ webhook = "${{ secrets.pager }}" }] }
  escalation infra { level { page = ["lead"] } }
  step before { run = "./before", effect = none, outputs { days = "14" } }
  step restore {
    title = "Restore it"
    call {
      runbook = "lib/restore.runbook"
      with {
        host = "${{ params.host }}"
        label = "of ${{ params.host }}, it's ${{ steps.before.outputs.days }}"
        days = "${{ steps.before.outputs.days }}"
      }
    }
    on_fail = [rewind("restore", times = 2), escalate("infra", expires = 1h), rollback]
  }
  step after {
    exec = ["./after", "${{ steps.restore.outputs.size }}"]
    effect = none
    on_fail = [rewind("restore")]
  }
}
"#;

const OUTER_YAML: &str = r#"runbook: outer
timeout: 5m
dir: work
params:
  host: {default: db-1}
secrets:
  pager: {env: PAGER}
contacts:
  lead: {via: [{webhook: "${{ secrets.pager }}"}]}
escalations:
  infra: {levels: [{page: lead}]}
steps:
  - {step: before, run: ./before, effect: none, outputs: {days: "14"}}
  - step: restore
    title: Restore it
    call:
      runbook: lib/restore.runbook
      with:
        host: ${{ params.host }}
        label: of ${{ params.host }}, it's ${{ steps.before.outputs.days }}
        days: ${{ steps.before.outputs.days }}
    on_fail: [{rewind: restore, times: 2}, {escalate: infra, expires: 1h}, rollback]
  - step: after
    exec: [./after, "${{ steps.restore.outputs.size }}"]
    effect: none
    on_fail: [{rewind: restore}]
"#;

const RESTORE: &str = r#"runbook restore {
  timeout = 2m
  page = "backend"
  param host {}
  param label {}
  param days { type = int, default = 7 }
  param region { default = "eu" }
  secret pager { env = "OTHER" }
  secret key { file = "key" }
  contact second { via = [{ webhook = "https://${{ params.region }}/${{ secrets.pager }}" }] }
  escalation backend { level { page = ["second"] } }
  outputs { size = "steps.load.outputs.size + params.days" }
  step fetch { exec = ["./fetch", "${{ params.host }}"], effect = abandoned("its own"), needs = [], env { KEY = "${{ secrets.key }}" } }
  step other { run = "./other", effect = none, needs = [], dir = "/tmp" }
  step load {
    needs = ["fetch", "other"]
    run = "./load", effect = none, outputs { size = "int(stdout)" }, dir = "data"
    env { LABEL = "${{ params.label }}", REGION = "${{ params.region }}" }
    on_fail = [rewind("fetch")]
  }
}
"#;

fn files() -> Files {
    Files::of(&[("lib/restore.runbook", RESTORE)])
}

fn plan() -> Plan {
    files()
        .plan("outer.runbook", OUTER, &[], None)
        .expect("it is clean")
}

fn node<'a>(plan: &'a Plan, id: &str) -> &'a piton_core::plan::Node {
    let found = plan.nodes.iter().find(|node| node.id == id);
    found.unwrap_or_else(|| panic!("no {id} in {:#?}", order(plan)))
}

fn outputs(plan: &Plan, id: &str) -> Vec<(String, String)> {
    let outputs = node(plan, id).outputs.iter();
    outputs
        .map(|(name, value)| (name.clone(), value.text().to_owned()))
        .collect()
}

#[test]
fn a_call_is_the_same_in_both_syntaxes() {
    let yaml = files()
        .plan("outer.runbook.yaml", OUTER_YAML, &[], None)
        .expect("it is clean");
    assert_eq!(plan(), yaml);
    assert_eq!(
        Plan::from_json(&yaml.to_json()).expect("it reads back"),
        yaml
    );
}

#[test]
fn a_called_runbook_stands_where_its_call_does() {
    let plan = plan();
    assert_eq!(
        order(&plan),
        [
            "before <",
            "restore:begin < before",
            "restore/fetch < restore:begin",
            "restore/other < restore:begin",
            "restore/load < restore/fetch restore/other",
            "restore < restore/load",
            "after < restore",
        ]
    );
    let (begin, end) = (node(&plan, "restore:begin"), node(&plan, "restore"));
    assert_eq!(begin.action, Action::Call(CallPart::Begin));
    assert_eq!((begin.scope, begin.call), (None, None));
    assert_eq!(end.action, Action::Call(CallPart::End));
    assert_eq!((end.scope, end.call), (Some(0), None));
    assert_eq!(end.title.as_deref(), Some("Restore it"));
    assert_eq!(end.effect, WorldEffect::None);
    let inside = node(&plan, "restore/load");
    assert_eq!((inside.scope, inside.call), (Some(0), Some(NodeIndex(5))));
    assert_eq!(inside.timeout, Some(piton_core::time::Millis(120_000)));
    let scope = plan.scopes.first().expect("a scope");
    assert_eq!(
        (scope.prefix.as_str(), scope.begin),
        ("restore/", NodeIndex(1))
    );
    assert_eq!(scope.runbook, "restore");
}

#[test]
fn values_keep_their_types_and_the_rest_has_its_defaults() {
    let plan = plan();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let values = outputs(&plan, "restore:begin");
    assert_eq!(
        values
            .iter()
            .map(|(name, text)| pair(name, text.trim()))
            .collect::<Vec<_>>(),
        [
            pair("days", "steps.before.outputs.days"),
            pair("host", "params.host"),
            pair(
                "label",
                r"'of ' + string(params.host) + ', it\'s ' + string(steps.before.outputs.days)"
            ),
        ]
    );
    assert_eq!(
        outputs(&plan, "restore"),
        [pair("size", "steps.load.outputs.size + params.days")]
    );
    let scope = plan.scopes.first().expect("a scope");
    assert_eq!(
        scope.params,
        BTreeMap::from([("region".to_owned(), Value::from("eu"))])
    );
}

#[test]
fn failures_go_up_and_rewinds_to_a_call_go_to_its_beginning() {
    let plan = plan();
    assert_eq!(node(&plan, "restore/fetch").on_fail, [], "its caller says");
    let rewind = |to, times| Response::Rewind {
        to: NodeIndex(to),
        times,
    };
    assert_eq!(node(&plan, "restore/load").on_fail, [rewind(2, 1)]);
    let escalate = Response::Escalate {
        policy: "infra".to_owned(),
        expires: Some(piton_core::time::Millis(3_600_000)),
    };
    assert_eq!(
        node(&plan, "restore").on_fail,
        [rewind(1, 2), escalate, Response::Rollback]
    );
    assert_eq!(node(&plan, "after").on_fail, [rewind(1, 1)]);
    assert_eq!(
        node(&plan, "restore/fetch").page.as_deref(),
        Some("backend")
    );
    assert_eq!(node(&plan, "after").page, None);
}

#[test]
fn secrets_people_and_folders_of_the_called_runbook_are_its_own() {
    let plan = plan();
    let env = |name: &str| SecretSource::Env(name.to_owned());
    assert_eq!(
        plan.secrets,
        BTreeMap::from([
            ("pager".to_owned(), env("PAGER")),
            (
                "restore/key".to_owned(),
                SecretSource::File("lib/key".to_owned())
            ),
            ("restore/pager".to_owned(), env("OTHER")),
        ])
    );
    let scope = plan.scopes.first().expect("a scope");
    assert_eq!(
        scope.secrets,
        BTreeMap::from([
            ("key".to_owned(), "restore/key".to_owned()),
            ("pager".to_owned(), "restore/pager".to_owned()),
        ])
    );
    let via = &plan.contacts["second"].via;
    assert!(
        matches!(via.as_slice(), [Channel::Webhook(url)]
            if url.text() == "https://${{ 'eu' }}/${{ secrets['restore/pager'] }}"),
        "{via:?}"
    );
    let dir = |id: &str| {
        node(&plan, id)
            .dir
            .as_ref()
            .map(|dir| dir.text().to_owned())
    };
    assert_eq!(dir("before").as_deref(), Some("work"));
    assert_eq!(dir("restore/fetch").as_deref(), Some("lib"));
    assert_eq!(dir("restore/load").as_deref(), Some("lib/data"));
    assert_eq!(dir("restore/other").as_deref(), Some("/tmp"));
}

#[test]
fn a_plan_changes_when_what_it_calls_does() {
    let digest = |text: &str| {
        let files = Files::of(&[("lib/restore.runbook", text)]);
        let plan = files
            .plan("outer.runbook", OUTER, &[], None)
            .expect("it is clean");
        (plan.digest(), plan.scopes[0].digest)
    };
    let (plan, called) = digest(RESTORE);
    let spaced = RESTORE.replace("step other", "\n  // which other?\n  step  other");
    assert_eq!(digest(&spaced), (plan, called), "it means the same");
    let (changed_plan, changed) = digest(&RESTORE.replace("./other", "./another"));
    assert_ne!(changed, called);
    assert_ne!(changed_plan, plan);
}

const LEAF: &str = r#"runbook leaf {
  timeout = 1m
  param name {}
  secret token { env = "TOKEN" }
  outputs { said = "steps.say.outputs.said" }
  step say { exec = ["echo", "${{ params.name }}"], effect = none, outputs { said = "stdout" }, env { T = "${{ secrets.token }}" } }
}"#;

const MIDDLE: &str = r#"runbook middle {
  timeout = 1m
  param name { default = "nobody" }
  outputs { said = "steps.one.outputs.said + steps.two.outputs.said" }
  step one { call { runbook = "leaf.runbook", with { name = "${{ params.name }}" } } }
  step two { call { runbook = "leaf.runbook", with { name = "two" } } }
}"#;

#[test]
fn calls_may_call() {
    let text = r#"runbook top {
      timeout = 1m
      step x {
        call { runbook = "middle.runbook" }
        undo { exec = ["./forget", "${{ steps.first.outputs.id }}"] }
      }
      step first { needs = [], run = "true", effect = none, outputs { id = "stdout" } }
      step last { needs = ["x"], exec = ["echo", "${{ steps.x.outputs.said }}"], effect = none }
    }"#
    .replace("step x {", "step x { needs = [\"first\"]");
    let files = Files::of(&[("leaf.runbook", LEAF), ("middle.runbook", MIDDLE)]);
    let plan = files
        .plan("top.runbook", &text, &[], None)
        .expect("it is clean");
    assert_eq!(
        order(&plan),
        [
            "x:begin < first",
            "x/one:begin < x:begin",
            "x/one/say < x/one:begin",
            "x/one < x/one/say",
            "x/two:begin < x/one",
            "x/two/say < x/two:begin",
            "x/two < x/two/say",
            "x < x/two",
            "first <",
            "last < x",
        ]
    );
    let at = |id: &str| plan.find(id).expect("it is there");
    let prefixes: Vec<_> = plan
        .scopes
        .iter()
        .map(|it| (it.prefix.as_str(), it.begin))
        .collect();
    assert_eq!(
        prefixes,
        [
            ("x/", at("x:begin")),
            ("x/one/", at("x/one:begin")),
            ("x/two/", at("x/two:begin"))
        ]
    );
    let seen = |id: &str| (node(&plan, id).scope, node(&plan, id).call);
    assert_eq!(seen("x/one:begin"), (Some(0), Some(at("x"))));
    assert_eq!(seen("x/one/say"), (Some(1), Some(at("x/one"))));
    assert_eq!(seen("x/one"), (Some(1), Some(at("x"))));
    assert_eq!(seen("x/two/say"), (Some(2), Some(at("x/two"))));
    // One secret, however often it is called.
    assert_eq!(plan.secrets.keys().collect::<Vec<_>>(), ["x/one/token"]);
    assert_eq!(plan.scopes[2].secrets["token"], "x/one/token");
    // The undo is the caller's, and stands at the end of the call.
    let end = node(&plan, "x");
    assert_eq!((end.scope, end.call), (Some(0), None));
    assert!(matches!(end.effect, WorldEffect::Undo(_)));
    assert_eq!(
        end.outputs["said"].text(),
        "steps.one.outputs.said + steps.two.outputs.said"
    );
}

#[test]
fn a_call_for_each_of_a_list_inside_of_a_call_begins_at_its_own_beginning() {
    let middle = r#"runbook middle {
      timeout = 1m
      step each { call { runbook = "leaf.runbook", with { name = "${{ item }}" } }, for_each = "['a', 'b']" }
      step one { call { runbook = "leaf.runbook", with { name = "one" } } }
    }"#;
    let top = "runbook top {\n step x { call { runbook = \"middle.runbook\" } }\n}";
    let files = Files::of(&[("leaf.runbook", LEAF), ("middle.runbook", middle)]);
    let plan = files
        .plan("top.runbook", top, &[], None)
        .expect("it is clean");
    for call in ["x", "x/each", "x/each/a", "x/each/b", "x/one"] {
        let at = |id: &str| plan.find(id).expect("it is there");
        let begin = at(&format!("{call}:begin"));
        assert_eq!(plan.rewind_target(at(call)), begin, "{call}");
        assert_eq!(plan.rewind_target(begin), begin, "{call}");
    }
}

#[test]
fn what_is_wrong_with_a_call_is_said_at_the_call() {
    let text = |call: &str| {
        format!(
            "runbook a {{\n timeout = 1m\n step x {{ call {{ {call} }} }}\n step y {{ exec = [\"${{{{ steps.x.outputs.gone }}}}\"], effect = none }}\n}}"
        )
    };
    let found = |call: &str| {
        let text = text(call);
        let file = SourceFile::new("a.runbook", text.as_str());
        let broken =
            "runbook broken {\n timeout = 1m\n step s { run = \"true\", effect = nothing }\n}";
        let files = files()
            .with("a.runbook", &text)
            .with("b.runbook", broken)
            .with("l.runbook", LEAF);
        let checked = check_with(&file, &files);
        assert!(checked.runbook.is_none());
        let lines = checked.diagnostics.iter().map(|it| {
            format!(
                "{} [{}] {}",
                it.code,
                file.slice(it.span()),
                it.help.clone().unwrap_or_default()
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    for (call, parts) in [
        (
            "runbook = \"gone.runbook\"",
            vec!["call::unreadable [\"gone.runbook\"] the path is relative"],
        ),
        (
            "runbook = \"b.runbook\"",
            vec!["call::unreadable [\"b.runbook\"] `piton check b.runbook`"],
        ),
        (
            "runbook = \"a.runbook\"",
            vec!["call::endless [\"a.runbook\"]"],
        ),
        (
            "runbook = \"l.runbook\", with { nam = 5 }",
            vec![
                "call::unknown-param [nam] did you mean `name`?",
                "names::undeclared-output [gone]",
            ],
        ),
        (
            "runbook = \"l.runbook\"",
            vec!["call::missing-param [\"l.runbook\"] write with { name = … }"],
        ),
        (
            "runbook = \"l.runbook\", with { name = \"${{ 1 + 1 }}\" }",
            vec!["call::wrong-type [\"${{ 1 + 1 }}\"] write `${{ string(1 + 1) }}`"],
        ),
    ] {
        let found = found(call);
        for part in parts {
            assert!(found.contains(part), "`{part}` is not in\n{found}");
        }
    }
}

#[test]
fn findings_in_a_called_file_are_in_that_file() {
    let broken = "runbook b {\n timeout = 1m\n step s { run = \"true\", effect = nothing }\n}";
    let top = "runbook a {\n step x { call { runbook = \"m.runbook\" } }\n step y { call { runbook = \"b.runbook\" } }\n}";
    let middle = "runbook m {\n step x { call { runbook = \"b.runbook\" } }\n}";
    let files = Files::of(&[("b.runbook", broken), ("m.runbook", middle)]);
    let checked = check_with(&SourceFile::new("a.runbook", top), &files);
    assert_eq!(checked.diagnostics.len(), 2, "{:#?}", checked.diagnostics);
    let called: Vec<_> = checked
        .called
        .iter()
        .map(|it| {
            (
                it.file.name.as_str(),
                it.diagnostics.len(),
                it.file.slice(it.diagnostics[0].span()),
            )
        })
        .collect();
    assert_eq!(
        called,
        [
            ("b.runbook", 1, "nothing"),
            ("m.runbook", 1, "\"b.runbook\"")
        ]
    );
}

#[test]
fn circles_and_depths_end() {
    let call = |name: &str, to: &str| {
        format!("runbook {name} {{\n step x {{ call {{ runbook = \"{to}.runbook\" }} }}\n}}")
    };
    let files = Files::of(&[
        ("b.runbook", &call("b", "c")),
        ("c.runbook", &call("c", "b")),
    ]);
    let error = files
        .plan("a.runbook", &call("a", "b"), &[], None)
        .expect_err("a circle");
    assert!(
        error.contains("b.runbook → c.runbook → b.runbook"),
        "{error}"
    );

    let chain: Vec<_> = (0..20)
        .map(|n| {
            (
                format!("f{n}.runbook"),
                call(&format!("f{n}"), &format!("f{}", n + 1)),
            )
        })
        .chain([("f20.runbook".to_owned(), LEAF.to_owned())])
        .collect();
    let chain: Vec<_> = chain
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let error = Files::of(&chain)
        .plan("a.runbook", &call("a", "f0"), &[], None)
        .expect_err("too deep");
    assert!(
        error.contains("calls go deeper than 16 files here"),
        "{error}"
    );

    // Each calls the next one ten times: 10^6 in the end, and each is read once.
    let ten = |name: &str, to: &str| {
        let steps: String = (0..10)
            .map(|n| format!(" step x{n} {{ call {{ runbook = \"{to}.runbook\" }} }}\n"))
            .collect();
        format!("runbook {name} {{\n{steps}}}")
    };
    let end = "runbook e {\n timeout = 1m\n step s { run = \"true\", effect = none }\n}";
    let names = ["a", "b", "c", "d", "f", "g", "e"];
    let texts: Vec<_> = names
        .windows(2)
        .map(|pair| (format!("{}.runbook", pair[0]), ten(pair[0], pair[1])))
        .chain([("e.runbook".to_owned(), end.to_owned())])
        .collect();
    let all: Vec<_> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let error = Files::of(&all)
        .plan("a.runbook", &texts[0].1, &[], None)
        .expect_err("too many");
    assert!(
        error.contains("more than 100000 steps and gates"),
        "{error}"
    );
}

#[test]
fn a_rewind_into_a_call_is_told_to_name_the_call() {
    let text = OUTER.replace("rewind(\"restore\")]", "rewind(\"restore/fetch\")]");
    let file = SourceFile::new("outer.runbook", text.as_str());
    let checked = check_with(&file, &files());
    let found = checked
        .diagnostics
        .iter()
        .map(|it| it.help.clone().unwrap_or_default());
    let found: Vec<_> = found.collect();
    assert!(
        found
            .iter()
            .any(|help| help.ends_with("name `restore` itself")),
        "{:#?}",
        checked.diagnostics
    );
}

#[test]
fn without_a_loader_calls_are_not_followed_and_give_no_plan() {
    let checked = check(&SourceFile::new("outer.runbook", OUTER));
    assert!(checked.diagnostics.is_empty(), "{:#?}", checked.diagnostics);
    let runbook = checked.runbook.expect("it is clean");
    let errors = compile(&runbook, &BTreeMap::new()).expect_err("nothing was read");
    assert!(errors[0].to_string().contains("was not read"), "{errors:?}");
}

#[test]
fn the_same_name_for_two_things_is_refused() {
    let text = RESTORE
        .replace("contact second", "contact lead")
        .replace("\"second\"", "\"lead\"");
    let error = Files::of(&[("lib/restore.runbook", &text)])
        .plan("outer.runbook", OUTER, &[], None)
        .expect_err("two contacts");
    assert!(
        error.contains("the contact `lead` is not the same"),
        "{error}"
    );
}

#[test]
fn locks_of_a_called_runbook_are_held_by_the_run() {
    let lock = |name: &str| {
        RESTORE.replace(
            "timeout = 2m",
            &format!("timeout = 2m\n  lock = \"{name}\""),
        )
    };
    let plan = |text: &str| {
        Files::of(&[("lib/restore.runbook", text)]).plan("outer.runbook", OUTER, &[], None)
    };
    let held = plan(&lock("db-${{ params.host }}"))
        .expect("it is known")
        .lock
        .expect("a lock");
    assert_eq!(
        held.names.iter().map(|it| it.text()).collect::<Vec<_>>(),
        ["db-db-1"]
    );
    let error = plan(&lock("db-${{ params.days }}")).expect_err("it is not known");
    assert!(error.contains("the name of a lock"), "{error}");
}

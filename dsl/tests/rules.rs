//! Rules about the way back, people, waiting and locks: what they see, and what they leave in peace.

use crate::body::{found, help};
use piton_core::plan::Action;
use piton_dsl::check;
use piton_dsl::source::SourceFile;

const CLEAN: [&str; 0] = [];
const PEOPLE: &str = r#"
 contact ann { via = [{ command = ["./page.sh"] }], roles = ["dba"] }
 escalation infra { level { page = ["ann"], ack_within = 5m } }
"#;

#[test]
fn a_node_may_go_back_to_itself_and_to_what_it_waits_for() {
    for to in ["a", "b", "c"] {
        let body = format!(
            r#"
 step a {{ run = "true", effect = none }}
 step b {{ run = "true", effect = none }}
 step c {{ run = "true", effect = none, on_fail = [rewind("{to}", times = 2), stop] }}"#
        );
        assert_eq!(found(&body), CLEAN, "{to}");
    }
}

#[test]
fn going_back_sideways_or_nowhere_is_an_error() {
    let body = r#"
 step a { run = "true", effect = none }
 step b { run = "true", effect = none, needs = [] }
 step c { run = "true", effect = none, needs = [a], on_fail = [rewind("b"), rewind("q"), rewind("fin")] }
 step fin { run = "true", effect = none, finally = true }"#;
    assert_eq!(
        found(body),
        [
            "rewind::not-before [\"b\"]",
            "names::unknown-node [\"q\"]",
            "rewind::not-before [\"fin\"]"
        ]
    );
}

#[test]
fn nothing_reaches_into_a_runbook_that_is_called() {
    let body = r#"
 step x { call { runbook = "sub.runbook" } }
 gate g { run = "true", on_fail = [rewind("x/y"), stop] }"#;
    let file = SourceFile::new(
        "a.runbook",
        format!("runbook a {{\n timeout = 5m\n{body}\n}}"),
    );
    let diagnostics = check(&file).diagnostics;
    let found = diagnostics
        .iter()
        .find(|it| it.code == "names::unknown-node");
    assert_eq!(
        found.and_then(|it| it.help.as_deref()),
        Some("nothing outside of the runbook that `x` calls reaches into it; name `x` itself")
    );
}

#[test]
fn a_way_back_for_all_nodes_has_to_be_one_for_each() {
    let body = r#"
 on_fail = [rewind("b"), stop]
 step a { run = "true", effect = none }
 step b { run = "true", effect = none }
 step fin { run = "true", effect = none, finally = true }"#;
    assert_eq!(found(body), ["rewind::not-before [\"b\"]"]);
    let own = body.replace("step a {", "step a { on_fail = [stop],");
    assert_eq!(found(&own), CLEAN);
}

#[test]
fn nothing_is_gone_back_over_that_has_not_been_done() {
    let runbook = |needs: &str, valid: &str, more: &str| {
        found(&format!(
            r#"
 step a {{ run = "true", effect = none }}
 gate g {{ run = "./whole", on_fail = [rewind("a"), stop]{valid} }}
 step x {{ run = "true", irreversible = "gone"{needs} }}
 {more}"#
        ))
    };
    let more = r#"step y { run = "true", effect = none, needs = [g] }"#;
    let over = ["rewind::irreversible [\"a\"]"];
    assert_eq!(runbook("", "", ""), CLEAN, "it waits for the gate");
    assert_eq!(runbook(", needs = [a]", "", ""), over, "side by side");
    assert_eq!(runbook(", needs = []", "", ""), CLEAN, "another branch");
    let valid = ", valid_for = 10m";
    assert_eq!(
        runbook("", valid, ""),
        CLEAN,
        "one waits, and has not begun"
    );
    assert_eq!(
        runbook("", valid, more),
        over,
        "one may be done when the gate is looked at for the other"
    );
    assert_eq!(runbook("", "", more), CLEAN);
}

#[test]
fn many_ways_back_are_followed_each_to_its_own_end() {
    let mut body = String::from(" step s0 { run = \"true\", effect = none }\n");
    for n in 1..=200 {
        let effect = if n == 100 {
            "irreversible = \"x\""
        } else {
            "effect = none"
        };
        let to = n - 1;
        body += &format!(
            " step s{n} {{ run = \"true\", {effect}, on_fail = [rewind(\"s{to}\"), stop] }}\n"
        );
    }
    assert_eq!(
        found(&body),
        [
            "rewind::irreversible [\"s99\"]",
            "rewind::irreversible [\"s100\"]"
        ]
    );
}

#[test]
fn an_undo_may_use_what_is_there_by_then() {
    let undo = |after: &str, uses: &str| {
        found(&format!(
            r#"
 step maybe {{ run = "true", effect = none, when = "run.starter == 'x'", outputs {{ o = "value" }} }}
 step sure {{ run = "true", effect = none, outputs {{ o = "value" }} }}
 step s {{
   run = "true"
   outputs {{ o = "value" }}
   undo {{ {after} exec = ["x", "${{{{ {uses} }}}}"] }}
 }}"#
        ))
    };
    assert_eq!(undo("", "steps.s.outputs.o"), CLEAN);
    assert_eq!(undo("after = succeeded,", "steps.s.outputs.o"), CLEAN);
    assert_eq!(
        undo("after = started,", "steps.s.outputs.o"),
        ["undo::missing-output [steps.s.outputs.o]"]
    );
    assert_eq!(
        undo(
            "after = started,",
            "has(steps.s.outputs.o) ? steps.s.outputs.o : ''"
        ),
        CLEAN
    );
    assert_eq!(undo("after = started,", "steps.sure.outputs.o"), CLEAN);
    assert_eq!(
        undo("", "steps.maybe.outputs.o"),
        ["undo::missing-output [steps.maybe.outputs.o]"]
    );
    assert_eq!(
        undo(
            "",
            "steps.maybe.status == 'succeeded' ? steps.maybe.outputs.o : ''"
        ),
        CLEAN
    );
}

#[test]
fn steps_skipped_on_the_same_condition_may_use_each_other() {
    let body = r#"
 step a { run = "true", effect = none, when = "run.starter == 'x'", outputs { o = "value" } }
 step b { run = "true", when = "run.starter == 'x'", undo { exec = ["x", "${{ steps.a.outputs.o }}"] } }"#;
    assert_eq!(found(body), CLEAN);
}

#[test]
fn only_what_goes_back_asks_about_half_done_steps() {
    let step = |shared: &str, own: &str, undo: &str| {
        found(&format!(
            " {PEOPLE} {shared}\n step s {{ run = \"true\", undo {{ run = \"true\"{undo} }}{own} }}"
        ))
    };
    let half = ["undo::half-done [undo]"];
    assert_eq!(step("", "", ""), CLEAN);
    assert_eq!(step("on_fail = [rollback]", "", ""), half);
    assert_eq!(
        step("on_fail = [rollback]", ", on_fail = [stop]", ""),
        CLEAN
    );
    assert_eq!(step("", ", on_fail = [rewind(\"s\"), stop]", ""), half);
    assert_eq!(step("on_fail = [rollback]", ", finally = true", ""), CLEAN);
    assert_eq!(
        step("on_fail = [rollback]", "", ", after = succeeded"),
        CLEAN
    );
    assert_eq!(step("on_fail = [rollback]", "", ", after = started"), CLEAN);
    let expires = "on_fail = [escalate(\"infra\", expires = 1h), rollback]";
    assert_eq!(step(expires, "", ""), half);
    let never = "on_fail = [escalate(\"infra\"), rollback]";
    assert_eq!(step(never, "", ""), half);
    let never = "on_fail = [stop, rollback]";
    assert_eq!(step(never, "", ""), ["on-fail::never-taken [rollback]"]);
}

#[test]
fn names_of_people_are_looked_up_where_people_are_declared() {
    let gate = |people: &str| {
        found(&format!(
            "{people} gate g {{ approve {{ by = [\"dba\", \"anne\"], expires = 5m, page = \"infar\" }} on_fail = [stop] }}"
        ))
    };
    assert_eq!(gate(""), ["people::unknown-policy [\"infar\"]"]);
    assert_eq!(
        gate(PEOPLE),
        [
            "people::unknown-contact [\"anne\"]",
            "people::unknown-policy [\"infar\"]"
        ]
    );
    let notify = |to: &str| {
        let body = format!("{PEOPLE} step s {{ notify {{ to = [\"{to}\"], message = \"x\" }} }}");
        (found(&body), help(&body))
    };
    let unknown = |name: &str| vec![format!("people::unknown-contact [\"{name}\"]")];
    assert_eq!(notify("ann"), (vec![], vec![]));
    for (name, meant) in [
        ("dba", "`dba` is a role; name the contact that has it"),
        ("infra", "`infra` is an escalation; name contacts"),
        ("anna", "did you mean `ann`?"),
    ] {
        assert_eq!(notify(name), (unknown(name), vec![meant.to_owned()]));
    }
}

#[test]
fn a_wait_is_covered_by_what_it_expires_into() {
    let gate = |people: &str, approve: &str, rest: &str| {
        found(&format!(
            "{people} gate g {{ approve {{ expires = 5m{approve} }} {rest} }}"
        ))
    };
    let stop = "on_fail = [stop]";
    assert_eq!(gate("", "", stop), CLEAN, "nobody is declared");
    assert_eq!(gate(PEOPLE, "", stop), ["people::nobody-paged [approve]"]);
    assert_eq!(gate(PEOPLE, ", page = \"infra\"", stop), CLEAN);
    assert_eq!(gate(PEOPLE, "", "on_fail = [escalate(\"infra\")]"), CLEAN);
    let confirm = |page: &str| {
        found(&format!(
            "{PEOPLE} step s {{ run = \"true\", effect = none, confirm = \"x\"{page} }}"
        ))
    };
    assert_eq!(confirm(""), ["people::nobody-paged [confirm]"]);
    assert_eq!(confirm(", page = \"infra\""), CLEAN);
}

#[test]
fn a_second_pair_of_eyes_may_look_anywhere_on_the_way() {
    let runbook = |first: &str, second: &str| {
        found(&format!(
            r#"
 gate one {{ approve {{ expires = 5m{first} }} on_fail = [stop] }}
 gate two {{ approve {{ expires = 5m{second} }} on_fail = [stop] }}
 step s {{ run = "true", irreversible = "gone" }}"#
        ))
    };
    let report = "people::starter-may-approve [approve]";
    assert_eq!(runbook("", ""), [report, report]);
    assert_eq!(runbook(", not_starter = true", ""), CLEAN);
    assert_eq!(runbook("", ", count = 2"), CLEAN);
}

#[test]
fn what_runs_at_the_end_stands_apart() {
    let body = r#"
 step fin { finally = true, run = "true", effect = none, needs = [a], interrupted = ask, confirm = "x" }
 step a { run = "true", effect = none, needs = [fin], outputs { o = "value" } }
 step b { run = "true", effect = none }
 step fin2 { finally = true, exec = ["x", "${{ steps.a.outputs.o }}"], effect = none, on_fail = [continue] }"#;
    let mut codes = found(body);
    codes.sort();
    assert_eq!(
        codes,
        [
            "finally::needed [a]",
            "finally::needed [fin]",
            "finally::waits-for-people [confirm]",
            "finally::waits-for-people [interrupted]",
            "names::may-be-missing [steps.a.outputs.o]",
            "order::cycle [fin]",
        ]
    );
}

#[test]
fn a_run_waits_for_no_lock_that_it_holds() {
    let body = r#"
 param p { type = string, default = "1" }
 lock = ["db-${{ params.p }}", "log"]
 step a { run = "true", effect = none, lock = ["db-${{ params.p }}", "other", "other"] }
 step b { run = "true", effect = none, lock_timeout = 5m }"#;
    assert_eq!(
        found(body),
        [
            "lock::held-already [\"db-${{ params.p }}\"]",
            "lock::held-already [\"other\"]",
            "lock::empty [lock_timeout]",
        ]
    );
}

#[test]
fn an_output_is_there_unless_its_step_is_passed_over() {
    let runbook = |first: &str, uses: &str, second: &str| {
        found(&format!(
            r#"
 step a {{ run = "true", effect = none, outputs {{ o = "stdout" }}{first} }}
 step b {{ exec = ["x", "${{{{ {uses} }}}}"], effect = none{second} }}"#
        ))
    };
    let uses = "steps.a.outputs.o";
    let report = ["names::may-be-missing [steps.a.outputs.o]"];
    let when = ", when = \"run.starter == 'x'\"";
    assert_eq!(runbook("", uses, ""), CLEAN);
    assert_eq!(runbook(when, uses, ""), report);
    assert_eq!(runbook(", on_fail = [continue]", uses, ""), report);
    assert_eq!(runbook(when, uses, when), CLEAN);
    assert_eq!(
        runbook(when, "has(steps.a.outputs.o) ? steps.a.outputs.o : ''", ""),
        CLEAN
    );
    assert_eq!(runbook("", uses, ", finally = true"), report);
}

#[test]
fn a_wait_is_paged_for_by_its_own_policy_or_that_of_the_node() {
    let text = format!(
        r#"runbook a {{ {PEOPLE}
 escalation cto {{ level {{ page = ["ann"] }} }}
 page = "cto"
 gate own {{ approve {{ expires = 5m, page = "infra" }} on_fail = [stop], page = "cto" }}
 gate node {{ approve {{ expires = 5m }} on_fail = [stop], page = "infra" }}
 step done {{ manual {{ instructions = "x" }} effect = none, page = "infra" }}
 gate none {{ approve {{ expires = 5m }} on_fail = [stop] }} }}"#
    );
    let checked = piton_dsl::check_text("a.runbook", &text);
    let runbook = checked.runbook.expect("no errors");
    let plan = piton_dsl::compile(&runbook, &piton_dsl::Params::new()).expect("a plan");
    let page = |action: &Action| match action {
        Action::Approve(approve) => approve.page.clone(),
        Action::Manual(manual) => manual.page.clone(),
        _ => None,
    };
    let pages: Vec<_> = plan.nodes.iter().map(|node| page(&node.action)).collect();
    let infra = Some("infra".to_owned());
    assert_eq!(pages, [infra.clone(), infra.clone(), infra, None]);
}

#[test]
fn how_somebody_is_reached_may_depend_on_the_run_but_not_on_what_happens_in_it() {
    let with = |argument: &str| {
        found(&format!(
            r#"
 contact ann {{ via = [{{ command = ["tee", "${{{{ {argument} }}}}"] }}] }}
 escalation infra {{ level {{ page = ["ann"], ack_within = 5m }} }}
 page = "infra"
 step a {{ run = "true", effect = none, outputs {{ x = "stdout" }} }}
 step b {{ manual {{ instructions = "go", expires = 5m }}, effect = none }}"#
        ))
    };
    for known in ["run.work + '/pages.log'", "run.id", "run.starter"] {
        assert_eq!(with(known), CLEAN, "{known}");
    }
    for unknown in ["run.outcome", "steps.a.outputs.x", "node.pass", "mode"] {
        let found = with(unknown);
        assert!(
            found.len() == 1 && found[0].starts_with("names::unknown"),
            "{unknown}: {found:?}"
        );
    }
}

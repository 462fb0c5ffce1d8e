//! Mistakes in the keys of the way back, of people and of waiting: what is said of them, and where.

use piton_dsl::check;
use piton_dsl::source::SourceFile;

/// Each diagnostic as `code [the source it points to] message`.
fn said(name: &str, text: &str) -> Vec<String> {
    let file = SourceFile::new(name, text);
    check(&file)
        .diagnostics
        .iter()
        .map(|it| format!("{} [{}] {}", it.code, file.slice(it.span()), it.message))
        .collect()
}

/// What is said of a step with this in it, in each syntax.
fn said_of_step(own: &str, yaml: &str) -> [Vec<String>; 2] {
    let own = format!("runbook a {{\n timeout = 1m\n step s {{ {own} }}\n}}\n");
    let yaml = format!("runbook: a\ntimeout: 1m\nsteps:\n  - step: s\n    {yaml}\n");
    [said("a.runbook", &own), said("a.runbook.yaml", &yaml)]
}

#[test]
fn mistakes_in_the_new_keys_are_told_where_they_stand() {
    let plain = "run = \"x\", effect = none";
    let plain_yaml = "run: x\n    effect: none";
    for (own, yaml, expected) in [
        (
            r#"run = "x", undo { run = "y", after = failed }"#,
            "run: x\n    undo: {run: y, after: failed}",
            "keys::wrong-type [failed]",
        ),
        (
            r#"run = "x", undo { run = "y", check { } }"#,
            "run: x\n    undo: {run: y, check: {}}",
            "action::not-exactly-one",
        ),
        (
            r#"manual { ask a { type = text } }, effect = none"#,
            "manual: {asks: {a: {type: text}}}\n    effect: none",
            "keys::wrong-type [text]",
        ),
        (
            r#"manual { instructions = "x", asking = 1 }, effect = none"#,
            "manual: {instructions: x, asking: 1}\n    effect: none",
            "keys::unknown [asking]",
        ),
        (
            r#"manual { ask a { type = int, validate = "value" } }, effect = none"#,
            "manual: {asks: {a: {type: int, validate: value}}}\n    effect: none",
            "expression::type [",
        ),
        ("wait = soon", "wait: soon", "keys::wrong-type [soon]"),
        (
            r#"wait { for = 1m, until = "run.started" }"#,
            "wait: {for: 1m, until: run.started}",
            "keys::not-exactly-one",
        ),
        (
            r#"wait { until = "run.id" }"#,
            "wait: {until: run.id}",
            "expression::type [",
        ),
        (
            r#"call { with { a = "b" } }"#,
            "call: {with: {a: b}}",
            "keys::missing",
        ),
        (
            r#"PLAIN, on_fail = [rewind(s), again]"#,
            "PLAIN\n    on_fail: [{rewind: s}, again]",
            "keys::wrong-type [again]",
        ),
        (
            r#"PLAIN, on_fail = [rewind(s, times = 0)]"#,
            "PLAIN\n    on_fail: [{rewind: s, times: 0}]",
            "keys::wrong-type [0]",
        ),
        (
            r#"PLAIN, on_fail = [escalate(p, expire = 1h)]"#,
            "PLAIN\n    on_fail: [{escalate: p, expire: 1h}]",
            "keys::unknown [expire]",
        ),
        (
            r#"PLAIN, skip = always"#,
            "PLAIN\n    skip: always",
            "keys::wrong-type [always]",
        ),
        (
            r#"PLAIN, target { expect = "true" }"#,
            "PLAIN\n    target: {expect: \"true\"}",
            "keys::missing",
        ),
        (
            r#"PLAIN, until = "stdout", every = 1s"#,
            "PLAIN\n    until: stdout\n    every: 1s",
            "expression::type [",
        ),
        (
            r#"PLAIN, until = "true", every = 1s, fail_when { file = "x" }"#,
            "PLAIN\n    until: \"true\"\n    every: 1s\n    fail_when: {file: x}",
            "keys::missing",
        ),
        (
            r#"PLAIN, env { A = "${{ capture.stdout }}" }"#,
            "PLAIN\n    env: {A: \"${{ capture.stdout }}\"}",
            "names::unknown [capture]",
        ),
        (
            r#"capture { run = "y" }, run = "x", undo { env { A = "${{ capture.rows }}" }, run = "z $A" }"#,
            "capture: {run: y}\n    run: x\n    undo: {env: {A: \"${{ capture.rows }}\"}, run: z $A}",
            "names::unknown [rows]",
        ),
        (
            r#"PLAIN, env { A = "${{ item }}" }"#,
            "PLAIN\n    env: {A: \"${{ item }}\"}",
            "names::unknown [item]",
        ),
        (
            r#"PLAIN, env { A = "${{ run.outcome }}" }"#,
            "PLAIN\n    env: {A: \"${{ run.outcome }}\"}",
            "names::unknown [outcome]",
        ),
        (
            r#"PLAIN, env { A = "${{ steps.s.status }}" }"#,
            "PLAIN\n    env: {A: \"${{ steps.s.status }}\"}",
            "order::not-before [steps.s.status]",
        ),
        (
            r#"PLAIN, for_each = "5""#,
            "PLAIN\n    for_each: \"5\"",
            "expression::type [",
        ),
        (
            r#"PLAIN, capture { run = "echo ${{ node.id }}" }"#,
            "PLAIN\n    capture: {run: \"echo ${{ node.id }}\"}",
            "code::splice [${{ node.id }}]",
        ),
    ] {
        let texts = [
            own.replace("PLAIN", plain),
            yaml.replace("PLAIN", plain_yaml),
        ];
        for found in said_of_step(&texts[0], &texts[1]) {
            assert!(
                found.iter().any(|it| it.starts_with(expected)),
                "{own}: {expected}: {found:#?}"
            );
        }
    }
}

#[test]
fn mistakes_in_what_the_runbook_says_of_itself_are_told_where_they_stand() {
    let node = ["step s { wait = 1s }", "steps:\n  - {step: s, wait: 1s}"];
    for (own, yaml, expected) in [
        (
            "contact c { via = [{ webhook = \"x\", command = [\"y\"] }] }",
            "contacts: {c: {via: [{webhook: x, command: [y]}]}}",
            "keys::not-exactly-one",
        ),
        (
            "contact c { via = [{ webhook = \"${{ steps.s.status }}\" }] }",
            "contacts: {c: {via: [{webhook: \"${{ steps.s.status }}\"}]}}",
            "names::unknown [steps]",
        ),
        (
            "contact C_1 { via = [{ webhook = \"x\" }] }",
            "contacts: {C_1: {via: [{webhook: x}]}}",
            "keys::bad-name [C_1]",
        ),
        (
            "escalation e { decide_within = 1h }",
            "escalations: {e: {decide_within: 1h}}",
            "keys::missing",
        ),
        (
            "escalation e { level { ack_within = 1h } }",
            "escalations: {e: {levels: [{ack_within: 1h}]}}",
            "keys::missing",
        ),
        (
            "targets { rto { within = 1h, at_risk = 180% } }",
            "targets: {rto: {within: 1h, at_risk: 180%}}",
            "keys::wrong-type [180%]",
        ),
        (
            "targets { rpo { within = 1h, achieved = \"5\" } }",
            "targets: {rpo: {within: 1h, achieved: \"5\"}}",
            "expression::type [",
        ),
        (
            "mode m { only = [s], sets { a = 1 } }",
            "modes: {m: {only: [s], sets: {a: 1}}}",
            "keys::unknown [sets]",
        ),
        (
            "lock = \"${{ steps.s.status }}\"",
            "lock: \"${{ steps.s.status }}\"",
            "names::unknown [steps]",
        ),
        (
            "outputs { a = \"node.id\" }",
            "outputs: {a: node.id}",
            "names::unknown [node]",
        ),
    ] {
        let own = format!("runbook a {{\n{own}\n{}\n}}\n", node[0]);
        let yaml = format!("runbook: a\n{yaml}\n{}\n", node[1]);
        for (name, text) in [("a.runbook", &own), ("a.runbook.yaml", &yaml)] {
            let found = said(name, text);
            assert!(
                found.iter().any(|it| it.starts_with(expected)),
                "{text}: {expected}: {found:#?}"
            );
        }
    }
}

#[test]
fn a_level_has_no_name_and_a_check_of_an_undo_neither() {
    let text =
        "runbook a {\n escalation e { level one { page = \"c\" } }\n step s { wait = 1s }\n}\n";
    let found = said("a.runbook", text);
    assert!(
        found
            .iter()
            .any(|it| it.starts_with("syntax::unexpected [one] a `level` has no name")),
        "{found:#?}"
    );
    let text = "runbook a {\n timeout = 1m\n step s { run = \"x\", undo { run = \"y\", check \"it\" { run = \"z\" } } }\n}\n";
    let found = said("a.runbook", text);
    assert!(!found.is_empty());
}

#[test]
fn outputs_of_the_runbook_see_every_step_whatever_the_order() {
    let text = r#"runbook a {
      timeout = 1m
      outputs { n = "steps.b.outputs.n" }
      step a { run = "x", effect = none }
      step b { run = "x", effect = none, needs = [], outputs { n = "stdout" } }
    }"#;
    assert_eq!(said("a.runbook", text), [""; 0]);
    let found = said("a.runbook", &text.replace("b.outputs.n", "b.outputs.m"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("names::undeclared-output"),
        "{found:#?}"
    );
}

#[test]
fn a_result_of_what_runs_at_the_end_is_not_there_before() {
    let text = r#"runbook a {
      timeout = 1m
      step a { run = "x", effect = none, env { B = "${{ steps.b.status }}" } }
      step b { run = "x", effect = none, finally = true }
    }"#;
    let found = said("a.runbook", text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("order::not-before"), "{found:#?}");
}

#[test]
fn a_level_without_braces_is_told_how_it_is_written() {
    let text = "runbook a {\n escalation e {\n  level\n }\n step s { wait = 1s }\n}\n";
    let file = SourceFile::new("a.runbook", text);
    let found = check(&file).diagnostics;
    let help = |found: &piton_dsl::diagnostic::Diagnostic| found.help.clone().unwrap_or_default();
    assert!(
        found
            .iter()
            .any(|it| it.code == "syntax::missing-block" && help(it) == "write `level { … }`"),
        "{found:#?}"
    );
}

#[test]
fn secrets_reach_contacts_and_nothing_that_people_are_shown() {
    let text = r#"runbook a {
      timeout = 1m
      secret token { env = "TOKEN" }
      contact lead { name = "on ${{ secrets.token }}", via = [{ webhook = "https://x/${{ secrets.token }}" }] }
      lock = "l-${{ secrets.token }}"
      step ask {
        effect = none
        manual { instructions = "use ${{ secrets.token }}", ask a { help = "${{ secrets.token }}" } }
      }
      step tell { notify { to = ["lead"], message = "${{ secrets.token }}" } }
      step drop { run = "x", irreversible = "gone", confirm = "${{ secrets.token }}" }
    }"#;
    let found = said("a.runbook", text);
    let written = found
        .iter()
        .filter(|it| it.starts_with("secrets::written-down"))
        .count();
    let unknown = found
        .iter()
        .filter(|it| it.starts_with("names::unknown [secrets]"))
        .count();
    assert_eq!((written, unknown), (5, 1), "{found:#?}");
}

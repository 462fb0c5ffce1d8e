//! What the rules say, and where.

use piton_dsl::source::SourceFile;
use piton_dsl::{check, check_text};

/// Each diagnostic of a text on a line: `code @ line:column "the source it points to" message | help`.
pub(crate) fn found(name: &str, text: &str) -> Vec<String> {
    let file = SourceFile::new(name, text);
    check(&file)
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let (line, column) = file.position(diagnostic.span().start);
            let source = file.slice(diagnostic.span());
            let help = diagnostic
                .help
                .as_deref()
                .map(|help| format!(" | {help}"))
                .unwrap_or_default();
            format!(
                "{} @ {line}:{column} [{source}] {}{help}",
                diagnostic.code, diagnostic.message
            )
        })
        .collect()
}

/// Only code, place and source.
fn places(name: &str, text: &str) -> Vec<String> {
    let short = |line: String| {
        line.split_inclusive(']')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let file = SourceFile::new(name, text);
    let all = check(&file).diagnostics.len();
    let places: Vec<_> = found(name, text).into_iter().map(short).collect();
    assert_eq!(places.len(), all);
    places
}

const SIX: &str = r#"runbook nightly {
  param region { default = "eu" }
  timeout = "ten minutes"
  step fetch {
    run    = "./fetch.sh ${{ params.region }}"
    effect = none
    retrys = 3
  }
  step report {
    needs  = ["fetsh"]
    exec   = ["./report.sh", "${{ params.regon }}"]
    effect = none
  }
  gate fresh {
    run = "test -f report.csv"
  }
}
"#;

const SIX_YAML: &str = r#"runbook: nightly
params:
  region: {default: eu}
timeout: ten minutes
steps:
  - step: fetch
    run: |
      # the newest file
      ./fetch.sh ${{ params.region }}
    effect: none
    retrys: 3
  - step: report
    needs: [fetsh]
    exec: [./report.sh, "${{ params.regon }}"]
    effect: none
  - gate: fresh
    run: test -f report.csv
"#;

#[test]
fn six_mistakes_are_six_diagnostics_each_at_its_place() {
    assert_eq!(
        places("six.runbook", SIX),
        [
            "keys::wrong-type @ 3:13 [\"ten minutes\"]",
            "code::splice @ 5:26 [${{ params.region }}]",
            "keys::unknown @ 7:5 [retrys]",
            "names::unknown-node @ 10:15 [\"fetsh\"]",
            "names::unknown @ 11:42 [regon]",
            "gate::no-on-fail @ 14:8 [fresh]",
        ]
    );
    assert_eq!(
        places("six.runbook.yaml", SIX_YAML),
        [
            "keys::wrong-type @ 4:10 [ten minutes]",
            "code::splice @ 9:18 [${{ params.region }}]",
            "keys::unknown @ 11:5 [retrys]",
            "names::unknown-node @ 13:13 [fetsh]",
            "names::unknown @ 14:37 [regon]",
            "gate::no-on-fail @ 16:11 [fresh]",
        ]
    );
}

#[test]
fn each_of_the_six_says_what_to_do() {
    let all = found("six.runbook", SIX).join("\n");
    for part in [
        "for example: timeout = 10m",
        r#"write env { REGION = "${{ params.region }}" } beside it, and "$REGION" here"#,
        "did you mean `retry`?",
        "did you mean `fetch`?",
        "did you mean `region`?",
        "write on_fail = [stop]",
    ] {
        assert!(all.contains(part), "`{part}` is not in\n{all}");
    }
    let yaml = found("six.runbook.yaml", SIX_YAML).join("\n");
    for part in [
        "for example: timeout: 10m",
        r#"write env: {REGION: "${{ params.region }}"} beside it"#,
        "write on_fail: [stop]",
    ] {
        assert!(yaml.contains(part), "`{part}` is not in\n{yaml}");
    }
}

/// A runbook with a time limit around some nodes.
fn nodes(nodes: &str) -> String {
    format!("runbook a {{\n timeout = 1m\n{nodes}\n}}\n")
}

#[test]
fn a_cycle_is_named_from_its_first_node_with_each_edge() {
    let text = nodes(
        r#" step free { run = "true", effect = none, needs = [] }
 step a { run = "true", effect = none, needs = ["c", "free"] }
 step b { run = "true", effect = none }
 step c { run = "true", effect = none, needs = ["b"] }
 step after { run = "true", effect = none, needs = ["c"] }"#,
    );
    let file = SourceFile::new("a.runbook", text.as_str());
    let checked = check(&file);
    let [cycle] = checked.diagnostics.as_slice() else {
        panic!("{:#?}", checked.diagnostics)
    };
    assert_eq!(cycle.code, "order::cycle");
    assert!(
        cycle.message.ends_with("`a` → `b` → `c` → `a`"),
        "{}",
        cycle.message
    );
    let labels: Vec<_> = cycle
        .labels
        .iter()
        .map(|label| (file.slice(label.span), label.text.as_str()))
        .collect();
    assert_eq!(
        labels,
        [
            ("b", "`b` has no `needs`, so it waits for `a` above it"),
            ("\"b\"", "`c` waits for `b`"),
            ("\"c\"", "`a` waits for `c`"),
        ]
    );
}

#[test]
fn a_step_that_waits_for_itself_and_two_knots_are_each_reported() {
    let text = nodes(
        r#" step a { run = "true", effect = none, needs = ["a"] }
 step b { run = "true", effect = none, needs = ["c"] }
 step c { run = "true", effect = none, needs = ["b"] }"#,
    );
    let all = found("a.runbook", &text);
    assert_eq!(all.len(), 2, "{all:#?}");
    assert!(all[0].contains("`a` waits for itself"), "{all:#?}");
    assert!(all[1].contains("`b` → `c` → `b`"), "{all:#?}");
}

#[test]
fn only_what_surely_came_before_may_be_used() {
    let text = nodes(
        r#" step a { run = "true", effect = none, outputs { x = "stdout" } }
 step b { run = "true", effect = none, needs = ["a"] }
 step c { run = "true", effect = none, needs = ["a"] }
 step d { run = "true", effect = none, needs = ["b", "c"], env { X = "${{ steps.a.outputs.x }}" } }
 step e { run = "true", effect = none, needs = ["b"], when = "steps.c.status == 'succeeded'" }
 step f { run = "true", effect = none, env { X = "${{ steps.g.status }}" } }
 step g { run = "true", effect = none, when = "steps.g.status == 'failed'" }"#,
    );
    let all = found("a.runbook", &text);
    let starts = |index: usize, start: &str| assert!(all[index].starts_with(start), "{all:#?}");
    assert_eq!(all.len(), 3, "{all:#?}");
    starts(0, "order::not-before @ 7:63 [steps.c.status]");
    assert!(
        all[0].ends_with("add `c` to the `needs` of `e`"),
        "{all:#?}"
    );
    starts(1, "order::not-before @ 8:55 [steps.g.status]");
    assert!(all[1].ends_with("move `g` before `f`"), "{all:#?}");
    starts(2, "order::not-before @ 9:48 [steps.g.status]");
    assert!(all[2].contains("its own result"), "{all:#?}");
}

#[test]
fn what_comes_before_is_found_across_more_than_64_branches() {
    let mut text = String::new();
    for n in 0..150 {
        text += &format!(" step a{n} {{ run = \"true\", effect = none, needs = [] }}\n");
    }
    let all: Vec<_> = (0..150).map(|n| format!("\"a{n}\"")).collect();
    text += &format!(
        " step join {{ run = \"true\", effect = none, needs = [{}], env {{\n",
        all.join(", ")
    );
    for n in 0..150 {
        text += &format!("  V{n} = \"${{{{ steps.a{n}.status }}}}\"\n");
    }
    text += " } }\n step other { run = \"true\", effect = none, needs = [\"a149\"], when = \"steps.a148.status == 'failed'\" }";
    assert_eq!(
        places("a.runbook", &nodes(&text)),
        ["order::not-before @ 305:70 [steps.a148.status]"]
    );
}

#[test]
fn a_bad_value_makes_nothing_else_wrong() {
    // An unreadable action is still the step's action, a misspelt `needs` is not the order of the file, an unknown
    // type of a parameter still leaves the parameter, and an output that does not parse is still declared.
    let text = nodes(
        r#" param p { type = text }
 step a { exec = "ls -l", effect = none, outputs { x = "1 +" } }
 step b { run = "true", effects = none, need = ["c"], env { P = "${{ params.p }}", X = "${{ steps.a.outputs.x }}" } }
 step c { rnu = "true", effect = nothing, env { X = "${{ steps.b.status }}" } }"#,
    );
    assert_eq!(
        places("a.runbook", &text),
        [
            "keys::wrong-type @ 3:19 [text]",
            "keys::wrong-type @ 4:18 [\"ls -l\"]",
            "expression::invalid @ 4:60 []",
            "keys::unknown @ 5:25 [effects]",
            "keys::unknown @ 5:41 [need]",
            "keys::unknown @ 6:11 [rnu]",
            "keys::wrong-type @ 6:34 [nothing]",
        ]
        .map(str::to_owned)
        .into_iter()
        .collect::<Vec<_>>()
    );
}

#[test]
fn secrets_may_stand_only_where_they_are_not_kept() {
    let text = nodes(
        r#" secret s { env = "S" }
 title = "with ${{ secrets.s }}"
 database = "sqlite:${{ secrets.s }}"
 step ok {
  sql { query = "select $1 as x", bind = ["${{ secrets.s }}"] }
  env { S = "${{ secrets.s }}" }
  effect = none
 }
 step no {
  when = "secrets.s == 'x'"
  exec = ["echo", "${{ secrets.s }}"]
  outputs { s = "secrets.s" }
  effect = none
 }
 gate g {
  checks { check "c" { run = "true", expect = "secrets.s" } }
  on_fail = [stop]
 }"#,
    );
    assert_eq!(
        places("a.runbook", &text),
        [
            "secrets::written-down @ 4:16 [${{ secrets.s }}]",
            "secrets::written-down @ 12:11 [secrets.s]",
            "secrets::written-down @ 13:24 [secrets.s]",
            "secrets::written-down @ 14:18 [secrets.s]",
            "secrets::written-down @ 18:48 [secrets.s]",
        ]
    );
}

#[test]
fn kinds_of_databases_are_known_before_the_run() {
    let said = |database: &str| {
        let text = nodes(&format!(
            " param a {{}}\n secret u {{ env = \"U\" }}\n step s {{\n  sql {{ on = \"{database}\", query = \"select 1\" }}\n  effect = none\n  timeout = 1m\n }}"
        ));
        let all = found("a.runbook", &text);
        all.iter().any(|it| it.contains("action::unknown-database"))
    };
    for fine in [
        "sqlite:x.db",
        "sqlite:${{ params.a }}",
        "postgres://db/x",
        "postgresql://${{ params.a }}/x",
        "${{ secrets.u }}",
        "postgres:${{ params.a }}",
    ] {
        assert!(!said(fine), "{fine}");
    }
    for wrong in [
        "mysql://db/x",
        "sqlite:",
        "postgres:db",
        "x.db",
        "mysql://${{ params.a }}",
        "/x:y.db",
    ] {
        assert!(said(wrong), "{wrong}");
    }
}

#[test]
fn splices_into_sql_are_bound_instead() {
    let text = nodes(
        r#" param a {}
 param b {}
 database = "sqlite:x.db"
 step s {
  sql { query = "select '${{ params.a }}', ${{ params.b }}" }
  effect = none
 }"#,
    );
    let all = found("a.runbook", &text);
    assert_eq!(all.len(), 2, "{all:#?}");
    assert!(
        all[0].contains(
            "write bind = [\"${{ params.a }}\"] in a `sql` block, and $1 here, without the quotes"
        ),
        "{all:#?}"
    );
    assert!(
        all[1].contains(
            "write \"${{ params.b }}\" as the 2. entry of `bind` in a `sql` block, and $2 here"
        ),
        "{all:#?}"
    );
}

#[test]
fn places_in_expressions_hold_through_escapes_and_indentation() {
    let text = nodes(" step s { exec = [\"a\\t\\u{e9}\\\"${{ params.gone }}\"], effect = none }");
    assert_eq!(places("a.runbook", &text), ["names::unknown @ 3:42 [gone]"]);
    let yaml = "runbook: a\ntimeout: 1m\nsteps:\n  - step: s\n    effect: none\n    exec:\n      - cat\n      - |\n        first\n        second ${{ params.gone }}\n";
    assert_eq!(
        places("a.runbook.yaml", yaml),
        ["names::unknown @ 10:27 [gone]"]
    );
}

#[test]
fn types_follow_outputs_from_step_to_step() {
    let text = nodes(
        r#" step a { run = "true", effect = none, outputs { code = "exit_code", text = "stdout" } }
 step b { run = "true", effect = none, outputs { twice = "steps.a.outputs.code * 2" } }
 step c { run = "true", effect = none, when = "steps.b.outputs.twice == 'x'" }
 step d { run = "true", effect = none, when = "steps.a.outputs.text" }
 step e { run = "true", effect = none, when = "rows.size() > 0" }"#,
    );
    let all = found("a.runbook", &text);
    assert_eq!(all.len(), 3, "{all:#?}");
    assert!(all[0].starts_with("expression::type @ 5:"), "{all:#?}");
    assert!(
        all[1].starts_with(
            "expression::type @ 6:48 [steps.a.outputs.text] `when` has to be true or false"
        ),
        "{all:#?}"
    );
    assert!(
        all[2].starts_with("names::unknown @ 7:48 [rows]"),
        "{all:#?}"
    );
}

#[test]
fn an_expression_in_braces_is_told_to_drop_them() {
    let text = nodes(r#" step a { run = "true", effect = none, when = "${{ 1 == 1 }}" }"#);
    let all = found("a.runbook", &text);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert!(all[0].ends_with("| write `1 == 1`"), "{all:#?}");
}

#[test]
fn keys_of_a_newer_piton_are_said_to_be_unknown_to_this_one() {
    let text = nodes(r#" step a { pool { run = "x" }, effect = none, ref { section = "4" } }"#);
    assert_eq!(
        places("a.runbook", &text),
        ["keys::unknown @ 3:11 [pool]", "keys::unknown @ 3:46 [ref]"]
    );
    assert!(
        found("a.runbook", &text)[0]
            .contains("this piton does not know the key `pool` of a `step`")
    );
}

#[test]
fn files_that_are_not_runbooks_get_an_error() {
    for (name, text) in [
        ("a.runbook", ""),
        ("a.runbook.yaml", ""),
        ("a.runbook.yaml", "- a\n- b\n"),
        ("a.runbook.yaml", "just text\n"),
        ("a.runbook.yaml", "runbook: a\nsteps: []\n"),
        ("a.runbook.yaml", "runbook: a\nsteps: {a: b}\n"),
        ("a.runbook.yaml", "runbook: a\nsteps: [a, 5, [], {}]\n"),
        ("a.runbook", "runbook a { }"),
    ] {
        let checked = check_text(name, text);
        assert!(
            checked.has_errors(),
            "{name}: {text:?}: {:#?}",
            checked.diagnostics
        );
        assert!(checked.runbook.is_none());
    }
}

#[test]
fn warnings_leave_a_runbook_that_can_run() {
    let checked = check_text("a.runbook", "runbook a {\n step s { run = \"true\" }\n}");
    assert!(!checked.has_errors(), "{:#?}", checked.diagnostics);
    assert!(checked.runbook.is_some());
    assert_eq!(checked.diagnostics.len(), 2);
}

#[test]
fn checking_takes_time_in_proportion_to_the_file() {
    /// A chain whose every step uses the one before and the first one.
    fn chain(length: usize) -> String {
        let mut text =
            nodes(" step s0 { run = \"true\", effect = none, outputs { x = \"stdout\" } }");
        text.truncate(text.len() - 3);
        for n in 1..length {
            let before = n - 1;
            text += &format!(
                "\n step s{n} {{ run = \"true\", effect = none, outputs {{ x = \"stdout\" }}, needs = [\"s{before}\"], env {{ A = \"${{{{ steps.s{before}.outputs.x }}}}\", B = \"${{{{ steps.s0.outputs.x }}}}\" }} }}"
            );
        }
        text + "\n}\n"
    }
    #[allow(clippy::disallowed_methods, reason = "the test measures")]
    let time = |length: usize| {
        let file = SourceFile::new("a.runbook", chain(length));
        let best = (0..2).map(|_| {
            let start = std::time::Instant::now();
            let checked = check(&file);
            assert!(
                checked.diagnostics.is_empty(),
                "{:#?}",
                checked.diagnostics.first()
            );
            start.elapsed()
        });
        best.min().expect("two tries")
    };
    // What else runs on the machine only ever adds to the longer time: one good measurement is enough.
    let linear = (0..8).any(|_| time(1600) < time(200) * 8 * 4);
    assert!(linear, "1600 nodes took more than 32 times as long as 200");
}

#[test]
fn a_word_with_a_block_is_what_yaml_writes_as_a_map() {
    let step = |interrupted: &str| {
        nodes(&format!(
            " step s {{ run = \"true\", effect = none, interrupted {interrupted}, doc = \"x\" }}"
        ))
    };
    for form in [
        "= probe { run = \"true\" }",
        "{ probe { run = \"true\" } }",
        "= probe {\n run = \"true\"\n }",
    ] {
        assert_eq!(
            found("a.runbook", &step(form)),
            Vec::<String>::new(),
            "{form}"
        );
    }
    assert_eq!(
        places("a.runbook", &step("= proble { run = \"true\" }")),
        ["keys::wrong-type @ 3:54 [proble { run = \"true\" }]"]
    );
}

#[test]
fn errors_are_shown_before_warnings_when_there_are_too_many() {
    let mut steps = String::new();
    for n in 0..150 {
        steps += &format!(" step s{n} {{ run = \"true\" }}\n");
    }
    let text = nodes(&(steps + " step last { run = \"true\", runn = 6, effect = none }"));
    let checked = check_text("a.runbook", &text);
    assert_eq!(checked.diagnostics.len(), 101);
    let errors = checked.diagnostics.iter().filter(|it| it.is_error());
    assert_eq!(
        errors.map(|it| it.code).collect::<Vec<_>>(),
        ["keys::unknown"]
    );
    let last = checked.diagnostics.last().map(|it| it.message.as_str());
    assert_eq!(last, Some("at least 51 more warnings are not shown"));
}

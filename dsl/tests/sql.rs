//! What may be put into SQL, and into nothing else.

use crate::compile::plan_with;
use crate::lint::found;
use piton_core::plan::Action;

const EVERYWHERE: &str = r#"runbook everywhere {
  timeout  = 5m
  database = "sqlite:x.db"
  param table { default = "users" }
  gate fresh {
    checks { check "some" { sql = "select count(*) from ${{ ident(params.table) }}", expect = "value > 0" } }
    on_fail = [stop]
  }
  step choose {
    needs = ["fresh"]
    manual {
      instructions = "Choose."
      ask which { type = string, from { sql = "select n from ${{ ident(params.table) }}" } }
      expires = 5m
    }
    effect = none
  }
  step change {
    needs   = ["choose"]
    capture { sql = "select n from ${{ ident(params.table) }}" }
    sql     { script = "delete from ${{ ident(params.table) }}; delete from ${{ ident('old ' + params.table) }}" }
    undo    { sql { query = "insert into ${{ ident(params.table) }} values ($1)", bind = ["${{ capture.value }}"] } }
  }
}
"#;

const EVERYWHERE_YAML: &str = r#"runbook: everywhere
timeout: 5m
database: sqlite:x.db
params:
  table: {default: users}
steps:
  - gate: fresh
    checks:
      - {check: some, sql: "select count(*) from ${{ ident(params.table) }}", expect: value > 0}
    on_fail: [stop]
  - step: choose
    needs: [fresh]
    manual:
      instructions: Choose.
      asks:
        which:
          type: string
          from: {sql: "select n from ${{ ident(params.table) }}"}
      expires: 5m
    effect: none
  - step: change
    needs: [choose]
    capture: {sql: "select n from ${{ ident(params.table) }}"}
    sql:
      script: delete from ${{ ident(params.table) }}; delete from ${{ ident('old ' + params.table) }}
    undo:
      sql:
        query: insert into ${{ ident(params.table) }} values ($1)
        bind: ["${{ capture.value }}"]
"#;

#[test]
fn all_sql_takes_names_in_both_syntaxes() {
    for (name, text) in [
        ("a.runbook", EVERYWHERE),
        ("a.runbook.yaml", EVERYWHERE_YAML),
    ] {
        let wrong = found(name, text);
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        let plan = plan_with(name, text, &[]).expect(name);
        let names = plan.to_json().matches("${{ ident(").count();
        assert_eq!(names, 6, "{name}: {}", plan.to_json());
        let Some(Action::Sql(sql)) = plan.nodes.last().map(|node| &node.action) else {
            panic!("{name}: {plan:?}")
        };
        assert_eq!(sql.text.expressions().count(), 2, "{name}");
    }
}

/// The mistakes of a step with this query, in both syntaxes.
fn said(query: &str) -> [String; 2] {
    let text = format!(
        "runbook r {{\n param a {{ default = \"a\" }}\n database = \"sqlite:x.db\"\n step s {{\n  sql {{ query = {query:?} }}\n  effect = none\n  timeout = 1m\n }}\n}}\n"
    );
    let yaml = format!(
        "runbook: r\nparams: {{a: {{default: a}}}}\ndatabase: sqlite:x.db\nsteps:\n - step: s\n   sql: {{query: {query:?}}}\n   effect: none\n   timeout: 1m\n"
    );
    let used = |line: &String| !line.starts_with("names::unused");
    [("a.runbook", text), ("a.runbook.yaml", yaml)].map(|(name, text)| {
        let lines: Vec<_> = found(name, &text).into_iter().filter(used).collect();
        lines.join("\n")
    })
}

#[test]
fn sql_takes_names_by_themselves_and_outside_of_quotes() {
    for fine in [
        "select * from ${{ ident(params.a) }}.${{ ident('it\\'s') }} where x = 'it''s'",
        "select 1 -- it's\nfrom ${{ident(params.a)}}",
        "select array[${{ ident(params.a) }}], array [n, ${{ ident(params.a) }}], n[${{ ident(params.a) }}] from t",
        "select [n], ${{ ident(params.a) }} from t",
        "select '$${{ params.a }}' from ${{ (ident(params.a)) }}",
    ] {
        assert_eq!(said(fine), ["", ""], "{fine}");
    }
    for (wrong, expected) in [
        ("select '${{ ident(params.a) }}'", "code::ident"),
        ("select \"${{ ident(params.a) }}\"", "code::ident"),
        ("select E'\\'${{ ident(params.a) }}'", "code::ident"),
        (
            "do $x$ delete from ${{ ident(params.a) }} $x$",
            "code::ident",
        ),
        ("select 1 -- ${{ ident(params.a) }}", "code::ident"),
        ("select * from [${{ ident(params.a) }}]", "code::ident"),
        ("select [old ${{ ident(params.a) }}] from t", "in brackets"),
        (
            "select ${{ ident(params.a) + 'x' }}",
            "let `ident` stand by itself in the braces",
        ),
        ("select ${{ params.a }}", "code::splice"),
        ("select ${{ params.a }}", "${{ params.a }}\"] in a `sql`"),
        ("select ${{ params.a }}", "${{ ident(params.a) }}"),
        // What is bound is counted, and names are not.
        (
            "select ${{ params.a }} from ${{ ident(params.a) }} where n = ${{ params.a }}",
            "and $2 here",
        ),
        (
            "select 1 from ${{ ident(params.a) }} where n = ${{ params.a }}",
            "and $1 here",
        ),
        ("select ${{ ident(5) }}", "expression::type"),
    ] {
        for lines in said(wrong) {
            assert!(lines.contains(expected), "{wrong}: {lines}");
        }
    }
}

#[test]
fn names_for_sql_stand_nowhere_else() {
    for action in [
        "exec = [\"x\", \"${{ 'a' + ident(params.a) }}\"]",
        "exec = [\"x\"]\n  env { A = \"${{ ident(params.a) }}\" }",
        "exec = [\"x\"]\n  when = \"ident(params.a) == 'x'\"",
        "exec = [\"x\"]\n  outputs { n = \"ident(params.a)\" }",
        "sql { on = \"sqlite:x.db\", query = \"select $1\", bind = [\"${{ ident(params.a) }}\"] }",
        "sql { on = \"sqlite:${{ ident(params.a) }}\", query = \"select 1\" }",
        "http = \"http://x/${{ ident(params.a) }}\"",
    ] {
        let text = format!(
            "runbook r {{\n param a {{ default = \"a\" }}\n step s {{\n  {action}\n  effect = none\n  timeout = 1m\n }}\n}}\n"
        );
        let all = found("a.runbook", &text);
        assert!(
            all.iter().any(|line| line.starts_with("code::ident")),
            "{action}: {all:#?}"
        );
    }
}

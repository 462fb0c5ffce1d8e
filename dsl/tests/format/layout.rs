//! The layout itself, on small files.

use piton_dsl::print::{convert, format};
use piton_dsl::source::SourceFile;

fn formatted(name: &str, text: &str) -> String {
    format(&SourceFile::new(name, text)).unwrap_or_else(|why| panic!("{why:?}"))
}

fn converted(name: &str, text: &str) -> String {
    convert(&SourceFile::new(name, text)).unwrap_or_else(|why| panic!("{why:?}"))
}

#[test]
fn a_runbook_gets_our_layout_and_keeps_its_comments() {
    let text = "\u{feff}// What it is for.\r\n\r\n\r\nrunbook a   {   # opened\r\n\r\n  title = \"A\"; timeout=5m  /* both */\r\n page  =  infra\r\n\r\n\r\n  # alone\r\n\r\n  step one {run=\"x\"  undo {run =\"y\"}}   \r\n  step two {\r\n      run=\"\"\"\r\n           a\r\n             b\r\n      \"\"\"  # behind\r\n  effect   = none\r\n    needs = [one,\r\n one2] # last\r\n    # end of two\r\n }\r\n on_fail = [rewind(\r\n \"one\"), stop ,] } // behind all\r\n# the end";
    let expected = "// What it is for.

runbook a {  # opened
  title   = \"A\"
  timeout = 5m  /* both */
  page    = infra

  # alone

  step one { run = \"x\"  undo { run = \"y\" } }
  step two {
    run = \"\"\"
      a
        b
    \"\"\"  # behind
    effect = none
    needs  = [
      one,
      one2
    ]  # last
    # end of two
  }
  on_fail = [
    rewind(\"one\"),
    stop
  ]
}  // behind all
# the end
";
    let got = formatted("a.runbook", text);
    assert_eq!(got, expected, "\n{got}");
}

#[test]
fn yaml_gets_our_layout_and_keeps_its_comments_and_quotes() {
    let text = "---\n# Why.\nrunbook:    a   # name\n\n\n\ntitle: 'it''s'\nsteps:\n# first\n-   step:  one\n    run: |2-   # script\n        a\n       b\n    # end of one\n-\n   step: two\n   exec: [a,\n     b   # second\n     ]\n   env: {A: x,   B: \"y\"}\n   doc: >+\n      folded\n      text\n\n   until: plain\n      over lines\n# the end\n";
    let expected = "---
# Why.
runbook: a  # name

title: 'it''s'
steps:
  # first
  - step: one
    run: |2-  # script
        a
       b
    # end of one
  - step: two
    exec:
      - a
      - b  # second
    env: {A: x, B: \"y\"}
    doc: >+
      folded
      text

    until: plain
      over lines
# the end
";
    let got = formatted("a.yaml", text);
    assert_eq!(got, expected, "\n{got}");
}

#[test]
fn what_does_not_fit_is_taken_apart() {
    let long = "\"a-value-of-some-length\"";
    let list = [long; 6].join(", ");
    let text = format!("runbook a {{ step b {{ needs = [{list}] }} }}\n");
    let got = formatted("a.runbook", &text);
    assert_eq!(got.lines().count(), 12, "{got}");
    // A long text stays long on a line of its own, so nothing is gained.
    let text = format!(
        "runbook a {{\n  param b {{ help = \"{}\" }}\n}}\n",
        "x".repeat(200)
    );
    assert_eq!(formatted("a.runbook", &text), text);
}

#[test]
fn blocks_become_plural_keys_and_come_back() {
    let runbook = "# Why.
runbook a {
  title = \"A title\"

  # The backup.
  param backup { type = string, default = \"3\" }
  param count  { type = int, default = 3 }

  step one {  # opened
    run    = \"\"\"
      x
      y
    \"\"\"
    effect = abandoned(\"why\")
    undo { run = \"true\", check = 1 }
  }

  gate two {
    checks {
      // slashes
      check \"all, there\" { run = \"x\", expect = \"value == 1\" }
    }
    on_fail     = [rewind(\"one\", times = 2), stop]
    interrupted = probe { run = \"x\" }
    # the end
  }
}
";
    let yaml = "# Why.
runbook: a
title: A title

params:
  # The backup.
  backup: {type: string, default: \"3\"}
  count: {type: int, default: 3}

steps:
  - step: one  # opened
    run: |
      x
      y
    effect: {abandoned: why}
    undo: {run: \"true\", check: 1}

  - gate: two
    checks:
      # slashes
      - {check: \"all, there\", run: x, expect: value == 1}
    on_fail: [{rewind: one, times: 2}, stop]
    interrupted: {probe: {run: x}}
    # the end
";
    let got = converted("a.runbook", runbook);
    assert_eq!(got, yaml, "\n{got}");
    let got = converted("a.yaml", yaml);
    let back = formatted("a.runbook", &runbook.replace("// ", "# "));
    assert_eq!(got, back, "\n{got}");
}

#[test]
fn what_cannot_be_said_is_refused_at_its_place() {
    let refused = |name: &str, text: &str| {
        let file = SourceFile::new(name, text);
        let found = convert(&file).expect_err("it is refused").diagnostics();
        let first = found.first().cloned().expect("a reason");
        (first.code, file.position(first.span().start).0)
    };
    let apart = "runbook a {\n  # p\n  param p {}\n  # s\n  step s {}\n  # q\n  param q {}\n}\n";
    assert_eq!(refused("a.runbook", apart), ("syntax::comments-move", 4));
    assert_eq!(
        refused("a.yaml", "title: a\n"),
        ("syntax::no-single-name", 1)
    );
    assert_eq!(
        refused("a.yaml", "runbook: [a]\n"),
        ("syntax::no-single-name", 1)
    );
    assert_eq!(
        refused("a.yaml", "runbook: a\nsteps: {}\n"),
        ("syntax::unsayable", 2)
    );
}

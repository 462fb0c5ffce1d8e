//! Reading files in both syntaxes: what they mean, what is said of mistakes, and what hostile ones cost.

use piton_dsl::node::{Kind, Node};
use piton_dsl::source::SourceFile;
use piton_dsl::syntax::{self, CODES, MAX_DIAGNOSTICS, Parsed};
use proptest::prelude::*;

fn runbook(text: &str) -> Parsed {
    syntax::parse(&SourceFile::new("t.runbook", text))
}

fn yaml(text: &str) -> Parsed {
    syntax::parse(&SourceFile::new("t.runbook.yaml", text))
}

/// The diagnostics of a file, one a line: `code @ line:column message`.
fn said(name: &str, text: &str) -> String {
    let file = SourceFile::new(name, text);
    let parsed = syntax::parse(&file);
    let mut all = String::new();
    for diagnostic in parsed.diagnostics {
        let (line, column) = file.position(diagnostic.span().start);
        let code = diagnostic.code.trim_start_matches("syntax::");
        all.push_str(&format!(
            "{code} @ {line}:{column} {}\n",
            diagnostic.message
        ));
    }
    all
}

fn clean(parsed: Parsed) -> Node {
    assert!(parsed.diagnostics.is_empty(), "{:#?}", parsed.diagnostics);
    parsed.root.expect("a tree")
}

const GOOD: &str = r#"
# A runbook with every form there is.
runbook restore {
  title = "Postgres \"restore\"\n\u{e9}"   // a comment
  owner = infra, timeout = 1h30m; parallel = 4
  param backup { type = string, default = "LATEST" }
  secret database_url { env = "GG_DATABASE_URL" }
  param target { type = timestamp, optional = true }
  /* over
     lines { */
  step fetch { effect = none  timeout = 15m  env { A = "x" B = "y" }
    exec = [
      "wal-g",   # first
      "${{ params.backup }}",
    ] }
  gate go
  {
    approve { by = ["cto", "lead"], count = 1, not_starter = true }
    on_fail = [rewind("fetch", times = 2), stop]
  }
  step serve {
    run = """
      if true; then
        echo "$A \n" }
      fi
    """
    retry { times = 3, backoff = 2s..30s }
    effect = abandoned("why")
    undo { env { A = "1" }  run = "x" }
    needs = []
  }
  gate verified {
    checks {
      check "no orphans" { sql = "select 1", expect = "value == 0" }
      check simple { run = "true" }
    }
    at_risk = 80%
  }
}
"#;

const GOOD_YAML: &str = r#"
# The same.
runbook: restore
title: "Postgres \"restore\"\né"
owner: infra
timeout: 1h30m
parallel: 4
params:
  backup: {type: string, default: LATEST}
  target: {type: timestamp, optional: true}
secrets:
  database_url: {env: GG_DATABASE_URL}
steps:
  - step: fetch
    effect: none
    timeout: 15m
    env: {A: x, B: y}
    exec: [wal-g, "${{ params.backup }}"]
  - gate: go
    approve: {by: [cto, lead], count: 1, not_starter: true}
    on_fail: [{rewind: fetch, times: 2}, stop]
  - step: serve
    run: |
      if true; then
        echo "$A \n" }
      fi
    retry: {times: 3, backoff: 2s..30s}
    effect: {abandoned: why}
    undo: {env: {A: "1"}, run: x}
    needs: []
  - gate: verified
    checks:
      - {check: no orphans, sql: select 1, expect: value == 0}
      - {check: simple, run: "true"}
    at_risk: 80%
"#;

#[test]
fn twins_give_the_same_tree() {
    let (a, b) = (clean(runbook(GOOD)), clean(yaml(GOOD_YAML)));
    assert!(a.same_as(&b), "{a:#?}\n{b:#?}");
    let other = clean(yaml(&GOOD_YAML.replace("times: 2", "times: 3")));
    assert!(!a.same_as(&other));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let a = clean(runbook(&windows(GOOD)));
    assert!(a.same_as(&clean(runbook(GOOD))));
    let b = clean(yaml(&windows(GOOD_YAML)));
    assert!(b.same_as(&clean(yaml(GOOD_YAML))));
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once() {
    let text = r#"runbook bad {
  title   = "Bad
  owner = infra team
  timeout = 10 minutes
  parallel == 3
  doc: "x"
  env { A = "x" B = }
  step a {
    timeout 10m
    run = 'x'
    retry { times = 3, backoff = 2s...30s }
    needs = [a b, , c]
    when = steps.a.status == "x"
    timeout = 5min
    outputs
    ) what is this
    exec = ["a", "b"
    effect = none
  }
  step {
    run = "\d"
  }
  step c
  gate d {
    on_fail = [rewind("x" y), stop("a", "b"), f()]
    dir = ./x
  }
}
"#;
    let expected = "\
unclosed-text @ 2:13 this text has no closing `\"`
unexpected @ 3:17 `team` is too much after the value of `owner`
bad-value @ 4:13 `10 minutes` is not a duration
wrong-sign @ 5:12 a value is set with `=`, not with `==`
wrong-sign @ 6:6 a value is set with `=`, not with `:`
missing-value @ 7:17 `B` has no value
missing-sign @ 9:12 `=` is missing after `timeout`
bad-value @ 10:11 texts stand in double quotes
bad-value @ 11:34 `2s...30s` is not a range of durations
missing-comma @ 12:16 a comma is missing before this value
missing-value @ 12:19 a value is missing before this comma
bad-value @ 13:12 an expression stands in quotes
duplicate-key @ 14:5 `timeout` is given twice
bad-value @ 14:15 `5min` is not a duration
missing-value @ 15:5 `outputs` has neither a value nor a block
unclosed @ 17:12 this `[` is never closed
missing-name @ 20:3 this `step` has no name
bad-escape @ 21:12 `\\d` is not an escape
missing-block @ 23:3 `step c` has no block
unexpected @ 25:27 `y` does not belong here
unexpected @ 25:41 `stop` takes one value; the others are named
missing-value @ 25:47 `f(…)` lacks its value
bad-value @ 26:11 `./x` needs quotes
";
    let got = said("t.runbook", text);
    assert_eq!(got, expected, "\n{got}");
    let root = runbook(text).root.expect("the tree of the rest");
    let steps = root.get("steps").and_then(|e| e.value.as_list());
    assert_eq!(steps.map(<[Node]>::len), Some(3));
}

#[test]
fn help_shows_what_to_write() {
    for (statement, help) in [
        ("timeout = 10 minutes", "write `10m`"),
        (
            "timeout = 1.5h",
            "write `1h30m`; the units are d, h, m, s and ms",
        ),
        (
            "timeout = 90sec",
            "write `90s`; the units are d, h, m, s and ms",
        ),
        ("backoff = 2sec..1min", "write `2s..1m`"),
        ("parallel == 3", "write `parallel = …`"),
        ("title = 'a'", "write `\"a\"`"),
        ("dir = /tmp", "write a text in double quotes: `\"/tmp\"`"),
        ("parallel = 1_000", "write the digits only: `1000`"),
        ("when = a == 1", "write `when = \"a == 1\"`"),
        ("needs = [a b]", "write `a, b`"),
        (
            "needs = a, b",
            "write `name = value`; several values make a list: `[a, b]`",
        ),
    ] {
        let parsed = runbook(&format!("runbook x {{\n  {statement}\n}}"));
        let helps: Vec<_> = parsed.diagnostics.iter().map(|d| d.help.clone()).collect();
        assert_eq!(helps, [Some(help.to_string())], "{statement}");
    }
}

#[test]
fn an_unclosed_block_is_named_and_what_follows_is_kept_in_its_place() {
    let text = "runbook x {\n  step a {\n    run = \"x\"\n    retry {\n      times = 3\n    timeout = 2m\n  }\n  step b {\n    run = \"y\"\n  }\n}\n";
    assert_eq!(
        said("t.runbook", text),
        "unclosed @ 4:5 `retry` is never closed\n"
    );
    let root = runbook(text).root.expect("a tree");
    let steps = root.get("steps").and_then(|e| e.value.as_list());
    let steps = steps.expect("both steps");
    assert_eq!(steps.len(), 2);
    assert!(steps[0].get("timeout").is_some());
    assert!(steps[1].get("run").is_some());

    let text = "runbook x {\n  step a {\n    run = \"x\"\n\n  step b {\n    run = \"y\"\n  }\n}\n";
    assert_eq!(
        said("t.runbook", text),
        "unclosed @ 2:3 `step a` is never closed\n"
    );
    let root = runbook(text).root.expect("a tree");
    let steps = root.get("steps").and_then(|e| e.value.as_list());
    assert_eq!(steps.map(<[Node]>::len), Some(2));
    assert_eq!(
        said("t.runbook", "runbook x {\n  title = \"a\"\n"),
        "unclosed @ 1:1 `runbook x` is never closed\n"
    );
}

#[test]
fn a_brace_too_many_is_found_by_its_indentation() {
    let text = "runbook x {\n  step a {\n    run = \"x\"\n  }\n  }\n  step b { run = \"y\" }\n}\n";
    assert_eq!(
        said("t.runbook", text),
        "stray-brace @ 5:3 there is a `}` too many\n"
    );
    let root = runbook(text).root.expect("a tree");
    let steps = root.get("steps").and_then(|e| e.value.as_list());
    assert_eq!(steps.map(<[Node]>::len), Some(2));
}

#[test]
fn what_swallows_the_rest_of_the_file_is_the_only_error() {
    let raw = "runbook x {\n  run = \"\"\"\n  a\n}\n";
    assert_eq!(
        said("t.runbook", raw),
        "unclosed-text @ 2:9 this text has no closing `\"\"\"`\n"
    );
    let comment = "runbook x {\n  a = 1 /* x /*\n}\n";
    assert_eq!(
        said("t.runbook", comment),
        "unclosed-comment @ 2:9 this comment has no closing `*/`\n"
    );
}

#[test]
fn the_frame_of_a_file() {
    for (text, expected) in [
        (
            "",
            "no-runbook @ 1:1 the file has no `runbook NAME { … }` block\n",
        ),
        (
            "runbook a {}\nrunbook b {}\n",
            "second-runbook @ 2:1 a file holds one runbook\n",
        ),
        (
            "title = \"a\"\nrunbook a {}\n",
            "outside-runbook @ 1:1 `title = \"a\"` stands outside the `runbook` block\n",
        ),
        (
            "runbook {}",
            "missing-name @ 1:1 this `runbook` has no name\n",
        ),
    ] {
        assert_eq!(said("t.runbook", text), expected);
    }
}

#[test]
fn mistakes_in_yaml() {
    for (text, expected) in [
        ("", "no-runbook @ 1:1 the file is empty\n"),
        (
            "a: 1\nb: 2\na: 3\n",
            "duplicate-key @ 3:1 `a` is given twice\n",
        ),
        (
            "a: &x 1\nb: *x\n",
            "anchor @ 1:4 anchors are not allowed: `&x`\nanchor @ 2:4 aliases are not allowed: `*x`\n",
        ),
        (
            "a: 1\n<<: {b: 2}\n",
            "anchor @ 2:1 merge keys (`<<`) are not allowed\n",
        ),
        ("a: !!str 1\n", "tag @ 1:4 tags are not allowed: `!!str`\n"),
        (
            "? [a, b]\n: c\n",
            "bad-key @ 1:3 a key is one word or one text\n",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "second-document @ 2:1 a file holds one YAML document\n",
        ),
        (
            "title: a: b\nx: 1\n",
            "needs-quotes @ 1:9 this `:` cannot begin a value here\n",
        ),
        ("a:\n\tb: 1\n", "tab @ 2:1 YAML does not allow a tab here\n"),
        (
            "a: @b\n",
            "needs-quotes @ 1:4 a value cannot begin with `@`\n",
        ),
    ] {
        let got = said("t.runbook.yaml", text);
        assert_eq!(got, expected, "\n{text}\n{got}");
    }
}

fn scalar_at<'a>(node: &'a Node, path: &[&str]) -> &'a piton_dsl::node::Scalar {
    let node = path.iter().fold(node, |node, key| {
        &node.get(key).expect("the key is there").value
    });
    node.as_scalar().expect("a single value")
}

#[test]
fn a_part_of_a_text_is_found_in_the_file() {
    let text = "runbook x {\n  a = \"é\\n\\u{1F600} here\"\n  b = \"\"\"\n      one\n        two here\n    \"\"\"\n}\n";
    let file = SourceFile::new("t.runbook", text);
    let root = clean(syntax::parse(&file));
    for (key, line, column) in [("a", 2, 21), ("b", 5, 13)] {
        let scalar = scalar_at(&root, &[key]);
        let at = scalar.text.find("here").expect("the word");
        let span = scalar.source_span(at..at + 4);
        assert_eq!(file.slice(span), "here", "{key}");
        assert_eq!(file.position(span.start), (line, column), "{key}");
    }
    let text = "a: \"é\\n\\u00e9 \\\n   here\"\nb: |\n    one\n      two here\nc: >-\n  one\n  here\nd: one\n   here\ne: 'it''s here'\nf: {g: here}\n";
    let file = SourceFile::new("t.runbook.yaml", text);
    let root = clean(syntax::parse(&file));
    for (path, line, column) in [
        (&["a"][..], 2, 4),
        (&["b"][..], 5, 11),
        (&["c"][..], 8, 3),
        (&["d"][..], 10, 4),
        (&["e"][..], 11, 11),
        (&["f", "g"][..], 12, 8),
    ] {
        let scalar = scalar_at(&root, path);
        let at = scalar.text.find("here").expect("the word");
        let span = scalar.source_span(at..at + 4);
        assert_eq!(file.slice(span), "here", "{path:?} {scalar:?}");
        assert_eq!(file.position(span.start), (line, column), "{path:?}");
    }
}

#[test]
fn hostile_files_end_with_an_error() {
    let deep = 100_000;
    let mut bomb = String::from("a0: &a0 [x, x]\n");
    for n in 1..40 {
        bomb.push_str(&format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
    }
    let large = "x".repeat(50_000_000);
    for (name, text) in [
        ("t.runbook", "[".repeat(deep)),
        (
            "t.runbook",
            format!("a = {}1{}", "[".repeat(deep), "]".repeat(deep)),
        ),
        ("t.runbook", "x {\n".repeat(deep)),
        ("t.runbook", "{]".repeat(deep)),
        ("t.runbook", "a = f(".repeat(deep)),
        ("t.runbook", "/* ".repeat(deep)),
        ("t.runbook", "}".repeat(deep)),
        ("t.runbook", format!("a = \"{large}")),
        ("t.yaml", "[".repeat(deep)),
        ("t.yaml", "{a: ".repeat(deep)),
        ("t.yaml", "- ".repeat(deep)),
        ("t.yaml", "? ".repeat(deep)),
        (
            "t.yaml",
            format!("{}{}", "[".repeat(deep), "]".repeat(deep)),
        ),
        ("t.yaml", bomb),
        ("t.yaml", format!("a: \"{large}\"")),
    ] {
        let begin: String = text.chars().take(20).collect();
        let parsed = syntax::parse(&SourceFile::new(name, text));
        assert!(!parsed.diagnostics.is_empty(), "{begin}");
        assert!(parsed.diagnostics.len() <= MAX_DIAGNOSTICS + 1, "{begin}");
    }
}

#[test]
fn diagnostics_are_capped_and_the_last_one_says_so() {
    let parsed = runbook(&format!("runbook x {{\n{}}}", "  a == 1\n".repeat(500)));
    assert_eq!(parsed.diagnostics.len(), MAX_DIAGNOSTICS + 1);
    let last = parsed.diagnostics.last().expect("there are some");
    assert_eq!(last.code, "syntax::too-many-errors");
    assert_eq!(last.message, "899 more errors are not shown");
}

/// Time for eight times the text over time for the text: 8 when it is linear, 64 when it is quadratic.
fn growth(name: &str, text: &str) -> f64 {
    let time = |text: String| {
        let file = SourceFile::new(name, text);
        crate::cpu::seconds(|| syntax::parse(&file))
    };
    let small = (0..3)
        .map(|_| time(text.to_string()))
        .fold(f64::MAX, f64::min);
    time(text.repeat(8)) / small
}

#[test]
fn time_grows_with_the_text_and_not_faster() {
    let lines = 1500;
    for (name, text) in [
        (
            "t.runbook",
            "step a { run = \"x\" timeout = 10m needs = [a, b] }\n".repeat(lines / 2),
        ),
        ("t.runbook", "a b\n".repeat(lines)),
        ("t.runbook", "a = 'x {\n".repeat(lines)),
        ("t.runbook", "word ".repeat(lines)),
        ("t.runbook", "a = [1,\n".repeat(lines / 30)),
        ("t.runbook", "} ".repeat(lines)),
        ("t.runbook", "{}}} \" ".repeat(lines)),
        (
            "t.yaml",
            "- step: a\n  run: x\n  needs: [a, b]\n".repeat(lines),
        ),
    ] {
        // What else runs on the machine only ever adds to the longer time: one good measurement is enough.
        let linear = (0..8).any(|_| growth(name, &text) < 30.0);
        let begin: String = text.chars().take(20).collect();
        assert!(linear, "{begin:?} took more than 30 times as long");
    }
}

/// Spans lie in the file on character boundaries, children in their parents' file, and codes are documented.
fn sound(file: &SourceFile, parsed: &Parsed) {
    let inside = |span: piton_dsl::source::Span| {
        assert!(
            file.text.get(span.range()).is_some(),
            "{span:?} in {:?}",
            file.text
        );
    };
    for diagnostic in &parsed.diagnostics {
        assert!(!diagnostic.labels.is_empty());
        assert!(diagnostic.help.is_some(), "{diagnostic:?}");
        assert!(CODES.iter().any(|page| page.code == diagnostic.code));
        diagnostic
            .labels
            .iter()
            .for_each(|label| inside(label.span));
    }
    let mut nodes: Vec<&Node> = parsed.root.iter().collect();
    while let Some(node) = nodes.pop() {
        inside(node.span);
        match &node.kind {
            Kind::Scalar(scalar) => {
                inside(scalar.span);
                for (at, character) in scalar.text.char_indices().take(40) {
                    inside(scalar.source_span(at..at + character.len_utf8()));
                }
            }
            Kind::List(items) => nodes.extend(items),
            Kind::Map(entries) => {
                for entry in entries {
                    inside(entry.key.span);
                    nodes.push(&entry.value);
                }
            }
            Kind::Unreadable => {}
        }
    }
}

fn both(text: &str) {
    for name in ["t.runbook", "t.runbook.yaml"] {
        let file = SourceFile::new(name, text);
        let parsed = syntax::parse(&file);
        assert!(parsed.root.is_some() || !parsed.diagnostics.is_empty());
        sound(&file, &parsed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_taken(text in "\\PC*|(.|\\n){0,200}") {
        both(&text);
    }

    #[test]
    fn any_mix_of_tokens_is_taken(tokens in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", "(", ")", "\"", "\"\"\"", "'", "=", "==", ":", ",", ";", "\n", "  ", "\t", "#", "//", "/*",
        "*/", "step", "gate a", "runbook x", "check", "checks", "a", "10", "m", "2s..", "é", "\\", "\\u{", "|", ">-",
        "- ", "&a", "*a", "!t", "<<", "---", "...", "%", "? ", "\r\n", "\r", "\u{feff}", "params", "param p",
    ]), 0..60)) {
        both(&tokens.concat());
        both(&tokens.join(" "));
    }

    #[test]
    fn any_damage_to_a_good_file_is_taken(
        which in any::<bool>(), from in 0usize..2000, length in 0usize..12, put in "[\\PC\n]{0,6}",
    ) {
        let mut text = if which { GOOD } else { GOOD_YAML }.to_string();
        let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (start, end) = (boundary(from), boundary(from + length));
        text.replace_range(start..end, &put);
        both(&text);
    }
}

#[test]
fn a_block_with_a_null_in_it_is_taken() {
    both("|\n!\n\0\u{a1}\n");
}

#[test]
fn faulty_lines_of_yaml_do_not_hide_the_ones_behind() {
    let text = "runbook: bad\ntitle: Restore: db\nsteps:\n  - step: a\n    run: 'x' y\n    timeout: 10m\n    timeout: 11m\n    needs: [a, b\n  - step: b\n    dir: @home\n    env: {A: \"\\d\"}\n    run: x\n";
    let expected = "\
needs-quotes @ 2:15 this `:` cannot begin a value here
unexpected @ 5:14 something follows the closing quote
duplicate-key @ 7:5 `timeout` is given twice
";
    let got = said("t.runbook.yaml", text);
    assert!(got.starts_with(expected), "\n{got}");
    for rest in ["@ 8:", "needs-quotes @ 10:10", "bad-escape @ 11:"] {
        assert!(got.contains(rest), "{rest}\n{got}");
    }
    assert_eq!(got.lines().count(), 6, "{got}");
    let root = yaml(text).root.expect("the tree of the rest");
    let steps = root.get("steps").and_then(|e| e.value.as_list());
    let steps = steps.expect("both steps");
    assert_eq!(steps.len(), 2);
    assert!(root.get("title").is_some_and(|e| e.value.is_unreadable()));
    assert!(steps[1].get("dir").is_some_and(|e| e.value.is_unreadable()));
    assert!(
        steps[1]
            .get("run")
            .is_some_and(|e| e.value.as_scalar().is_some())
    );
}

#[test]
fn an_absent_value_in_yaml_is_an_empty_text() {
    let root = clean(yaml("a:\nb: ~\nc: \"~\"\nd: {e, f: }\n"));
    for (path, text) in [
        (&["a"][..], ""),
        (&["b"], ""),
        (&["c"], "~"),
        (&["d", "e"], ""),
        (&["d", "f"], ""),
    ] {
        assert_eq!(scalar_at(&root, path).text, text, "{path:?}");
    }
}

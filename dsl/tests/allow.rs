//! Findings that a comment allows: where it has to stand, and what it cannot do.

use piton_dsl::check;
use piton_dsl::fix::apply;
use piton_dsl::source::SourceFile;

/// Each finding as `code line`.
fn found(name: &str, text: &str) -> Vec<String> {
    let file = SourceFile::new(name, text);
    let diagnostics = check(&file).diagnostics;
    diagnostics
        .iter()
        .map(|it| format!("{} {}", it.code, file.position(it.span().start).0))
        .collect()
}

const CLEAN: [&str; 0] = [];

/// A runbook with four lines that comments can stand at: what is found is at its third line.
fn own(above: &str, behind: &str, inside: &str) -> String {
    format!(
        "runbook a {{\n  {above}\n  step s {{ {behind}\n    {inside}\n    run = \"true\"\n    effect = none\n  }}\n}}\n"
    )
}

fn yaml(above: &str, behind: &str, inside: &str) -> String {
    format!(
        "runbook: a\nsteps:\n  {above}\n  - step: s {behind}\n    {inside}\n    run: \"true\"\n    effect: none\n"
    )
}

#[test]
fn a_comment_speaks_for_its_line_the_next_one_and_the_block_below() {
    let allow = "# piton: allow(time::no-timeout) it ends by itself";
    let unused = |line: u32| vec![format!("time::no-timeout {}", line - 1)];
    for (above, behind, inside, is_allowed) in [
        (allow, "", "", true),
        ("", allow, "", true),
        ("", "", allow, false),
    ] {
        let (a, b) = (own(above, behind, inside), yaml(above, behind, inside));
        let (a, b) = (found("a.runbook", &a), found("a.runbook.yaml", &b));
        if is_allowed {
            assert_eq!((a.as_slice(), b.as_slice()), (&[][..], &[][..]));
        } else {
            assert_eq!(a, [unused(4), vec!["allow::unused 4".to_owned()]].concat());
            assert_eq!(b, [unused(5), vec!["allow::unused 5".to_owned()]].concat());
        }
    }
}

#[test]
fn a_comment_above_a_key_that_only_yaml_writes_speaks_for_the_first_block_there() {
    let text = |steps: &str| {
        format!("runbook: a\n# piton: allow(time::no-timeout) it ends by itself\nsteps:\n{steps}")
    };
    let step = |name: &str| format!("  - step: {name}\n    run: \"true\"\n    effect: none\n");
    assert_eq!(found("a.runbook.yaml", &text(&step("s"))), CLEAN);
    let two = text(&(step("s") + &step("t")));
    assert_eq!(found("a.runbook.yaml", &two), ["time::no-timeout 7"]);
}

#[test]
fn a_comment_above_a_block_speaks_for_what_is_deep_in_it() {
    let text = r#"runbook a {
  timeout = 5m
  # piton: allow(time::no-expiry) a drill, and nobody minds
  # Both gates ask.
  gate g {
    title = "one"
    approve {
      by = ["dba"]
    }
    on_fail = [stop]
  }
  gate h { approve { by = ["dba"] }, on_fail = [stop] }
}
"#;
    let all = found("a.runbook", &text.replace("# piton:", "#"));
    assert_eq!(all, ["time::no-expiry 7", "time::no-expiry 12"]);
    let left = found("a.runbook", text);
    assert_eq!(
        left,
        ["time::no-expiry 12"],
        "the other gate is not spoken for"
    );
}

#[test]
fn several_comments_and_several_codes_count_together() {
    let text = "runbook a {\n  # piton: allow(names::unused, time::no-timeout) both are right\n  # piton: allow(step::unstated-effect) not known yet\n  step s { run = \"true\" }\n}\n";
    let left = found("a.runbook", text);
    assert_eq!(
        left,
        ["allow::unused 2"],
        "only the first code of the first"
    );
    let file = SourceFile::new("a.runbook", text);
    let fixed = apply(text, &check(&file).diagnostics).text;
    assert_eq!(fixed, text.replace("names::unused, ", ""));
    assert_eq!(found("a.runbook", &fixed), CLEAN);
}

#[test]
fn a_comment_that_is_not_needed_is_taken_out_and_nothing_else() {
    let clean =
        "runbook a {\r\n  timeout = 5m\r\n  step s { run = \"true\", effect = none }\r\n}\r\n";
    let allow = "# piton: allow(time::no-timeout) it ends by itself";
    for text in [
        clean.replace("  step", &format!("  {allow}\r\n  step")),
        clean.replace("none }", &format!("none }}   {allow}")),
        format!("{allow}\r\n{clean}"),
        format!("{clean}{allow}"),
    ] {
        let file = SourceFile::new("a.runbook", text.as_str());
        let diagnostics = check(&file).diagnostics;
        assert_eq!(diagnostics.len(), 1, "{text}");
        assert_eq!(apply(&text, &diagnostics).text, clean, "{text}");
    }
}

#[test]
fn what_stands_in_a_text_is_no_comment() {
    let allow = "# piton: allow(time::no-timeout) it ends by itself";
    for text in [
        format!(
            "runbook a {{\n  doc = \"\"\"\n  {allow}\n  \"\"\"\n  step s {{ run = \"true\", effect = none, title = \"{allow}\" }}\n}}\n"
        ),
        format!(
            "runbook a {{\n  /* {allow}\n  */ step s {{ run = \"true\", effect = none }} // {allow}\n}}\n"
        ),
    ] {
        let found = found("a.runbook", &text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with("time::no-timeout"), "{found:?}");
    }
    let text = format!(
        "runbook: a\ndoc: |\n  {allow}\nsteps:\n  - step: s\n    title: \"{allow}\"\n    run: \"true\"\n    effect: none\n"
    );
    assert_eq!(found("a.runbook.yaml", &text), ["time::no-timeout 5"]);
}

#[test]
fn comments_of_scripts_count_for_what_is_found_in_them() {
    // There is no rule of a warning in scripts that every version has, so that the comments' places are looked at
    // through their being unused.
    let allow = "# piton: allow(time::no-timeout) it ends by itself";
    let own = format!(
        "runbook a {{\n  timeout = 5m\n  step s {{\n    run = \"\"\"\n      {allow}\n      echo '{allow}' # more\n    \"\"\"\n    effect = none\n  }}\n}}\n"
    );
    assert_eq!(found("a.runbook", &own), ["allow::unused 5"]);
    let yaml = format!(
        "runbook: a\ntimeout: 5m\nsteps:\n  - step: s\n    run: |\n      {allow}\n      echo '{allow}' # more\n    effect: none\n"
    );
    assert_eq!(found("a.runbook.yaml", &yaml), ["allow::unused 6"]);
}

#[test]
fn errors_cannot_be_allowed() {
    for (code, step) in [
        ("keys::unknown", "run = \"true\", effect = none, x = 1"),
        (
            "keys::wrong-type",
            "run = \"true\", effect = none, finally = 7",
        ),
        (
            "code::splice",
            "run = \"echo ${{ run.id }}\", effect = none",
        ),
    ] {
        let text = format!(
            "runbook a {{\n  timeout = 5m\n  # piton: allow({code}) it has to be\n  step s {{ {step} }}\n}}\n"
        );
        let found = found("a.runbook", &text);
        assert_eq!(found, ["allow::error 3".to_owned(), format!("{code} 4")]);
    }
    let text = "runbook a {\n  # piton: allow(syntax::unexpected, allow::unused, shellcheck::SC2086) no\n  timeout = 5m\n  step s { run = \"true\", effect = none }\n}\n";
    assert_eq!(
        found("a.runbook", text),
        ["allow::error 2", "allow::error 2"]
    );
}

#[test]
fn what_another_program_finds_can_be_allowed() {
    let text = "runbook a {\n  step s { # piton: allow(shellcheck::SC2086) words are wanted\n    run = \"echo $x\"\n  }\n}\n";
    let file = SourceFile::new("a.runbook", text);
    let at = |what: &str| {
        let start = text.find(what).expect("it is there");
        piton_dsl::source::Span::new(start, start + what.len())
    };
    let finding =
        |at| piton_dsl::diagnostic::Diagnostic::warning("shellcheck::SC2086", at, "quote this", "");
    let mut all = vec![finding(at("step s")), finding(at("$x"))];
    piton_dsl::allow::keep(&file, &mut all);
    assert_eq!(
        all.len(),
        1,
        "only the one in the line of the comment is allowed"
    );
    assert_eq!(all[0].span(), at("$x"));
}

#[test]
fn what_another_program_does_not_find_needs_no_allowance() {
    let text = "runbook a {\n  # piton: allow(shellcheck::SC2086, time::no-timeout) as it is\n  step s { run = \"echo\", effect = none }\n}\n";
    let file = SourceFile::new("a.runbook", text);
    let mut all = Vec::new();
    piton_dsl::allow::keep(&file, &mut all);
    let codes: Vec<_> = all
        .iter()
        .map(|it| {
            (
                it.code,
                file.slice(it.span()),
                it.severity,
                it.fix.is_some(),
            )
        })
        .collect();
    // The code of our own is for those who look for it.
    let advice = piton_dsl::diagnostic::Severity::Advice;
    assert_eq!(
        codes,
        [("allow::unused", "shellcheck::SC2086", advice, false)]
    );
    assert!(
        piton_dsl::check(&file).diagnostics.is_empty(),
        "nobody asked the other program"
    );
}

/// Very many comments at one place cost no more than the file is long.
#[test]
fn many_comments_are_no_more_work_than_the_file_is_long() {
    let allow = "# piton: allow(time::no-timeout) it ends by itself\n";
    let text = |count: usize| {
        let steps: String = (0..count / 4)
            .map(|n| format!("step s{n} {{ run = \"true\", effect = none }}\n"))
            .collect();
        format!("runbook a {{\n{}{steps}}}\n", allow.repeat(count))
    };
    let took = |count: usize| {
        let file = SourceFile::new("a.runbook", text(count));
        let best = (0..3).map(|_| {
            #[allow(clippy::disallowed_methods, reason = "a test measures")]
            let began = std::time::Instant::now();
            assert!(!check(&file).diagnostics.is_empty());
            began.elapsed()
        });
        best.min().expect("three")
    };
    let (small, large) = (took(2_000), took(20_000));
    assert!(
        large < small * 40,
        "{small:?}, and ten times as much {large:?}"
    );
}

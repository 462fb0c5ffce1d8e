//! The schema's examples: the same in both syntaxes, and taken by the keys they are of.

use piton_dsl::check_text;
use piton_dsl::schema::{ALL, APPROVE, Key, PARAM, RETRY, SQL, STEP};
use piton_dsl::source::SourceFile;
use piton_dsl::syntax::parse;

/// Keys whose example is a whole named block, shown in short.
fn is_shown_in_short(key: &Key) -> bool {
    key.example.contains('…') || key.example.contains("# under")
}

#[test]
fn examples_say_the_same_in_both_syntaxes() {
    for key in ALL
        .iter()
        .flat_map(|block| block.keys)
        .filter(|key| !is_shown_in_short(key))
    {
        let own = parse(&SourceFile::new(
            "a.runbook",
            format!("runbook a {{ here {{\n{}\n}} }}", key.example),
        ));
        let yaml = parse(&SourceFile::new(
            "a.runbook.yaml",
            format!("runbook: a\nhere:\n  {}\n", key.yaml),
        ));
        assert!(
            own.diagnostics.is_empty(),
            "{}: {:#?}",
            key.example,
            own.diagnostics
        );
        assert!(
            yaml.diagnostics.is_empty(),
            "{}: {:#?}",
            key.yaml,
            yaml.diagnostics
        );
        let (own, yaml) = (own.root.expect("a tree"), yaml.root.expect("a tree"));
        assert!(own.same_as(&yaml), "{} is not {}", key.example, key.yaml);
    }
}

#[test]
fn examples_are_taken_by_their_keys() {
    let wrapped = |keyword: &str, example: &str| match keyword {
        "step" => format!("step s {{ {example} }}"),
        "param" => format!("param p {{ {example} }}"),
        keyword => format!("step s {{ {keyword} {{ {example} }} }}"),
    };
    for block in [&STEP, &PARAM, &SQL, &APPROVE, &RETRY] {
        for key in block.keys.iter().filter(|key| !is_shown_in_short(key)) {
            let text = format!("runbook a {{\n{}\n}}", wrapped(block.keyword, key.example));
            let found = check_text("a.runbook", &text).diagnostics;
            let refused = found.iter().any(|it| {
                matches!(
                    it.code,
                    "keys::wrong-type" | "keys::unknown" | "keys::bad-name"
                ) || it.code.starts_with("syntax::")
            });
            assert!(!refused, "{}: {found:#?}", key.example);
        }
    }
}

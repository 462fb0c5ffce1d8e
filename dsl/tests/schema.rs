//! The schema's examples: the same in both syntaxes, and taken by the keys they are of.

use piton_dsl::check_text;
use piton_dsl::schema::{
    ALL, APPROVE, ASK, CALL, CHANNEL, CONTACT, ESCALATION, FAIL_WHEN_BLOCK, HTTP, Key, LEVEL,
    MANUAL, MODE, NOTIFY, PARAM, RETRY, RUNBOOK, SQL, STEP, TARGET_BLOCK, TARGETS, UNDO, WAIT,
};
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
            format!("runbook a {{ undo {{\n{}\n}} }}", key.example),
        ));
        let yaml = parse(&SourceFile::new(
            "a.runbook.yaml",
            format!("runbook: a\nundo:\n  {}\n", key.yaml),
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
    let step = |block: &str, example: &str| format!("step s {{ {block} {{ {example} }} }}");
    let wrapped = |keyword: &str, example: &str| match keyword {
        "runbook" => example.to_owned(),
        "step" => format!("step s {{ {example} }}"),
        "param" => format!("param p {{ {example} }}"),
        "contact" => format!("contact c {{ {example} }}"),
        "via" => format!("contact c {{ via = [{{ {example} }}] }}"),
        "escalation" => format!("escalation e {{ {example} }}"),
        "level" => format!("escalation e {{ level {{ {example} }} }}"),
        "mode" => format!("mode m {{ {example} }}"),
        "targets" => format!("targets {{ {example} }}"),
        "ask" => step("manual", &format!("ask a {{ {example} }}")),
        keyword => step(keyword, example),
    };
    for block in [
        &RUNBOOK,
        &STEP,
        &PARAM,
        &SQL,
        &HTTP,
        &APPROVE,
        &RETRY,
        &CONTACT,
        &CHANNEL,
        &ESCALATION,
        &LEVEL,
        &MODE,
        &TARGETS,
        &MANUAL,
        &ASK,
        &NOTIFY,
        &WAIT,
        &CALL,
        &UNDO,
        &TARGET_BLOCK,
        &FAIL_WHEN_BLOCK,
    ] {
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

//! What a mode that rehearses must not touch.

use crate::body::{found, help};

/// A step that acts on what these words say, in a mode of this name.
fn drill(mode: &str, more: &str, words: &str) -> Vec<String> {
    found(&format!(
        "{more}\n step s {{ exec = [\"kubectl\", {words}], effect = abandoned(\"a note\") }}\n step t {{ run = \"true\", effect = none }}\n mode {mode}"
    ))
}

const CLEAN: [&str; 0] = [];
const PARAM: &str = " param cluster { default = \"shop-prod\" }";
const WORDS: &str = "\"--context\", \"${{ params.cluster }}\"";

#[test]
fn modes_are_known_by_their_names() {
    let told = ["mode::reaches-production [params.cluster]"];
    for name in [
        "drill",
        "monthly-drill",
        "rehearsal",
        "dry-run",
        "test",
        "staging",
    ] {
        let mode = format!("{name} {{ only = [\"s\"] }}");
        assert_eq!(drill(&mode, PARAM, WORDS), told, "{name}");
    }
    for name in ["quick", "latest", "drilling-rig", "prod"] {
        let mode = format!("{name} {{ only = [\"s\"] }}");
        assert_eq!(drill(&mode, PARAM, WORDS), CLEAN, "{name}");
    }
    assert_eq!(
        drill(
            "drill { set { other = 1 } }",
            " param cluster { default = \"prod\" }\n param other { type = int, default = 2 }",
            "\"${{ params.cluster }}\", \"${{ params.other }}\""
        ),
        told,
        "a mode without `only` keeps all"
    );
}

#[test]
fn what_the_mode_sets_or_leaves_out_is_not_touched() {
    for mode in [
        "drill { only = [\"s\"], set { cluster = \"drills\" } }",
        "drill { only = [\"t\"] }",
    ] {
        assert_eq!(drill(mode, PARAM, WORDS), CLEAN, "{mode}");
    }
    let set = "drill { only = [\"s\"], set { cluster = \"eu.prod.internal\" } }";
    assert_eq!(
        drill(set, PARAM, WORDS),
        ["mode::reaches-production [params.cluster]"]
    );
    let other = " param cluster { default = \"nobody\" }";
    assert_eq!(drill("drill { only = [\"s\"] }", other, WORDS), CLEAN);
}

#[test]
fn production_is_named_in_many_ways() {
    let mode = "drill { only = [\"s\"] }";
    for (more, words, place) in [
        ("", "\"--context=prod\"", "\"--context=prod\""),
        (
            " param prod_host { }",
            "\"${{ params.prod_host }}\"",
            "params.prod_host",
        ),
        (
            " secret url { env = \"PRODUCTION_URL\" }",
            "\"x\"], env { U = \"${{ secrets.url }}\" }, dir = \"/\", doc = \"\", evidence = [\"x\"",
            "secrets.url",
        ),
    ] {
        let told = [format!("mode::reaches-production [{place}]")];
        assert_eq!(drill(mode, more, words), told, "{words}");
    }
    // What stands in another word, is denied, or is only said.
    for words in ["\"products\"", "\"non-prod\"", "\"preprod\""] {
        assert_eq!(drill(mode, "", words), CLEAN, "{words}");
    }
    let step = |step: &str| {
        found(&format!(
            " param p {{ default = \"prod\" }}\n secret s {{ env = \"S\" }}\n{step}\n mode drill {{ only = [\"s\"] }}"
        ))
    };
    let uses = "env { P = \"${{ params.p }}\" }";
    assert_eq!(
        step(&format!(
            " step s {{ {uses}, run = \"./x\", effect = none }}\n env {{ X = \"${{{{ secrets.s }}}}\" }}"
        )),
        CLEAN,
        "it only looks"
    );
    assert_eq!(
        step(&format!(
            " step s {{ {uses}, when = \"mode != 'drill'\", run = \"./x\", effect = abandoned(\"x\") }}\n env {{ X = \"${{{{ secrets.s }}}}\" }}"
        )),
        CLEAN,
        "it asks for the mode"
    );
    assert_eq!(
        step(
            " step s { env { P = \"${{ mode == 'drill' ? 'x' : params.p }}\" }, run = \"./x\", effect = abandoned(\"x\") }\n env { X = \"${{ secrets.s }}\" }"
        ),
        CLEAN
    );
    assert_eq!(
        step(
            " step s { run = \"echo prod; ./x\", effect = abandoned(\"x\") }\n env { X = \"${{ secrets.s }}\", Y = \"${{ params.p }}\" }"
        ),
        CLEAN,
        "it is only said"
    );
}

#[test]
fn what_a_step_takes_over_from_the_runbook_counts() {
    let with = |step: &str| {
        found(&format!(
            " param host {{ default = \"db.prod.internal\" }}\n database = \"postgres://${{{{ params.host }}}}/shop\"\n env {{ HOST = \"${{{{ params.host }}}}\" }}\n{step}\n mode drill {{ only = [\"s\"] }}"
        ))
    };
    let told = ["mode::reaches-production [params.host]"];
    assert_eq!(
        with(" step s { sql = \"update t set x = 1\", irreversible = \"x\", confirm = \"x\" }"),
        told
    );
    assert_eq!(
        with(" step s { run = \"./load --host=$HOST\", effect = abandoned(\"x\") }"),
        told
    );
    assert_eq!(
        with(" step s { run = \"./load\", effect = abandoned(\"x\") }"),
        CLEAN
    );
    let said = help(
        " param host { default = \"prod\" }\n step s { exec = [\"./x\", \"${{ params.host }}\"], effect = abandoned(\"x\") }\n mode drill { only = [\"s\"] }",
    );
    assert_eq!(
        said,
        ["give it another `host` under `set`, or leave the step out of `only`"]
    );
}

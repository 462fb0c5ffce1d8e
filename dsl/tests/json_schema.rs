//! The JSON Schema of the YAML form: every runbook of the repository fits it, and mistakes that it can see do not.

use piton_dsl::json_schema::{json_schema, to_json};
use piton_dsl::source::SourceFile;
use piton_dsl::syntax::parse;
use regex::Regex;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Set to anything, it makes the test write the schema instead of comparing it.
const WRITE: &str = "PITON_WRITE_REFERENCE";

/// Checks a value against a schema of the keywords that ours has; any other keyword is a failure of the test. Gives
/// the first place that does not fit.
fn fits(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Value::Object(keywords) = schema else {
        return match schema {
            Value::Bool(true) => Ok(()),
            _ => Err(format!("{at}: nothing may stand here")),
        };
    };
    for (keyword, says) in keywords {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "examples" => {}
            "$ref" => {
                let name = says.as_str().and_then(|it| it.strip_prefix("#/$defs/"));
                fits(root, &root["$defs"][name.expect("one of ours")], value, at)?;
            }
            "anyOf" => any_of(root, says, value, at)?,
            "type" => of_type(says, value, at)?,
            "enum" => {
                let words = says.as_array().expect("a list");
                if !words.contains(value) {
                    return Err(format!("{at}: {value} is none of {says}"));
                }
            }
            "pattern" => {
                let pattern = Regex::new(says.as_str().expect("a text")).expect("a pattern");
                if value.as_str().is_some_and(|text| !pattern.is_match(text)) {
                    return Err(format!("{at}: {value} is not like {says}"));
                }
            }
            "minimum" if value.as_u64() < says.as_u64() => {
                return Err(format!("{at}: {value} is too small"));
            }
            "maximum" if value.as_u64() > says.as_u64() => {
                return Err(format!("{at}: {value} is too large"));
            }
            "minimum" | "maximum" | "additionalProperties" => {}
            "required" => {
                let names = says.as_array().expect("a list").iter();
                for name in names.filter_map(Value::as_str) {
                    if value.get(name).is_none() {
                        return Err(format!("{at}: no `{name}`"));
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    fits(root, says, item, &format!("{at}[{index}]"))?;
                }
            }
            "properties" => properties(root, schema, value, at)?,
            other => panic!("`{other}` is not known to this test"),
        }
    }
    if schema.get("properties").is_none() && schema.get("additionalProperties").is_some() {
        properties(root, schema, value, at)?;
    }
    Ok(())
}

fn any_of(root: &Value, forms: &Value, value: &Value, at: &str) -> Result<(), String> {
    let mut why = Vec::new();
    for form in forms.as_array().expect("a list") {
        match fits(root, form, value, at) {
            Ok(()) => return Ok(()),
            Err(error) => why.push(error),
        }
    }
    Err(why.join(" and "))
}

fn of_type(types: &Value, value: &Value, at: &str) -> Result<(), String> {
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        other => panic!("`{other}` is not known to this test"),
    };
    let fits = match types {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => false,
    };
    match fits {
        true => Ok(()),
        false => Err(format!("{at}: {value} is not of type {types}")),
    }
}

fn properties(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    for (name, inner) in value.as_object().into_iter().flatten() {
        let known = schema.get("properties").and_then(|known| known.get(name));
        let schema = known.unwrap_or(&schema["additionalProperties"]);
        fits(root, schema, inner, &format!("{at}.{name}"))?;
    }
    Ok(())
}

/// Whether a YAML text fits the schema.
fn check(text: &str) -> Result<(), String> {
    let parsed = parse(&SourceFile::new("a.runbook.yaml", text));
    let root = parsed.root.expect("it can be read");
    let schema = json_schema();
    fits(
        &schema,
        &schema,
        &to_json(&root).expect("it can be read"),
        "",
    )
}

/// All YAML runbooks under a folder of the repository.
fn runbooks(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            runbooks(&path, found);
        } else if path.to_string_lossy().ends_with(".runbook.yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_runbook_of_the_repository_fits() {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in [
        "runbooks",
        "examples",
        "dsl/tests/fixtures",
        "tests/fixtures",
    ] {
        runbooks(&top.join(folder), &mut files);
    }
    let mut count = 0;
    for path in files {
        #[allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]
        let text = std::fs::read_to_string(&path).expect("a fixture");
        let name = path.display().to_string();
        // What is bad may be so in a way that the schema sees too.
        let is_good = !name.contains("/bad.") && !name.contains("/called/broken");
        if is_good {
            check(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
            count += 1;
        }
    }
    assert!(count >= 70, "only {count} runbooks were found");
}

#[test]
fn mistakes_that_it_can_see_do_not_fit() {
    let step = |keys: &str| format!("runbook: a\nsteps:\n  - {{step: s, run: \"true\"{keys}}}\n");
    assert_eq!(check(&step("")), Ok(()));
    for keys in [
        ", timeuot: 5m",
        ", timeout: 5 minutes",
        ", timeout: 5",
        ", retry: {times: -1}",
        ", retry: {times: 2, backoff: 2s...30s}",
        ", finally: maybe",
        ", effect: nothing",
        ", effect: {abandonned: x}",
        ", needs: {a: b}",
        ", on_fail: [{rewind: s, time: 2}]",
        ", on_fail: [retreat]",
        ", undo: {run: x, after: later}",
        ", http: {url: x, expect_status: 700, status: 700}",
        ", env: [A]",
    ] {
        assert!(check(&step(keys)).is_err(), "{keys}");
    }
    for text in [
        "steps: []\n",
        "runbook: Upper Case\nsteps: []\n",
        "runbook: a\nsteps: {s: {run: x}}\n",
        "runbook: a\nsteps: [{run: x}]\n",
        "runbook: a\nsteps: [{gate: g, run: x, effect: none}]\n",
        "runbook: a\nparams: {x: {type: strnig}}\n",
    ] {
        assert!(check(text).is_err(), "{text}");
    }
}

/// What stands as an example in it has to fit, too.
#[test]
fn its_examples_and_defaults_fit() {
    let schema = json_schema();
    let mut count = 0;
    for (block, definition) in schema["$defs"].as_object().expect("definitions") {
        for (name, key) in definition["properties"].as_object().into_iter().flatten() {
            let examples = key["examples"].as_array().into_iter().flatten();
            for value in examples.chain(key.get("default")) {
                let at = format!("{block}.{name}");
                fits(&schema, key, value, &at).unwrap_or_else(|why| panic!("{why}"));
                count += 1;
            }
        }
    }
    assert!(count > 100, "only {count} examples");
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "a test reads what stands in the repository"
)]
fn the_schema_in_the_docs_is_the_one_of_the_language() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/runbook.schema.json");
    let made = serde_json::to_string_pretty(&json_schema()).expect("JSON") + "\n";
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &made).expect("a writable repository");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        made == written,
        "docs/runbook.schema.json is stale; write it anew: {WRITE}=1 cargo test --release -p piton-dsl schema"
    );
}

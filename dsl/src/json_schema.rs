//! A JSON Schema (2020-12) of the YAML form, made from the schema: for editors, which complete and mark by it.
//!
//! It knows keys and the form of values. What `piton check` finds beyond that (names, order, meaning) no JSON Schema
//! can say. A test compares it with `docs/runbook.schema.json`.

use crate::node::{Kind, Node, Scalar, Style};
use crate::reference::anchor;
use crate::schema::{ALL, Block, Key, NOT_FOR_GATES, RUNBOOK, Takes};
use crate::source::SourceFile;
use crate::syntax;
use serde_json::{Map, Value, json};

/// One or several lengths, such as `1h30m`.
const DURATION: &str = "([0-9]+(ms|d|h|m|s))+";

/// The whole schema.
#[must_use]
pub fn json_schema() -> Value {
    let blocks = ALL.iter().map(|block| (anchor(block), self::block(block)));
    let mut definitions: Map<String, Value> = blocks.collect();
    definitions.insert(
        "text".to_owned(),
        json!({
            "description": "Text. A number or a truth value is one too.",
            "type": ["string", "number", "boolean"],
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Piton runbook",
        "$ref": format!("#/$defs/{}", anchor(&RUNBOOK)),
        "$defs": definitions,
    })
}

/// A value of YAML as JSON has it, by YAML's rules for what stands without quotes; `None` for what was not readable.
#[must_use]
pub fn to_json(node: &Node) -> Option<Value> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(scalar_to_json(scalar)),
        Kind::List(items) => items.iter().map(to_json).collect(),
        Kind::Map(entries) => {
            let entries = entries
                .iter()
                .map(|entry| Some((entry.key.text.clone(), to_json(&entry.value)?)));
            entries.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        Kind::Unreadable => None,
    }
}

fn scalar_to_json(scalar: &Scalar) -> Value {
    let text = scalar.text.as_str();
    if scalar.style != Style::Plain {
        return Value::String(text.to_owned());
    }
    let number = || {
        let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let number: serde_json::Number = text.parse().ok().filter(|_| is_number)?;
        Some(Value::Number(number))
    };
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => number().unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn reference_to(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn block(block: &Block) -> Value {
    let is_for = |key: &&&Key| block.keyword != "gate" || !NOT_FOR_GATES.contains(&key.name);
    let keys = block.keys.iter().filter(is_for);
    let properties: Map<String, Value> = keys
        .map(|key| (key.name.to_owned(), self::key(key)))
        .collect();
    let required: Vec<&str> = block
        .keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    let mut made = json!({
        "description": block.doc,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        made["required"] = json!(required);
    }
    made
}

fn key(key: &Key) -> Value {
    let mut made = takes(&key.takes);
    made["description"] = json!(key.doc);
    if let Some(default) = key.default {
        made["default"] = example_of(&format!("{}: {default}", key.name), key.name)
            .unwrap_or_else(|| json!(default));
    }
    if let Some(example) = example_of(key.yaml, key.name) {
        made["examples"] = json!([example]);
    }
    made
}

/// The value that this key has in a piece of YAML; `None` where the piece is shown in short.
fn example_of(yaml: &str, key: &str) -> Option<Value> {
    if yaml.contains('…') || yaml.contains("# under") {
        return None;
    }
    let parsed = syntax::parse(&SourceFile::new("example.yaml", yaml));
    let root = parsed.root.filter(|_| parsed.diagnostics.is_empty())?;
    to_json(&root.get(key)?.value)
}

/// What a key takes.
fn takes(what: &Takes) -> Value {
    match what {
        Takes::Text | Takes::Template | Takes::Code | Takes::Value | Takes::Expression => {
            reference_to("text")
        }
        Takes::NodeName => json!({"type": "string", "pattern": "^[a-z][a-z0-9-]*$"}),
        Takes::Identifier => json!({"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}),
        Takes::Bool => json!({"type": "boolean"}),
        Takes::Count(least) => json!({"type": "integer", "minimum": least}),
        Takes::HttpStatus => json!({"type": "integer", "minimum": 100, "maximum": 599}),
        Takes::Duration => json!({"type": "string", "pattern": format!("^{DURATION}$")}),
        Takes::Backoff => {
            json!({"type": "string", "pattern": format!("^{DURATION}(\\.\\.{DURATION})?$")})
        }
        Takes::Percent => json!({"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$"}),
        Takes::OneOf(words) => json!({"enum": words}),
        Takes::List(of) => json!({"type": "array", "items": takes(of)}),
        Takes::OneOrList(of) => any_of([takes(of), json!({"type": "array", "items": takes(of)})]),
        Takes::MapOf(of) => json!({"type": "object", "additionalProperties": takes(of)}),
        Takes::Block(block) => reference_to(&anchor(block)),
        Takes::Blocks(blocks) => {
            let blocks = blocks.iter().map(|block| reference_to(&anchor(block)));
            json!({"type": "array", "items": any_of(blocks)})
        }
        Takes::Either(forms) => any_of(forms.iter().map(takes)),
        Takes::Call(word, of) => call(word, of),
    }
}

/// A word with one thing after it: a block that begins with the word, where there is one, else the word by itself.
fn call(word: &str, of: &Takes) -> Value {
    let begins = |block: &&&Block| block.key(word).is_some_and(|key| key.required);
    let block = ALL
        .iter()
        .filter(|block| block.keyword == word)
        .find(begins);
    match block {
        Some(block) => reference_to(&anchor(block)),
        None => {
            let properties = Map::from_iter([(word.to_owned(), takes(of))]);
            json!({
                "type": "object",
                "properties": properties,
                "required": [word],
                "additionalProperties": false,
            })
        }
    }
}

fn any_of(forms: impl IntoIterator<Item = Value>) -> Value {
    let mut forms: Vec<Value> = forms.into_iter().collect();
    match (forms.pop(), forms.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            forms.extend(last);
            json!({"anyOf": forms})
        }
    }
}

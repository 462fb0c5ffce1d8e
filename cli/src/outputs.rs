//! Values typed on the command line: outputs of nodes, and answers to typed questions.

use piton_core::expr::{Expression, Resolved, Scope};
use piton_core::plan::{Action, AnswerType, Node};
use piton_core::record::AskView;
use piton_core::value::Value;
use std::collections::BTreeMap;

/// Reads `NAME=VALUE`.
///
/// # Errors
/// Says how it is written.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// The names of what other nodes can use of a node: its outputs, and the answers that people give at it.
#[must_use]
pub fn names(node: &Node) -> Vec<&str> {
    let mut names: Vec<&str> = node.outputs.keys().map(String::as_str).collect();
    if let Action::Manual(manual) = &node.action {
        names.extend(manual.asks.iter().map(|ask| ask.name.as_str()));
    }
    names
}

/// Reads a value for an output of a node: by the type of the question that asks for it, else as JSON, else as text.
///
/// # Errors
/// Says what it takes.
pub fn value(node: Option<&Node>, name: &str, text: &str) -> Result<Value, String> {
    if let Some(Action::Manual(manual)) = node.map(|node| &node.action)
        && let Some(ask) = manual.asks.iter().find(|ask| ask.name == name)
    {
        return typed(ask.kind, name, text);
    }
    // Plain JSON, not the stored form: nothing that is typed here can name a secret.
    let json = serde_json::from_str::<serde_json::Value>(text);
    Ok(json.map_or_else(
        |_| Value::String(text.to_owned()),
        |json| Value::from_json(&json),
    ))
}

/// All outputs of a node, from what was given.
///
/// # Errors
/// Names those that are missing, those that there are not, and values that do not fit.
pub fn all(node: &Node, given: &[(String, String)]) -> Result<BTreeMap<String, Value>, String> {
    let known = names(node);
    let mut values = BTreeMap::new();
    for (name, text) in given {
        if !known.contains(&name.as_str()) {
            return Err(unknown(name, &known, "output"));
        }
        if values
            .insert(name.clone(), value(Some(node), name, text)?)
            .is_some()
        {
            return Err(format!("its output `{name}` is given twice"));
        }
    }
    let missing: Vec<String> = known
        .iter()
        .filter(|name| !values.contains_key(**name))
        .map(|name| format!("`{name}`"))
        .collect();
    match missing.as_slice() {
        [] => Ok(values),
        [one] => Err(format!(
            "its output {one} is missing, and other nodes may use it"
        )),
        many => Err(format!(
            "its outputs {} are missing, and other nodes may use them",
            many.join(", ")
        )),
    }
}

/// That there is no such name, with what was probably meant or what there is.
#[must_use]
pub fn unknown(name: &str, known: &[&str], what: &str) -> String {
    let near = piton_core::expr::suggest(name, known.iter().copied());
    match (near, known) {
        (Some(near), _) => format!("there is no {what} `{name}`; did you mean `{near}`?"),
        (None, []) => format!("there is no {what} `{name}`, nor any other"),
        (None, known) => format!(
            "there is no {what} `{name}`; there are {}",
            known.join(", ")
        ),
    }
}

fn typed(kind: AnswerType, name: &str, text: &str) -> Result<Value, String> {
    kind.read(text)
        .ok_or_else(|| format!("`{text}` cannot be `{name}`: it takes {}", kind.describe()))
}

/// Whether choices are numbered for people: not when the choices are numbers themselves.
#[must_use]
pub fn numbered(choices: &[(Value, String)]) -> bool {
    !choices
        .iter()
        .any(|(value, _)| value.to_string().parse::<i64>().is_ok())
}

/// Reads an answer to a typed question. A choice may be given by its number.
///
/// # Errors
/// Says what it takes.
pub fn answer(ask: &AskView, text: &str) -> Result<Value, String> {
    let Some(choices) = &ask.choices else {
        let value = typed(ask.kind, &ask.name, text)?;
        return fulfils(ask, value);
    };
    if let Some((value, _)) = choices.iter().find(|(value, _)| value.to_string() == text) {
        return fulfils(ask, value.clone());
    }
    let number = text.parse::<usize>().ok().filter(|_| numbered(choices));
    if let Some((value, _)) = number.and_then(|number| choices.get(number.checked_sub(1)?)) {
        return fulfils(ask, value.clone());
    }
    let known: Vec<String> = choices.iter().map(|(value, _)| value.to_string()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Err(match known.len() {
        0 => format!("there is nothing to choose from for `{}`", ask.name),
        1..=8 => unknown(text, &known, "choice"),
        many => match piton_core::expr::suggest(text, known.iter().copied()) {
            Some(near) => format!("there is no choice `{text}`; did you mean `{near}`?"),
            None => format!("`{text}` is none of the {many} choices"),
        },
    })
}

/// What is known of the conditions for an answer while it is typed: the answer itself. Conditions over anything else
/// are for the run to look at.
struct Typed(Value);

impl Scope for Typed {
    fn resolve(&self, path: &[String]) -> Resolved {
        match path {
            [name] if name == "value" => Resolved::Value(self.0.clone()),
            _ => Resolved::Unknown,
        }
    }
}

fn fulfils(ask: &AskView, value: Value) -> Result<Value, String> {
    let Some(text) = &ask.validate else {
        return Ok(value);
    };
    let told = Expression::parse(text)
        .ok()
        .and_then(|condition| condition.evaluate_bool(&Typed(value.clone())).ok());
    match told {
        Some(false) => Err(format!(
            "`{value}` cannot be `{}`: it has to fulfil `{text}`",
            ask.name
        )),
        Some(true) | None => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn ask(kind: AnswerType) -> AskView {
        AskView {
            name: "n".to_owned(),
            kind,
            help: None,
            choices: None,
            validate: None,
            default: None,
        }
    }

    #[test]
    fn a_value_is_json_or_text_and_never_a_secret() {
        let node = None;
        assert_eq!(value(node, "n", "3"), Ok(Value::Int(3)));
        assert_eq!(value(node, "n", "\"3\""), Ok(Value::String("3".to_owned())));
        assert_eq!(value(node, "n", "a=b"), Ok(Value::String("a=b".to_owned())));
        let named = value(node, "n", "{\"$secret\":\"token\"}").unwrap_or_default();
        assert!(!named.has_secret());
        assert!(pair("n").is_err());
        assert!(pair("=1").is_err());
        assert_eq!(pair("n=a=b"), Ok(("n".to_owned(), "a=b".to_owned())));
    }

    #[test]
    fn a_node_that_is_taken_as_done_needs_all_its_outputs_and_no_others() {
        let plan = testing::plan(&["a"]);
        let mut node = plan.nodes[0].clone();
        assert_eq!(all(&node, &[]), Ok(BTreeMap::new()));
        let rows = Expression::parse("1").unwrap();
        node.outputs.insert("rows".to_owned(), rows);
        let given = |name: &str| vec![(name.to_owned(), "3".to_owned())];
        assert!(all(&node, &[]).unwrap_err().contains("`rows`"));
        assert!(
            all(&node, &given("row"))
                .unwrap_err()
                .contains("did you mean `rows`")
        );
        assert_eq!(all(&node, &given("rows")).unwrap()["rows"], Value::Int(3));
        let twice = [given("rows"), given("rows")].concat();
        assert!(all(&node, &twice).unwrap_err().contains("twice"));
    }

    #[test]
    fn an_answer_is_read_by_its_type() {
        assert_eq!(answer(&ask(AnswerType::Int), "42"), Ok(Value::Int(42)));
        let wrong = answer(&ask(AnswerType::Int), "x").unwrap_err();
        assert!(wrong.contains("a whole number"), "{wrong}");
        assert!(answer(&ask(AnswerType::Timestamp), "2026-01-31T03:00:00Z").is_ok());
    }

    #[test]
    fn a_choice_is_given_by_its_value_or_its_number() {
        let text = |text: &str| Value::String(text.to_owned());
        let mut ask = ask(AnswerType::String);
        ask.choices = Some(vec![
            (text("base_1"), "Monday".to_owned()),
            (text("base_2"), "Tuesday".to_owned()),
        ]);
        assert_eq!(answer(&ask, "2"), Ok(text("base_2")));
        assert_eq!(answer(&ask, "base_1"), Ok(text("base_1")));
        for wrong in ["0", "3", "", "-1"] {
            assert!(answer(&ask, wrong).is_err(), "{wrong}");
        }
        let near = answer(&ask, "bas_2").unwrap_err();
        assert!(near.contains("did you mean"), "{near}");
        ask.choices = Some(vec![
            (Value::Int(7), String::new()),
            (Value::Int(1), String::new()),
        ]);
        assert_eq!(answer(&ask, "1"), Ok(Value::Int(1)));
        assert!(answer(&ask, "2").is_err());
    }

    #[test]
    fn a_condition_over_the_answer_is_looked_at_at_once() {
        let mut ask = ask(AnswerType::Int);
        ask.validate = Some("value > 3".to_owned());
        assert!(answer(&ask, "4").is_ok());
        assert!(answer(&ask, "3").unwrap_err().contains("value > 3"));
        ask.validate = Some("value in steps.x.history".to_owned());
        assert!(answer(&ask, "3").is_ok(), "that is for the run to say");
    }
}

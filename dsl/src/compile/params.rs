//! Values for parameters: what was given, else the default.

use super::{CompileError, Params, unchecked};
use crate::runbook::{Param, ParamType, Runbook};
use piton_core::expr::suggest;
use piton_core::value::Value;
use std::collections::BTreeMap;

/// Every parameter with its value; all that is wrong at once.
pub(super) fn bind(
    runbook: &Runbook,
    given: &Params,
) -> Result<BTreeMap<String, Value>, Vec<CompileError>> {
    let mut errors = Vec::new();
    let known: BTreeMap<&str, &Param> = runbook
        .params
        .iter()
        .map(|param| (param.name.value.as_str(), param))
        .collect();
    for name in given
        .keys()
        .filter(|name| !known.contains_key(name.as_str()))
    {
        errors.push(CompileError::Unknown {
            name: name.clone(),
            hint: hint(name, &known),
        });
    }
    let mut values = BTreeMap::new();
    for (name, param) in known {
        match value(param, given.get(name).map(String::as_str)) {
            Ok(value) => {
                values.insert(name.to_owned(), value);
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors)
    }
}

fn hint(name: &str, known: &BTreeMap<&str, &Param>) -> String {
    if let Some(meant) = suggest(name, known.keys().copied()) {
        return format!("; did you mean `{meant}`?");
    }
    if known.is_empty() {
        return "; this runbook has none".to_owned();
    }
    let names: Vec<_> = known.keys().map(|name| format!("`{name}`")).collect();
    format!("; there are {}", names.join(", "))
}

fn value(param: &Param, given: Option<&str>) -> Result<Value, CompileError> {
    let name = &param.name.value;
    let kind = param
        .kind
        .ok_or_else(|| unchecked(&format!("parameter `{name}`")))?;
    let Some(text) = given.or(param.default.as_ref().map(|default| default.text.as_str())) else {
        if param.optional {
            return Ok(Value::Null);
        }
        return Err(CompileError::Missing {
            name: name.clone(),
            takes: takes(param, kind),
            about: param
                .help
                .as_ref()
                .map(|help| format!(" ({help})"))
                .unwrap_or_default(),
        });
    };
    let wrong = || CompileError::WrongType {
        name: name.clone(),
        given: text.to_owned(),
        takes: kind.describe(),
    };
    let value = kind.read(text).ok_or_else(wrong)?;
    if !param.accepts(text) {
        return Err(CompileError::NotAChoice {
            name: name.clone(),
            given: text.to_owned(),
            choices: choices(param),
        });
    }
    Ok(value)
}

fn takes(param: &Param, kind: ParamType) -> String {
    match param.choices.as_deref() {
        None | Some([]) => kind.describe().to_owned(),
        Some(_) => format!("one of {}", choices(param)),
    }
}

fn choices(param: &Param) -> String {
    let choices: Vec<_> = param
        .choices
        .iter()
        .flatten()
        .map(|choice| format!("`{}`", choice.text))
        .collect();
    choices.join(", ")
}

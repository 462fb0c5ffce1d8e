//! What a node does.

use super::http::Http;
use crate::expr::{Expression, Template};
use crate::time::Millis;
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// What a node does: exactly one of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A script, given to a shell.
    Run(Run),
    /// A program with its arguments; no shell.
    Exec(Exec),
    /// SQL against a database.
    Sql(Sql),
    /// A request to a web server.
    Http(Http),
    /// Named checks; all are done and reported.
    Checks(Vec<Check>),
    /// Wait for people to approve.
    Approve(Approve),
    /// Wait for a person to do something, or to answer.
    Manual(Manual),
    /// Tell people something.
    Notify(Notify),
    /// Let time pass.
    Wait(Wait),
    /// The beginning or the end of another runbook that is part of this plan.
    Call(CallPart),
}

/// A script for a shell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The script, verbatim: nothing is spliced into it.
    pub script: String,
    /// The shell's argv, to which the script is appended as the last argument (`["bash", "-euc"]`); `None` for
    /// `sh -eu` with `pipefail` where the shell has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
}

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exec {
    /// The program and its arguments, at least one.
    pub argv: Vec<Template>,
}

/// SQL against a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sql {
    /// The database: `sqlite:PATH`, relative to the node's directory, or `postgresql://…`.
    pub on: Template,
    /// The text. Only `ident(…)` is put into it; before version 3 of the plan it was verbatim.
    pub text: Template,
    /// True for a script of many statements, run as one transaction; false for one statement whose rows are kept.
    pub script: bool,
    /// Whether it may only look: that of gates, of checks, of steps without an effect, and the like.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// Values for `$1`, `$2`, ….
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bind: Vec<Template>,
}

/// A named check of a `checks` action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its name, unique in its gate.
    pub name: String,
    /// How it looks: an action that does not wait for people and is not `checks` itself.
    pub probe: Action,
    /// True when the check passes. `None`: it passes when the probe succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expression>,
}

/// Waiting for people to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approve {
    /// Names or roles that may approve; empty: anybody.
    pub by: Vec<String>,
    /// How many different people have to approve, at least 1.
    pub count: u32,
    /// Whether the one who started the run may not approve.
    pub not_starter: bool,
    /// How long after it was opened the question may be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Millis>,
    /// The escalation policy that is paged while nobody answers; else [`super::Plan::page`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// Something a person does or answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manual {
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Template>,
    /// What has to be ticked off, each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checklist: Vec<Template>,
    /// Typed questions; their answers are outputs of the node, under the same names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Ask>,
    /// Names or roles that may do it; empty: anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// How long after it was opened it may be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Millis>,
    /// The escalation policy that is paged while nobody answers; else [`super::Plan::page`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// A typed question to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Its name, and the output's.
    pub name: String,
    /// What kind of answer it takes.
    pub kind: AnswerType,
    /// What is asked, for people; else its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// An action whose rows, or lines, are the only possible answers: `run`, `exec`, `sql` or `http`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Box<Action>>,
    /// Which columns of these rows are shown; the first one is the answer. Empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// True for an answer that may be given; `value` is the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate: Option<Expression>,
    /// The answer when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Template>,
}

/// What a parameter or an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerType {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// A length of time.
    Duration,
    /// An instant.
    Timestamp,
}

impl AnswerType {
    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<AnswerType> {
        Some(match name {
            "string" => AnswerType::String,
            "int" => AnswerType::Int,
            "float" => AnswerType::Float,
            "bool" => AnswerType::Bool,
            "duration" => AnswerType::Duration,
            "timestamp" => AnswerType::Timestamp,
            _ => return None,
        })
    }

    /// Reads a text as a value of this type.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Value> {
        Some(match self {
            AnswerType::String => Value::String(text.to_owned()),
            AnswerType::Int => Value::Int(text.parse().ok()?),
            AnswerType::Float => Value::Float(
                text.parse()
                    .ok()
                    .filter(|number: &f64| number.is_finite())?,
            ),
            AnswerType::Bool => Value::Bool(text.parse().ok()?),
            AnswerType::Duration => Value::Duration(text.parse().ok()?),
            AnswerType::Timestamp => Value::Timestamp(text.parse().ok()?),
        })
    }

    /// How it is written in messages, with an example.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            AnswerType::String => "text",
            AnswerType::Int => "a whole number, such as 42",
            AnswerType::Float => "a number, such as 2.5",
            AnswerType::Bool => "`true` or `false`",
            AnswerType::Duration => "a length of time, such as 30s, 10m or 1h30m",
            AnswerType::Timestamp => "a time with its offset, such as 2026-01-31T03:00:00Z",
        }
    }
}

/// Telling people something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notify {
    /// Names of contacts, each of which is told.
    pub to: Vec<String>,
    /// What they are told.
    pub message: Template,
}

/// Letting time pass: exactly one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// For so long, from when it starts.
    For(Millis),
    /// Until the time that this expression gives; no wait if it has passed.
    Until(Expression),
}

/// One end of another runbook that is part of this plan. Neither does anything itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallPart {
    /// Its outputs are the parameters that the called runbook gets.
    Begin,
    /// It is done when the called runbook is; its outputs are those of that runbook.
    End,
}

//! The command lines that decide a question from another process, one for each possible answer.

use piton_core::plan::{Node, Plan, WorldEffect};
use piton_core::record::{AskView, QuestionKind};
use piton_core::value::Value;
use piton_core::view::QuestionView;

/// A command line, and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What to type. Words in capitals are to be replaced.
    pub command: String,
    /// What that does, for people; empty where the command says it.
    pub does: String,
}

fn choice(command: String, does: impl Into<String>) -> Choice {
    Choice {
        command,
        does: does.into(),
    }
}

/// The commands that answer this question, then those that only say who deals with it.
#[must_use]
pub fn choices(run: &str, plan: &Plan, question: &QuestionView) -> Vec<Choice> {
    let id = &question.node;
    let decide = |word: &str, does: &str| choice(format!("piton decide {run} {id} {word}"), does);
    let node = plan.node(question.index);
    let given = outputs(node);
    let stop = || decide("stop", "undoes nothing more: what is not undone is left");
    let mut all = match &question.kind {
        QuestionKind::Approve { terms, .. } => {
            let who = acting_as(&terms.by);
            vec![
                choice(format!("piton approve {run} {id}{who}"), ""),
                choice(format!("piton reject {run} {id}{who}"), ""),
            ]
        }
        QuestionKind::Interrupted { .. } => vec![
            decide(&format!("succeeded{given}"), "it happened, and well"),
            decide("did-not-happen", "it is done again"),
            decide("failed", "it counts as failed"),
        ],
        QuestionKind::Manual {
            checklist,
            asks,
            by,
            ..
        } => {
            let who = acting_as(by);
            let all = if checklist.is_empty() { "" } else { " --all" };
            let values: String = asks.iter().map(|ask| format!(" {}", value(ask))).collect();
            let word = if checklist.is_empty() && !asks.is_empty() {
                "answer"
            } else {
                "done"
            };
            let does = if checklist.is_empty() {
                ""
            } else {
                "ticks off all of it"
            };
            vec![
                choice(format!("piton {word} {run} {id}{values}{all}{who}"), does),
                decide(&format!("failed{who}"), "it cannot be done"),
            ]
        }
        QuestionKind::Confirm { .. } => vec![
            choice(
                format!("piton done {run} {id} --typed VALUE"),
                "the step starts",
            ),
            choice(
                format!("piton reject {run} {id}"),
                "the step does not start",
            ),
        ],
        QuestionKind::Failed { .. } => failed(plan, question, &given, decide),
        QuestionKind::Undo { .. } => {
            let mut all = vec![
                decide("undone-by-hand", "you took it back"),
                decide("abandon-undo", "it is left as it is"),
                decide("did-not-happen", "there is nothing to undo"),
            ];
            // What has no undo cannot have it run.
            if node.is_some_and(|node| matches!(node.effect, WorldEffect::Undo(_))) {
                all.push(decide("succeeded", "it was done: its undo runs"));
            }
            all.push(stop());
            all
        }
        QuestionKind::UndoFailed { .. } => vec![
            decide("retry", "its undo is tried again"),
            decide("undone-by-hand", "you took it back"),
            decide("abandon-undo", "it is left as it is"),
            stop(),
        ],
    };
    if question.policy.is_some() {
        let ack = format!("piton ack {run} {id}");
        all.push(choice(ack, "you have seen it: paging pauses"));
    }
    all.push(match question.held.as_ref().filter(|held| held.taken) {
        Some(held) => choice(
            format!("piton take {run} {id} --over"),
            format!("instead of {}", held.by.name),
        ),
        None => choice(
            format!("piton take {run} {id}"),
            "only you decide it: paging pauses",
        ),
    });
    all
}

/// What can be done about a failure.
fn failed(
    plan: &Plan,
    question: &QuestionView,
    given: &str,
    decide: impl Fn(&str, &str) -> Choice,
) -> Vec<Choice> {
    let mut all = vec![decide("retry", "it is tried again")];
    let never_skip = plan
        .node(question.index)
        .is_some_and(|node| node.never_skip);
    if !never_skip {
        all.push(decide(
            &format!("skip{given}"),
            "the run goes on without it",
        ));
    }
    let evidence = format!("succeeded{given} --evidence TEXT");
    all.push(decide(&evidence, "it is done after all"));
    let names: Vec<&str> = plan
        .rewind_choices(question.index)
        .into_iter()
        .filter_map(|index| plan.node(index))
        .map(|node| node.id.as_str())
        .collect();
    let to = match names.as_slice() {
        [one] => (*one).to_owned(),
        _ => "NODE".to_owned(),
    };
    let does = match names.as_slice() {
        [_] | [] => "it is undone and done again".to_owned(),
        many => format!("goes back to one of {}", many.join(", ")),
    };
    all.push(decide(&format!("rewind --to {to}"), &does));
    all.push(decide("rollback", "everything is undone, and the run ends"));
    all.push(decide("stop", "the run ends as it is"));
    all
}

fn acting_as(by: &[String]) -> String {
    by.first()
        .map(|name| format!(" --as {}", quoted(name)))
        .unwrap_or_default()
}

/// The outputs that have to be given when a node is skipped or done after all.
fn outputs(node: Option<&Node>) -> String {
    let Some(node) = node else {
        return String::new();
    };
    node.output_names()
        .into_iter()
        .map(|name| format!(" --output {name}=VALUE"))
        .collect()
}

/// `name=VALUE`, with the default or the first possible answer where there is one.
fn value(ask: &AskView) -> String {
    let first = ask.choices.iter().flatten().map(|(value, _)| value).next();
    let text = match ask.default.as_ref().or(first) {
        Some(Value::String(text)) => quoted(text),
        Some(value) => match value.to_json() {
            serde_json::Value::String(text) => quoted(&text),
            other => quoted(&other.to_string()),
        },
        None => "VALUE".to_owned(),
    };
    format!("{}={text}", ask.name)
}

/// A word as it is typed in a shell.
#[must_use]
pub fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        word.to_owned()
    } else {
        let clean = crate::display::clean::one_line(word);
        format!("'{}'", clean.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{asks, plan, question};
    use piton_core::plan::AnswerType;
    use piton_core::record::WhyAsk;

    fn typed(plan: &Plan, question: &QuestionView) -> Vec<String> {
        choices("r1", plan, question)
            .into_iter()
            .map(|choice| choice.command)
            .collect()
    }

    #[test]
    fn every_answer_to_a_failure_has_its_command() {
        let mut plan = plan(&["fetch", "check"]);
        let size = piton_core::expr::Expression::parse("1").unwrap();
        plan.nodes[1].outputs.insert("size".to_owned(), size);
        let message = "exit code 1".to_owned();
        let mut failed = asks(1, "check", QuestionKind::Failed { message });
        assert_eq!(
            typed(&plan, &failed),
            [
                "piton decide r1 check retry",
                "piton decide r1 check skip --output size=VALUE",
                "piton decide r1 check succeeded --output size=VALUE --evidence TEXT",
                "piton decide r1 check rewind --to NODE",
                "piton decide r1 check rollback",
                "piton decide r1 check stop",
                "piton take r1 check",
            ]
        );
        let all = choices("r1", &plan, &failed);
        assert!(all.iter().any(|one| one.does.ends_with("fetch, check")));
        failed.policy = Some("infra".to_owned());
        plan.nodes[1].never_skip = true;
        let text = typed(&plan, &failed);
        assert!(text.contains(&"piton ack r1 check".to_owned()), "{text:#?}");
        assert!(!text.iter().any(|line| line.contains(" skip")), "{text:#?}");
    }

    #[test]
    fn what_is_asked_stands_in_the_command() {
        let plan = plan(&["?go", "pick"]);
        assert_eq!(typed(&plan, &question(0))[0], "piton approve r1 go");
        let ask = |name: &str, choices, default| AskView {
            name: name.to_owned(),
            kind: AnswerType::String,
            help: None,
            choices,
            validate: None,
            default,
        };
        let text = |text: &str| Value::String(text.to_owned());
        let manual = |checklist: &[&str], asks: Vec<AskView>| QuestionKind::Manual {
            instructions: None,
            checklist: checklist
                .iter()
                .map(|entry| piton_core::text::Text::literal(*entry))
                .collect(),
            asks,
            by: vec!["on call".to_owned()],
        };
        let choices = Some(vec![(text("base 1"), String::new())]);
        let kind = manual(
            &[],
            vec![ask("backup", choices, None), ask("why", None, None)],
        );
        assert_eq!(
            typed(&plan, &asks(1, "pick", kind))[0],
            "piton answer r1 pick backup='base 1' why=VALUE --as 'on call'"
        );
        let kind = manual(&["stop it"], vec![]);
        assert_eq!(
            typed(&plan, &asks(1, "pick", kind))[0],
            "piton done r1 pick --all --as 'on call'"
        );
        let why = WhyAsk::HalfDone;
        let text = typed(&plan, &asks(1, "pick", QuestionKind::Undo { why }));
        assert_eq!(text[0], "piton decide r1 pick undone-by-hand");
        assert_eq!(text[3], "piton decide r1 pick stop", "it has no undo");
    }
}

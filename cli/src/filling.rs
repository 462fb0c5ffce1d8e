//! Filling in what a person is asked to do, to answer or to type: what `done` and `answer` have in common.

use crate::deciding::{Saying, open_question, refusal, which};
use crate::dialogue::{Dialogue, is_interactive, on_terminal};
use crate::display::question;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::outputs;
use crate::session::{Session, block_on};
use piton_core::id::RunId;
use piton_core::plan::{NodeIndex, Plan};
use piton_core::record::{Answer, AskView, QuestionKind};
use piton_core::run::ProtocolError;
use piton_core::value::Value;
use piton_core::view::{QuestionView, RunView};
use std::collections::BTreeMap;

/// What was given on the command line.
#[derive(Debug)]
pub struct Filling {
    node: Option<String>,
    values: Vec<(String, String)>,
    all: bool,
    typed: Option<String>,
}

/// A run and the question in it that is answered.
struct Place<'a> {
    session: &'a Session,
    run: &'a RunId,
    plan: &'a Plan,
    view: &'a RunView,
    node: NodeIndex,
    saying: &'a Saying,
}

impl Filling {
    /// Reads the node, if there is one, and what follows it.
    ///
    /// # Errors
    /// When something is neither a node nor a value, or a value is given twice.
    pub fn of(words: &[String], all: bool, typed: Option<String>) -> Result<Filling, Failure> {
        let (node, words) = match words.split_first() {
            Some((first, rest)) if !first.contains('=') => (Some(first.clone()), rest),
            _ => (None, words),
        };
        let mut values: Vec<(String, String)> = Vec::new();
        for word in words {
            let (name, value) = outputs::pair(word)
                .map_err(|how| Failure::usage(format!("`{word}` is no answer: {how}")))?;
            if values.iter().any(|(before, _)| *before == name) {
                return Err(Failure::usage(format!("`{name}` is answered twice")));
            }
            values.push((name, value));
        }
        Ok(Filling {
            node,
            values,
            all,
            typed,
        })
    }

    /// Hands it in; in a terminal, what is missing is asked.
    ///
    /// # Errors
    /// When there is no such run or node, something is missing, or it is refused.
    pub fn hand_in(self, run: &str, saying: &Saying, store: Option<&str>) -> Result<Exit, Failure> {
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(Some(run)).await?;
            let (plan, view) = session.view(&run).await?;
            let place = Place {
                session: &session,
                run: &run,
                plan: &plan,
                view: &view,
                node: which(&view, self.node.as_deref())?,
                saying,
            };
            let answer = match open_question(&view, place.node) {
                Some(question) if is_interactive() && !saying.handing.json => {
                    self.asked(&place, question).await?
                }
                Some(question) => self.given(&place, question)?,
                // It was answered before, or never asked: the run says which, by whom and when.
                None => self.as_texts(),
            };
            saying
                .hand_in(&session, &run, &view, place.node, answer)
                .await
        })
    }

    /// The answer from what was given and, where nothing was, from defaults.
    fn given(&self, place: &Place<'_>, question: &QuestionView) -> Result<Answer, Failure> {
        let name = |at: NodeIndex| place.plan.node(at).map_or("", |node| node.id.as_str());
        let (run, node) = (place.run, name(place.node));
        let failure = |what: String| Failure::new(format!("{what}; the question is still open"));
        match &question.kind {
            QuestionKind::Manual {
                checklist, asks, ..
            } => {
                let mut answers = self.read(asks)?;
                for ask in asks {
                    if answers.contains_key(&ask.name) {
                        continue;
                    }
                    let Some(default) = &ask.default else {
                        return Err(failure(format!(
                            "`{node}` asks for `{}`, which has no default",
                            ask.name
                        ))
                        .help(format!("piton done {run} {node} {}=VALUE", ask.name)));
                    };
                    answers.insert(ask.name.clone(), default.clone());
                }
                if !self.all && !checklist.is_empty() {
                    return Err(failure(format!(
                        "`{node}` has a checklist, and nothing of it is ticked off"
                    ))
                    .help(format!(
                        "`piton done {run} {node} --all` ticks off everything; in a terminal each entry is asked"
                    )));
                }
                Ok(Answer::Done {
                    answers,
                    ticked: u32::try_from(checklist.len()).unwrap_or(u32::MAX),
                })
            }
            QuestionKind::Confirm { .. } => match &self.typed {
                Some(typed) => Ok(Answer::Confirm {
                    typed: typed.clone(),
                }),
                None => Err(failure(format!(
                    "`{node}` wants what it is about to change to be typed"
                ))
                .help(format!("piton done {run} {node} --typed VALUE"))),
            },
            kind => Err(other_command(run, node, kind)),
        }
    }

    /// The answer from what was given and, where nothing was, from the person at the terminal.
    async fn asked(&self, place: &Place<'_>, question: &QuestionView) -> Result<Answer, Failure> {
        let mut dialogue = Dialogue::new(&question.kind, place.plan, place.node);
        match &question.kind {
            QuestionKind::Manual { asks, .. } => {
                dialogue = dialogue.with(self.read(asks)?, self.all);
            }
            QuestionKind::Confirm { .. } if self.typed.is_none() => {}
            // What was typed on the command line, or a question for another command.
            _ => return self.given(place, question),
        }
        if let Some(answer) = dialogue.complete() {
            return Ok(answer);
        }
        let lines = || {
            question::details(place.plan, question)
                .iter()
                .map(|line| line.plain())
                .collect()
        };
        intro(question).iter().for_each(|row| output::note(row));
        loop {
            let Some(answer) = on_terminal(&mut dialogue, lines)? else {
                return Err(
                    Failure::new("nothing was answered; the question is still open")
                        .help(format!("`piton show {}` tells how to answer it", place.run)),
                );
            };
            let event = place
                .saying
                .decision(place.view, place.node, answer.clone());
            match refusal(place.session, place.run, &event).await? {
                // What the run alone can check was wrong: it is asked again.
                Some(
                    error @ (ProtocolError::NotDone { .. } | ProtocolError::NotConfirmed { .. }),
                ) => {
                    output::note(&format!("  {error}"));
                    dialogue.again();
                }
                _ => return Ok(answer),
            }
        }
    }

    /// The values by the types of what is asked.
    fn read(&self, asks: &[AskView]) -> Result<BTreeMap<String, Value>, Failure> {
        let known: Vec<&str> = asks.iter().map(|ask| ask.name.as_str()).collect();
        let mut answers = BTreeMap::new();
        for (name, text) in &self.values {
            let Some(ask) = asks.iter().find(|ask| ask.name == *name) else {
                return Err(Failure::usage(outputs::unknown(name, &known, "question")));
            };
            let value = outputs::answer(ask, text).map_err(|why| {
                Failure::new(format!("{why}; nothing was answered"))
                    .help("`piton show` lists what can be answered")
            })?;
            answers.insert(name.clone(), value);
        }
        Ok(answers)
    }

    fn as_texts(&self) -> Answer {
        match &self.typed {
            Some(typed) => Answer::Confirm {
                typed: typed.clone(),
            },
            None => Answer::Done {
                answers: self
                    .values
                    .iter()
                    .map(|(name, text)| (name.clone(), Value::String(text.clone())))
                    .collect(),
                ticked: 0,
            },
        }
    }
}

/// What a question is about, before its parts are asked.
fn intro(question: &QuestionView) -> Vec<String> {
    match &question.kind {
        QuestionKind::Manual {
            instructions: Some(text),
            ..
        } => text.shown().lines().map(clean).collect(),
        QuestionKind::Confirm { expected, target } => {
            let mut rows = vec![format!("it is about to change {}", clean(expected))];
            if let Some(found) = target.as_ref().map(|target| &target.found) {
                rows.push(match found {
                    Ok(found) => format!("found there: {}", clean(found)),
                    Err(why) => format!("what is there could not be read: {}", clean(why)),
                });
            }
            rows
        }
        _ => Vec::new(),
    }
}

fn clean(text: &str) -> String {
    crate::display::clean::one_line(text)
}

/// That the question is answered by another command.
fn other_command(run: &RunId, node: &str, kind: &QuestionKind) -> Failure {
    let (asks, command) = match kind {
        QuestionKind::Approve { .. } => (
            "waits for an approval",
            format!("piton approve {run} {node}"),
        ),
        QuestionKind::Interrupted { .. } => (
            "was interrupted, and somebody has to say what became of it",
            format!("piton decide {run} {node} succeeded|did-not-happen|failed"),
        ),
        QuestionKind::Failed { .. } => (
            "failed, and somebody has to decide what follows",
            format!("piton decide {run} {node} retry|skip|succeeded|rewind|rollback|stop"),
        ),
        _ => (
            "is to be undone, and somebody has to decide how",
            format!("piton decide {run} {node} undone-by-hand|abandon-undo|stop"),
        ),
    };
    Failure::new(format!("`{node}` {asks}; nothing was changed")).help(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Result<Filling, Failure> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Filling::of(&words, false, None)
    }

    #[test]
    fn the_node_may_be_left_out() {
        let filling = words(&["choose", "a=1", "b=x=y"]).unwrap();
        assert_eq!(filling.node.as_deref(), Some("choose"));
        assert_eq!(filling.values.len(), 2);
        assert_eq!(words(&["a=1"]).unwrap().node, None);
        assert_eq!(words(&[]).unwrap().values.len(), 0);
        assert!(words(&["a", "b"]).is_err());
        assert!(words(&["a=1", "a=2"]).is_err());
    }
}

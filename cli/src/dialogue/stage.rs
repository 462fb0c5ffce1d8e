//! Where a dialogue stands, and what each line that is typed makes of it.

use super::menu::{choose, hint, words};
use crate::display::clean::{clean, one_line};
use crate::outputs;
use piton_core::plan::{NodeIndex, Plan};
use piton_core::record::{Answer, AskView, QuestionKind};
use piton_core::value::Value;
use std::collections::BTreeMap;

/// What a typed line came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// An answer.
    Answer(Answer),
    /// The next line is asked for.
    More,
    /// Nothing that makes sense here, and why.
    Unclear(String),
    /// Show more.
    Details,
    /// Leave the question open.
    Leave,
}

/// What is asked right now.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    /// One of the words of the question.
    Word,
    /// Whether an entry of the checklist is done.
    Tick(usize),
    /// An answer to a typed question.
    Ask(usize),
    /// An output of a node that is skipped or done after all.
    Output(Outputs),
    /// Which node to go back to.
    To,
}

/// What outputs are asked for.
#[derive(Clone, Debug, PartialEq)]
struct Outputs {
    at: usize,
    given: BTreeMap<String, Value>,
    skip: bool,
}

/// A question on its way to its answer.
#[derive(Clone, Debug)]
pub struct Dialogue {
    kind: QuestionKind,
    stage: Stage,
    /// Outputs that others use of the node, to be given when it is skipped or succeeded after all.
    outputs: Vec<String>,
    /// Nodes that can be gone back to.
    before: Vec<String>,
    plan_nodes: BTreeMap<String, NodeIndex>,
    ticks: usize,
    answers: BTreeMap<String, Value>,
    /// What was answered before the run refused it; a line without anything says it again.
    earlier: BTreeMap<String, Value>,
}

impl Dialogue {
    /// The dialogue about a question at a node.
    #[must_use]
    pub fn new(kind: &QuestionKind, plan: &Plan, index: NodeIndex) -> Dialogue {
        let node = plan.node(index);
        let outputs = node.map(|node| {
            outputs::names(node)
                .into_iter()
                .map(str::to_owned)
                .collect()
        });
        let before: Vec<NodeIndex> = plan.rewind_choices(index);
        let name = |at: NodeIndex| plan.node(at).map(|node| (node.id.clone(), at));
        let plan_nodes: BTreeMap<String, NodeIndex> =
            before.iter().filter_map(|at| name(*at)).collect();
        let mut dialogue = Dialogue {
            kind: kind.clone(),
            stage: Stage::Word,
            outputs: outputs.unwrap_or_default(),
            before: before
                .into_iter()
                .filter_map(|at| name(at).map(|(id, _)| id))
                .collect(),
            plan_nodes,
            ticks: 0,
            answers: BTreeMap::new(),
            earlier: BTreeMap::new(),
        };
        dialogue.stage = dialogue.first();
        dialogue
    }

    /// Takes these answers as given, and with `all` the checklist as ticked: only what is left is asked.
    #[must_use]
    pub fn with(mut self, answers: BTreeMap<String, Value>, all: bool) -> Dialogue {
        self.answers = answers;
        if all {
            self.ticks = self.checklist().len();
        }
        self.stage = self.first();
        self
    }

    /// The answer, if nothing is left to be asked: for a question that was answered in full by [`Dialogue::with`].
    #[must_use]
    pub fn complete(&self) -> Option<Answer> {
        let manual = matches!(self.kind, QuestionKind::Manual { .. });
        let asks = !self.checklist().is_empty() || !self.asks().is_empty();
        (manual && asks && self.stage == Stage::Word).then(|| self.done())
    }

    /// Begins again after the run refused an answer; what was answered is offered again.
    pub fn again(&mut self) {
        self.earlier.append(&mut self.answers);
        self.ticks = 0;
        self.stage = self.first();
    }

    fn checklist(&self) -> &[piton_core::text::Text] {
        match &self.kind {
            QuestionKind::Manual { checklist, .. } => checklist,
            _ => &[],
        }
    }

    fn asks(&self) -> &[AskView] {
        match &self.kind {
            QuestionKind::Manual { asks, .. } => asks,
            _ => &[],
        }
    }

    /// The first thing that is not known yet.
    fn first(&self) -> Stage {
        if self.ticks < self.checklist().len() {
            return Stage::Tick(self.ticks);
        }
        let missing = |ask: &AskView| !self.answers.contains_key(&ask.name);
        match self.asks().iter().position(missing) {
            Some(at) => Stage::Ask(at),
            None => Stage::Word,
        }
    }

    fn done(&self) -> Answer {
        Answer::Done {
            answers: self.answers.clone(),
            ticked: u32::try_from(self.ticks).unwrap_or(u32::MAX),
        }
    }

    /// What is asked right now, in rows; empty where the question itself says it.
    #[must_use]
    pub fn rows(&self) -> Vec<String> {
        match &self.stage {
            Stage::Word => Vec::new(),
            Stage::Tick(at) => {
                let entry = self
                    .checklist()
                    .get(*at)
                    .map(|text| one_line(&text.shown()));
                let of = self.checklist().len();
                vec![format!("{} of {of}: {}", at + 1, entry.unwrap_or_default())]
            }
            Stage::Ask(at) => self
                .asks()
                .get(*at)
                .map(|ask| self.ask_rows(ask))
                .unwrap_or_default(),
            Stage::Output(outputs) => {
                let name = self.outputs.get(outputs.at).map_or("", String::as_str);
                vec![format!("{name}: the output that other nodes use")]
            }
            Stage::To => vec![format!("go back to: {}", self.before.join(", "))],
        }
    }

    fn ask_rows(&self, ask: &AskView) -> Vec<String> {
        let about = ask.help.as_deref().map(one_line);
        let mut head = match about {
            Some(help) => format!("{}: {help}", ask.name),
            None => ask.name.clone(),
        };
        if let Some(default) = self.default(ask) {
            head.push_str(&format!(" [{}]", one_line(&default.to_string())));
        }
        let mut rows = vec![head];
        let choices = ask.choices.as_deref().unwrap_or_default();
        let numbers = outputs::numbered(choices);
        let columns = choices.len().to_string().len();
        rows.extend(choices.iter().enumerate().map(|(at, (value, beside))| {
            let value = one_line(&value.to_string());
            // What tells choices apart is often in columns, so white space within it stays.
            let beside = clean(&beside.replace(['\n', '\r'], " "), false);
            let beside = Some(beside).filter(|beside| !beside.is_empty() && *beside != value);
            let row = match beside {
                // What stands beside a choice may begin with the choice itself.
                Some(beside) if beside.starts_with(&value) => beside,
                Some(beside) => format!("{value}  {beside}"),
                None => value,
            };
            if numbers {
                format!("  {:>columns$}  {row}", at + 1)
            } else {
                format!("  {row}")
            }
        }));
        rows
    }

    fn default<'a>(&'a self, ask: &'a AskView) -> Option<&'a Value> {
        self.earlier.get(&ask.name).or(ask.default.as_ref())
    }

    /// What can be typed right now, in a line.
    #[must_use]
    pub fn hint(&self) -> String {
        const ASIDE: &str = ":details, :quit (leaves it waiting)";
        match &self.stage {
            Stage::Word => match &self.kind {
                QuestionKind::Confirm { .. } => {
                    "type it to start the step; no, details, quit (leaves it waiting)".to_owned()
                }
                QuestionKind::Interrupted { .. } => {
                    format!("did it happen? {}", hint(words(&self.kind)))
                }
                kind => hint(words(kind)),
            },
            Stage::Tick(_) => {
                "is it done? yes, failed (it cannot be done), details, quit (leaves it waiting)"
                    .to_owned()
            }
            Stage::Ask(at) => {
                let Some(ask) = self.asks().get(*at) else {
                    return ASIDE.to_owned();
                };
                let what = match &ask.choices {
                    Some(choices) if outputs::numbered(choices) => {
                        "one of these, or its number".to_owned()
                    }
                    Some(_) => "one of these".to_owned(),
                    None => ask.kind.describe().to_owned(),
                };
                let must = ask
                    .validate
                    .as_ref()
                    .map(|text| format!(", with {}", one_line(text)));
                let enter = self
                    .default(ask)
                    .map_or("", |_| "; Enter takes the one in brackets");
                let must = must.unwrap_or_default();
                format!("{what}{must}{enter}; :failed (it cannot be done), {ASIDE}")
            }
            Stage::Output(outputs) => {
                let enter = if outputs.skip {
                    "; Enter leaves it out"
                } else {
                    ""
                };
                format!("a value in JSON, or else text{enter}; {ASIDE}")
            }
            Stage::To => format!("a node's name; {ASIDE}"),
        }
    }

    /// Takes a line that was typed.
    pub fn take(&mut self, text: &str) -> Said {
        let text = text.trim();
        let word = text.to_lowercase();
        let words_only = matches!(self.stage, Stage::Word | Stage::Tick(_));
        let confirmed =
            matches!(&self.kind, QuestionKind::Confirm { expected, .. } if expected == text);
        match word.strip_prefix(':').or(words_only.then_some(&word)) {
            _ if confirmed => {}
            Some("d" | "details") => return Said::Details,
            Some("q" | "quit") => return Said::Leave,
            Some("failed" | "f") if matches!(self.kind, QuestionKind::Manual { .. }) => {
                return Said::Answer(Answer::Failed);
            }
            _ => {}
        }
        match self.stage.clone() {
            Stage::Word => self.word(text),
            Stage::Tick(at) => match word.as_str() {
                "y" | "yes" | "done" => {
                    self.ticks = at + 1;
                    self.go_on()
                }
                "n" | "no" => Said::Unclear(
                    "do it first, or type `quit` to leave it open, `failed` if it cannot be done"
                        .to_owned(),
                ),
                _ => Said::Unclear("type yes once it is done".to_owned()),
            },
            Stage::Ask(at) => self.asked(at, text),
            Stage::Output(outputs) => self.output(outputs, text),
            Stage::To => self.back_to(text),
        }
    }

    /// What follows when one thing more is known.
    fn go_on(&mut self) -> Said {
        self.stage = self.first();
        match self.stage {
            Stage::Word => Said::Answer(self.done()),
            _ => Said::More,
        }
    }

    fn asked(&mut self, at: usize, text: &str) -> Said {
        let Some(ask) = self.asks().get(at).cloned() else {
            return self.go_on();
        };
        let value = match (text, self.default(&ask)) {
            ("", Some(default)) => default.clone(),
            _ => match outputs::answer(&ask, text) {
                Ok(value) => value,
                Err(why) => return Said::Unclear(why),
            },
        };
        self.answers.insert(ask.name, value);
        self.go_on()
    }

    fn word(&mut self, text: &str) -> Said {
        if let QuestionKind::Confirm { expected, .. } = &self.kind {
            return match text.to_lowercase().as_str() {
                _ if text == expected => Said::Answer(Answer::Confirm {
                    typed: text.to_owned(),
                }),
                "n" | "no" => Said::Answer(Answer::Reject),
                _ => Said::Unclear("that is not what it is about to change".to_owned()),
            };
        }
        let mut parts = text.splitn(2, char::is_whitespace);
        let (first, rest) = (
            parts.next().unwrap_or(""),
            parts.next().unwrap_or("").trim(),
        );
        let chosen = match choose(words(&self.kind), first) {
            Ok("rewind") => {
                self.stage = Stage::To;
                return if rest.is_empty() {
                    Said::More
                } else {
                    self.back_to(rest)
                };
            }
            Ok(_) if !rest.is_empty() => {
                return Said::Unclear("type one word".to_owned());
            }
            Ok(word) => word,
            Err(why) => return Said::Unclear(why),
        };
        self.chosen(chosen)
    }

    fn chosen(&mut self, word: &str) -> Said {
        let approving = matches!(self.kind, QuestionKind::Approve { .. });
        // On the way back `succeeded` only says that there is something to undo: no outputs are used any more.
        let back = matches!(self.kind, QuestionKind::Undo { .. });
        Said::Answer(match word {
            "yes" => Answer::Approve,
            "no" if approving => Answer::Reject,
            "no" | "did-not-happen" => Answer::DidNotHappen,
            "failed" => Answer::Failed,
            "done" => self.done(),
            "retry" => Answer::Retry,
            "rollback" => Answer::Rollback,
            "stop" => Answer::Stop,
            "undone-by-hand" => Answer::UndoneByHand,
            "abandon-undo" => Answer::AbandonUndo,
            "skip" | "succeeded" => {
                let outputs = Outputs {
                    at: 0,
                    given: BTreeMap::new(),
                    skip: word == "skip",
                };
                if back || self.outputs.is_empty() {
                    outputs.answer()
                } else {
                    self.stage = Stage::Output(outputs);
                    return Said::More;
                }
            }
            _ => return Said::Unclear("type one of the words below".to_owned()),
        })
    }

    fn output(&mut self, mut outputs: Outputs, text: &str) -> Said {
        let Some(name) = self.outputs.get(outputs.at) else {
            return Said::Answer(outputs.answer());
        };
        // A node that is skipped need not have outputs; one that is done has all of them.
        if !(outputs.skip && text.is_empty()) {
            match outputs::value(None, name, text) {
                Ok(value) => outputs.given.insert(name.clone(), value),
                Err(why) => return Said::Unclear(why),
            };
        }
        outputs.at += 1;
        if outputs.at < self.outputs.len() {
            self.stage = Stage::Output(outputs);
            return Said::More;
        }
        self.stage = Stage::Word;
        Said::Answer(outputs.answer())
    }

    fn back_to(&mut self, text: &str) -> Said {
        match self.plan_nodes.get(text) {
            Some(to) => {
                self.stage = Stage::Word;
                Said::Answer(Answer::Rewind { to: *to })
            }
            None => {
                let known: Vec<&str> = self.before.iter().map(String::as_str).collect();
                Said::Unclear(outputs::unknown(text, &known, "node before it"))
            }
        }
    }
}

impl Outputs {
    fn answer(&self) -> Answer {
        let outputs = self.given.clone();
        if self.skip {
            Answer::Skip { outputs }
        } else {
            Answer::Succeeded {
                outputs,
                evidence: None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;
    use piton_core::expr::Expression;
    use piton_core::plan::AnswerType;
    use piton_core::record::WhyAsk;
    use piton_core::text::Text;

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    fn manual(checklist: &[&str], asks: Vec<AskView>) -> QuestionKind {
        QuestionKind::Manual {
            instructions: None,
            checklist: checklist
                .iter()
                .map(|entry| Text::literal(*entry))
                .collect(),
            asks,
            by: vec![],
        }
    }

    fn ask(name: &str, default: Option<Value>) -> AskView {
        AskView {
            name: name.to_owned(),
            kind: AnswerType::String,
            help: None,
            choices: None,
            validate: None,
            default,
        }
    }

    fn about(kind: &QuestionKind) -> Dialogue {
        Dialogue::new(kind, &plan(&["a", "b", "c"]), NodeIndex(1))
    }

    fn failed() -> QuestionKind {
        QuestionKind::Failed {
            message: "exit code 1".to_owned(),
        }
    }

    #[test]
    fn a_task_is_ticked_and_asked_entry_by_entry() {
        let kind = manual(
            &["stop traffic", "tell them"],
            vec![ask("backup", Some(text("LATEST"))), ask("why", None)],
        );
        let mut dialogue = about(&kind);
        assert_eq!(dialogue.rows(), ["1 of 2: stop traffic"]);
        assert_eq!(dialogue.take("y"), Said::More);
        assert!(matches!(dialogue.take("n"), Said::Unclear(_)));
        assert_eq!(dialogue.take("yes"), Said::More);
        assert_eq!(dialogue.rows(), ["backup [LATEST]"]);
        assert_eq!(dialogue.take(""), Said::More);
        // At a question for text the usual words are text.
        let Said::Answer(Answer::Done { answers, ticked }) = dialogue.take("quit") else {
            panic!("an answer");
        };
        assert_eq!(ticked, 2);
        assert_eq!(answers["backup"], text("LATEST"));
        assert_eq!(answers["why"], text("quit"));
        dialogue.again();
        assert_eq!(dialogue.take("y"), Said::More);
        assert_eq!(dialogue.take("y"), Said::More);
        assert_eq!(dialogue.take(""), Said::More);
        assert_eq!(dialogue.rows(), ["why [quit]"]);
        assert_eq!(dialogue.take(":q"), Said::Leave);
        assert_eq!(dialogue.take(":failed"), Said::Answer(Answer::Failed));
    }

    #[test]
    fn what_is_given_is_not_asked() {
        let kind = manual(&["x"], vec![ask("a", None), ask("b", None)]);
        let given = |names: &[&str]| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), text("1")))
                .collect()
        };
        let dialogue = about(&kind).with(given(&["a"]), true);
        assert_eq!(dialogue.rows(), ["b"]);
        assert_eq!(dialogue.complete(), None);
        let dialogue = about(&kind).with(given(&["a", "b"]), true);
        assert!(matches!(
            dialogue.complete(),
            Some(Answer::Done { ticked: 1, .. })
        ));
        let only = manual(&[], vec![]);
        assert_eq!(
            about(&only).complete(),
            None,
            "that it is done is for a person to say"
        );
        assert!(matches!(
            about(&only).take("done"),
            Said::Answer(Answer::Done { .. })
        ));
    }

    #[test]
    fn choices_are_numbered_beside_what_tells_them_apart() {
        let mut one = ask("backup", None);
        one.choices = Some(vec![
            (text("b1"), "b1  Monday".to_owned()),
            (text("b2"), String::new()),
        ]);
        let mut dialogue = about(&manual(&[], vec![one]));
        assert_eq!(dialogue.rows(), ["backup", "  1  b1  Monday", "  2  b2"]);
        assert!(matches!(dialogue.take("3"), Said::Unclear(_)));
        assert!(
            matches!(dialogue.take("2"), Said::Answer(Answer::Done { answers, .. }) if answers["backup"] == text("b2"))
        );
    }

    #[test]
    fn a_failure_is_answered_by_a_word_and_where_to() {
        let mut dialogue = about(&failed());
        assert_eq!(dialogue.take("ret"), Said::Answer(Answer::Retry));
        assert_eq!(
            dialogue.take("rewind a"),
            Said::Answer(Answer::Rewind { to: NodeIndex(0) })
        );
        assert_eq!(dialogue.take("rewind"), Said::More);
        assert!(
            matches!(dialogue.take("c"), Said::Unclear(_)),
            "it comes after"
        );
        assert_eq!(
            dialogue.take("b"),
            Said::Answer(Answer::Rewind { to: NodeIndex(1) })
        );
        assert!(matches!(dialogue.take("sto"), Said::Unclear(_)));
        assert_eq!(dialogue.take("stop"), Said::Answer(Answer::Stop));
        assert_eq!(dialogue.take("q"), Said::Leave);
    }

    #[test]
    fn who_skips_a_node_gives_its_outputs() {
        let mut plan = plan(&["a"]);
        for name in ["rows", "size"] {
            plan.nodes[0]
                .outputs
                .insert(name.to_owned(), Expression::parse("1").unwrap());
        }
        let mut dialogue = Dialogue::new(&failed(), &plan, NodeIndex(0));
        assert_eq!(dialogue.take("skip"), Said::More);
        assert_eq!(dialogue.take(""), Said::More, "it may have none");
        let outputs = BTreeMap::from([("size".to_owned(), Value::Int(9))]);
        assert_eq!(dialogue.take("9"), Said::Answer(Answer::Skip { outputs }));
        assert_eq!(dialogue.take("skip"), Said::More);
        assert_eq!(dialogue.take("3"), Said::More);
        let outputs = BTreeMap::from([
            ("rows".to_owned(), Value::Int(3)),
            ("size".to_owned(), text("x")),
        ]);
        assert_eq!(dialogue.take("x"), Said::Answer(Answer::Skip { outputs }));
    }

    #[test]
    fn a_destructive_step_starts_only_when_its_target_is_typed() {
        let kind = QuestionKind::Confirm {
            expected: "no".to_owned(),
            target: None,
        };
        let typed = "no".to_owned();
        assert_eq!(
            about(&kind).take("no"),
            Said::Answer(Answer::Confirm { typed })
        );
        let kind = QuestionKind::Confirm {
            expected: "prod-db".to_owned(),
            target: None,
        };
        assert!(matches!(about(&kind).take("yes"), Said::Unclear(_)));
        assert!(matches!(about(&kind).take(""), Said::Unclear(_)));
        assert_eq!(about(&kind).take("no"), Said::Answer(Answer::Reject));
    }

    #[test]
    fn the_way_back_is_answered_in_whole_words() {
        let mut dialogue = about(&QuestionKind::Undo {
            why: WhyAsk::HalfDone,
        });
        assert!(matches!(dialogue.take("u"), Said::Unclear(_)));
        assert_eq!(
            dialogue.take("undone-by-hand"),
            Said::Answer(Answer::UndoneByHand)
        );
        assert_eq!(dialogue.take("d"), Said::Details);
        assert_eq!(dialogue.take("did"), Said::Answer(Answer::DidNotHappen));
        assert!(matches!(
            dialogue.take("succeeded"),
            Said::Answer(Answer::Succeeded { .. })
        ));
    }
}

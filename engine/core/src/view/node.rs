//! A node as it is shown, and what its own facts make of it.

use super::{AnswerView, AttemptView, ItemView, LockView, QuestionView, ResponseView};
use crate::id::{Actor, AttemptId, Purpose};
use crate::plan::{Node, NodeKind, Plan};
use crate::record::{
    AttemptResult, CheckResult, Fact, Inputs, OutcomeStatus, RenderedAction, SkipReason,
};
use crate::run::Produced;
use crate::time::Timestamp;
use crate::value::Value;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeStanding {
    /// It has not started in this pass.
    Pending,
    /// An attempt runs, or is about to.
    Running,
    /// It waits for a time, for something to become true, or for a lock.
    Waiting,
    /// It waits for its next try.
    Retrying,
    /// It waits for a person.
    Asking,
    /// Done, and well.
    Succeeded,
    /// Not done.
    Skipped,
    /// Failed for good.
    Failed,
    /// It was not decided: the run ended before, or went back to a node before it.
    Voided,
    /// Its undo runs, or waits for its next try.
    Undoing,
    /// What it did was taken back.
    Undone,
    /// Its undo failed.
    UndoFailed,
    /// What it did was not taken back, and will not be.
    Left,
}

impl NodeStanding {
    /// Whether something goes on that time or an attempt will move on.
    #[must_use]
    pub fn is_busy(self) -> bool {
        matches!(
            self,
            NodeStanding::Running
                | NodeStanding::Waiting
                | NodeStanding::Retrying
                | NodeStanding::Undoing
        )
    }
}

/// A node as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeView {
    /// Its name.
    pub id: String,
    /// Step or gate.
    pub kind: NodeKind,
    /// What people call it.
    pub title: Option<String>,
    /// Where it stands.
    pub state: NodeStanding,
    /// How it ended in this pass, also after it was taken back.
    pub settled: Option<NodeStanding>,
    /// Its pass.
    pub pass: u32,
    /// The names of the nodes it needs.
    pub needs: Vec<String>,
    /// Whether it runs however the run ends.
    pub finally: bool,
    /// When its first attempt of this pass started, or its question was opened.
    pub started: Option<Timestamp>,
    /// When it was done, skipped or failed.
    pub ended: Option<Timestamp>,
    /// What its action was given.
    pub inputs: Option<Inputs>,
    /// What its undo was given.
    pub undo_inputs: Option<Inputs>,
    /// Its attempts of all passes in order, those of its undo and its preparations too.
    pub attempts: Vec<AttemptView>,
    /// When it, or its undo, will be tried again.
    pub retry_at: Option<Timestamp>,
    /// When what it waits for is looked at again, or when its time to wait is over.
    pub wait_until: Option<Timestamp>,
    /// Its outputs.
    pub outputs: BTreeMap<String, Value>,
    /// What its checks found in the last attempt.
    pub checks: Vec<CheckResult>,
    /// Its items, if it is done for each of a list.
    pub items: Vec<ItemView>,
    /// Its locks.
    pub lock: Option<LockView>,
    /// What was there before, as its capture found it.
    pub captured: Option<Produced>,
    /// The fingerprint of what it changes, as it was last read; or why it could not be read.
    pub target: Option<Result<String, String>>,
    /// Why it failed, was skipped, is left, or is tried again; empty otherwise.
    pub message: String,
    /// Whether it was taken as done when the run began.
    pub assumed: bool,
    /// Who took it back by hand, if somebody did.
    pub undone_by: Option<Actor>,
    /// What was done about its failures, in all passes.
    pub responses: Vec<ResponseView>,
    /// Its last question of this pass.
    pub question: Option<QuestionView>,
    /// Its questions before that, of all passes.
    pub earlier_questions: Vec<QuestionView>,
    /// What became of its earlier passes.
    pub passes: Vec<PassView>,
    /// What it was before the question that is open was asked, where that is to come back.
    #[serde(skip)]
    pub(super) before: Option<NodeStanding>,
}

/// What became of a node's earlier pass. Its attempts are among those of the node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassView {
    /// Which.
    pub pass: u32,
    /// How it ended; `None` if it did not come so far.
    pub settled: Option<NodeStanding>,
    /// Where it stood when the next pass began.
    pub state: NodeStanding,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When it was done, skipped or failed.
    pub ended: Option<Timestamp>,
    /// Its outputs.
    pub outputs: BTreeMap<String, Value>,
    /// What its checks found.
    pub checks: Vec<CheckResult>,
    /// Its items.
    pub items: Vec<ItemView>,
    /// Why it failed or is left; empty otherwise.
    pub message: String,
}

impl NodeView {
    pub(super) fn new(plan: &Plan, node: &Node) -> NodeView {
        let needs = node.needs.iter().filter_map(|need| plan.node(*need));
        NodeView {
            id: node.id.clone(),
            kind: node.kind,
            title: node.title.clone(),
            state: NodeStanding::Pending,
            settled: None,
            pass: 1,
            needs: needs.map(|need| need.id.clone()).collect(),
            finally: node.finally,
            started: None,
            ended: None,
            inputs: None,
            undo_inputs: None,
            attempts: Vec::new(),
            retry_at: None,
            wait_until: None,
            outputs: BTreeMap::new(),
            checks: Vec::new(),
            items: Vec::new(),
            lock: None,
            captured: None,
            target: None,
            message: String::new(),
            assumed: false,
            undone_by: None,
            responses: Vec::new(),
            question: None,
            earlier_questions: Vec::new(),
            passes: Vec::new(),
            before: None,
        }
    }

    /// The same node as an edited plan has it.
    pub(super) fn redefine(&mut self, plan: &Plan, node: &Node) {
        let needs = node.needs.iter().filter_map(|need| plan.node(*need));
        self.kind = node.kind;
        self.title.clone_from(&node.title);
        self.needs = needs.map(|need| need.id.clone()).collect();
        self.finally = node.finally;
    }

    /// The attempts of the present pass at the action itself.
    pub fn tries(&self) -> impl Iterator<Item = &AttemptView> {
        self.attempts
            .iter()
            .filter(|attempt| attempt.pass == self.pass && attempt.purpose == Purpose::Do)
    }

    /// The last attempt that runs.
    #[must_use]
    pub fn running(&self) -> Option<&AttemptView> {
        let mut attempts = self.attempts.iter().rev();
        attempts.find(|attempt| attempt.status.is_none())
    }

    /// How many of its items are done, and how many there are; none if it has no items.
    #[must_use]
    pub fn items_done(&self) -> Option<(usize, usize)> {
        let done = self.items.iter().filter(|item| item.done.is_some()).count();
        (!self.items.is_empty()).then_some((done, self.items.len()))
    }

    fn last_answer(&self) -> Option<&AnswerView> {
        self.question.as_ref()?.answers.last()
    }

    /// Changes where it stands, with what belongs to that.
    pub(super) fn stand(&mut self, standing: NodeStanding) {
        self.state = standing;
        self.retry_at = None;
        self.wait_until = None;
        match standing {
            NodeStanding::Succeeded
            | NodeStanding::Skipped
            | NodeStanding::Failed
            | NodeStanding::Voided => self.settled = Some(standing),
            NodeStanding::Pending
            | NodeStanding::Running
            | NodeStanding::Waiting
            | NodeStanding::Retrying => {
                self.settled = None;
                self.ended = None;
            }
            NodeStanding::Asking
            | NodeStanding::Undoing
            | NodeStanding::Undone
            | NodeStanding::UndoFailed
            | NodeStanding::Left => {}
        }
    }

    /// Ends the present pass and begins the next one.
    pub(super) fn next_pass(&mut self) {
        self.passes.push(PassView {
            pass: self.pass,
            settled: self.settled.take(),
            state: self.state,
            started: self.started.take(),
            ended: self.ended.take(),
            outputs: std::mem::take(&mut self.outputs),
            checks: std::mem::take(&mut self.checks),
            items: std::mem::take(&mut self.items),
            message: std::mem::take(&mut self.message),
        });
        self.pass += 1;
        self.inputs = None;
        self.undo_inputs = None;
        self.lock = None;
        self.captured = None;
        self.target = None;
        self.assumed = false;
        self.undone_by = None;
        self.before = None;
        self.earlier_questions.extend(self.question.take());
        self.stand(NodeStanding::Pending);
    }

    pub(super) fn fold(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::NodeStarted { pass, inputs, .. } => self.begin(*pass, inputs),
            Fact::NodeSkipped {
                reason, outputs, ..
            } => {
                self.message = match reason {
                    SkipReason::When => "its `when` was false".to_owned(),
                    SkipReason::Call => "the call that it is part of was skipped".to_owned(),
                    SkipReason::Decided => match self.last_answer() {
                        Some(answer) => format!("skipped by {}", answer.by),
                        None => "somebody decided to skip it".to_owned(),
                    },
                };
                self.outputs.clone_from(outputs);
            }
            Fact::AttemptStarted {
                attempt,
                deadline,
                item,
            } => self.started(*attempt, *deadline, *item, at),
            Fact::AttemptEnded { attempt, result } => self.attempted(*attempt, result, at),
            Fact::LateResult { attempt, result } => {
                if let Some(view) = self.attempt(*attempt) {
                    view.late = Some(result.status);
                }
            }
            Fact::AttemptElsewhere { attempt, host, .. } => {
                if let Some(view) = self.attempt(*attempt) {
                    view.elsewhere = Some(host.clone());
                }
            }
            Fact::AttemptReached { attempt } => {
                if let Some(view) = self.attempt(*attempt) {
                    view.elsewhere = None;
                }
            }
            Fact::StopRequested { attempt, .. } => {
                if let Some(view) = self.attempt(*attempt) {
                    view.stopping = true;
                }
            }
            Fact::RetryScheduled { at, .. } | Fact::UndoRetryScheduled { at, .. } => {
                self.retry_at = Some(*at);
            }
            Fact::LookScheduled { at, .. } => self.wait_until = Some(*at),
            Fact::NodeSucceeded { outputs, .. } => {
                self.outputs.clone_from(outputs);
                self.message.clear();
            }
            Fact::NodeAssumed { outputs, .. } => {
                self.outputs.clone_from(outputs);
                self.assumed = true;
            }
            Fact::NodeFailed { message, .. } | Fact::UndoFailed { message, .. } => {
                self.message.clone_from(message);
            }
            Fact::ItemDone { item, outputs, .. } => {
                if let Some(item) = self.items.get_mut(*item as usize) {
                    item.done = Some(at);
                    item.outputs.clone_from(outputs);
                }
            }
            Fact::ItemUndone { item, .. } => {
                if let Some(item) = self.items.get_mut(*item as usize) {
                    item.undone = Some(at);
                }
            }
            Fact::UndoStarted { inputs, .. } => self.undo_inputs = Some(inputs.clone()),
            Fact::NodeUndone { by, .. } => {
                self.undone_by.clone_from(by);
                self.message.clear();
            }
            _ => {}
        }
    }

    fn begin(&mut self, pass: u32, inputs: &Inputs) {
        self.pass = pass;
        match &inputs.action {
            RenderedAction::Each(items) => {
                let items = items.iter().map(|item| ItemView {
                    key: item.key.clone(),
                    done: None,
                    outputs: BTreeMap::new(),
                    undone: None,
                });
                self.items = items.collect();
            }
            RenderedAction::Wait { until } => self.wait_until = Some(*until),
            _ => {}
        }
        self.inputs = Some(inputs.clone());
    }

    fn started(
        &mut self,
        attempt: AttemptId,
        deadline: Option<Timestamp>,
        item: Option<u32>,
        at: Timestamp,
    ) {
        if !attempt.purpose.is_back() {
            self.started.get_or_insert(at);
        }
        self.attempts.push(AttemptView {
            id: attempt.to_string(),
            pass: attempt.pass,
            purpose: attempt.purpose,
            item,
            started: at,
            ended: None,
            deadline,
            status: None,
            message: String::new(),
            exit_code: None,
            met: None,
            evidence: Vec::new(),
            stopping: false,
            elsewhere: None,
            late: None,
        });
    }

    fn attempted(&mut self, id: AttemptId, result: &AttemptResult, at: Timestamp) {
        match id.purpose {
            Purpose::Do => {
                if !result.checks.is_empty() {
                    self.checks.clone_from(&result.checks);
                }
                self.message.clone_from(&result.message);
            }
            Purpose::Capture if result.status == OutcomeStatus::Succeeded => {
                self.captured = result.produced.as_deref().cloned();
            }
            Purpose::Recheck => self.target = Some(fingerprint(result)),
            Purpose::Target(place) if place == id.node.0 => {
                self.target = Some(fingerprint(result));
            }
            _ if !result.message.is_empty() => self.message.clone_from(&result.message),
            _ => {}
        }
        if let Some(view) = self.attempt(id) {
            view.ended = Some(at);
            view.status = Some(result.status);
            view.message.clone_from(&result.message);
            view.exit_code = result.exit_code;
            view.met = result.met;
            view.evidence.clone_from(&result.evidence);
        }
    }

    /// The attempt of this id; the last one, as a rule.
    fn attempt(&mut self, id: AttemptId) -> Option<&mut AttemptView> {
        let id = id.to_string();
        self.attempts
            .iter_mut()
            .rev()
            .find(|attempt| attempt.id == id)
    }
}

/// What a target's fingerprint is by what its attempt produced: the first column of the first row, or what it
/// printed or was answered.
fn fingerprint(result: &AttemptResult) -> Result<String, String> {
    if result.status != OutcomeStatus::Succeeded {
        return Err(result.message.clone());
    }
    let produced = result.produced.as_deref();
    let first = produced.and_then(|produced| produced.first.as_ref());
    let printed = produced.and_then(|produced| produced.stdout.as_deref());
    Ok(match (first, printed) {
        (Some(Value::String(text)), _) => text.clone(),
        (Some(value), _) => value.to_json().to_string(),
        (None, Some(text)) => text.trim_end().to_owned(),
        (None, None) => produced
            .and_then(|produced| produced.response.as_ref())
            .map(|response| answered(&response.body))
            .unwrap_or_default(),
    })
}

/// What a server answered: JSON in its short form, a text in it without quotes.
fn answered(body: &str) -> String {
    match serde_json::from_str(body) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(json) => json.to_string(),
        Err(_) => body.trim_end().to_owned(),
    }
}

//! What people are shown of a run: a fold of its records, and of nothing else.
//!
//! [`RunView::of`] is what `show` and `--json` print; a live display keeps a [`RunView`] and gives it each record as
//! it comes. The machine's own state is not used: what is shown is what was written down.

use crate::id::{Actor, AttemptId, RunId};
use crate::plan::{NodeIndex, NodeKind, Plan, Response};
use crate::record::{
    Answer, CheckResult, Fact, Inputs, OutcomeStatus, Question, QuestionKind, Record, RecordError,
    RunOutcome, SkipReason, Start,
};
use crate::run::{Head, RunState};
use crate::time::Timestamp;
use crate::value::Value;
use serde::Serialize;
use std::collections::BTreeMap;

/// A run as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunView {
    /// Its id; empty before the first record.
    pub id: String,
    /// The runbook's name.
    pub runbook: String,
    /// What people call it.
    pub title: Option<String>,
    /// Where it stands.
    pub state: RunState,
    /// How it ended.
    pub outcome: Option<RunOutcome>,
    /// When it was created.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Who started it.
    pub starter: Option<Actor>,
    /// Where it was started: directories and file.
    pub start: Option<Start>,
    /// Its nodes in reading order.
    pub nodes: Vec<NodeView>,
    /// The open questions, in the order in which they were opened.
    pub questions: Vec<QuestionView>,
    /// Who cancelled it.
    pub cancel: Option<CancelView>,
    /// The last record.
    pub head: Head,
    #[serde(skip)]
    busy: usize,
}

/// That somebody cancelled the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CancelView {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeStanding {
    /// It has not started.
    Pending,
    /// An attempt runs, or is about to.
    Running,
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
    /// The run ended before it was decided.
    Voided,
}

impl NodeStanding {
    /// Whether something goes on that time or an attempt will move on.
    fn is_busy(self) -> bool {
        matches!(self, NodeStanding::Running | NodeStanding::Retrying)
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
    /// Its pass.
    pub pass: u32,
    /// The names of the nodes it needs.
    pub needs: Vec<String>,
    /// When its first attempt started, or its question was opened.
    pub started: Option<Timestamp>,
    /// When it was done, skipped or failed.
    pub ended: Option<Timestamp>,
    /// What its action was given.
    pub inputs: Option<Inputs>,
    /// Its attempts in order.
    pub attempts: Vec<AttemptView>,
    /// When it will be tried again.
    pub retry_at: Option<Timestamp>,
    /// Its outputs.
    pub outputs: BTreeMap<String, Value>,
    /// What its checks found in the last attempt.
    pub checks: Vec<CheckResult>,
    /// Why it failed, was skipped, or is tried again; empty otherwise.
    pub message: String,
    /// What was done about its failure.
    pub response: Option<Response>,
    /// Its last question.
    pub question: Option<QuestionView>,
}

/// An attempt as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttemptView {
    /// Its id: the name of its log.
    pub id: String,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When its time is up.
    pub deadline: Option<Timestamp>,
    /// How it ended; `None` while it runs.
    pub status: Option<OutcomeStatus>,
    /// Why, for people.
    pub message: String,
    /// The exit code of a process.
    pub exit_code: Option<i64>,
    /// Whether it was told to stop.
    pub stopping: bool,
    /// What was heard of it after it was taken for ended.
    pub late: Option<OutcomeStatus>,
}

/// A question as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuestionView {
    /// The node's name.
    pub node: String,
    /// The node's place in the plan, as an answer names it.
    pub index: NodeIndex,
    /// The question.
    #[serde(flatten)]
    pub kind: QuestionKind,
    /// The digest that an answer has to name.
    pub shown: crate::digest::Digest,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it expires.
    pub expires: Option<Timestamp>,
    /// The answers that counted.
    pub answers: Vec<AnswerView>,
    /// How it was closed without an answer.
    pub closed: Option<String>,
}

/// An answer as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnswerView {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// What.
    pub answer: Answer,
    /// What they said about it.
    pub note: Option<String>,
}

impl RunView {
    /// The view of a run of this plan before its first record.
    #[must_use]
    pub fn new(plan: &Plan) -> RunView {
        let name = |index: &NodeIndex| plan.node(*index).map(|node| node.id.clone());
        let nodes = plan.nodes.iter().map(|node| NodeView {
            id: node.id.clone(),
            kind: node.kind,
            title: node.title.clone(),
            state: NodeStanding::Pending,
            pass: 1,
            needs: node.needs.iter().filter_map(name).collect(),
            started: None,
            ended: None,
            inputs: None,
            attempts: Vec::new(),
            retry_at: None,
            outputs: BTreeMap::new(),
            checks: Vec::new(),
            message: String::new(),
            response: None,
            question: None,
        });
        RunView {
            id: String::new(),
            runbook: plan.runbook.clone(),
            title: plan.title.clone(),
            state: RunState::Running,
            outcome: None,
            started: None,
            ended: None,
            starter: None,
            start: None,
            nodes: nodes.collect(),
            questions: Vec::new(),
            cancel: None,
            head: Head::EMPTY,
            busy: 0,
        }
    }

    /// The view that these records make.
    ///
    /// # Errors
    /// When a record cannot be read. The hash chain is not checked here; loading the run does that.
    pub fn of(
        plan: &Plan,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<RunView, RecordError> {
        let mut view = RunView::new(plan);
        for record in records {
            view.apply(&record)?;
        }
        Ok(view)
    }

    /// Takes in the next record, and gives its fact back for those who also want to print it.
    ///
    /// # Errors
    /// When the record cannot be read; the view is unchanged then.
    pub fn apply(&mut self, record: &Record) -> Result<Fact, RecordError> {
        let fact = record.fact()?;
        self.fold(&fact, record.at);
        self.head = Head {
            seq: record.seq,
            hash: record.hash,
        };
        self.state = match self.outcome {
            Some(outcome) => outcome.into(),
            None if self.busy == 0 && !self.questions.is_empty() => RunState::Waiting,
            None => RunState::Running,
        };
        Ok(fact)
    }

    fn fold(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::RunCreated {
                run: RunId(id),
                runbook,
                start,
                ..
            } => {
                self.id.clone_from(id);
                self.runbook.clone_from(runbook);
                self.starter = Some(start.by.clone());
                self.start = Some(start.clone());
                self.started = Some(at);
            }
            Fact::CancelRequested { by, reason } => {
                self.cancel = Some(CancelView {
                    by: by.clone(),
                    at,
                    reason: reason.clone(),
                });
            }
            Fact::RunEnded { outcome } => {
                self.outcome = Some(*outcome);
                self.ended = Some(at);
            }
            Fact::QuestionOpened { question } => self.opened(question, at),
            Fact::Answered {
                node,
                by,
                answer,
                note,
                ..
            } => {
                let answer = AnswerView {
                    by: by.clone(),
                    at,
                    answer: answer.clone(),
                    note: note.clone(),
                };
                self.answered(*node, answer);
            }
            Fact::QuestionExpired { node, .. } => self.close(*node, "nobody answered in time"),
            Fact::QuestionVoided { node, reason, .. } => {
                self.close(*node, reason);
                self.stand(*node, NodeStanding::Voided);
            }
            Fact::AttemptStarted { attempt, .. } => {
                self.stand(attempt.node, NodeStanding::Running);
                self.fold_node(attempt.node, fact, at);
            }
            Fact::AttemptEnded { attempt, .. }
            | Fact::LateResult { attempt, .. }
            | Fact::StopRequested { attempt, .. } => self.fold_node(attempt.node, fact, at),
            Fact::RetryScheduled { node, .. } => {
                self.stand(*node, NodeStanding::Retrying);
                self.fold_node(*node, fact, at);
            }
            Fact::NodeStarted { node, .. } => {
                self.stand(*node, NodeStanding::Running);
                self.fold_node(*node, fact, at);
            }
            Fact::NodeSkipped { node, .. } => self.finish(*node, NodeStanding::Skipped, fact, at),
            Fact::NodeSucceeded { node, .. } => {
                self.finish(*node, NodeStanding::Succeeded, fact, at)
            }
            Fact::NodeFailed { node, .. } => self.finish(*node, NodeStanding::Failed, fact, at),
        }
    }

    fn finish(&mut self, index: NodeIndex, standing: NodeStanding, fact: &Fact, at: Timestamp) {
        self.stand(index, standing);
        self.fold_node(index, fact, at);
        if let Some(node) = self.nodes.get_mut(index.index()) {
            node.ended = Some(at);
        }
    }

    fn fold_node(&mut self, index: NodeIndex, fact: &Fact, at: Timestamp) {
        if let Some(node) = self.nodes.get_mut(index.index()) {
            node.fold(fact, at);
        }
    }

    fn stand(&mut self, index: NodeIndex, standing: NodeStanding) {
        let Some(node) = self.nodes.get_mut(index.index()) else {
            return;
        };
        self.busy -= usize::from(node.state.is_busy());
        self.busy += usize::from(standing.is_busy());
        node.state = standing;
        node.retry_at = None;
    }

    fn opened(&mut self, question: &Question, at: Timestamp) {
        self.stand(question.node, NodeStanding::Asking);
        let Some(node) = self.nodes.get_mut(question.node.index()) else {
            return;
        };
        let view = QuestionView {
            node: node.id.clone(),
            index: question.node,
            kind: question.kind.clone(),
            shown: question.shown,
            opened: at,
            expires: question.expires,
            answers: Vec::new(),
            closed: None,
        };
        node.started.get_or_insert(at);
        node.question = Some(view.clone());
        self.questions.push(view);
    }

    fn answered(&mut self, index: NodeIndex, answer: AnswerView) {
        let Some(node) = self.nodes.get_mut(index.index()) else {
            return;
        };
        let Some(question) = &mut node.question else {
            return;
        };
        let goes_on = answer.answer == Answer::DidNotHappen;
        let approves = answer.answer == Answer::Approve;
        question.answers.push(answer);
        let wanted = match &question.kind {
            QuestionKind::Approve(approve) => approve.count.max(1) as usize,
            QuestionKind::Interrupted { .. } => 1,
        };
        if approves && question.answers.len() < wanted {
            let question = question.clone();
            if let Some(open) = self.questions.iter_mut().find(|open| open.index == index) {
                *open = question;
            }
            return;
        }
        self.questions.retain(|open| open.index != index);
        if goes_on {
            self.stand(index, NodeStanding::Running);
        }
    }

    fn close(&mut self, index: NodeIndex, how: &str) {
        self.questions.retain(|open| open.index != index);
        if let Some(question) = self
            .nodes
            .get_mut(index.index())
            .and_then(|node| node.question.as_mut())
        {
            question.closed = Some(how.to_owned());
        }
    }
}

impl NodeView {
    fn fold(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::NodeStarted { pass, inputs, .. } => {
                self.pass = *pass;
                self.inputs = Some(inputs.clone());
            }
            Fact::NodeSkipped {
                reason: SkipReason::When,
                ..
            } => {
                self.message = "its `when` was false".to_owned();
            }
            Fact::AttemptStarted { attempt, deadline } => {
                self.started.get_or_insert(at);
                self.attempts.push(AttemptView {
                    id: attempt.to_string(),
                    started: at,
                    ended: None,
                    deadline: *deadline,
                    status: None,
                    message: String::new(),
                    exit_code: None,
                    stopping: false,
                    late: None,
                });
            }
            Fact::AttemptEnded { attempt, result } => {
                if !result.checks.is_empty() {
                    self.checks.clone_from(&result.checks);
                }
                self.message.clone_from(&result.message);
                if let Some(view) = self.attempt(*attempt) {
                    view.ended = Some(at);
                    view.status = Some(result.status);
                    view.message.clone_from(&result.message);
                    view.exit_code = result.exit_code;
                }
            }
            Fact::LateResult { attempt, result } => {
                if let Some(view) = self.attempt(*attempt) {
                    view.late = Some(result.status);
                }
            }
            Fact::StopRequested { attempt, .. } => {
                if let Some(view) = self.attempt(*attempt) {
                    view.stopping = true;
                }
            }
            Fact::RetryScheduled { at, .. } => self.retry_at = Some(*at),
            Fact::NodeSucceeded { outputs, .. } => {
                self.outputs.clone_from(outputs);
                self.message.clear();
            }
            Fact::NodeFailed {
                message, response, ..
            } => {
                self.message.clone_from(message);
                self.response = Some(*response);
            }
            _ => {}
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

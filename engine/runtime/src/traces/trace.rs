//! What records say, as spans: the run, each pass of a node, each undo, each attempt.

use super::ids;
use piton_core::id::{AttemptId, RunId};
use piton_core::plan::{NodeIndex, NodeKind, Plan};
use piton_core::record::{AttemptResult, Fact, OutcomeStatus, Record, RunOutcome};
use piton_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many events of a span are sent at most: the first ones.
const EVENTS: usize = 128;

/// A piece of work that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its id.
    pub id: String,
    /// The span that it is part of.
    pub parent: Option<String>,
    /// What people call it.
    pub name: String,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Value)>,
    /// What happened meanwhile.
    pub events: Vec<Happened>,
    /// How it ended.
    pub status: Status,
}

/// Something that happened in a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: &'static str,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Value)>,
}

/// How a span ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Neither well nor badly: it was told to end, say.
    Unset,
    /// Well.
    Well,
    /// Badly, and why.
    Failed(String),
}

/// What a span is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Run,
    Node(NodeIndex, u32),
    Undo(NodeIndex, u32),
    Attempt(AttemptId),
}

/// A span that is not over. A node that failed may be tried again, or end so.
#[derive(Clone, Debug)]
struct Open {
    span: Span,
    attempts: u64,
    failed: Option<(Timestamp, String)>,
}

/// The trace of a run, as far as its records were read.
#[derive(Debug)]
pub struct Trace {
    run: RunId,
    plan: Arc<Plan>,
    open: BTreeMap<Of, Open>,
    /// Spans that are over, in the order in which they ended.
    pub over: Vec<Span>,
}

impl Trace {
    /// Of a run with this plan, before its first record.
    pub fn new(run: RunId, plan: Arc<Plan>) -> Trace {
        Trace {
            run,
            plan,
            open: BTreeMap::new(),
            over: Vec::new(),
        }
    }

    /// Takes in the next record. One that cannot be read is passed over: other spans are worth having without it.
    pub fn take(&mut self, record: &Record) {
        let at = record.at;
        match record.fact() {
            Ok(fact) => self.fold(&fact, at),
            Err(error) => tracing::debug!(%error, "a record is not traced"),
        }
    }

    fn fold(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::RunCreated { runbook, start, .. } => {
                let by = ("piton.started_by", start.by.to_string().into());
                let runbook_name = ("piton.runbook", runbook.as_str().into());
                self.begin(Of::Run, runbook.clone(), at, vec![runbook_name, by]);
            }
            Fact::RunEnded { outcome, .. } => self.run_ended(*outcome, at),
            Fact::CancelRequested { by, rollback, .. } => {
                let rollback = ("piton.rollback", (*rollback).into());
                self.happened(Of::Run, at, "cancelled", vec![said_by(by), rollback]);
            }
            Fact::CancelRefused { by, .. } => {
                self.happened(Of::Run, at, "cancel refused", vec![said_by(by)]);
            }
            Fact::Replanned { plan, by, .. } => {
                if let Ok(plan) = Plan::from_json(plan) {
                    self.plan = Arc::new(plan);
                }
                self.happened(
                    Of::Run,
                    at,
                    "took over an edited runbook",
                    vec![said_by(by)],
                );
            }
            Fact::FinallyBegan { .. } => self.happened(Of::Run, at, "finally", Vec::new()),
            Fact::Rewound { nodes, .. } => nodes.iter().for_each(|node| self.settle(*node, at)),
            Fact::AttemptStarted { .. }
            | Fact::AttemptEnded { .. }
            | Fact::AttemptElsewhere { .. }
            | Fact::AttemptReached { .. }
            | Fact::StopRequested { .. } => self.fold_attempt(fact, at),
            Fact::UndoStarted { .. }
            | Fact::NodeUndone { .. }
            | Fact::UndoLeft { .. }
            | Fact::UndoFailed { .. }
            | Fact::UndoRetryScheduled { .. } => self.fold_undo(fact, at),
            fact => self.fold_node(fact, at),
        }
    }

    fn fold_attempt(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::AttemptStarted { attempt, item, .. } => self.attempt_started(*attempt, *item, at),
            Fact::AttemptEnded { attempt, result } => self.attempt_ended(*attempt, result, at),
            Fact::AttemptElsewhere { attempt, host, .. } => {
                let host = vec![("host.name", host.as_str().into())];
                self.happened(Of::Attempt(*attempt), at, "out of reach", host);
            }
            Fact::AttemptReached { attempt } => {
                self.happened(Of::Attempt(*attempt), at, "within reach", Vec::new());
            }
            Fact::StopRequested { attempt, reason } => {
                let why = vec![("piton.reason", word(reason).into())];
                self.happened(Of::Attempt(*attempt), at, "told to end", why);
            }
            _ => {}
        }
    }

    fn fold_node(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::NodeStarted { node, pass, .. } => self.node_started(*node, *pass, at),
            Fact::NodeSkipped {
                node, pass, reason, ..
            } => {
                let of = self.node(*node, *pass, at);
                self.note(of, ("piton.skipped", word(reason).into()));
                self.end(of, at, "skipped", Status::Unset);
            }
            Fact::NodeAssumed { node, .. } => {
                let of = self.node(*node, 1, at);
                self.end(of, at, "assumed", Status::Unset);
            }
            Fact::NodeSucceeded { node, pass, .. } => {
                self.end(Of::Node(*node, *pass), at, "succeeded", Status::Well);
            }
            Fact::NodeFailed {
                node,
                pass,
                message,
            } => {
                self.failed(Of::Node(*node, *pass), at, message);
            }
            Fact::NodeReopened { node, pass } => self.reopened(Of::Node(*node, *pass), at),
            Fact::RetryScheduled {
                node, pass, after, ..
            } => {
                let after = vec![("piton.attempt", after.to_string().into())];
                self.happened(Of::Node(*node, *pass), at, "retry", after);
            }
            Fact::ResponseTaken {
                node,
                pass,
                response,
                by,
                ..
            } => {
                let mut known = vec![("piton.response", word(response).into())];
                known.extend(by.as_ref().map(said_by));
                self.happened(Of::Node(*node, *pass), at, "response", known);
            }
            Fact::QuestionOpened { question } => {
                let kind = vec![("piton.question", word(&question.kind).into())];
                self.asked(question.node, question.pass, at, "question", kind);
            }
            Fact::Answered {
                node,
                pass,
                by,
                answer,
                ..
            } => {
                let known = vec![("piton.answer", word(answer).into()), said_by(by)];
                self.asked(*node, *pass, at, "answer", known);
            }
            Fact::QuestionExpired { node, pass } => {
                self.asked(*node, *pass, at, "question expired", Vec::new());
            }
            Fact::QuestionVoided { node, pass, .. } => {
                self.asked(*node, *pass, at, "question voided", Vec::new());
            }
            Fact::Paged { node, pass, page } => {
                let level = vec![("piton.level", page.level.into())];
                self.asked(*node, *pass, at, "page", level);
            }
            Fact::Acknowledged { node, pass, by, .. } => {
                self.asked(*node, *pass, at, "acknowledged", vec![said_by(by)]);
            }
            Fact::Taken { node, pass, by, .. } => {
                self.asked(*node, *pass, at, "taken", vec![said_by(by)]);
            }
            _ => {}
        }
    }

    fn fold_undo(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::UndoStarted { node, pass, .. } => {
                let of = Of::Undo(*node, *pass);
                let name = format!("undo {}", self.name(*node));
                let known = self.about(*node, *pass);
                self.begin(of, name, at, known);
                self.reopened(of, at);
            }
            Fact::NodeUndone { node, pass, by } => {
                let of = Of::Undo(*node, *pass);
                if let Some(by) = by {
                    self.note(of, said_by(by));
                }
                self.end(of, at, "undone", Status::Well);
            }
            Fact::UndoLeft { left } => {
                let why = Status::Failed(left.why.clone());
                self.end(Of::Undo(left.node, left.pass), at, "left", why);
            }
            Fact::UndoFailed {
                node,
                pass,
                message,
            } => {
                self.failed(Of::Undo(*node, *pass), at, message);
            }
            Fact::UndoRetryScheduled { node, pass, .. } => {
                self.happened(Of::Undo(*node, *pass), at, "retry", Vec::new());
            }
            _ => {}
        }
    }

    fn node_started(&mut self, node: NodeIndex, pass: u32, at: Timestamp) {
        let of = self.node(node, pass, at);
        let kind = self.plan.node(node).map(|node| node.kind);
        let kind = match kind {
            Some(NodeKind::Gate) => "gate",
            _ => "step",
        };
        self.note(of, ("piton.kind", kind.into()));
    }

    /// The span of a node's pass, which begins now if it has not begun.
    fn node(&mut self, node: NodeIndex, pass: u32, at: Timestamp) -> Of {
        let of = Of::Node(node, pass);
        let (name, known) = (self.name(node), self.about(node, pass));
        self.begin(of, name, at, known);
        of
    }

    fn about(&self, node: NodeIndex, pass: u32) -> Vec<(&'static str, Value)> {
        vec![
            ("piton.node", self.name(node).into()),
            ("piton.pass", pass.into()),
        ]
    }

    fn attempt_started(&mut self, attempt: AttemptId, item: Option<u32>, at: Timestamp) {
        let mut known = self.about(attempt.node, attempt.pass);
        known.push(("piton.attempt", attempt.to_string().into()));
        known.push(("piton.purpose", word(&attempt.purpose).into()));
        known.push(("piton.number", attempt.number.into()));
        known.extend(item.map(|item| ("piton.item", item.into())));
        let name = format!("{} {attempt}", self.name(attempt.node));
        self.begin(Of::Attempt(attempt), name, at, known);
        if let Some(open) = self.open.get_mut(&owner(attempt)) {
            open.attempts += 1;
        }
    }

    fn attempt_ended(&mut self, attempt: AttemptId, result: &AttemptResult, at: Timestamp) {
        let of = Of::Attempt(attempt);
        if let Some(code) = result.exit_code {
            self.note(of, ("process.exit.code", code.into()));
        }
        let status = match result.status {
            OutcomeStatus::Succeeded => Status::Well,
            OutcomeStatus::Stopped | OutcomeStatus::NotStarted => Status::Unset,
            OutcomeStatus::Failed | OutcomeStatus::TimedOut | OutcomeStatus::Unknown => {
                Status::Failed(result.message.clone())
            }
        };
        self.end(of, at, &word(&result.status), status);
    }

    fn run_ended(&mut self, outcome: RunOutcome, at: Timestamp) {
        let open: Vec<Of> = self.open.keys().copied().collect();
        for of in open.into_iter().filter(|of| *of != Of::Run) {
            self.close(of, at);
        }
        let status = match outcome {
            RunOutcome::Succeeded => Status::Well,
            RunOutcome::Cancelled => Status::Unset,
            RunOutcome::Failed | RunOutcome::RolledBack | RunOutcome::PartlyRolledBack => {
                Status::Failed(word(&outcome))
            }
        };
        self.end(Of::Run, at, &word(&outcome), status);
    }

    /// What is open of a node ends as it stands: the node begins anew.
    fn settle(&mut self, node: NodeIndex, at: Timestamp) {
        let of_it = |of: &&Of| match of {
            Of::Run => false,
            Of::Node(index, _) | Of::Undo(index, _) => *index == node,
            Of::Attempt(attempt) => attempt.node == node,
        };
        let open: Vec<Of> = self.open.keys().filter(of_it).copied().collect();
        open.into_iter().for_each(|of| self.close(of, at));
    }

    /// Ends a span as it stands.
    fn close(&mut self, of: Of, at: Timestamp) {
        let failed = self.open.get_mut(&of).and_then(|open| open.failed.take());
        match failed {
            Some((since, why)) => self.end(of, since, "failed", Status::Failed(why)),
            None => self.end(of, at, "not finished", Status::Unset),
        }
    }

    fn begin(&mut self, of: Of, name: String, at: Timestamp, known: Vec<(&'static str, Value)>) {
        if self.open.contains_key(&of) {
            return;
        }
        let mut attributes = vec![("piton.run", self.run.to_string().into())];
        attributes.extend(known);
        let span = Span {
            id: self.id(of),
            parent: self.parent(of),
            name,
            start: at,
            end: at,
            attributes,
            events: Vec::new(),
            status: Status::Unset,
        };
        let open = Open {
            span,
            attempts: 0,
            failed: None,
        };
        self.open.insert(of, open);
    }

    fn end(&mut self, of: Of, at: Timestamp, outcome: &str, status: Status) {
        let Some(mut open) = self.open.remove(&of) else {
            return;
        };
        let span = &mut open.span;
        span.end = at;
        span.status = status;
        span.attributes.push(("piton.outcome", outcome.into()));
        if matches!(of, Of::Node(..) | Of::Undo(..)) {
            span.attributes
                .push(("piton.attempts", open.attempts.into()));
        }
        self.over.push(open.span);
    }

    fn failed(&mut self, of: Of, at: Timestamp, why: &str) {
        if let Some(open) = self.open.get_mut(&of) {
            open.failed = Some((at, why.to_owned()));
        }
    }

    fn reopened(&mut self, of: Of, at: Timestamp) {
        let again = self.open.get_mut(&of).and_then(|open| open.failed.take());
        if again.is_some() {
            self.happened(of, at, "tried again", Vec::new());
        }
    }

    /// Notes what people were asked about a node, or said: of its undo, if that is under way, else of the node, or else
    /// of the run.
    fn asked(
        &mut self,
        node: NodeIndex,
        pass: u32,
        at: Timestamp,
        what: &'static str,
        mut known: Vec<(&'static str, Value)>,
    ) {
        let places = [Of::Undo(node, pass), Of::Node(node, pass)];
        let open = places.into_iter().find(|of| self.open.contains_key(of));
        if open.is_none() {
            known.push(("piton.node", self.name(node).into()));
        }
        self.happened(open.unwrap_or(Of::Run), at, what, known);
    }

    fn happened(
        &mut self,
        of: Of,
        at: Timestamp,
        what: &'static str,
        attributes: Vec<(&'static str, Value)>,
    ) {
        if let Some(open) = self.open.get_mut(&of)
            && open.span.events.len() < EVENTS
        {
            open.span.events.push(Happened {
                at,
                what,
                attributes,
            });
        }
    }

    fn note(&mut self, of: Of, attribute: (&'static str, Value)) {
        if let Some(open) = self.open.get_mut(&of) {
            open.span.attributes.push(attribute);
        }
    }

    fn name(&self, node: NodeIndex) -> String {
        let node = self.plan.node(node);
        node.map(|node| node.id.clone()).unwrap_or_default()
    }

    fn id(&self, of: Of) -> String {
        match of {
            Of::Run => ids::of_run(&self.run),
            Of::Node(node, pass) => ids::of_node(&self.run, &self.name(node), pass),
            Of::Undo(node, pass) => ids::of_undo(&self.run, &self.name(node), pass),
            Of::Attempt(attempt) => ids::of_attempt(&self.run, attempt),
        }
    }

    fn parent(&self, of: Of) -> Option<String> {
        match of {
            Of::Run => None,
            Of::Node(..) | Of::Undo(..) => Some(self.id(Of::Run)),
            Of::Attempt(attempt) => Some(self.id(owner(attempt))),
        }
    }
}

/// The span that an attempt is part of.
fn owner(attempt: AttemptId) -> Of {
    match attempt.purpose.is_back() {
        true => Of::Undo(attempt.node, attempt.pass),
        false => Of::Node(attempt.node, attempt.pass),
    }
}

fn said_by(by: &piton_core::id::Actor) -> (&'static str, Value) {
    ("piton.by", by.to_string().into())
}

/// The word for one of several cases, as the journal has it, without what goes with it: that may be anything.
fn word(case: &impl Serialize) -> String {
    match serde_json::to_value(case) {
        Ok(Value::String(word)) => word,
        Ok(Value::Object(fields)) => match fields.get("is") {
            Some(Value::String(word)) => word.clone(),
            _ => fields.keys().next().cloned().unwrap_or_default(),
        },
        _ => String::new(),
    }
}

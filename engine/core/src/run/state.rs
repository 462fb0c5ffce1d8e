//! What is known of a run: a fold of its facts.
//!
//! [`State::apply`] is the only place that changes it. It evaluates nothing and decides nothing: facts carry what
//! was worked out. What follows from a state is `transitions::next`'s business.

use super::agenda::Agenda;
use super::shape::Shape;
use crate::digest::Digest;
use crate::id::{Actor, AttemptId, Purpose, RunId};
use crate::plan::{Node, NodeIndex, Plan, Response};
use crate::record::{
    Answer, AttemptResult, Fact, Inputs, Question, QuestionKind, RunOutcome, Start, StopReason,
};
use crate::time::Timestamp;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A run, as far as its records tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) run: RunId,
    pub(super) start: Start,
    pub(super) created: Timestamp,
    /// The time of the last record.
    pub(super) now: Timestamp,
    /// The digest of the plan it was created for.
    pub(super) plan: Digest,
    pub(super) nodes: Vec<NodeState>,
    /// How many nodes are not finished.
    pub(super) unfinished: usize,
    pub(super) cancelled: Option<Cancelled>,
    /// The node whose failure stopped the run.
    pub(super) stopped_by: Option<NodeIndex>,
    pub(super) over: Option<Over>,
    #[serde(skip)]
    pub(super) agenda: Agenda,
}

/// That somebody cancelled the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cancelled {
    pub(super) by: Actor,
    pub(super) at: Timestamp,
}

/// That the run is over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Over {
    pub(super) outcome: RunOutcome,
    pub(super) at: Timestamp,
}

/// A node in its present pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct NodeState {
    pub(super) pass: u32,
    pub(super) phase: Phase,
    /// How many of its needs have not settled well yet.
    pub(super) waiting_for: u32,
    /// Its inputs, from its start to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) inputs: Option<Box<Inputs>>,
    /// How many attempts at its action there were.
    pub(super) tries: u32,
    /// How many attempts at its probe there were.
    pub(super) probes: u32,
    /// How many further tries were scheduled because one failed.
    pub(super) retries: u32,
    /// When its first attempt started, or its question was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) began: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) finished: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) outputs: BTreeMap<String, Value>,
    /// Its attempts that ended, to know a repeated or late result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ends: Vec<End>,
    /// How its last question that is no longer open was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) closed: Option<Box<Closed>>,
}

/// An attempt that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) attempt: AttemptId,
    /// The digest of its result.
    pub(super) result: Digest,
    /// The digest of the result that came too late, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) late: Option<Digest>,
}

/// Where a node stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// It has not started in this pass.
    Pending,
    /// Its inputs are worked out; nothing was done yet.
    Begun,
    /// An attempt runs.
    InFlight(Flight),
    /// An attempt ended, and nothing was drawn from that yet.
    Ended(Box<Ended>),
    /// It waits for its next try.
    Again {
        /// Not before this time.
        at: Timestamp,
    },
    /// A question is open.
    Asking(Box<Asking>),
    /// The question was answered, and nothing was drawn from that yet.
    Decided(Box<Given>),
    /// The question expired, and nothing was drawn from that yet.
    Expired(Box<Asking>),
    /// Its question was taken back because the run ends.
    Voided,
    /// Done, and well.
    Succeeded,
    /// Not done.
    Skipped,
    /// Failed for good.
    Failed,
}

/// An attempt that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Flight {
    pub(super) attempt: AttemptId,
    pub(super) deadline: Option<Timestamp>,
    pub(super) stop: Option<StopReason>,
}

/// An attempt that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) attempt: AttemptId,
    pub(super) result: AttemptResult,
}

/// An open question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Asking {
    pub(super) question: Question,
    pub(super) opened: Timestamp,
    /// Approvals so far.
    pub(super) approvals: Vec<Approval>,
}

/// An approval that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Approval {
    pub(super) by: Actor,
    pub(super) at: Timestamp,
}

/// The answer that closed a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) by: Actor,
    pub(super) answer: Answer,
    pub(super) note: Option<String>,
}

/// How a question was closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Closed {
    Answered {
        by: Actor,
        answer: Answer,
        at: Timestamp,
    },
    Expired {
        at: Timestamp,
    },
    Voided {
        reason: String,
    },
}

/// What a fact is folded with.
pub(super) struct Frame<'a> {
    pub(super) plan: &'a Plan,
    pub(super) shape: &'a Shape,
    pub(super) at: Timestamp,
}

/// Why a fact cannot follow.
pub(super) type Misfit = String;

impl NodeState {
    fn new(needs: u32) -> NodeState {
        NodeState {
            pass: 1,
            phase: Phase::Pending,
            waiting_for: needs,
            inputs: None,
            tries: 0,
            probes: 0,
            retries: 0,
            began: None,
            finished: None,
            outputs: BTreeMap::new(),
            ends: Vec::new(),
            closed: None,
        }
    }

    /// Whether it is done, skipped or failed for good in this pass.
    pub(super) fn is_finished(&self) -> bool {
        matches!(
            self.phase,
            Phase::Succeeded | Phase::Skipped | Phase::Failed
        )
    }

    /// How often it was done again because an outcome was unknown.
    pub(super) fn reruns(&self) -> u32 {
        self.tries.saturating_sub(1).saturating_sub(self.retries)
    }

    /// The number of the attempt that would come next.
    pub(super) fn next_number(&self, purpose: Purpose) -> u32 {
        match purpose {
            Purpose::Do => self.tries + 1,
            Purpose::Probe => self.probes + 1,
            // Part of an attempt; never one of its own in the journal.
            Purpose::Check(_) => 0,
        }
    }
}

/// The digest by which a repeated result is known.
pub(super) fn result_digest(result: &AttemptResult) -> Digest {
    Digest::of(&[
        b"piton result",
        serde_json::to_string(result).unwrap_or_default().as_bytes(),
    ])
}

impl State {
    /// The state that the first record makes.
    pub(super) fn first(fact: &Fact, frame: &Frame<'_>) -> Result<State, Misfit> {
        let Fact::RunCreated {
            run, plan, start, ..
        } = fact
        else {
            return Err("a journal begins with the record that the run was created".to_owned());
        };
        Ok(State::new(run.clone(), start.clone(), *plan, frame))
    }

    /// A run that was just created.
    pub(super) fn new(run: RunId, start: Start, plan: Digest, frame: &Frame<'_>) -> State {
        let nodes: Vec<_> = frame
            .plan
            .nodes
            .iter()
            .map(|node| NodeState::new(node.needs.len() as u32))
            .collect();
        let mut state = State {
            run,
            start,
            created: frame.at,
            now: frame.at,
            plan,
            unfinished: nodes.len(),
            nodes,
            cancelled: None,
            stopped_by: None,
            over: None,
            agenda: Agenda::default(),
        };
        state.rebuild(frame.plan);
        state
    }

    /// Works the agenda out anew, as after reading a snapshot.
    pub(super) fn rebuild(&mut self, plan: &Plan) {
        self.agenda = Agenda::default();
        for ((index, node), state) in plan.indices().zip(&plan.nodes).zip(&self.nodes) {
            self.agenda.set(index, node, state, true);
        }
    }

    pub(super) fn node(&self, index: NodeIndex) -> Option<&NodeState> {
        self.nodes.get(index.index())
    }

    /// Whether nothing new may start.
    pub(super) fn is_halting(&self) -> bool {
        self.cancelled.is_some() || self.stopped_by.is_some()
    }

    /// Whether one more attempt may run.
    pub(super) fn has_place(&self, plan: &Plan) -> bool {
        self.agenda.in_flight.len() < plan.parallel.max(1) as usize
    }

    /// Folds one fact into the state.
    pub(super) fn apply(&mut self, fact: &Fact, frame: &Frame<'_>) -> Result<(), Misfit> {
        if self.over.is_some() && !matches!(fact, Fact::LateResult { .. }) {
            return Err("the run was over".to_owned());
        }
        match fact {
            Fact::RunCreated { .. } => return Err("the run was created before".to_owned()),
            Fact::NodeStarted { node, pass, inputs } => {
                self.change(*node, Some(*pass), frame, |state| {
                    state.inputs = Some(Box::new(inputs.clone()));
                    state.phase = Phase::Begun;
                })?;
            }
            Fact::NodeSkipped { node, pass, .. } => {
                self.finish(*node, *pass, Phase::Skipped, frame, true)?
            }
            Fact::AttemptStarted { attempt, deadline } => {
                self.attempt_started(*attempt, *deadline, frame)?
            }
            Fact::AttemptEnded { attempt, result } => {
                self.attempt_ended(*attempt, result, frame)?
            }
            Fact::LateResult { attempt, result } => self.late_result(*attempt, result, frame)?,
            Fact::StopRequested { attempt, reason } => {
                self.expect_in_flight(*attempt)?;
                self.change(attempt.node, Some(attempt.pass), frame, |state| {
                    if let Phase::InFlight(flight) = &mut state.phase {
                        flight.stop = Some(*reason);
                    }
                })?;
            }
            Fact::RetryScheduled { node, pass, at, .. } => {
                self.change(*node, Some(*pass), frame, |state| {
                    state.retries = state.retries.saturating_add(1);
                    state.phase = Phase::Again { at: *at };
                })?;
            }
            Fact::QuestionOpened { question } => {
                self.change(question.node, Some(question.pass), frame, |state| {
                    state.began.get_or_insert(frame.at);
                    state.phase = Phase::Asking(Box::new(Asking {
                        question: question.clone(),
                        opened: frame.at,
                        approvals: Vec::new(),
                    }));
                })?;
            }
            Fact::Answered {
                node,
                pass,
                by,
                answer,
                note,
                ..
            } => {
                let given = Given {
                    by: by.clone(),
                    answer: answer.clone(),
                    note: note.clone(),
                };
                self.answered(*node, *pass, given, frame)?;
            }
            Fact::QuestionExpired { node, pass } => {
                let asking = self.expect_asking(*node)?.clone();
                self.change(*node, Some(*pass), frame, |state| {
                    let at = asking.question.expires.unwrap_or(frame.at);
                    state.closed = Some(Box::new(Closed::Expired { at }));
                    state.phase = Phase::Expired(Box::new(asking));
                })?;
            }
            Fact::QuestionVoided { node, pass, reason } => {
                self.expect_asking(*node)?;
                self.change(*node, Some(*pass), frame, |state| {
                    state.closed = Some(Box::new(Closed::Voided {
                        reason: reason.clone(),
                    }));
                    state.phase = Phase::Voided;
                })?;
            }
            Fact::NodeSucceeded {
                node,
                pass,
                outputs,
            } => {
                self.finish(*node, *pass, Phase::Succeeded, frame, true)?;
                if let Some(state) = self.nodes.get_mut(node.index()) {
                    state.outputs.clone_from(outputs);
                }
            }
            Fact::NodeFailed {
                node,
                pass,
                response,
                ..
            } => {
                let goes_on = *response == Response::Continue;
                self.finish(*node, *pass, Phase::Failed, frame, goes_on)?;
                if !goes_on && self.stopped_by.is_none() {
                    self.stopped_by = Some(*node);
                }
            }
            Fact::CancelRequested { by, .. } => {
                self.cancelled = Some(Cancelled {
                    by: by.clone(),
                    at: frame.at,
                });
            }
            Fact::RunEnded { outcome } => {
                self.over = Some(Over {
                    outcome: *outcome,
                    at: frame.at,
                })
            }
        }
        self.now = frame.at;
        Ok(())
    }

    fn attempt_started(
        &mut self,
        attempt: AttemptId,
        deadline: Option<Timestamp>,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        let state = self
            .node(attempt.node)
            .ok_or_else(|| no_node(attempt.node))?;
        let own = !matches!(attempt.purpose, Purpose::Check(_));
        if !own || state.inputs.is_none() || attempt.number != state.next_number(attempt.purpose) {
            return Err(format!(
                "attempt {attempt} cannot be the next one of its node"
            ));
        }
        self.change(attempt.node, Some(attempt.pass), frame, |state| {
            match attempt.purpose {
                Purpose::Do => state.tries = attempt.number,
                Purpose::Probe => state.probes = attempt.number,
                Purpose::Check(_) => {}
            }
            state.began.get_or_insert(frame.at);
            state.phase = Phase::InFlight(Flight {
                attempt,
                deadline,
                stop: None,
            });
        })
    }

    fn attempt_ended(
        &mut self,
        attempt: AttemptId,
        result: &AttemptResult,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        self.expect_in_flight(attempt)?;
        self.change(attempt.node, Some(attempt.pass), frame, |state| {
            state.ends.push(End {
                attempt,
                result: result_digest(result),
                late: None,
            });
            state.phase = Phase::Ended(Box::new(Ended {
                attempt,
                result: result.clone(),
            }));
        })
    }

    fn late_result(
        &mut self,
        attempt: AttemptId,
        result: &AttemptResult,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        self.change(attempt.node, None, frame, |state| {
            if let Some(end) = state.ends.iter_mut().find(|end| end.attempt == attempt) {
                end.late = Some(result_digest(result));
            }
        })
    }

    fn answered(
        &mut self,
        node: NodeIndex,
        pass: u32,
        given: Given,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        let mut asking = self.expect_asking(node)?.clone();
        if given.answer == Answer::Approve {
            asking.approvals.push(Approval {
                by: given.by.clone(),
                at: frame.at,
            });
        }
        let wanted = match &asking.question.kind {
            QuestionKind::Approve(approve) => approve.count.max(1) as usize,
            QuestionKind::Interrupted { .. } => 1,
        };
        let still_open = given.answer == Answer::Approve && asking.approvals.len() < wanted;
        self.change(node, Some(pass), frame, |state| {
            if still_open {
                state.phase = Phase::Asking(Box::new(asking));
                return;
            }
            state.closed = Some(Box::new(Closed::Answered {
                by: given.by.clone(),
                answer: given.answer.clone(),
                at: frame.at,
            }));
            state.phase = match given.answer {
                Answer::DidNotHappen => Phase::Again { at: frame.at },
                _ => Phase::Decided(Box::new(given)),
            };
        })
    }

    fn finish(
        &mut self,
        node: NodeIndex,
        pass: u32,
        phase: Phase,
        frame: &Frame<'_>,
        goes_on: bool,
    ) -> Result<(), Misfit> {
        self.change(node, Some(pass), frame, |state| {
            state.phase = phase;
            state.inputs = None;
            state.finished = Some(frame.at);
        })?;
        self.unfinished = self.unfinished.saturating_sub(1);
        if goes_on {
            for dependant in frame.shape.dependants(node) {
                self.change_entry(*dependant, frame, |state| {
                    state.waiting_for = state.waiting_for.saturating_sub(1);
                });
            }
        }
        Ok(())
    }

    /// Changes a node of this pass that is not finished (or, without a pass, any node).
    fn change(
        &mut self,
        index: NodeIndex,
        pass: Option<u32>,
        frame: &Frame<'_>,
        change: impl FnOnce(&mut NodeState),
    ) -> Result<(), Misfit> {
        let state = self.node(index).ok_or_else(|| no_node(index))?;
        if let Some(pass) = pass {
            if state.pass != pass {
                return Err(format!(
                    "node {} is in pass {}, not {pass}",
                    index.0, state.pass
                ));
            }
            if state.is_finished() {
                return Err(format!("node {} was finished in this pass", index.0));
            }
        }
        self.change_entry(index, frame, change);
        Ok(())
    }

    /// Changes a node and keeps the agenda in step.
    fn change_entry(
        &mut self,
        index: NodeIndex,
        frame: &Frame<'_>,
        change: impl FnOnce(&mut NodeState),
    ) {
        let (Some(node), Some(state)): (Option<&Node>, _) =
            (frame.plan.node(index), self.nodes.get_mut(index.index()))
        else {
            return;
        };
        self.agenda.set(index, node, state, false);
        change(state);
        self.agenda.set(index, node, state, true);
    }

    fn expect_in_flight(&self, attempt: AttemptId) -> Result<(), Misfit> {
        match self.node(attempt.node).map(|state| &state.phase) {
            Some(Phase::InFlight(flight)) if flight.attempt == attempt => Ok(()),
            _ => Err(format!("attempt {attempt} was not running")),
        }
    }

    fn expect_asking(&self, node: NodeIndex) -> Result<&Asking, Misfit> {
        match self.node(node).map(|state| &state.phase) {
            Some(Phase::Asking(asking)) => Ok(asking),
            _ => Err(format!("no question was open at node {}", node.0)),
        }
    }
}

fn no_node(index: NodeIndex) -> Misfit {
    format!("the plan has no node {}", index.0)
}

//! The fold: one fact into the state.

use super::node::{Elsewhere, End, Failure};
use super::{
    Answering, Cancelled, Ended, Flight, Found, Frame, LockState, Misfit, NodeState, Over, Phase,
    State, UndoPhase, Undoing, result_digest,
};
use crate::id::{AttemptId, Purpose};
use crate::plan::{Node, NodeIndex};
use crate::record::{AttemptResult, Fact, Item, OutcomeStatus, RenderedAction};
use crate::time::Timestamp;
use crate::value::Value;
use std::collections::BTreeMap;

impl State {
    /// Folds one fact into the state.
    pub(in crate::run) fn apply(&mut self, fact: &Fact, frame: &Frame<'_>) -> Result<(), Misfit> {
        if self.over.is_some() && !matches!(fact, Fact::LateResult { .. }) {
            return Err("the run was over".to_owned());
        }
        self.fold(fact, frame)?;
        self.now = frame.at;
        Ok(())
    }

    fn fold(&mut self, fact: &Fact, frame: &Frame<'_>) -> Result<(), Misfit> {
        match fact {
            Fact::RunCreated { .. } => Err("the run was created before".to_owned()),
            Fact::NodeStarted { node, pass, inputs } => {
                self.change(*node, Some(*pass), frame, |state| {
                    if let RenderedAction::Each(items) = &inputs.action {
                        let listed = |item: &Item| (item.key.clone(), item.value.clone());
                        state.listed = items.iter().map(listed).collect();
                    }
                    state.inputs = Some(Box::new(inputs.clone()));
                    state.phase = Phase::Begun;
                })
            }
            Fact::NodeSkipped {
                node,
                pass,
                outputs,
                ..
            } => self.finish(*node, *pass, Phase::Skipped, outputs, frame),
            Fact::NodeSucceeded {
                node,
                pass,
                outputs,
            } => {
                // Somebody may have done it before any attempt at it began: it is undone like what was begun now.
                if self.node(*node).is_some_and(|state| state.order == 0) {
                    self.starts = self.starts.saturating_add(1);
                    let order = self.starts;
                    self.change(*node, None, frame, |state| state.order = order)?;
                }
                self.finish(*node, *pass, Phase::Succeeded, outputs, frame)
            }
            Fact::NodeFailed {
                node,
                pass,
                message,
            } => self.failed(*node, *pass, message, frame),
            Fact::NodeAssumed { node, outputs } => {
                self.starts = self.starts.saturating_add(1);
                let order = self.starts;
                self.change(*node, None, frame, |state| {
                    state.assumed = true;
                    state.order = order;
                })?;
                self.finish(*node, 1, Phase::Succeeded, outputs, frame)
            }
            Fact::NodeReopened { node, pass } => self.reopened(*node, *pass, frame),
            Fact::ItemDone {
                node,
                pass,
                outputs,
                ..
            } => self.change(*node, Some(*pass), frame, |state| {
                state.items.push(outputs.clone());
                state.item_begun = false;
                state.retries = 0;
                state.reruns = 0;
                state.prepared.rechecked = false;
                state.phase = Phase::Begun;
            }),
            Fact::AttemptStarted {
                attempt, deadline, ..
            } => self.attempt_started(*attempt, *deadline, frame),
            Fact::AttemptEnded { attempt, result } => self.attempt_ended(*attempt, result, frame),
            Fact::LateResult { attempt, result } => {
                self.change(attempt.node, None, frame, |state| {
                    if let Some(end) = state.ends.iter_mut().find(|end| end.attempt == *attempt) {
                        end.late = Some(result_digest(result));
                    }
                })
            }
            Fact::AttemptElsewhere { attempt, host, why } => {
                let elsewhere = Elsewhere {
                    host: host.clone(),
                    why: why.clone(),
                    given: None,
                };
                self.set_elsewhere(*attempt, Some(Box::new(elsewhere)), frame)
            }
            Fact::AttemptReached { attempt } => self.set_elsewhere(*attempt, None, frame),
            Fact::StopRequested { attempt, reason } => {
                self.expect_in_flight(*attempt)?;
                self.change(attempt.node, None, frame, |state| {
                    if let Some(flight) = state.flight_mut() {
                        flight.stop = Some(*reason);
                    }
                })
            }
            Fact::RetryScheduled { node, pass, at, .. } => {
                self.change(*node, Some(*pass), frame, |state| {
                    state.retries = state.retries.saturating_add(1);
                    state.prepared.rechecked = false;
                    state.phase = Phase::Again { at: *at };
                })
            }
            Fact::LookScheduled { node, pass, at, .. } => {
                self.change(*node, Some(*pass), frame, |state| {
                    state.phase = Phase::Again { at: *at };
                })
            }
            Fact::LockRequested { node, names, until } => {
                let lock = LockState::Wanted {
                    names: names.clone(),
                    until: *until,
                };
                self.set_lock(*node, lock, frame)
            }
            Fact::LockTaken { node } => {
                let wanted = match node {
                    None => &self.lock,
                    Some(node) => &self.node(*node).ok_or_else(|| no_node(*node))?.lock,
                };
                let LockState::Wanted { names, .. } = wanted else {
                    return Err("nobody waited for these locks".to_owned());
                };
                let lock = LockState::Held {
                    names: names.clone(),
                };
                self.set_lock(*node, lock, frame)
            }
            Fact::LockExpired { .. } => {
                self.lock_expired = true;
                self.lock = LockState::None;
                Ok(())
            }
            Fact::GateReopened { node, .. } => self.gate_reopened(*node, frame),
            Fact::CancelRequested { by, rollback, .. } => {
                self.cancelled = Some(Cancelled {
                    by: by.clone(),
                    at: frame.at,
                    rollback: *rollback,
                });
                self.cancel_takes_effect(*rollback, frame);
                Ok(())
            }
            Fact::CancelRefused { .. } => Ok(()),
            Fact::Replanned {
                removed,
                anew,
                shown,
                ..
            } => self.replanned(removed, anew, shown, frame),
            Fact::FinallyBegan { outcome } => {
                self.ending = Some(*outcome);
                self.hold_all(frame, true);
                Ok(())
            }
            Fact::RunEnded { outcome, .. } => {
                self.over = Some(Over {
                    outcome: *outcome,
                    at: frame.at,
                });
                Ok(())
            }
            Fact::ClockStarted { .. }
            | Fact::ClockStopped { .. }
            | Fact::ClockResumed
            | Fact::LossMeasured { .. }
            | Fact::TargetPaged { .. }
            | Fact::TargetAcknowledged { .. } => self.fold_clock(fact, frame),
            Fact::QuestionOpened { .. }
            | Fact::Answered { .. }
            | Fact::QuestionExpired { .. }
            | Fact::QuestionVoided { .. }
            | Fact::Paged { .. }
            | Fact::PageEnded { .. }
            | Fact::Acknowledged { .. }
            | Fact::Taken { .. } => self.fold_question(fact, frame),
            Fact::ResponseTaken { .. }
            | Fact::UndoPlanned { .. }
            | Fact::UndoStarted { .. }
            | Fact::UndoRetryScheduled { .. }
            | Fact::ItemUndone { .. }
            | Fact::NodeUndone { .. }
            | Fact::NothingToUndo { .. }
            | Fact::UndoWanted { .. }
            | Fact::UndoLeft { .. }
            | Fact::UndoFailed { .. }
            | Fact::UndoStopped { .. }
            | Fact::Rewound { .. } => self.fold_back(fact, frame),
        }
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
        let ready = match &state.undo {
            Undoing::Now(now) if attempt.purpose.is_back() => now.inputs.is_some(),
            _ => !attempt.purpose.is_back() && state.inputs.is_some(),
        };
        let own = !matches!(attempt.purpose, Purpose::Check(_));
        let next = state.count(attempt.purpose).saturating_add(1);
        if !own || !ready || attempt.number != next || attempt.pass != state.pass {
            return Err(format!(
                "attempt {attempt} cannot be the next one of its node"
            ));
        }
        let again = matches!(state.phase, Phase::Ended(_));
        if attempt.purpose == Purpose::Do && state.order == 0 {
            self.starts = self.starts.saturating_add(1);
        }
        let order = self.starts;
        let flight = Flight {
            attempt,
            started: frame.at,
            deadline,
            stop: None,
            elsewhere: None,
        };
        self.change(attempt.node, None, frame, |state| {
            state.set_count(attempt.purpose, attempt.number);
            if attempt.purpose.is_back() {
                if let Undoing::Now(now) = &mut state.undo {
                    now.phase = UndoPhase::InFlight(flight);
                }
                return;
            }
            state.began.get_or_insert(frame.at);
            // Only a retry that was scheduled counts against `retry`; the others come after an interruption.
            let rerun = again && attempt.purpose != Purpose::Probe;
            state.reruns = state.reruns.saturating_add(u32::from(rerun));
            if attempt.purpose == Purpose::Do {
                state.prepared.rechecked = false;
                state.item_begun = true;
                if state.order == 0 {
                    state.order = order;
                }
                if state.look.deadline.is_none() {
                    state.look.deadline = deadline;
                }
            }
            state.phase = Phase::InFlight(flight);
        })
    }

    fn set_elsewhere(
        &mut self,
        attempt: AttemptId,
        elsewhere: Option<Box<Elsewhere>>,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        self.expect_in_flight(attempt)?;
        self.change(attempt.node, None, frame, |state| {
            if let Some(flight) = state.flight_mut() {
                flight.elsewhere = elsewhere;
            }
        })
    }

    fn attempt_ended(
        &mut self,
        attempt: AttemptId,
        result: &AttemptResult,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        self.expect_in_flight(attempt)?;
        let not_started = result.status == OutcomeStatus::NotStarted;
        self.change(attempt.node, None, frame, |state| {
            let said = state
                .flight_mut()
                .and_then(|flight| flight.elsewhere.take());
            let said = said.and_then(|elsewhere| elsewhere.given);
            state.ends.push(End {
                attempt,
                result: result_digest(result),
                late: None,
            });
            let ended = Box::new(Ended {
                attempt,
                result: result.clone(),
            });
            if attempt.purpose.is_back() {
                if let Undoing::Now(now) = &mut state.undo {
                    now.phase = UndoPhase::Ended(ended);
                }
                return;
            }
            // Provably nothing of the action ran: there is nothing to take back.
            if not_started && attempt.purpose == Purpose::Do && attempt.number == 1 {
                state.order = 0;
                state.item_begun = false;
            }
            // Somebody said what became of it, which counts as it does for an interrupted one.
            if let Some(given) = said
                && result.status == OutcomeStatus::Unknown
            {
                state.phase = Phase::Decided(Box::new(given));
                return;
            }
            looked(state, result, frame.at);
            if !prepared(state, attempt, result) {
                state.phase = Phase::Ended(ended);
            }
        })
    }

    fn set_lock(
        &mut self,
        node: Option<NodeIndex>,
        lock: LockState,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        match node {
            None => {
                self.lock = lock;
                Ok(())
            }
            Some(node) => self.change(node, None, frame, |state| state.lock = lock),
        }
    }

    /// A node ends well, or as well as if it had.
    fn finish(
        &mut self,
        index: NodeIndex,
        pass: u32,
        phase: Phase,
        outputs: &BTreeMap<String, Value>,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        let state = self.node(index).ok_or_else(|| no_node(index))?;
        let failed_before = state.phase == Phase::Failed && !state.lets_others_go_on();
        if (state.is_finished() && !failed_before) || state.pass != pass {
            return Err(format!("node {} cannot end here", index.0));
        }
        self.change(index, None, frame, |state| {
            state.phase = phase;
            state.inputs = None;
            state.lock = LockState::None;
            state.finished = Some(frame.at);
            state.outputs.clone_from(outputs);
            if let Some(failure) = &mut state.failure {
                failure.response = Answering::Settled;
            }
        })?;
        if !failed_before {
            self.count_finished(index, frame);
        }
        self.let_others_go_on(index, frame);
        Ok(())
    }

    fn failed(
        &mut self,
        index: NodeIndex,
        pass: u32,
        message: &str,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        let finally = frame.plan.node(index).is_some_and(|node| node.finally);
        let response = if finally {
            Answering::Continued
        } else {
            Answering::Open
        };
        self.change(index, Some(pass), frame, |state| {
            state.phase = Phase::Failed;
            state.lock = LockState::None;
            state.finished = Some(frame.at);
            state.failure = Some(Box::new(Failure {
                message: message.to_owned(),
                response,
                from: None,
            }));
        })?;
        self.count_finished(index, frame);
        if finally {
            self.let_others_go_on(index, frame);
        }
        Ok(())
    }

    fn reopened(&mut self, index: NodeIndex, pass: u32, frame: &Frame<'_>) -> Result<(), Misfit> {
        let state = self.node(index).ok_or_else(|| no_node(index))?;
        if state.phase != Phase::Failed || state.pass != pass || state.lets_others_go_on() {
            return Err(format!("node {} had not failed", index.0));
        }
        self.change(index, None, frame, |state| {
            state.phase = match state.inputs {
                Some(_) => Phase::Begun,
                None => Phase::Pending,
            };
            state.failure = None;
            state.finished = None;
            state.retries = 0;
            state.reruns = 0;
            state.look = super::node::Look::default();
            state.prepared.rechecked = false;
        })?;
        self.count_unfinished(index, frame);
        Ok(())
    }

    fn gate_reopened(&mut self, index: NodeIndex, frame: &Frame<'_>) -> Result<(), Misfit> {
        let state = self.node(index).ok_or_else(|| no_node(index))?;
        if state.phase != Phase::Succeeded {
            return Err(format!(
                "gate {} has no evidence that could be old",
                index.0
            ));
        }
        self.change(index, None, frame, |state| state.next_pass(0))?;
        self.count_unfinished(index, frame);
        for dependant in frame.shape.dependants(index) {
            self.change_entry(*dependant, frame, |state| {
                if state.phase == Phase::Pending {
                    state.waiting_for = state.waiting_for.saturating_add(1);
                }
            });
        }
        Ok(())
    }

    /// The nodes that wait for this one need it no longer.
    pub(super) fn let_others_go_on(&mut self, index: NodeIndex, frame: &Frame<'_>) {
        for dependant in frame.shape.dependants(index) {
            self.change_entry(*dependant, frame, |state| {
                if state.phase == Phase::Pending {
                    state.waiting_for = state.waiting_for.saturating_sub(1);
                }
            });
        }
    }

    fn count_finished(&mut self, index: NodeIndex, frame: &Frame<'_>) {
        let count = self.unfinished_of(index, frame);
        *count = count.saturating_sub(1);
    }

    pub(super) fn count_unfinished(&mut self, index: NodeIndex, frame: &Frame<'_>) {
        let count = self.unfinished_of(index, frame);
        *count = count.saturating_add(1);
    }

    fn unfinished_of(&mut self, index: NodeIndex, frame: &Frame<'_>) -> &mut usize {
        if frame.plan.node(index).is_some_and(|node| node.finally) {
            &mut self.unfinished_finally
        } else {
            &mut self.unfinished
        }
    }

    /// Changes a node of this pass that is not finished (or, without a pass, any node).
    pub(super) fn change(
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
    pub(super) fn change_entry(
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
        let state = state.for_change();
        self.agenda.set(index, node, state, false);
        change(state);
        self.agenda.set(index, node, state, true);
    }

    fn expect_in_flight(&self, attempt: AttemptId) -> Result<(), Misfit> {
        match self.flight(attempt) {
            Some(_) => Ok(()),
            None => Err(format!("attempt {attempt} was not running")),
        }
    }
}

/// Notes a look of an `until`.
fn looked(state: &mut NodeState, result: &AttemptResult, at: Timestamp) {
    match result.met {
        Some(true) => {
            state.look.times = state.look.times.saturating_add(1);
            state.look.since.get_or_insert(at);
        }
        Some(false) => {
            state.look.times = 0;
            state.look.since = None;
        }
        None => {}
    }
}

/// Notes what a preparation found; says whether the node can go on with that.
fn prepared(state: &mut NodeState, attempt: AttemptId, result: &AttemptResult) -> bool {
    let well = result.status == OutcomeStatus::Succeeded;
    let produced = || result.produced.as_deref().cloned().unwrap_or_default();
    let found = match attempt.purpose {
        Purpose::Choices(_) if well => Found::Produced(produced()),
        Purpose::Target(_) if well => Found::Produced(produced()),
        // What cannot be read is shown as that; the check right before the step decides.
        Purpose::Target(_) => match result.status {
            OutcomeStatus::Failed | OutcomeStatus::TimedOut => {
                Found::Nothing(result.message.clone())
            }
            _ => return false,
        },
        Purpose::Recheck if well => {
            state.prepared.rechecked = true;
            state.phase = Phase::Begun;
            return true;
        }
        Purpose::Capture if well => {
            let item = state.item();
            state.prepared.captures.insert(item, produced());
            state.phase = Phase::Begun;
            return true;
        }
        _ => return false,
    };
    state.prepared.found.push((attempt.purpose, found));
    state.phase = Phase::Begun;
    true
}

pub(super) fn no_node(index: NodeIndex) -> Misfit {
    format!("the plan has no node {}", index.0)
}

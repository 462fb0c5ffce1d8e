//! The attempts that an engine has under way: starting them, ending them, and taking over those of an engine that
//! died.

use super::engine_log::EngineLog;
use super::error::DriveError;
use crate::action::attempt::{Beginning, Context, execute};
use crate::action::stop::{StopSignal, Stopper, stop_pair};
use piton_core::id::{AttemptId, Purpose};
use piton_core::plan::Plan;
use piton_core::record::{OutcomeStatus, RenderedAction, StopReason};
use piton_core::run::{Effect, Outcome, Work};
use piton_core::time::{Millis, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::mpsc;

/// An attempt with its outcome.
pub(super) type Ended = (AttemptId, Outcome);

/// The attempts under way.
pub(super) struct Attempts {
    context: Rc<Context>,
    plan: Arc<Plan>,
    log: EngineLog,
    begun: BTreeMap<AttemptId, Stopper>,
    /// Attempts that were taken over after their time was up, of which the keeper has not told the end yet.
    overdue: BTreeSet<AttemptId>,
    sender: mpsc::UnboundedSender<Ended>,
    receiver: mpsc::UnboundedReceiver<Ended>,
}

impl Attempts {
    /// None yet.
    pub fn new(context: Rc<Context>, plan: Arc<Plan>, log: EngineLog) -> Attempts {
        let (sender, receiver) = mpsc::unbounded_channel();
        Attempts {
            context,
            plan,
            log,
            begun: BTreeMap::new(),
            overdue: BTreeSet::new(),
            sender,
            receiver,
        }
    }

    /// The next one that ended. Nothing is lost when the future is dropped.
    pub async fn ended(&mut self) -> Ended {
        match self.receiver.recv().await {
            Some(ended) => ended,
            // Not while `self` holds a sender.
            None => std::future::pending().await,
        }
    }

    /// One that has ended by now.
    pub fn try_ended(&mut self) -> Option<Ended> {
        self.receiver.try_recv().ok()
    }

    /// Forgets an attempt whose end is in the journal, with what was kept of it until then.
    pub fn forget(&mut self, (attempt, outcome): &Ended) {
        self.begun.remove(attempt);
        self.overdue.remove(attempt);
        if !outcome.produced.output_lines.is_empty() {
            let file = self.context.directory.values(*attempt);
            if let Err(error) = std::fs::remove_file(&file) {
                tracing::warn!(%error, file = %file.display(), "what a step wrote to $PITON_OUTPUT was not removed");
            }
        }
    }

    /// Whether an end that was missed is still to be told, so that it is too early to call an attempt lost.
    pub fn is_catching_up(&self) -> bool {
        !self.overdue.is_empty()
    }

    /// Starts an attempt, unless this engine did before.
    ///
    /// # Errors
    /// When that it begins cannot be written down.
    pub fn start(&mut self, work: Work) -> Result<(), DriveError> {
        let beginning = Beginning::new(&work);
        self.begin(work, beginning)
    }

    /// Tells an attempt to end.
    pub fn stop(&mut self, attempt: AttemptId, reason: StopReason) {
        match reason {
            StopReason::Cancel => {
                if let Some(stopper) = self.begun.get(&attempt) {
                    stopper.stop();
                }
            }
        }
    }

    /// Takes over the attempts that are under way according to the journal. Some of them have an outcome at once.
    ///
    /// # Errors
    /// When that one begins cannot be written down.
    pub fn take_over(
        &mut self,
        outstanding: &[Effect],
        now: Timestamp,
    ) -> Result<Vec<Ended>, DriveError> {
        let told_to_end: BTreeSet<AttemptId> = outstanding
            .iter()
            .filter_map(|effect| match effect {
                Effect::Stop { attempt, .. } => Some(*attempt),
                _ => None,
            })
            .collect();
        let mut ended = Vec::new();
        for effect in outstanding {
            match effect {
                Effect::Start(work) if !self.begun.contains_key(&work.attempt) => {
                    let told = told_to_end.contains(&work.attempt);
                    ended.extend(
                        self.take_over_one(work, told, now)?
                            .map(|outcome| (work.attempt, outcome)),
                    );
                }
                Effect::Stop { attempt, reason } => self.stop(*attempt, *reason),
                _ => {}
            }
        }
        Ok(ended)
    }

    fn take_over_one(
        &mut self,
        work: &Work,
        told: bool,
        now: Timestamp,
    ) -> Result<Option<Outcome>, DriveError> {
        let left = work.deadline.map(|deadline| deadline.since(now));
        let late = left == Some(Millis(0));
        let resumed = Beginning {
            resumed: true,
            may_start: !told && !late,
            left,
        };
        let unknown =
            || Outcome::not_succeeded(OutcomeStatus::Unknown, "the engine ended while it ran");
        match work.action() {
            Some(RenderedAction::Sql { .. }) if !self.log.has_not_begun(work.attempt) => {
                Ok(Some(unknown()))
            }
            Some(RenderedAction::Sql { .. }) if told => Ok(Some(Outcome::not_succeeded(
                OutcomeStatus::Stopped,
                "the run was cancelled before it was started",
            ))),
            Some(RenderedAction::Sql { .. }) if late => Ok(Some(Outcome::not_succeeded(
                OutcomeStatus::Failed,
                "the engine ended before it was started, and now its time is up",
            ))),
            Some(RenderedAction::Sql { .. }) => self.begin(work.clone(), resumed).map(|()| None),
            // Looking again does no harm, and a check that is still under way is found again by its id.
            Some(RenderedAction::Checks(_)) if late && !told => Ok(Some(unknown())),
            _ => {
                if late {
                    self.overdue.insert(work.attempt);
                }
                self.begin(work.clone(), resumed).map(|()| None)
            }
        }
    }

    fn begin(&mut self, work: Work, beginning: Beginning) -> Result<(), DriveError> {
        let attempt = work.attempt;
        if self.begun.contains_key(&attempt) {
            return Ok(());
        }
        if matches!(work.action(), Some(RenderedAction::Sql { .. })) {
            self.log
                .begin(attempt)
                .map_err(|source| DriveError::Directory {
                    run: self.context.run.clone(),
                    path: self.context.directory.engine_log(),
                    source,
                })?;
        }
        let (stopper, signal) = stop_pair();
        self.begun.insert(attempt, stopper);
        let node = self
            .plan
            .node(attempt.node)
            .map(|node| node.id.clone())
            .unwrap_or_default();
        debug_assert!(
            !matches!(attempt.purpose, Purpose::Check(_)),
            "checks are parts of an attempt"
        );
        tokio::task::spawn_local(make(
            Rc::clone(&self.context),
            node,
            work,
            beginning,
            signal,
            self.sender.clone(),
        ));
        Ok(())
    }
}

async fn make(
    context: Rc<Context>,
    node: String,
    work: Work,
    beginning: Beginning,
    signal: StopSignal,
    sender: mpsc::UnboundedSender<Ended>,
) {
    let outcome = execute(&context, &node, &work, beginning, signal).await;
    // Nobody listens when the driver leaves; the next one finds the attempt again.
    drop(sender.send((work.attempt, outcome)));
}

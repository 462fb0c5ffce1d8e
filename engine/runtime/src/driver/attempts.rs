//! The attempts that an engine has under way: starting them, ending them, and taking over those of an engine that
//! died.

use crate::action::attempt::{Beginning, Context, execute, given_up, too_late};
use crate::action::held::Held;
use crate::action::stop::{StopSignal, Stopper, stop_pair};
use piton_core::id::{AttemptId, Purpose};
use piton_core::plan::Plan;
use piton_core::record::{Fact, OutcomeStatus, Record, RenderedAction, StopReason};
use piton_core::run::{Effect, Outcome, Work};
use piton_core::time::{Millis, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::mpsc;
use tracing::{Instrument as _, error_span};

/// How long the engine's own attempts may take to end when it has lost the run.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// What a task says at its end.
type Told = (AttemptId, Result<Outcome, Held>);

/// An attempt with its outcome.
pub(super) type Ended = (AttemptId, Outcome);

/// The attempts under way.
pub(super) struct Attempts {
    context: Rc<Context>,
    plan: Arc<Plan>,
    begun: BTreeMap<AttemptId, Stopper>,
    /// Attempts that were taken over after their time was up, of which the keeper has not told the end yet.
    overdue: BTreeSet<AttemptId>,
    /// Attempts that could not begin because something is missing, and what.
    held: BTreeMap<AttemptId, Held>,
    /// Attempts of the engine's own that were begun and have not been told of, and whether they were told to end
    /// because the lease is not ours any more.
    own: BTreeMap<AttemptId, bool>,
    sender: mpsc::UnboundedSender<Told>,
    receiver: mpsc::UnboundedReceiver<Told>,
}

impl Attempts {
    /// None yet.
    pub fn new(context: Rc<Context>, plan: Arc<Plan>) -> Attempts {
        let (sender, receiver) = mpsc::unbounded_channel();
        Attempts {
            context,
            plan,
            begun: BTreeMap::new(),
            overdue: BTreeSet::new(),
            held: BTreeMap::new(),
            own: BTreeMap::new(),
            sender,
            receiver,
        }
    }

    /// The next one that ended; `None` when one could not begin instead. Nothing is lost when the future is dropped.
    pub async fn ended(&mut self) -> Option<Ended> {
        match self.receiver.recv().await {
            Some(told) => self.take(told),
            // Not while `self` holds a sender.
            None => std::future::pending().await,
        }
    }

    /// One that has ended by now.
    pub fn try_ended(&mut self) -> Option<Ended> {
        while let Ok(told) = self.receiver.try_recv() {
            let ended = self.take(told);
            if ended.is_some() {
                return ended;
            }
        }
        None
    }

    fn take(&mut self, (attempt, outcome): Told) -> Option<Ended> {
        let gave_up = self.own.remove(&attempt) == Some(true);
        match outcome {
            // Nobody had cancelled it, and what it did before it was ended nobody knows.
            Ok(outcome) if gave_up && outcome.status == OutcomeStatus::Stopped => {
                let why = "it was ended because its engine lost the run";
                Some((attempt, Outcome::not_succeeded(OutcomeStatus::Unknown, why)))
            }
            Ok(outcome) => Some((attempt, outcome)),
            Err(held) => {
                self.begun.remove(&attempt);
                self.overdue.remove(&attempt);
                self.held.insert(attempt, held);
                None
            }
        }
    }

    /// Ends the attempts that this engine makes itself, because another one may have the run by now. Those of the
    /// keeper go on.
    pub fn give_up_own(&mut self) {
        for (attempt, given_up) in &mut self.own {
            if !std::mem::replace(given_up, true)
                && let Some(stopper) = self.begun.get(attempt)
            {
                stopper.stop();
            }
        }
    }

    /// The same, and waits a little for how they ended.
    pub async fn end_own(&mut self) -> Vec<Ended> {
        self.give_up_own();
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut ended = Vec::new();
        while !self.own.is_empty() {
            match tokio::time::timeout_at(until, self.ended()).await {
                Ok(Some(one)) => ended.push(one),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        ended
    }

    /// What keeps attempts from beginning, once nothing else is under way.
    pub fn held_up(&self) -> Option<(AttemptId, &Held)> {
        let (attempt, held) = self.held.first_key_value()?;
        self.begun.is_empty().then_some((*attempt, held))
    }

    /// Forgets an attempt whose end is in the journal, with what was kept of it until then.
    pub fn forget(&mut self, (attempt, outcome): &Ended) {
        self.begun.remove(attempt);
        self.overdue.remove(attempt);
        self.remove_values(*attempt);
        for place in 0..u32::try_from(outcome.produced.checks.len()).unwrap_or(0) {
            self.remove_values(AttemptId {
                purpose: Purpose::Check(place),
                ..*attempt
            });
        }
    }

    /// Removes the files that were kept of attempts, of which these records then said nothing: of looks at which it
    /// was not there yet.
    pub fn forget_evidence(&self, ended: &[Ended], records: &[Record]) {
        for (attempt, outcome) in ended {
            if outcome.produced.evidence.is_empty()
                || records.iter().any(|it| has_evidence(it, *attempt))
            {
                continue;
            }
            let directory = self.context.directory.evidence(*attempt);
            match std::fs::remove_dir_all(&directory) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::warn!(%error, directory = %directory.display(), "files that nobody needs were not removed");
                }
                _ => {}
            }
        }
    }

    /// Removes what an attempt wrote to `$PITON_OUTPUT`, which nothing masks.
    fn remove_values(&self, attempt: AttemptId) {
        let file = self.context.directory.values(attempt);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, file = %file.display(), "what a step wrote to $PITON_OUTPUT was not removed");
            }
            _ => {}
        }
    }

    /// Whether this engine is at an attempt.
    pub fn is_begun(&self, attempt: AttemptId) -> bool {
        self.begun.contains_key(&attempt)
    }

    /// Whether an end that was missed is still to be told, so that it is too early to call an attempt lost.
    pub fn is_catching_up(&self) -> bool {
        !self.overdue.is_empty()
    }

    /// Starts an attempt, unless this engine did before.
    pub fn start(&mut self, work: Work) {
        let beginning = Beginning::new(&work);
        self.begin(work, beginning);
    }

    /// Tells an attempt to end.
    pub fn stop(&mut self, attempt: AttemptId, reason: StopReason) {
        match reason {
            StopReason::Cancel | StopReason::Rewind | StopReason::Rollback => {
                if let Some(stopper) = self.begun.get(&attempt) {
                    stopper.stop();
                }
            }
        }
    }

    /// Attaches to an attempt that an engine on this host began and another one drives the run of: nothing is started.
    /// Gives its end if that is known at once; `None` may also mean that nobody knows yet.
    pub fn watch(&mut self, work: &Work, told: bool, engine_is_gone: bool) -> Option<Outcome> {
        if self.begun.contains_key(&work.attempt) {
            if told && let Some(stopper) = self.begun.get(&work.attempt) {
                stopper.stop();
            }
            return None;
        }
        let process = matches!(
            work.action(),
            Some(
                RenderedAction::Run { .. }
                    | RenderedAction::Exec { .. }
                    | RenderedAction::Checks(_)
            )
        );
        // An engine that is only stopped may still begin what it had recorded, and is heard when it goes on.
        if !engine_is_gone {
            return None;
        }
        if !process {
            let not_begun = self.context.engine_log.borrow().has_not_begun(work.attempt);
            return Some(if not_begun {
                let why = "its engine ended before it began";
                Outcome::not_succeeded(OutcomeStatus::NotStarted, why)
            } else {
                let why = "the engine ended while it ran";
                Outcome::not_succeeded(OutcomeStatus::Unknown, why)
            });
        }
        let beginning = Beginning {
            resumed: true,
            may_start: false,
            left: None,
        };
        self.begin(work.clone(), beginning);
        if told && let Some(stopper) = self.begun.get(&work.attempt) {
            stopper.stop();
        }
        None
    }

    /// Takes over the attempts that are under way according to the journal. Some of them have an outcome at once.
    pub fn take_over(&mut self, outstanding: &[Effect], now: Timestamp) -> Vec<Ended> {
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
                    let outcome = self.take_over_one(work, told, now);
                    ended.extend(outcome.map(|outcome| (work.attempt, outcome)));
                }
                Effect::Stop { attempt, reason } => self.stop(*attempt, *reason),
                _ => {}
            }
        }
        ended
    }

    fn take_over_one(&mut self, work: &Work, told: bool, now: Timestamp) -> Option<Outcome> {
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
            Some(
                RenderedAction::Sql { .. } | RenderedAction::Http(_) | RenderedAction::Notify(_),
            ) => {
                if !self.may_begin_again(work) {
                    return self.given_up(work, unknown());
                }
                if told {
                    let message = "was told to end before it was started";
                    return Some(Outcome::not_succeeded(OutcomeStatus::Stopped, message));
                }
                if late {
                    return Some(too_late());
                }
            }
            // Looking again does no harm, and a check that is still under way is found again by its id.
            Some(RenderedAction::Checks(_)) if late && !told => return Some(unknown()),
            _ if late => {
                self.overdue.insert(work.attempt);
            }
            _ => {}
        }
        self.begin(work.clone(), resumed);
        None
    }

    /// The outcome of an attempt that ended with its engine; it is told later if files are kept of it.
    fn given_up(&mut self, work: &Work, outcome: Outcome) -> Option<Outcome> {
        if work.inputs.evidence.is_empty() {
            return Some(outcome);
        }
        // It cannot be told to end any more, and is not lost while its files are copied.
        self.overdue.insert(work.attempt);
        self.begun.insert(work.attempt, stop_pair().0);
        let (context, sender) = (Rc::clone(&self.context), self.sender.clone());
        let (node, work) = (self.node(work.attempt), work.clone());
        tokio::task::spawn_local(async move {
            let outcome = given_up(&context, &node, &work, outcome).await;
            drop(sender.send((work.attempt, Ok(outcome))));
        });
        None
    }

    /// Whether an attempt that ended with its engine may be made again under the same id: looking again does no
    /// harm, a message may come twice, and of others none of it happened if they had not begun.
    fn may_begin_again(&self, work: &Work) -> bool {
        let harmless = match work.action() {
            Some(RenderedAction::Notify(_)) => true,
            Some(RenderedAction::Http(request)) => request.method.only_looks(),
            _ => false,
        };
        let log = self.context.engine_log.borrow();
        harmless || work.attempt.purpose.only_looks() || log.has_not_begun(work.attempt)
    }

    /// The name of the node that an attempt is of.
    fn node(&self, attempt: AttemptId) -> String {
        let node = self.plan.node(attempt.node);
        node.map(|node| node.id.clone()).unwrap_or_default()
    }

    fn begin(&mut self, work: Work, beginning: Beginning) {
        let attempt = work.attempt;
        if self.begun.contains_key(&attempt) {
            return;
        }
        let (stopper, signal) = stop_pair();
        self.begun.insert(attempt, stopper);
        if !matches!(
            work.action(),
            Some(RenderedAction::Run { .. } | RenderedAction::Exec { .. })
        ) {
            self.own.insert(attempt, false);
        }
        let node = self.node(attempt);
        debug_assert!(
            !matches!(attempt.purpose, Purpose::Check(_)),
            "checks are parts of an attempt"
        );
        let span = error_span!("attempt", node, pass = attempt.pass, %attempt);
        let made = make(
            Rc::clone(&self.context),
            node,
            work,
            beginning,
            signal,
            self.sender.clone(),
        );
        tokio::task::spawn_local(made.instrument(span));
    }
}

/// Whether a record says which files were kept of this attempt. One that cannot be read may.
fn has_evidence(record: &Record, of: AttemptId) -> bool {
    match record.fact() {
        Ok(Fact::AttemptEnded { attempt, result } | Fact::LateResult { attempt, result }) => {
            attempt == of && !result.evidence.is_empty()
        }
        Ok(_) => false,
        Err(_) => true,
    }
}

async fn make(
    context: Rc<Context>,
    node: String,
    work: Work,
    beginning: Beginning,
    signal: StopSignal,
    sender: mpsc::UnboundedSender<Told>,
) {
    tracing::debug!(resumed = beginning.resumed, "an attempt is made");
    let outcome = execute(&context, &node, &work, beginning, signal).await;
    match &outcome {
        Ok(outcome) => tracing::debug!(status = ?outcome.status, "an attempt ended"),
        Err(Held(why)) => tracing::warn!(why, "an attempt cannot begin"),
    }
    // Nobody listens when the driver leaves; the next one finds the attempt again.
    drop(sender.send((work.attempt, outcome)));
}

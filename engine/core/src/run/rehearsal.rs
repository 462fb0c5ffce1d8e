//! A run without a journal: the same transitions, nothing sealed, and results that may be supposed.

use super::effect::Effect;
use super::error::ProtocolError;
use super::event::Event;
use super::machine::{Head, Run, RunState, Writer};
use super::shape::Shape;
use super::state::{Frame, State};
use super::transitions;
use crate::id::{AttemptId, RunId};
use crate::plan::{NodeIndex, Plan};
use crate::record::{AttemptResult, Fact, Left, Question, RunOutcome, Start, UndoEntry};
use crate::time::Timestamp;
use std::sync::Arc;

/// Who is told each fact.
type Trace<'a> = &'a mut dyn FnMut(&Fact);

/// A run whose facts are told rather than written down. It takes the same steps as [`Run`] by the same code; a copy of
/// it is another way on from the same place.
#[derive(Clone, Debug)]
pub(crate) struct Rehearsal {
    run: Run,
}

impl Rehearsal {
    /// A new run: everything that can start does.
    pub(crate) fn create(
        plan: Arc<Plan>,
        start: Start,
        now: Timestamp,
        seen: Trace<'_>,
    ) -> (Rehearsal, Vec<Effect>) {
        let shape = Arc::new(Shape::of(&plan));
        let id = RunId("rehearsal".to_owned());
        let frame = Frame {
            plan: &plan,
            shape: &shape,
            at: now,
        };
        let state = State::new(id, start, shape.digest, &frame);
        let run = Run {
            plan,
            shape,
            state,
            head: Head::EMPTY,
            snapshot_at: 0,
        };
        let mut rehearsal = Rehearsal { run };
        let effects = rehearsal.go_on(None, now, seen);
        (rehearsal, effects)
    }

    /// Takes an event, as [`Run::handle`] does.
    ///
    /// # Errors
    /// The event is refused and the run is unchanged.
    pub(crate) fn handle(
        &mut self,
        event: Event,
        now: Timestamp,
        seen: Trace<'_>,
    ) -> Result<Vec<Effect>, ProtocolError> {
        let run = &self.run;
        let now = now.max(run.state.now);
        let admitted = transitions::admit(&run.plan, &run.shape, &run.state, event, now)?;
        Ok(self.go_on(admitted.fact, now, seen))
    }

    /// Ends an attempt with a result that nothing worked out.
    ///
    /// # Errors
    /// No such attempt is under way.
    pub(crate) fn suppose(
        &mut self,
        attempt: AttemptId,
        result: AttemptResult,
        now: Timestamp,
        seen: Trace<'_>,
    ) -> Result<Vec<Effect>, ProtocolError> {
        let now = now.max(self.run.state.now);
        let fact = transitions::suppose(&self.run.state, attempt, result)?;
        Ok(self.go_on(Some(fact), now, seen))
    }

    fn go_on(&mut self, fact: Option<Fact>, now: Timestamp, seen: Trace<'_>) -> Vec<Effect> {
        let run = &mut self.run;
        let mut writer = Writer {
            plan: &run.plan,
            shape: &run.shape,
            state: &mut run.state,
            head: &mut run.head,
            now,
            batch: super::Batch::default(),
            seen: Some(seen),
        };
        if let Some(fact) = &fact {
            writer.write(fact);
        }
        writer.settle();
        writer.batch.effects
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.run.plan
    }

    pub(crate) fn next_timeout(&self) -> Option<Timestamp> {
        self.run.next_timeout()
    }

    pub(crate) fn outcome(&self) -> Option<RunOutcome> {
        self.run.outcome()
    }

    pub(crate) fn questions(&self) -> impl Iterator<Item = &Question> {
        self.run.questions()
    }

    /// The question that is open for a node.
    pub(crate) fn question(&self, node: NodeIndex) -> Option<&Question> {
        let asking = self.run.state.node(node)?.asking.as_deref()?;
        Some(&asking.question)
    }

    /// Whether only an answer moves it on: nothing is under way, and no time brings anything but further calls.
    pub(crate) fn waits_for_an_answer(&self) -> bool {
        let agenda = &self.run.state.agenda;
        let state = &self.run.state;
        let goes_back = state.is_halting() || state.is_rolling_back();
        self.run.state() == RunState::Waiting && (goes_back || agenda.expiries.is_empty())
    }

    /// Whether people are, or will be, called because the run's clock runs.
    pub(crate) fn clock_calls(&self) -> bool {
        let state = &self.run.state;
        let calls = || Some(self.run.plan.targets.as_ref()?.rto.as_ref()?.page.is_some());
        state.clock.started.is_some() && state.clock.stopped.is_none() && calls() == Some(true)
    }

    /// The nodes of which an attempt runs.
    pub(crate) fn under_way(&self) -> Vec<NodeIndex> {
        self.run.in_flight().map(|attempt| attempt.node).collect()
    }

    /// What a rollback would still have to take back, or to ask about.
    pub(crate) fn not_taken_back(&self) -> Vec<UndoEntry> {
        let run = &self.run;
        transitions::not_taken_back(&run.plan, &run.shape, &run.state)
    }

    /// What was to be taken back, and was left.
    pub(crate) fn left(&self) -> &[Left] {
        &self.run.state.left
    }

    /// What other nodes can use of a node.
    pub(crate) fn outputs(
        &self,
        node: NodeIndex,
    ) -> Option<&std::collections::BTreeMap<String, crate::value::Value>> {
        self.run.state.node(node).map(|state| &state.outputs)
    }
}

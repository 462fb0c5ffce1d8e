//! Which attempts an engine that takes a run over can reach, and which are elsewhere.
//!
//! An attempt belongs to the host whose engine recorded its start. One that began on another host is neither started
//! nor undone here; the same holds for SQL and requests of an engine on this host that has not let go of the run and
//! is not provably dead. Only what does no harm when it is done twice is done again.

use crate::owner::{Liveness, Owner};
use crate::store::{Engaged, HostWord};
use piton_core::id::AttemptId;
use piton_core::record::{Fact, Record, RenderedAction};
use piton_core::run::{Event, Outcome, Work};
use std::collections::BTreeMap;

/// Where an attempt is, seen from the engine that drives the run now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Here: it is started, attached to, or known to have ended with its engine.
    Here,
    /// It ended with an engine on another host, as far as it was that engine's own; nobody knows how.
    Over,
    /// Nobody here knows whether it runs.
    Away {
        /// The host it began on.
        host: String,
        /// Why, for people.
        why: String,
    },
    /// It began on a host that somebody says is dead.
    Dead {
        /// What was said, for people.
        why: String,
    },
}

/// Everything by which an engine tells where attempts are.
#[derive(Debug)]
pub(super) struct Map<'a> {
    pub here: &'a Owner,
    /// The fence of the engine that drives the run now.
    pub fence: u64,
    pub engines: &'a [Engaged],
    /// The last word on each host.
    pub words: &'a BTreeMap<String, HostWord>,
}

impl Map<'_> {
    /// Whether all that began before this engine is within its reach, whichever engine began it.
    pub fn is_all_here(&self) -> bool {
        self.engines.iter().all(|engine| {
            engine.fence >= self.fence
                || (is_here(&engine.owner, self.here) && is_done(engine, self.here))
        })
    }

    /// The engine that does what this record says, unless it is from before engines were kept. That is the one that
    /// wrote it; what was written when the run was made is done by the first one.
    fn writer(&self, seq: u64) -> Option<&Engaged> {
        let wrote = self.engines.iter().rev().find(|it| it.after < seq);
        wrote.or_else(|| self.engines.iter().find(|it| it.fence == 1))
    }

    /// Where the attempt is whose start is this record.
    pub fn reach(&self, work: &Work, seq: u64) -> Reach {
        let Some(engine) = self.writer(seq) else {
            return Reach::Here;
        };
        let own = is_engines_own(work);
        if engine.fence >= self.fence || is_harmless(work) {
            return Reach::Here;
        }
        let (host, at) = (&engine.owner.host, engine.since);
        if is_here(&engine.owner, self.here) {
            // What a process does is found through its keeper.
            if !own || is_done(engine, self.here) {
                return Reach::Here;
            }
            return Reach::Away {
                host: host.clone(),
                why: format!(
                    "{}, which began it and lost the run, has not ended and may still be at it",
                    engine.owner
                ),
            };
        }
        if let Some(word) = self.words.get(host).filter(|word| word.dead) {
            return Reach::Dead {
                why: format!("host {host} is dead, as {} said: {}", word.by, word.reason),
            };
        }
        if own && engine.let_go.is_some() {
            return Reach::Over;
        }
        Reach::Away {
            host: host.clone(),
            why: format!(
                "{}, which drove the run from {at} on, began it there and does not answer",
                engine.owner
            ),
        }
    }
}

/// Whether what an engine did itself, rather than through the keeper, has ended.
fn is_done(engine: &Engaged, here: &Owner) -> bool {
    engine.let_go.is_some()
        || engine.owner == *here
        || engine.owner.liveness(here) == Liveness::Dead
}

/// Whether an engine is on this host.
pub(super) fn is_here(owner: &Owner, here: &Owner) -> bool {
    owner.host == here.host && owner.machine == here.machine
}

/// Whether the engine makes an attempt itself, so that it ends with it.
fn is_engines_own(work: &Work) -> bool {
    !matches!(
        work.action(),
        Some(RenderedAction::Run { .. } | RenderedAction::Exec { .. } | RenderedAction::Checks(_))
    )
}

/// Whether an attempt may be made twice at once: a message, or a look of which nothing is a process.
fn is_harmless(work: &Work) -> bool {
    let harmless = |action: &RenderedAction| match action {
        RenderedAction::Notify(_) => true,
        RenderedAction::Http(request) => request.method.only_looks(),
        RenderedAction::Sql { read_only, .. } => *read_only,
        _ => false,
    };
    match work.action() {
        Some(RenderedAction::Checks(checks)) => checks.iter().all(|check| harmless(&check.probe)),
        Some(action) => harmless(action),
        None => false,
    }
}

/// The records by which these attempts were started.
pub(super) fn starts<'r>(
    records: impl IntoIterator<Item = &'r Record>,
    of: &BTreeMap<AttemptId, Work>,
) -> BTreeMap<AttemptId, u64> {
    let mut found = BTreeMap::new();
    for record in records {
        if let Ok(Fact::AttemptStarted { attempt, .. }) = record.fact()
            && of.contains_key(&attempt)
        {
            found.insert(attempt, record.seq);
        }
    }
    found
}

/// What the core is told about an attempt that is there, given whether it took it for out of reach before.
pub(super) fn event(attempt: AttemptId, reach: Reach, was_away: bool) -> Option<Event> {
    let unknown = |why: String| Event::AttemptEnded {
        attempt,
        outcome: Outcome::not_succeeded(piton_core::record::OutcomeStatus::Unknown, why),
    };
    match reach {
        Reach::Here => was_away.then_some(Event::Reached { attempt }),
        Reach::Over => Some(unknown(
            "its engine let go of the run while it ran".to_owned(),
        )),
        Reach::Dead { why } => Some(unknown(why)),
        Reach::Away { host, why } => (!was_away).then_some(Event::Elsewhere { attempt, host, why }),
    }
}

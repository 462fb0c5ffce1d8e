//! Generated plans and what happens to them.

mod draw;
mod edits;
mod nodes;
mod scripts;

use crate::rules::tell_fact;
use draw::Draw;
use piton_core::plan::Plan;
use piton_core::record::{Fact, OutcomeStatus};
use piton_core::sim::{Ending, Ends, Replan, Script, Scripted, Simulator};
use piton_core::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt;

/// A plan and what happens to a run of it.
#[derive(Clone)]
pub struct World {
    pub plan: Plan,
    pub script: Script,
}

/// How many bytes what concerns the run as a whole is made from.
const RUN_BYTES: usize = 112;

/// How many facts of the story of a world that failed a test are told, from its end.
const TOLD: usize = 120;

impl fmt::Debug for World {
    /// The plan, what differs from the simplest script, and the story.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan {
            parallel,
            page,
            lock,
            ..
        } = &self.plan;
        writeln!(f, "parallel {parallel} page {page:?} lock {lock:?}")?;
        for node in &self.plan.nodes {
            writeln!(f, "{}", serde_json::to_string(node).unwrap_or_default())?;
        }
        let script = &self.script;
        let lists = script.attempts.iter();
        for ((node, purpose), list) in lists.filter(|(_, list)| list.iter().any(is_odd)) {
            writeln!(f, "{purpose:?} of {}: {list:?}", node.0)?;
        }
        for replan in &script.replans {
            writeln!(f, "edited at event {}:", replan.event)?;
            for node in &replan.plan.nodes {
                writeln!(f, "  {}", serde_json::to_string(node).unwrap_or_default())?;
            }
        }
        writeln!(f, "replies: {:?}", script.replies)?;
        writeln!(f, "usual: {:?}", script.usual)?;
        let (pages, locks) = (&script.pages, &script.locks);
        writeln!(
            f,
            "pages: {pages:?} locks: {locks:?} lag: {}",
            script.tick_lag
        )?;
        writeln!(
            f,
            "cancels: {:?} crashes: {:?}",
            script.cancels, script.crashes
        )?;
        writeln!(
            f,
            "pauses: {:?} failed commits: {:?} repeats: {:?} clocks off: {:?}",
            script.pauses, script.failed_commits, script.repeats, script.clocks_off
        )?;
        let (simulator, ending) = self.happen();
        let told = facts(&simulator);
        for (at, fact) in &told[told.len().saturating_sub(TOLD)..] {
            let since = at.since(told[0].0);
            writeln!(
                f,
                "{since:>8} {}",
                tell_fact(simulator.present_plan(), fact)
            )?;
        }
        writeln!(
            f,
            "ended {ending:?}; there is {:?}",
            simulator.world().left().collect::<Vec<_>>()
        )
    }
}

fn is_odd(scripted: &Scripted) -> bool {
    !matches!(&scripted.ends, Ends::With(outcome) if outcome.status == OutcomeStatus::Succeeded)
}

impl World {
    /// Lets it happen.
    pub fn happen(&self) -> (Simulator, Ending) {
        let mut simulator = Simulator::new(self.plan.clone(), self.script.clone());
        let ending = simulator.run();
        (simulator, ending)
    }
}

/// The facts that were written down, with their times.
pub fn facts(simulator: &Simulator) -> Vec<(Timestamp, Fact)> {
    simulator
        .records()
        .iter()
        .map(|record| (record.at, record.fact().unwrap()))
        .collect()
}

/// Worlds of every kind. Each comes to an end: people give up in the end, and what is never heard of has a limit.
pub fn worlds() -> impl Strategy<Value = World> {
    any_worlds(false)
}

/// Worlds in which what the run is told can be true: nothing goes on after it was ended, and people are honest.
pub fn orderly_worlds() -> impl Strategy<Value = World> {
    any_worlds(true)
}

/// Worlds in which people edit the runbook while the run goes on.
pub fn edited_worlds() -> impl Strategy<Value = World> {
    let edit = (0..60u32, vec(any::<u8>(), edits::BYTES));
    (worlds(), vec(edit, 1..=4)).prop_map(|(mut world, mut edits)| {
        edits.sort();
        let mut plan = world.plan.clone();
        for (event, bytes) in edits {
            // Some edit what they edited before, some begin with the file as it was.
            let of = if event % 2 == 0 { &plan } else { &world.plan };
            plan = edits::edit(of, &bytes);
            let plan = plan.clone();
            world.script.replans.push(Replan { event, plan });
        }
        world
    })
}

fn any_worlds(orderly: bool) -> impl Strategy<Value = World> {
    let node = (
        vec(any::<u8>(), nodes::NODE_BYTES),
        vec(any::<u8>(), scripts::NODE_BYTES),
    );
    (vec(node, 1..=12), vec(any::<u8>(), RUN_BYTES))
        .prop_map(move |(nodes, run)| made(nodes, &run, orderly))
}

/// The world that these bytes mean: two lists for each node, and one for the rest.
fn made(nodes: Vec<(Vec<u8>, Vec<u8>)>, run: &[u8], orderly: bool) -> World {
    let (drawn, happening): (Vec<_>, Vec<_>) = nodes.into_iter().unzip();
    let mut run = Draw::new(run);
    let plan = nodes::build(&drawn, &mut run);
    let script = scripts::build(&plan, &happening, &mut run, orderly);
    World { plan, script }
}

/// The world with this number; every other one is orderly. The same number always gives the same world.
pub fn world_of(seed: u64) -> (World, bool) {
    let mut state = seed;
    let mut bytes = |count: usize| -> Vec<u8> {
        let words = std::iter::repeat_with(|| scrambled(&mut state).to_le_bytes());
        words.flatten().take(count).collect()
    };
    let count = 1 + usize::from(bytes(1)[0]) % 12;
    let nodes = (0..count)
        .map(|_| (bytes(nodes::NODE_BYTES), bytes(scripts::NODE_BYTES)))
        .collect();
    let orderly = seed % 2 == 1;
    (made(nodes, &bytes(RUN_BYTES), orderly), orderly)
}

/// The next of a line of numbers that look drawn by lot (SplitMix64).
fn scrambled(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The generated worlds are worth their tests only while everything happens in them.
#[test]
fn everything_happens_in_some_world() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = |what: String| *seen.entry(what).or_default() += 1;
    for _ in 0..2000 {
        let world = worlds().new_tree(&mut runner).unwrap().current();
        let (simulator, ending) = world.happen();
        count(format!("{ending:?}"));
        count(
            if simulator.engines() > 1 {
                "crashed"
            } else {
                "not crashed"
            }
            .to_owned(),
        );
        if simulator.fenced_off() > 0 {
            count("fenced off".to_owned());
        }
        for (_, fact) in facts(&simulator) {
            let json = serde_json::to_value(&fact).unwrap();
            count(json["is"].as_str().unwrap().to_owned());
        }
        for refused in simulator
            .verdicts()
            .iter()
            .filter_map(|verdict| verdict.result.clone().err())
        {
            let name = format!("{refused:?}");
            count(name.split([' ', '{']).next().unwrap().to_owned());
        }
    }
    let expected = [
        "Over(Succeeded)",
        "Over(Failed)",
        "Over(Cancelled)",
        "Over(RolledBack)",
        "Over(PartlyRolledBack)",
        "Waiting",
        "crashed",
        "not crashed",
        "fenced off",
        "run_created",
        "node_started",
        "node_skipped",
        "attempt_started",
        "attempt_ended",
        "late_result",
        "stop_requested",
        "retry_scheduled",
        "question_opened",
        "answered",
        "question_expired",
        "question_voided",
        "node_succeeded",
        "node_failed",
        "cancel_requested",
        "cancel_refused",
        "response_taken",
        "node_reopened",
        "item_done",
        "look_scheduled",
        "lock_requested",
        "lock_taken",
        "gate_reopened",
        "undo_planned",
        "undo_started",
        "undo_retry_scheduled",
        "item_undone",
        "node_undone",
        "nothing_to_undo",
        "undo_wanted",
        "undo_left",
        "undo_failed",
        "undo_stopped",
        "rewound",
        "paged",
        "page_ended",
        "acknowledged",
        "taken",
        "clock_started",
        "clock_stopped",
        "clock_resumed",
        "loss_measured",
        "target_paged",
        "target_acknowledged",
        "finally_began",
        "run_ended",
        "Over",
        "AlreadyDecided",
        "Expired",
        "ShownChanged",
        "WrongAnswer",
        "MayNot",
        "Starter",
        "Twice",
        "AlreadyCancelled",
        "TakenBy",
        "NeverSkip",
        "NotConfirmed",
        "NotDone",
        "NotBefore",
        "NotNow",
        "NobodyCalled",
        "AcknowledgedBefore",
    ];
    let missing: Vec<_> = expected
        .iter()
        .filter(|what| !seen.contains_key(**what))
        .collect();
    assert!(
        missing.is_empty(),
        "never happened: {missing:?}; happened: {seen:#?}"
    );
}

/// The first attempt that runs.
pub fn first_in_flight(run: &piton_core::run::Run) -> Option<piton_core::id::AttemptId> {
    run.in_flight().next()
}

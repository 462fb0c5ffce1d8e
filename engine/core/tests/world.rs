//! Generated plans and what happens to them.

use piton_core::id::Purpose;
use piton_core::plan::{Interrupted, NodeIndex, Plan, Response, WorldEffect};
use piton_core::record::{Answer, Fact, OutcomeStatus};
use piton_core::sim::plans::{NodeBuilder, gate, plan, step};
use piton_core::sim::{Crash, CrashPoint, Ending, Reply, Script, Scripted, Simulator};
use piton_core::time::{Millis, Timestamp};
use proptest::collection::{btree_map, vec};
use proptest::option::weighted;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A plan and what happens to a run of it.
#[derive(Clone, Debug)]
pub struct World {
    pub plan: Plan,
    pub script: Script,
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
    (vec(draft(), 1..=12), 1..=4u32).prop_flat_map(|(drafts, parallel)| {
        let plan = build(&drafts, parallel);
        let silent: Vec<bool> = plan
            .nodes
            .iter()
            .map(|node| node.timeout.is_some())
            .collect();
        script(silent).prop_map(move |script| World {
            plan: plan.clone(),
            script,
        })
    })
}

#[derive(Clone, Debug)]
enum Draft {
    Step {
        effect_none: bool,
        idempotent: bool,
    },
    Checks,
    Approve {
        by_names: bool,
        count: u32,
        not_starter: bool,
        expires: Option<u64>,
    },
}

#[derive(Clone, Debug)]
struct NodeDraft {
    kind: Draft,
    /// How far back each need is.
    needs: Vec<usize>,
    retry: (u32, u64),
    timeout: Option<u64>,
    interrupted: u8,
    goes_on: bool,
    when: u8,
    uses_output: bool,
}

fn draft() -> impl Strategy<Value = NodeDraft> {
    let kind = prop_oneof![
        4 => (any::<bool>(), any::<bool>()).prop_map(|(effect_none, idempotent)| Draft::Step { effect_none, idempotent }),
        1 => Just(Draft::Checks),
        2 => (any::<bool>(), 1..=2u32, any::<bool>(), weighted(0.6, prop_oneof![Just(5_000u64), Just(60_000)]))
            .prop_map(|(by_names, count, not_starter, expires)| Draft::Approve { by_names, count, not_starter, expires }),
    ];
    (
        kind,
        vec(1..4usize, 0..3),
        (0..3u32, prop_oneof![Just(0u64), Just(500), Just(5_000)]),
        weighted(0.5, prop_oneof![Just(2_000u64), Just(10_000)]),
        0..4u8,
        prop::bool::weighted(0.75),
        0..8u8,
        any::<bool>(),
    )
        .prop_map(
            |(kind, needs, retry, timeout, interrupted, goes_on, when, uses_output)| NodeDraft {
                kind,
                needs,
                retry,
                timeout,
                interrupted,
                goes_on,
                when,
                uses_output,
            },
        )
}

fn build(drafts: &[NodeDraft], parallel: u32) -> Plan {
    let mut builder = plan("generated").parallel(parallel);
    for (at, draft) in drafts.iter().enumerate() {
        builder = builder.node(node(at, draft));
    }
    builder.build().unwrap()
}

fn node(at: usize, draft: &NodeDraft) -> NodeBuilder {
    let id = format!("n{at}");
    let mut node = match draft.kind {
        Draft::Step {
            effect_none,
            idempotent,
        } => {
            let node = step(&id).output("x", "stdout");
            let node = if effect_none {
                node.effect(WorldEffect::None)
            } else {
                node
            };
            if idempotent { node.idempotent() } else { node }
        }
        Draft::Checks => {
            gate(&id)
                .check("one", ":", None)
                .check("two", ":", Some("stdout == 'ok'"))
        }
        Draft::Approve {
            by_names,
            count,
            not_starter,
            expires,
        } => gate(&id)
            .approve(if by_names { &["ann", "bob"] } else { &[] })
            .approval(|approve| {
                approve.count = count;
                approve.not_starter = not_starter;
                approve.expires = expires.map(Millis);
            }),
    };
    let mut needs: Vec<String> = draft
        .needs
        .iter()
        .filter_map(|back| at.checked_sub(*back))
        .map(|need| format!("n{need}"))
        .collect();
    needs.dedup();
    node = node.needs(&needs.iter().map(String::as_str).collect::<Vec<_>>());
    if let Some(first) = needs.first() {
        match draft.when {
            0 => node = node.when(&format!("steps.{first}.status == 'succeeded'")),
            1 => node = node.when("false"),
            _ => {}
        }
        if draft.uses_output && draft.when == 2 {
            node = node.env("X", &format!("${{{{ steps.{first}.outputs.x }}}}"));
        }
    }
    node = match draft.interrupted {
        0 => node.interrupted(Interrupted::Ask),
        1 => node.interrupted(Interrupted::Rerun),
        2 => node.interrupted(Interrupted::Fail),
        _ => node.probe("true"),
    };
    if let Some(timeout) = draft.timeout {
        node = node.timeout(Millis(timeout));
    }
    let response = if draft.goes_on {
        Response::Continue
    } else {
        Response::Stop
    };
    node.retry(draft.retry.0, Millis(draft.retry.1))
        .on_fail(response)
}

fn scripted(may_be_silent: bool) -> impl Strategy<Value = Scripted> {
    let ends = (0..15_000u64, 0..14u8, any::<bool>());
    ends.prop_map(move |(takes, how, deaf)| {
        let takes = Millis(takes);
        let scripted = match how {
            0..=5 => Scripted::succeeds(takes, "ok\n"),
            6..=7 => Scripted::ends(takes, OutcomeStatus::Failed, "it said no"),
            8 => Scripted::ends(takes, OutcomeStatus::TimedOut, "it took too long"),
            9..=10 => Scripted::ends(takes, OutcomeStatus::Unknown, "the line went dead"),
            11 if may_be_silent => return Scripted::silent(),
            12..=13 if may_be_silent => {
                Scripted::succeeds(Millis(takes.0 * 8), "ok\n").overrunning()
            }
            _ => Scripted::ends(takes, OutcomeStatus::Failed, "it said no"),
        };
        if deaf {
            scripted.ignoring_stop()
        } else {
            scripted
        }
    })
}

fn reply() -> impl Strategy<Value = Reply> {
    let names = prop_oneof![
        Just("ann"),
        Just("bob"),
        Just("cat"),
        Just("starter"),
        Just("starter@here")
    ];
    let answers = prop_oneof![
        4 => Just(Answer::Approve),
        1 => Just(Answer::Reject),
        2 => Just(Answer::Succeeded { outputs: BTreeMap::new() }),
        2 => Just(Answer::DidNotHappen),
        1 => Just(Answer::Failed),
    ];
    (
        prop_oneof![0..20_000u64, 4_900..8_000u64],
        names,
        answers,
        0..10u8,
    )
        .prop_map(|(after, by, answer, about)| Reply {
            about_something_else: about == 0,
            ..Reply::new(Millis(after), by, answer)
        })
}

fn crash() -> impl Strategy<Value = Crash> {
    let points = prop_oneof![
        Just(CrashPoint::BeforeCommit),
        Just(CrashPoint::AcknowledgementLost),
        Just(CrashPoint::AfterCommit),
        (0..3usize).prop_map(CrashPoint::AfterEffect),
        Just(CrashPoint::NotPosted),
        Just(CrashPoint::NotConsumed),
    ];
    (0..30u32, points, prop::bool::weighted(0.2)).prop_map(|(event, point, with_keeper)| Crash {
        event,
        point,
        with_keeper,
    })
}

fn script(may_be_silent: Vec<bool>) -> impl Strategy<Value = Script> {
    let nodes = may_be_silent.len() as u32;
    let attempts: Vec<_> = may_be_silent
        .iter()
        .map(|&silent| (vec(scripted(silent), 1..4), vec(scripted(silent), 1..3)))
        .collect();
    let replies = btree_map(
        (0..nodes).prop_map(NodeIndex),
        vec(vec(reply(), 0..6), 0..3),
        0..=nodes as usize,
    );
    let cancels = prop_oneof![5 => Just(vec![]), 1 => vec((0..60_000u64).prop_map(Millis), 1..3)];
    let crashes = prop_oneof![1 => Just(vec![]), 3 => vec(crash(), 1..8)];
    let lag = prop_oneof![Just(Millis(0)), Just(Millis(3_000)), Just(Millis(30_000))];
    (
        attempts,
        replies,
        cancels,
        crashes,
        lag,
        weighted(0.5, 1..8u64),
    )
        .prop_map(
            |(attempts, replies, cancels, crashes, tick_lag, snapshot_every)| {
                let mut by_attempt = BTreeMap::new();
                for (node, (done, probed)) in (0..).map(NodeIndex).zip(attempts) {
                    by_attempt.insert((node, Purpose::Do), done);
                    by_attempt.insert((node, Purpose::Probe), probed);
                }
                let usual_replies = vec![
                    Reply::new(Millis(1_000), "ann", Answer::Approve),
                    Reply::new(Millis(2_000), "bob", Answer::Approve),
                    Reply::new(Millis(3_000), "cat", Answer::Failed),
                ];
                Script {
                    attempts: by_attempt,
                    replies,
                    usual_replies,
                    cancels,
                    crashes,
                    tick_lag,
                    snapshot_every,
                }
            },
        )
}

/// The generated worlds are worth their tests only while everything happens in them.
#[test]
fn everything_happens_in_some_world() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = |what: String| *seen.entry(what).or_default() += 1;
    for _ in 0..400 {
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
        "Waiting",
        "crashed",
        "not crashed",
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

//! The journals that are kept: small ones of each thing a run can do, and as many generated ones as it takes to have
//! every kind of fact.

use crate::world::{edited_worlds, facts};
use piton_core::id::{AttemptId, Purpose};
use piton_core::plan::{CallPart, NodeIndex};
use piton_core::record::{Answer, Evidence, Kept};
use piton_core::run::{Event, Outcome, Produced};
use piton_core::sim::plans::{PlanBuilder, chain, gate, plan, step};
use piton_core::sim::{Asked, CrashPoint, Ends, Replan, Reply, Script, Scripted, Simulator};
use piton_core::time::Millis;
use proptest::strategy::{Strategy as _, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;

/// Every kind of fact that this version writes.
pub const KINDS: [&str; 51] = [
    "run_created",
    "node_started",
    "node_skipped",
    "attempt_started",
    "attempt_elsewhere",
    "attempt_reached",
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
    "response_taken",
    "node_reopened",
    "node_assumed",
    "item_done",
    "look_scheduled",
    "lock_requested",
    "lock_taken",
    "lock_expired",
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
    "cancel_requested",
    "cancel_refused",
    "replanned",
    "finally_began",
    "run_ended",
];

fn second(number: u64) -> Millis {
    Millis(number * 1_000)
}

fn with_people(name: &str) -> PlanBuilder {
    plan(name)
        .contact("ann", &["lead"])
        .contact("bob", &[])
        .escalation(
            "pol",
            &[(&["ann"], Some(second(60))), (&["bob"], None)],
            second(300),
        )
        .page("pol")
}

fn of(plan: PlanBuilder, script: Script) -> Simulator {
    let mut simulator = Simulator::new(plan.build().unwrap(), script);
    simulator.run();
    simulator
}

/// A step on a host that does not answer, that comes within reach again, and that does not once more.
fn elsewhere() -> Simulator {
    let plan = with_people("elsewhere").node(step("s").script("work"));
    let mut simulator = Simulator::new(plan.build().unwrap(), Script::default());
    let attempt = AttemptId {
        node: NodeIndex(0),
        pass: 1,
        purpose: Purpose::Do,
        number: 1,
    };
    let away = || Event::Elsewhere {
        attempt,
        host: "rack-7".to_owned(),
        why: "it does not answer".to_owned(),
    };
    simulator.send(away());
    simulator.send(Event::Reached { attempt });
    simulator.send(away());
    simulator.run();
    simulator
}

/// The journals by their names.
pub fn all() -> Vec<(String, Simulator)> {
    let mut all: Vec<(String, Simulator)> = by_hand()
        .into_iter()
        .map(|(name, simulator)| (name.to_owned(), simulator))
        .collect();
    let mut missing: BTreeSet<String> = KINDS.iter().map(|&kind| kind.to_owned()).collect();
    for (_, simulator) in &all {
        kinds(simulator).iter().for_each(|kind| {
            missing.remove(kind);
        });
    }
    let mut runner = TestRunner::deterministic();
    for _ in 0..20_000 {
        if missing.is_empty() {
            break;
        }
        let world = edited_worlds().new_tree(&mut runner).unwrap().current();
        let (simulator, _) = world.happen();
        let found = kinds(&simulator);
        let news = found.iter().filter(|kind| missing.contains(*kind)).count();
        // Few and short ones, that each bring several.
        if news >= missing.len().div_ceil(3) && simulator.records().len() < 250 {
            found.iter().for_each(|kind| {
                missing.remove(kind);
            });
            let number = all.len();
            all.push((format!("generated-{number:02}"), simulator));
        }
    }
    all
}

fn kinds(simulator: &Simulator) -> BTreeSet<String> {
    let kind = |fact: &piton_core::record::Fact| {
        let json = serde_json::to_value(fact).unwrap();
        json["is"].as_str().unwrap().to_owned()
    };
    facts(simulator)
        .iter()
        .map(|(_, fact)| kind(fact))
        .collect()
}

fn by_hand() -> Vec<(&'static str, Simulator)> {
    let mut chained = Simulator::new(chain(4), Script::default());
    chained.run();
    vec![
        ("chain", chained),
        ("crash", crash()),
        ("approval", approval()),
        ("escalation", escalation()),
        ("rewind", rewind()),
        ("rollback", rollback()),
        ("cancel", cancel()),
        ("items", items()),
        ("call", call()),
        ("finally", finally()),
        ("targets", targets()),
        ("evidence", evidence()),
        ("assumed", assumed()),
        ("edited", edited()),
        ("waits", waits()),
        ("locked-out", locked_out()),
        ("elsewhere", elsewhere()),
    ]
}

fn crash() -> Simulator {
    let nodes = plan("crash")
        .node(step("a").script("a").output("x", "stdout"))
        .node(step("b").needs(&["a"]).env("X", "${{ steps.a.outputs.x }}"));
    let script = Script::default()
        .crash(2, CrashPoint::AfterEffect(0), true)
        .usually(
            Asked::Interrupted,
            [Reply::new(second(3), "ann", Answer::DidNotHappen)],
        );
    of(nodes, script)
}

fn approval() -> Simulator {
    let nodes = with_people("approval")
        .param("name", "night".into())
        .node(gate("go").approve(&["lead"]).expires(second(900)))
        .node(step("a").needs(&["go"]).env("N", "${{ params.name }}"))
        .node(step("m").needs(&["a"]).manual("do it").tick("done"));
    let script = Script::default()
        .replies(0, [Reply::new(second(90), "ann", Answer::Approve)])
        .usually(
            Asked::Manual,
            [Reply::new(
                second(5),
                "bob",
                Answer::Done {
                    answers: Default::default(),
                    ticked: 1,
                },
            )],
        );
    of(nodes, script)
}

fn escalation() -> Simulator {
    let nodes = with_people("escalation")
        .node(step("a").retry(1, second(2)).escalate("pol", None))
        .node(step("b").needs(&["a"]));
    let script = Script::default()
        .attempts(
            0,
            [
                Scripted::fails(second(1), "no"),
                Scripted::fails(second(1), "no again"),
                Scripted::succeeds(second(1), "yes"),
            ],
        )
        .usually(
            Asked::Failed,
            [
                Reply::acknowledges(second(10), "ann"),
                Reply::new(second(100), "ann", Answer::Retry),
            ],
        );
    of(nodes, script)
}

fn rewind() -> Simulator {
    let nodes = with_people("rewind")
        .node(step("a").undo("back a").capture("before"))
        .node(step("b").needs(&["a"]).undo("back b"))
        .node(
            gate("ok")
                .script("look")
                .needs(&["b"])
                .rewind("a", 1)
                .rollback(),
        );
    let script = Script::default().attempts(
        2,
        [
            Scripted::fails(second(1), "wrong"),
            Scripted::succeeds(second(1), ""),
        ],
    );
    of(nodes, script)
}

fn rollback() -> Simulator {
    let nodes = with_people("rollback")
        .node(step("a").undo("back"))
        .node(step("b").irreversible().needs(&["a"]))
        .node(step("c").needs(&["b"]).undo("back").rollback());
    let script = Script::default()
        .attempts(2, [Scripted::fails(second(1), "no")])
        .undos(0, [Scripted::succeeds(second(2), "")])
        .usually(
            Asked::Undo,
            [Reply::new(second(5), "ann", Answer::AbandonUndo)],
        );
    of(nodes, script)
}

fn cancel() -> Simulator {
    let nodes = plan("cancel")
        .node(step("a").undo("back"))
        .node(step("b").needs(&["a"]).undo("back"));
    let script = Script::default()
        .cancelled(Millis(1_500), true)
        .cancelled(Millis(1_600), false);
    of(nodes, script)
}

fn items() -> Simulator {
    let nodes = plan("items").node(
        step("each")
            .script("echo")
            .env("ITEM", "${{ item }}")
            .for_each("['a', 'b', 'c']")
            .undo("back")
            .rollback(),
    );
    let script = Script::default().attempts(
        0,
        [
            Scripted::succeeds(second(1), ""),
            Scripted::fails(second(1), "no"),
        ],
    );
    of(nodes, script)
}

fn call() -> Simulator {
    let nodes = plan("call")
        .scope("x/", "x:begin")
        .node(
            step("x:begin")
                .call(CallPart::Begin, None)
                .output("size", "2 + 1"),
        )
        .node(
            step("x/a")
                .needs(&["x:begin"])
                .part_of("x", 0)
                .env("SIZE", "${{ params.size }}")
                .output("got", "stdout"),
        )
        .node(
            step("x")
                .call(CallPart::End, Some(0))
                .needs(&["x/a"])
                .output("result", "steps.a.outputs.got"),
        );
    of(nodes, Script::default())
}

fn finally() -> Simulator {
    let nodes = plan("finally")
        .lock(&["the-run"], second(60))
        .node(step("a"))
        .node(step("skipped").when("false").needs(&["a"]))
        .node(step("clean").script("rm").finally());
    let script = Script::default().attempts(0, [Scripted::fails(second(1), "no")]);
    of(nodes, script)
}

fn targets() -> Simulator {
    let nodes = with_people("targets")
        .rto(second(30), (None, Some("b")), Some(second(10)), Some("pol"))
        .rpo(second(60), "duration('3s')")
        .node(step("a"))
        .node(step("b").needs(&["a"]));
    let script = Script {
        clock_seen: Some(second(2)),
        ..Script::default()
    };
    let script = script.attempts(0, [Scripted::succeeds(second(40), "")]);
    of(nodes, script)
}

fn evidence() -> Simulator {
    let nodes = plan("evidence").node(step("a").script("report").evidence("report.txt"));
    let kept = Kept {
        name: "0-report.txt".to_owned(),
        bytes: 6,
        sha256: piton_core::digest::Digest::of(&[b"report"]),
        end_of: None,
    };
    let produced = Produced {
        exit_code: Some(0),
        stdout: Some(String::new()),
        evidence: vec![Evidence {
            file: "report.txt".to_owned(),
            kept: Some(kept),
            why: String::new(),
        }],
        ..Produced::default()
    };
    let mut ends = Scripted::succeeds(second(1), "");
    ends.ends = Ends::With(Outcome::succeeded(produced));
    of(nodes, Script::default().attempts(0, [ends]))
}

fn assumed() -> Simulator {
    let nodes = plan("assumed")
        .node(step("a").output("x", "stdout"))
        .node(step("b").needs(&["a"]).env("X", "${{ steps.a.outputs.x }}"));
    let outputs = [("x".to_owned(), "by hand".into())].into();
    let mut simulator =
        Simulator::new(nodes.build().unwrap(), Script::default()).assuming(0, outputs);
    simulator.run();
    simulator
}

fn edited() -> Simulator {
    let with = |script: &str, more: bool| {
        let mut nodes = with_people("edited")
            .node(step("a").undo("back"))
            .node(gate("go").approve(&[]).needs(&["a"]))
            .node(step("b").script(script).needs(&["go"]));
        if more {
            nodes = nodes.node(step("c").script("new").needs(&["b"]));
        } else {
            nodes = nodes.node(step("d").script("old").needs(&["b"]));
        }
        nodes
    };
    let mut script = Script::default().usually(
        Asked::Approve,
        [Reply::new(second(30), "ann", Answer::Approve)],
    );
    script.replans.push(Replan {
        event: 3,
        plan: with("better", true).build().unwrap(),
    });
    of(with("first", false), script)
}

fn waits() -> Simulator {
    let nodes = plan("waits")
        .node(step("w").wait_for(second(60)))
        .node(
            step("u")
                .until("value == true", second(5))
                .looks()
                .timeout(second(60))
                .needs(&["w"])
                .lock(&["one"], second(30)),
        )
        .node(step("never").needs(&["u"]).lock(&["two"], second(10)));
    let looks = ["false", "false", "true"];
    let script = Script::default()
        .attempts(1, looks.map(|look| Scripted::succeeds(second(1), look)))
        .locks(Some(2), [piton_core::sim::Locking::Never]);
    of(nodes, script)
}

fn locked_out() -> Simulator {
    let nodes = plan("locked-out")
        .lock(&["the-run"], second(10))
        .node(step("a"));
    let script = Script::default().locks(None, [piton_core::sim::Locking::Never]);
    of(nodes, script)
}

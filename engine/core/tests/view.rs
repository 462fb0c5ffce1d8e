//! What people are shown.

mod facts;

use crate::world::worlds;
use piton_core::record::{Answer, OutcomeStatus};
use piton_core::run::{Run, RunState};
use piton_core::sim::plans::{gate, plan, step};
use piton_core::sim::{Ending, Reply, Script, Scripted, Simulator};
use piton_core::time::Millis;
use piton_core::view::{NodeStanding, RunView};
use proptest::prelude::*;

#[test]
fn a_view_tells_what_happened() {
    let nodes = plan("drill")
        .node(step("a").output("x", "stdout").retry(1, Millis(500)))
        .node(gate("go").approve(&[]).needs(&["a"]))
        .node(step("b").needs(&["go"]).when("false"))
        .node(step("c").needs(&["b"]));
    let script = Script::default()
        .attempts(
            0,
            [
                Scripted::ends(Millis(1_000), OutcomeStatus::Failed, "no"),
                Scripted::succeeds(Millis(1_000), "1\n"),
            ],
        )
        .attempts(
            3,
            [Scripted::ends(
                Millis(1_000),
                OutcomeStatus::Failed,
                "never",
            )],
        )
        .replies(1, [Reply::new(Millis(60_000), "ann", Answer::Approve)]);
    let mut simulator = Simulator::new(nodes.build().unwrap(), script);
    assert_eq!(
        simulator.run(),
        Ending::Over(piton_core::record::RunOutcome::Failed)
    );
    let view = RunView::of(simulator.plan(), simulator.records().to_vec()).unwrap();
    assert_eq!(
        (view.id.as_str(), view.runbook.as_str(), view.state),
        ("simulated", "drill", RunState::Failed)
    );
    let [a, go, b, c] = &view.nodes[..] else {
        panic!("{view:?}")
    };
    assert_eq!(
        (a.state, a.attempts.len(), a.message.as_str()),
        (NodeStanding::Succeeded, 2, "")
    );
    assert_eq!(a.attempts[0].id, "n0.p1.a1");
    assert_eq!(
        (a.attempts[0].status, a.attempts[0].message.as_str()),
        (Some(OutcomeStatus::Failed), "no")
    );
    assert_eq!(a.attempts[1].exit_code, Some(0));
    assert_eq!(a.ended.unwrap().since(a.started.unwrap()), Millis(2_500));
    assert_eq!(go.state, NodeStanding::Succeeded);
    let question = go.question.as_ref().unwrap();
    assert_eq!(
        (
            question.answers[0].by.name.as_str(),
            &question.answers[0].answer
        ),
        ("ann", &Answer::Approve)
    );
    assert_eq!(
        (b.state, b.message.as_str()),
        (NodeStanding::Skipped, "its `when` was false")
    );
    assert_eq!(
        (c.state, c.message.as_str(), c.needs.as_slice()),
        (NodeStanding::Failed, "never", &["b".to_owned()][..])
    );
    let json = serde_json::to_value(&view).unwrap();
    assert_eq!(json["nodes"][0]["outputs"]["x"], "1");
    assert_eq!(json["nodes"][1]["question"]["is"], "approve");
    assert_eq!(json["outcome"], "failed");
}

#[test]
fn a_view_of_a_waiting_run_has_the_question_to_answer() {
    let nodes = plan("drill").node(gate("go").approve(&["ann"]));
    let mut simulator = Simulator::new(nodes.build().unwrap(), Script::default());
    assert_eq!(simulator.run(), Ending::Waiting);
    let view = RunView::of(simulator.plan(), simulator.records().to_vec()).unwrap();
    let run = &simulator.commits().last().unwrap().run;
    assert_eq!(view.state, RunState::Waiting);
    assert_eq!(
        view.questions[0].shown,
        run.questions().next().unwrap().shown
    );
    assert_eq!(view.questions[0].node, "go");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// At every commit the view, fed record by record, says the same as the machine.
    #[test]
    fn a_view_agrees_with_the_run(world in worlds()) {
        check_view(&world.happen().0)?;
    }
}

pub fn check_view(simulator: &Simulator) -> Result<(), TestCaseError> {
    let mut view = RunView::new(simulator.plan());
    let mut from = 0;
    for commit in simulator.commits() {
        for record in &simulator.records()[from..commit.through as usize] {
            view.apply(record).unwrap();
        }
        from = commit.through as usize;
        let run: &Run = &commit.run;
        prop_assert_eq!(view.state, run.state());
        prop_assert_eq!(view.outcome, run.outcome());
        prop_assert_eq!(view.head, run.head());
        let questions = view.questions.iter();
        let mut open: Vec<_> = questions.map(|asked| (asked.index, asked.shown)).collect();
        open.sort();
        let asked = run.questions().map(|asked| (asked.node, asked.shown));
        prop_assert_eq!(open, asked.collect::<Vec<_>>());
        let attempts = view.nodes.iter().flat_map(|node| &node.attempts);
        let running = attempts.filter(|attempt| attempt.status.is_none());
        let mut running: Vec<_> = running.map(|attempt| attempt.id.clone()).collect();
        running.sort();
        let mut in_flight: Vec<_> = run.in_flight().map(|attempt| attempt.to_string()).collect();
        in_flight.sort();
        prop_assert_eq!(running, in_flight);
        let names = view.nodes.iter().map(|node| &node.id);
        prop_assert!(names.eq(run.plan().nodes.iter().map(|node| &node.id)));
    }
    Ok(())
}

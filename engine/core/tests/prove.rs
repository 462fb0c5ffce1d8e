//! Trying out everything that can go wrong: what each way ends in, and what of it is an error.

use piton_core::id::Purpose;
use piton_core::plan::{NodeIndex, Plan};
use piton_core::prove::{
    Ending, Explored, Fate, Fault, Found, Hold, Limits, Step, assume, explore,
};
use piton_core::record::Answer;
use piton_core::sim::Asked;
use piton_core::sim::plans::{PlanBuilder, gate, plan, start, step};
use piton_core::time::{Millis, Timestamp};
use std::collections::BTreeSet;

const MINUTE: Millis = Millis(60_000);

fn all(plan: &Plan) -> Explored {
    up_to(plan, 2)
}

fn up_to(plan: &Plan, failures: u32) -> Explored {
    let assumed = assume(plan, &BTreeSet::new());
    let limits = Limits {
        failures,
        runs: 1_000_000,
    };
    explore(&assumed, &start(), Timestamp(1_700_000_000_000), limits)
}

fn built(plan: PlanBuilder) -> Plan {
    plan.build().unwrap()
}

fn runs(explored: &Explored, ending: Ending) -> u64 {
    explored.endings.get(&ending).copied().unwrap_or_default()
}

fn only(explored: &Explored) -> &Found {
    assert_eq!(explored.faults.len(), 1, "{:#?}", explored.faults);
    &explored.faults[0]
}

fn ends(node: u32, fate: Fate, hold: Hold) -> Step {
    Step::Ends {
        node: NodeIndex(node),
        pass: 1,
        purpose: Purpose::Do,
        item: None,
        fate,
        hold,
    }
}

/// On call is called for whatever asks.
fn called(name: &str) -> PlanBuilder {
    let level: &[(&[&str], Option<Millis>)] = &[(&["ann"], Some(MINUTE))];
    plan(name)
        .contact("ann", &[])
        .escalation("ops", level, MINUTE)
        .page("ops")
}

#[test]
fn one_step_has_as_many_ways_as_it_can_end_in() {
    let one = built(plan("p").node(step("a").looks().timeout(MINUTE).stop()));
    let explored = all(&one);
    // Well; it fails; it times out; nobody knows, once or each time: then it is done again.
    assert_eq!(explored.runs, 5);
    assert_eq!(runs(&explored, Ending::Succeeded), 2);
    assert_eq!(runs(&explored, Ending::StoppedAsStated), 3);
    assert_eq!(explored.unexplored, 0);
    assert_eq!(explored.faults, []);
}

#[test]
fn every_pair_is_met_and_each_once() {
    // Each of three independent looks may fail in one way; `continue` lets all of them have their turn.
    let looks = |id| gate(id).timeout(MINUTE).go_on();
    let three = built(plan("p").node(looks("a")).node(looks("b")).node(looks("c")));
    // Failing, timing out, and not being known once or always: four ways each.
    assert_eq!(up_to(&three, 0).runs, 1);
    assert_eq!(up_to(&three, 1).runs, 1 + 3 * 4);
    assert_eq!(up_to(&three, 2).runs, 1 + 3 * 4 + 3 * 16);
    assert_eq!(up_to(&three, 3).runs, 1 + 3 * 4 + 3 * 16 + 64);
}

#[test]
fn a_failure_without_a_response_leaves_what_was_done_half_done() {
    let plan = built(
        plan("p")
            .node(step("a").undo("back").timeout(MINUTE).undo_timeout(MINUTE))
            .node(step("b").looks().needs(&["a"]).timeout(MINUTE)),
    );
    let explored = all(&plan);
    let [of_a, of_b] = explored.faults.as_slice() else {
        panic!("{:#?}", explored.faults)
    };
    assert_eq!(of_a.fault, Fault::HalfDone);
    assert_eq!(of_a.at, Some(NodeIndex(0)));
    assert_eq!(of_b.at, Some(NodeIndex(1)));
    assert_eq!(of_b.nodes, [NodeIndex(0)]);
    assert_eq!(of_b.steps.len(), 1);
}

#[test]
fn what_the_author_says_of_a_failure_is_no_error() {
    let with = |b: piton_core::sim::plans::NodeBuilder| {
        let a = step("a").undo("back").timeout(MINUTE).undo_timeout(MINUTE);
        built(called("p").node(a.undo_after_started().rollback()).node(b))
    };
    let stops = all(&with(gate("b").needs(&["a"]).timeout(MINUTE).stop()));
    assert_eq!(stops.faults, []);
    assert!(runs(&stops, Ending::StoppedAsStated) > 0);
    let goes_back = all(&with(gate("b").needs(&["a"]).timeout(MINUTE).rollback()));
    assert_eq!(goes_back.faults, []);
    assert!(runs(&goes_back, Ending::RolledBack) > 0);
    // An undo that fails is asked about, and somebody is called for that.
    assert!(runs(&goes_back, Ending::WaitingPaged) > 0);
    let asks = all(&with(
        gate("b")
            .needs(&["a"])
            .timeout(MINUTE)
            .escalate("ops", None),
    ));
    assert_eq!(asks.faults, []);
    assert!(runs(&asks, Ending::WaitingPaged) > 0);
}

#[test]
fn a_rewind_that_is_used_up_has_nothing_behind_it() {
    let plan = built(
        called("p")
            .node(
                step("a")
                    .undo("back")
                    .undo_after_started()
                    .timeout(MINUTE)
                    .undo_timeout(MINUTE)
                    .rollback(),
            )
            .node(gate("b").needs(&["a"]).timeout(MINUTE).rewind("a", 1)),
    );
    let explored = all(&plan);
    let found = only(&explored);
    assert_eq!(
        (found.fault, found.at),
        (Fault::HalfDone, Some(NodeIndex(1)))
    );
    // Once is not enough: the second pass goes well then.
    assert!(
        matches!(
            found.steps.as_slice(),
            [Step::Ends {
                hold: Hold::Always,
                ..
            }]
        ),
        "{found:#?}"
    );
}

#[test]
fn a_pair_is_told_of_only_where_one_failure_is_not_enough() {
    // The undo of `a` has no time limit: it takes a rollback and an undo that hangs.
    let plan = built(
        called("p")
            .node(
                step("a")
                    .undo("back")
                    .undo_after_started()
                    .timeout(MINUTE)
                    .rollback(),
            )
            .node(gate("b").needs(&["a"]).timeout(MINUTE).rollback()),
    );
    let explored = all(&plan);
    let found = only(&explored);
    assert_eq!(
        (found.fault, found.nodes.as_slice()),
        (Fault::Stuck, &[NodeIndex(0)][..])
    );
    let [first, second] = found.steps.as_slice() else {
        panic!("{found:#?}")
    };
    assert!(matches!(
        first,
        Step::Ends {
            purpose: Purpose::Do,
            ..
        }
    ));
    assert!(matches!(
        second,
        Step::Ends {
            purpose: Purpose::Undo,
            fate: Fate::TimesOut,
            ..
        }
    ));
    assert_eq!(up_to(&plan, 1).faults, []);
}

#[test]
fn a_step_without_a_limit_that_never_ends_is_stuck() {
    let endless = built(plan("p").node(step("a").looks().stop()));
    let explored = all(&endless);
    let found = only(&explored);
    assert_eq!((found.fault, found.at), (Fault::Stuck, Some(NodeIndex(0))));
    assert_eq!(found.steps, [ends(0, Fate::TimesOut, Hold::Once)]);
}

#[test]
fn who_waits_has_to_call_those_whom_the_runbook_names() {
    let go = || gate("go").approve(&["ann"]).stop();
    let alone = all(&built(plan("p").node(go())));
    assert_eq!(alone.faults, []);
    assert_eq!(runs(&alone, Ending::WaitingUncalled), 1);
    let uncalled = all(&built(plan("p").contact("ann", &[]).node(go())));
    let found = only(&uncalled);
    assert_eq!(found.fault, Fault::NobodyTold);
    let silence = Step::Says {
        node: NodeIndex(0),
        pass: 1,
        asks: Asked::Approve,
        answer: None,
    };
    assert_eq!(found.steps, [silence]);
    let paged = all(&built(called("p").node(go())));
    assert_eq!(paged.faults, []);
    // Refused; and expired, where there is a time for that.
    let expires = all(&built(called("p").node(go().expires(MINUTE))));
    assert_eq!(runs(&expires, Ending::StoppedAsStated), 2, "{expires:#?}");
    assert_eq!(runs(&expires, Ending::WaitingPaged), 0);
}

#[test]
fn an_approval_that_nobody_can_give_twice_waits_for_ever() {
    let go = gate("go")
        .approve(&["ann"])
        .approval(|terms| terms.count = 2);
    let explored = up_to(&built(called("p").node(go.stop())), 0);
    assert_eq!(
        explored.endings.keys().collect::<Vec<_>>(),
        [&Ending::WaitingPaged]
    );
}

#[test]
fn decisions_about_a_failure_are_tried_and_do_not_count_as_failures() {
    let plan = built(
        called("p").node(
            step("a")
                .undo("back")
                .undo_after_started()
                .timeout(MINUTE)
                .undo_timeout(MINUTE)
                .escalate("ops", None),
        ),
    );
    let explored = up_to(&plan, 1);
    assert_eq!(explored.faults, []);
    // It failed once: nobody decides, it is tried again and goes well, it is rolled back.
    assert!(runs(&explored, Ending::RolledBack) > 0);
    assert!(runs(&explored, Ending::Succeeded) > 1);
    assert!(runs(&explored, Ending::WaitingPaged) > 0);
}

#[test]
fn what_only_the_run_knows_is_put_aside_and_its_conditions_go_both_ways() {
    let plan = built(
        plan("p")
            .param("env", "production".into())
            .node(
                step("look")
                    .looks()
                    .timeout(MINUTE)
                    .output("lag", "int(stdout)")
                    .stop(),
            )
            .node(
                step("mend")
                    .needs(&["look"])
                    .undo("back")
                    .when("steps.look.outputs.lag > 5")
                    .timeout(MINUTE),
            )
            .node(
                step("never")
                    .needs(&["mend"])
                    .when("params.env == 'test' && steps.look.outputs.lag > 5"),
            )
            .node(
                step("last")
                    .needs(&["never"])
                    .looks()
                    .exec(&["say", "${{ steps.look.outputs.lag + 1 }}"])
                    .timeout(MINUTE)
                    .stop(),
            ),
    );
    let assumed = assume(&plan, &BTreeSet::new());
    assert_eq!(assumed.conditions, [NodeIndex(1)]);
    assert_eq!(assumed.outputs, [NodeIndex(0)]);
    let explored = up_to(&plan, 1);
    // All is well; `mend` is skipped; of a look nobody knows once, and it is done again: two of these; of `mend`
    // nobody knows, and somebody says that it happened, or that it did not.
    assert_eq!(runs(&explored, Ending::Succeeded), 1 + 1 + 2 + 3);
    assert_eq!(only(&explored).nodes, [NodeIndex(1)]);
}

#[test]
fn known_outputs_are_worked_with() {
    let plan = built(
        plan("p")
            .node(step("look").looks().output("lag", "int(stdout)"))
            .node(
                step("mend")
                    .needs(&["look"])
                    .when("steps.look.outputs.lag > 5"),
            ),
    );
    let assumed = assume(&plan, &[NodeIndex(0)].into());
    assert_eq!(assumed.conditions, []);
    assert_eq!(assumed.plan.nodes[1].when, plan.nodes[1].when);
}

#[test]
fn items_of_a_list_fail_one_by_one() {
    let plan = built(
        called("p").node(
            step("each")
                .for_each("['a', 'b']")
                .undo("back")
                .undo_timeout(MINUTE)
                .undo_after_started()
                .timeout(MINUTE)
                .rollback(),
        ),
    );
    let explored = up_to(&plan, 1);
    assert_eq!(explored.faults, []);
    // Each of the two fails, times out, or nobody knows, and somebody says that it failed, once or each time.
    assert_eq!(runs(&explored, Ending::RolledBack), 2 * 4);
}

#[test]
fn a_limit_that_is_reached_is_told() {
    let plan = built(plan("p").node(step("a").looks().timeout(MINUTE).stop()));
    let limits = Limits {
        failures: 2,
        runs: 3,
    };
    let assumed = assume(&plan, &BTreeSet::new());
    let explored = explore(&assumed, &start(), Timestamp(0), limits);
    assert_eq!((explored.runs, explored.unexplored), (3, 2));
}

#[test]
fn a_lock_that_somebody_keeps_is_not_waited_for_for_ever() {
    let plan = built(
        called("p")
            .lock(&["db"], MINUTE)
            .node(step("a").looks().timeout(MINUTE).stop()),
    );
    let explored = up_to(&plan, 1);
    assert_eq!(explored.faults, []);
    assert_eq!(runs(&explored, Ending::FailedClean), 1);
}

#[test]
fn cleanup_that_fails_is_counted() {
    let plan = built(
        plan("p")
            .node(step("a").looks().timeout(MINUTE).stop())
            .node(step("tidy").looks().timeout(MINUTE).finally()),
    );
    let explored = up_to(&plan, 1);
    assert_eq!(explored.faults, []);
    // It fails, times out, or is done again and again because nobody knows.
    assert_eq!(explored.cleanup_failed, 3);
}

#[test]
fn reports_name_the_answer_that_was_given() {
    let step = Step::Says {
        node: NodeIndex(0),
        pass: 1,
        asks: Asked::Failed,
        answer: Some(Answer::Retry),
    };
    assert!(!step.counts());
}

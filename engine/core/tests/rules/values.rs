//! Inputs and outputs.

use super::{Trial, attempt, failed, printed};
use piton_core::plan::Response;
use piton_core::record::{Fact, RenderedAction};
use piton_core::run::{Effect, Event, OUTPUT_LIMIT, Work};
use piton_core::sim::plans::{PlanBuilder, plan, step};
use piton_core::time::Millis;
use piton_core::value::Value;

fn only_start(trial: &Trial) -> Work {
    match trial.run.outstanding().next() {
        Some(Effect::Start(work)) => work,
        other => panic!("{other:?}"),
    }
}

fn argv(trial: &Trial) -> Vec<String> {
    match only_start(trial).inputs.action {
        RenderedAction::Exec { argv } => argv.iter().map(|text| text.shown()).collect(),
        other => panic!("{other:?}"),
    }
}

fn outputs_of(nodes: PlanBuilder, stdout: &str) -> Result<Vec<(String, Value)>, String> {
    let (mut trial, _) = Trial::create(nodes);
    let event = Event::AttemptEnded {
        attempt: attempt(0, 1),
        outcome: printed(stdout),
    };
    let batch = trial.run.handle(event, trial.now).unwrap();
    match batch.records[1].fact().unwrap() {
        Fact::NodeSucceeded { outputs, .. } => Ok(outputs.into_iter().collect()),
        Fact::NodeFailed { message, .. } => Err(message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn inputs_see_parameters_earlier_outputs_and_the_run() {
    let nodes = plan("drill").param("size", Value::Int(3)).node(step("a-b").output("x", "value + 1")).node(
        step("c").needs(&["a-b"]).exec(&[
            "${{ params.size }}",
            "${{ steps.a-b.outputs.x }}/${{ steps['a-b'].status }}",
            "${{ steps.a-b.duration }}",
            "${{ run.id }} ${{ run.runbook }} ${{ run.starter }} ${{ run.work }} ${{ run.base }} ${{ run.started }}",
            "${{ node.id }} ${{ node.pass }}",
        ]),
    );
    let (mut trial, _) = Trial::create(nodes);
    trial.after(90_000).ended(attempt(0, 1), printed("41\n"));
    let expected = [
        "3",
        "42/succeeded",
        "1m30s",
        "trial drill starter /work-of-the-run /base 1970-01-01T00:00:00Z",
        "c 1",
    ];
    assert_eq!(argv(&trial), expected);
}

#[test]
fn a_secret_stays_a_name_in_inputs() {
    let (trial, _) = Trial::create(
        plan("p")
            .secret("key")
            .node(step("a").exec(&["x", "k=${{ secrets.key }}"])),
    );
    assert_eq!(argv(&trial), ["x", "k=[secret key]"]);
}

#[test]
fn the_inputs_of_a_pass_are_kept_for_its_retries() {
    let nodes = plan("p").node(step("a").exec(&["${{ node.pass }}"]).retry(1, Millis(0)));
    let (mut trial, _) = Trial::create(nodes);
    let before = only_start(&trial).inputs;
    let told = trial.ended(attempt(0, 1), failed("no"));
    assert!(
        !told.iter().any(|fact| fact.starts_with("begin")),
        "{told:?}"
    );
    assert_eq!(only_start(&trial).inputs, before);
}

#[test]
fn an_input_that_cannot_be_worked_out_fails_the_node_and_takes_its_ladder() {
    let nodes = plan("p")
        .node(step("a").when("false").output("x", "stdout"))
        .node(
            step("b")
                .needs(&["a"])
                .env("X", "${{ steps.a.outputs.x }}")
                .on_fail(Response::Continue),
        );
    let (_, told) = Trial::create(nodes);
    assert_eq!(told[1], "skip a");
    assert!(
        told[2].starts_with("fail b: `env` variable `X` cannot be worked out: "),
        "{told:?}"
    );
    assert_eq!(told[3..], ["answer b: go on", "over Succeeded"]);
}

#[test]
fn outputs_see_what_was_produced() {
    let nodes = plan("p").node(
        step("a")
            .output("code", "exit_code")
            .output("text", "stdout")
            .output("list", "json")
            .output("two", "json[1].n"),
    );
    let outputs = outputs_of(nodes, "[1, {\"n\": 2}]\n").unwrap();
    let two = Value::Map([("n".to_owned(), Value::Int(2))].into());
    assert_eq!(
        outputs,
        [
            ("code".to_owned(), Value::Int(0)),
            ("list".to_owned(), Value::List(vec![Value::Int(1), two])),
            (
                "text".to_owned(),
                Value::String("[1, {\"n\": 2}]".to_owned())
            ),
            ("two".to_owned(), Value::Int(2)),
        ]
    );
}

#[test]
fn an_output_that_cannot_be_worked_out_fails_the_attempt_and_takes_its_retry() {
    let message = outputs_of(
        plan("p").node(step("a").output("x", "json.path")),
        "not json",
    )
    .unwrap_err();
    assert!(
        message.starts_with("output `x` cannot be worked out: "),
        "{message}"
    );
    let (mut trial, _) =
        Trial::create(plan("p").node(step("a").output("x", "json.n").retry(1, Millis(0))));
    assert_eq!(
        trial.ended(attempt(0, 1), printed("hm"))[1..],
        ["retry a at 0", "start n0.p1.a2"]
    );
    assert_eq!(
        trial.ended(attempt(0, 2), printed(r#"{"n": 1}"#))[1],
        "done a"
    );
}

#[test]
fn a_secret_does_not_become_an_output() {
    let nodes = plan("p")
        .secret("key")
        .node(step("a").output("x", "[secrets.key]"));
    let message = outputs_of(nodes, "").unwrap_err();
    assert!(message.contains("secret"), "{message}");
}

#[test]
fn an_output_has_a_limit() {
    let text = |length: usize| "x".repeat(length);
    let nodes = || plan("p").node(step("a").output("x", "stdout"));
    assert!(outputs_of(nodes(), &text(OUTPUT_LIMIT - 2)).is_ok());
    let message = outputs_of(nodes(), &text(OUTPUT_LIMIT - 1)).unwrap_err();
    assert!(
        message.starts_with("output `x` is 1048577 bytes long"),
        "{message}"
    );
}

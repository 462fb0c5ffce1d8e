//! Edited runbooks.

use super::{Trial, actor, attempt, in_pass, printed, tell};
use piton_core::plan::{KeyDifference, Plan};
use piton_core::record::{Answer, RunOutcome};
use piton_core::run::{BecameWord, ProtocolError, ReplanError, Revision};
use piton_core::sim::plans::{PlanBuilder, gate, plan, step};
use piton_core::time::Millis;

fn built(plan: PlanBuilder) -> Plan {
    plan.build().unwrap()
}

impl Trial {
    fn replan(&mut self, edited: PlanBuilder) -> Result<Vec<String>, ReplanError> {
        let before = self.run.clone();
        let taken = self
            .run
            .replan(&built(edited), actor("ann"), None, self.now);
        match taken {
            Ok(batch) => Ok(tell(self.run.plan(), &batch)),
            Err(error) => {
                assert_eq!(self.run, before, "a refused plan changed the run");
                Err(error)
            }
        }
    }
}

fn abc() -> PlanBuilder {
    plan("p")
        .node(step("a").script("a"))
        .node(step("b").script("b").needs(&["a"]))
        .node(step("c").script("c").needs(&["b"]))
}

fn summary(revision: &Revision) -> Vec<(&str, BecameWord, bool)> {
    let nodes = revision.nodes.iter();
    nodes
        .map(|it| (it.node.as_str(), it.became, it.blocked.is_some()))
        .collect()
}

#[test]
fn a_step_is_put_between_what_runs_and_what_has_not_begun() {
    let (mut trial, _) = Trial::create(abc());
    let edited = plan("p")
        .node(step("a").script("a"))
        .node(step("check").script("look").needs(&["a"]))
        .node(step("b").script("b, better").needs(&["check"]))
        .node(step("c").script("c").needs(&["b"]));
    let revision = trial.run.revision(&built(edited.clone()));
    assert_eq!(
        summary(&revision),
        [
            ("a", BecameWord::Unchanged, false),
            ("b", BecameWord::Changed, false),
            ("c", BecameWord::Unchanged, false),
            ("check", BecameWord::Added, false),
        ]
    );
    let key = |key: &str, old: &str, new: &str| KeyDifference {
        key: key.to_owned(),
        old: Some(old.to_owned()),
        new: Some(new.to_owned()),
    };
    assert_eq!(
        revision.nodes[1].keys,
        [key("needs", "[a]", "[check]"), key("run", "b", "b, better")]
    );
    assert_eq!(
        trial.replan(edited).unwrap(),
        ["replanned by ann: changed [b] removed [] anew []"]
    );
    // The attempt that runs is the one that ran before, and what follows it is what the edited runbook says.
    assert_eq!(trial.outstanding(), ["start n0.p1.a1"]);
    assert_eq!(
        trial.ended(attempt(0, 1), printed("")),
        [
            "ended n0.p1.a1 Succeeded",
            "done a",
            "begin check",
            "start n3.p1.a1"
        ]
    );
    let told = trial.ended(attempt(3, 1), printed(""));
    assert_eq!(told[2..], ["begin b", "start n1.p1.a1"]);
    trial.ended(attempt(1, 1), printed(""));
    trial.ended(attempt(2, 1), printed(""));
    assert_eq!(trial.run.outcome(), Some(RunOutcome::Succeeded));
}

#[test]
fn what_has_begun_stays_and_nothing_is_half_taken_over() {
    let (mut trial, _) = Trial::create(abc());
    trial.ended(attempt(0, 1), printed(""));
    let edited = plan("p")
        .node(step("a").script("another a"))
        .node(step("b").script("b").needs(&["a"]).timeout(Millis(60_000)))
        .node(step("c").script("another c").needs(&["b"]));
    let ReplanError::Begun(blocked) = trial.replan(edited).unwrap_err() else {
        panic!()
    };
    assert_eq!(
        blocked,
        [
            "`a`: it is done in pass 1",
            "`b`: it is under way in pass 1"
        ]
    );
    let without_b = plan("p")
        .node(step("a").script("a"))
        .node(step("c").script("c").needs(&["a"]));
    assert!(trial.replan(without_b).is_err());
    assert_eq!(trial.replan(abc()), Err(ReplanError::Same));
    let other = plan("q").node(step("a"));
    assert!(matches!(
        trial.replan(other),
        Err(ReplanError::OtherRunbook { .. })
    ));
}

#[test]
fn what_is_taken_out_is_not_done_even_after_a_rewind_and_may_come_back() {
    let gate_c = || gate("c").script("look").needs(&["b"]).escalate("pol", None);
    let with = |b: bool| {
        let mut all =
            plan("p")
                .contact("ann", &[])
                .escalation("pol", &[(&["ann"], None)], Millis(60_000));
        all = all.node(step("a").script("a").looks());
        if b {
            all = all.node(step("b").script("b").needs(&["a"]).looks());
            return all.node(gate_c());
        }
        all.node(gate("c").script("look").needs(&["a"]).escalate("pol", None))
    };
    let (mut trial, _) = Trial::create(with(true));
    assert_eq!(
        trial.replan(with(false)).unwrap(),
        ["replanned by ann: changed [c] removed [b] anew []"]
    );
    let told = trial.ended(attempt(0, 1), printed(""));
    assert_eq!(told[2..], ["begin c", "start n2.p1.a1"]);
    trial.ended(attempt(2, 1), super::failed("no"));
    let to = piton_core::plan::NodeIndex(0);
    let told = trial.answer(2, "ann", Answer::Rewind { to }).unwrap();
    assert!(told.iter().any(|line| line == "start n0.p2.a1"), "{told:?}");
    assert!(
        !told.iter().any(|line| line.contains("begin b")),
        "{told:?}"
    );
    // Back in: `c`, whose pass is a new one, has not begun.
    assert_eq!(
        trial.replan(with(true)).unwrap(),
        ["replanned by ann: changed [c] removed [] anew [b]"]
    );
    let told = trial.ended(in_pass(attempt(0, 1), 2), printed(""));
    assert_eq!(told[2..], ["begin b", "start n1.p2.a1"]);
}

#[test]
fn an_approval_is_of_the_plan_that_was_shown() {
    let with = |script: &str| {
        plan("p")
            .node(gate("go").approve(&[]).approval(|it| it.count = 2))
            .node(step("a").script(script).needs(&["go"]))
    };
    let (mut trial, _) = Trial::create(with("a"));
    trial.answer(0, "ann", Answer::Approve).unwrap();
    let late = trial.decision(0, "bob", Answer::Approve);
    assert_eq!(trial.run.revision(&built(with("b"))).asked_again, ["go"]);
    assert_eq!(
        trial.replan(with("b")).unwrap(),
        ["replanned by ann: changed [a] removed [] anew [go]"]
    );
    assert!(trial.tick().iter().any(|line| line.contains("ask")));
    // What bob was shown is not what is asked.
    let refused = trial
        .send(piton_core::run::Event::Decide(late))
        .unwrap_err();
    assert!(
        matches!(refused, ProtocolError::ShownChanged { .. }),
        "{refused}"
    );
    trial.answer(0, "ann", Answer::Approve).unwrap();
    let told = trial.answer(0, "bob", Answer::Approve).unwrap();
    assert_eq!(told[1..], ["done go", "begin a", "start n1.p1.a1"]);
}

#[test]
fn a_question_that_stays_open_wants_a_look_at_the_new_plan() {
    let with = |script: &str| {
        plan("p")
            .node(step("m").manual("do it"))
            .node(step("a").script(script).needs(&["m"]))
    };
    let (mut trial, _) = Trial::create(with("a"));
    let done = || Answer::Done {
        answers: Default::default(),
        ticked: 0,
    };
    let early = trial.decision(0, "ann", done());
    trial.replan(with("b")).unwrap();
    let refused = trial
        .send(piton_core::run::Event::Decide(early))
        .unwrap_err();
    assert!(
        matches!(refused, ProtocolError::ShownChanged { .. }),
        "{refused}"
    );
    assert!(trial.answer(0, "ann", done()).is_ok());
}

#[test]
fn a_run_that_goes_back_or_ends_keeps_its_plan() {
    let (mut trial, _) = Trial::create(abc());
    trial.cancel("ann").unwrap();
    let edited = || abc().node(step("d").needs(&["c"]));
    assert!(matches!(
        trial.replan(edited()),
        Err(ReplanError::NotNow {
            doing: "is being cancelled"
        })
    ));
    trial.ended(attempt(0, 1), printed(""));
    assert!(matches!(
        trial.replan(edited()),
        Err(ReplanError::Over { .. })
    ));
}

#[test]
fn a_run_keeps_its_parameters_and_the_secrets_of_what_has_begun() {
    let with = |value: i64, env: &str| {
        let mut all = built(
            plan("p")
                .param("n", value.into())
                .secret("token")
                .node(step("a").script("a").env("TOKEN", "${{ secrets.token }}")),
        );
        all.secrets.insert(
            "token".to_owned(),
            piton_core::plan::SecretSource::Env(env.to_owned()),
        );
        all
    };
    let run = |value, env| {
        let (trial, _) = Trial::create(
            plan("p")
                .param("n", 1.into())
                .secret("token")
                .node(step("a").script("a").env("TOKEN", "${{ secrets.token }}")),
        );
        trial.run.revision(&with(value, env)).blocked()
    };
    assert_eq!(run(1, "token"), Vec::<String>::new());
    assert_eq!(
        run(2, "token"),
        ["`params.n`: a run keeps the values of its parameters"]
    );
    assert_eq!(
        run(1, "OTHER"),
        ["`secrets.token.env`: `a`, which uses it, has begun"]
    );
}

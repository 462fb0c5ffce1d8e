//! What single facts make of the view. The facts are written by hand: what is shown is what was written down.

use piton_core::digest::Digest;
use piton_core::id::{Actor, AttemptId, Purpose, RunId};
use piton_core::plan::{
    Action, Approve, Node, NodeIndex, NodeKind, Plan, Response, Run, WorldEffect,
};
use piton_core::record::{
    Answer, AttemptResult, Delivery, Fact, Inputs, Item, Left, OutcomeStatus, Page, PageId,
    Planned, Question, QuestionKind, Record, RenderedAction, RenderedContact, RunOutcome,
    SkipReason, Start, StopReason, UndoEntry, WhyAsk,
};
use piton_core::run::{Produced, RunState};
use piton_core::time::Timestamp;
use piton_core::value::Value;
use piton_core::view::{BackKind, NodeStanding, ResponseKind, RunView, UndoState};
use std::collections::BTreeMap;

/// A chain of steps, and a view that takes in facts a second apart.
struct Told {
    view: RunView,
    plan: Plan,
}

fn n(at: u32) -> NodeIndex {
    NodeIndex(at)
}

fn ann() -> Actor {
    Actor {
        name: "ann".to_owned(),
        account: "ann@host".to_owned(),
    }
}

fn script() -> Action {
    Action::Run(Run {
        script: ":".to_owned(),
        shell: None,
    })
}

fn inputs() -> Inputs {
    Inputs::of(RenderedAction::Exec { argv: vec![] })
}

impl Told {
    fn chain(names: &[&str]) -> Told {
        let mut plan = Plan::new("drill");
        for (at, name) in names.iter().enumerate() {
            let mut node = Node::new(name, NodeKind::Step, script(), WorldEffect::Unstated);
            node.needs = at
                .checked_sub(1)
                .map(|at| n(at as u32))
                .into_iter()
                .collect();
            plan.nodes.push(node);
        }
        Told::of(plan)
    }

    fn of(plan: Plan) -> Told {
        let view = RunView::new(&plan);
        let mut told = Told { view, plan };
        told.tell(Fact::RunCreated {
            run: RunId("r1".to_owned()),
            runbook: "drill".to_owned(),
            plan: told.plan.digest(),
            start: Start {
                by: ann(),
                base: "/".to_owned(),
                work: "/".to_owned(),
                file: "drill.runbook".to_owned(),
                assumed: vec![],
            },
        });
        told
    }

    fn tell(&mut self, fact: Fact) -> &mut Told {
        let head = self.view.head;
        let at = Timestamp((head.seq as i64 + 1) * 1000);
        let record = Record::seal(head.seq + 1, at, head.hash, &fact);
        self.view.apply(&record).unwrap();
        self
    }

    fn start(&mut self, node: u32, pass: u32) -> &mut Told {
        self.tell(Fact::NodeStarted {
            node: n(node),
            pass,
            inputs: inputs(),
        })
    }

    fn attempt(&mut self, node: u32, pass: u32, purpose: Purpose) -> &mut Told {
        let attempt = id(node, pass, purpose);
        self.tell(Fact::AttemptStarted {
            attempt,
            deadline: None,
            item: None,
        })
    }

    fn ended(
        &mut self,
        node: u32,
        pass: u32,
        purpose: Purpose,
        status: OutcomeStatus,
    ) -> &mut Told {
        self.tell(Fact::AttemptEnded {
            attempt: id(node, pass, purpose),
            result: AttemptResult::ended(status, ""),
        })
    }

    fn succeed(&mut self, node: u32, pass: u32) -> &mut Told {
        self.start(node, pass)
            .attempt(node, pass, Purpose::Do)
            .ended(node, pass, Purpose::Do, OutcomeStatus::Succeeded)
            .tell(Fact::NodeSucceeded {
                node: n(node),
                pass,
                outputs: BTreeMap::from([("x".to_owned(), Value::Int(i64::from(pass)))]),
            })
    }

    fn fail(&mut self, node: u32, pass: u32) -> &mut Told {
        self.start(node, pass)
            .attempt(node, pass, Purpose::Do)
            .ended(node, pass, Purpose::Do, OutcomeStatus::Failed)
            .tell(Fact::NodeFailed {
                node: n(node),
                pass,
                message: "exit code 1".to_owned(),
            })
    }

    fn respond(&mut self, node: u32, pass: u32, response: Response) -> &mut Told {
        self.tell(Fact::ResponseTaken {
            node: n(node),
            pass,
            owner: n(node),
            rung: Some(0),
            response,
            by: None,
        })
    }

    fn planned(&mut self, entries: &[(u32, u32, Planned)]) -> &mut Told {
        let entries = entries.iter().map(|(node, pass, planned)| UndoEntry {
            node: n(*node),
            pass: *pass,
            planned: *planned,
        });
        let entries = entries.collect();
        self.tell(Fact::UndoPlanned { entries })
    }

    fn undo(&mut self, node: u32, pass: u32) -> &mut Told {
        self.tell(Fact::UndoStarted {
            node: n(node),
            pass,
            inputs: inputs(),
        })
        .attempt(node, pass, Purpose::Undo)
        .ended(node, pass, Purpose::Undo, OutcomeStatus::Succeeded)
    }

    fn ask(&mut self, node: u32, kind: QuestionKind) -> &mut Told {
        let number = self
            .view
            .nodes
            .iter()
            .map(|node| node.earlier_questions.len() + usize::from(node.question.is_some()));
        let number = number.sum::<usize>() as u32 + 1;
        self.tell(Fact::QuestionOpened {
            question: Question {
                node: n(node),
                pass: 1,
                kind,
                shown: Digest::ZERO,
                expires: None,
                number,
                policy: Some("infra".to_owned()),
            },
        })
    }

    fn answer(&mut self, node: u32, answer: Answer) -> &mut Told {
        self.tell(Fact::Answered {
            node: n(node),
            pass: 1,
            by: ann(),
            answer,
            note: None,
            shown: Digest::ZERO,
        })
    }

    fn states(&self) -> Vec<NodeStanding> {
        self.view.nodes.iter().map(|node| node.state).collect()
    }
}

fn id(node: u32, pass: u32, purpose: Purpose) -> AttemptId {
    AttemptId {
        node: n(node),
        pass,
        purpose,
        number: 1,
    }
}

fn failed() -> QuestionKind {
    QuestionKind::Failed {
        message: "exit code 1".to_owned(),
    }
}

fn rewind(to: u32) -> Response {
    Response::Rewind {
        to: n(to),
        times: 2,
    }
}

#[test]
fn a_rewind_is_shown_from_its_beginning_to_the_next_pass() {
    use NodeStanding::{Failed, Pending, Running, Succeeded, Undoing, Undone};
    let mut told = Told::chain(&["a", "b", "check", "end"]);
    told.succeed(0, 1)
        .succeed(1, 1)
        .fail(2, 1)
        .respond(2, 1, rewind(1));
    let back = told.view.back.clone().unwrap();
    assert_eq!(
        (back.kind, back.to.as_deref(), back.because.as_deref()),
        (BackKind::Rewind, Some("b"), Some("check"))
    );
    assert_eq!((back.count, back.times, back.nodes), (Some(1), Some(2), 2));
    assert_eq!((back.why.as_str(), back.undo), ("exit code 1", None));
    told.planned(&[(1, 1, Planned::Run)]);
    assert_eq!(told.view.back.as_ref().unwrap().progress(), (0, 1));
    told.tell(Fact::UndoStarted {
        node: n(1),
        pass: 1,
        inputs: inputs(),
    })
    .attempt(1, 1, Purpose::Undo);
    assert_eq!(told.states(), [Succeeded, Undoing, Failed, Pending]);
    assert_eq!(told.view.nodes[1].settled, Some(Succeeded));
    assert_eq!(told.view.state, RunState::Running);
    told.ended(1, 1, Purpose::Undo, OutcomeStatus::Succeeded)
        .tell(Fact::NodeUndone {
            node: n(1),
            pass: 1,
            by: None,
        });
    assert_eq!(told.states(), [Succeeded, Undone, Failed, Pending]);
    assert_eq!(told.view.back.as_ref().unwrap().progress(), (1, 1));
    told.tell(Fact::Rewound {
        to: n(1),
        nodes: vec![n(1), n(2), n(3)],
    });
    assert_eq!(told.states(), [Succeeded, Pending, Pending, Pending]);
    assert!(told.view.back.is_none());
    assert!(told.view.earlier_backs[0].ended.is_some());
    let passes: Vec<u32> = told.view.nodes.iter().map(|node| node.pass).collect();
    assert_eq!(passes, [1, 2, 2, 1], "what had not started keeps its pass");
    let earlier = &told.view.nodes[1].passes[0];
    assert_eq!(
        (earlier.pass, earlier.settled, earlier.state),
        (1, Some(Succeeded), Undone)
    );
    assert_eq!(earlier.outputs["x"], Value::Int(1));
    assert!(told.view.nodes[1].outputs.is_empty());
    told.start(1, 2).attempt(1, 2, Purpose::Do);
    let b = &told.view.nodes[1];
    assert_eq!(
        (b.state, b.attempts.len(), b.tries().count()),
        (Running, 3, 1)
    );
    let purposes: Vec<_> = b
        .attempts
        .iter()
        .map(|one| (one.pass, one.purpose))
        .collect();
    assert_eq!(
        purposes,
        [(1, Purpose::Do), (1, Purpose::Undo), (2, Purpose::Do)]
    );
}

#[test]
fn a_rung_counts_how_often_it_was_taken() {
    let mut told = Told::chain(&["a", "check"]);
    for pass in 1..=2 {
        told.succeed(0, pass)
            .fail(1, pass)
            .respond(1, pass, rewind(0))
            .planned(&[])
            .tell(Fact::Rewound {
                to: n(0),
                nodes: vec![n(0), n(1)],
            });
    }
    let counts: Vec<_> = told
        .view
        .earlier_backs
        .iter()
        .map(|back| back.count)
        .collect();
    assert_eq!(counts, [Some(1), Some(2)]);
    let check = &told.view.nodes[1];
    assert_eq!(
        (check.pass, check.passes.len(), check.responses.len()),
        (3, 2, 2)
    );
    assert_eq!(
        check.responses[1].kind,
        ResponseKind::Rewind {
            to: "a".to_owned(),
            count: 2,
            times: Some(2)
        }
    );
}

#[test]
fn a_rollback_asks_first_and_says_what_is_left() {
    use NodeStanding::{Asking, Failed, Left as IsLeft, Succeeded, Undone};
    let mut told = Told::chain(&["a", "drop", "end"]);
    told.succeed(0, 1).succeed(1, 1).fail(2, 1);
    told.respond(2, 1, Response::Rollback);
    let why = WhyAsk::Irreversible;
    told.planned(&[
        (2, 1, Planned::Run),
        (1, 1, Planned::Ask(why)),
        (0, 1, Planned::Run),
    ])
    .ask(1, QuestionKind::Undo { why });
    assert_eq!(told.states(), [Succeeded, Asking, Failed]);
    assert_eq!(told.view.state, RunState::Waiting);
    let undo = told.view.back.as_ref().unwrap().undo.clone().unwrap();
    assert_eq!((undo[1].state, undo[1].ask), (UndoState::Asking, Some(why)));
    told.answer(1, Answer::AbandonUndo);
    assert_eq!(told.view.questions, []);
    let left = Left {
        node: n(1),
        pass: 1,
        why: "nothing takes it back".to_owned(),
        by: Some(ann()),
    };
    told.tell(Fact::UndoLeft { left });
    assert_eq!(told.view.nodes[1].settled, Some(Succeeded));
    for node in [2, 0] {
        told.undo(node, 1).tell(Fact::NodeUndone {
            node: n(node),
            pass: 1,
            by: None,
        });
    }
    told.tell(Fact::FinallyBegan {
        outcome: RunOutcome::PartlyRolledBack,
    });
    assert!(told.view.back.is_none() && told.view.finally.is_some());
    told.tell(Fact::RunEnded {
        outcome: RunOutcome::PartlyRolledBack,
        cleanup_failed: vec![n(2)],
    });
    assert_eq!(told.view.state, RunState::PartlyRolledBack);
    assert_eq!(told.states(), [Undone, IsLeft, Undone]);
    let left = &told.view.left[0];
    assert_eq!(
        (left.node.as_str(), left.why.as_str(), left.by.clone()),
        ("drop", "nothing takes it back", Some(ann()))
    );
    assert_eq!(told.view.cleanup_failed, ["end"]);
    assert_eq!(told.view.last_back().unwrap().progress(), (3, 3));
    let json = serde_json::to_value(&told.view).unwrap();
    assert_eq!(json["state"], "partly rolled back");
    assert_eq!(json["outcome"], "partly_rolled_back");
    assert_eq!(json["earlier_backs"][0]["undo"][1]["state"], "left");
    assert_eq!(json["earlier_backs"][0]["undo"][1]["ask"], "irreversible");
    assert_eq!(json["left"][0]["node"], "drop");
}

#[test]
fn what_the_run_goes_back_before_stands_still() {
    use NodeStanding::{Failed, Pending, Running, Voided};
    let mut plan = Told::chain(&["a", "b", "c", "check"]).plan;
    for node in [1, 2, 3] {
        plan.nodes[node].needs = vec![n(0)];
    }
    let mut told = Told::of(plan);
    told.succeed(0, 1);
    // `b` runs, `c` waits for its next try; `check` fails and leads back to `a`.
    told.start(1, 1).attempt(1, 1, Purpose::Do);
    told.start(2, 1)
        .attempt(2, 1, Purpose::Do)
        .ended(2, 1, Purpose::Do, OutcomeStatus::Failed)
        .tell(Fact::RetryScheduled {
            node: n(2),
            pass: 1,
            at: Timestamp(1_000_000),
            after: id(2, 1, Purpose::Do),
        });
    told.fail(3, 1).respond(3, 1, rewind(0));
    assert_eq!(told.states()[1..], [Running, Voided, Failed]);
    told.tell(Fact::StopRequested {
        attempt: id(1, 1, Purpose::Do),
        reason: StopReason::Rewind,
    });
    assert!(told.view.nodes[1].attempts[0].stopping);
    told.ended(1, 1, Purpose::Do, OutcomeStatus::Stopped);
    assert_eq!(told.states()[1..], [Voided, Voided, Failed]);
    // A question about what is undone is all there is to wait for.
    let why = WhyAsk::HalfDone;
    told.planned(&[(1, 1, Planned::Ask(why))])
        .ask(1, QuestionKind::Undo { why });
    assert_eq!(told.view.state, RunState::Waiting);
    told.answer(1, Answer::DidNotHappen)
        .tell(Fact::NothingToUndo {
            node: n(1),
            pass: 1,
            by: ann(),
        });
    let undo = told.view.back.as_ref().unwrap().undo.clone().unwrap();
    assert_eq!(
        (undo[0].state, undo[0].by.clone()),
        (UndoState::Nothing, Some(ann()))
    );
    told.tell(Fact::Rewound {
        to: n(0),
        nodes: vec![n(0), n(1), n(2), n(3)],
    });
    assert_eq!(told.states(), [Pending; 4]);
    assert_eq!(told.view.state, RunState::Running);
}

#[test]
fn a_question_tells_who_was_paged_and_who_has_it() {
    let mut told = Told::chain(&["a"]);
    told.fail(0, 1)
        .respond(
            0,
            1,
            Response::Escalate {
                policy: "infra".to_owned(),
                expires: None,
            },
        )
        .ask(0, failed());
    assert_eq!(told.view.state, RunState::Waiting);
    let page = |number, level| Fact::Paged {
        node: n(0),
        pass: 1,
        page: Page {
            id: PageId {
                question: 1,
                number,
            },
            level,
            contacts: vec![RenderedContact {
                contact: "lead".to_owned(),
                name: None,
                via: vec![],
            }],
            message: "a failed".to_owned(),
            next: Some(Timestamp(900_000)),
        },
    };
    let delivery = Delivery {
        contact: "lead".to_owned(),
        failed: Some("exit code 1".to_owned()),
    };
    told.tell(page(1, 1))
        .tell(page(2, 2))
        .tell(Fact::PageEnded {
            page: PageId {
                question: 1,
                number: 1,
            },
            deliveries: vec![delivery.clone()],
        });
    told.tell(Fact::Taken {
        node: n(0),
        pass: 1,
        by: ann(),
        until: Timestamp(60_000),
    });
    let question = told.view.questions[0].clone();
    assert_eq!(told.view.nodes[0].question.as_ref(), Some(&question));
    assert_eq!(question.policy.as_deref(), Some("infra"));
    assert_eq!(question.pages[0].id, "q1.1");
    assert_eq!(question.pages[0].deliveries, Some(vec![delivery]));
    assert_eq!(
        (question.pages[1].level, &question.pages[1].deliveries),
        (2, &None)
    );
    assert!(question.held_at(Timestamp(59_999)).unwrap().taken);
    assert!(question.held_at(Timestamp(60_000)).is_none());
    told.answer(0, Answer::Retry).tell(Fact::NodeReopened {
        node: n(0),
        pass: 1,
    });
    assert_eq!(
        (told.view.state, told.view.questions.len()),
        (RunState::Running, 0)
    );
    // What became of a page is kept also when the question is over.
    told.tell(Fact::PageEnded {
        page: PageId {
            question: 1,
            number: 2,
        },
        deliveries: vec![],
    });
    let node = &told.view.nodes[0];
    assert_eq!(
        node.question.as_ref().unwrap().pages[1].deliveries,
        Some(vec![])
    );
    assert_eq!(node.state, NodeStanding::Running);
}

#[test]
fn a_question_that_is_over_leaves_the_failure_as_it_was() {
    let mut told = Told::chain(&["a", "b"]);
    told.fail(0, 1).ask(0, failed());
    told.tell(Fact::QuestionExpired {
        node: n(0),
        pass: 1,
    });
    assert_eq!(told.view.nodes[0].state, NodeStanding::Failed);
    told.ask(0, failed()).tell(Fact::QuestionVoided {
        node: n(0),
        pass: 1,
        reason: "the run stops".to_owned(),
    });
    assert_eq!(told.view.nodes[0].state, NodeStanding::Failed);
    let node = &told.view.nodes[0];
    assert_eq!(
        node.earlier_questions[0].closed.as_deref(),
        Some("nobody answered in time")
    );
    // One that asks whether to go on at all leaves nothing.
    let kind = QuestionKind::Approve {
        terms: Approve {
            by: vec![],
            count: 2,
            not_starter: false,
            expires: None,
            page: None,
        },
        targets: vec![],
    };
    told.start(1, 1).ask(1, kind).answer(1, Answer::Approve);
    assert_eq!(told.view.questions.len(), 1, "one of two");
    told.tell(Fact::QuestionVoided {
        node: n(1),
        pass: 1,
        reason: "the run stops".to_owned(),
    });
    assert_eq!(told.view.nodes[1].state, NodeStanding::Voided);
}

#[test]
fn waiting_for_locks_times_and_conditions_is_told_apart() {
    let mut told = Told::chain(&["a", "b"]);
    told.tell(Fact::LockRequested {
        node: None,
        names: vec!["prod".to_owned()],
        until: Timestamp(60_000),
    });
    assert!(told.view.lock.as_ref().unwrap().is_awaited());
    told.tell(Fact::LockTaken { node: None });
    assert!(told.view.lock.as_ref().unwrap().is_held());
    told.start(0, 1).tell(Fact::LockRequested {
        node: Some(n(0)),
        names: vec!["disk".to_owned()],
        until: Timestamp(60_000),
    });
    let a = |told: &Told| told.view.nodes[0].clone();
    assert_eq!(a(&told).state, NodeStanding::Waiting);
    told.tell(Fact::LockTaken { node: Some(n(0)) });
    assert_eq!(a(&told).state, NodeStanding::Running);
    told.attempt(0, 1, Purpose::Do);
    let mut result = AttemptResult::ended(OutcomeStatus::Succeeded, "");
    result.met = Some(false);
    told.tell(Fact::AttemptEnded {
        attempt: id(0, 1, Purpose::Do),
        result,
    })
    .tell(Fact::LookScheduled {
        node: n(0),
        pass: 1,
        at: Timestamp(50_000),
        after: id(0, 1, Purpose::Do),
    });
    assert_eq!(
        (
            a(&told).state,
            a(&told).wait_until,
            a(&told).attempts[0].met
        ),
        (NodeStanding::Waiting, Some(Timestamp(50_000)), Some(false))
    );
    assert_eq!(told.view.state, RunState::Running);
    told.tell(Fact::NodeSucceeded {
        node: n(0),
        pass: 1,
        outputs: BTreeMap::new(),
    });
    assert!(!a(&told).lock.unwrap().is_held(), "let go of with its end");
    let until = Timestamp(70_000);
    let waits = Inputs::of(RenderedAction::Wait { until });
    told.tell(Fact::NodeStarted {
        node: n(1),
        pass: 1,
        inputs: waits,
    });
    let b = &told.view.nodes[1];
    assert_eq!(
        (b.state, b.wait_until),
        (NodeStanding::Waiting, Some(until))
    );
    assert!(b.started.is_some());
}

#[test]
fn items_captures_targets_and_assumed_nodes_are_kept() {
    let mut told = Told::chain(&["before", "each"]);
    told.tell(Fact::NodeAssumed {
        node: n(0),
        outputs: BTreeMap::from([("x".to_owned(), Value::Int(1))]),
    });
    let before = &told.view.nodes[0];
    assert!(before.assumed && before.state == NodeStanding::Succeeded);
    let item = |key: &str| Item {
        key: key.to_owned(),
        value: Value::Null,
        inputs: inputs(),
    };
    let each = RenderedAction::Each(vec![item("eu"), item("us")]);
    told.tell(Fact::NodeStarted {
        node: n(1),
        pass: 1,
        inputs: Inputs::of(each),
    });
    let found = |text: &str| {
        let mut result = AttemptResult::ended(OutcomeStatus::Succeeded, "");
        result.produced = Some(Box::new(Produced {
            stdout: Some(text.to_owned()),
            ..Produced::default()
        }));
        result
    };
    for (purpose, text) in [(Purpose::Target(1), "prod-7\n"), (Purpose::Capture, "3")] {
        told.attempt(1, 1, purpose).tell(Fact::AttemptEnded {
            attempt: id(1, 1, purpose),
            result: found(text),
        });
    }
    told.tell(Fact::AttemptStarted {
        attempt: id(1, 1, Purpose::Do),
        deadline: None,
        item: Some(0),
    })
    .tell(Fact::ItemDone {
        node: n(1),
        pass: 1,
        item: 0,
        outputs: BTreeMap::new(),
    });
    let node = &told.view.nodes[1];
    assert_eq!(node.items_done(), Some((1, 2)));
    assert_eq!(node.items[0].key, "eu");
    assert_eq!(node.attempts.last().unwrap().item, Some(0));
    assert_eq!(node.target, Some(Ok("prod-7".to_owned())));
    assert_eq!(node.captured.as_ref().unwrap().stdout.as_deref(), Some("3"));
    told.tell(Fact::ItemUndone {
        node: n(1),
        pass: 1,
        item: 0,
    });
    assert!(told.view.nodes[1].items[0].undone.is_some());
}

#[test]
fn cancels_are_kept_also_those_that_were_refused() {
    let mut told = Told::chain(&["a", "b"]);
    told.succeed(0, 1).tell(Fact::CancelRequested {
        by: ann(),
        reason: Some("wrong host".to_owned()),
        rollback: true,
    });
    let back = told.view.back.as_ref().unwrap();
    assert_eq!(
        (back.kind, back.why.as_str(), back.nodes),
        (BackKind::Rollback, "wrong host", 1)
    );
    assert!(told.view.cancel.as_ref().unwrap().rollback);
    told.tell(Fact::CancelRefused {
        by: ann(),
        because: "it undoes what was done".to_owned(),
    });
    assert_eq!(told.view.refused[0].because, "it undoes what was done");
    told.planned(&[(0, 1, Planned::Run)])
        .undo(0, 1)
        .tell(Fact::UndoFailed {
            node: n(0),
            pass: 1,
            message: "exit code 2".to_owned(),
        });
    assert_eq!(told.view.nodes[0].state, NodeStanding::UndoFailed);
    let message = "exit code 2".to_owned();
    told.ask(0, QuestionKind::UndoFailed { message });
    assert_eq!(told.view.state, RunState::Waiting);
    told.answer(0, Answer::Stop).tell(Fact::UndoStopped {
        node: n(0),
        by: ann(),
    });
    assert_eq!(told.view.nodes[0].state, NodeStanding::UndoFailed);
    assert_eq!(told.view.back.as_ref().unwrap().stopped_by, Some(ann()));
}

#[test]
fn a_skip_that_was_decided_says_who_did() {
    let mut told = Told::chain(&["a"]);
    told.fail(0, 1)
        .ask(0, failed())
        .answer(
            0,
            Answer::Skip {
                outputs: BTreeMap::new(),
            },
        )
        .tell(Fact::NodeSkipped {
            node: n(0),
            pass: 1,
            reason: SkipReason::Decided,
            outputs: BTreeMap::from([("x".to_owned(), Value::Int(3))]),
        });
    let node = &told.view.nodes[0];
    assert_eq!(node.state, NodeStanding::Skipped);
    assert_eq!(node.message, "skipped by ann (ann@host)");
    assert_eq!(node.outputs["x"], Value::Int(3));
    told.tell(Fact::GateReopened {
        node: n(0),
        pass: 1,
        before: n(0),
    });
    let node = &told.view.nodes[0];
    assert_eq!(
        (node.pass, node.state, node.passes.len()),
        (2, NodeStanding::Pending, 1)
    );
}

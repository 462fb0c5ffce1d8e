//! Plans and views for unit tests.

use piton_core::digest::Digest;
use piton_core::id::{Actor, RunId};
use piton_core::plan::{
    Action, Approve, Node, NodeIndex, NodeKind, Plan, Response, Run, WorldEffect,
};
use piton_core::record::{Fact, QuestionKind, Record, Start};
use piton_core::time::Timestamp;
use piton_core::view::{QuestionView, RunView};

/// A chain of nodes: `backup` is a step that runs `:`, `?go` a gate that people approve.
pub fn plan(names: &[&str]) -> Plan {
    let nodes = names
        .iter()
        .enumerate()
        .map(|(at, name)| node(at, name))
        .collect();
    Plan {
        parallel: 8,
        nodes,
        ..Plan::new("test")
    }
}

fn node(at: usize, name: &str) -> Node {
    let run = Action::Run(Run {
        script: ":".to_owned(),
        shell: None,
    });
    let id = name.trim_start_matches('?');
    let needs = at.checked_sub(1).map(|before| NodeIndex(before as u32));
    let (kind, action) = if name.starts_with('?') {
        (NodeKind::Gate, Action::Approve(by_anybody()))
    } else {
        (NodeKind::Step, run)
    };
    Node {
        needs: needs.into_iter().collect(),
        on_fail: vec![Response::Stop],
        ..Node::new(id, kind, action, WorldEffect::None)
    }
}

fn by_anybody() -> Approve {
    Approve {
        by: vec![],
        count: 1,
        not_starter: false,
        expires: None,
        page: None,
    }
}

/// A moment so many milliseconds after the runs of these tests start.
pub fn at(ms: i64) -> Timestamp {
    Timestamp(1_763_872_000_000 + ms)
}

/// An approval at a gate of [`plan`].
pub fn question(node: u32) -> QuestionView {
    let terms = by_anybody();
    let targets = vec![];
    asks(node, "go", QuestionKind::Approve { terms, targets })
}

/// A question of any kind.
pub fn asks(node: u32, name: &str, kind: QuestionKind) -> QuestionView {
    QuestionView {
        node: name.to_owned(),
        index: NodeIndex(node),
        pass: 1,
        number: 1,
        kind,
        shown: Digest::ZERO,
        opened: at(0),
        expires: None,
        policy: None,
        pages: vec![],
        held: None,
        answers: vec![],
        closed: None,
    }
}

/// What follows when these facts are written down after a run of [`plan`] was made.
pub fn after(plan: &Plan, mut view: RunView, facts: &[Fact]) -> RunView {
    for (number, fact) in (1..).zip(facts) {
        let head = view.head;
        let record = Record::seal(head.seq + 1, at(number * 1000), head.hash, fact);
        view.apply(&record).unwrap();
    }
    assert_eq!(plan.nodes.len(), view.nodes.len());
    view
}

/// A run of [`plan`] that was just made.
pub fn view(names: &[&str]) -> RunView {
    let plan = plan(names);
    let account = "ana@host".to_owned();
    let start = Start {
        by: Actor {
            name: account.clone(),
            account,
        },
        base: "/".to_owned(),
        work: "/".to_owned(),
        file: "test.runbook".to_owned(),
        assumed: vec![],
    };
    let created = Fact::RunCreated {
        run: RunId("test-00000".to_owned()),
        runbook: plan.runbook.clone(),
        plan: plan.digest(),
        start,
    };
    RunView::of(&plan, [Record::seal(1, at(0), Digest::ZERO, &created)]).unwrap()
}

//! Plans and views for unit tests.

use piton_core::digest::Digest;
use piton_core::id::{Actor, RunId};
use piton_core::plan::{
    Action, Approve, Interrupted, Node, NodeIndex, NodeKind, PLAN_VERSION, Plan, Response, Retry,
    Run, WorldEffect,
};
use piton_core::record::{Fact, QuestionKind, Record, Start};
use piton_core::time::Timestamp;
use piton_core::view::{QuestionView, RunView};
use std::collections::BTreeMap;

/// A chain of nodes: `backup` is a step that runs `:`, `?go` a gate that people approve.
pub fn plan(names: &[&str]) -> Plan {
    let nodes = names
        .iter()
        .enumerate()
        .map(|(at, name)| node(at, name))
        .collect();
    Plan {
        version: PLAN_VERSION,
        runbook: "test".to_owned(),
        title: None,
        owner: None,
        parallel: 8,
        params: BTreeMap::new(),
        secrets: BTreeMap::new(),
        nodes,
    }
}

fn node(at: usize, name: &str) -> Node {
    let gate = name.starts_with('?');
    let run = Run {
        script: ":".to_owned(),
        shell: None,
    };
    let approve = Approve {
        by: vec![],
        count: 1,
        not_starter: false,
        expires: None,
    };
    Node {
        id: name.trim_start_matches('?').to_owned(),
        kind: if gate { NodeKind::Gate } else { NodeKind::Step },
        title: None,
        doc: None,
        needs: at
            .checked_sub(1)
            .map(|before| NodeIndex(before as u32))
            .into_iter()
            .collect(),
        when: None,
        action: if gate {
            Action::Approve(approve)
        } else {
            Action::Run(run)
        },
        effect: WorldEffect::None,
        env: BTreeMap::new(),
        dir: None,
        outputs: BTreeMap::new(),
        timeout: None,
        retry: Retry::default(),
        idempotent: false,
        interrupted: Interrupted::Rerun,
        on_fail: vec![Response::Stop],
    }
}

/// A moment so many milliseconds after the runs of these tests start.
pub fn at(ms: i64) -> Timestamp {
    Timestamp(1_763_872_000_000 + ms)
}

/// A question at a gate of [`plan`].
pub fn question(node: u32) -> QuestionView {
    let approve = Approve {
        by: vec![],
        count: 1,
        not_starter: false,
        expires: None,
    };
    QuestionView {
        node: "go".to_owned(),
        index: NodeIndex(node),
        kind: QuestionKind::Approve(approve),
        shown: Digest::ZERO,
        opened: at(0),
        expires: None,
        answers: vec![],
        closed: None,
    }
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
    };
    let created = Fact::RunCreated {
        run: RunId("test-00000".to_owned()),
        runbook: plan.runbook.clone(),
        plan: plan.digest(),
        start,
    };
    RunView::of(&plan, [Record::seal(1, at(0), Digest::ZERO, &created)]).unwrap()
}

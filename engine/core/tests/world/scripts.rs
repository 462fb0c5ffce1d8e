//! What happens in generated worlds.

use super::draw::Draw;
use piton_core::id::Purpose;
use piton_core::plan::{Action, NodeIndex, Plan, WorldEffect};
use piton_core::record::{Answer, OutcomeStatus};
use piton_core::run::{Outcome, Produced};
use piton_core::sim::{
    Asked, Cancel, Crash, CrashPoint, Did, Ends, FailedCommit, Locking, Paging, Pause, Reply,
    Script, Scripted,
};
use piton_core::time::Millis;
use piton_core::value::Value;

/// How many bytes what happens at a node is made from.
pub const NODE_BYTES: usize = 96;

/// What happens: at each node, and otherwise. In an orderly world what is over its time is ended, and people say
/// what is true.
pub fn build(plan: &Plan, nodes: &[Vec<u8>], run: &mut Draw<'_>, orderly: bool) -> Script {
    let mut script = Script {
        honest: orderly,
        tick_lag: Millis(run.of(&[0, 0, 3_000, 30_000])),
        snapshot_every: run.of(&[None, None, Some(1), Some(5)]),
        clock_seen: run.of(&[None, Some(Millis(1_000)), Some(Millis(8_000))]),
        ..Script::default()
    };
    usual(&mut script, run);
    let first = run.millis() * 5;
    for further in 0..run.of(&[0, 0, 0, 0, 1, 1, 2]) {
        script.cancels.push(Cancel {
            after: Millis(first + further * 50),
            rollback: run.once_in(2),
        });
    }
    for _ in 0..run.of(&[0, 1, 2, 0, 3, 6]) {
        script.crashes.push(crash(run));
    }
    for _ in 0..run.below(3) {
        script.pages.push(page(run));
    }
    if run.once_in(4) {
        script.locks.insert(None, vec![locking(run)]);
    }
    for (index, bytes) in plan.indices().zip(nodes) {
        let mut node = Happening {
            plan,
            index,
            draw: &mut Draw::new(bytes),
            orderly,
        };
        node.attempts(&mut script);
        node.people(&mut script);
    }
    engines(&mut script, run, orderly);
    script
}

/// What goes wrong between engines and the store: a second engine, commits that fail, events that come again, and
/// clocks that were set meanwhile. In an orderly world all engines have the same time: one whose clock is ahead gives
/// up attempts that still run.
fn engines(script: &mut Script, run: &mut Draw<'_>, orderly: bool) {
    for _ in 0..run.of(&[0, 0, 1, 2]) {
        script.pauses.push(Pause {
            event: run.below(50) as u32,
            after_effects: run.of(&[None, Some(0), Some(1), Some(9)]),
            length: Millis(run.of(&[500, 5_000, 60_000])),
        });
    }
    for _ in 0..run.of(&[0, 0, 1, 2]) {
        script.failed_commits.push(FailedCommit {
            event: run.below(50) as u32,
            written: run.once_in(2),
        });
    }
    for _ in 0..run.of(&[0, 1, 3]) {
        let later = run.of(&[0, 700, 20_000, 200_000]);
        script.repeats.push((run.below(50) as u32, Millis(later)));
    }
    for _ in 0..run.of(&[0, 0, 0, 2, 4]) {
        let off = [0, 3_600_000, -3_600_000, 20_000, -20_000];
        script.clocks_off.push(run.of(&off));
    }
    if orderly {
        script.clocks_off.truncate(1);
    }
}

/// In the end somebody gives an answer that closes the question, whatever it is.
fn usual(script: &mut Script, run: &mut Draw<'_>) {
    let ann = |after, answer| Reply::new(Millis(after), "ann", answer);
    let bob = |after, answer| Reply::new(Millis(after), "bob", answer);
    let approve = vec![
        ann(1_000, Answer::Approve),
        bob(2_000, Answer::Approve),
        bob(90_000, Answer::Reject),
    ];
    script.usual.insert(Asked::Approve, approve);
    let what = match run.once_in(2) {
        false => Answer::Failed,
        true => Answer::Succeeded {
            outputs: [].into(),
            evidence: None,
        },
    };
    let list = vec![ann(2_000, what), bob(90_000, Answer::Failed)];
    script.usual.insert(Asked::Interrupted, list);
    let done = Answer::Done {
        answers: [].into(),
        ticked: 0,
    };
    let list = vec![ann(3_000, done), bob(90_000, Answer::Failed)];
    script.usual.insert(Asked::Manual, list);
    let typed = Answer::Confirm {
        typed: String::new(),
    };
    let list = vec![ann(1_000, typed), bob(90_000, Answer::Reject)];
    script.usual.insert(Asked::Confirm, list);
    let end = match run.below(3) {
        0 => Answer::Stop,
        1 => Answer::Rollback,
        _ => Answer::Skip { outputs: [].into() },
    };
    let list = vec![ann(2_500, end), bob(90_000, Answer::Stop)];
    script.usual.insert(Asked::Failed, list);
    let undone = match run.once_in(3) {
        false => Answer::UndoneByHand,
        true => Answer::AbandonUndo,
    };
    let list = vec![ann(4_000, undone), bob(90_000, Answer::UndoneByHand)];
    script.usual.insert(Asked::Undo, list.clone());
    script.usual.insert(Asked::UndoFailed, list);
}

fn crash(run: &mut Draw<'_>) -> Crash {
    let point = run.of(&[
        CrashPoint::BeforeCommit,
        CrashPoint::AcknowledgementLost,
        CrashPoint::AfterCommit,
        CrashPoint::AfterEffect(0),
        CrashPoint::AfterEffect(1),
        CrashPoint::NotPosted,
        CrashPoint::NotConsumed,
    ]);
    Crash {
        event: run.below(60) as u32,
        point,
        with_keeper: run.once_in(5),
    }
}

fn page(run: &mut Draw<'_>) -> Paging {
    let length = Millis(run.millis());
    run.of(&[
        Paging::Delivered(length),
        Paging::Failed(length),
        Paging::Unheard,
    ])
}

fn locking(run: &mut Draw<'_>) -> Locking {
    let length = Millis(run.millis() * 2);
    run.of(&[Locking::After(length), Locking::Never])
}

/// What happens at a node.
struct Happening<'a, 'b> {
    plan: &'a Plan,
    index: NodeIndex,
    draw: &'a mut Draw<'b>,
    orderly: bool,
}

impl Happening<'_, '_> {
    fn attempts(&mut self, script: &mut Script) {
        let node = &self.plan.nodes[self.index.index()];
        let may_be_silent = node.timeout.is_some();
        let count = 1 + self.draw.below(4);
        let mut list: Vec<_> = (0..count).map(|_| self.scripted(may_be_silent)).collect();
        if let Action::Checks(_) = node.action {
            list = list
                .into_iter()
                .map(|one| checked(one, self.draw))
                .collect();
        }
        if node.until.is_some() {
            list = list.into_iter().map(|one| looked(one, self.draw)).collect();
        }
        script.attempts.insert((self.index, Purpose::Do), list);
        let silent_undo = match &node.effect {
            WorldEffect::Undo(undo) => undo.timeout.is_some(),
            _ => false,
        };
        let count = 1 + self.draw.below(3);
        let mut undos: Vec<_> = (0..count).map(|_| self.scripted(silent_undo)).collect();
        for undo in undos.iter_mut().filter(|undo| undo.did == Some(Did::All)) {
            // What is known to have failed has not taken it back.
            if let Ends::With(outcome) = &undo.ends
                && outcome.status == OutcomeStatus::Failed
            {
                undo.did = None;
            }
        }
        script.attempts.insert((self.index, Purpose::Undo), undos);
        for purpose in [Purpose::Probe, Purpose::UndoCheck] {
            if self.draw.once_in(3) {
                let one = self.finding_out();
                script.attempts.insert((self.index, purpose), vec![one]);
            }
        }
        self.preparations(script);
        if node.lock.is_some() {
            let list = vec![locking(self.draw), locking(self.draw)];
            script.locks.insert(Some(self.index), list);
        }
    }

    fn preparations(&mut self, script: &mut Script) {
        let own = Purpose::Target(self.index.0);
        for purpose in [Purpose::Capture, Purpose::Recheck, own, Purpose::Choices(0)] {
            let takes = Millis(self.draw.millis());
            let printed = self
                .draw
                .of(&["prod\n", "prod\n", "prod\n", "prod\n", "other\n"]);
            let good = Scripted::succeeds(takes, printed);
            let list = match self.draw.below(16) {
                5 => vec![Scripted::fails(takes, "it said no"), good],
                6 => vec![
                    Scripted::ends(takes, OutcomeStatus::Unknown, "the line went dead"),
                    good,
                ],
                7 => vec![
                    Scripted::ends(takes, OutcomeStatus::NotStarted, "it was not started"),
                    Scripted::fails(takes, "it said no"),
                ],
                _ => vec![good],
            };
            script.attempts.insert((self.index, purpose), list.clone());
            for gate in self.plan.indices() {
                if purpose == own && gate != self.index {
                    script.attempts.insert((gate, own), list.clone());
                }
            }
        }
    }

    fn scripted(&mut self, may_be_silent: bool) -> Scripted {
        let takes = Millis(self.draw.millis());
        let did = self.draw.of(&[Did::Half, Did::Nothing, Did::All]);
        let scripted = match self.draw.below(32) {
            0..=21 => Scripted::succeeds(takes, "ok\n"),
            22..=24 => Scripted::fails(takes, "it said no"),
            25 => Scripted::fails(takes, "it said no").having_done(match did {
                Did::All => Did::Half,
                did => did,
            }),
            26 => Scripted::ends(takes, OutcomeStatus::TimedOut, "it took too long"),
            27 | 28 => {
                Scripted::ends(takes, OutcomeStatus::Unknown, "the line went dead").having_done(did)
            }
            29 => Scripted::ends(takes, OutcomeStatus::NotStarted, "the engine died before"),
            _ if may_be_silent && self.orderly => Scripted::silent(),
            _ if may_be_silent => Scripted::succeeds(Millis(takes.0 * 8), "ok\n").overrunning(),
            _ => Scripted::ends(takes, OutcomeStatus::Unknown, "the line went dead"),
        };
        match self.draw.once_in(4) {
            true => scripted.ignoring_stop(),
            false => scripted,
        }
    }

    fn finding_out(&mut self) -> Scripted {
        let takes = Millis(self.draw.millis());
        match self.draw.below(4) {
            0 => Scripted::truly(takes),
            1 => Scripted::ends(takes, OutcomeStatus::Unknown, "the line went dead"),
            2 => Scripted::ends(takes, OutcomeStatus::TimedOut, "it took too long"),
            _ if self.orderly => Scripted::truly(takes),
            _ => Scripted::fails(takes, "it did not happen"),
        }
    }

    /// What people do about some of its questions.
    fn people(&mut self, script: &mut Script) {
        let mut lists = Vec::new();
        for _ in 0..self.draw.of(&[0, 0, 1, 2]) {
            let count = self.draw.below(5);
            lists.push((0..count).map(|_| self.reply()).collect());
        }
        if !lists.is_empty() {
            script.replies.insert(self.index, lists);
        }
    }

    fn reply(&mut self) -> Reply {
        let names = ["ann", "bob", "cat", "starter", "starter@here", "lead"];
        let (after, by) = (Millis(self.draw.millis()), self.draw.of(&names));
        if self.draw.once_in(6) {
            let over = self.draw.once_in(2);
            return match self.draw.once_in(2) {
                false => Reply::acknowledges(after, by),
                true => Reply::takes(after, by, over),
            };
        }
        let answer = match &self.plan.nodes[self.index.index()].action {
            Action::Approve(_) if self.draw.once_in(2) => Answer::Approve,
            _ => self.answer(),
        };
        let mut reply = Reply::new(after, by, answer);
        reply.about_something_else = self.draw.once_in(12);
        reply.as_it_stands = self.draw.once_in(12);
        reply
    }

    fn answer(&mut self) -> Answer {
        let outputs = std::collections::BTreeMap::new;
        match self.draw.below(16) {
            0 | 1 => Answer::Retry,
            2 => Answer::Skip { outputs: outputs() },
            3 | 4 => Answer::Succeeded {
                outputs: outputs(),
                evidence: Some("seen".to_owned()),
            },
            5 => Answer::Rollback,
            6 => Answer::Rewind {
                to: NodeIndex(self.draw.below(12) as u32),
            },
            7 => Answer::Stop,
            8 => Answer::Approve,
            9 => Answer::Reject,
            10 => Answer::DidNotHappen,
            11 => Answer::Failed,
            12 => Answer::Done {
                answers: match self.draw.once_in(3) {
                    true => [("x".to_owned(), Value::String("no".to_owned()))].into(),
                    false => outputs(),
                },
                ticked: 0,
            },
            13 => Answer::Confirm {
                typed: self.draw.of(&["", "dev"]).to_owned(),
            },
            14 => Answer::UndoneByHand,
            _ => Answer::AbandonUndo,
        }
    }
}

/// What the checks of a gate find in an attempt that ends well.
fn checked(mut scripted: Scripted, draw: &mut Draw<'_>) -> Scripted {
    if let Ends::With(outcome) = &mut scripted.ends
        && outcome.status == OutcomeStatus::Succeeded
    {
        let second = draw.of(&["0", "0", "1"]);
        let printed = |stdout: &str| {
            Outcome::succeeded(Produced {
                exit_code: Some(0),
                stdout: Some(stdout.to_owned()),
                ..Produced::default()
            })
        };
        outcome.produced.checks = vec![printed(""), printed(second)];
    }
    scripted
}

/// What a look that ends well finds.
fn looked(mut scripted: Scripted, draw: &mut Draw<'_>) -> Scripted {
    let found = draw.of(&["true", "true", "false", "dead"]);
    if let Ends::With(outcome) = &mut scripted.ends
        && outcome.status == OutcomeStatus::Succeeded
    {
        outcome.produced.stdout = Some(found.to_owned());
    }
    scripted
}

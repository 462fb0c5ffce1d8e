//! All ways that a run may go with up to so many failures.
//!
//! A run is taken on to the first point at which something may fail. For each way in which it may, a copy of the run
//! is put aside to be taken on from there; then it goes on as when all is well, to the next such point. So what two
//! ways have in common is run once, and every single failure and every pair of them is met in the order in which they
//! happen, also those at nodes that only run because something failed before.

use super::assume::Assumed;
use super::choice::{Choice, Fate, Hold, Point, Step};
use super::verdict::{Ending, Fault, Verdict};
use super::world::{Progress, World};
use crate::expr::Expression;
use crate::id::{AttemptId, Purpose};
use crate::plan::{Action, Node, NodeIndex, Plan, Response, WorldEffect};
use crate::record::{Answer, Start};
use crate::sim::Asked;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How much is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many failures are combined at most.
    pub failures: u32,
    /// How many runs are tried at most.
    pub runs: u64,
}

/// What all these runs end in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explored {
    /// How many were tried.
    pub runs: u64,
    /// How many ways were still open when the limit was reached, each the beginning of one run or more.
    pub unexplored: u64,
    /// How many ended how.
    pub endings: BTreeMap<Ending, u64>,
    /// In how many of them a node failed that runs at the end.
    pub cleanup_failed: u64,
    /// The errors: for each node at which one shows, the shortest way there.
    pub faults: Vec<Found>,
}

/// An error, and the shortest way there.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What is wrong.
    pub fault: Fault,
    /// The node that it is about: whose failure ended the run, what never ends, what is waited for.
    pub at: Option<NodeIndex>,
    /// What is left, waited for, or never ends.
    pub nodes: Vec<NodeIndex>,
    /// What has to go wrong, and what has to be answered.
    pub steps: Vec<Step>,
    /// How many runs end in it.
    pub runs: u64,
}

/// Tries everything. `start` and `now` are those of the runs.
#[must_use]
pub fn explore(assumed: &Assumed, start: &Start, now: Timestamp, limits: Limits) -> Explored {
    let mut explorer = Explorer {
        map: Map::of(&assumed.plan),
        limits,
        found: Explored::default(),
        faults: BTreeMap::new(),
    };
    let mut open = Vec::new();
    for skipped in skips(&assumed.conditions, limits.failures) {
        open.push(skipped);
    }
    open.reverse();
    while let Some(skipped) = open.pop() {
        let plan = Arc::new(without(&assumed.plan, &skipped));
        let branch = Branch {
            world: World::new(plan, start.clone(), now, false),
            failures: u32::try_from(skipped.len()).unwrap_or(u32::MAX),
            steps: skipped.into_iter().map(Step::Skipped).collect(),
            held: Vec::new(),
            met: Vec::new(),
        };
        explorer.all_from(branch);
        if explorer.found.runs >= limits.runs {
            break;
        }
    }
    explorer.found.unexplored += open.len() as u64;
    explorer.finish()
}

/// No condition false, each alone, and each pair.
fn skips(conditions: &[NodeIndex], failures: u32) -> Vec<Vec<NodeIndex>> {
    let mut all = vec![Vec::new()];
    if failures >= 1 {
        all.extend(conditions.iter().map(|one| vec![*one]));
    }
    if failures >= 2 {
        for (at, one) in conditions.iter().enumerate() {
            all.extend(
                conditions
                    .iter()
                    .skip(at + 1)
                    .map(|other| vec![*one, *other]),
            );
        }
    }
    all
}

fn without(plan: &Plan, skipped: &[NodeIndex]) -> Plan {
    let mut plan = plan.clone();
    for index in skipped {
        if let Some(node) = plan.nodes.get_mut(index.index()) {
            node.when = Expression::parse("false").ok();
        }
    }
    plan
}

/// A run on its way.
#[derive(Clone)]
struct Branch {
    world: World,
    failures: u32,
    steps: Vec<Step>,
    held: Vec<Held>,
    /// Questions, and items, that were met before.
    met: Vec<Met>,
}

/// A failure that holds for further tries.
#[derive(Clone, Copy)]
struct Held {
    node: NodeIndex,
    purpose: Purpose,
    item: Option<u32>,
    pass: Option<u32>,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Question(NodeIndex, u32, Asked),
    Item(NodeIndex, u32, Purpose, u32),
}

struct Explorer {
    map: Map,
    limits: Limits,
    found: Explored,
    faults: BTreeMap<(Fault, Option<NodeIndex>), Found>,
}

impl Explorer {
    fn all_from(&mut self, first: Branch) {
        let mut open = vec![first];
        while let Some(mut branch) = open.pop() {
            if self.found.runs >= self.limits.runs {
                self.found.unexplored += open.len() as u64 + 1;
                return;
            }
            let progress = loop {
                match branch.world.advance() {
                    Progress::At(point) => self.go_on(&mut branch, &point, &mut open),
                    end => break end,
                }
            };
            self.count(&branch, &progress);
        }
    }

    /// Puts aside what else may happen here, and goes on as when all is well.
    fn go_on(&self, branch: &mut Branch, point: &Point, open: &mut Vec<Branch>) {
        let usual = match point {
            Point::Attempt { attempt, item, .. } => {
                if let Some(fate) = branch.held(*attempt, *item) {
                    return branch.world.choose(Choice::Ends(fate));
                }
                Choice::Ends(Fate::Succeeds)
            }
            Point::Lock(_) => Choice::Got,
            Point::Question { asks, .. } => Choice::usual(*asks),
        };
        if branch.is_new(point) {
            let may_fail = branch.failures < self.limits.failures;
            // The plainest is taken up first, so that of two ways of one length it is the one that is told.
            for (choice, step) in self.map.others(point).into_iter().rev() {
                if step.counts() && !may_fail {
                    continue;
                }
                let mut other = branch.clone();
                other.take(choice, step);
                open.push(other);
            }
        }
        branch.world.choose(usual);
    }

    fn count(&mut self, branch: &Branch, progress: &Progress) {
        let verdict = branch.world.verdict(progress);
        self.found.runs += 1;
        *self.found.endings.entry(verdict.ending).or_default() += 1;
        if !verdict.cleanup_failed.is_empty() {
            self.found.cleanup_failed += 1;
        }
        if let Ending::Fault(fault) = verdict.ending {
            self.fault(fault, branch, verdict);
        }
    }

    fn fault(&mut self, fault: Fault, branch: &Branch, verdict: Verdict) {
        let at = match (fault, branch.world.account.stopped) {
            (Fault::HalfDone, Some((node, _))) => Some(node),
            _ => verdict.nodes.first().copied(),
        };
        let known = self.faults.entry((fault, at)).or_insert_with(|| Found {
            fault,
            at,
            nodes: verdict.nodes.clone(),
            steps: branch.steps.clone(),
            runs: 0,
        });
        known.runs += 1;
        if branch.steps.len() < known.steps.len() {
            known.steps.clone_from(&branch.steps);
            known.nodes = verdict.nodes;
        }
    }

    fn finish(mut self) -> Explored {
        self.found.faults = self.faults.into_values().collect();
        self.found.faults.sort_by_key(|found| found.steps.len());
        self.found
    }
}

impl Branch {
    fn held(&self, attempt: AttemptId, item: Option<u32>) -> Option<Fate> {
        let holds = |held: &&Held| {
            held.node == attempt.node
                && held.purpose == attempt.purpose
                && held.item == item
                && held.pass.is_none_or(|pass| pass == attempt.pass)
        };
        self.held.iter().find(holds).map(|held| held.fate)
    }

    /// Whether this is the first time that it comes here. A further try is not: whether that fails, too, was said at
    /// the first.
    fn is_new(&mut self, point: &Point) -> bool {
        let met = match point {
            Point::Lock(_) => return true,
            Point::Attempt { attempt, item, .. } => match item {
                None | Some(0) => return attempt.number == 1,
                Some(item) => Met::Item(attempt.node, attempt.pass, attempt.purpose, *item),
            },
            Point::Question { node, pass, asks } => Met::Question(*node, *pass, *asks),
        };
        let new = !self.met.contains(&met);
        if new {
            self.met.push(met);
        }
        new
    }

    fn take(&mut self, choice: Choice, step: Step) {
        if step.counts() {
            self.failures += 1;
        }
        if let Step::Ends {
            node,
            pass,
            purpose,
            item,
            fate,
            hold: hold @ (Hold::Pass | Hold::Always),
        } = step
        {
            self.held.push(Held {
                node,
                purpose,
                item,
                pass: (hold == Hold::Pass).then_some(pass),
                fate,
            });
        }
        self.steps.push(step);
        self.world.choose(choice);
    }
}

/// What else people may say.
fn other_answers(asks: Asked) -> Vec<Option<Answer>> {
    let succeeded = Answer::Succeeded {
        outputs: BTreeMap::new(),
        evidence: None,
    };
    match asks {
        Asked::Approve | Asked::Confirm => vec![Some(Answer::Reject), None],
        Asked::Manual => vec![Some(Answer::Failed), None],
        Asked::Interrupted => vec![
            Some(succeeded),
            Some(Answer::DidNotHappen),
            Some(Answer::Failed),
        ],
        Asked::Failed => vec![Some(Answer::Retry), Some(Answer::Rollback)],
        Asked::Undo => vec![Some(Answer::UndoneByHand), Some(Answer::AbandonUndo)],
        Asked::UndoFailed => vec![
            Some(Answer::Retry),
            Some(Answer::UndoneByHand),
            Some(Answer::AbandonUndo),
        ],
    }
}

/// What is known of each node before any run.
struct Map {
    nodes: Vec<About>,
}

#[derive(Clone, Copy, Default)]
struct About {
    /// A failed try may be followed by another in the same pass.
    tries_again: bool,
    /// A rewind may begin another pass of it.
    rewound: bool,
    /// It only tells people something, which has a limit of its own.
    tells: bool,
    undo_tries_again: bool,
}

impl Map {
    fn of(plan: &Plan) -> Map {
        let rewound = rewound(plan);
        let about = |(index, node): (NodeIndex, &Node)| About {
            tries_again: node.retry.times > 0 || node.until.is_some() || is_asked_about(plan, node),
            rewound: rewound.contains(&index),
            tells: matches!(node.action, Action::Notify(_)),
            undo_tries_again: matches!(&node.effect, WorldEffect::Undo(undo) if undo.retry.times > 0),
        };
        Map {
            nodes: plan.indices().zip(&plan.nodes).map(about).collect(),
        }
    }

    /// What else may happen at a point.
    fn others(&self, point: &Point) -> Vec<(Choice, Step)> {
        match point {
            Point::Lock(node) => vec![(Choice::NotGot, Step::NotGot(*node))],
            Point::Question { node, pass, asks } => {
                let says = |answer: Option<Answer>| Step::Says {
                    node: *node,
                    pass: *pass,
                    asks: *asks,
                    answer,
                };
                let other = |answer: Option<Answer>| {
                    let choice = match answer.clone() {
                        Some(answer) => Choice::Says(answer, None),
                        None => Choice::Silence,
                    };
                    (choice, says(answer))
                };
                other_answers(*asks).into_iter().map(other).collect()
            }
            Point::Attempt {
                attempt,
                item,
                deadline,
            } => {
                let mut others = Vec::new();
                for fate in [Fate::Fails, Fate::TimesOut, Fate::Unknown] {
                    if fate == Fate::TimesOut && deadline.is_none() && self.tells(attempt.node) {
                        continue;
                    }
                    for hold in self.holds(*attempt, fate) {
                        let step = Step::Ends {
                            node: attempt.node,
                            pass: attempt.pass,
                            purpose: attempt.purpose,
                            item: *item,
                            fate,
                            hold,
                        };
                        others.push((Choice::Ends(fate), step));
                    }
                }
                others
            }
        }
    }

    fn about(&self, node: NodeIndex) -> About {
        self.nodes.get(node.index()).copied().unwrap_or_default()
    }

    fn tells(&self, node: NodeIndex) -> bool {
        self.about(node).tells
    }

    /// For how many tries a failure may hold, where that makes a difference.
    fn holds(&self, attempt: AttemptId, fate: Fate) -> Vec<Hold> {
        let about = self.about(attempt.node);
        let again = match attempt.purpose {
            // Whoever is asked about an undo that failed may have it tried again.
            Purpose::Undo | Purpose::UndoCheck => true,
            _ => about.tries_again || fate == Fate::Unknown,
        };
        let retries = match attempt.purpose {
            Purpose::Undo => about.undo_tries_again,
            _ => about.tries_again,
        };
        match (again, about.rewound) {
            (true, true) if retries => vec![Hold::Once, Hold::Pass, Hold::Always],
            (false, false) => vec![Hold::Once],
            _ => vec![Hold::Once, Hold::Always],
        }
    }
}

/// Whether people may be asked what becomes of a node that failed, and have it tried again.
fn is_asked_about(plan: &Plan, node: &Node) -> bool {
    let asks = |node: &Node| {
        let mut ladder = node.on_fail.iter();
        ladder.any(|response| matches!(response, Response::Escalate { .. }))
    };
    let mut at = Some(node);
    let mut left = plan.nodes.len();
    while let Some(node) = at {
        if asks(node) {
            return true;
        }
        left = left.saturating_sub(1);
        at = node
            .call
            .filter(|_| left > 0)
            .and_then(|call| plan.node(call));
    }
    false
}

/// The nodes that a rewind of the plan goes back over.
fn rewound(plan: &Plan) -> BTreeSet<NodeIndex> {
    let mut reached = BTreeSet::new();
    for response in plan.nodes.iter().flat_map(|node| &node.on_fail) {
        if let Response::Rewind { to, .. } = response {
            reached.insert(plan.rewind_target(*to));
        }
    }
    // Needs point backwards, so that a few rounds reach everything behind these.
    loop {
        let before = reached.len();
        for (index, node) in plan.indices().zip(&plan.nodes) {
            if node.needs.iter().any(|need| reached.contains(need)) {
                reached.insert(index);
            }
        }
        if reached.len() == before {
            return reached;
        }
    }
}

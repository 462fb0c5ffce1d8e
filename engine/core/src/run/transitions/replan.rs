//! Taking over an edited runbook: what it would change, what stands in the way, and the fact of it.
//!
//! A run keeps its plan for everything that has begun: only what has not may say something else. An approval is one of
//! the plan as it was shown, so gates whose question is open, or behind which nothing has begun, ask again.

use super::View;
use crate::digest::Digest;
use crate::id::{Actor, Purpose};
use crate::plan::{self, Action, Became, CallScope, KeyDifference, Merged, Node, NodeIndex, Plan};
use crate::record::{Fact, RunOutcome};
use crate::run::shape::Shape;
use crate::run::state::{NodeState, Phase, State};
use crate::time::Timestamp;
use serde::Serialize;

/// What taking over an edited runbook would change.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    /// The plan that the run would have then.
    pub plan: Plan,
    /// The nodes, by their places in that plan.
    pub nodes: Vec<Revised>,
    /// What is said of the runbook as a whole, and of the runbooks that it calls.
    pub whole: Vec<Whole>,
    /// The gates that would ask again for an approval that was given, or is asked for, now.
    pub asked_again: Vec<String>,
    /// Why the run takes nothing over now, whatever the differences are.
    pub refused: Option<ReplanError>,
}

/// A node in an edited runbook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Revised {
    /// The node's name.
    pub node: String,
    /// What becomes of it.
    #[serde(flatten)]
    pub became: BecameWord,
    /// What it says differently.
    pub keys: Vec<KeyDifference>,
    /// Why that cannot be taken over; `None` if it can.
    pub blocked: Option<String>,
}

/// What becomes of a node, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum BecameWord {
    /// It stays what it is.
    Unchanged,
    /// It says something else.
    Changed,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
}

/// A difference that is not one of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Whole {
    /// What is said differently.
    #[serde(flatten)]
    pub difference: KeyDifference,
    /// Why that cannot be taken over; `None` if it can.
    pub blocked: Option<String>,
}

/// Why an edited runbook is not taken over. The run is as it was before.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReplanError {
    /// The run is over.
    #[error("this run is over since {at}; it keeps the plan that it had")]
    Over {
        /// How it ended.
        outcome: RunOutcome,
        /// When.
        at: Timestamp,
    },
    /// The run does something in which its plan is not changed.
    #[error("this run {doing}; it keeps its plan meanwhile")]
    NotNow {
        /// What it does.
        doing: &'static str,
    },
    /// It is another runbook.
    #[error("this run is one of the runbook `{run}`, and the file has `{file}`")]
    OtherRunbook {
        /// The run's.
        run: String,
        /// The file's.
        file: String,
    },
    /// The plan of a run that takes back another one is in no file.
    #[error("this run takes back run {0}; its plan was made from what that run did")]
    TakesBack(String),
    /// Something that has begun would change.
    #[error("what has begun would change: {}", .0.join("; "))]
    Begun(Vec<String>),
    /// There is nothing to take over.
    #[error("the runbook says what the run's plan says; there is nothing to take over")]
    Same,
}

impl Revision {
    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.differing().next().is_none()
    }

    /// The nodes that become something else.
    pub fn differing(&self) -> impl Iterator<Item = &Revised> {
        let unchanged = BecameWord::Unchanged;
        self.nodes.iter().filter(move |it| it.became != unchanged)
    }

    /// Everything that cannot be taken over, in a line each.
    #[must_use]
    pub fn blocked(&self) -> Vec<String> {
        let nodes = self.nodes.iter().filter_map(|it| {
            let why = it.blocked.as_ref()?;
            Some(format!("`{}`: {why}", it.node))
        });
        let whole = self.whole.iter().filter_map(|it| {
            let why = it.blocked.as_ref()?;
            Some(format!("`{}`: {why}", it.difference.key))
        });
        nodes.chain(whole).collect()
    }
}

/// The fact that a run took over an edited runbook, without who did it.
pub(in crate::run) struct Taken {
    plan: String,
    digest: Digest,
    changed: Vec<NodeIndex>,
    removed: Vec<NodeIndex>,
    anew: Vec<NodeIndex>,
    shown: Vec<(NodeIndex, Digest)>,
}

impl Taken {
    pub(in crate::run) fn by(self, by: Actor, reason: Option<String>) -> Fact {
        Fact::Replanned {
            digest: self.digest,
            plan: self.plan,
            by,
            reason,
            changed: self.changed,
            removed: self.removed,
            anew: self.anew,
            shown: self.shown,
        }
    }
}

/// What taking over an edited plan would change.
pub(in crate::run) fn revise(plan: &Plan, shape: &Shape, state: &State, edited: &Plan) -> Revision {
    let now = state.now;
    let view = View {
        plan,
        shape,
        state,
        now,
    };
    let merged = plan.merge(edited);
    let nodes = plan_nodes(view, &merged);
    let mut whole = whole(view, &merged.plan);
    whole.extend(calls(view, &merged.plan));
    let mut revision = Revision {
        refused: refused(view, edited),
        nodes,
        whole,
        asked_again: Vec::new(),
        plan: merged.plan,
    };
    if !revision.is_empty() {
        let gates = gates(view).filter(|index| {
            let gone = |node: &Node| node.removed;
            !revision.plan.node(*index).is_some_and(gone)
        });
        revision.asked_again = gates.map(|index| view.name(index)).collect();
    }
    revision
}

/// The fact of taking it over.
///
/// # Errors
/// What stands in the way.
pub(in crate::run) fn replan(
    plan: &Plan,
    shape: &Shape,
    state: &State,
    revision: &Revision,
) -> Result<Taken, ReplanError> {
    if let Some(refused) = &revision.refused {
        return Err(refused.clone());
    }
    if revision.is_empty() {
        return Err(ReplanError::Same);
    }
    let now = state.now;
    let view = View {
        plan,
        shape,
        state,
        now,
    };
    let mut blocked = revision.blocked();
    blocked.extend(gates(view).filter_map(|index| {
        let flight = state.node(index)?.flight()?;
        let (node, attempt) = (view.name(index), flight.attempt);
        Some(format!(
            "`{node}`: it looks at what stands behind it right now ({attempt}), which ends soon"
        ))
    }));
    if !blocked.is_empty() {
        return Err(ReplanError::Begun(blocked));
    }
    let became = |wanted: BecameWord| {
        let nodes = revision.plan.indices().zip(&revision.nodes);
        nodes.filter(move |(_, it)| it.became == wanted)
    };
    let changed: Vec<_> = became(BecameWord::Changed)
        .map(|(index, _)| index)
        .collect();
    let removed: Vec<_> = became(BecameWord::Removed)
        .map(|(index, _)| index)
        .collect();
    let added = became(BecameWord::Added).map(|(index, _)| index);
    let touched = |index: &NodeIndex| state.node(*index).is_some_and(|it| !it.is_pristine());
    let mut anew: Vec<_> = changed
        .iter()
        .chain(&removed)
        .copied()
        .chain(added)
        .collect();
    anew.retain(touched);
    anew.extend(gates(view));
    anew.sort_unstable();
    anew.dedup();
    let text = revision.plan.to_json();
    let digest = Digest::of(&[b"piton plan", text.as_bytes()]);
    let shown = shown(view, &anew, digest);
    Ok(Taken {
        plan: text,
        digest,
        changed,
        removed,
        anew,
        shown,
    })
}

/// What the questions that stay open show from now on.
fn shown(view: View<'_>, anew: &[NodeIndex], plan: Digest) -> Vec<(NodeIndex, Digest)> {
    let open = view.state.agenda.asking.iter();
    let kept = open.filter(|index| anew.binary_search(index).is_err());
    kept.filter_map(|index| {
        let asking = view.state.node(*index)?.asking.as_deref()?;
        let before = asking.question.shown;
        Some((*index, Digest::of(&[b"piton shown", &before.0, &plan.0])))
    })
    .collect()
}

/// Why the run takes over no plan now, or not this one.
fn refused(view: View<'_>, edited: &Plan) -> Option<ReplanError> {
    let state = view.state;
    let not_now = |doing| Some(ReplanError::NotNow { doing });
    if let Some(over) = state.over {
        let (outcome, at) = (over.outcome, over.at);
        return Some(ReplanError::Over { outcome, at });
    }
    if let Some(run) = &view.plan.undoes {
        return Some(ReplanError::TakesBack(run.to_string()));
    }
    if view.plan.runbook != edited.runbook {
        return Some(ReplanError::OtherRunbook {
            run: view.plan.runbook.clone(),
            file: edited.runbook.clone(),
        });
    }
    if state.ending.is_some() {
        return not_now("does what it does at its end");
    }
    if state.cancelled.is_some() {
        return not_now("is being cancelled");
    }
    if state.back.is_some() {
        return not_now("goes back");
    }
    if state.is_halting() {
        return not_now("comes to its end");
    }
    None
}

fn plan_nodes(view: View<'_>, merged: &Merged) -> Vec<Revised> {
    let nodes = merged.plan.indices().zip(&merged.plan.nodes);
    nodes
        .zip(&merged.nodes)
        .map(|((index, node), became)| {
            let before = view.plan.node(index);
            let (became, keys) = match (became, before) {
                (Became::Unchanged | Became::Gone, _) => (BecameWord::Unchanged, Vec::new()),
                (Became::Removed, _) => (BecameWord::Removed, Vec::new()),
                (Became::Changed, Some(before)) => {
                    let keys = plan::of_nodes((view.plan, before), (&merged.plan, node));
                    (BecameWord::Changed, keys)
                }
                (Became::Added | Became::Changed, _) => (BecameWord::Added, Vec::new()),
            };
            let differs = became != BecameWord::Unchanged;
            Revised {
                node: node.id.clone(),
                became,
                keys,
                blocked: differs.then(|| begun(view, index)).flatten(),
            }
        })
        .collect()
}

/// Why a node may not become something else; `None` if nothing of it has begun in a pass that counts.
fn begun(view: View<'_>, index: NodeIndex) -> Option<String> {
    let (node, state) = view.node(index)?;
    let pass = state.pass;
    let why = match &state.phase {
        Phase::Pending => {
            let other = view.shape.dependants(index).iter().find(|other| {
                view.state
                    .node(**other)
                    .is_some_and(|other| !other.is_pristine())
            })?;
            return Some(format!(
                "`{}`, which needs it, has begun",
                view.name(*other)
            ));
        }
        Phase::Begun | Phase::Asking if is_untouched(state) => return None,
        Phase::Skipped if node.removed => return None,
        Phase::Succeeded => "it is done",
        Phase::Skipped => "it was skipped",
        Phase::Failed => "it failed",
        Phase::InFlight(_) => "it is under way",
        Phase::Again { .. } => "it waits to be tried again",
        _ => "it has begun",
    };
    Some(format!("{why} in pass {pass}"))
}

/// Whether only people were asked, or looks were made, or time was let pass, of a node that has begun.
fn is_untouched(state: &NodeState) -> bool {
    let acted = state.count(Purpose::Do) > 0 || state.count(Purpose::Probe) > 0;
    !acted && state.items.is_empty() && !state.assumed && state.flight().is_none()
}

/// The gates at which people approve, or have approved, what stands behind them, while nothing of that has begun.
fn gates<'a>(view: View<'a>) -> impl Iterator<Item = NodeIndex> + use<'a> {
    let nodes = view.plan.indices().zip(&view.plan.nodes);
    let approves = nodes.filter(|(_, node)| matches!(node.action, Action::Approve(_)));
    approves.map(|(index, _)| index).filter(move |index| {
        let Some(state) = view.state.node(*index) else {
            return false;
        };
        let behind = || view.shape.dependants(*index).iter();
        let pristine =
            |other: &NodeIndex| view.state.node(*other).is_none_or(NodeState::is_pristine);
        match state.phase {
            Phase::Begun | Phase::Asking | Phase::InFlight(_) => true,
            Phase::Succeeded => behind().next().is_some() && behind().all(pristine),
            _ => false,
        }
    })
}

/// What the runbook as a whole says differently.
fn whole(view: View<'_>, merged: &Plan) -> Vec<Whole> {
    let differences = plan::of_plans(view.plan, merged);
    let whole = differences.into_iter().map(|difference| Whole {
        blocked: fixed(view, &difference),
        difference,
    });
    whole.collect()
}

/// Why something that is said of the whole cannot become something else.
fn fixed(view: View<'_>, difference: &KeyDifference) -> Option<String> {
    let mut path = difference.key.split('.');
    let (first, second) = (path.next().unwrap_or_default(), path.next());
    match (first, second) {
        ("mode", _) => Some("a run keeps its mode".to_owned()),
        ("lock", _) => Some("a run holds its locks from its start".to_owned()),
        ("params", _) if difference.old.is_some() => {
            Some("a run keeps the values of its parameters".to_owned())
        }
        ("targets", _) if view.state.clock.started.is_some() => {
            Some("the run's clock has started".to_owned())
        }
        ("secrets", Some(name)) if difference.old.is_some() => {
            let nodes = view.plan.indices().zip(&view.plan.nodes);
            let mut used = nodes.filter(|(_, node)| uses_secret(view.plan, node, name));
            let (_, user) = used.find(|(index, _)| begun(view, *index).is_some())?;
            Some(format!("`{}`, which uses it, has begun", user.id))
        }
        _ => None,
    }
}

/// Whether a node may use a secret, going by its text: rather once too often.
fn uses_secret(plan: &Plan, node: &Node, secret: &str) -> bool {
    let text = serde_json::to_string(node).unwrap_or_default();
    let scope = node.scope.and_then(|scope| plan.scopes.get(scope as usize));
    let local = scope.into_iter().flat_map(|scope| &scope.secrets);
    let local = local
        .filter(|(_, of)| *of == secret)
        .map(|(name, _)| name.as_str());
    text.contains("secrets") && local.chain([secret]).any(|name| text.contains(name))
}

/// What the runbooks that are called get differently.
fn calls(view: View<'_>, merged: &Plan) -> Vec<Whole> {
    let both = (0u32..).zip(view.plan.scopes.iter().zip(&merged.scopes));
    let given = |scope: &CallScope| {
        let given = (&scope.runbook, &scope.params, &scope.secrets);
        serde_json::to_string(&given).unwrap_or_default()
    };
    both.filter(|(_, (old, new))| given(old) != given(new))
        .map(|(place, (old, new))| {
            let nodes = view.plan.indices().zip(&view.plan.nodes);
            let mut members = nodes.filter(|(_, node)| node.scope == Some(place));
            let member = members.find(|(index, _)| begun(view, *index).is_some());
            Whole {
                difference: KeyDifference {
                    key: format!("call {}", old.prefix.trim_end_matches('/')),
                    old: Some(given(old)),
                    new: Some(given(new)),
                },
                blocked: member.map(|(_, node)| format!("`{}` of it has begun", node.id)),
            }
        })
        .collect()
}

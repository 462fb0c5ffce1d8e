//! An edited plan under the places of the one that a run has.
//!
//! A run's records name nodes by their places, so these never change: a node that both plans have keeps its place,
//! one that is new stands after all others, and one that is gone stays where it was, as [`Node::removed`].

use super::{CallScope, Node, NodeIndex, Plan, Response, Rto, Targets};
use std::collections::BTreeMap;

/// Two plans as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The plan: what the new one says, under the places of the old one.
    pub plan: Plan,
    /// For each node, by its place, what became of it.
    pub nodes: Vec<Became>,
}

/// What became of a node in an edited plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It is what it was.
    Unchanged,
    /// It says something else.
    Changed,
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It had been removed before, and still is.
    Gone,
}

impl Plan {
    /// The plan that a run of this one has when it takes over what `new` says. What `new` does not name any more
    /// (parameters, secrets, contacts, policies) is kept, because what was begun may still use it.
    #[must_use]
    pub fn merge(&self, new: &Plan) -> Merged {
        let places = Places::of(self, new);
        let mut plan = Plan {
            nodes: Vec::new(),
            params: over(&self.params, &new.params),
            secrets: over(&self.secrets, &new.secrets),
            contacts: over(&self.contacts, &new.contacts),
            escalations: over(&self.escalations, &new.escalations),
            scopes: places.scopes(self, new),
            targets: new.targets.as_ref().map(|targets| places.targets(targets)),
            undoes: self.undoes.clone(),
            ..new.clone()
        };
        let mut moved: Vec<Option<Node>> = vec![None; places.total];
        let stays = new.nodes.iter().zip(&places.nodes);
        for (node, place) in stays.filter(|(node, _)| !node.removed) {
            if let Some(slot) = moved.get_mut(place.index()) {
                *slot = Some(places.node(node));
            }
        }
        let mut nodes = Vec::with_capacity(places.total);
        for (at, node) in moved.into_iter().enumerate() {
            let (became, node) = settle(self.nodes.get(at), node);
            nodes.push(became);
            plan.nodes.extend(node);
        }
        Merged { plan, nodes }
    }
}

/// What becomes of the node at one place, and how it stands in the merged plan.
fn settle(before: Option<&Node>, after: Option<Node>) -> (Became, Option<Node>) {
    match (before, after) {
        (None, after) => (Became::Added, after),
        (Some(before), None) => {
            let became = match before.removed {
                true => Became::Gone,
                false => Became::Removed,
            };
            let gone = Node {
                needs: Vec::new(),
                removed: true,
                ..before.clone()
            };
            (became, Some(gone))
        }
        (Some(before), Some(after)) if before.removed => (Became::Added, Some(after)),
        (Some(before), Some(mut after)) => {
            // In which order needs are named means nothing.
            if sorted(&before.needs) == sorted(&after.needs) {
                after.needs.clone_from(&before.needs);
            }
            let became = match *before == after {
                true => Became::Unchanged,
                false => Became::Changed,
            };
            (became, Some(after))
        }
    }
}

fn sorted(needs: &[NodeIndex]) -> Vec<NodeIndex> {
    let mut needs = needs.to_vec();
    needs.sort_unstable();
    needs
}

fn over<T: Clone>(old: &BTreeMap<String, T>, new: &BTreeMap<String, T>) -> BTreeMap<String, T> {
    let mut both = old.clone();
    both.extend(new.iter().map(|(name, what)| (name.clone(), what.clone())));
    both
}

/// Where the nodes and scopes of an edited plan come to stand.
struct Places {
    nodes: Vec<NodeIndex>,
    scopes: Vec<u32>,
    /// How many nodes there are in all.
    total: usize,
}

impl Places {
    fn of(old: &Plan, new: &Plan) -> Places {
        let known: BTreeMap<&str, NodeIndex> = old
            .indices()
            .zip(&old.nodes)
            .map(|(index, node)| (node.id.as_str(), index))
            .collect();
        let mut total = old.nodes.len();
        let nodes = new.nodes.iter().map(|node| {
            known.get(node.id.as_str()).copied().unwrap_or_else(|| {
                total += 1;
                NodeIndex(u32::try_from(total - 1).unwrap_or(u32::MAX))
            })
        });
        let nodes = nodes.collect();
        let mut scopes = old.scopes.len();
        let of_prefix = |scope: &CallScope| {
            let same = |before: &CallScope| before.prefix == scope.prefix;
            let at = old.scopes.iter().position(same).unwrap_or_else(|| {
                scopes += 1;
                scopes - 1
            });
            u32::try_from(at).unwrap_or(u32::MAX)
        };
        Places {
            nodes,
            scopes: new.scopes.iter().map(of_prefix).collect(),
            total,
        }
    }

    fn index(&self, index: NodeIndex) -> NodeIndex {
        // A place that the new plan does not have stays one that no plan has.
        let nowhere = NodeIndex(u32::MAX);
        self.nodes.get(index.index()).copied().unwrap_or(nowhere)
    }

    fn scope(&self, scope: u32) -> u32 {
        self.scopes.get(scope as usize).copied().unwrap_or(u32::MAX)
    }

    fn node(&self, node: &Node) -> Node {
        let mut node = node.clone();
        node.needs = node.needs.iter().map(|need| self.index(*need)).collect();
        for response in &mut node.on_fail {
            if let Response::Rewind { to, .. } = response {
                *to = self.index(*to);
            }
        }
        if let Some(within) = &mut node.within {
            within.of = self.index(within.of);
        }
        node.scope = node.scope.map(|scope| self.scope(scope));
        node.call = node.call.map(|end| self.index(end));
        node
    }

    fn scopes(&self, old: &Plan, new: &Plan) -> Vec<CallScope> {
        let mut all = old.scopes.clone();
        for (scope, place) in new.scopes.iter().zip(&self.scopes) {
            let scope = CallScope {
                begin: self.index(scope.begin),
                ..scope.clone()
            };
            match all.get_mut(*place as usize) {
                Some(slot) => *slot = scope,
                None => all.push(scope),
            }
        }
        all
    }

    fn targets(&self, targets: &Targets) -> Targets {
        Targets {
            rto: targets.rto.as_ref().map(|rto| Rto {
                from: rto.from.map(|node| self.index(node)),
                to: rto.to.map(|node| self.index(node)),
                ..rto.clone()
            }),
            rpo: targets.rpo.clone(),
        }
    }
}

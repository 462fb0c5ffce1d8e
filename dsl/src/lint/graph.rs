//! What comes before what.

use crate::runbook::{Node, Runbook};
use crate::source::Span;
use std::collections::BTreeMap;

/// An edge to a node that comes before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// The node that comes before.
    pub(crate) node: usize,
    /// Where that is said: its name in `needs`; for a node without `needs`, its own name.
    pub(crate) span: Span,
    /// Whether it is said by the order of the file.
    pub(crate) implied: bool,
}

/// The nodes that this one waits for, as far as they exist: each once, in the order of the file.
///
/// A node without `needs` follows the one of its sort above it: what runs when the run ends follows what does so
/// too, and everything else passes it over.
pub(crate) fn needs_of(
    nodes: &[Node],
    index: usize,
    find: impl Fn(&str) -> Option<usize>,
) -> Vec<Need> {
    let Some(node) = nodes.get(index) else {
        return Vec::new();
    };
    match &node.needs {
        None => {
            let above = nodes.get(..index).unwrap_or_default();
            let before = above.iter().rposition(|it| it.finally == node.finally);
            before
                .map(|before| Need {
                    node: before,
                    span: node.id.span,
                    implied: true,
                })
                .into_iter()
                .collect()
        }
        Some(names) => {
            let mut first_said = BTreeMap::new();
            for name in names {
                if let Some(target) = find(&name.value) {
                    first_said.entry(target).or_insert(name.span);
                }
            }
            let need = |(node, span)| Need {
                node,
                span,
                implied: false,
            };
            first_said.into_iter().map(need).collect()
        }
    }
}

/// The graph of a runbook.
pub(crate) struct Graph {
    /// For each node, what it waits for.
    pub(crate) needs: Vec<Vec<Need>>,
    /// Nodes that are not behind a cycle, each after all it waits for.
    pub(crate) order: Vec<usize>,
    /// Whether a node is in `order`.
    pub(crate) ordered: Vec<bool>,
    /// Whether a node may wait for more than is known: it or one before it names nodes that there are not.
    pub(crate) doubtful: Vec<bool>,
    /// How many nodes wait for a node directly.
    pub(crate) dependents: Vec<usize>,
    /// Whether a node runs when all others are over.
    finally: Vec<bool>,
}

impl Graph {
    pub(crate) fn new(runbook: &Runbook, nodes: &BTreeMap<&str, usize>) -> Graph {
        let needs: Vec<_> = (0..runbook.nodes.len())
            .map(|index| needs_of(&runbook.nodes, index, |name| nodes.get(name).copied()))
            .collect();
        let mut dependents = vec![0; needs.len()];
        for need in needs.iter().flatten() {
            if let Some(count) = dependents.get_mut(need.node) {
                *count += 1;
            }
        }
        let order = topological_order(&needs);
        let mut ordered = vec![false; needs.len()];
        for node in &order {
            if let Some(flag) = ordered.get_mut(*node) {
                *flag = true;
            }
        }
        let unread = |node: &Node| {
            let names = node.needs.iter().flatten();
            node.needs_doubtful
                || names
                    .into_iter()
                    .any(|name| !nodes.contains_key(name.value.as_str()))
        };
        let mut doubtful: Vec<bool> = runbook.nodes.iter().map(unread).collect();
        for node in &order {
            let of_needs = needs.get(*node).is_some_and(|needs: &Vec<Need>| {
                needs.iter().any(|need| get(&doubtful, need.node))
            });
            if of_needs {
                set(&mut doubtful, *node, true);
            }
        }
        Graph {
            needs,
            order,
            ordered,
            doubtful,
            dependents,
            finally: runbook.nodes.iter().map(|node| node.finally).collect(),
        }
    }

    /// For each node, whether there is one of these among all that come before it. Only for nodes in
    /// [`Graph::order`]; the others have none.
    pub(crate) fn any_before(&self, is_one: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut before = vec![false; self.needs.len()];
        for index in &self.order {
            let found = self
                .needs(*index)
                .iter()
                .any(|need| get(&before, need.node) || is_one(need.node));
            set(&mut before, *index, found);
        }
        before
    }

    fn needs(&self, node: usize) -> &[Need] {
        self.needs.get(node).map_or(&[], Vec::as_slice)
    }

    /// For each pair of an earlier and a later node, whether the earlier one has surely settled when the later one
    /// starts. Only for nodes in [`Graph::order`].
    ///
    /// Most pairs stand on one chain and are answered by their places on it. For the rest, 64 earlier nodes at a
    /// time are followed through the graph in one pass.
    pub(crate) fn settled_before(&self, pairs: &[(usize, usize)]) -> Vec<bool> {
        let chains = self.chains();
        let place = |node: usize| chains.get(node).copied().unwrap_or((node, 0));
        let mut answers: Vec<bool> = pairs
            .iter()
            .map(|(earlier, later)| {
                // All others have settled when what is `finally` starts.
                let at_the_end = !get(&self.finally, *earlier) && get(&self.finally, *later);
                let (earlier, later) = (place(*earlier), place(*later));
                at_the_end || (earlier.0 == later.0 && earlier.1 < later.1)
            })
            .collect();
        let mut open: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (pair, answered) in answers.iter().enumerate() {
            if let (false, Some((earlier, _))) = (answered, pairs.get(pair)) {
                open.entry(*earlier).or_default().push(pair);
            }
        }
        let open: Vec<_> = open.into_iter().collect();
        for chunk in open.chunks(64) {
            let reached = self.reached_from(chunk.iter().map(|(node, _)| *node));
            for (bit, (_, waiting)) in chunk.iter().enumerate() {
                for pair in waiting {
                    let later = pairs.get(*pair).map_or(0, |(_, later)| *later);
                    let reaches = reached.get(later).is_some_and(|bits| bits >> bit & 1 == 1);
                    if let Some(answer) = answers.get_mut(*pair) {
                        *answer = reaches;
                    }
                }
            }
        }
        answers
    }

    /// For each node a set of bits: which of these (at most 64) nodes lie strictly before it.
    pub(crate) fn reached_from(&self, from: impl Iterator<Item = usize>) -> Vec<u64> {
        let mut own = vec![0u64; self.needs.len()];
        for (bit, node) in from.enumerate() {
            if let Some(bits) = own.get_mut(node) {
                *bits |= 1 << bit;
            }
        }
        let mut reached = vec![0u64; self.needs.len()];
        for node in &self.order {
            let bits = self.needs(*node).iter().fold(0, |bits, need| {
                let before = |sets: &[u64]| sets.get(need.node).copied().unwrap_or(0);
                bits | before(&reached) | before(&own)
            });
            if let Some(set) = reached.get_mut(*node) {
                *set = bits;
            }
        }
        reached
    }

    /// Cuts the graph into chains: for each node its chain (named by its first node) and its place on it.
    fn chains(&self) -> Vec<(usize, usize)> {
        let mut chains: Vec<_> = (0..self.needs.len()).map(|node| (node, 0)).collect();
        let mut continued = vec![false; self.needs.len()];
        for node in &self.order {
            let free = |need: &&Need| continued.get(need.node) == Some(&false);
            let Some(before) = self.needs(*node).iter().find(free).map(|need| need.node) else {
                continue;
            };
            let Some((chain, place)) = chains.get(before).copied() else {
                continue;
            };
            if let (Some(entry), Some(flag)) = (chains.get_mut(*node), continued.get_mut(before)) {
                *entry = (chain, place + 1);
                *flag = true;
            }
        }
        chains
    }

    /// One cycle of each knot of nodes that wait for one another: its nodes, from the one that stands first in the
    /// file, each followed by one that waits for it.
    pub(crate) fn cycles(&self) -> Vec<Vec<usize>> {
        let mut component = vec![usize::MAX; self.needs.len()];
        let knots = self.knots();
        for (number, knot) in knots.iter().enumerate() {
            for node in knot {
                if let Some(entry) = component.get_mut(*node) {
                    *entry = number;
                }
            }
        }
        let mut cycles: Vec<_> = knots
            .iter()
            .enumerate()
            .filter_map(|(number, knot)| {
                self.shortest_cycle(*knot.iter().min()?, number, &component)
            })
            .collect();
        cycles.sort();
        cycles
    }

    /// The shortest way from a node back to itself within its knot.
    fn shortest_cycle(&self, start: usize, knot: usize, component: &[usize]) -> Option<Vec<usize>> {
        let mut towards = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for need in self.needs(node) {
                if need.node == start {
                    // `towards` leads from any node found so far to the one that waits for it, down to `start`.
                    let mut cycle = vec![start];
                    let mut at = node;
                    while at != start {
                        cycle.push(at);
                        at = *towards.get(&at)?;
                    }
                    return Some(cycle);
                }
                if component.get(need.node) == Some(&knot) && !towards.contains_key(&need.node) {
                    towards.insert(need.node, node);
                    queue.push_back(need.node);
                }
            }
        }
        None
    }

    /// Sets of nodes that wait for one another (strongly connected, by Tarjan's algorithm with a stack of its own),
    /// and nodes that wait for themselves.
    fn knots(&self) -> Vec<Vec<usize>> {
        const UNSEEN: usize = usize::MAX;
        let count = self.needs.len();
        let (mut number, mut low) = (vec![UNSEEN; count], vec![UNSEEN; count]);
        let mut on_stack = vec![false; count];
        let (mut stack, mut next) = (Vec::new(), 0);
        let mut knots = Vec::new();
        for root in 0..count {
            if self.ordered.get(root) != Some(&false) || number.get(root) != Some(&UNSEEN) {
                continue;
            }
            let mut calls = vec![(root, 0usize)];
            while let Some((node, edge)) = calls.pop() {
                if edge == 0 {
                    set(&mut number, node, next);
                    set(&mut low, node, next);
                    next += 1;
                    stack.push(node);
                    set(&mut on_stack, node, true);
                }
                if let Some(before) = edge
                    .checked_sub(1)
                    .and_then(|edge| self.needs(node).get(edge))
                {
                    let lowest = get(&low, node).min(get(&low, before.node));
                    if get(&on_stack, before.node) {
                        set(&mut low, node, lowest);
                    }
                }
                if let Some(need) = self.needs(node).get(edge) {
                    calls.push((node, edge + 1));
                    if get(&number, need.node) == UNSEEN {
                        calls.push((need.node, 0));
                    }
                    continue;
                }
                if get(&low, node) == get(&number, node) {
                    let from = stack
                        .iter()
                        .rposition(|member| *member == node)
                        .unwrap_or(0);
                    let knot = stack.split_off(from);
                    for member in &knot {
                        set(&mut on_stack, *member, false);
                    }
                    let own = self.needs(node).iter().any(|need| need.node == node);
                    if knot.len() > 1 || own {
                        knots.push(knot);
                    }
                }
            }
        }
        knots
    }
}

fn get<T: Copy + Default>(list: &[T], at: usize) -> T {
    list.get(at).copied().unwrap_or_default()
}

fn set<T>(list: &mut [T], at: usize, value: T) {
    if let Some(entry) = list.get_mut(at) {
        *entry = value;
    }
}

/// Nodes each after all it waits for; those on or behind a cycle are left out.
fn topological_order(needs: &[Vec<Need>]) -> Vec<usize> {
    let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut dependents = vec![Vec::new(); needs.len()];
    for (node, needs) in needs.iter().enumerate() {
        for need in needs {
            if let Some(list) = dependents.get_mut(need.node) {
                list.push(node);
            }
        }
    }
    let mut order: Vec<usize> = (0..needs.len())
        .filter(|node| get(&waiting, *node) == 0)
        .collect();
    let mut done = 0;
    while let Some(node) = order.get(done).copied() {
        done += 1;
        for dependent in dependents.get(node).map_or(&[] as &[usize], Vec::as_slice) {
            if let Some(count) = waiting.get_mut(*dependent) {
                *count -= 1;
                if *count == 0 {
                    order.push(*dependent);
                }
            }
        }
    }
    order
}

//! Edited plans: what somebody might make of a runbook while a run of it goes on.

use super::draw::Draw;
use piton_core::plan::{Node, NodeIndex, Plan, Response, Rto, Targets, WorldEffect};
use piton_core::sim::plans::{gate, plan, step};
use piton_core::time::Millis;

/// How many bytes an edit is made from.
pub const BYTES: usize = 48;

/// An edited form of a plan: nodes changed, taken out, added, and all in another order.
pub fn edit(of: &Plan, bytes: &[u8]) -> Plan {
    let draw = &mut Draw::new(bytes);
    let mut edited = of.clone();
    if draw.once_in(4) {
        edited.parallel = 1 + draw.below(4) as u32;
    }
    for _ in 0..draw.of(&[1, 0, 2, 3]) {
        let at = late(&edited, draw);
        change(&mut edited.nodes[at], draw);
    }
    for _ in 0..draw.of(&[0, 1, 0, 2]) {
        if edited.nodes.len() > 1 {
            let gone = late(&edited, draw);
            edited = without(&edited, gone);
        }
    }
    for number in 0..draw.of(&[0, 1, 2]) {
        add(&mut edited, number, draw);
    }
    if draw.once_in(3) {
        let turn = draw.below(edited.nodes.len());
        edited = turned(&edited, turn);
    }
    edited
}

/// A node, rather one of those that come late.
fn late(of: &Plan, draw: &mut Draw<'_>) -> usize {
    let (one, other) = (draw.below(of.nodes.len()), draw.below(of.nodes.len()));
    one.max(other)
}

fn change(node: &mut Node, draw: &mut Draw<'_>) {
    match draw.below(4) {
        0 => node.title = Some("edited".to_owned()),
        1 => node.timeout = Some(Millis(7_000 + draw.millis())),
        2 => node.retry.times += 1,
        _ => {
            let first = node.needs.first().copied();
            node.needs.retain(|need| Some(*need) != first);
        }
    }
}

/// The plan without a node: what needed it needs what it needed.
fn without(of: &Plan, gone: usize) -> Plan {
    let needed = of.nodes[gone].needs.clone();
    let mut left = of.clone();
    for node in &mut left.nodes {
        if let Some(at) = node.needs.iter().position(|need| need.index() == gone) {
            node.needs.remove(at);
            let mut instead = needed.clone();
            instead.retain(|need| !node.needs.contains(need));
            node.needs.extend(instead);
        }
        node.on_fail.retain(
            |response| !matches!(response, Response::Rewind { to, .. } if to.index() == gone),
        );
        node.within = node.within.filter(|within| within.of.index() != gone);
    }
    let order: Vec<usize> = (0..of.nodes.len()).filter(|at| *at != gone).collect();
    ordered(&left, &order)
}

/// The plan with its nodes in another order, which means nothing.
fn turned(of: &Plan, by: usize) -> Plan {
    let count = of.nodes.len();
    let order: Vec<usize> = (0..count).map(|at| (at + by) % count).collect();
    ordered(of, &order)
}

/// These nodes in this order.
fn ordered(of: &Plan, order: &[usize]) -> Plan {
    let place = |index: NodeIndex| {
        let at = order.iter().position(|old| *old == index.index());
        at.map(|at| NodeIndex(at as u32))
    };
    let nodes = order.iter().map(|old| {
        let mut node = of.nodes[*old].clone();
        node.needs = node.needs.iter().filter_map(|need| place(*need)).collect();
        for response in &mut node.on_fail {
            if let Response::Rewind { to, .. } = response {
                *to = place(*to).unwrap();
            }
        }
        if let Some(within) = &mut node.within {
            within.of = place(within.of).unwrap();
        }
        node
    });
    Plan {
        nodes: nodes.collect(),
        targets: of.targets.as_ref().map(|targets| Targets {
            rto: targets.rto.as_ref().map(|rto| Rto {
                from: rto.from.and_then(place),
                to: rto.to.and_then(place),
                ..rto.clone()
            }),
            rpo: targets.rpo.clone(),
        }),
        ..of.clone()
    }
}

/// A new node that needs some that are there, and perhaps one that needs it.
fn add(to: &mut Plan, number: usize, draw: &mut Draw<'_>) {
    let id = format!("x{number}");
    let made = match draw.below(3) {
        0 => plan("one").node(step(&id).script("new")),
        1 => plan("one").node(gate(&id).script("look")),
        _ => plan("one").node(step(&id).script("new").undo("back")),
    };
    let mut node = made.build().unwrap().nodes.remove(0);
    if draw.once_in(3) {
        node.effect = WorldEffect::Irreversible("so".to_owned());
    }
    let usual: Vec<NodeIndex> = to
        .indices()
        .filter(|index| !to.nodes[index.index()].finally)
        .collect();
    if !usual.is_empty() {
        node.needs = vec![draw.of(&usual)];
    }
    let new = NodeIndex(to.nodes.len() as u32);
    // Who needs it must not be needed by it: nobody does, or one that comes after all that it needs.
    if draw.once_in(2)
        && let Some(last) = usual.last().copied()
        && node.needs.first() != Some(&last)
        && !needed_by(to, node.needs.first().copied(), last)
    {
        to.nodes[last.index()].needs.push(new);
    }
    to.nodes.push(node);
}

/// Whether a node needs another, directly or not.
fn needed_by(plan: &Plan, from: Option<NodeIndex>, what: NodeIndex) -> bool {
    let mut open: Vec<NodeIndex> = from.into_iter().collect();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(at) = open.pop() {
        if at == what {
            return true;
        }
        if seen.insert(at) {
            open.extend(&plan.nodes[at.index()].needs);
        }
    }
    false
}

//! Puts the nodes of called runbooks where the calls stand, and sets right every place that names a node.

use super::merge::{merge, renamed};
use super::{Call, Piece, Round};
use crate::compile::rewrite::{in_folder, quoted};
use crate::compile::{CompileError, Result, unchecked};
use piton_core::expr::Expression;
use piton_core::plan::{
    Action, CallPart, CallScope, HttpBody, Interrupted, Node, NodeIndex, NodeKind, Plan, Response,
    Retry, WorldEffect,
};
use piton_core::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A plan to which nodes are added.
pub(super) struct Builder {
    plan: Plan,
    /// For each node of the runbook, where what it becomes begins and ends: a node of its own does both at once.
    places: Vec<(NodeIndex, NodeIndex)>,
}

impl Builder {
    /// A builder for these pieces, over the plan without its nodes.
    pub(super) fn new(plan: Plan, pieces: &[Piece]) -> Builder {
        let mut next = 0;
        let place = |piece: &Piece| {
            let size = match piece {
                Piece::Own(_) => 1,
                Piece::Call(call) => call.size().max(1),
            };
            let begin = index(next);
            next += size;
            (begin, index(next - 1))
        };
        let places = pieces.iter().map(place).collect();
        Builder { plan, places }
    }

    /// Adds all pieces.
    pub(super) fn build(mut self, pieces: Vec<Piece>) -> Result<Plan> {
        for piece in pieces {
            match piece {
                Piece::Own(mut node) => {
                    self.seen_from_plan(&mut node);
                    self.plan.nodes.push(*node);
                }
                Piece::Call(call) => self.call(*call)?,
            }
        }
        Ok(self.plan)
    }

    /// Sets right the places that a node of the runbook itself names. What waits for a call waits for its end; what
    /// goes back to a call goes to its beginning.
    fn seen_from_plan(&self, node: &mut Node) {
        let place = |old: NodeIndex| self.places.get(old.index()).copied();
        for need in &mut node.needs {
            *need = place(*need).map_or(*need, |(_, end)| end);
        }
        for response in &mut node.on_fail {
            if let Response::Rewind { to, .. } = response {
                *to = place(*to).map_or(*to, |(begin, _)| begin);
            }
        }
        if let Some(within) = &mut node.within {
            within.of = place(within.of).map_or(within.of, |(_, end)| end);
        }
    }

    fn next(&self) -> NodeIndex {
        index(self.plan.nodes.len())
    }

    fn call(&mut self, mut call: Call) -> Result<()> {
        self.seen_from_plan(&mut call.node);
        let rounds = std::mem::take(&mut call.rounds);
        if call.each {
            return self.each(&call, rounds);
        }
        let node = &call.node;
        for round in rounds {
            let mut begin = begin(node, &node.id);
            begin.outputs = round.with.clone();
            let mut end = end(node, &node.id);
            end.effect = node.effect.clone();
            self.round(round, &call, begin, end)?;
        }
        Ok(())
    }

    /// Adds a call that is done for each of a list: one round after another.
    fn each(&mut self, call: &Call, rounds: Vec<Round>) -> Result<()> {
        let node = &call.node;
        let last = index(self.next().index() + call_size(&rounds) + 1);
        let mut all = end(node, &node.id);
        all.outputs = all_outputs(call, &rounds)?;
        all.when = Some(if_begun(node)?);
        self.plan.nodes.push(begin(node, &node.id));
        for round in rounds {
            let before = index(self.plan.nodes.len() - 1);
            let (begin, end) = ends_of_item(node, &round, before, last)?;
            self.round(round, call, begin, end)?;
        }
        all.needs = vec![index(self.plan.nodes.len() - 1)];
        self.plan.nodes.push(all);
        Ok(())
    }

    /// Adds the beginning, the nodes and the end of a round.
    fn round(&mut self, round: Round, call: &Call, begin: Node, mut end: Node) -> Result<()> {
        let id = &call.node.id;
        let secrets = merge(&mut self.plan, &round, id, &call.folder)?;
        let first = self.next();
        let scope = self.scopes(&round, &secrets, first, id)?;
        let offset = first.index() + 1;
        let last = index(offset + round.plan.nodes.len());
        let item = begin.item.clone();
        self.plan.nodes.push(begin);
        end.needs = leaves(&round.plan, offset);
        if end.needs.is_empty() {
            end.needs.push(first);
        }
        end.outputs.clone_from(&round.outputs);
        end.scope = Some(scope);
        let place = Place {
            round: &round.id,
            folder: &call.folder,
            first,
            last,
            scope,
            page: round.plan.page.as_deref(),
            item: item.as_ref(),
            finally: call.node.finally,
        };
        for mut node in round.plan.nodes {
            place.put(&mut node);
            self.plan.nodes.push(node);
        }
        self.plan.nodes.push(end);
        Ok(())
    }

    /// Adds the scope of a round and those inside of it; returns its place.
    fn scopes(
        &mut self,
        round: &Round,
        secrets: &BTreeMap<String, String>,
        begin: NodeIndex,
        call: &str,
    ) -> Result<u32> {
        let place = u32::try_from(self.plan.scopes.len()).map_err(|_| unchecked(call))?;
        let prefix = format!("{}/", round.id);
        let offset = begin.index() + 1;
        let inner = round.plan.scopes.iter().map(|inner| {
            Ok(CallScope {
                prefix: format!("{prefix}{}", inner.prefix),
                begin: index(inner.begin.index() + offset),
                secrets: renamed(&inner.secrets, secrets, call)?,
                ..inner.clone()
            })
        });
        let inner: Vec<_> = inner.collect::<Result<_>>()?;
        let own = round.names(secrets);
        self.plan.scopes.push(CallScope {
            prefix,
            begin,
            runbook: round.plan.runbook.clone(),
            digest: round.plan.digest(),
            params: round.defaults.clone(),
            secrets: own,
        });
        self.plan.scopes.extend(inner);
        Ok(place)
    }
}

/// Where the nodes of a round come to stand in the caller's plan.
struct Place<'a> {
    /// The name of the node that ends the round.
    round: &'a str,
    /// The folder of the called file.
    folder: &'a str,
    /// The round's beginning and end.
    first: NodeIndex,
    last: NodeIndex,
    /// The round's scope.
    scope: u32,
    /// The policy that the called runbook pages.
    page: Option<&'a str>,
    /// The item it is for.
    item: Option<&'a Value>,
    /// Whether the call runs when the run ends.
    finally: bool,
}

impl Place<'_> {
    /// Sets right all that a node of the called runbook says of places, names and folders.
    fn put(&self, node: &mut Node) {
        let offset = self.first.index() + 1;
        if node.needs.is_empty() && !node.finally {
            node.needs.push(self.first);
        } else {
            shift(&mut node.needs, offset);
        }
        for response in &mut node.on_fail {
            if let Response::Rewind { to, .. } = response {
                *to = index(to.index() + offset);
            }
        }
        if let Some(within) = &mut node.within {
            within.of = index(within.of.index() + offset);
        }
        node.id = format!("{}/{}", self.round, node.id);
        let call = node.call.map(|call| index(call.index() + offset));
        node.call = Some(call.unwrap_or(self.last));
        // The scopes inside of the round stand right behind its own.
        node.scope = Some(
            node.scope
                .map_or(self.scope, |inner| inner + self.scope + 1),
        );
        node.item = node.item.take().or_else(|| self.item.cloned());
        node.finally |= self.finally;
        if !is_end_of_nothing(node) {
            node.dir = in_folder(node.dir.as_ref(), self.folder);
        }
        if let Some(page) = self.page {
            paged(node, page);
        }
    }
}

impl Round {
    /// The plan's names for the secrets that the called runbook declares itself: those of runbooks that it calls have
    /// names that none of its expressions can say.
    fn names(&self, secrets: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        secrets
            .iter()
            .filter(|(name, _)| !name.contains('/'))
            .map(|(name, new)| (name.clone(), new.clone()))
            .collect()
    }
}

/// A place in the plan. Plans have at most [`crate::check::MOST_NODES`] nodes.
fn index(place: usize) -> NodeIndex {
    NodeIndex(u32::try_from(place).unwrap_or(u32::MAX))
}

fn shift(places: &mut [NodeIndex], by: usize) {
    for place in places {
        *place = index(place.index() + by);
    }
}

/// How many nodes the rounds of a call have, with their beginnings and ends.
fn call_size(rounds: &[Round]) -> usize {
    rounds.iter().map(|round| round.plan.nodes.len() + 2).sum()
}

/// True when the call that is done for each of a list is made at all: its items' beginnings have the names of the
/// caller in their expressions, and do not know by themselves which call they belong to.
fn if_begun(node: &Node) -> Result<Expression> {
    let begin = format!("{}:begin", node.id);
    let text = format!("steps[{}].status == 'succeeded'", quoted(&begin));
    Expression::parse(&text).map_err(|_| unchecked(&begin))
}

/// The beginning of a call: has what is looked at before it.
fn begin(node: &Node, id: &str) -> Node {
    Node {
        id: format!("{id}:begin"),
        kind: NodeKind::Step,
        title: None,
        doc: None,
        action: Action::Call(CallPart::Begin),
        effect: WorldEffect::None,
        interrupted: Interrupted::Rerun,
        env: BTreeMap::new(),
        dir: None,
        outputs: BTreeMap::new(),
        timeout: None,
        retry: Retry::default(),
        capture: None,
        for_each: None,
        ..node.clone()
    }
}

/// The end of a call: has what is said of its result. Its effect is left out.
fn end(node: &Node, id: &str) -> Node {
    Node {
        id: id.to_owned(),
        needs: Vec::new(),
        when: None,
        action: Action::Call(CallPart::End),
        effect: WorldEffect::None,
        outputs: BTreeMap::new(),
        target: None,
        confirm: None,
        within: None,
        lock: None,
        for_each: None,
        ..node.clone()
    }
}

/// The beginning and the end of the round of an item, behind `before`. What is said of the call as a whole stands at
/// its own ends, the last of which is at `last`.
fn ends_of_item(
    node: &Node,
    round: &Round,
    before: NodeIndex,
    last: NodeIndex,
) -> Result<(Node, Node)> {
    let item = round.item.as_ref().map(|item| item.value.clone());
    let begin = Node {
        needs: vec![before],
        when: Some(if_begun(node)?),
        lock: None,
        confirm: None,
        target: None,
        within: None,
        on_fail: Vec::new(),
        call: Some(last),
        item: item.clone(),
        outputs: round.with.clone(),
        ..begin(node, &round.id)
    };
    let end = Node {
        title: None,
        doc: None,
        on_fail: Vec::new(),
        call: Some(last),
        item,
        effect: effect_of(node, round)?,
        ..end(node, &round.id)
    };
    Ok((begin, end))
}

/// What an end leaves behind of a call that is done for each of a list: the item is known.
fn effect_of(node: &Node, round: &Round) -> Result<WorldEffect> {
    let (WorldEffect::Undo(undo), Some(item)) = (&node.effect, &round.item) else {
        return Ok(node.effect.clone());
    };
    let mut undo = undo.clone();
    let unreadable = |_| unchecked(&format!("undo of the call `{}`", node.id));
    let here = |template: &mut piton_core::expr::Template| -> Result<()> {
        *template = item.template(template).map_err(unreadable)?;
        Ok(())
    };
    undo.env.values_mut().try_for_each(here)?;
    for action in [Some(&mut undo.action), undo.check.as_mut()]
        .into_iter()
        .flatten()
    {
        match action {
            Action::Exec(exec) => exec.argv.iter_mut().try_for_each(here)?,
            Action::Sql(sql) => {
                here(&mut sql.on)?;
                here(&mut sql.text)?;
                sql.bind.iter_mut().try_for_each(here)?;
            }
            Action::Http(request) => {
                here(&mut request.url)?;
                request.headers.values_mut().try_for_each(here)?;
                match &mut request.body {
                    Some(HttpBody::Text(body) | HttpBody::Json(body)) => here(body)?,
                    None => {}
                }
            }
            _ => {}
        }
    }
    Ok(WorldEffect::Undo(undo))
}

/// The outputs of a call that is done for each of a list: of each name a map by the items' names.
fn all_outputs(call: &Call, rounds: &[Round]) -> Result<BTreeMap<String, Expression>> {
    let mut outputs = BTreeMap::new();
    for name in &call.outputs {
        let entry = |round: &Round| {
            let key = round.item.as_ref().map_or("", |item| item.name.as_str());
            let value = format!("steps[{}].outputs[{}]", quoted(&round.id), quoted(name));
            format!("{}: {value}", quoted(key))
        };
        let entries: Vec<_> = rounds.iter().map(entry).collect();
        let text = format!("{{{} }}", entries.join(", "));
        let expression = Expression::parse(&text).map_err(|_| CompileError::Items {
            call: call.node.id.clone(),
            what: format!("there are too many items to put the output `{name}` of all together"),
        })?;
        outputs.insert(name.clone(), expression);
    }
    Ok(outputs)
}

/// The nodes that nothing else in the called runbook waits for.
fn leaves(plan: &Plan, offset: usize) -> Vec<NodeIndex> {
    let normal = plan.nodes.iter().filter(|node| !node.finally);
    let waited: BTreeSet<NodeIndex> = normal.flat_map(|node| node.needs.clone()).collect();
    plan.indices()
        .zip(&plan.nodes)
        .filter(|(place, node)| !node.finally && !waited.contains(place))
        .map(|(place, _)| index(place.index() + offset))
        .collect()
}

/// Whether a node is one end of a call that does nothing, so that it has no directory.
fn is_end_of_nothing(node: &Node) -> bool {
    matches!(node.action, Action::Call(_)) && !matches!(node.effect, WorldEffect::Undo(_))
}

/// Fills in the policy that the called runbook pages for its waits for people.
fn paged(node: &mut Node, page: &str) {
    let own = match &mut node.action {
        Action::Approve(approve) => Some(&mut approve.page),
        Action::Manual(manual) => Some(&mut manual.page),
        _ => None,
    };
    for policy in own.into_iter().chain([&mut node.page]) {
        policy.get_or_insert_with(|| page.to_owned());
    }
}

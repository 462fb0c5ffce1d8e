//! Ways back: rewinds and rollbacks, how far they are, and what they left.

use super::{CancelView, NodeStanding, ResponseKind, ResponseView, RunView};
use crate::id::Actor;
use crate::plan::{NodeIndex, Response};
use crate::record::{Fact, Left, Planned, UndoEntry, WhyAsk};
use crate::time::Timestamp;
use serde::Serialize;

/// Whether a way back ends at a node or at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackKind {
    /// Back to a node, and on again from there.
    Rewind,
    /// Back to the start, and over.
    Rollback,
}

/// A way back: under way, or done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BackView {
    /// What kind.
    pub kind: BackKind,
    /// The node that is gone back to; of a rollback none.
    pub to: Option<String>,
    /// The node whose failure led to it; none where somebody cancelled the run.
    pub because: Option<String>,
    /// Why, for people.
    pub why: String,
    /// Who decided it, if somebody did.
    pub by: Option<Actor>,
    /// Of a rewind by a ladder: how often its rung was taken, this one counted.
    pub count: Option<u32>,
    /// Of a rewind by a ladder: how often its rung may be taken.
    pub times: Option<u32>,
    /// How many nodes had started of those it concerns.
    pub nodes: usize,
    /// When it began.
    pub began: Timestamp,
    /// When it was done.
    pub ended: Option<Timestamp>,
    /// What is undone, in this order; `None` until what ran has ended and that is worked out.
    pub undo: Option<Vec<UndoView>>,
    /// Who stopped it, if somebody did.
    pub stopped_by: Option<Actor>,
}

/// An entry of an undo set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UndoView {
    /// The node's name.
    pub node: String,
    /// The node's place in the plan.
    pub index: NodeIndex,
    /// The pass that is undone.
    pub pass: u32,
    /// Why a person is asked about it, if one is.
    pub ask: Option<WhyAsk>,
    /// How far it is.
    pub state: UndoState,
    /// Who undid it or decided about it, if a person did.
    pub by: Option<Actor>,
    /// When it came to this state.
    pub at: Option<Timestamp>,
    /// Why it failed or was left; empty otherwise.
    pub why: String,
}

/// How far an entry of an undo set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoState {
    /// Its turn has not come.
    Pending,
    /// A person is asked about it.
    Asking,
    /// Its undo runs.
    Running,
    /// Taken back.
    Undone,
    /// There was nothing to take back, as somebody says.
    Nothing,
    /// Its undo failed.
    Failed,
    /// It was not taken back, and will not be.
    Left,
}

/// Something that was done and is left.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeftView {
    /// The node's name.
    pub node: String,
    /// The node's place in the plan.
    pub index: NodeIndex,
    /// Which pass of it.
    pub pass: u32,
    /// Why, for people.
    pub why: String,
    /// Who decided it, if somebody did.
    pub by: Option<Actor>,
    /// When it was left.
    pub at: Timestamp,
}

impl BackView {
    /// How many entries of the undo set are settled, and how many there are.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        let undo = self.undo.as_deref().unwrap_or_default();
        let settled = |entry: &&UndoView| entry.state.is_settled();
        (undo.iter().filter(settled).count(), undo.len())
    }

    /// The place of an entry in the order of undoing, from 1, and how many there are.
    #[must_use]
    pub fn place(&self, node: NodeIndex, pass: u32) -> Option<(usize, usize)> {
        let undo = self.undo.as_deref()?;
        let at = undo
            .iter()
            .position(|entry| entry.index == node && entry.pass == pass)?;
        Some((at + 1, undo.len()))
    }

    pub(super) fn entry(&mut self, node: NodeIndex, pass: u32) -> Option<&mut UndoView> {
        self.undo
            .as_mut()?
            .iter_mut()
            .find(|entry| entry.index == node && entry.pass == pass)
    }
}

impl UndoState {
    /// Whether nothing more is done about it.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(
            self,
            UndoState::Undone | UndoState::Nothing | UndoState::Left
        )
    }
}

impl UndoView {
    pub(super) fn new(entry: &UndoEntry, node: String) -> UndoView {
        UndoView {
            node,
            index: entry.node,
            pass: entry.pass,
            ask: match entry.planned {
                Planned::Run => None,
                Planned::Ask(why) => Some(why),
            },
            state: UndoState::Pending,
            by: None,
            at: None,
            why: String::new(),
        }
    }
}

impl RunView {
    pub(super) fn fold_back(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::ResponseTaken {
                node,
                pass,
                owner,
                rung,
                response,
                by,
            } => {
                let view = self.response(*pass, *owner, *rung, response, by.clone(), at);
                self.with(*node, |node| node.responses.push(view.clone()));
                self.back_began(*node, &view, at);
            }
            Fact::UndoPlanned { entries } => self.undo_planned(entries),
            Fact::UndoStarted { node, pass, .. } | Fact::UndoRetryScheduled { node, pass, .. } => {
                self.move_on(*node, NodeStanding::Undoing, fact, at);
                self.undo(*node, *pass, UndoState::Running, None, "", at);
            }
            Fact::ItemUndone { node, .. } => self.with(*node, |node| node.fold(fact, at)),
            Fact::NodeUndone { node, pass, by } => {
                self.move_on(*node, NodeStanding::Undone, fact, at);
                self.undo(*node, *pass, UndoState::Undone, by.as_ref(), "", at);
            }
            Fact::NothingToUndo { node, pass, by } => {
                self.move_on(*node, NodeStanding::Undone, fact, at);
                self.undo(*node, *pass, UndoState::Nothing, Some(by), "", at);
            }
            Fact::UndoWanted { node, pass, by } => {
                self.undo(*node, *pass, UndoState::Pending, Some(by), "", at);
            }
            Fact::UndoLeft { left } => self.left(left, at),
            Fact::UndoFailed {
                node,
                pass,
                message,
            } => {
                self.move_on(*node, NodeStanding::UndoFailed, fact, at);
                self.undo(*node, *pass, UndoState::Failed, None, message, at);
            }
            Fact::UndoStopped { by, .. } => {
                if let Some(back) = &mut self.back {
                    back.stopped_by = Some(by.clone());
                }
            }
            Fact::Rewound { nodes, .. } => {
                self.back_ended(at);
                let began = |node: &NodeIndex| {
                    let node = self.node(*node);
                    node.is_some_and(|node| node.state != NodeStanding::Pending)
                };
                let again: Vec<NodeIndex> = nodes.iter().copied().filter(began).collect();
                again.into_iter().for_each(|node| self.again(node));
            }
            _ => {}
        }
    }

    pub(super) fn cancelled(
        &mut self,
        by: &Actor,
        reason: Option<&str>,
        rollback: bool,
        at: Timestamp,
    ) {
        self.cancel = Some(CancelView {
            by: by.clone(),
            at,
            reason: reason.map(str::to_owned),
            rollback,
        });
        if rollback {
            let back = BackView {
                kind: BackKind::Rollback,
                to: None,
                because: None,
                why: reason.unwrap_or("the run was cancelled").to_owned(),
                by: Some(by.clone()),
                count: None,
                times: None,
                nodes: 0,
                began: at,
                ended: None,
                undo: None,
                stopped_by: None,
            };
            self.go_back(back, None);
        }
    }

    fn response(
        &self,
        pass: u32,
        owner: NodeIndex,
        rung: Option<u32>,
        response: &Response,
        by: Option<Actor>,
        at: Timestamp,
    ) -> ResponseView {
        let owner = self.name(owner);
        let same = |view: &&ResponseView| view.owner == owner && view.rung == rung;
        let all = self.nodes.iter().flat_map(|node| &node.responses);
        let kind = match response {
            Response::Stop => ResponseKind::Stop,
            Response::Continue => ResponseKind::Continue,
            Response::Rewind { to, times } => ResponseKind::Rewind {
                to: self.name(*to),
                count: u32::try_from(all.filter(same).count() + 1).unwrap_or(u32::MAX),
                times: rung.map(|_| *times),
            },
            Response::Escalate { policy, expires } => ResponseKind::Escalate {
                policy: policy.clone(),
                expires: *expires,
            },
            Response::Rollback => ResponseKind::Rollback,
        };
        ResponseView {
            pass,
            kind,
            owner,
            rung,
            by,
            at,
        }
    }

    fn back_began(&mut self, node: NodeIndex, response: &ResponseView, at: Timestamp) {
        let (kind, to, count, times) = match &response.kind {
            ResponseKind::Rewind { to, count, times } => {
                let counted = times.map(|_| *count);
                (BackKind::Rewind, Some(to.clone()), counted, *times)
            }
            ResponseKind::Rollback => (BackKind::Rollback, None, None, None),
            ResponseKind::Stop | ResponseKind::Continue | ResponseKind::Escalate { .. } => return,
        };
        let failed = self.node(node);
        let from = to
            .as_ref()
            .and_then(|to| self.nodes.iter().position(|one| one.id == *to))
            .and_then(|to| self.rewind_targets.get(to))
            .map(|to| to.index());
        let back = BackView {
            kind,
            to,
            because: failed.map(|node| node.id.clone()),
            why: failed.map(|node| node.message.clone()).unwrap_or_default(),
            by: response.by.clone(),
            count,
            times,
            nodes: 0,
            began: at,
            ended: None,
            undo: None,
            stopped_by: None,
        };
        self.go_back(back, from);
    }

    /// Nothing new starts in what a way back concerns: all nodes, or one and what depends on it.
    fn go_back(&mut self, mut back: BackView, from: Option<usize>) {
        self.members = match from {
            None => self.nodes.iter().map(|node| !node.finally).collect(),
            Some(from) => self.and_dependants(from),
        };
        let members: Vec<NodeIndex> = (0..self.nodes.len())
            .filter(|at| self.members.get(*at) == Some(&true))
            .filter_map(|at| u32::try_from(at).ok().map(NodeIndex))
            .collect();
        for index in members {
            let Some(node) = self.node(index) else {
                continue;
            };
            back.nodes += usize::from(node.state != NodeStanding::Pending);
            if node.state.is_busy() && node.running().is_none() {
                self.stand(index, NodeStanding::Voided);
            }
        }
        // A way back that takes the place of another goes on with what that one has not undone.
        if let Some(before) = self.back.take() {
            self.earlier_backs.push(before);
        }
        self.back = Some(back);
    }

    fn and_dependants(&self, from: usize) -> Vec<bool> {
        let mut members = vec![false; self.nodes.len()];
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            match members.get_mut(at) {
                Some(member) if !*member => *member = true,
                _ => continue,
            }
            let next = self.dependants.get(at).into_iter().flatten();
            open.extend(next.map(|index| index.index()));
        }
        members
    }

    fn undo_planned(&mut self, entries: &[UndoEntry]) {
        let name = |entry: &UndoEntry| self.name(entry.node);
        let undo = entries
            .iter()
            .map(|entry| UndoView::new(entry, name(entry)))
            .collect();
        if let Some(back) = &mut self.back {
            back.undo = Some(undo);
        }
        // What another way back was undoing, item by item, waits for its turn in this one.
        for entry in entries {
            let waits = |node: &super::NodeView| node.state.is_busy() && node.running().is_none();
            if self.node(entry.node).is_some_and(waits) {
                self.stand(entry.node, NodeStanding::Voided);
            }
        }
    }

    pub(super) fn undo(
        &mut self,
        node: NodeIndex,
        pass: u32,
        state: UndoState,
        by: Option<&Actor>,
        why: &str,
        at: Timestamp,
    ) {
        let entry = self.back.as_mut().and_then(|back| back.entry(node, pass));
        if let Some(entry) = entry {
            entry.state = state;
            entry.at = Some(at);
            if by.is_some() {
                entry.by = by.cloned();
            }
            why.clone_into(&mut entry.why);
        }
    }

    fn left(&mut self, left: &Left, at: Timestamp) {
        self.stand(left.node, NodeStanding::Left);
        self.with(left.node, |node| node.message.clone_from(&left.why));
        self.undo(
            left.node,
            left.pass,
            UndoState::Left,
            left.by.as_ref(),
            &left.why,
            at,
        );
        self.left.push(LeftView {
            node: self.name(left.node),
            index: left.node,
            pass: left.pass,
            why: left.why.clone(),
            by: left.by.clone(),
            at,
        });
    }

    pub(super) fn back_ended(&mut self, at: Timestamp) {
        if let Some(mut back) = self.back.take() {
            back.ended = Some(at);
            self.earlier_backs.push(back);
        }
        self.members.fill(false);
    }
}

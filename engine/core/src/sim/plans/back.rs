//! Making a node: what it leaves in the world, the way back, and what its failure gets.

use super::node::NodeBuilder;
use super::script;
use crate::expr::Template;
use crate::plan::{Action, Interrupted};
use crate::plan::{CallPart, NodeIndex, Response, Retry, Undo, UndoAfter, WorldEffect};
use crate::time::Millis;
use std::collections::BTreeMap;

impl NodeBuilder {
    /// What it leaves behind.
    #[must_use]
    pub fn effect(self, effect: WorldEffect) -> NodeBuilder {
        self.set(|node| node.effect = effect)
    }

    /// It only looks.
    #[must_use]
    pub fn looks(self) -> NodeBuilder {
        self.effect(WorldEffect::None)
            .interrupted(Interrupted::Rerun)
    }

    /// Nothing takes it back.
    #[must_use]
    pub fn irreversible(self) -> NodeBuilder {
        self.effect(WorldEffect::Irreversible("a trial".to_owned()))
    }

    /// The author does not say what it leaves behind.
    #[must_use]
    pub fn unstated(self) -> NodeBuilder {
        self.effect(WorldEffect::Unstated)
    }

    /// This script takes it back, once it succeeded.
    #[must_use]
    pub fn undo(self, text: &str) -> NodeBuilder {
        self.effect(WorldEffect::Undo(Undo {
            action: script(text),
            env: BTreeMap::new(),
            timeout: None,
            after: UndoAfter::Succeeded,
            retry: Retry::default(),
            check: None,
        }))
    }

    /// Its undo runs whenever it was started.
    #[must_use]
    pub fn undo_after_started(self) -> NodeBuilder {
        self.set_undo(|undo| undo.after = UndoAfter::Started)
    }

    /// This script finds out whether its undo happened.
    #[must_use]
    pub fn undo_check(self, text: &str) -> NodeBuilder {
        self.set_undo(|undo| undo.check = Some(script(text)))
    }

    /// How often its undo is tried again, and after how long at first.
    #[must_use]
    pub fn undo_retry(self, times: u32, backoff: Millis) -> NodeBuilder {
        self.set_undo(|undo| {
            undo.retry = Retry {
                times,
                backoff,
                longest: Millis(backoff.0.saturating_mul(4)),
            }
        })
    }

    /// How long each try of its undo may take.
    #[must_use]
    pub fn undo_timeout(self, timeout: Millis) -> NodeBuilder {
        self.set_undo(|undo| undo.timeout = Some(timeout))
    }

    /// An environment variable of its undo, which is a template.
    #[must_use]
    pub fn undo_env(self, name: &str, value: &str) -> NodeBuilder {
        self.try_set(value, Template::parse(value), |node, template| {
            if let WorldEffect::Undo(undo) = &mut node.effect {
                undo.env.insert(name.to_owned(), template);
            }
        })
    }

    /// Changes its undo; nothing if it has none.
    fn set_undo(self, change: impl FnOnce(&mut Undo)) -> NodeBuilder {
        self.set(|node| {
            if let WorldEffect::Undo(undo) = &mut node.effect {
                change(undo);
            }
        })
    }

    /// This script notes what was there before.
    #[must_use]
    pub fn capture(self, text: &str) -> NodeBuilder {
        self.set(|node| node.capture = Some(script(text)))
    }

    /// What is done about its failure: this alone.
    #[must_use]
    pub fn on_fail(mut self, response: Response) -> NodeBuilder {
        self.node.on_fail.clear();
        self.rewinds.clear();
        self.rung(response)
    }

    /// A further rung of its ladder: this response. The first one takes the place of what a gate has anyway.
    #[must_use]
    pub fn rung(mut self, response: Response) -> NodeBuilder {
        if self.usual_ladder {
            self.node.on_fail.clear();
            self.usual_ladder = false;
        }
        self.node.on_fail.push(response);
        self
    }

    /// A further rung: go back to the node of this name, so often in a run.
    #[must_use]
    pub fn rewind(self, to: &str, times: u32) -> NodeBuilder {
        let mut node = self.rung(Response::Rewind {
            to: NodeIndex(u32::MAX),
            times,
        });
        let rung = node.node.on_fail.len().saturating_sub(1);
        node.rewinds.push((rung, to.to_owned()));
        node
    }

    /// A further rung: people decide, who are paged by this policy, and have so long.
    #[must_use]
    pub fn escalate(self, policy: &str, expires: Option<Millis>) -> NodeBuilder {
        self.rung(Response::Escalate {
            policy: policy.to_owned(),
            expires,
        })
    }

    /// A further rung: everything is undone.
    #[must_use]
    pub fn rollback(self) -> NodeBuilder {
        self.rung(Response::Rollback)
    }

    /// A further rung: the run goes on without it.
    #[must_use]
    pub fn go_on(self) -> NodeBuilder {
        self.rung(Response::Continue)
    }

    /// A further rung: the run ends.
    #[must_use]
    pub fn stop(self) -> NodeBuilder {
        self.rung(Response::Stop)
    }

    /// It runs when the run ends, however it ends.
    #[must_use]
    pub fn finally(self) -> NodeBuilder {
        self.set(|node| node.finally = true)
    }

    /// Its action: one end of a called runbook. The end sees the names of this scope.
    #[must_use]
    pub fn call(self, part: CallPart, scope: Option<u32>) -> NodeBuilder {
        self.effect(WorldEffect::None)
            .interrupted(Interrupted::Rerun)
            .set(|node| {
                node.action = Action::Call(part);
                node.scope = scope;
            })
    }

    /// It is part of the call that this node ends, and sees the names of this scope.
    #[must_use]
    pub fn part_of(mut self, end: &str, scope: u32) -> NodeBuilder {
        self.call = Some(end.to_owned());
        self.set(|node| node.scope = Some(scope))
    }
}

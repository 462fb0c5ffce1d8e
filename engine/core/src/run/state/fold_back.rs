//! The fold of facts about responses to failures and the way back.

use super::fold::no_node;
use super::{Answering, Back, Frame, Goal, Misfit, Now, State, UndoPhase, Undoing};
use crate::plan::{NodeIndex, Response};
use crate::record::{Fact, Left, Planned, UndoEntry};
use std::collections::BTreeSet;

impl State {
    pub(super) fn fold_back(&mut self, fact: &Fact, frame: &Frame<'_>) -> Result<(), Misfit> {
        match fact {
            Fact::ResponseTaken {
                node,
                owner,
                rung,
                response,
                ..
            } => self.response_taken(*node, *owner, *rung, response, frame),
            Fact::UndoPlanned { entries } => self.planned(entries, frame),
            Fact::UndoStarted { node, inputs, .. } => self.change(*node, None, frame, |state| {
                let half = matches!(state.undo, Undoing::Planned { half: true, .. });
                state.undo = Undoing::Now(Box::new(Now {
                    inputs: Some(Box::new(inputs.clone())),
                    phase: UndoPhase::Ready,
                    items: 0,
                    retries: 0,
                    reruns: 0,
                    half,
                }));
            }),
            Fact::UndoRetryScheduled { node, at, .. } => self.change_undo(*node, frame, |now| {
                now.retries = now.retries.saturating_add(1);
                now.phase = UndoPhase::Again { at: *at };
            }),
            Fact::ItemUndone { node, .. } => self.change_undo(*node, frame, |now| {
                now.items = now.items.saturating_add(1);
                now.retries = 0;
                now.reruns = 0;
                now.phase = UndoPhase::Ready;
            }),
            Fact::NodeUndone { node, by, .. } => self.change(*node, None, frame, |state| {
                state.undo = Undoing::Undone { by: by.clone() };
            }),
            Fact::NothingToUndo { node, .. } => self.change(*node, None, frame, |state| {
                state.undo = if state.items.is_empty() {
                    Undoing::Nothing
                } else {
                    // The item that it was at did not happen; those before it did.
                    Undoing::Planned {
                        planned: Planned::Run,
                        half: false,
                        given: None,
                    }
                };
            }),
            Fact::UndoWanted { node, .. } => self.change(*node, None, frame, |state| {
                let planned = |half| Undoing::Planned {
                    planned: Planned::Run,
                    half,
                    given: None,
                };
                match &mut state.undo {
                    // What is undone of a list stays so.
                    Undoing::Now(now) if now.inputs.is_some() => {
                        now.phase = UndoPhase::Ready;
                        now.retries = 0;
                    }
                    Undoing::Now(now) => state.undo = planned(now.half),
                    undo => *undo = planned(true),
                }
            }),
            Fact::UndoLeft { left } => {
                self.left.push(left.clone());
                self.change(left.node, None, frame, |state| state.undo = Undoing::Left)
            }
            Fact::UndoFailed { node, message, .. } => self.change(*node, None, frame, |state| {
                let failed = UndoPhase::Failed {
                    message: message.clone(),
                };
                match &mut state.undo {
                    Undoing::Now(now) => now.phase = failed,
                    undo => {
                        *undo = Undoing::Now(Box::new(Now {
                            inputs: None,
                            phase: failed,
                            items: 0,
                            retries: 0,
                            reruns: 0,
                            half: matches!(undo, Undoing::Planned { half: true, .. }),
                        }));
                    }
                }
            }),
            Fact::UndoStopped { node, by } => self.stopped(*node, by, frame),
            Fact::Rewound { nodes, .. } => self.rewound(nodes, frame),
            _ => Ok(()),
        }
    }

    fn response_taken(
        &mut self,
        node: NodeIndex,
        owner: NodeIndex,
        rung: Option<u32>,
        response: &Response,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        if let Some(rung) = rung {
            let place = rung as usize;
            self.change(owner, None, frame, |state| {
                if state.rungs.len() <= place {
                    state.rungs.resize(place.saturating_add(1), 0);
                }
                if let Some(count) = state.rungs.get_mut(place) {
                    *count = count.saturating_add(1);
                }
            })?;
        }
        let answering = match response {
            Response::Continue => Answering::Continued,
            Response::Escalate { policy, expires } => Answering::Escalated {
                policy: policy.clone(),
                expires: *expires,
            },
            Response::Stop | Response::Rewind { .. } | Response::Rollback => Answering::Settled,
        };
        self.change(node, None, frame, |state| {
            if let Some(failure) = &mut state.failure {
                failure.response = answering;
                if let Some(rung) = rung {
                    failure.from = Some((owner, rung.saturating_add(1)));
                }
            }
        })?;
        match response {
            Response::Continue => self.let_others_go_on(node, frame),
            Response::Stop => self.stopped_by = self.stopped_by.or(Some(node)),
            Response::Rewind { to, .. } => {
                let to = frame.plan.rewind_target(*to);
                self.back = Some(Back {
                    goal: Goal::Rewind { to, from: node },
                    entries: None,
                });
                let members = frame.shape.closure(to);
                self.hold(&members, frame);
            }
            Response::Rollback => self.roll_back(frame),
            Response::Escalate { .. } => {}
        }
        Ok(())
    }

    /// From now on the run is rolled back, whatever else it was doing.
    pub(super) fn roll_back(&mut self, frame: &Frame<'_>) {
        self.back = Some(Back {
            goal: Goal::Rollback,
            entries: None,
        });
        self.hold_all(frame, false);
    }

    /// What a cancellation changes at once.
    pub(super) fn cancel_takes_effect(&mut self, rollback: bool, frame: &Frame<'_>) {
        if rollback {
            self.roll_back(frame);
        } else if self.back.take().is_some() {
            // A rewind of which nothing was undone yet.
            let held: Vec<_> = frame.plan.indices().collect();
            for index in held {
                let finally = frame.plan.node(index).is_some_and(|node| node.finally);
                self.change_entry(index, frame, |state| state.held = finally);
            }
        }
    }

    fn hold(&mut self, members: &BTreeSet<NodeIndex>, frame: &Frame<'_>) {
        for index in members {
            self.change_entry(*index, frame, |state| state.held = true);
        }
    }

    /// Holds all nodes but those that run when the run ends; lets go of these if their time has come.
    pub(super) fn hold_all(&mut self, frame: &Frame<'_>, ending: bool) {
        for (index, node) in frame.plan.indices().zip(&frame.plan.nodes) {
            let held = !(node.finally && ending);
            self.change_entry(index, frame, |state| state.held = held);
        }
    }

    fn planned(&mut self, entries: &[UndoEntry], frame: &Frame<'_>) -> Result<(), Misfit> {
        let Some(back) = &mut self.back else {
            return Err("the run does not go back".to_owned());
        };
        back.entries = Some(entries.to_vec());
        for entry in entries {
            self.change(entry.node, None, frame, |state| {
                if state.undo.is_none() {
                    state.undo = Undoing::Planned {
                        planned: entry.planned,
                        half: true,
                        given: None,
                    };
                }
            })?;
        }
        Ok(())
    }

    fn change_undo(
        &mut self,
        node: NodeIndex,
        frame: &Frame<'_>,
        change: impl FnOnce(&mut Now),
    ) -> Result<(), Misfit> {
        let state = self.node(node).ok_or_else(|| no_node(node))?;
        if !matches!(state.undo, Undoing::Now(_)) {
            return Err(format!("node {} is not being undone", node.0));
        }
        self.change(node, None, frame, |state| {
            if let Undoing::Now(now) = &mut state.undo {
                change(now);
            }
        })
    }

    /// Somebody stops the way back: everything of the set that is not settled is left.
    fn stopped(
        &mut self,
        node: NodeIndex,
        by: &crate::id::Actor,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        let entries = self
            .back
            .take()
            .and_then(|back| back.entries)
            .ok_or("the run does not go back")?;
        for entry in entries {
            if self
                .node(entry.node)
                .is_some_and(|state| state.undo.is_settled())
            {
                continue;
            }
            self.left.push(Left {
                node: entry.node,
                pass: entry.pass,
                why: format!("{by} stopped the way back"),
                by: Some(by.clone()),
            });
            self.change(entry.node, None, frame, |state| state.undo = Undoing::Left)?;
        }
        self.undo_stopped = true;
        self.stopped_by = self.stopped_by.or(Some(node));
        Ok(())
    }

    fn rewound(&mut self, nodes: &[NodeIndex], frame: &Frame<'_>) -> Result<(), Misfit> {
        self.back = None;
        for index in nodes {
            let state = self.node(*index).ok_or_else(|| no_node(*index))?;
            let (pristine, finished) = (state.is_pristine(), state.is_finished());
            if finished {
                self.count_unfinished(*index, frame);
            }
            self.change_entry(*index, frame, |state| {
                state.held = false;
                if !pristine {
                    state.next_pass(0);
                }
            });
        }
        // Only now is it known which of the needs have to be done again.
        for index in nodes {
            let needs = frame.plan.node(*index).map_or(&[][..], |node| &node.needs);
            let open = |need: &&NodeIndex| {
                self.node(**need)
                    .is_some_and(|state| !state.lets_others_go_on())
            };
            let waiting = u32::try_from(needs.iter().filter(open).count()).unwrap_or(u32::MAX);
            self.change_entry(*index, frame, |state| state.waiting_for = waiting);
        }
        Ok(())
    }
}

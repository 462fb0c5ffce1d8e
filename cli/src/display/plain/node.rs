//! What happens to a node: its attempts, how it ends, what it waits for.

use super::{Say, took};
use crate::clock;
use crate::display::clean::one_line;
use crate::display::node::{checks, ended_word};
use crate::display::style::{Line, Style};
use piton_core::id::{AttemptId, Purpose};
use piton_core::record::{AttemptResult, Fact, OutcomeStatus, SkipReason};
use piton_core::view::NodeView;

impl Say<'_> {
    pub(super) fn attempt(&self, attempt: AttemptId, item: Option<u32>) -> Option<Line> {
        let looks = |node: &NodeView| node.tries().any(|look| look.met.is_some());
        let node = self.view.node(attempt.node);
        let again = (attempt.number > 1).then(|| format!("try {}", attempt.number));
        let what = match attempt.purpose {
            // Each look of an `until` is an attempt; the first one is enough to be told of.
            Purpose::Do if attempt.number > 1 && node.is_some_and(looks) => return None,
            Purpose::Do | Purpose::Check(_) => match item {
                Some(item) => self.key(attempt.node, item),
                None => again.unwrap_or_default(),
            },
            Purpose::Probe => "finding out whether it happened".to_owned(),
            Purpose::Choices(_) => "finding out what there is to choose from".to_owned(),
            Purpose::Target(_) | Purpose::Recheck => {
                "looking at what it is about to change".to_owned()
            }
            Purpose::Capture => "noting what was there before".to_owned(),
            // That it begins, or is tried again, is told of already.
            Purpose::Undo => return None,
            Purpose::UndoCheck => "finding out whether its undo happened".to_owned(),
        };
        let (sign, look) = if attempt.purpose.is_back() {
            ("↶", Style::Live)
        } else {
            ("▶", Style::Live)
        };
        Some(self.line(sign, look, attempt.node, what))
    }

    pub(super) fn attempted(&self, attempt: AttemptId, result: &AttemptResult) -> Vec<Line> {
        let mut lines = checks(&result.checks);
        // Of other ends the retry or the failure that follows says why.
        if result.status == OutcomeStatus::Unknown {
            let text = format!(
                "{}: {}",
                ended_word(result.status),
                one_line(&result.message)
            );
            lines.insert(0, self.line("!", Style::Asks, attempt.node, text));
        }
        lines
    }

    pub(super) fn node(&self, fact: &Fact) -> Vec<Line> {
        match fact {
            Fact::NodeStarted { node, .. } => {
                let until = self.view.node(*node).and_then(|node| node.wait_until);
                let text =
                    until.map(|until| format!("waits until {}", clock::near(until, self.at)));
                text.map(|text| self.line("◷", Style::Live, *node, text))
                    .into_iter()
                    .collect()
            }
            Fact::NodeSkipped { node, reason, .. } => {
                let why = match reason {
                    SkipReason::When => "skipped: its `when` is false".to_owned(),
                    SkipReason::Call => "skipped with the call it is part of".to_owned(),
                    SkipReason::Decided => self
                        .view
                        .node(*node)
                        .map(|node| one_line(&node.message))
                        .unwrap_or_default(),
                };
                vec![self.line("–", Style::Dim, *node, why)]
            }
            Fact::NodeAssumed { node, .. } => {
                let by = self
                    .view
                    .starter
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let text = format!("taken as done (said by {by})");
                vec![self.line("✓", Style::Good, *node, text)]
            }
            Fact::NodeSucceeded { node, .. } => {
                vec![self.line("✓", Style::Good, *node, took(self.view, *node))]
            }
            Fact::NodeFailed { node, message, .. } => {
                vec![self.line("✗", Style::Bad, *node, one_line(message))]
            }
            Fact::NodeReopened { node, .. } => {
                vec![self.line("↻", Style::Asks, *node, "is tried again")]
            }
            Fact::GateReopened { node, before, .. } => {
                let before = self.id(*before);
                let text = format!("its evidence is too old for `{before}`: it is gathered again");
                vec![self.line("↻", Style::Asks, *node, text)]
            }
            Fact::AttemptElsewhere {
                attempt, host, why, ..
            } => {
                let text = format!("cannot be reached: it is on host {host}; {}", one_line(why));
                vec![self.line("?", Style::Asks, attempt.node, text)]
            }
            Fact::AttemptReached { attempt } => {
                vec![self.line("●", Style::Live, attempt.node, "is within reach again")]
            }
            Fact::StopRequested { attempt, .. } => {
                vec![self.line("■", Style::Asks, attempt.node, "is being ended")]
            }
            Fact::RetryScheduled { node, at: next, .. } => {
                let why = self.view.node(*node).map(|node| one_line(&node.message));
                let wait = clock::length(next.since(self.at));
                let text = format!("tries again in {wait}: {}", why.unwrap_or_default());
                vec![self.line("↻", Style::Asks, *node, text)]
            }
            // The first look is told of, and when it is there; what is in between only shows in the log.
            Fact::LookScheduled { node, after, .. } if after.number == 1 => {
                vec![self.line(
                    "◷",
                    Style::Live,
                    *node,
                    "not there yet: it looks again and again",
                )]
            }
            Fact::ItemDone { node, item, .. } => {
                let done = self.view.node(*node).and_then(NodeView::items_done);
                let (done, all) = done.unwrap_or_default();
                let text = format!("{} is done, {done} of {all}", self.key(*node, *item));
                vec![self.line("✓", Style::Good, *node, text)]
            }
            Fact::LockRequested { node, names, until } => {
                let text = format!(
                    "asks for {} until {}",
                    super::quoted(names),
                    clock::near(*until, self.at)
                );
                vec![self.run(
                    "◷",
                    Style::Live,
                    node.map_or("lock", |node| self.id(node)),
                    text,
                )]
            }
            Fact::LockExpired { names } => {
                let text = format!("did not get {} in time", super::quoted(names));
                vec![self.run("✗", Style::Bad, "lock", text)]
            }
            Fact::LockTaken { node } => {
                let text = "has its locks".to_owned();
                vec![self.run(
                    "●",
                    Style::Live,
                    node.map_or("lock", |node| self.id(node)),
                    text,
                )]
            }
            _ => Vec::new(),
        }
    }
}

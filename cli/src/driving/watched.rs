//! What a driving engine knows of its run for display: the view, and the logs of the attempts that run.

use crate::display::plain;
use crate::display::style::{Line, Style};
use crate::display::tail::Tail;
use piton_core::id::AttemptId;
use piton_core::plan::Plan;
use piton_core::record::{Fact, Record};
use piton_core::run::Run;
use piton_core::time::Millis;
use piton_core::view::RunView;
use piton_runtime::driver::Observer;
use piton_runtime::store::{RunDirectory, StoreError};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Something to print, in the order it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A line about the run.
    Line(Line),
    /// A line that a step printed: the node's id, and the text.
    Printed(String, String),
}

/// What is known of the run.
pub struct Watched {
    /// Its plan.
    pub plan: Arc<Plan>,
    /// The run as it was last seen.
    pub view: RunView,
    /// What has not been printed yet.
    pub said: Vec<Said>,
    /// Lines about decisions, ways back and pages, which stay on the screen above a live frame.
    pub decided: Vec<Line>,
    /// The last line that each running node printed, by the node's place.
    pub last_output: BTreeMap<usize, String>,
    /// True when records are missing in between: the view has to be read from the store.
    pub stale: bool,
    directory: RunDirectory,
    tails: BTreeMap<AttemptId, Tail>,
}

impl Watched {
    /// A run as it stands.
    #[must_use]
    pub fn new(plan: Arc<Plan>, view: RunView, directory: RunDirectory) -> Watched {
        let opening = plain::opening(&plan, &view, crate::clock::now());
        let said = opening.into_iter().map(Said::Line).collect();
        let mut watched = Watched {
            plan,
            view,
            said,
            decided: Vec::new(),
            last_output: BTreeMap::new(),
            stale: false,
            directory,
            tails: BTreeMap::new(),
        };
        watched.follow_running();
        watched
    }

    /// Follows the logs of attempts that run already, from near their end.
    fn follow_running(&mut self) {
        let attempts = self.view.nodes.iter().flat_map(|node| &node.attempts);
        let running: Vec<AttemptId> = attempts
            .filter(|attempt| attempt.ended.is_none())
            .filter_map(|attempt| attempt.id.parse().ok())
            .collect();
        for attempt in running {
            let mut tail = Tail::new(self.directory.log(attempt));
            tail.skip_to_end();
            self.tails.insert(attempt, tail);
        }
    }

    /// Takes in records that follow those seen, and notes what there is to say about them.
    pub fn take(&mut self, records: &[Record]) {
        for record in records {
            if record.seq <= self.view.head.seq {
                continue;
            }
            if record.seq > self.view.head.seq + 1 {
                self.stale = true;
                return;
            }
            match self.view.apply(record) {
                Ok(fact) => {
                    if let Some(plan) = self.view.adopted_plan() {
                        self.plan = Arc::clone(plan);
                    }
                    self.note(&fact, record);
                }
                Err(error) => tracing::warn!(%error, "a record cannot be shown"),
            }
        }
    }

    fn note(&mut self, fact: &Fact, record: &Record) {
        match fact {
            Fact::AttemptStarted { attempt, .. } => {
                self.tails
                    .insert(*attempt, Tail::new(self.directory.log(*attempt)));
            }
            Fact::AttemptEnded { attempt, .. } => {
                self.read(*attempt, true);
                self.tails.remove(attempt);
                self.last_output.remove(&attempt.node.index());
            }
            _ => {}
        }
        let lines = plain::lines(&self.plan, &self.view, fact, record.at);
        if matches!(
            fact,
            Fact::Answered { .. }
                | Fact::QuestionExpired { .. }
                | Fact::QuestionVoided { .. }
                | Fact::CancelRequested { .. }
                | Fact::CancelRefused { .. }
                | Fact::Replanned { .. }
                | Fact::ResponseTaken { .. }
                | Fact::UndoPlanned { .. }
                | Fact::UndoLeft { .. }
                | Fact::UndoFailed { .. }
                | Fact::UndoStopped { .. }
                | Fact::Rewound { .. }
                | Fact::Paged { .. }
                | Fact::PageEnded { .. }
                | Fact::TargetPaged { .. }
                | Fact::TargetAcknowledged { .. }
                | Fact::ClockResumed
                | Fact::Acknowledged { .. }
                | Fact::Taken { .. }
        ) {
            self.decided.extend(lines.iter().cloned());
        }
        self.said.extend(lines.into_iter().map(Said::Line));
    }

    /// Reads what running attempts have printed since the last call.
    pub fn read_output(&mut self) {
        for attempt in self.tails.keys().copied().collect::<Vec<_>>() {
            self.read(attempt, false);
        }
    }

    fn read(&mut self, attempt: AttemptId, to_end: bool) {
        let Some(tail) = self.tails.get_mut(&attempt) else {
            return;
        };
        let lines = match if to_end { tail.rest() } else { tail.lines() } {
            Ok(lines) => lines,
            Err(error) => {
                tracing::warn!(%attempt, %error, "the output cannot be read");
                return;
            }
        };
        let id = crate::command::logs::label(&self.plan, attempt);
        if let Some(last) = lines.iter().rev().find(|line| !line.text.trim().is_empty()) {
            self.last_output
                .insert(attempt.node.index(), last.text.clone());
        }
        self.said.extend(
            lines
                .into_iter()
                .map(|line| Said::Printed(id.clone(), line.text)),
        );
    }
}

/// The engine's side: takes in what is written, and wakes who displays it.
pub struct Watcher {
    /// What is known.
    pub watched: Rc<RefCell<Watched>>,
    /// Is told of each change.
    pub changed: Rc<Notify>,
}

impl Watcher {
    /// Says something that is not in the journal.
    fn say(&self, line: Line) {
        let mut watched = self.watched.borrow_mut();
        watched.decided.push(line.clone());
        watched.said.push(Said::Line(line));
        self.changed.notify_one();
    }
}

impl Observer for Watcher {
    fn on_loaded(&mut self, run: &Run) {
        let mut watched = self.watched.borrow_mut();
        if run.head().seq > watched.view.head.seq {
            watched.stale = true;
        }
        self.changed.notify_one();
    }

    fn on_store_away(&mut self, error: &StoreError, patience: Duration) {
        let patience = Millis(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
        self.say(Line::new().with(
            Style::Bad,
            format!(
                "✗ {error}\n  It is waited for, at most for {patience}; what runs goes on, and nothing new is started"
            ),
        ));
    }

    fn on_store_back(&mut self) {
        self.say(Line::new().with(Style::Good, "✓ the store is back"));
    }

    fn on_records(&mut self, _run: &Run, records: &[Record]) {
        self.watched.borrow_mut().take(records);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, plan, view};

    #[test]
    fn a_decision_is_kept_for_the_screen_even_if_its_question_was_never_on_it() {
        let names = ["?go"];
        let mut watched = Watched::new(
            Arc::new(plan(&names)),
            view(&names),
            RunDirectory::at(std::env::temp_dir()),
        );
        let head = watched.view.head;
        let by = piton_core::id::Actor {
            name: "cto".to_owned(),
            account: "cto@host".to_owned(),
        };
        let cancel = Fact::CancelRequested {
            by,
            reason: None,
            rollback: false,
        };
        watched.take(&[Record::seal(head.seq + 1, at(5), head.hash, &cancel)]);
        assert!(
            watched
                .decided
                .iter()
                .any(|line| line.plain().contains("cto"))
        );
    }

    #[test]
    fn a_gap_in_the_records_is_noticed() {
        let names = ["a"];
        let mut watched = Watched::new(
            Arc::new(plan(&names)),
            view(&names),
            RunDirectory::at(std::env::temp_dir()),
        );
        let head = watched.view.head;
        let attempt: AttemptId = "n0.p1.a1".parse().unwrap();
        let started = Fact::AttemptStarted {
            attempt,
            deadline: None,
            item: None,
        };
        let next = Record::seal(head.seq + 1, at(5), head.hash, &started);
        let later = Record::seal(head.seq + 3, at(6), next.hash, &started);
        watched.take(std::slice::from_ref(&next));
        watched.take(&[next]);
        assert!(!watched.stale);
        assert_eq!(watched.said.len(), 2, "{:?}", watched.said);
        watched.take(&[later]);
        assert!(watched.stale);
    }
}

//! How a run that was tried out ends, and whether that is an error of its runbook.

use super::account::Stop;
use super::world::{Progress, World};
use crate::plan::NodeIndex;
use crate::record::{Planned, RunOutcome, WhyAsk};

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// All was done.
    Succeeded,
    /// What was done was taken back.
    RolledBack,
    /// It was to be taken back, and what is left is what nothing takes back or what somebody decided to leave.
    RolledBackInPart,
    /// It failed, and nothing that it did is left.
    FailedClean,
    /// It failed and stopped there, as the runbook says.
    StoppedAsStated,
    /// It failed, and somebody decided that it stops there.
    StoppedByDecision,
    /// It waits for people, who are called.
    WaitingPaged,
    /// It waits for whoever runs it: the runbook names nobody who could be called.
    WaitingUncalled,
    /// An error.
    Fault(Fault),
}

/// What a runbook must not end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Nothing is under way that ends, nobody is asked, and it is not over.
    Stuck,
    /// It is over with steps that are neither done for good nor taken back, and nobody decided that.
    HalfDone,
    /// It waits for people, and calls none of those whom the runbook names.
    NobodyTold,
}

/// How a run ends, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How.
    pub ending: Ending,
    /// The nodes that it is about: what is left, what is waited for, what never ends.
    pub nodes: Vec<NodeIndex>,
    /// The nodes that run at the end and failed.
    pub cleanup_failed: Vec<NodeIndex>,
}

impl Ending {
    /// In a few words, for people and for machines alike.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Ending::Succeeded => "succeeded",
            Ending::RolledBack => "rolled back",
            Ending::RolledBackInPart => "rolled back in part",
            Ending::FailedClean => "failed, nothing left behind",
            Ending::StoppedAsStated => "stopped as the runbook says",
            Ending::StoppedByDecision => "stopped by a person",
            Ending::WaitingPaged => "waiting with somebody paged",
            Ending::WaitingUncalled => "waiting for who runs it",
            Ending::Fault(Fault::Stuck) => "stuck",
            Ending::Fault(Fault::HalfDone) => "left half done",
            Ending::Fault(Fault::NobodyTold) => "nobody told",
        }
    }

    /// Whether it is an error of the runbook.
    #[must_use]
    pub fn is_fault(self) -> bool {
        matches!(self, Ending::Fault(_))
    }
}

impl World {
    /// How it ends that the run came to here and goes no further.
    #[must_use]
    pub fn verdict(&self, progress: &Progress) -> Verdict {
        let (ending, nodes) = match (progress, self.run.outcome()) {
            (_, Some(outcome)) => self.over(outcome),
            (Progress::Waiting, None) => self.waiting(),
            (_, None) => (Ending::Fault(Fault::Stuck), self.run.under_way()),
        };
        Verdict {
            ending,
            nodes,
            cleanup_failed: self.account.cleanup_failed.clone(),
        }
    }

    fn over(&self, outcome: RunOutcome) -> (Ending, Vec<NodeIndex>) {
        match outcome {
            RunOutcome::Succeeded => (Ending::Succeeded, Vec::new()),
            RunOutcome::RolledBack => (Ending::RolledBack, Vec::new()),
            RunOutcome::PartlyRolledBack => {
                let undecided = self.run.left().iter().filter(|left| left.by.is_none());
                let nodes: Vec<_> = undecided.map(|left| left.node).collect();
                match nodes.is_empty() {
                    true => (Ending::RolledBackInPart, self.left()),
                    false => (Ending::Fault(Fault::HalfDone), nodes),
                }
            }
            RunOutcome::Failed | RunOutcome::Cancelled => self.failed(),
        }
    }

    fn left(&self) -> Vec<NodeIndex> {
        self.run.left().iter().map(|left| left.node).collect()
    }

    fn failed(&self) -> (Ending, Vec<NodeIndex>) {
        // What nothing takes back is the author's word; everything else could have been taken back, or asked about.
        let stated = |planned| planned == Planned::Ask(WhyAsk::Irreversible);
        let left = self.run.not_taken_back().into_iter();
        let left = left.filter(|entry| !stated(entry.planned));
        let left: Vec<_> = left.map(|entry| entry.node).collect();
        let ending = match self.account.stopped.map(|(_, why)| why) {
            Some(Stop::Stated) => Ending::StoppedAsStated,
            Some(Stop::Decided) => Ending::StoppedByDecision,
            _ if left.is_empty() => Ending::FailedClean,
            _ => Ending::Fault(Fault::HalfDone),
        };
        (ending, left)
    }

    fn waiting(&self) -> (Ending, Vec<NodeIndex>) {
        let silent = self.run.questions().filter(|open| open.policy.is_none());
        let silent: Vec<_> = silent.map(|open| open.node).collect();
        let plan = self.run.plan();
        let nobody = plan.contacts.is_empty() && plan.escalations.is_empty();
        let all = || self.run.questions().map(|open| open.node).collect();
        if silent.is_empty() || self.run.clock_calls() {
            (Ending::WaitingPaged, all())
        } else if nobody {
            (Ending::WaitingUncalled, all())
        } else {
            (Ending::Fault(Fault::NobodyTold), silent)
        }
    }
}

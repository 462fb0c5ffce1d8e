//! How a run stands against its targets.

use super::PageView;
use crate::id::Actor;
use crate::plan::{NodeIndex, Plan};
use crate::record::{Delivery, Fact, PageId};
use crate::time::{Millis, Timestamp};
use serde::Serialize;

/// What a run has to achieve, and how it stands against that.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetsView {
    /// How long it may take.
    pub rto: Option<RtoView>,
    /// How much may be lost.
    pub rpo: Option<RpoView>,
}

/// How long a run may take, and its clock.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RtoView {
    /// How long it may take.
    pub within_ms: Millis,
    /// The name of the node that starts the clock; `None`: the run's start.
    pub from: Option<String>,
    /// The name of the node that stops the clock; `None`: the end of the work.
    pub to: Option<String>,
    /// How long the clock runs before people are called.
    pub at_risk_ms: Option<Millis>,
    /// The policy that is paged then.
    pub policy: Option<String>,
    /// When the clock started.
    pub started_at: Option<Timestamp>,
    /// When it stopped.
    pub stopped_at: Option<Timestamp>,
    /// How long it ran; `None` while it runs, and if it never started.
    pub took_ms: Option<Millis>,
    /// Whether what the clock waits for was there when it stopped, rather than the work over without it.
    pub reached: bool,
    /// Whether that was in time; `None` while the clock runs, and if it never started.
    pub met: Option<bool>,
    /// The calls for people about it, in order.
    pub pages: Vec<PageView>,
    /// Who acknowledged the calls since the clock's last mark.
    pub acknowledged: Option<SeenView>,
    /// Since the clock runs: whether people were called, and for having missed it.
    #[serde(skip)]
    mark: Option<bool>,
}

/// That somebody acknowledged a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeenView {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// How much may be lost, and what was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RpoView {
    /// How far back what is lost may reach.
    pub within_ms: Millis,
    /// What was lost, as a length of time.
    pub lost_ms: Option<Millis>,
    /// Whether that is no more than may be; `None` while it is not known.
    pub met: Option<bool>,
    /// Why it cannot be said what was lost.
    pub unknown: Option<String>,
}

impl TargetsView {
    pub(super) fn new(plan: &Plan) -> Option<TargetsView> {
        let targets = plan.targets.as_ref()?;
        let name = |index: NodeIndex| plan.node(index).map(|node| node.id.clone());
        let rto = targets.rto.as_ref().map(|rto| RtoView {
            within_ms: rto.within,
            from: rto.from.and_then(name),
            to: rto.to.and_then(name),
            at_risk_ms: rto.at_risk,
            policy: rto.page.clone(),
            started_at: None,
            stopped_at: None,
            took_ms: None,
            reached: false,
            met: None,
            pages: Vec::new(),
            acknowledged: None,
            mark: None,
        });
        let rpo = targets.rpo.as_ref().map(|rpo| RpoView {
            within_ms: rpo.within,
            lost_ms: None,
            met: None,
            unknown: None,
        });
        Some(TargetsView { rto, rpo })
    }

    pub(super) fn fold(&mut self, fact: &Fact, at: Timestamp) {
        if let Some(rpo) = &mut self.rpo {
            rpo.fold(fact);
        }
        if let Some(rto) = &mut self.rto {
            rto.fold(fact, at);
        }
    }

    pub(super) fn delivered(&mut self, page: PageId, deliveries: &[Delivery]) {
        let id = page.to_string();
        let mut pages = self.rto.iter_mut().flat_map(|rto| &mut rto.pages);
        if let Some(page) = pages.find(|page| page.id == id) {
            page.deliveries = Some(deliveries.to_vec());
        }
    }
}

impl RtoView {
    fn fold(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::ClockStarted { at } => self.started_at = Some(*at),
            Fact::ClockStopped { at, reached } => {
                let took = self.started_at.map(|started| at.since(started));
                self.stopped_at = Some(*at);
                self.took_ms = took;
                self.reached = *reached;
                self.met = took.map(|took| *reached && took <= self.within_ms);
                self.acknowledged = None;
                self.mark = None;
            }
            Fact::ClockResumed => {
                self.stopped_at = None;
                self.took_ms = None;
                self.reached = false;
                self.met = None;
            }
            Fact::TargetPaged { missed, page } => {
                if self.mark != Some(*missed) {
                    self.acknowledged = None;
                }
                self.mark = Some(*missed);
                self.pages.push(PageView::new(page, at));
            }
            Fact::TargetAcknowledged { by } => {
                self.acknowledged = Some(SeenView { by: by.clone(), at });
            }
            _ => {}
        }
    }

    /// How long the clock ran, or has run by now; `None` before it starts.
    #[must_use]
    pub fn took_by(&self, now: Timestamp) -> Option<Millis> {
        let until = self.stopped_at.unwrap_or(now);
        self.started_at.map(|started| until.since(started))
    }

    /// Whether the clock runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.started_at.is_some() && self.stopped_at.is_none()
    }

    /// Whether the clock runs, people were called about it since its last mark, and nobody has acknowledged.
    #[must_use]
    pub fn is_calling(&self) -> bool {
        self.is_running() && self.mark.is_some() && self.acknowledged.is_none()
    }

    /// When people are called next because the clock runs, if it goes on running and nobody acknowledges.
    #[must_use]
    pub fn next_page(&self) -> Option<Timestamp> {
        self.policy.as_ref()?;
        let since = self.started_at.filter(|_| self.is_running())?;
        let missed = since.after(self.within_ms);
        let again = self.pages.last().and_then(|page| page.next);
        let again = again.filter(|_| self.acknowledged.is_none());
        match self.mark {
            None => Some(
                self.at_risk_ms
                    .map_or(missed, |at_risk| since.after(at_risk).min(missed)),
            ),
            Some(false) => Some(again.map_or(missed, |again| again.min(missed))),
            Some(true) => again,
        }
    }
}

impl RpoView {
    fn fold(&mut self, fact: &Fact) {
        match fact {
            Fact::LossMeasured { lost, why } => {
                self.lost_ms = *lost;
                self.met = lost.map(|lost| lost <= self.within_ms);
                self.unknown.clone_from(why);
            }
            Fact::ClockResumed => {
                self.lost_ms = None;
                self.met = None;
                self.unknown = None;
            }
            _ => {}
        }
    }
}

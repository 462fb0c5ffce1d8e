//! The model of what else is outside: locks in the store, and calls for people that are under way.

use super::script::{Locking, Paging, Script};
use crate::plan::NodeIndex;
use crate::record::{Delivery, Page, PageId};
use crate::run::Event;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// How a request for locks stands in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockStand {
    /// The names.
    pub names: Vec<String>,
    /// When they are, or were, got; `None`: never.
    pub got: Option<Timestamp>,
}

/// Locks, which are durable, and pages under way, which die with the engine that sent them.
#[derive(Clone, Debug, Default)]
pub(super) struct Outside {
    locks: BTreeMap<Option<NodeIndex>, LockStand>,
    lock_requests: BTreeMap<Option<NodeIndex>, usize>,
    /// Events that the engine will send itself.
    due: BTreeMap<(Timestamp, u64), Event>,
    counted: u64,
    /// How often each page was sent, in the order of their first sending.
    sent: Vec<(PageId, u32)>,
}

impl Outside {
    /// Asks for locks, or looks again how a request stands.
    pub(super) fn lock(
        &mut self,
        script: &Script,
        node: Option<NodeIndex>,
        names: Vec<String>,
        now: Timestamp,
    ) {
        let before = self.lock_requests.entry(node).or_default();
        let stand = self.locks.entry(node).or_insert_with(|| {
            let got = match script.locking(node, *before) {
                Locking::After(length) => Some(now.after(length)),
                Locking::Never => None,
            };
            *before += 1;
            LockStand { names, got }
        });
        if let Some(got) = stand.got {
            self.later(got.max(now), Event::Locked { node });
        }
    }

    /// Lets go of a node's locks, or of those it asked for.
    pub(super) fn unlock(&mut self, node: NodeIndex) {
        self.locks.remove(&Some(node));
        self.due
            .retain(|_, event| *event != Event::Locked { node: Some(node) });
    }

    /// Lets go of everything.
    pub(super) fn release(&mut self) {
        self.locks.clear();
        self.due
            .retain(|_, event| !matches!(event, Event::Locked { .. }));
    }

    /// Calls people.
    pub(super) fn page(&mut self, script: &Script, page: &Page, now: Timestamp) {
        let place = self.page_again(page);
        let (length, failed) = match script.page(place) {
            Paging::Delivered(length) => (length, None),
            Paging::Failed(length) => (length, Some("the line is dead".to_owned())),
            Paging::Unheard => return,
        };
        let deliveries = page.contacts.iter().map(|called| Delivery {
            contact: called.contact.clone(),
            failed: failed.clone(),
        });
        let event = Event::PageEnded {
            page: page.id,
            deliveries: deliveries.collect(),
        };
        self.later(now.after(length), event);
    }

    /// A page goes out, and nothing is heard of it. Returns how many other pages were sent before it for the first time.
    pub(super) fn page_again(&mut self, page: &Page) -> usize {
        let known = self.sent.iter().position(|(id, _)| *id == page.id);
        let place = known.unwrap_or(self.sent.len());
        match self.sent.get_mut(place) {
            Some((_, times)) => *times += 1,
            None => self.sent.push((page.id, 1)),
        }
        place
    }

    /// When the engine sends the next event itself.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// That event.
    pub(super) fn take(&mut self) -> Option<Event> {
        self.due.pop_first().map(|(_, event)| event)
    }

    /// The engine is dead, and with it the calls under way; who loads the run asks again how its locks stand.
    pub(super) fn die(&mut self) {
        self.due.clear();
    }

    /// How the requests for locks stand.
    pub(super) fn locks(&self) -> &BTreeMap<Option<NodeIndex>, LockStand> {
        &self.locks
    }

    /// How often each page was sent.
    pub(super) fn sent(&self) -> &[(PageId, u32)] {
        &self.sent
    }

    fn later(&mut self, at: Timestamp, event: Event) {
        self.counted += 1;
        self.due.insert((at, self.counted), event);
    }
}

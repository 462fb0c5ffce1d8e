//! The calls for people that an engine has under way.

use crate::action::attempt::Context;
use crate::channel::Message;
use piton_core::plan::NodeIndex;
use piton_core::record::{Delivery, Page, PageId};
use piton_core::run::Run;
use std::collections::BTreeSet;
use std::rc::Rc;
use tokio::sync::mpsc;
use tracing::Instrument as _;

/// A page, and what became of it for each contact.
pub(super) type Delivered = (PageId, Vec<Delivery>);

/// The pages under way. None of them ever keeps the engine from its other work.
pub(super) struct Pages {
    context: Rc<Context>,
    /// Pages that were sent and whose end is not in the journal yet.
    sent: BTreeSet<PageId>,
    sender: mpsc::UnboundedSender<Delivered>,
    receiver: mpsc::UnboundedReceiver<Delivered>,
}

impl Pages {
    /// None yet.
    pub fn new(context: Rc<Context>) -> Pages {
        let (sender, receiver) = mpsc::unbounded_channel();
        Pages {
            context,
            sent: BTreeSet::new(),
            sender,
            receiver,
        }
    }

    /// Sends a page, unless this engine is at it already.
    pub fn send(&mut self, run: &Run, node: Option<NodeIndex>, page: Page) {
        if !self.sent.insert(page.id) {
            return;
        }
        let message = message(run, node, &page);
        let channels = Rc::clone(&self.context.channels);
        let sender = self.sender.clone();
        let delivered = async move {
            let deliveries = channels.deliver(&message, &page.contacts).await;
            for delivery in &deliveries {
                if let Some(why) = &delivery.failed {
                    tracing::warn!(page = %page.id, contact = %delivery.contact, why, "nobody was reached");
                }
            }
            // Nobody listens when the driver leaves; the next one sends it again.
            drop(sender.send((page.id, deliveries)));
        };
        tokio::task::spawn_local(delivered.in_current_span());
    }

    /// The next one that ended. Nothing is lost when the future is dropped.
    pub async fn ended(&mut self) -> Delivered {
        match self.receiver.recv().await {
            Some(delivered) => delivered,
            // Not while `self` holds a sender.
            None => std::future::pending().await,
        }
    }

    /// One that has ended by now.
    pub fn try_ended(&mut self) -> Option<Delivered> {
        self.receiver.try_recv().ok()
    }

    /// Forgets pages whose end is in the journal.
    pub fn forget(&mut self, delivered: &[Delivered]) {
        for (page, _) in delivered {
            self.sent.remove(page);
        }
    }

    /// Whether no page is under way.
    pub fn is_idle(&self) -> bool {
        self.sent.is_empty()
    }
}

/// What a page says, about a node's question or about the run's clock.
fn message(run: &Run, node: Option<NodeIndex>, page: &Page) -> Message {
    let node = node.and_then(|node| run.plan().node(node));
    let name = node.map(|node| node.id.clone());
    let mut questions = run.questions();
    let question = questions.find(|question| question.number == page.id.question);
    Message {
        key: format!("{}/{}", run.id(), page.id),
        run: run.id().to_string(),
        runbook: run.plan().runbook.clone(),
        node: name.unwrap_or_default(),
        pass: question.map(|question| question.pass),
        level: Some(page.level),
        message: page.message.clone(),
        decide: Some(format!("piton show {}", run.id())),
    }
}

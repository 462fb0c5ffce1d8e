//! Channels: how people are reached, for a page or by `notify`.
//!
//! [`Channels::deliver`] is where to start. Everybody is told through all of their channels at once, each within
//! [`LIMIT`]; somebody whom one channel reached is reached. `webhook.rs` and `command.rs` hold one channel each.
//!
//! A message may be delivered more than once, because an engine that dies cannot say what it had delivered. Its
//! [`Message::key`] stays the same then.

mod command;
mod message;
mod webhook;

pub use message::Message;

use crate::mask::masked;
use crate::secrets::Secrets;
use piton_core::record::{Delivery, RenderedChannel, RenderedContact};
use piton_core::text::Text;
use piton_core::time::Millis;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long one channel may take to deliver a message.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The ways out of a run: everything that is needed to use the channels of its contacts.
#[derive(Debug)]
pub struct Channels {
    secrets: Rc<Secrets>,
    base: PathBuf,
    webhooks: webhook::Client,
    limit: Duration,
}

impl Channels {
    /// Channels that use these secrets, and start programs in this directory.
    #[must_use]
    pub fn new(secrets: Rc<Secrets>, base: PathBuf) -> Channels {
        Channels {
            secrets,
            base,
            webhooks: webhook::Client::default(),
            limit: LIMIT,
        }
    }

    /// The same with another limit than [`LIMIT`] for each channel.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Channels {
        Channels { limit, ..self }
    }

    /// Delivers a message to each of these contacts, and says for each what became of it, in the same order. What
    /// is under way is given up when the future is dropped. Works on a [`tokio::task::LocalSet`] only.
    pub async fn deliver(
        self: &Rc<Self>,
        message: &Message,
        contacts: &[RenderedContact],
    ) -> Vec<Delivery> {
        let json: Rc<str> = message.to_json().into();
        let mut sending = JoinSet::new();
        for (place, contact) in contacts.iter().enumerate() {
            for channel in &contact.via {
                let (channels, json, channel) =
                    (Rc::clone(self), Rc::clone(&json), channel.clone());
                sending.spawn_local(async move { (place, channels.send(&channel, &json).await) });
            }
        }
        let mut attempts: Vec<Vec<Result<(), String>>> = vec![Vec::new(); contacts.len()];
        while let Some(sent) = sending.join_next().await {
            match sent {
                Ok((place, sent)) => attempts
                    .get_mut(place)
                    .into_iter()
                    .for_each(|of| of.push(sent.clone())),
                Err(error) => tracing::error!(%error, "a channel ended without saying how"),
            }
        }
        contacts
            .iter()
            .zip(attempts)
            .map(|(contact, attempts)| delivery(contact, attempts))
            .collect()
    }

    /// Sends a message through one channel, and says why it was not delivered. Never says a secret.
    async fn send(&self, channel: &RenderedChannel, json: &str) -> Result<(), String> {
        let (what, sent) = match channel {
            RenderedChannel::Webhook(address) => {
                let sent = self.webhook(address, json);
                (
                    "webhook".to_owned(),
                    tokio::time::timeout(self.limit, sent).await,
                )
            }
            RenderedChannel::Command(argv) => {
                let what = command::describe(argv);
                let sent = command::send(argv, json, &self.base, &self.secrets);
                (what, tokio::time::timeout(self.limit, sent).await)
            }
        };
        let sent = sent.unwrap_or_else(|_| {
            let limit = Millis(u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX));
            Err(format!("took longer than {limit} and was given up"))
        });
        sent.map_err(|why| masked(&format!("{what}: {why}"), &self.secrets.known()))
    }

    async fn webhook(&self, address: &Text, json: &str) -> Result<(), String> {
        self.secrets
            .resolve(address.secrets(), &self.base)
            .await
            .map_err(|error| error.to_string())?;
        let address = self
            .secrets
            .reveal(address)
            .map_err(|error| error.to_string())?;
        self.webhooks.post(&address, json).await
    }
}

/// What became of one contact, whose channels did this.
fn delivery(contact: &RenderedContact, attempts: Vec<Result<(), String>>) -> Delivery {
    let reached = attempts.iter().any(Result::is_ok);
    let failures: Vec<String> = attempts.into_iter().filter_map(Result::err).collect();
    let failed = match (reached, failures.is_empty()) {
        (true, true) => None,
        (true, false) => {
            tracing::warn!(contact = %contact.contact, failed = failures.join("; "), "reached by another channel");
            None
        }
        (false, true) => Some("there is no channel to reach them by".to_owned()),
        (false, false) => Some(failures.join("; ")),
    };
    Delivery {
        contact: contact.contact.clone(),
        failed,
    }
}

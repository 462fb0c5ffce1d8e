//! What people are told, as it goes out.

use serde::Serialize;

/// A message to people. Channels get it as JSON; fields are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The same for every delivery of the same message, so that repeats can be told.
    pub key: String,
    /// The run.
    pub run: String,
    /// The runbook's name.
    pub runbook: String,
    /// The node that it is about; empty if it is about the run's clock.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node: String,
    /// The node's pass, from 1; of a page only while its question is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<u32>,
    /// Of a page, the level of its policy, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
    /// What there is to say, in a line or a few.
    pub message: String,
    /// Of a page, the command that shows what is to be decided, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decide: Option<String>,
}

impl Message {
    /// The message as channels get it: one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| {
            // Texts and numbers always make JSON.
            tracing::error!(%error, "a message could not be written as JSON");
            String::new()
        })
    }
}

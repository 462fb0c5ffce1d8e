//! Who is called, in which order, and what a failure gets.

use super::NodeIndex;
use crate::expr::Template;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Somebody who can be reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// What people call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they may act as; `approve { by }` names contacts or roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// How they are reached: each of these ways, every time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Channel>,
}

/// A way to reach somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// An HTTP address that a JSON message is posted to.
    Webhook(Template),
    /// A program with its arguments; it gets the message as JSON on its standard input.
    Command(Vec<Template>),
}

/// Who is called when nobody answers, and then who.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// In order; at least one.
    pub levels: Vec<Level>,
    /// How long paging pauses after somebody acknowledged, and how long a question that was taken is kept for who
    /// took it.
    pub decide_within: Millis,
}

impl Escalation {
    /// How long it takes until everybody was called and had their time to decide.
    #[must_use]
    pub fn whole_time(&self) -> Millis {
        let levels = self
            .levels
            .iter()
            .map(|level| level.ack_within.unwrap_or(DECIDE_WITHIN).0);
        Millis(levels.fold(self.decide_within.0, u64::saturating_add))
    }
}

/// How long somebody who acknowledged has to decide, unless the policy says otherwise.
pub const DECIDE_WITHIN: Millis = Millis(15 * 60 * 1000);

/// One level of an escalation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The contacts that are paged together.
    pub page: Vec<String>,
    /// How long they have to acknowledge before the next level is paged; of the last level, before it is paged
    /// again. `None`: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_within: Option<Millis>,
}

/// A response to a node's failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Start nothing new, let what runs end, and end the run as failed.
    Stop,
    /// Go on as if the node had been skipped.
    Continue,
    /// Go back: undo this node and all that depends on it, and do it again.
    Rewind {
        /// The node to go back to.
        to: NodeIndex,
        /// How often this may be taken in a run.
        times: u32,
    },
    /// Ask people to decide, and page them.
    Escalate {
        /// The name of the policy.
        policy: String,
        /// How long they have; then the next response is taken. `None`: for ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires: Option<Millis>,
    },
    /// Undo everything and end the run.
    Rollback,
}

//! Calling people.

use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which page: whoever gets the same one twice can tell by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PageId {
    /// The number of the question in the run; 0 of a page about the run's clock, which asks nothing.
    pub question: u32,
    /// The number of the page about this question, or about the clock, from 1.
    pub number: u32,
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_of_clock() {
            true => write!(f, "rto.{}", self.number),
            false => write!(f, "q{}.{}", self.question, self.number),
        }
    }
}

impl PageId {
    /// A page about the run's clock.
    #[must_use]
    pub fn of_clock(number: u32) -> PageId {
        PageId {
            question: 0,
            number,
        }
    }

    /// Whether it is about the run's clock rather than a question.
    #[must_use]
    pub fn is_of_clock(self) -> bool {
        self.question == 0
    }
}

/// A call for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Which.
    pub id: PageId,
    /// The level of the policy, from 1.
    pub level: u32,
    /// Who is called.
    pub contacts: Vec<RenderedContact>,
    /// What they are told, in a line.
    pub message: String,
    /// When the next page about the same goes out if nobody acknowledges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
}

/// Somebody who is called, with everything worked out but secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderedContact {
    /// The contact's name in the runbook.
    pub contact: String,
    /// What people call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How they are reached.
    pub via: Vec<RenderedChannel>,
}

/// See [`crate::plan::Channel`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenderedChannel {
    /// An HTTP address that a JSON message is posted to.
    Webhook(Text),
    /// A program with its arguments.
    Command(Vec<Text>),
}

/// What became of calling one contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The contact's name in the runbook.
    pub contact: String,
    /// Why nothing reached them; `None` if something did. Never contains a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

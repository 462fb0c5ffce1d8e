//! What a failure gets.

use super::Spanned;
use piton_core::time::Millis;

/// A response to a failure.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// The run ends as failed.
    Stop,
    /// The run goes on.
    Continue,
    /// The run undoes everything and ends.
    Rollback,
    /// The run goes back.
    Rewind {
        /// The name of the node to go back to.
        to: Spanned<String>,
        /// How often this may be taken in a run.
        times: u32,
    },
    /// People decide.
    Escalate {
        /// The name of the escalation policy.
        policy: Spanned<String>,
        /// How long they have.
        expires: Option<Millis>,
    },
}

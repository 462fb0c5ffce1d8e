//! A run's state at one place of its journal, so that loading a long run need not fold all of it.

use super::machine::Head;
use super::state::State;
use serde::{Deserialize, Serialize};

/// The version of the stored form that this build writes. A snapshot with a higher one is refused.
pub const SNAPSHOT_VERSION: u32 = 2;

/// The state of a run after the record that `head` names. It only saves time: the journal alone is enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`SNAPSHOT_VERSION`] when it was made.
    pub version: u32,
    /// The last record that is folded into it.
    pub head: Head,
    pub(super) state: State,
    /// The plan in the stored form, of a run that took over an edited runbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<String>,
}

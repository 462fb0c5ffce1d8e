//! What the procedure has to achieve, and how that is measured.

use super::NodeIndex;
use crate::expr::Expression;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What the procedure has to achieve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Targets {
    /// How long it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto: Option<Rto>,
    /// How much may be lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo: Option<Rpo>,
}

/// How long the procedure may take, by a clock that starts once and never pauses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rto {
    /// How long it may take.
    pub within: Millis,
    /// The node that starts the clock when it has settled for the first time; `None`: the run's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NodeIndex>,
    /// The node that stops the clock when it succeeds; `None`: the end of the work, before what runs at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<NodeIndex>,
    /// How long the clock runs before people are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_risk: Option<Millis>,
    /// The policy that is paged then, and again when `within` has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// How much may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rpo {
    /// How far back what is lost may reach.
    pub within: Millis,
    /// What was lost, as a length of time: worked out when the clock stops, or else at the end of the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub achieved: Option<Expression>,
}

//! Names of runs, attempts and people.

use crate::plan::NodeIndex;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The id of a run: unique in a store, chosen by the runtime when the run is submitted, short enough to be said
/// on the telephone (`restore-drill-7k3fq`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an attempt is for. A node is done by one action, but finding out whether that action happened after an
/// interruption is an attempt of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The node's action itself.
    Do,
    /// The node's `interrupted = probe { … }`: did an attempt with an unknown outcome happen?
    Probe,
    /// One of the checks of the node's action, by its place in the plan from 0. It is known to whoever holds its
    /// process, by the number of the attempt that it is part of; the journal has the attempt as a whole.
    Check(u32),
    /// The action that gives the choices of a question of `manual`, by the question's place from 0.
    Choices(u32),
    /// Reads the fingerprint of what a node is about to change, to be shown to people: the node's own, or that of the
    /// node at this place in the plan behind a gate.
    Target(u32),
    /// Reads the fingerprint once more, right before the action.
    Recheck,
    /// Notes what was there before, for the undo.
    Capture,
    /// Takes the node back.
    Undo,
    /// Did an undo with an unknown outcome happen?
    UndoCheck,
}

impl Purpose {
    /// Whether it only looks, so that it may be done again at will.
    #[must_use]
    pub fn only_looks(self) -> bool {
        !matches!(self, Purpose::Do | Purpose::Undo)
    }

    /// Whether it is on the way back.
    #[must_use]
    pub fn is_back(self) -> bool {
        matches!(self, Purpose::Undo | Purpose::UndoCheck)
    }
}

/// One try at one thing: the key by which an attempt is started, found again after a crash, and settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// The node, by its place in the plan.
    pub node: NodeIndex,
    /// The node's pass, from 1. A rewind starts a new pass.
    pub pass: u32,
    /// What the attempt is for.
    pub purpose: Purpose,
    /// The number of the attempt in its pass and purpose, from 1.
    pub number: u32,
}

impl fmt::Display for AttemptId {
    /// A form that is safe as a file name and as a word of the keeper's log: `n4.p1.a2`, or `n4.p1.probe2`; for a
    /// check of that attempt `n4.p1.a2.c0`. Others are `n4.p1.choices1.k0`, `n4.p1.target1.k7`, `n4.p1.recheck1`,
    /// `n4.p1.capture1`, `n4.p1.undo1` and `n4.p1.undocheck1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AttemptId {
            node,
            pass,
            purpose,
            number,
        } = self;
        match purpose {
            Purpose::Do => write!(f, "n{}.p{pass}.a{number}", node.0),
            Purpose::Probe => write!(f, "n{}.p{pass}.probe{number}", node.0),
            Purpose::Check(place) => write!(f, "n{}.p{pass}.a{number}.c{place}", node.0),
            Purpose::Choices(place) => write!(f, "n{}.p{pass}.choices{number}.k{place}", node.0),
            Purpose::Target(place) => write!(f, "n{}.p{pass}.target{number}.k{place}", node.0),
            Purpose::Recheck => write!(f, "n{}.p{pass}.recheck{number}", node.0),
            Purpose::Capture => write!(f, "n{}.p{pass}.capture{number}", node.0),
            Purpose::Undo => write!(f, "n{}.p{pass}.undo{number}", node.0),
            Purpose::UndoCheck => write!(f, "n{}.p{pass}.undocheck{number}", node.0),
        }
    }
}

impl std::str::FromStr for AttemptId {
    type Err = BadAttemptId;

    fn from_str(text: &str) -> Result<Self, BadAttemptId> {
        let bad = || BadAttemptId(text.to_owned());
        let mut parts = text.split('.');
        let (Some(node), Some(pass), Some(last), check, None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(bad());
        };
        let number =
            |part: &str, prefix: &str| -> Option<u32> { part.strip_prefix(prefix)?.parse().ok() };
        let place = |prefix| {
            check
                .and_then(|check| number(check, prefix))
                .ok_or_else(bad)
        };
        let (word, digits) =
            last.split_at(last.find(|c: char| c.is_ascii_digit()).ok_or_else(bad)?);
        let attempt = digits.parse().map_err(|_| bad())?;
        let purpose = match (word, check) {
            ("a", None) => Purpose::Do,
            ("probe", None) => Purpose::Probe,
            ("recheck", None) => Purpose::Recheck,
            ("capture", None) => Purpose::Capture,
            ("undo", None) => Purpose::Undo,
            ("undocheck", None) => Purpose::UndoCheck,
            ("a", Some(_)) => Purpose::Check(place("c")?),
            ("choices", Some(_)) => Purpose::Choices(place("k")?),
            ("target", Some(_)) => Purpose::Target(place("k")?),
            _ => return Err(bad()),
        };
        Ok(AttemptId {
            node: NodeIndex(number(node, "n").ok_or_else(bad)?),
            pass: number(pass, "p").ok_or_else(bad)?,
            purpose,
            number: attempt,
        })
    }
}

/// A text that is not an attempt's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of an attempt")]
pub struct BadAttemptId(pub String);

/// Who did something: started a run, decided, cancelled. Nothing here is proof of identity; it is what the person
/// said (`--as`) beside what the operating system knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The name or role acted under: `--as NAME`, else the same as `account`.
    pub name: String,
    /// The account the command ran as: `user@host`.
    pub account: String,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name == self.account {
            f.write_str(&self.name)
        } else {
            write!(f, "{} ({})", self.name, self.account)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempts_id_reads_back_as_written() {
        for purpose in [
            Purpose::Do,
            Purpose::Probe,
            Purpose::Check(7),
            Purpose::Choices(0),
            Purpose::Target(12),
            Purpose::Recheck,
            Purpose::Capture,
            Purpose::Undo,
            Purpose::UndoCheck,
        ] {
            let id = AttemptId {
                node: NodeIndex(41),
                pass: 3,
                purpose,
                number: 12,
            };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for bad in [
            "",
            "n1",
            "n1.p1",
            "n1.p1.x1",
            "n1.p1.a1.a1",
            "n1.p1.probe1.c1",
            "n1.p1.a1.c1.c1",
            "1.1.1",
            "n-1.p1.a1",
        ] {
            assert!(bad.parse::<AttemptId>().is_err(), "{bad}");
        }
    }
}

//! Named locks: who has one, who waits for one, and which were broken.

use piton_core::id::{Actor, RunId};
use piton_core::time::Timestamp;
use std::fmt;

/// Who has a lock, or waits for it: a run as a whole, or one of its nodes.
///
/// Holders exclude each other, except that a lock of a run as a whole is no obstacle to its own nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockHolder {
    /// The run.
    pub run: RunId,
    /// The id of its node; `None` for the run as a whole.
    pub node: Option<String>,
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "node `{node}` of run {}", self.run),
            None => write!(f, "run {}", self.run),
        }
    }
}

/// One lock and somebody who has it or waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockClaim {
    /// The lock's name.
    pub name: String,
    /// Who.
    pub holder: LockHolder,
    /// Since when it is held, or waited for.
    pub since: Timestamp,
}

/// Whether locks were taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All of them are held now.
    All,
    /// None was taken; the holder is listed as waiting for all of them.
    Refused {
        /// Those that somebody else has, and who.
        held: Vec<LockClaim>,
    },
}

/// A lock that a person took away from its holder, who goes on without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenLock {
    /// The lock's name.
    pub name: String,
    /// Whose it was.
    pub holder: LockHolder,
    /// Since when they had it.
    pub since: Timestamp,
    /// Who broke it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub reason: String,
    /// When the holder would have let go of it; `None` while it works on without the lock.
    pub let_go: Option<Timestamp>,
}

/// What breaking a lock did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockBreak {
    /// What was kept of it, one entry for each holder.
    pub broken: Vec<BrokenLock>,
    /// The runs that wait for the lock, to be woken.
    pub waiting: Vec<RunId>,
}

/// All locks of a store, from one moment. Locks of runs that are over are free and not among them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Locks {
    /// Held, by name.
    pub held: Vec<LockClaim>,
    /// Waited for, by name, the longest wait first.
    pub waiting: Vec<LockClaim>,
    /// Broken, newest first.
    pub broken: Vec<BrokenLock>,
}

//! What a store knows of hosts, of the engines on them, and of the servers that look for runs to drive.

use crate::owner::Owner;
use piton_core::id::{Actor, RunId};
use piton_core::time::{Millis, Timestamp};

/// A `piton serve` that looks for runs in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its process.
    pub owner: Owner,
    /// What people call it.
    pub name: String,
    /// How many runs it drives at once; `None` for any number.
    pub max_runs: Option<u32>,
    /// Since when.
    pub since: Timestamp,
    /// Until when at least it is taken to live, if it does not say so again.
    pub until: Timestamp,
}

/// What servers may do with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// They drive it whenever nobody else does.
    AtOnce,
    /// They take it over when the engine that drives it dies or is cut off, and from then on it is theirs.
    WhenOrphaned,
}

/// The runs that a server may drive now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimable {
    /// Those that have something to be done, are left to servers, and that nobody drives; in order of creation.
    pub runs: Vec<RunId>,
    /// Engines that drive others of them, and live as far as is known. When one ends, its runs become claimable.
    pub driven_by: Vec<Owner>,
    /// When one of the others becomes claimable by itself: something of it is due, or a lease expires.
    pub next: Option<Timestamp>,
    /// What time it was for the store when it looked.
    pub now: Timestamp,
}

/// An engine that had the lease of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engaged {
    /// Its fence.
    pub fence: u64,
    /// Which process it was.
    pub owner: Owner,
    /// Since when.
    pub since: Timestamp,
    /// The number of the last record that was there before it: what comes after is its own, up to the next engine.
    pub after: u64,
    /// When it gave the lease back: what it did itself, rather than its keeper, has ended by then. `None` if it never
    /// did.
    pub let_go: Option<Timestamp>,
}

/// A host, as far as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// When one of its engines last did something here; `None` if none ever did.
    pub seen: Option<Timestamp>,
    /// The engines on it that hold a lease, each with its run.
    pub driving: Vec<(RunId, Owner)>,
    /// The servers on it that are taken to live.
    pub servers: Vec<Server>,
    /// Who says that it is dead, if somebody does.
    pub dead: Option<HostWord>,
}

/// What somebody said of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostWord {
    /// Whether it is dead: none of its processes runs any more.
    pub dead: bool,
    /// Who says so.
    pub by: Actor,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// How long a server is taken to live after it last said so.
pub const SERVER_LIVES: Millis = Millis(30_000);

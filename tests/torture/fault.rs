//! What strikes a run.

use super::world::Kept;
use crate::support::Chance;

/// Something that goes wrong while a run is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The engine is killed.
    Engine,
    /// The keeper is killed.
    Keeper,
    /// Engine and keeper are killed, in either order.
    Both,
    /// The engine is stopped and goes on.
    Pause,
    /// The engine is stopped past its lease, another one takes over, and the first goes on.
    PastLease,
    /// The disk of the store, and of what processes leave, is full for a while.
    Full,
    /// It cannot be written for a while.
    ReadOnly,
    /// The file of the store is not there for a while.
    Away,
    /// The wall clock is set an hour forward or back, or right again.
    Clock,
    /// The database server is killed and started.
    Server,
    /// All connections to the database are cut.
    Connections,
}

impl Fault {
    /// One that is drawn.
    pub fn draw(chance: &mut Chance, kept: Kept<'_>) -> Fault {
        let on_postgres = matches!(kept, Kept::Postgres(_));
        match chance.below(100) {
            0..=33 => Fault::Engine,
            34..=42 => Fault::Keeper,
            43..=55 => Fault::Both,
            56..=62 => Fault::Pause,
            63..=67 => Fault::PastLease,
            68..=74 => Fault::Clock,
            75..=80 => Fault::Full,
            81..=90 if on_postgres => Fault::Server,
            91.. if on_postgres => Fault::Connections,
            81..=87 => Fault::ReadOnly,
            88..=93 => Fault::Away,
            _ => Fault::Engine,
        }
    }

    /// As the account has it.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Engine => "engine killed",
            Fault::Keeper => "keeper killed",
            Fault::Both => "engine and keeper killed",
            Fault::Pause => "engine stopped and continued",
            Fault::PastLease => "engine stopped past its lease",
            Fault::Full => "disk full",
            Fault::ReadOnly => "disk read-only",
            Fault::Away => "store's file away",
            Fault::Clock => "wall clock stepped",
            Fault::Server => "server killed",
            Fault::Connections => "connections cut",
        }
    }

    pub fn needs_small_disk(self) -> bool {
        matches!(self, Fault::Full | Fault::ReadOnly)
    }

    /// Whether it ends a keeper, or takes away what a keeper writes to: then a question may be needed.
    pub fn may_need_people(self) -> bool {
        matches!(
            self,
            Fault::Keeper | Fault::Both | Fault::Full | Fault::ReadOnly
        )
    }
}

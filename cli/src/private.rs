//! Keeps what this process has in its memory, secrets among it, from other processes of the same user and from core
//! files.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// From now on no core file is written of this process, and only root may read its memory. What it starts is not
/// concerned: the system makes that dumpable again.
pub fn keep_memory() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        // Such a system lets others read more than they should; that is no reason not to restore a database.
        tracing::warn!(%error, "core files of this process may hold secrets");
    }
}

//! Trying again while the server is away.

use super::failure::{Kind, Place, Problem};
use crate::store::StoreError;
use piton_core::id::RunId;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// How long a call tries to reach a server that was there before. A server that is started again is back by then; for
/// one that stays away longer, an engine has more patience than a call.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long one attempt at a call may take: the server, or the way to it, is gone without a word.
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// How long is waited before the second attempt, and at most before any other.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// The attempts at one call.
pub(super) struct Tries<'s> {
    place: &'s Place,
    doing: &'static str,
    run: Option<&'s RunId>,
    /// Since when it fails.
    since: Option<Instant>,
    pause: Duration,
    only_while_it_starts: bool,
    /// Whether an earlier attempt may have been done although its answer was lost.
    pub(super) is_unsure: bool,
}

impl<'s> Tries<'s> {
    pub(super) fn new(place: &'s Place, doing: &'static str, run: Option<&'s RunId>) -> Tries<'s> {
        Tries {
            place,
            doing,
            run,
            since: None,
            pause: PAUSES.0,
            only_while_it_starts: false,
            is_unsure: false,
        }
    }

    /// Tries again only when the server says that it is about to take connections.
    pub(super) fn while_it_starts(self) -> Tries<'s> {
        Tries {
            only_while_it_starts: true,
            ..self
        }
    }

    /// Tries once: gives what came of it, or nothing when it should be tried again.
    ///
    /// # Errors
    /// When trying again is of no use, or was not for too long.
    pub(super) async fn once<T>(
        &mut self,
        attempt: impl Future<Output = Result<T, Problem>>,
    ) -> Result<Option<T>, StoreError> {
        let problem = match tokio::time::timeout(CALL_LIMIT, attempt).await {
            Ok(Ok(done)) => return Ok(Some(done)),
            Ok(Err(problem)) => problem,
            Err(_) => Problem::Silent(CALL_LIMIT.as_secs()),
        };
        let since = *self.since.get_or_insert_with(Instant::now);
        let again = match problem.kind() {
            Kind::Lasting => false,
            Kind::Away if self.only_while_it_starts => problem.is_starting(),
            Kind::Away => {
                self.is_unsure = true;
                true
            }
            Kind::Collided => true,
        };
        if !again || since.elapsed() >= PATIENCE {
            let tried = since.elapsed();
            return Err(self.place.failure(problem, self.doing, self.run, tried));
        }
        tracing::debug!(?problem, doing = self.doing, "the store is tried again");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
        Ok(None)
    }
}

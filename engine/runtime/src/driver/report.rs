//! What a host tells of attempts that began on it, when another one drives their run.
//!
//! An end goes to the run's inbox, under a key that names the attempt, so that it is told once however often it is
//! sent. The engine that drives the run takes it as it takes a decision.

use super::attempts::{Attempts, Ended};
use super::error::DriveError;
use super::local::Local;
use super::reach::is_here;
use super::tenure::{Asked, Tenure};
use crate::owner::Liveness;
use crate::store::Store;
use piton_core::id::{AttemptId, RunId};
use piton_core::run::{Event, Work};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How often is looked whether an attempt that is watched was told to end, or is watched for nothing.
const LOOK_EVERY: Duration = Duration::from_secs(5);

impl<S: Store> Local<S> {
    /// Tells the engine that drives the run how attempts ended.
    pub(super) async fn report(&self, run: &RunId, ended: Vec<Ended>) {
        for (attempt, outcome) in ended {
            let key = format!("the end of {attempt}");
            let event = Event::AttemptEnded { attempt, outcome };
            match self.post(run, &event, &key).await {
                Ok(_) => tracing::info!(%run, %attempt, "the end of an attempt was reported"),
                Err(error) => {
                    tracing::warn!(%run, %attempt, %error, "the end of an attempt was not reported")
                }
            }
        }
    }

    /// Watches the attempts of a run that began on this host and that who drives it now cannot reach, and reports
    /// their ends, until none is left. They are told to end if the run wants that, and nothing is ever started.
    ///
    /// # Errors
    /// When the store cannot be read; nothing is lost by that.
    pub async fn watch_away(&self, run: &RunId) -> Result<(), DriveError> {
        let local = tokio::task::LocalSet::new();
        local.run_until(self.watch_held(run)).await
    }

    async fn watch_held(&self, id: &RunId) -> Result<(), DriveError> {
        let run = self.run(id).await?;
        let engines = self.store().engines(id).await?;
        let ours = engines
            .iter()
            .filter(|one| is_here(&one.owner, self.owner()));
        let Some(last) = ours.last() else {
            return Ok(());
        };
        let engine_is_gone = last.let_go.is_some()
            || last.owner == *self.owner()
            || last.owner.liveness(self.owner()) == Liveness::Dead;
        let tenure = Tenure::new(piton_core::time::Millis(0), Asked::now());
        let context = self.context(&run, last.fence, Some(&last.owner), tenure)?;
        let mut attempts = Attempts::new(Rc::clone(&context), Arc::clone(run.plan()));
        let mut ours = self.ours(&run);
        loop {
            let mut ended = Vec::new();
            for (work, told) in &ours {
                let outcome = attempts.watch(work, *told, engine_is_gone);
                ended.extend(outcome.map(|outcome| (work.attempt, outcome)));
            }
            let mut done: Vec<AttemptId> = ended.iter().map(|(attempt, _)| *attempt).collect();
            self.report(id, ended).await;
            ours.retain(|(work, _)| !done.contains(&work.attempt));
            if ours.is_empty() || !engine_is_gone {
                return Ok(());
            }
            tokio::select! {
                biased;
                Some(one) = attempts.ended() => {
                    done.push(one.0);
                    self.report(id, vec![one]).await;
                    ours.retain(|(work, _)| !done.contains(&work.attempt));
                }
                error = context.processes.failure() => return Err(error.into()),
                () = tokio::time::sleep(LOOK_EVERY) => {
                    let run = self.run(id).await?;
                    ours = self.ours(&run);
                }
            }
            if ours.is_empty() {
                return Ok(());
            }
        }
    }

    /// The attempts that began on this host and are out of reach of who drives the run, and whether each was told to
    /// end.
    fn ours(&self, run: &piton_core::run::Run) -> Vec<(Work, bool)> {
        let here = run.away().filter(|(_, host)| *host == self.owner().host);
        here.filter_map(|(attempt, _)| run.work(attempt)).collect()
    }
}

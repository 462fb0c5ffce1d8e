//! Leases: one engine drives a run, and its fence tells its writes from those of an engine before it. They last by the
//! database's clock.

use super::failure::Problem;
use super::hosts::{holder_is_dead, is_dead};
use super::{NOW, PostgresStore};
use crate::owner::{Liveness, Owner};
use crate::store::stored::{restored, stored};
use crate::store::{Lease, StoreError};
use piton_core::id::RunId;
use piton_core::time::{Millis, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

/// A run's lease as it is stored, and the time.
struct Line {
    fence: i64,
    owner: Option<Owner>,
    nonce: Option<String>,
    since: Timestamp,
    until: Timestamp,
    now: Timestamp,
    /// Whether the holder's host is said to be dead.
    host_is_dead: bool,
    /// Whether a server may have it if nobody drives it.
    is_servers: bool,
}

/// What came of one attempt to take a lease.
enum Attempt {
    Taken(Lease),
    /// Somebody changed it meanwhile: it has to be looked at again.
    Again,
    /// It is a server that wants it, and the run is over or not the servers'.
    NotTheirs,
}

/// Who wants a lease, and as what.
#[derive(Clone, Copy)]
struct Taker<'t> {
    owner: &'t Owner,
    ttl: Millis,
    /// Only who takes the lease knows this word, so that it is known again after its answer was lost.
    nonce: &'t str,
    as_server: bool,
}

impl PostgresStore {
    pub(super) async fn acquire_lease(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
    ) -> Result<Lease, StoreError> {
        match self.take_lease(run, owner, ttl, false).await? {
            Some(lease) => Ok(lease),
            None => Err(self.place.corrupt("a lease was neither taken nor refused")),
        }
    }

    pub(super) async fn claim_run(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
    ) -> Result<Option<Lease>, StoreError> {
        match self.take_lease(run, owner, ttl, true).await {
            Err(StoreError::Held { .. }) => Ok(None),
            taken => taken,
        }
    }

    async fn take_lease(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
        as_server: bool,
    ) -> Result<Option<Lease>, StoreError> {
        let nonce = Uuid::now_v7().to_string();
        let taker = Taker {
            owner,
            ttl,
            nonce: &nonce,
            as_server,
        };
        let mut tries = self.tries("taking a lease", Some(run));
        let mut before = None;
        loop {
            match tries.once(self.try_take(run, taker, &mut before)).await? {
                Some(Attempt::Taken(lease)) => return Ok(Some(lease)),
                Some(Attempt::NotTheirs) => return Ok(None),
                Some(Attempt::Again) | None => {}
            }
        }
    }

    /// One attempt. `before` is whose the lease was when it was seen last.
    async fn try_take(
        &self,
        run: &RunId,
        taker: Taker<'_>,
        before: &mut Option<Owner>,
    ) -> Result<Attempt, Problem> {
        let line = self.read_lease(run).await?;
        let taken = |fence: i64, taken_from| {
            Attempt::Taken(Lease {
                run: run.clone(),
                fence: restored(fence),
                ttl: taker.ttl,
                taken_from,
            })
        };
        if line.owner.is_some() && line.nonce.as_deref() == Some(taker.nonce) {
            return Ok(taken(line.fence, before.take()));
        }
        self.refuse_dead_host(&taker.owner.host).await?;
        if taker.as_server && !line.is_servers {
            return Ok(Attempt::NotTheirs);
        }
        if let Some(by) = &line.owner
            && self.is_driving(by, line.until, line.now, line.host_is_dead)
        {
            return Err(Problem::from(StoreError::Held {
                run: run.clone(),
                by: Box::new(by.clone()),
                since: line.since,
                until: line.until,
            }));
        }
        let is_dead = line.owner.as_ref().is_some_and(|by| self.is_gone(by));
        *before = line.owner;
        match self.swap_lease(run, taker, line.fence, is_dead).await? {
            Some(fence) => Ok(taken(fence, before.take())),
            None => Ok(Attempt::Again),
        }
    }

    /// Takes the lease if it is still the one that was looked at, and still free; gives the new fence.
    async fn swap_lease(
        &self,
        run: &RunId,
        taker: Taker<'_>,
        fence: i64,
        holder_is_gone: bool,
    ) -> Result<Option<i64>, Problem> {
        let sql = format!(
            "WITH taken AS (
               UPDATE piton.progress SET fence = fence + 1, owner = $3, nonce = $4, since = {NOW}, until = {NOW} + $5,
                 served = CASE WHEN $8 THEN 1 ELSE served END
               WHERE run = (SELECT number FROM piton.run WHERE id = $1) AND fence = $2
                 AND (owner IS NULL OR until <= {NOW} OR $6 OR {}) AND NOT {}
                 AND (NOT $8 OR (outcome IS NULL AND (served = 1 OR (served = 2 AND owner IS NOT NULL))))
               RETURNING run, fence, owner, since, head_seq
             ), noted AS (
               INSERT INTO piton.engine (run, fence, owner, since, after)
               SELECT run, fence, owner, since, head_seq FROM taken
             ), seen AS (
               INSERT INTO piton.host (name, seen) SELECT $7, since FROM taken
               ON CONFLICT (name) DO UPDATE SET seen = greatest(host.seen, excluded.seen)
             )
             SELECT fence FROM taken",
            holder_is_dead(),
            is_dead("$7"),
        );
        let text = self.text_of(taker.owner)?;
        let (length, host) = (stored(taker.ttl.0), &taker.owner.host);
        let (nonce, server) = (&taker.nonce, &taker.as_server);
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                &sql,
                &[
                    &run.0,
                    &fence,
                    &text,
                    nonce,
                    &length,
                    &holder_is_gone,
                    host,
                    server,
                ],
            )
            .await?;
        match rows.first() {
            Some(row) => Ok(Some(row.try_get(0)?)),
            None => Ok(None),
        }
    }

    pub(super) async fn renew_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut tries = self.tries("renewing a lease", Some(&lease.run));
        loop {
            if tries.once(self.try_renew(lease)).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn try_renew(&self, lease: &Lease) -> Result<(), Problem> {
        let sql = format!(
            "WITH renewed AS (
               UPDATE piton.progress SET until = {NOW} + $3
               WHERE run = (SELECT number FROM piton.run WHERE id = $1) AND fence = $2 AND owner IS NOT NULL
               RETURNING owner
             ), seen AS (
               UPDATE piton.host SET seen = greatest(seen, {NOW}) FROM renewed
               WHERE host.name = renewed.owner::json ->> 'host'
             )
             SELECT 1 FROM renewed"
        );
        let mut held = self.pool.take().await?;
        let parameters: super::pool::Parameters<'_> =
            &[&lease.run.0, &stored(lease.fence), &stored(lease.ttl.0)];
        let rows = held.query(&sql, parameters).await?;
        drop(held);
        self.is_changed(lease, &rows).await
    }

    pub(super) async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut tries = self.tries("releasing a lease", Some(&lease.run));
        loop {
            match tries.once(self.try_release(lease)).await {
                Ok(None) => {}
                Ok(Some(())) => return Ok(()),
                // An attempt whose answer was lost has been done.
                Err(StoreError::Fenced {
                    current, by: None, ..
                }) if tries.is_unsure && current == lease.fence => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_release(&self, lease: &Lease) -> Result<(), Problem> {
        // Servers that wait for the run to be free are told.
        let release = format!(
            "WITH released AS (
              UPDATE piton.progress SET owner = NULL, nonce = NULL, until = 0
              WHERE run = (SELECT number FROM piton.run WHERE id = $1) AND fence = $2 AND owner IS NOT NULL
              RETURNING run, served
            ), noted AS (
              UPDATE piton.engine SET let_go = {NOW} FROM released WHERE engine.run = released.run AND fence = $2
            )
            SELECT CASE WHEN served > 0 THEN pg_notify('piton', 'changed ' || $1)::text END FROM released"
        );
        let mut held = self.pool.take().await?;
        let rows = held
            .query(&release, &[&lease.run.0, &stored(lease.fence)])
            .await?;
        drop(held);
        self.is_changed(lease, &rows).await
    }

    /// Says why a lease was not changed, if it was not.
    async fn is_changed(&self, lease: &Lease, rows: &[Row]) -> Result<(), Problem> {
        if !rows.is_empty() {
            return Ok(());
        }
        match self.fenced(lease).await? {
            Some(fenced) => Err(fenced),
            None => Err(self.corrupt("a lease that is held was not changed")),
        }
    }

    /// The refusal of a lease that is no longer ours, with who has the run now; `None` if it is ours.
    pub(super) async fn fenced(&self, lease: &Lease) -> Result<Option<Problem>, Problem> {
        let line = self.read_lease(&lease.run).await?;
        let current = restored(line.fence);
        if current == lease.fence && line.owner.is_some() {
            return Ok(None);
        }
        Ok(Some(Problem::from(StoreError::Fenced {
            run: lease.run.clone(),
            fence: lease.fence,
            current,
            by: line.owner.map(Box::new),
        })))
    }

    async fn read_lease(&self, run: &RunId) -> Result<Line, Problem> {
        let sql = format!(
            "SELECT fence, owner, nonce, since, until, {NOW}, {},
               outcome IS NULL AND (served = 1 OR (served = 2 AND owner IS NOT NULL))
             FROM piton.progress JOIN piton.run ON run.number = progress.run WHERE run.id = $1",
            holder_is_dead()
        );
        let mut held = self.pool.take().await?;
        let rows = held.query(&sql, &[&run.0]).await?;
        let row = rows.first().ok_or_else(|| self.no_such_run(run))?;
        Ok(Line {
            fence: row.try_get(0)?,
            owner: self.owner_of(row.try_get(1)?)?,
            nonce: row.try_get(2)?,
            since: Timestamp(row.try_get(3)?),
            until: Timestamp(row.try_get(4)?),
            now: Timestamp(row.try_get(5)?),
            host_is_dead: row.try_get(6)?,
            is_servers: row.try_get(7)?,
        })
    }

    /// Whether the holder of a lease that ends at this time still drives the run, as far as can be seen from here.
    fn is_driving(
        &self,
        owner: &Owner,
        until: Timestamp,
        now: Timestamp,
        host_is_dead: bool,
    ) -> bool {
        now < until && !host_is_dead && !self.is_gone(owner)
    }

    /// Whether a process is gone for certain, seen from here.
    pub(super) fn is_gone(&self, owner: &Owner) -> bool {
        owner.liveness(&self.here) == Liveness::Dead
    }

    pub(super) fn text_of(&self, owner: &Owner) -> Result<String, Problem> {
        serde_json::to_string(owner)
            .map_err(|error| self.corrupt(format!("an owner has no JSON form: {error}")))
    }

    pub(super) fn owner_of(&self, text: Option<&str>) -> Result<Option<Owner>, Problem> {
        let read = |text| {
            serde_json::from_str(text).map_err(|error| {
                self.corrupt(format!("the owner of a lease cannot be read: {error}"))
            })
        };
        text.map(read).transpose()
    }

    /// The engine that drives a run, by the columns of its lease: owner, until when, the time, and whether the owner's
    /// host is said to be dead. Nobody when the lease has expired or its owner is dead.
    pub(super) fn driven_by(&self, row: &Row, at: usize) -> Result<Option<Owner>, Problem> {
        let owner = self.owner_of(row.try_get(at)?)?;
        let until = Timestamp(row.try_get(at + 1)?);
        let now = Timestamp(row.try_get(at + 2)?);
        let host_is_dead = row.try_get(at + 3)?;
        Ok(owner.filter(|owner| self.is_driving(owner, until, now, host_is_dead)))
    }
}

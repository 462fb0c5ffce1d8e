//! Named locks. Each holder has one line for each lock that it has or waits for.
//!
//! Nobody queues: of those that wait, the first to look gets a lock that is free. What changes lines does so under one
//! advisory lock: whether a set is free depends on lines that others may be about to add.

use super::failure::Problem;
use super::pool::Work;
use super::{NOW, PostgresStore, clean};
use crate::store::stored::stored;
use crate::store::{BrokenLock, Lease, LockBreak, LockClaim, LockHolder, Locks, StoreError, Taken};
use piton_core::id::{Actor, RunId};
use piton_core::time::Timestamp;
use std::collections::BTreeSet;
use tokio_postgres::Row;

/// The number of the advisory lock under which lines change: "piton", 2.
const LOCK: i64 = 0x7069_746f_6e02;

/// How a run as a whole is stored where the name of a node would be.
const WHOLE_RUN: &str = "";

/// A claim of a run that is not over, with the columns of [`claim_of`].
const CLAIMS: &str = "SELECT claim.name, run.id, claim.node, coalesce(claim.taken, claim.asked)
     FROM piton.claim JOIN piton.run ON run.number = claim.run JOIN piton.progress ON progress.run = claim.run
     WHERE progress.outcome IS NULL";

impl PostgresStore {
    pub(super) async fn take_named_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
        names: &[String],
    ) -> Result<Taken, Problem> {
        let node = node.unwrap_or(WHOLE_RUN);
        let mut held = self.pool.take().await?;
        let mut work = held.begin().await?;
        let Some(number) = held_number(&mut work, lease).await? else {
            return self.not_held(lease).await;
        };
        let asked = format!(
            "INSERT INTO piton.claim (name, run, node, asked)
             SELECT DISTINCT name, $2::bigint, $3::text, {NOW} FROM unnest($1::text[]) AS name
             ON CONFLICT (name, run, node) DO NOTHING"
        );
        work.query(&asked, &[&names, &number, &node]).await?;
        let obstacles = format!(
            "{CLAIMS} AND claim.name = ANY ($1) AND claim.taken IS NOT NULL
             AND (claim.run <> $2 OR (claim.node <> $3 AND claim.node <> '' AND $3 <> ''))
             ORDER BY array_position($1, claim.name), run.number, claim.node"
        );
        let rows = work.query(&obstacles, &[&names, &number, &node]).await?;
        let obstacles: Vec<_> = rows.iter().map(claim_of).collect::<Result<_, _>>()?;
        let taken = if obstacles.is_empty() {
            grant(&mut work, names, number, node).await?;
            Taken::All
        } else {
            Taken::Refused { held: obstacles }
        };
        work.commit().await?;
        Ok(taken)
    }

    pub(super) async fn release_named_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
    ) -> Result<Vec<RunId>, Problem> {
        let leaving = node.unwrap_or(WHOLE_RUN);
        self.let_go_of(lease, |_, node| node == leaving).await
    }

    pub(super) async fn keep_named_locks(
        &self,
        lease: &Lease,
        kept: &[(Option<String>, Vec<String>)],
    ) -> Result<Vec<RunId>, Problem> {
        let mut wanted = BTreeSet::new();
        for (node, names) in kept {
            let node = node.as_deref().unwrap_or(WHOLE_RUN);
            wanted.extend(names.iter().map(|name| (name.as_str(), node)));
        }
        self.let_go_of(lease, |name, node| !wanted.contains(&(name, node)))
            .await
    }

    /// Lets go of the run's claims for which `leaves(name, node)`, those that were broken included. Gives the other
    /// runs that wait for what became free.
    async fn let_go_of(
        &self,
        lease: &Lease,
        leaves: impl Fn(&str, &str) -> bool + Send,
    ) -> Result<Vec<RunId>, Problem> {
        let mut held = self.pool.take().await?;
        let mut work = held.begin().await?;
        let Some(number) = held_number(&mut work, lease).await? else {
            return self.not_held(lease).await;
        };
        let rows = work
            .query(
                "SELECT name, node, taken IS NOT NULL FROM piton.claim WHERE run = $1",
                &[&number],
            )
            .await?;
        let (mut names, mut nodes, mut free) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let (name, node): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
            if leaves(name, node) {
                names.push(name);
                nodes.push(node);
                if row.try_get(2)? {
                    free.push(name);
                }
            }
        }
        if !names.is_empty() {
            work.query(
                "DELETE FROM piton.claim USING unnest($2::text[], $3::text[]) AS gone (name, node)
                 WHERE claim.run = $1 AND claim.name = gone.name AND claim.node = gone.node",
                &[&number, &names, &nodes],
            )
            .await?;
        }
        let_go_of_broken(&mut work, number, leaves).await?;
        let mut waiting: BTreeSet<RunId> = BTreeSet::new();
        if !free.is_empty() {
            waiting.extend(waiting_for(&mut work, &free).await?);
        }
        waiting.remove(&lease.run);
        let waiting: Vec<RunId> = waiting.into_iter().collect();
        tell(&mut work, &waiting).await?;
        work.commit().await?;
        Ok(waiting)
    }

    pub(super) async fn break_named_lock(
        &self,
        name: &str,
        by: &Actor,
        reason: &str,
    ) -> Result<LockBreak, StoreError> {
        let mut tries = self.tries("breaking a lock", None);
        loop {
            match tries.once(self.try_break(name, by, reason)).await {
                Ok(None) => {}
                Ok(Some(done)) => return Ok(done),
                Err(error @ StoreError::NoSuchLock { .. }) if tries.is_unsure => {
                    // An attempt whose answer was lost may have broken it.
                    return self.broken_just_now(name, by, reason, error).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_break(&self, name: &str, by: &Actor, reason: &str) -> Result<LockBreak, Problem> {
        let mut held = self.pool.take().await?;
        let mut work = held.begin().await?;
        work.query("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
            .await?;
        let rows = work.query(&held_locks(), &[]).await?;
        let all: Vec<LockClaim> = rows.iter().map(claim_of).collect::<Result<_, _>>()?;
        let (broken, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|claim| claim.name == name);
        if broken.is_empty() {
            let mut names: Vec<_> = others.into_iter().map(|claim| claim.name).collect();
            names.dedup();
            return Err(Problem::from(StoreError::NoSuchLock {
                place: self.place.to_string(),
                name: name.to_owned(),
                held: names,
            }));
        }
        let kept = break_claims(&mut work, &broken, by, reason).await?;
        let waiting = waiting_for(&mut work, &[name]).await?;
        tell(&mut work, &waiting).await?;
        work.commit().await?;
        Ok(LockBreak {
            broken: kept,
            waiting,
        })
    }

    /// What this very person broke for this very reason, and nobody works on without yet.
    async fn broken_just_now(
        &self,
        name: &str,
        by: &Actor,
        reason: &str,
        error: StoreError,
    ) -> Result<LockBreak, StoreError> {
        let mut tries = self.tries("breaking a lock", None);
        let locks = loop {
            if let Some(locks) = tries.once(self.list_locks()).await? {
                break locks;
            }
        };
        let ours = |it: &BrokenLock| {
            it.name == name && it.by == *by && it.reason == clean(reason) && it.let_go.is_none()
        };
        let broken: Vec<_> = locks.broken.into_iter().filter(ours).collect();
        if broken.is_empty() {
            return Err(error);
        }
        let of_it = locks.waiting.into_iter().filter(|it| it.name == name);
        Ok(LockBreak {
            broken,
            waiting: of_it.map(|it| it.holder.run).collect(),
        })
    }

    pub(super) async fn list_locks(&self) -> Result<Locks, Problem> {
        let mut held = self.pool.take().await?;
        let mut work = held.begin().await?;
        // From one state of the store.
        work.batch("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let claims = |rows: Vec<Row>| rows.iter().map(claim_of).collect::<Result<_, _>>();
        let waiting = format!(
            "{CLAIMS} AND claim.taken IS NULL ORDER BY claim.name COLLATE \"C\", claim.asked, run.number"
        );
        let broken =
            "SELECT broken_lock.name, run.id, node, taken, by_name, by_account, broken, reason,
               coalesce(let_go, progress.ended)
             FROM piton.broken_lock JOIN piton.run ON run.number = broken_lock.run
               JOIN piton.progress ON progress.run = broken_lock.run
             ORDER BY broken_lock.id DESC";
        let locks = Locks {
            held: claims(work.query(&held_locks(), &[]).await?)?,
            waiting: claims(work.query(&waiting, &[]).await?)?,
            broken: {
                let rows = work.query(broken, &[]).await?;
                rows.iter().map(broken_of).collect::<Result<_, _>>()?
            },
        };
        work.commit().await?;
        Ok(locks)
    }

    /// The refusal of a lease that is no longer ours.
    async fn not_held<T>(&self, lease: &Lease) -> Result<T, Problem> {
        match self.fenced(lease).await? {
            Some(fenced) => Err(fenced),
            None => Err(self.corrupt("a lease that is held could not be locked")),
        }
    }
}

/// The number of the run whose lease this is, which stays as it is until the end of the transaction; `None` when the
/// lease is no longer ours.
async fn held_number(work: &mut Work<'_>, lease: &Lease) -> Result<Option<i64>, Problem> {
    work.query("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    let rows = work
        .query(
            "SELECT run.number FROM piton.run JOIN piton.progress ON progress.run = run.number
             WHERE run.id = $1 AND fence = $2 AND owner IS NOT NULL FOR NO KEY UPDATE OF progress",
            &[&lease.run.0, &stored(lease.fence)],
        )
        .await?;
    match rows.first() {
        Some(row) => Ok(Some(row.try_get(0)?)),
        None => Ok(None),
    }
}

/// Gives locks to a holder that waits for them, and clears away what runs that are over left of them.
async fn grant(
    work: &mut Work<'_>,
    names: &[String],
    number: i64,
    node: &str,
) -> Result<(), Problem> {
    work.query(
        "DELETE FROM piton.claim WHERE name = ANY ($1) AND run <> $2
           AND run IN (SELECT run FROM piton.progress WHERE outcome IS NOT NULL)",
        &[&names, &number],
    )
    .await?;
    let taken = format!(
        "UPDATE piton.claim SET taken = {NOW}
         WHERE name = ANY ($1) AND run = $2 AND node = $3 AND taken IS NULL"
    );
    work.query(&taken, &[&names, &number, &node]).await?;
    // One that was broken before the holder had noted it is held after all.
    let held_after_all = format!(
        "UPDATE piton.broken_lock SET let_go = {NOW}
         WHERE name = ANY ($1) AND run = $2 AND node = $3 AND let_go IS NULL"
    );
    work.query(&held_after_all, &[&names, &number, &node])
        .await?;
    Ok(())
}

async fn let_go_of_broken(
    work: &mut Work<'_>,
    number: i64,
    leaves: impl Fn(&str, &str) -> bool,
) -> Result<(), Problem> {
    let rows = work
        .query(
            "SELECT id, name, node FROM piton.broken_lock WHERE run = $1 AND let_go IS NULL",
            &[&number],
        )
        .await?;
    let mut gone: Vec<i64> = Vec::new();
    for row in &rows {
        if leaves(row.try_get(1)?, row.try_get(2)?) {
            gone.push(row.try_get(0)?);
        }
    }
    if !gone.is_empty() {
        let sql = format!("UPDATE piton.broken_lock SET let_go = {NOW} WHERE id = ANY ($1)");
        work.query(&sql, &[&gone]).await?;
    }
    Ok(())
}

async fn break_claims(
    work: &mut Work<'_>,
    claims: &[LockClaim],
    by: &Actor,
    reason: &str,
) -> Result<Vec<BrokenLock>, Problem> {
    let sql = format!(
        "WITH gone AS (
           DELETE FROM piton.claim WHERE name = $1 AND node = $3
             AND run = (SELECT number FROM piton.run WHERE id = $2) RETURNING name, run, node, taken
         )
         INSERT INTO piton.broken_lock (name, run, node, taken, broken, by_name, by_account, reason)
         SELECT name, run, node, taken, {NOW}, $4, $5, $6 FROM gone RETURNING broken"
    );
    let mut kept = Vec::new();
    for claim in claims {
        let node = claim.holder.node.as_deref().unwrap_or(WHOLE_RUN);
        let (name, account, reason) = (clean(&by.name), clean(&by.account), clean(reason));
        let rows = work
            .query(
                &sql,
                &[
                    &claim.name,
                    &claim.holder.run.0,
                    &node,
                    &name,
                    &account,
                    &reason,
                ],
            )
            .await?;
        let Some(row) = rows.first() else { continue };
        kept.push(BrokenLock {
            name: claim.name.clone(),
            holder: claim.holder.clone(),
            since: claim.since,
            by: by.clone(),
            at: Timestamp(row.try_get(0)?),
            reason: reason.into_owned(),
            let_go: None,
        });
    }
    Ok(kept)
}

fn held_locks() -> String {
    format!(
        "{CLAIMS} AND claim.taken IS NOT NULL ORDER BY claim.name COLLATE \"C\", run.number, claim.node COLLATE \"C\""
    )
}

/// The runs that wait for one of these locks, the longest wait first.
async fn waiting_for(work: &mut Work<'_>, names: &[&str]) -> Result<Vec<RunId>, Problem> {
    let sql = format!(
        "{CLAIMS} AND claim.name = ANY ($1) AND claim.taken IS NULL ORDER BY claim.asked, run.number"
    );
    let rows = work.query(&sql, &[&names]).await?;
    let mut runs: Vec<RunId> = rows
        .iter()
        .map(|row| Ok(RunId(row.try_get(1)?)))
        .collect::<Result<_, Problem>>()?;
    runs.dedup();
    Ok(runs)
}

/// Wakes the engines of runs that wait, once the transaction counts.
async fn tell(work: &mut Work<'_>, waiting: &[RunId]) -> Result<(), Problem> {
    if waiting.is_empty() {
        return Ok(());
    }
    let runs: Vec<&str> = waiting.iter().map(|run| run.0.as_str()).collect();
    let sql = "SELECT pg_notify('piton', 'free ' || run)::text FROM unnest($1::text[]) AS run";
    work.query(sql, &[&runs]).await?;
    Ok(())
}

fn claim_of(row: &Row) -> Result<LockClaim, tokio_postgres::Error> {
    let node: String = row.try_get(2)?;
    Ok(LockClaim {
        name: row.try_get(0)?,
        holder: LockHolder {
            run: RunId(row.try_get(1)?),
            node: (node != WHOLE_RUN).then_some(node),
        },
        since: Timestamp(row.try_get(3)?),
    })
}

fn broken_of(row: &Row) -> Result<BrokenLock, tokio_postgres::Error> {
    let claim = claim_of(row)?;
    Ok(BrokenLock {
        name: claim.name,
        holder: claim.holder,
        since: claim.since,
        by: Actor {
            name: row.try_get(4)?,
            account: row.try_get(5)?,
        },
        at: Timestamp(row.try_get(6)?),
        reason: row.try_get(7)?,
        let_go: row.try_get::<_, Option<i64>>(8)?.map(Timestamp),
    })
}

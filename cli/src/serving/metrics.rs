//! What a server counts, and what the store says when it is asked. `docs/observability.md` lists all of it.

use super::text::{Kind, Page};
use piton_core::id::RunId;
use piton_core::plan::Plan;
use piton_core::record::{Fact, OutcomeStatus, Record};
use piton_core::run::RunState;
use piton_core::time::Timestamp;
use piton_core::view::RunView;
use piton_runtime::driver::Served;
use piton_runtime::store::{AnyStore, RunFilter, RunSummary, Store, StoreError};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// The upper bounds of the histogram of commits, in seconds, as they are written.
const BOUNDS: [(&str, Duration); 13] = [
    ("0.001", Duration::from_micros(1_000)),
    ("0.0025", Duration::from_micros(2_500)),
    ("0.005", Duration::from_millis(5)),
    ("0.01", Duration::from_millis(10)),
    ("0.025", Duration::from_millis(25)),
    ("0.05", Duration::from_millis(50)),
    ("0.1", Duration::from_millis(100)),
    ("0.25", Duration::from_millis(250)),
    ("0.5", Duration::from_millis(500)),
    ("1", Duration::from_secs(1)),
    ("2.5", Duration::from_millis(2_500)),
    ("5", Duration::from_secs(5)),
    ("10", Duration::from_secs(10)),
];

const OUTCOMES: [(OutcomeStatus, &str); 6] = [
    (OutcomeStatus::Succeeded, "succeeded"),
    (OutcomeStatus::Failed, "failed"),
    (OutcomeStatus::TimedOut, "timed_out"),
    (OutcomeStatus::Stopped, "stopped"),
    (OutcomeStatus::NotStarted, "not_started"),
    (OutcomeStatus::Unknown, "unknown"),
];

const STATES: [(RunState, &str); 7] = [
    (RunState::Running, "running"),
    (RunState::Waiting, "waiting"),
    (RunState::Succeeded, "succeeded"),
    (RunState::Failed, "failed"),
    (RunState::Cancelled, "cancelled"),
    (RunState::RolledBack, "rolled_back"),
    (RunState::PartlyRolledBack, "partly_rolled_back"),
];

/// How many journals are read at most for one answer, to learn since when their questions are open. What is read is
/// remembered until the run goes on.
const READ_AT_ONCE: usize = 50;

/// What is counted.
#[derive(Debug, Default)]
pub struct Metrics {
    counts: RefCell<Counts>,
    /// Since when the oldest question of each run is open, as of this record.
    questions: RefCell<BTreeMap<RunId, (u64, Option<Timestamp>)>>,
}

#[derive(Debug, Default)]
struct Counts {
    driven: u64,
    started: u64,
    ended: BTreeMap<&'static str, u64>,
    paged: u64,
    not_paged: u64,
    /// By upper bound; the last is for all that took longer.
    commits: [u64; BOUNDS.len() + 1],
    commit_time: Duration,
    leases_lost: u64,
    store_errors: u64,
}

/// What the store says.
struct Stored {
    census: Vec<(RunState, u64)>,
    questions: u64,
    oldest: Option<Duration>,
}

impl Metrics {
    /// Counts what a server tells.
    pub fn note(&self, served: &Served<'_>) {
        let mut counts = self.counts.borrow_mut();
        match served {
            Served::Taken { .. } => counts.driven += 1,
            Served::Left { .. } => counts.driven = counts.driven.saturating_sub(1),
            Served::LetGo { fenced } => {
                counts.driven = counts.driven.saturating_sub(1);
                counts.leases_lost += u64::from(*fenced);
            }
            Served::TakenUp { attempts } => counts.started += *attempts as u64,
            Served::StoreError { .. } => counts.store_errors += 1,
            Served::Committed { took } => counts.committed(*took),
            Served::Records { records } => records.iter().for_each(|record| counts.count(record)),
            Served::Asks { .. }
            | Served::Failed { .. }
            | Served::StoreFailed { .. }
            | Served::StoreBack => {}
        }
    }

    /// All of it in Prometheus' format. What a store would say that does not answer in time is left out.
    pub async fn text(&self, store: &AnyStore, patience: Duration) -> String {
        let stored = tokio::time::timeout(patience, self.ask(store)).await;
        let stored = stored.ok().and_then(Result::ok);
        let mut page = Page::default();
        page.metric(
            "piton_build_info",
            Kind::Gauge,
            "Which Piton this is; always 1.",
        );
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        page.value("piton_build_info", &version, 1);
        let help = "Whether the store answered: 1 or 0.";
        let up = u8::from(stored.is_some());
        page.single("piton_store_up", Kind::Gauge, help, up);
        if let Some(stored) = stored {
            stored.write(&mut page);
        }
        self.counts.borrow().write(&mut page);
        page.done()
    }

    async fn ask(&self, store: &AnyStore) -> Result<Stored, StoreError> {
        let census = store.census().await?;
        let states = vec![RunState::Running, RunState::Waiting];
        let open = RunFilter {
            states,
            ..RunFilter::default()
        };
        let mut open = store.runs(&open).await?;
        open.retain(|run| !run.status.waiting_for.is_empty());
        let questions = open.iter().map(|run| run.status.waiting_for.len() as u64);
        let questions = questions.sum();
        let oldest = self.oldest(store, &open).await?;
        let now = store.now().await?;
        Ok(Stored {
            census,
            questions,
            oldest: oldest.map(|at| Duration::from_millis(now.since(at).0)),
        })
    }

    /// When the oldest question of these runs was opened, as far as their journals were read.
    async fn oldest(
        &self,
        store: &AnyStore,
        open: &[RunSummary],
    ) -> Result<Option<Timestamp>, StoreError> {
        let as_of = |run: &RunSummary| {
            let known = self.questions.borrow();
            known
                .get(&run.id)
                .is_some_and(|(seq, _)| *seq == run.head.seq)
        };
        // The runs that were started first are the last ones.
        let unread = open.iter().rev().filter(|run| !as_of(run));
        for run in unread.take(READ_AT_ONCE) {
            let oldest = match opened(store, &run.id).await {
                Err(StoreError::NoSuchRun { .. }) => None,
                oldest => oldest?,
            };
            let known = (run.head.seq, oldest);
            self.questions.borrow_mut().insert(run.id.clone(), known);
        }
        let mut known = self.questions.borrow_mut();
        let mut kept = BTreeMap::new();
        for run in open {
            kept.extend(known.remove_entry(&run.id));
        }
        *known = kept;
        Ok(known.values().filter_map(|(_, oldest)| *oldest).min())
    }
}

/// When the oldest open question of a run was opened; `None` if it has none by now, or they cannot be read.
async fn opened(store: &AnyStore, run: &RunId) -> Result<Option<Timestamp>, StoreError> {
    let loaded = store.load(run).await?;
    let records = store.records(run, 1).await?;
    let view = Plan::from_json(&loaded.plan_json)
        .ok()
        .and_then(|plan| RunView::of(&plan, records).ok());
    let questions = view.iter().flat_map(|view| &view.questions);
    Ok(questions.map(|question| question.opened).min())
}

impl Counts {
    fn count(&mut self, record: &Record) {
        match record.fact() {
            Ok(Fact::AttemptStarted { .. }) => self.started += 1,
            Ok(Fact::AttemptEnded { result, .. }) => {
                let word = OUTCOMES.iter().find(|(status, _)| *status == result.status);
                if let Some((_, word)) = word {
                    *self.ended.entry(word).or_default() += 1;
                }
            }
            Ok(Fact::PageEnded { deliveries, .. }) => {
                for delivery in deliveries {
                    match delivery.failed {
                        None => self.paged += 1,
                        Some(_) => self.not_paged += 1,
                    }
                }
            }
            _ => {}
        }
    }

    fn committed(&mut self, took: Duration) {
        let within = BOUNDS.iter().position(|(_, bound)| took <= *bound);
        if let Some(count) = self.commits.get_mut(within.unwrap_or(BOUNDS.len())) {
            *count += 1;
        }
        self.commit_time = self.commit_time.saturating_add(took);
    }

    fn write(&self, page: &mut Page) {
        let help = "Runs that this server drives.";
        page.single("piton_runs_driven", Kind::Gauge, help, self.driven);
        let help = "Attempts that this server started or took over.";
        let name = "piton_attempts_started_total";
        page.single(name, Kind::Counter, help, self.started);
        let name = "piton_attempts_total";
        let help = "Attempts that ended while this server drove their runs, by outcome.";
        page.metric(name, Kind::Counter, help);
        for (_, word) in OUTCOMES {
            let count = self.ended.get(word).copied().unwrap_or_default();
            page.value(name, &[("outcome", word)], count);
        }
        let name = "piton_pages_total";
        let help = "Calls for people, one for each contact, by whether anybody was reached.";
        page.metric(name, Kind::Counter, help);
        page.value(name, &[("result", "sent")], self.paged);
        page.value(name, &[("result", "failed")], self.not_paged);
        self.write_commits(page);
        let help = "Runs that this server lost to another engine.";
        let name = "piton_lease_losses_total";
        page.single(name, Kind::Counter, help, self.leases_lost);
        let help = "Errors of the store that this server met.";
        let name = "piton_store_errors_total";
        page.single(name, Kind::Counter, help, self.store_errors);
    }

    fn write_commits(&self, page: &mut Page) {
        let name = "piton_commit_duration_seconds";
        let help = "How long the store took to make records durable.";
        page.metric(name, Kind::Histogram, help);
        let bucket = format!("{name}_bucket");
        let bounds = BOUNDS.iter().map(|(bound, _)| *bound).chain(["+Inf"]);
        let mut within = 0;
        for (bound, count) in bounds.zip(self.commits) {
            within += count;
            page.value(&bucket, &[("le", bound)], within);
        }
        let sum = self.commit_time.as_secs_f64();
        page.value(&format!("{name}_sum"), &[], sum);
        page.value(&format!("{name}_count"), &[], within);
    }
}

impl Stored {
    fn write(&self, page: &mut Page) {
        page.metric("piton_runs", Kind::Gauge, "Runs in the store, by state.");
        for (state, word) in STATES {
            let count = self.census.iter().find(|(known, _)| *known == state);
            let count = count.map_or(0, |(_, count)| *count);
            page.value("piton_runs", &[("state", word)], count);
        }
        let help = "Open questions to people in the store.";
        page.single("piton_questions_open", Kind::Gauge, help, self.questions);
        let help = "How long the oldest open question has been open; 0 if none is.";
        let oldest = self.oldest.unwrap_or_default().as_secs_f64();
        let name = "piton_question_oldest_age_seconds";
        page.single(name, Kind::Gauge, help, oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_counts_in_every_bucket_that_it_fits() {
        let mut counts = Counts::default();
        for millis in [1, 3, 3, 60_000] {
            counts.committed(Duration::from_millis(millis));
        }
        let mut page = Page::default();
        counts.write_commits(&mut page);
        let text = page.done();
        for line in [
            "_bucket{le=\"0.001\"} 1",
            "_bucket{le=\"0.0025\"} 1",
            "_bucket{le=\"0.005\"} 3",
            "_bucket{le=\"10\"} 3",
            "_bucket{le=\"+Inf\"} 4",
            "_sum 60.007",
            "_count 4",
        ] {
            let line = format!("piton_commit_duration_seconds{line}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
    }
}

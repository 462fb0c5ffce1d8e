//! What `piton serve --listen` answers to monitoring: [`metrics`] counts, [`text`] writes it in Prometheus' format, and
//! [`web`] listens. Requests are answered beside the runs, on a thread that they never hold up for long.

mod metrics;
mod text;
pub mod web;

pub use metrics::Metrics;

use piton_runtime::store::{AnyStore, Store};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How long the store may take for an answer.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All metrics.
    Metrics,
    /// Whether this server can work.
    Health,
}

/// A request, and where its answer goes.
pub type Ask = (Asked, oneshot::Sender<Answer>);

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether all is well.
    pub well: bool,
    /// What is said.
    pub text: String,
}

/// Answers requests, until nobody can ask any more.
pub async fn answer(mut asks: mpsc::Receiver<Ask>, metrics: &Metrics, store: &AnyStore) {
    while let Some((asked, to)) = asks.recv().await {
        let answer = match asked {
            Asked::Metrics => Answer {
                well: true,
                text: metrics.text(store, STORE_PATIENCE).await,
            },
            Asked::Health => health(store).await,
        };
        // Whoever asked may have gone away.
        drop(to.send(answer));
    }
}

async fn health(store: &AnyStore) -> Answer {
    let asked = tokio::time::timeout(STORE_PATIENCE, store.census()).await;
    let well = matches!(asked, Ok(Ok(_)));
    let text = if well {
        "ok\n"
    } else {
        "the store does not answer\n"
    };
    let text = text.to_owned();
    Answer { well, text }
}

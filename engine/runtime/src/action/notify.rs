//! `notify`: people are told something, in the engine, through all of their channels.
//!
//! It is told at least once: an attempt that an engine died over is made again under the same id, and the message
//! has that id in its key. It succeeds when everybody was reached.

use super::attempt::Task;
use super::stop::StopSignal;
use crate::channel::Message;
use piton_core::record::{Delivery, OutcomeStatus, RenderedNotify};
use piton_core::run::{Outcome, Produced};
use std::time::Duration;

/// Tells everybody, and gives up when the time of the attempt is over or it is told to end.
pub(super) async fn execute(
    task: &Task<'_>,
    notify: &RenderedNotify,
    mut stop: StopSignal,
) -> Outcome {
    let context = task.context;
    let message = Message {
        key: format!("{}/{}", context.run, task.attempt),
        run: context.run.to_string(),
        runbook: context.runbook.clone(),
        node: task.node.to_owned(),
        pass: Some(task.attempt.pass),
        level: None,
        // Secrets stay names: what is told is kept by others.
        message: notify.message.shown(),
        decide: None,
    };
    let time_is_up = async {
        match task.beginning.left {
            Some(left) => tokio::time::sleep(Duration::from_millis(left.0)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = stop.stopped() => Outcome::not_succeeded(
            OutcomeStatus::Stopped,
            "was ended before everybody was told, because the run does not go on there",
        ),
        deliveries = context.channels.deliver(&message, &notify.to) => outcome(&deliveries),
        () = time_is_up => Outcome::not_succeeded(
            OutcomeStatus::TimedOut,
            match task.limit {
                Some(limit) => format!("took longer than {limit}; not everybody was told"),
                None => "took too long; not everybody was told".to_owned(),
            },
        ),
    }
}

fn outcome(deliveries: &[Delivery]) -> Outcome {
    let failures: Vec<String> = deliveries
        .iter()
        .filter_map(|delivery| {
            let why = delivery.failed.as_ref()?;
            Some(format!("`{}` was not reached: {why}", delivery.contact))
        })
        .collect();
    if failures.is_empty() {
        return Outcome::succeeded(Produced::default());
    }
    Outcome::not_succeeded(OutcomeStatus::Failed, failures.join("; "))
}

//! `checks`: several looks at the world. Every one is taken and reported, whatever the others found.
//!
//! A few are taken side by side. Each gets what is left of the node's time; what did not end by then counts as a
//! check that took too long. What a check expects is worked out by the core, from its own outcome.

use super::attempt::{Beginning, Task, failed};
use super::held::Held;
use super::stop::StopSignal;
use piton_core::id::{AttemptId, Purpose};
use piton_core::record::{OutcomeStatus, RenderedCheck};
use piton_core::run::{Outcome, Produced};
use piton_core::time::Millis;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How many are taken side by side.
const AT_ONCE: usize = 8;

/// Takes all the checks. Succeeds when each has an outcome; what the outcomes mean is for the core.
///
/// # Errors
/// When one of them could not begin. What was found by the others is let go: on resume all are taken again.
pub(super) async fn execute(
    task: &Task<'_>,
    checks: &[RenderedCheck],
    stop: &StopSignal,
) -> Result<Outcome, Held> {
    let end = task
        .beginning
        .left
        .and_then(|left| Instant::now().checked_add(Duration::from_millis(left.0)));
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut running = JoinSet::new();
    let mut todo = checks.iter().enumerate();
    loop {
        while running.len() < AT_ONCE {
            // One that was found again may run already, and then has to be told too.
            if stop.is_stopped() && !task.beginning.resumed {
                break;
            }
            let Some((place, check)) = todo.next() else {
                break;
            };
            match end.map(|end| end.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => {
                    outcomes.insert(place, not_begun(task.limit));
                }
                left => spawn(&mut running, task, place, check, left, stop),
            }
        }
        match running.join_next().await {
            Some(Ok((place, outcome))) => {
                outcomes.insert(place, outcome?);
            }
            // A look that broke has no outcome; below it counts as unknown.
            Some(Err(error)) => tracing::error!(%error, "a check ended without an outcome"),
            None => break,
        }
    }
    Ok(summary(checks, outcomes, stop.is_stopped()))
}

fn spawn(
    running: &mut JoinSet<(usize, Result<Outcome, Held>)>,
    task: &Task<'_>,
    place: usize,
    check: &RenderedCheck,
    left: Option<Duration>,
    stop: &StopSignal,
) {
    let Ok(number) = u32::try_from(place) else {
        return;
    };
    let left = left.map(|left| Millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1)));
    let (context, node) = (Rc::clone(task.context), task.node.to_owned());
    let (env, dir) = (task.env.clone(), task.dir.cloned());
    let (limit, stop, probe) = (task.limit, stop.clone(), check.probe.clone());
    let attempt = AttemptId {
        purpose: Purpose::Check(number),
        ..task.attempt
    };
    let beginning = Beginning {
        left,
        ..task.beginning
    };
    running.spawn_local(async move {
        let task = Task {
            context: &context,
            node: &node,
            attempt,
            env: &env,
            dir: dir.as_ref(),
            limit,
            beginning,
        };
        (place, task.perform(&probe, stop).await)
    });
}

fn not_begun(limit: Option<Millis>) -> Outcome {
    let limit = limit.map_or_else(|| "the gate's time".to_owned(), |limit| limit.to_string());
    Outcome::not_succeeded(
        OutcomeStatus::TimedOut,
        format!("was not begun: the checks before it took {limit}"),
    )
}

fn summary(
    checks: &[RenderedCheck],
    mut outcomes: BTreeMap<usize, Outcome>,
    stopped: bool,
) -> Outcome {
    let all: Vec<Outcome> = (0..checks.len())
        .map(|place| {
            outcomes.remove(&place).unwrap_or_else(|| match stopped {
                true => Outcome::not_succeeded(OutcomeStatus::Stopped, "was not begun"),
                false => Outcome::not_succeeded(OutcomeStatus::Unknown, "ended without saying how"),
            })
        })
        .collect();
    for status in [OutcomeStatus::Stopped, OutcomeStatus::Unknown] {
        let found = all
            .iter()
            .zip(checks)
            .find(|(outcome, _)| outcome.status == status);
        if let Some((outcome, check)) = found {
            return Outcome::not_succeeded(
                status,
                format!("check `{}`: {}", check.name, outcome.message),
            );
        }
    }
    if all.is_empty() {
        return failed("there is no check to take");
    }
    Outcome::succeeded(Produced {
        checks: all,
        ..Produced::default()
    })
}

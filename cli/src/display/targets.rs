//! How a run stands against its targets.

use crate::clock;
use crate::display::clean::one_line;
use crate::display::style::{Line, Style};
use piton_core::time::{Millis, Timestamp};
use piton_core::view::{RpoView, RtoView, RunView};

/// A line for each target of which something is known.
#[must_use]
pub fn lines(view: &RunView, now: Timestamp) -> Vec<Line> {
    let Some(targets) = &view.targets else {
        return Vec::new();
    };
    let rto = targets.rto.as_ref();
    let rto = rto.and_then(|rto| rto_line(rto, view.ended.is_some(), now));
    let rpo = targets.rpo.as_ref().and_then(rpo_line);
    let acknowledged = targets.rto.as_ref().and_then(seen_line);
    rto.into_iter().chain(acknowledged).chain(rpo).collect()
}

/// The clock while it runs, for a heading: `RTO 12m05s of 1h`.
#[must_use]
pub fn running(view: &RunView, now: Timestamp) -> Option<(Style, String)> {
    let rto = view.targets.as_ref()?.rto.as_ref()?;
    let took = rto.took_by(now).filter(|_| rto.is_running())?;
    let text = format!("RTO {} of {}", clock::running(took), rto.within_ms);
    Some((look(rto, took), text))
}

/// How much of its time has passed, as a look.
fn look(rto: &RtoView, took: Millis) -> Style {
    match rto.at_risk_ms {
        _ if took > rto.within_ms => Style::Bad,
        Some(at_risk) if took >= at_risk => Style::Asks,
        _ => Style::Dim,
    }
}

/// Between what the clock runs: `from go to smoke-test`.
#[must_use]
pub fn ends(from: Option<&str>, to: Option<&str>) -> String {
    let from = from.map_or("the run's start".to_owned(), |from| format!("`{from}`"));
    let to = to.map_or("the end of the work".to_owned(), |to| format!("`{to}`"));
    format!("from {from} to {to}")
}

fn rto_line(rto: &RtoView, over: bool, now: Timestamp) -> Option<Line> {
    let within = rto.within_ms;
    let between = ends(rto.from.as_deref(), rto.to.as_deref());
    let Some(took) = rto.took_by(now) else {
        let from = rto.from.as_deref().filter(|_| over)?;
        let text = format!("RTO not measured: `{from}`, which starts its clock, was not done");
        return Some(line("!", Style::Asks, text));
    };
    let length = clock::length(took);
    let (sign, look, text) = match rto.met {
        None => {
            let look = look(rto, took);
            let text = format!("RTO {} of {within} so far", clock::running(took));
            ("▶", look, text)
        }
        Some(true) => ("✓", Style::Good, format!("RTO met: {length} of {within}")),
        Some(false) if rto.reached => {
            let text = format!("RTO missed: {length}, and {within} are allowed");
            ("✗", Style::Bad, text)
        }
        Some(false) => {
            let what = match &rto.to {
                Some(to) => format!("`{to}` was not done"),
                None => "the work was not done".to_owned(),
            };
            let text = format!("RTO missed: {what}; the work was over after {length}");
            ("✗", Style::Bad, text)
        }
    };
    Some(line(sign, look, text).with(Style::Dim, format!(", {between}")))
}

fn seen_line(rto: &RtoView) -> Option<Line> {
    if !rto.is_running() {
        return None;
    }
    let page = rto.pages.last()?;
    let text = match &rto.acknowledged {
        Some(seen) => format!("acknowledged by {} at {}", seen.by, clock::time(seen.at)),
        None if rto.is_calling() => {
            let who = page.contacts.join(", ");
            format!("paged {who} at {}", clock::time(page.at))
        }
        None => return None,
    };
    Some(Line::new().with(Style::Dim, format!("    {text}")))
}

fn rpo_line(rpo: &RpoView) -> Option<Line> {
    let within = rpo.within_ms;
    if let Some(why) = &rpo.unknown {
        let text = format!("RPO not measured: {}", one_line(why));
        return Some(line("!", Style::Asks, text));
    }
    let lost = clock::length(rpo.lost_ms?);
    Some(match rpo.met {
        Some(true) => line(
            "✓",
            Style::Good,
            format!("RPO met: {lost} lost, {within} allowed"),
        ),
        _ => line(
            "✗",
            Style::Bad,
            format!("RPO missed: {lost} lost, {within} allowed"),
        ),
    })
}

fn line(sign: &str, look: Style, text: String) -> Line {
    Line::new()
        .and("  ")
        .with(look, format!("{sign} "))
        .and(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{after, at, plan};
    use piton_core::plan::{NodeIndex, Plan, Rpo, Rto, Targets};
    use piton_core::record::Fact;

    fn measured() -> Plan {
        let mut plan = plan(&["go", "serve"]);
        plan.targets = Some(Targets {
            rto: Some(Rto {
                within: Millis(60_000),
                from: Some(NodeIndex(0)),
                to: Some(NodeIndex(1)),
                at_risk: Some(Millis(48_000)),
                page: None,
            }),
            rpo: Some(Rpo {
                within: Millis(5_000),
                achieved: None,
            }),
        });
        plan
    }

    fn told(facts: &[Fact], now: i64) -> Vec<String> {
        let plan = measured();
        let view = after(&plan, RunView::new(&plan), facts);
        let lines = lines(&view, at(now));
        lines
            .iter()
            .map(|line| line.plain().trim().to_owned())
            .collect()
    }

    fn stopped(ms: i64, reached: bool) -> Fact {
        Fact::ClockStopped {
            at: at(ms),
            reached,
        }
    }

    #[test]
    fn the_clock_and_the_loss_are_told_as_they_stand() {
        let started = Fact::ClockStarted { at: at(0) };
        assert!(told(&[], 9_000).is_empty());
        assert_eq!(
            told(std::slice::from_ref(&started), 49_000),
            ["▶ RTO 49s of 1m so far, from `go` to `serve`"]
        );
        let lost = |lost, why: Option<&str>| Fact::LossMeasured {
            lost,
            why: why.map(str::to_owned),
        };
        let met = [
            started.clone(),
            stopped(30_000, true),
            lost(Some(Millis(4_000)), None),
        ];
        assert_eq!(
            told(&met, 90_000),
            [
                "✓ RTO met: 30.0s of 1m, from `go` to `serve`",
                "✓ RPO met: 4.0s lost, 5s allowed"
            ]
        );
        let missed = [
            started.clone(),
            stopped(61_000, true),
            lost(None, Some("it is null")),
        ];
        assert_eq!(
            told(&missed, 90_000),
            [
                "✗ RTO missed: 1m01s, and 1m are allowed, from `go` to `serve`",
                "! RPO not measured: it is null"
            ]
        );
        let failed = [
            started,
            stopped(10_000, false),
            lost(Some(Millis(6_000)), None),
        ];
        assert_eq!(
            told(&failed, 90_000),
            [
                "✗ RTO missed: `serve` was not done; the work was over after 10.0s, from `go` to `serve`",
                "✗ RPO missed: 6.0s lost, 5s allowed"
            ]
        );
    }
}

//! The clock of the recovery time, and what was lost.

use super::Say;
use crate::clock;
use crate::display::clean::one_line;
use crate::display::style::{Line, Style};
use piton_core::record::Fact;
use piton_core::time::{Millis, Timestamp};

impl Say<'_> {
    /// The lines of a fact about the run's targets.
    pub(super) fn targets(&self, fact: &Fact) -> Vec<Line> {
        let rto = |sign, look, text| vec![self.run(sign, look, "rto", text)];
        match fact {
            Fact::ClockStarted { at } => rto("●", Style::Dim, self.clock_started(*at)),
            Fact::ClockStopped { reached, .. } => match reached {
                true => rto("✓", self.clock_look(), self.clock_stopped()),
                // The end of the run tells it.
                false => Vec::new(),
            },
            Fact::ClockResumed => {
                let text = "the clock runs on: what it had waited for is taken back";
                rto("↶", Style::Asks, text.to_owned())
            }
            Fact::LossMeasured { lost, why } => vec![self.lost(*lost, why.as_deref())],
            Fact::TargetPaged { page, .. } => {
                let view = self.view.targets.as_ref().and_then(|it| it.rto.as_ref());
                let called = self.called(page, view.and_then(|rto| rto.policy.as_ref()));
                let text = format!("{called}: {}", one_line(&page.message));
                rto("»", Style::Asks, text)
            }
            Fact::TargetAcknowledged { by } => {
                rto("●", Style::Live, format!("acknowledged by {by}"))
            }
            _ => Vec::new(),
        }
    }

    fn clock_started(&self, since: Timestamp) -> String {
        let view = self.view.targets.as_ref().and_then(|it| it.rto.as_ref());
        let within = view.map_or(Millis(0), |rto| rto.within_ms);
        let until = clock::near(since.after(within), self.at);
        format!("the clock runs: {within}, until {until}")
    }

    fn clock_stopped(&self) -> String {
        let view = self.view.targets.as_ref().and_then(|it| it.rto.as_ref());
        let took = view.and_then(|rto| rto.took_ms).unwrap_or_default();
        let within = view.map_or(Millis(0), |rto| rto.within_ms);
        let missed = if took > within { ", missed" } else { "" };
        format!(
            "the clock stops: {} of {within}{missed}",
            clock::length(took)
        )
    }

    fn clock_look(&self) -> Style {
        let view = self.view.targets.as_ref().and_then(|it| it.rto.as_ref());
        match view.and_then(|rto| rto.met) {
            Some(true) => Style::Good,
            _ => Style::Bad,
        }
    }

    fn lost(&self, lost: Option<Millis>, why: Option<&str>) -> Line {
        let rpo = self.view.targets.as_ref().and_then(|it| it.rpo.as_ref());
        let within = rpo.map_or(Millis(0), |rpo| rpo.within_ms);
        match lost {
            None => {
                let why = one_line(why.unwrap_or_default());
                self.run("!", Style::Asks, "rpo", format!("not measured: {why}"))
            }
            Some(lost) => {
                let (sign, look) = match lost <= within {
                    true => ("✓", Style::Good),
                    false => ("✗", Style::Bad),
                };
                let text = format!("{} lost, {within} allowed", clock::length(lost));
                self.run(sign, look, "rpo", text)
            }
        }
    }
}

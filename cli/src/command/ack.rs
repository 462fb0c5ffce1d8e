//! `piton ack`: somebody has seen a question and will decide it, or has seen that the clock of the RTO runs.

use crate::actor::As;
use crate::deciding::{Handing, take_in, which};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::plan::NodeIndex;
use piton_core::run::Event;
use piton_core::view::{RtoView, RunView};
use serde::Serialize;

/// What `piton ack` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton ack last --as infra-lead     every question that is open
  piton ack restore-7k3fq go         the one at this node
  piton ack last rto                 the page about the RTO, which asks nothing

Paging pauses for the time that the policy gives to decide, then it goes on. An acknowledgement decides nothing, so
anybody may still decide; `piton take` keeps others from it. A page about the RTO is not repeated before
the clock's next mark: when all of the time has passed. If no engine drives the run, none is started.
Exits 0 when it counted, 1 when it was refused.")]
pub struct Ack {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// The node whose question it is, or `rto`; without one, everything that people are paged about
    node: Option<String>,
    #[command(flatten)]
    who: As,
    /// Write the result as JSON
    #[arg(long)]
    json: bool,
}

/// What became of it, as `--json` writes it.
#[derive(Serialize)]
struct Acknowledged<'a> {
    run: &'a str,
    accepted: bool,
    questions: Vec<Told>,
}

/// What became of one question's acknowledgement.
#[derive(Serialize)]
struct Told {
    #[serde(skip)]
    seen: Seen,
    node: String,
    accepted: bool,
    message: String,
}

/// What the clock of the RTO is called.
const CLOCK: &str = "rto";

/// What people are paged about.
#[derive(Clone, Copy)]
enum Seen {
    /// The question at this node.
    Question(NodeIndex),
    /// That the clock of the RTO runs.
    Clock,
}

impl Seen {
    fn name(self, view: &RunView) -> String {
        match self {
            Seen::Question(node) => {
                let node = view.nodes.get(node.index());
                node.map(|node| node.id.clone()).unwrap_or_default()
            }
            Seen::Clock => CLOCK.to_owned(),
        }
    }
}

impl Told {
    fn words(&self, by: &str) -> String {
        let what = match self.seen {
            Seen::Clock => "nobody is paged before the clock's next mark",
            Seen::Question(_) => "paging pauses",
        };
        format!("✓ {}: {by} has seen it; {what}", self.node)
    }
}

impl Ack {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or node, or it is refused.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(Some(&self.run)).await?;
            let (_, view) = session.view(&run).await?;
            let by = self.who.actor();
            let handing = Handing {
                no_resume: true,
                json: self.json,
            };
            let mut told = Vec::new();
            for seen in self.seen(&view)? {
                let by = by.clone();
                let event = match seen {
                    Seen::Question(node) => Event::Acknowledge { node, by },
                    Seen::Clock => Event::AcknowledgeTarget { by },
                };
                let by = self.who.actor();
                let verdict = take_in(&session, &run, &event, &by, &handing).await?;
                told.push(Told {
                    seen,
                    node: seen.name(&view),
                    accepted: verdict.is_ok(),
                    message: verdict.err().unwrap_or_default(),
                });
            }
            self.tell(&run.0, &by.to_string(), told)
        })
    }

    /// What is meant. A node of that name whose question is open goes before the clock.
    fn seen(&self, view: &RunView) -> Result<Vec<Seen>, Failure> {
        let asks = |name: &str| view.questions.iter().any(|open| open.node == name);
        let rto = view.targets.as_ref().and_then(|it| it.rto.as_ref());
        match self.node.as_deref() {
            Some(CLOCK) if rto.is_some() && !asks(CLOCK) => Ok(vec![Seen::Clock]),
            None if view.questions.is_empty() && rto.is_some() => Ok(vec![Seen::Clock]),
            None if !view.questions.is_empty() => {
                let questions = view.questions.iter();
                let questions = questions.map(|question| Seen::Question(question.index));
                let calling = rto.is_some_and(RtoView::is_calling);
                Ok(questions.chain(calling.then_some(Seen::Clock)).collect())
            }
            node => Ok(vec![Seen::Question(which(view, node)?)]),
        }
    }

    fn tell(&self, run: &str, by: &str, told: Vec<Told>) -> Result<Exit, Failure> {
        let accepted = told.iter().all(|one| one.accepted);
        if self.json {
            output::json(&Acknowledged {
                run,
                accepted,
                questions: told,
            })?;
            return Ok(if accepted {
                Exit::Success
            } else {
                Exit::Failed
            });
        }
        let mut refused = Vec::new();
        for one in told {
            if one.accepted {
                output::note(&one.words(by));
            } else {
                refused.push(one.message);
            }
        }
        if refused.is_empty() {
            return Ok(Exit::Success);
        }
        Err(Failure::new(refused.join("\n       "))
            .help(format!("`piton show {run}` tells how the run stands")))
    }
}

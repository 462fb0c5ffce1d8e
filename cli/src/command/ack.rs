//! `piton ack`: somebody has seen a question and will decide it.

use crate::actor::As;
use crate::deciding::{Handing, take_in, which};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::plan::NodeIndex;
use piton_core::run::Event;
use piton_core::view::RunView;
use serde::Serialize;

/// What `piton ack` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton ack last --as infra-lead     every question that is open
  piton ack restore-7k3fq go         the one at this node

Paging pauses for the time that the policy gives to decide, then it goes on. An acknowledgement decides nothing, so
anybody may still decide; `piton take` keeps others from it. If no engine drives the run, none is started.
Exits 0 when it counted, 1 when it was refused.")]
pub struct Ack {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// The node whose question it is; without one, every question that is open
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
    node: String,
    accepted: bool,
    message: String,
}

impl Ack {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or node, or it is refused.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let session = Session::open(store)?;
        block_on(async {
            let run = session.resolve(Some(&self.run)).await?;
            let (_, view) = session.view(&run).await?;
            let by = self.who.actor();
            let handing = Handing {
                no_resume: true,
                json: self.json,
            };
            let mut told = Vec::new();
            for node in self.nodes(&view)? {
                let event = Event::Acknowledge {
                    node,
                    by: by.clone(),
                };
                let verdict = take_in(&session, &run, &event, &by, &handing).await?;
                let id = view.nodes.get(node.index()).map(|node| node.id.clone());
                told.push(Told {
                    node: id.unwrap_or_default(),
                    accepted: verdict.is_ok(),
                    message: verdict.err().unwrap_or_default(),
                });
            }
            self.tell(&run.0, &by.to_string(), told)
        })
    }

    /// The nodes whose questions are meant.
    fn nodes(&self, view: &RunView) -> Result<Vec<NodeIndex>, Failure> {
        if self.node.is_some() || view.questions.is_empty() {
            return Ok(vec![which(view, self.node.as_deref())?]);
        }
        Ok(view
            .questions
            .iter()
            .map(|question| question.index)
            .collect())
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
                output::note(&format!("✓ {}: {by} has seen it; paging pauses", one.node));
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

//! `piton logs`: what the steps of a run printed. Secrets are masked in the logs themselves.

use crate::clock;
use crate::display::clean::clean;
use crate::display::stored::Stored;
use crate::display::style::{self, Line, Style};
use crate::display::tail::{Printed, Tail};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on, from_store};
use clap::Args;
use piton_core::id::{AttemptId, Purpose, RunId};
use piton_core::plan::{Action, Plan};
use piton_core::time::Timestamp;
use piton_core::view::RunView;
use piton_runtime::store::{RunDirectory, Store};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// How often a followed log is looked at: where it is a file of this host, and where it is in the store.
const LOOK_EVERY: Duration = Duration::from_millis(150);
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Where a log is read from.
enum Reader {
    File(Tail),
    Store(Stored),
}

impl Reader {
    /// The file, if it is on this host or the store keeps none.
    fn of(session: &Session, directory: &RunDirectory, attempt: AttemptId) -> Reader {
        let path = directory.log(attempt);
        match session.store().keeps_logs() && !path.exists() {
            true => Reader::Store(Stored::default()),
            false => Reader::File(Tail::new(path)),
        }
    }

    /// Complete lines that came since the last call; none when there are no more for now.
    async fn lines(
        &mut self,
        session: &Session,
        run: &RunId,
        attempt: AttemptId,
    ) -> Result<Vec<Printed>, Failure> {
        match self {
            Reader::File(tail) => tail.lines().map_err(|error| {
                let path = session.directory(run).log(attempt);
                Failure::new(format!(
                    "the log {} cannot be read: {error}",
                    path.display()
                ))
            }),
            Reader::Store(stored) => {
                let pieces = session.store().log(run, attempt, stored.next()).await;
                let (lines, left_out) = stored.take(pieces.map_err(from_store)?);
                if left_out > 0 {
                    output::note(&format!(
                        "… {left_out} bytes of attempt {attempt} are left out here: the store keeps the beginning and \
                         the end of a long log, and the host that ran it has all of it"
                    ));
                }
                Ok(lines)
            }
        }
    }

    /// Whether nothing was read yet, so that it may as well be read from elsewhere.
    fn is_new(&self) -> bool {
        matches!(self, Reader::Store(stored) if stored.next() == 0)
    }
}

/// What `piton logs` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton logs                     the last run
  piton logs last backup         one node of it
  piton logs last backup -f      and what it prints from now on")]
pub struct Logs {
    /// The run: its id, a part of it, or `last`
    run: Option<String>,
    /// Only this node
    node: Option<String>,
    /// Only this attempt: its number, or its id as `piton show` writes it
    #[arg(long, value_name = "ATTEMPT")]
    attempt: Option<String>,
    /// Go on until the run is over
    #[arg(long, short)]
    follow: bool,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

/// A printed line as `--json` writes it.
#[derive(Serialize)]
struct JsonLine<'a> {
    at: String,
    node: &'a str,
    pass: u32,
    attempt: String,
    stream: &'static str,
    text: &'a str,
    /// Whether the line goes on in the next object of the same attempt and stream.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    goes_on: bool,
}

/// How lines are written.
struct Manner {
    json: bool,
    colour: bool,
    terminal: bool,
    named: bool,
}

impl Logs {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or node, or a log cannot be read.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(self.run.as_deref()).await?;
            let (plan, view) = session.view(&run).await?;
            self.check_node(&run, &view)?;
            let stdout = io::stdout();
            let (terminal, colour) = (stdout.is_terminal(), style::colour(&stdout));
            let manner = Manner {
                json: self.json,
                colour,
                terminal,
                named: self.node.is_none(),
            };
            self.print(&session, &run, &plan, view, &manner).await
        })
    }

    fn check_node(&self, run: &RunId, view: &RunView) -> Result<(), Failure> {
        let Some(name) = &self.node else {
            return Ok(());
        };
        if view.nodes.iter().any(|node| node.id == *name) {
            return Ok(());
        }
        let near = piton_core::expr::suggest(name, view.nodes.iter().map(|node| node.id.as_str()));
        let failure = Failure::usage(format!("run {run} has no node `{name}`"));
        Err(match near {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help(format!("`piton show {run}` lists its nodes")),
        })
    }

    /// The attempts to print, in the order in which they started, with their nodes' names.
    fn attempts(&self, plan: &Plan, view: &RunView) -> Vec<(AttemptId, String)> {
        let mut attempts: Vec<(Timestamp, AttemptId, String)> = Vec::new();
        for node in view
            .nodes
            .iter()
            .filter(|node| self.node.as_ref().is_none_or(|name| node.id == *name))
        {
            for attempt in &node.attempts {
                let Ok(id) = attempt.id.parse::<AttemptId>() else {
                    continue;
                };
                let wanted = self
                    .attempt
                    .as_ref()
                    .is_none_or(|text| attempt.id == *text || *text == id.number.to_string());
                if wanted {
                    attempts.push((attempt.started, id, label(plan, id)));
                    // Each check of a gate has a log of its own.
                    if id.purpose != Purpose::Do {
                        continue;
                    }
                    let checks =
                        plan.find(&node.id)
                            .and_then(|at| plan.node(at))
                            .map_or(0, |node| match &node.action {
                                Action::Checks(checks) => {
                                    u32::try_from(checks.len()).unwrap_or(u32::MAX)
                                }
                                _ => 0,
                            });
                    let of_check = (0..checks).map(|check| AttemptId {
                        purpose: Purpose::Check(check),
                        ..id
                    });
                    attempts.extend(of_check.map(|id| (attempt.started, id, node.id.clone())));
                }
            }
        }
        attempts.sort();
        attempts
            .into_iter()
            .map(|(_, id, node)| (id, node))
            .collect()
    }

    async fn print(
        &self,
        session: &Session,
        run: &RunId,
        plan: &Plan,
        mut view: RunView,
        manner: &Manner,
    ) -> Result<Exit, Failure> {
        let directory = session.directory(run);
        let mut readers: BTreeMap<AttemptId, Reader> = BTreeMap::new();
        let mut writer = Writer::new(manner);
        loop {
            // Before the logs are read: what was over then has printed everything.
            let over = view.outcome.is_some();
            for (attempt, node) in self.attempts(plan, &view) {
                let reader = readers
                    .entry(attempt)
                    .or_insert_with(|| Reader::of(session, &directory, attempt));
                if reader.is_new() {
                    *reader = Reader::of(session, &directory, attempt);
                }
                loop {
                    let lines = reader.lines(session, run, attempt).await?;
                    if lines.is_empty() {
                        break;
                    }
                    let text: String = lines
                        .iter()
                        .map(|line| writer.written(line, attempt, &node))
                        .collect();
                    output::text(&text)?;
                }
            }
            if !self.follow || over {
                return Ok(Exit::Success);
            }
            let asks = readers.values().any(|it| matches!(it, Reader::Store(_)));
            tokio::time::sleep(if asks { ASK_EVERY } else { LOOK_EVERY }).await;
            view = session.view(run).await?.1;
        }
    }
}

/// Whose output an attempt's is: the node's name, and what it is for where that is not the node's action.
#[must_use]
pub fn label(plan: &Plan, attempt: AttemptId) -> String {
    let id = plan.node(attempt.node).map_or("?", |node| node.id.as_str());
    let what = match attempt.purpose {
        Purpose::Do | Purpose::Check(_) => return id.to_owned(),
        Purpose::Probe => "probe",
        Purpose::Choices(_) => "choices",
        Purpose::Target(_) | Purpose::Recheck => "target",
        Purpose::Capture => "capture",
        Purpose::Undo => "undo",
        Purpose::UndoCheck => "undo check",
    };
    format!("{id} ({what})")
}

/// Writes lines as they are wanted.
struct Writer<'m> {
    manner: &'m Manner,
    /// Whose line was begun and goes on, and on which stream.
    begun: Option<(AttemptId, bool)>,
}

impl<'m> Writer<'m> {
    fn new(manner: &'m Manner) -> Writer<'m> {
        Writer {
            manner,
            begun: None,
        }
    }

    /// A line as it is printed, or a piece of a very long one. Where the output is no terminal, the text is what the
    /// step wrote, byte for byte where that is UTF-8 text.
    fn written(&mut self, line: &Printed, attempt: AttemptId, node: &str) -> String {
        let manner = self.manner;
        if manner.json {
            return json_line(line, attempt, node);
        }
        let text = if manner.terminal {
            clean(&line.text, manner.colour)
        } else {
            line.text.clone()
        };
        let (before, of) = (self.begun, (attempt, line.error));
        self.begun = line.goes_on.then_some(of);
        let mut out = String::new();
        if before != Some(of) {
            if before.is_some() {
                out.push('\n');
            }
            if manner.named {
                let head = format!("{} {node} │ ", clock::time(Timestamp(line.at)));
                out += &Line::new().with(Style::Dim, head).render(manner.colour);
            }
        }
        out += &text;
        if !line.goes_on {
            out.push('\n');
        }
        out
    }
}

fn json_line(line: &Printed, attempt: AttemptId, node: &str) -> String {
    let stream = if line.error { "stderr" } else { "stdout" };
    let at = Timestamp(line.at).to_string();
    let line = JsonLine {
        at,
        node: node.split_once(" (").map_or(node, |(node, _)| node),
        pass: attempt.pass,
        attempt: attempt.to_string(),
        stream,
        text: &line.text,
        goes_on: line.goes_on,
    };
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_as_it_is_wanted() {
        let line = Printed {
            at: 0,
            error: true,
            text: "a\x1b[2Jb".to_owned(),
            goes_on: false,
        };
        let attempt: AttemptId = "n0.p1.a1".parse().unwrap();
        let manner = |json, terminal, named| Manner {
            json,
            colour: false,
            terminal,
            named,
        };
        let written =
            |line: &Printed, manner: &Manner| Writer::new(manner).written(line, attempt, "a");
        assert_eq!(written(&line, &manner(false, false, false)), "a\x1b[2Jb\n");
        assert_eq!(written(&line, &manner(false, true, false)), "ab\n");
        assert!(written(&line, &manner(false, true, true)).ends_with(" a │ ab\n"));
        let json: serde_json::Value =
            serde_json::from_str(&written(&line, &manner(true, true, true))).unwrap();
        assert_eq!(json["stream"], "stderr");
        assert_eq!(json["at"], "1970-01-01T00:00:00Z");
    }
    #[test]
    fn a_long_line_is_one_again() {
        let attempt: AttemptId = "n0.p1.a1".parse().unwrap();
        let piece = |error, text: &str, goes_on| Printed {
            at: 0,
            error,
            text: text.to_owned(),
            goes_on,
        };
        let manner = Manner {
            json: false,
            colour: false,
            terminal: false,
            named: false,
        };
        let mut writer = Writer::new(&manner);
        let lines = [
            piece(false, "lo", true),
            piece(false, "ng", false),
            piece(false, "cut ", true),
            piece(true, "error", false),
        ];
        let text: String = lines
            .iter()
            .map(|line| writer.written(line, attempt, "a"))
            .collect();
        assert_eq!(text, "long\ncut \nerror\n");
    }
}

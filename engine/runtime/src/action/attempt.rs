//! Making an attempt: secrets are read, texts get their values, and the action is carried out.

use super::process::{self, ProcessFiles};
use super::run::Shell;
use super::sql::{self, Database};
use super::stop::StopSignal;
use super::{checks, exec};
use crate::driver::processes::{Ask, Processes};
use crate::keeper::{Launch, Status};
use crate::mask::masked;
use crate::secrets::Secrets;
use crate::store::RunDirectory;
use piton_core::id::{AttemptId, RunId};
use piton_core::record::{Bound, Inputs, OutcomeStatus, RenderedAction};
use piton_core::run::{Outcome, Work};
use piton_core::text::Text;
use piton_core::time::Millis;
use piton_core::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

/// What all attempts of a run have in common while one engine drives it.
#[derive(Debug)]
pub struct Context {
    /// The run.
    pub run: RunId,
    /// The directory that relative paths start from.
    pub base: PathBuf,
    /// The token of the engine's lease.
    pub fence: u64,
    /// The run's directory.
    pub directory: RunDirectory,
    /// What is passed on from the engine's environment.
    pub environment: BTreeMap<String, String>,
    /// The plan's secrets.
    pub secrets: Secrets,
    /// The processes that the run's keeper holds.
    pub processes: Processes,
    /// The default shell.
    pub shell: Shell,
}

/// How an attempt comes to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Whether it was found in the journal, so that it may run or have ended; else it was recorded a moment ago by
    /// this engine.
    pub resumed: bool,
    /// Whether it may be started if it never was. Not when its time is up or it was told to end.
    pub may_start: bool,
    /// How much of its time is left; `None` if it has no limit.
    pub left: Option<Millis>,
}

impl Beginning {
    /// An attempt that was recorded a moment ago by this engine.
    #[must_use]
    pub fn new(work: &Work) -> Beginning {
        Beginning {
            resumed: false,
            may_start: true,
            left: work.timeout,
        }
    }
}

/// One attempt, or one check of it.
pub(super) struct Task<'a> {
    pub context: &'a Rc<Context>,
    /// The node's name.
    pub node: &'a str,
    pub attempt: AttemptId,
    pub inputs: &'a Inputs,
    pub limit: Option<Millis>,
    pub beginning: Beginning,
}

/// Makes an attempt of the node of this name. Its outcome holds no secret.
pub async fn execute(
    context: &Rc<Context>,
    node: &str,
    work: &Work,
    beginning: Beginning,
    stop: StopSignal,
) -> Outcome {
    let Some(action) = work.action() else {
        return failed("the record of this attempt does not say what is to be done");
    };
    let task = Task {
        context,
        node,
        attempt: work.attempt,
        inputs: &work.inputs,
        limit: work.timeout,
        beginning,
    };
    let outcome = match action {
        RenderedAction::Checks(all) => checks::execute(&task, all, &stop).await,
        action => task.perform(action, stop).await,
    };
    mask(outcome, &context.secrets.known())
}

/// A failure of which it is known that nothing was done.
pub(super) fn failed(message: impl Into<String>) -> Outcome {
    Outcome::not_succeeded(OutcomeStatus::Failed, message)
}

impl Task<'_> {
    /// Carries out an action that is not made of others.
    pub async fn perform(&self, action: &RenderedAction, stop: StopSignal) -> Outcome {
        let resolved = self
            .context
            .secrets
            .resolve(self.secrets_in(action), &self.context.base)
            .await;
        match action {
            RenderedAction::Run { .. } | RenderedAction::Exec { .. } => {
                let launch = match resolved {
                    Ok(()) => self.launch(action),
                    Err(error) => Err(error.to_string()),
                };
                self.process(launch, stop).await
            }
            RenderedAction::Sql {
                on,
                text,
                script,
                bind,
            } => {
                if let Err(error) = resolved {
                    return failed(error.to_string());
                }
                match self.sql(on, text, *script, bind) {
                    Ok(request) => sql::execute(request, stop).await,
                    Err(message) => failed(message),
                }
            }
            RenderedAction::Checks(_) => failed("a check cannot be made of checks"),
            RenderedAction::Approve(_) => failed("only people can approve"),
        }
    }

    /// The names of the secrets that the action uses.
    fn secrets_in<'a>(&'a self, action: &'a RenderedAction) -> BTreeSet<&'a str> {
        let mut names: BTreeSet<&str> = self
            .inputs
            .env
            .values()
            .chain(&self.inputs.dir)
            .flat_map(Text::secrets)
            .collect();
        match action {
            RenderedAction::Exec { argv } => names.extend(argv.iter().flat_map(Text::secrets)),
            RenderedAction::Sql { on, bind, .. } => {
                names.extend(on.secrets());
                for bound in bind {
                    match bound {
                        Bound::Text(text) => names.extend(text.secrets()),
                        Bound::Value(Value::Secret(name)) => {
                            names.insert(name);
                        }
                        Bound::Value(_) => {}
                    }
                }
            }
            RenderedAction::Run { .. } | RenderedAction::Checks(_) | RenderedAction::Approve(_) => {
            }
        }
        names
    }

    fn dir(&self) -> Result<PathBuf, String> {
        let base = &self.context.base;
        match &self.inputs.dir {
            Some(dir) => Ok(base.join(
                self.context
                    .secrets
                    .reveal(dir)
                    .map_err(|error| error.to_string())?,
            )),
            None => Ok(base.clone()),
        }
    }

    fn launch(&self, action: &RenderedAction) -> Result<Launch, String> {
        let secrets = &self.context.secrets;
        let argv = match action {
            RenderedAction::Run { script, shell } => {
                self.context.shell.argv(script, shell.as_deref())?
            }
            RenderedAction::Exec { argv } => {
                exec::argv(argv, secrets).map_err(|error| error.to_string())?
            }
            _ => return Err("only `run` and `exec` start a process".to_owned()),
        };
        let mut env = self.context.environment.clone();
        let says = [
            ("PITON_RUN", self.context.run.to_string()),
            ("PITON_NODE", self.node.to_owned()),
            ("PITON_ATTEMPT", self.attempt.to_string()),
            ("PITON_PASS", self.attempt.pass.to_string()),
            ("PITON_FENCE", self.context.fence.to_string()),
            (
                "PITON_WORK",
                self.context.directory.work().display().to_string(),
            ),
            (
                "PITON_OUTPUT",
                self.context
                    .directory
                    .values(self.attempt)
                    .display()
                    .to_string(),
            ),
        ];
        env.extend(says.map(|(name, value)| (name.to_owned(), value)));
        for (name, text) in &self.inputs.env {
            env.insert(
                name.clone(),
                secrets.reveal(text).map_err(|error| error.to_string())?,
            );
        }
        let mut launch = Launch::new(self.attempt, argv, self.dir()?);
        launch.env = env;
        launch.secrets = secrets.known();
        launch.resumed = self.beginning.resumed;
        launch.deadline_in = self.beginning.left;
        Ok(launch)
    }

    /// Has the process started, or finds it again, and waits for its end.
    async fn process(&self, launch: Result<Launch, String>, stop: StopSignal) -> Outcome {
        let Beginning {
            resumed,
            may_start,
            left,
        } = self.beginning;
        let (ask, instead) = match launch {
            Ok(launch) if may_start => (Ask::Start(Box::new(launch)), None),
            Err(message) if !resumed => return failed(message),
            // What runs already is waited for, whether or not it could be started now.
            launch => {
                let late = "the engine ended before it was started, and now its time is up";
                let watch = Ask::Watch {
                    attempt: self.attempt,
                    deadline_in: left,
                    grace: Launch::GRACE,
                };
                (watch, Some(launch.err().unwrap_or_else(|| late.to_owned())))
            }
        };
        let stopped = stop.clone();
        let mut ended = self.context.processes.run(ask, stop).await;
        if let (Status::NotStarted { message, .. }, Some(instead)) = (&mut ended.status, instead) {
            if stopped.is_stopped() {
                ended.status = Status::Stopped;
            } else {
                *message = instead;
            }
        }
        process::outcome(
            &ended,
            &ProcessFiles::of(self.attempt, &self.context.directory),
            self.limit,
        )
    }

    fn sql(
        &self,
        on: &Text,
        text: &str,
        script: bool,
        bind: &[Bound],
    ) -> Result<sql::Request, String> {
        let secrets = &self.context.secrets;
        let on = secrets.reveal(on).map_err(|error| error.to_string())?;
        let bind = bind
            .iter()
            .map(|bound| sql::bind_value(bound, secrets).map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?;
        Ok(sql::Request {
            database: Database::parse(&on, &self.dir()?)?,
            text: text.to_owned(),
            script,
            bind,
            limit: self.limit,
            left: self.beginning.left,
        })
    }
}

/// Masks the secrets in everything an outcome says. The keeper has masked standard output before it was written,
/// so this matters for what comes another way.
fn mask(mut outcome: Outcome, secrets: &[String]) -> Outcome {
    if secrets.is_empty() {
        return outcome;
    }
    outcome.message = masked(&outcome.message, secrets);
    let produced = &mut outcome.produced;
    produced.stdout = produced.stdout.take().map(|text| masked(&text, secrets));
    for text in produced.output_lines.values_mut() {
        *text = masked(text, secrets);
    }
    for value in produced
        .rows
        .iter_mut()
        .flatten()
        .chain(&mut produced.first)
    {
        mask_value(value, secrets);
    }
    produced.checks = std::mem::take(&mut produced.checks)
        .into_iter()
        .map(|check| mask(check, secrets))
        .collect();
    outcome
}

fn mask_value(value: &mut Value, secrets: &[String]) {
    match value {
        Value::String(text) => *text = masked(text, secrets),
        Value::List(values) => values
            .iter_mut()
            .for_each(|value| mask_value(value, secrets)),
        Value::Map(values) => values
            .values_mut()
            .for_each(|value| mask_value(value, secrets)),
        _ => {}
    }
}

//! Making an attempt: secrets are read, texts get their values, and the action is carried out.

use super::held::{Held, Obstacle};
use super::process::{self, ProcessFiles};
use super::run::Shell;
use super::sql::{self, Database};
use super::stop::StopSignal;
use super::{checks, evidence, exec, http, notify, watch};
use crate::channel::Channels;
use crate::driver::engine_log::EngineLog;
use crate::driver::processes::{Ask, Processes};
use crate::driver::tenure::Tenure;
use crate::keeper::{Launch, Status};
use crate::mask::masked;
use crate::secrets::{SecretError, Secrets};
use crate::store::RunDirectory;
use piton_core::id::{AttemptId, Purpose, RunId};
use piton_core::record::{Bound, Evidence, OutcomeStatus, RenderedAction, Watch};
use piton_core::run::{Outcome, Work};
use piton_core::text::Text;
use piton_core::time::Millis;
use piton_core::value::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

/// What all attempts of a run have in common while one engine drives it.
#[derive(Debug)]
pub struct Context {
    /// The run.
    pub run: RunId,
    /// The runbook's name.
    pub runbook: String,
    /// The directory that relative paths start from.
    pub base: PathBuf,
    /// The token of the engine's lease.
    pub fence: u64,
    /// The run's directory.
    pub directory: RunDirectory,
    /// What is passed on from the engine's environment.
    pub environment: BTreeMap<String, String>,
    /// The plan's secrets.
    pub secrets: Rc<Secrets>,
    /// The ways to reach people.
    pub channels: Rc<Channels>,
    /// The processes that the run's keeper holds.
    pub processes: Processes,
    /// The default shell.
    pub shell: Shell,
    /// How long the lease may be relied upon.
    pub(crate) tenure: Tenure,
    /// Which attempts at SQL and requests have begun.
    pub(crate) engine_log: RefCell<EngineLog>,
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
    /// Environment variables of its own.
    pub env: &'a BTreeMap<String, Text>,
    /// The working directory; `None` for the run's base directory.
    pub dir: Option<&'a Text>,
    pub limit: Option<Millis>,
    pub beginning: Beginning,
}

/// Makes an attempt of the node of this name. Its outcome holds no secret.
///
/// # Errors
/// When it could not begin, and what is missing.
pub async fn execute(
    context: &Rc<Context>,
    node: &str,
    work: &Work,
    beginning: Beginning,
    stop: StopSignal,
) -> Result<Outcome, Held> {
    let Some(action) = work.action() else {
        return Ok(failed(
            "the record of this attempt does not say what is to be done",
        ));
    };
    let task = Task {
        context,
        node,
        attempt: work.attempt,
        env: work.env(),
        dir: work.dir(),
        limit: work.timeout,
        beginning,
    };
    let outcome = match action {
        RenderedAction::Checks(all) => checks::execute(&task, all, &stop).await,
        action => task.perform(action, stop).await,
    };
    let in_vain = match (&outcome, &work.inputs.watch) {
        (Ok(_), Some(watch)) if work.attempt.purpose == Purpose::Do => {
            task.look_through(watch).await
        }
        _ => None,
    };
    let evidence = match &outcome {
        Ok(outcome) => task.evidence(work, outcome).await,
        Err(_) => Vec::new(),
    };
    let known = context.secrets.known();
    match outcome {
        Ok(mut outcome) => {
            outcome.produced.in_vain = in_vain;
            outcome.produced.evidence = evidence;
            Ok(mask(outcome, &known))
        }
        Err(Held(message)) => Err(Held(masked(&message, &known))),
    }
}

/// The outcome of an attempt that nobody makes any more, with the files that are kept of it.
pub async fn given_up(
    context: &Rc<Context>,
    node: &str,
    work: &Work,
    mut outcome: Outcome,
) -> Outcome {
    let task = Task {
        context,
        node,
        attempt: work.attempt,
        env: work.env(),
        dir: work.dir(),
        limit: work.timeout,
        beginning: Beginning::new(work),
    };
    outcome.produced.evidence = task.evidence(work, &outcome).await;
    mask(outcome, &context.secrets.known())
}

/// A failure of which it is known that nothing was done.
pub(super) fn failed(message: impl Into<String>) -> Outcome {
    Outcome::not_succeeded(OutcomeStatus::Failed, message)
}

/// The outcome of an attempt that was never begun and whose time is up.
pub(crate) fn too_late() -> Outcome {
    Outcome::not_succeeded(
        OutcomeStatus::NotStarted,
        "the engine ended before it was started, and its time ran out meanwhile",
    )
}

impl Task<'_> {
    /// Carries out an action that is not made of others.
    ///
    /// # Errors
    /// When it could not begin, and what is missing.
    pub async fn perform(
        &self,
        action: &RenderedAction,
        stop: StopSignal,
    ) -> Result<Outcome, Held> {
        let resolved = self
            .context
            .secrets
            .resolve(self.secrets_in(action), &self.context.base)
            .await;
        match action {
            RenderedAction::Run { .. } | RenderedAction::Exec { .. } => {
                let launch = match resolved {
                    Ok(()) => self.launch(action),
                    Err(error) => Err(error.into()),
                };
                self.process(launch, stop).await
            }
            RenderedAction::Sql {
                on,
                text,
                script,
                read_only,
                bind,
            } => {
                resolved?;
                match self.sql(on, bind) {
                    Ok((database, bind)) => {
                        self.note_beginning().await?;
                        let request = sql::Request {
                            database,
                            text: text.clone(),
                            script: *script,
                            read_only: *read_only,
                            bind,
                            name: sql::session_name(&self.context.run, self.node, self.attempt),
                            limit: self.limit,
                            left: self.beginning.left,
                        };
                        Ok(sql::execute(request, stop).await)
                    }
                    Err(message) => Ok(failed(message)),
                }
            }
            RenderedAction::Http(request) => {
                resolved?;
                match http::prepare(request, &self.context.secrets) {
                    Ok(prepared) => {
                        if !request.method.only_looks() {
                            self.note_beginning().await?;
                        }
                        Ok(http::execute(self, request, prepared, stop).await)
                    }
                    Err(message) => Ok(failed(message)),
                }
            }
            RenderedAction::Checks(_) => Ok(failed("a check cannot be made of checks")),
            RenderedAction::Approve(_) | RenderedAction::Manual(_) => {
                Ok(failed("only people can do this"))
            }
            RenderedAction::Notify(told) => Ok(notify::execute(self, told, stop).await),
            RenderedAction::Wait { .. } | RenderedAction::Call(_) | RenderedAction::Each(_) => {
                Ok(failed("this has no attempts"))
            }
        }
    }

    /// Writes down that SQL or a request is about to be sent, once it is certain that nobody else has the run by now.
    /// What only looks may look again.
    async fn note_beginning(&self) -> Result<(), Held> {
        if self.attempt.purpose.only_looks() {
            return Ok(());
        }
        self.context.tenure.held().await;
        let log = &self.context.engine_log;
        log.borrow_mut().begin(self.attempt).map_err(|error| {
            let path = self.context.directory.engine_log();
            Held(format!("{} cannot be written: {error}", path.display()))
        })
    }

    /// The names of the secrets that the action uses.
    fn secrets_in<'a>(&'a self, action: &'a RenderedAction) -> BTreeSet<&'a str> {
        let mut names: BTreeSet<&str> = self
            .env
            .values()
            .chain(self.dir)
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
            RenderedAction::Http(request) => names.extend(request.secrets()),
            RenderedAction::Run { .. }
            | RenderedAction::Checks(_)
            | RenderedAction::Approve(_)
            | RenderedAction::Manual(_)
            | RenderedAction::Notify(_)
            | RenderedAction::Wait { .. }
            | RenderedAction::Call(_)
            | RenderedAction::Each(_) => {}
        }
        names
    }

    fn dir(&self) -> Result<PathBuf, String> {
        let base = &self.context.base;
        match self.dir {
            Some(dir) => Ok(base.join(
                self.context
                    .secrets
                    .reveal(dir)
                    .map_err(|error| error.to_string())?,
            )),
            None => Ok(base.clone()),
        }
    }

    /// The line of the watched file that tells that waiting is in vain, or why that cannot be known.
    async fn look_through(&self, watch: &Watch) -> Option<String> {
        let secrets = &self.context.secrets;
        let resolved = secrets
            .resolve(
                watch
                    .file
                    .secrets()
                    .chain(self.dir.into_iter().flat_map(Text::secrets)),
                &self.context.base,
            )
            .await;
        let file = resolved.and_then(|()| secrets.reveal(&watch.file));
        let (file, dir) = match (file, self.dir()) {
            (Ok(file), Ok(dir)) => (file, dir),
            (Err(error), _) => return Some(error.to_string()),
            (_, Err(error)) => return Some(error),
        };
        watch::first_line(dir.join(file), &watch.matches, &secrets.known()).await
    }

    /// Keeps the files that are evidence of the attempt, unless it was never begun.
    async fn evidence(&self, work: &Work, outcome: &Outcome) -> Vec<Evidence> {
        let files = &work.inputs.evidence;
        let of_it = self.attempt.purpose == Purpose::Do;
        if files.is_empty() || !of_it || outcome.status == OutcomeStatus::NotStarted {
            return Vec::new();
        }
        if let Err(error) = self.read_all_secrets(work).await {
            let why = format!("was not kept, because a secret in it could not be masked: {error}");
            return files
                .iter()
                .map(|file| evidence::nothing(file, &why))
                .collect();
        }
        let into = self.context.directory.evidence(self.attempt);
        evidence::keep(files, self.dir(), into, self.context.secrets.known()).await
    }

    /// Reads the secrets that this engine has not read: a file that others write to may hold any of them.
    ///
    /// # Errors
    /// When one that the attempt itself uses cannot be read. Of others it is not known that they ever could.
    async fn read_all_secrets(&self, work: &Work) -> Result<(), SecretError> {
        let secrets = &self.context.secrets;
        let own: BTreeSet<&str> = match work.action() {
            Some(RenderedAction::Checks(checks)) => checks
                .iter()
                .flat_map(|check| self.secrets_in(&check.probe))
                .collect(),
            Some(action) => self.secrets_in(action),
            None => BTreeSet::new(),
        };
        for name in secrets.unread() {
            let read = secrets.resolve([name.as_str()], &self.context.base).await;
            if own.contains(name.as_str()) {
                read?;
            }
        }
        Ok(())
    }

    fn launch(&self, action: &RenderedAction) -> Result<Launch, Obstacle> {
        let secrets = &self.context.secrets;
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
        for (name, text) in self.env {
            env.insert(name.clone(), secrets.reveal(text)?);
        }
        let dir = self.dir().map_err(Obstacle::Hopeless)?;
        let argv = match action {
            RenderedAction::Run { script, shell } => {
                let path = env.get("PATH").map(String::as_str);
                let own = &self.context.shell;
                own.argv(script, shell.as_deref(), path, &dir)?
            }
            RenderedAction::Exec { argv } => exec::argv(argv, secrets)?,
            _ => {
                let message = "only `run` and `exec` start a process";
                return Err(Obstacle::Hopeless(message.to_owned()));
            }
        };
        let mut launch = Launch::new(self.attempt, argv, dir);
        launch.env = env;
        launch.secrets = secrets.known();
        launch.resumed = self.beginning.resumed;
        launch.deadline_in = self.beginning.left;
        Ok(launch)
    }

    /// Has the process started, or finds it again, and waits for its end.
    async fn process(
        &self,
        launch: Result<Launch, Obstacle>,
        stop: StopSignal,
    ) -> Result<Outcome, Held> {
        let Beginning {
            resumed,
            may_start,
            left,
        } = self.beginning;
        let (ask, instead) = match launch {
            Ok(launch) if may_start => (Ask::Start(Box::new(launch)), None),
            Err(Obstacle::Held(held)) if !resumed => return Err(held),
            Err(Obstacle::Hopeless(message)) if !resumed => return Ok(failed(message)),
            // What runs already is waited for, whether or not it could be started now.
            launch => {
                let watch = Ask::Watch {
                    attempt: self.attempt,
                    deadline_in: left,
                    grace: Launch::GRACE,
                };
                (watch, Some(launch.err()))
            }
        };
        if may_start {
            self.context.tenure.held().await;
        }
        let stopped = stop.clone();
        let mut ended = self.context.processes.run(ask, stop).await;
        if let (Status::NotStarted { .. }, Some(instead)) = (&ended.status, instead) {
            if stopped.is_stopped() {
                ended.status = Status::Stopped;
            } else if !may_start {
                return Ok(too_late());
            } else {
                match instead {
                    Some(Obstacle::Held(held)) => return Err(held),
                    Some(Obstacle::Hopeless(message)) => return Ok(failed(message)),
                    None => {}
                }
            }
        }
        if let (true, Status::NotStarted { message, .. }) =
            (ended.status.wants_room(), &ended.status)
            && !stopped.is_stopped()
        {
            return Err(Held(message.clone()));
        }
        let files = ProcessFiles::of(self.attempt, &self.context.directory);
        Ok(process::outcome(
            &ended,
            &files,
            self.attempt.purpose,
            self.limit,
        ))
    }

    /// The database, and the values that are bound.
    fn sql(&self, on: &Text, bind: &[Bound]) -> Result<(Database, Vec<Value>), String> {
        let secrets = &self.context.secrets;
        let on = secrets.reveal(on).map_err(|error| error.to_string())?;
        let bind = bind
            .iter()
            .map(|bound| sql::bind_value(bound, secrets).map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?;
        Ok((Database::parse(&on, &self.dir()?)?, bind))
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
    produced.in_vain = produced.in_vain.take().map(|text| masked(&text, secrets));
    if let Some(response) = &mut produced.response {
        response.body = masked(&response.body, secrets);
        for text in response.headers.values_mut() {
            *text = masked(text, secrets);
        }
    }
    for evidence in &mut produced.evidence {
        evidence.why = masked(&evidence.why, secrets);
    }
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

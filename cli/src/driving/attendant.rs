//! Nobody waits alone: a command that leaves a run which waits for people, and still has somebody to call or a time
//! to keep, starts an attendant: `piton __attend RUN`, without a terminal. It calls the next level when its time comes,
//! calls people about the clock of the RTO, lets questions expire, goes on with the run when somebody decides, and ends with it, or when nobody is left to be
//! called and no question will expire. It gives way to any command that wants to drive the run itself.

use crate::failure::Failure;
use crate::output;
use crate::session::Session;
use piton_core::id::RunId;
use piton_core::view::{QuestionView, RunView};
use piton_runtime::owner::{Liveness, Owner};
use piton_runtime::store::Location;
use piton_runtime::store::location::STORE_VARIABLE;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long an attendant may take to give way.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an attendant is called on its command line.
const COMMAND: &str = "__attend";

/// Starts an attendant if the run needs one.
pub fn leave_one(session: &Session, run: &RunId, view: &RunView) {
    let due = |open: &QuestionView| open.policy.is_some() || open.expires.is_some();
    let rto = view.targets.as_ref().and_then(|it| it.rto.as_ref());
    let calls = rto.is_some_and(|rto| rto.next_page().is_some());
    if view.outcome.is_some() || !(calls || view.questions.iter().any(due)) {
        return;
    }
    if let Err(error) = start(session, run) {
        output::note(&format!(
            "nobody is called any more, and no question expires, unless `piton resume {run} --wait` goes on: the process that does so cannot be started: {error}"
        ));
    }
}

/// Asks the attendant of a run, if it has one, to give way, and waits until it has. What runs goes on under its keeper.
/// Says whether there was one.
///
/// # Errors
/// When the store cannot be read.
pub async fn relieve(session: &Session, run: &RunId) -> Result<bool, Failure> {
    let patient_until = Instant::now() + PATIENCE;
    let mut asked = None;
    while Instant::now() < patient_until {
        let Some(owner) = session.summary(run).await?.driven_by else {
            return Ok(asked.is_some());
        };
        if !is_attendant(&owner) {
            return Ok(asked.is_some());
        }
        let pid = i32::try_from(owner.pid).ok();
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw)
            && asked != Some(owner.pid)
        {
            // It may have ended by itself meanwhile.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            asked = Some(owner.pid);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(asked.is_some())
}

/// Whether a process on this machine is an attendant.
fn is_attendant(owner: &Owner) -> bool {
    if owner.liveness(&Owner::this_process()) != Liveness::Alive {
        return false;
    }
    let line = std::fs::read(format!("/proc/{}/cmdline", owner.pid)).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0);
    words.nth(1) == Some(COMMAND.as_bytes())
}

fn start(session: &Session, run: &RunId) -> std::io::Result<()> {
    let program = std::env::current_exe()?;
    // It has the same environment, because what it calls people with may be in there.
    let mut command = Command::new(program);
    command.args([COMMAND, &run.0]);
    match &session.location {
        Location::Sqlite(_) => command.args(["--store", &session.location.to_string()]),
        // Everybody on the machine can read a command line, and there may be a password in this one.
        Location::Postgres { .. } => command.env(STORE_VARIABLE, session.location.to_variable()),
    };
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // It outlives this process, which does not wait for it.
    drop(child);
    Ok(())
}

//! Driving a run where nobody watches: plain lines, and people are waited for elsewhere.

use super::desk::Desk;
use super::signals::{Asked, Signals};
use super::watched::{Said, Watched, Watcher};
use crate::display::plain;
use crate::display::style;
use crate::failure::Failure;
use crate::logging;
use crate::output;
use crate::session::Session;
use piton_core::id::RunId;
use piton_runtime::driver::{DriveEnd, DriveError, DriveOptions, Until};
use piton_runtime::store::StoreError;
use std::cell::RefCell;
use std::io::{self, Write};
use std::time::Duration;
use tokio::sync::watch;

/// How often the output of running steps is read. Their end is seen at once, with all that they printed.
const READ_EVERY: Duration = Duration::from_millis(100);

/// Drives the run; `aside` sends the lines to standard error because the result goes to standard output.
pub async fn drive(
    session: &Session,
    run: &RunId,
    until: Until,
    mut watcher: Watcher,
    mut desk: Desk<'_>,
    aside: bool,
) -> Result<Result<DriveEnd, DriveError>, Failure> {
    let watched = std::rc::Rc::clone(&watcher.watched);
    let changed = std::rc::Rc::clone(&watcher.changed);
    let mut signals = Signals::listen()?;
    let (leave, stop) = watch::channel(false);
    let mut printer = Printer::new(aside);
    let mut reads = tokio::time::interval(READ_EVERY);
    reads.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let options = DriveOptions {
            stop: stop.clone(),
            die_after: super::die_after(),
            ..DriveOptions::until(until)
        };
        let driving = session.local.drive(run, options, &mut watcher);
        tokio::pin!(driving);
        let end = loop {
            tokio::select! {
                biased;
                end = &mut driving => break end,
                asked = signals.next() => match asked {
                    Asked::Interrupt => desk.cancel().await?,
                    Asked::Leave => { leave.send_replace(true); }
                    Asked::Redraw => {}
                },
                () = changed.notified() => {}
                _ = reads.tick() => watched.borrow_mut().read_output(),
            }
            refresh(session, run, &watched).await?;
            let open = watched.borrow().view.questions.clone();
            desk.approve_all(&open).await?;
            printer.print(&watched);
        };
        // Who drives it instead says what happens.
        if !matches!(&end, Err(DriveError::Store(StoreError::Held { .. }))) {
            refresh(session, run, &watched).await?;
            printer.print(&watched);
        }
        for refusal in desk.refusals().await? {
            output::note(&refusal);
        }
        let Ok(end) = end else { return Ok(end) };
        let open = watched.borrow().view.questions.clone();
        // The engine leaves as soon as people are waited for; `--yes` may have something to say to what it asks.
        if end == DriveEnd::Waiting && desk.approve_all(&open).await? > 0 {
            continue;
        }
        return Ok(Ok(end));
    }
}

/// Reads records that passed this process by.
pub async fn refresh(
    session: &Session,
    run: &RunId,
    watched: &RefCell<Watched>,
) -> Result<(), Failure> {
    use piton_runtime::store::Store;
    let from = {
        let mut watched = watched.borrow_mut();
        if !std::mem::take(&mut watched.stale) {
            return Ok(());
        }
        watched.view.head.seq + 1
    };
    let records = session
        .store()
        .records(run, from)
        .await
        .map_err(crate::session::from_store)?;
    watched.borrow_mut().take(&records);
    Ok(())
}

/// Prints what there is to say. That nobody reads it any more does not stop the run.
struct Printer {
    aside: bool,
    colour: bool,
    broken: bool,
}

impl Printer {
    fn new(aside: bool) -> Printer {
        let colour = if aside {
            style::colour(&io::stderr()) && !logging::is_json()
        } else {
            style::colour(&io::stdout())
        };
        Printer {
            aside,
            colour,
            broken: false,
        }
    }

    fn print(&mut self, watched: &RefCell<Watched>) {
        let said = std::mem::take(&mut watched.borrow_mut().said);
        if said.is_empty() || self.broken {
            return;
        }
        let mut text = String::new();
        for one in said {
            match one {
                Said::Line(line) => text.push_str(&line.render(self.colour)),
                Said::Printed(id, printed) => {
                    text.push_str(&plain::printed(&id, &printed, self.colour))
                }
            }
            text.push('\n');
        }
        let written = if self.aside {
            text.lines().try_for_each(output::aside)
        } else {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        };
        self.broken = written.is_err();
    }
}

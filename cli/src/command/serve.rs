//! `piton serve`: drives the runs that were left to servers.

use crate::display::clean::one_line;
use crate::driving::signals::{Asked, Signals};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::serving::{self, Metrics, web};
use crate::session::{Session, block_on, warn_of_traces};
use clap::Args;
use piton_core::record::RunOutcome;
use piton_runtime::driver::{DriveEnd, Served, Serving, serve};
use piton_runtime::store::AnyStore;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// What `piton serve` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton serve
  piton serve --max-runs 20 --name rack-7
  piton serve --listen 127.0.0.1:9187     metrics for Prometheus
  piton run --detach restore.runbook      from another terminal, or another host of the same store

It drives the runs that were started with `piton run --detach`, also when the server that drove one before has died, and
stays with them: it calls people, lets questions expire, and goes on when somebody has decided. A run that was started in
a terminal stays with that terminal; when the process dies that looked after it while it waited for people, a server takes
it over. As many servers as you like may work on one store.
SIGTERM or Ctrl-C: it starts nothing more and ends; what runs goes on under its keepers, and the next server goes on with
it. A second one ends it at once.
Exit codes: 0 it was told to end; 1 it could not begin, 2 wrong usage.")]
pub struct Serve {
    /// Drive at most this many runs at once; one that waits for people does not count
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_runs: Option<u32>,
    /// What people call this server [default: the host and the process]
    #[arg(long)]
    name: Option<String>,
    /// Answer to monitoring at this address, as in `127.0.0.1:9187`: metrics for Prometheus at /metrics, and /healthz.
    /// Whoever can reach it is answered
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

impl Serve {
    /// Does it.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let most = match self.max_runs {
            Some(1) => "; one run at a time".to_owned(),
            Some(most) => format!("; at most {most} runs at once"),
            None => String::new(),
        };
        block_on(async {
            let Session { local, location } = Session::open(store).await?;
            let owner = local.owner().clone();
            let name = self.name;
            let name = name.unwrap_or_else(|| format!("{}-{}", owner.host, owner.pid));
            let signals = Signals::listen()?;
            let (leave, stop) = watch::channel(false);
            let serving = Serving {
                name: name.clone(),
                max_runs: self.max_runs,
                stop,
            };
            let (local, metrics) = (Rc::new(local), Rc::new(Metrics::default()));
            let monitoring = self.listen.as_deref().map(bind).transpose()?;
            let (counted, traced) = (Rc::clone(&metrics), Rc::clone(&local));
            let tell = Rc::new(move |served: Served<'_>| {
                counted.note(&served);
                say(&served);
                warn_of_traces(&traced);
            });
            let serving = serve(Rc::clone(&local), serving, tell);
            output::note(&format!(
                "{name} serves {location} on host {}{most}",
                owner.host
            ));
            if let Some((_, address)) = &monitoring {
                output::note(&format!("metrics at http://{address}/metrics"));
            }
            tokio::select! {
                biased;
                served = serving => served.map_err(crate::driving::from_drive)?,
                () = told_twice(signals, leave) => output::note("ended at once"),
                () = monitored(monitoring, &metrics, local.store()) => {}
            }
            Ok(Exit::Success)
        })
    }
}

/// Listens at this address. Gives where, which is more than was asked for where that leaves the port open.
fn bind(address: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let bound = std::net::TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((TcpListener::from_std(listener)?, address))
    });
    bound.map_err(|error| {
        Failure::new(format!("cannot listen at `{address}`: {error}"))
            .help("name an address of this host and a free port, as in `--listen 127.0.0.1:9187`")
    })
}

/// Answers to monitoring for as long as it is polled.
async fn monitored(
    monitoring: Option<(TcpListener, SocketAddr)>,
    metrics: &Metrics,
    store: &AnyStore,
) {
    let Some((listener, _)) = monitoring else {
        return std::future::pending().await;
    };
    let (asks, asked) = mpsc::channel(1);
    tokio::join!(
        web::listen(listener, asks),
        serving::answer(asked, metrics, store)
    );
}

/// Says that the server is to leave at the first signal, and returns at the second.
async fn told_twice(mut signals: Signals, leave: watch::Sender<bool>) {
    loop {
        match signals.next().await {
            Asked::Redraw => {}
            Asked::Interrupt | Asked::Leave if !*leave.borrow() => {
                output::note("leaving: what runs goes on under its keepers");
                leave.send_replace(true);
            }
            Asked::Interrupt | Asked::Leave => return,
        }
    }
}

/// One line for what has happened.
fn say(served: &Served<'_>) {
    output::note(&match served {
        Served::Taken { run, from: None } => format!("{run}  taken"),
        Served::Taken {
            run,
            from: Some(from),
        } => format!("{run}  taken over from {from}, which ended or was cut off"),
        Served::Asks { run, node } => format!("{run}  asks at `{node}`: piton show {run}"),
        Served::Left { run, end } => format!("{run}  {}", words(*end)),
        Served::Failed { run, why, again } => {
            let again = match again {
                Some(pause) => format!("; it is tried again in {} s", pause.as_secs()),
                None => String::new(),
            };
            format!("{run}  cannot go on here: {}{again}", one_line(why))
        }
        Served::StoreFailed { error } => {
            format!("{}; it is tried again", one_line(&error.to_string()))
        }
        Served::StoreBack => "the store can be used again".to_owned(),
        Served::LetGo { .. }
        | Served::TakenUp { .. }
        | Served::StoreError { .. }
        | Served::Committed { .. }
        | Served::Records { .. } => return,
    });
}

fn words(end: DriveEnd) -> &'static str {
    match end {
        DriveEnd::Waiting => "waits for people",
        DriveEnd::Detached => "left; what runs goes on under its keeper",
        DriveEnd::Over(RunOutcome::Succeeded) => "succeeded",
        DriveEnd::Over(RunOutcome::Failed) => "failed",
        DriveEnd::Over(RunOutcome::Cancelled) => "was cancelled",
        DriveEnd::Over(RunOutcome::RolledBack) => "was rolled back",
        DriveEnd::Over(RunOutcome::PartlyRolledBack) => "was rolled back in part",
    }
}

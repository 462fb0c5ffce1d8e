//! What a step costs, as a ratio against what the machine itself takes, measured in the same run.
//!
//! ```text
//! cargo run --release -p piton-bench            five rounds of everything
//! cargo run --release -p piton-bench -- 3       three rounds
//! cargo run --release -p piton-bench -- 3 check only this part: `steps`, `postgres`, `check`, `prove` or `journals`
//! ```
//!
//! The floor of a chain is, for each step, the same process spawned and waited for by this program, then one durable
//! commit to a SQLite file of its own (WAL, `synchronous=FULL`). The floor of a fan-out is `make -j2` on the same
//! graph. Floor and Piton take turns, and the median of the rounds' ratios is what counts: these figures are about
//! Piton, not about how busy the machine was.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod check;
mod journals;
mod postgres;
mod prove;

/// What can be measured by itself.
const PARTS: [&str; 5] = ["steps", "postgres", "check", "prove", "journals"];

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let rounds: usize = match std::env::args().nth(1) {
        Some(text) => text
            .parse()
            .map_err(|_| format!("`{text}` is not a number of rounds"))?,
        None => 5,
    };
    let part = std::env::args().nth(2);
    if let Some(part) = part.as_deref().filter(|part| !PARTS.contains(part)) {
        return Err(format!("`{part}` is none of the parts: {}", PARTS.join(", ")).into());
    }
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let bench = Bench::new()?;
    let result = (|| {
        if wanted("steps") {
            bench.steps(rounds)?;
        }
        if wanted("postgres") {
            postgres::postgres(&bench.dir, &bench.piton, rounds)?;
        }
        if wanted("check") {
            check::check(&bench.dir, &bench.piton, rounds)?;
        }
        if wanted("prove") {
            bench.prove(rounds)?;
        }
        if wanted("journals") {
            journals::journals(&bench.dir, &bench.piton, rounds)?;
        }
        Ok(())
    })();
    std::fs::remove_dir_all(&bench.dir)?;
    result
}

struct Bench {
    dir: PathBuf,
    piton: PathBuf,
}

impl Bench {
    fn new() -> Outcome<Bench> {
        let piton = std::env::current_exe()?.with_file_name("piton");
        if !piton.exists() {
            return Err(format!(
                "there is no {}; build it first: cargo build --release -p piton",
                piton.display()
            )
            .into());
        }
        let dir = std::env::temp_dir().join(format!("piton-bench-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&dir)?;
        Ok(Bench { dir, piton })
    }

    fn steps(&self, rounds: usize) -> Outcome<()> {
        println!("{rounds} rounds; the floor and piton take turns; medians\n");
        println!(
            "{:<26} {:>14} {:>14} {:>8}  the floor is",
            "", "floor ms/step", "piton ms/step", "ratio"
        );
        let start = self.dir.join("start.runbook");
        std::fs::write(&start, chain(1))?;
        for steps in [200, 1000] {
            let file = self.dir.join(format!("chain-{steps}.runbook"));
            std::fs::write(&file, chain(steps))?;
            let figures = rounds_of(rounds, || self.floor_of_chain(steps), || self.piton(&file))?;
            figures.print(
                &format!("chain of {steps}"),
                steps,
                "spawn + wait + commit, each step",
            );
        }
        let (fan, makefile) = (self.dir.join("fan-500.runbook"), self.dir.join("Makefile"));
        std::fs::write(&fan, fan_out(500))?;
        std::fs::write(&makefile, make_fan_out(500))?;
        if Command::new("make")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok()
        {
            let figures = rounds_of(rounds, || self.make(&makefile), || self.piton(&fan))?;
            figures.print(
                "fan-out of 500, 2 at once",
                500,
                "make -j2 on the same graph",
            );
        } else {
            println!("fan-out: skipped, there is no make on PATH");
        }
        let figures = rounds_of(rounds, || self.floor_of_chain(1), || self.piton(&start))?;
        println!(
            "\nstart-up: a run of one step takes {:.1} ms from the command to its exit, its step included",
            millis(figures.ours)
        );
        Ok(())
    }

    fn prove(&self, rounds: usize) -> Outcome<()> {
        let forty = self.dir.join("forty.runbook");
        std::fs::write(&forty, prove::forty())?;
        let (rate, runs) = prove::rate(&self.piton, &forty, rounds)?;
        println!("prove: {rate} runs a second of a plan of 40 nodes on one core, {runs} in all");
        Ok(())
    }

    /// Spawns, waits and commits once a step.
    fn floor_of_chain(&self, steps: usize) -> Outcome<Duration> {
        let path = self.dir.join("floor.db");
        let connection = rusqlite::Connection::open(&path)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.execute_batch(
            "create table if not exists record (seq integer primary key, body text)",
        )?;
        let body = "x".repeat(1024);
        let began = Instant::now();
        for _ in 0..steps {
            let status = Command::new("sh")
                .args(["-c", ":"])
                .stdin(Stdio::null())
                .status()?;
            if !status.success() {
                return Err("`sh -c :` failed".into());
            }
            connection
                .prepare_cached("insert into record (body) values (?1)")?
                .execute([&body])?;
        }
        Ok(began.elapsed())
    }

    fn piton(&self, file: &Path) -> Outcome<Duration> {
        let store = self.dir.join(format!("store-{}.db", uuid::Uuid::now_v7()));
        let mut command = Command::new(&self.piton);
        command
            .arg("run")
            .arg(file)
            .arg("--store")
            .arg(format!("sqlite:{}", store.display()));
        timed(command.env_remove("PITON_LOG"))
    }

    fn make(&self, makefile: &Path) -> Outcome<Duration> {
        timed(
            Command::new("make")
                .arg("-j2")
                .arg("-f")
                .arg(makefile)
                .current_dir(&self.dir),
        )
    }
}

fn timed(command: &mut Command) -> Outcome<Duration> {
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let took = began.elapsed();
    if output.status.success() {
        Ok(took)
    } else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("{command:?} ended with {}: {said}", output.status).into())
    }
}

/// The median of this many measurements, after one that only warms the caches.
fn median(rounds: usize, mut measure: impl FnMut() -> Outcome<Duration>) -> Outcome<Duration> {
    measure()?;
    let mut times = (0..rounds)
        .map(|_| measure())
        .collect::<Outcome<Vec<_>>>()?;
    times.sort();
    let median = times.get(rounds / 2).copied();
    median.ok_or_else(|| "at least one round is needed".into())
}

struct Figures {
    floor: Duration,
    ours: Duration,
    ratio: f64,
    spread: (f64, f64),
}

fn rounds_of(
    rounds: usize,
    mut floor: impl FnMut() -> Outcome<Duration>,
    mut ours: impl FnMut() -> Outcome<Duration>,
) -> Outcome<Figures> {
    let (mut floors, mut own, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (below, above) = (floor()?, ours()?);
        if round > 0 {
            // The first round only warms the caches.
            floors.push(below);
            own.push(above);
            ratios.push(above.as_secs_f64() / below.as_secs_f64());
        }
    }
    floors.sort();
    own.sort();
    ratios.sort_by(f64::total_cmp);
    match (
        floors.get(rounds / 2),
        own.get(rounds / 2),
        ratios.get(rounds / 2),
        ratios.first(),
        ratios.last(),
    ) {
        (Some(floor), Some(ours), Some(ratio), Some(least), Some(most)) => Ok(Figures {
            floor: *floor,
            ours: *ours,
            ratio: *ratio,
            spread: (*least, *most),
        }),
        _ => Err("at least one round is needed".into()),
    }
}

impl Figures {
    fn print(&self, what: &str, steps: usize, floor: &str) {
        println!(
            "{what:<26} {:>14.3} {:>14.3} {:>8.2}  {floor} (ratios {:.2} to {:.2})",
            millis(self.floor) / steps as f64,
            millis(self.ours) / steps as f64,
            self.ratio,
            self.spread.0,
            self.spread.1
        );
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn chain(steps: usize) -> String {
    let mut text = String::from("runbook chain {\n  timeout = 1m\n");
    for step in 0..steps {
        let _ = writeln!(
            text,
            "  step s{step} {{ exec = [\"sh\", \"-c\", \":\"]  effect = none }}"
        );
    }
    text + "}\n"
}

fn fan_out(steps: usize) -> String {
    let mut text = String::from("runbook fan-out {\n  parallel = 2\n  timeout = 1m\n");
    for step in 0..steps {
        let _ = writeln!(
            text,
            "  step s{step} {{ needs = []  exec = [\"sh\", \"-c\", \":\"]  effect = none }}"
        );
    }
    text + "}\n"
}

fn make_fan_out(steps: usize) -> String {
    let mut text = String::from("SHELL = /bin/sh\n.PHONY: all");
    let names: Vec<String> = (0..steps).map(|step| format!("s{step}")).collect();
    let _ = write!(text, " {0}\nall: {0}\n", names.join(" "));
    for name in names {
        // With the blank, because make knows `sh -c :` and runs no process for it.
        let _ = writeln!(text, "{name}:\n\t@sh -c ': '");
    }
    text
}

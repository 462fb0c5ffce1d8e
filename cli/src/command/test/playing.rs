//! Playing scenarios, as many at once as there are processors. The outcome is the same however many that is.

use super::files::Subject;
use super::{Outcome, Tested, Wrong};
use crate::display::style;
use crate::failure::Failure;
use crate::output;
use crate::runbook::{load_runbook, pretty, read, unbound};
use piton_core::plan::Plan;
use piton_dsl::compile_mode;
use piton_dsl::diagnostic::Diagnostic;
use piton_dsl::runbook::Runbook;
use piton_dsl::scenario::{Coverage, Played, Scenario, Suite, play};
use piton_dsl::source::SourceFile;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A scenario file with the runbook that it is about.
struct Read {
    subject: Subject,
    source: Arc<SourceFile>,
    suite: Suite,
    runbook: Runbook,
}

/// What playing one scenario gave: what came of it, or why it cannot be played.
type Result1 = Result<Played, Unplayable>;

/// Why a scenario cannot be played.
enum Unplayable {
    Mistakes(Vec<Diagnostic>),
    Unbound(String),
}

/// Plays all of them. Also gives how many files have mistakes, which are printed to standard error.
///
/// # Errors
/// When a file cannot be read, or a runbook has errors.
pub fn play_all(subjects: &[Subject]) -> Result<(Vec<Tested>, usize), Failure> {
    let mut all = Vec::new();
    let mut mistakes = 0;
    for subject in subjects {
        let (source, suite, found) = scenarios(subject)?;
        let errors = found.iter().filter(|found| found.is_error()).count();
        print(&source, found);
        if errors > 0 {
            mistakes += 1;
            continue;
        }
        all.push(Read {
            subject: subject.clone(),
            source,
            suite,
            runbook: load_runbook(&subject.runbook)?,
        });
    }
    let jobs: Vec<(&Read, &Scenario)> = all
        .iter()
        .flat_map(|read| read.suite.scenarios.iter().map(move |one| (read, one)))
        .collect();
    let mut results = side_by_side(&jobs).into_iter();
    let tested = all.iter().map(|read| {
        let own = results.by_ref().take(read.suite.scenarios.len()).collect();
        gathered(read, own)
    });
    Ok((tested.collect(), mistakes))
}

fn scenarios(subject: &Subject) -> Result<(Arc<SourceFile>, Suite, Vec<Diagnostic>), Failure> {
    Ok(match read(&subject.scenarios)? {
        Ok(source) => {
            let (suite, found) = piton_dsl::scenario::read(&source);
            (Arc::new(source), suite, found)
        }
        Err((source, diagnostic)) => (Arc::new(source), Suite::default(), vec![diagnostic]),
    })
}

fn print(source: &SourceFile, found: Vec<Diagnostic>) {
    let colour = style::colour(&io::stderr());
    for diagnostic in found {
        output::note(&pretty(diagnostic, source, colour));
    }
}

fn side_by_side(jobs: &[(&Read, &Scenario)]) -> Vec<Option<Result1>> {
    let results: Vec<Mutex<Option<Result1>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((job, place)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(at).zip(results.get(at))
        } {
            let result = one(job.0, job.1);
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(jobs.len()) {
            scope.spawn(work);
        }
    });
    let taken =
        |place: Mutex<Option<Result1>>| place.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().map(taken).collect()
}

fn one(read: &Read, scenario: &Scenario) -> Result1 {
    play(&plan(read, scenario)?, scenario).map_err(Unplayable::Mistakes)
}

fn plan(read: &Read, scenario: &Scenario) -> Result<Plan, Unplayable> {
    let params: BTreeMap<String, String> = scenario
        .params
        .iter()
        .map(|(name, value)| (name.clone(), value.value.clone()))
        .collect();
    let mode = scenario.mode.as_ref().map(|mode| mode.value.as_str());
    compile_mode(&read.runbook, &params, mode).map_err(|errors| {
        let file = read.subject.runbook.display().to_string();
        Unplayable::Unbound(unbound(&file, &errors).message)
    })
}

fn gathered(read: &Read, results: Vec<Option<Result1>>) -> Tested {
    let mut coverage = Coverage::default();
    let mut scenarios = Vec::new();
    for (scenario, result) in read.suite.scenarios.iter().zip(results) {
        let result = match result {
            Some(Ok(played)) => {
                coverage.add(played.coverage);
                match played.mismatches.is_empty() {
                    true => Ok(()),
                    false => Err(Wrong::Differs(played.mismatches)),
                }
            }
            Some(Err(Unplayable::Mistakes(found))) => {
                let first = found.first().map(|found| found.message.clone());
                print(&read.source, found);
                Err(Wrong::Broken(first.unwrap_or_default()))
            }
            Some(Err(Unplayable::Unbound(why))) => Err(Wrong::Broken(why)),
            None => Err(Wrong::Broken("it was not played".to_owned())),
        };
        scenarios.push(Outcome {
            name: scenario.name.value.clone(),
            mode: scenario.mode.as_ref().map(|mode| mode.value.clone()),
            result,
        });
    }
    Tested {
        runbook: read.subject.runbook.display().to_string(),
        source: read.source.clone(),
        scenarios,
        coverage,
    }
}

//! Work on many files by all cores, with the results in the order of the files.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, available_parallelism, scope};

/// How many jobs a thread does before it hands over their results: whoever takes them is woken each time, and takes time
/// from the threads.
const AT_ONCE: usize = 4;

/// How many of such parts a thread may be ahead of who takes them: each result may hold the text of a large file.
const AHEAD: usize = 2;

/// As much stack as the first thread of a process usually has, so that what can be read does not depend on who reads.
const STACK: usize = 8 << 20;

/// Does `work` for each job, on as many threads as there are cores, and gives the results to `take` on this one, in the
/// order of the jobs. With one job, or where no thread can be started, all is done on this one.
///
/// # Errors
/// The first error of `take`; what is not done yet is left.
pub fn in_order<J: Sync, R: Send, E>(
    jobs: &[J],
    work: impl Fn(&J) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = available_parallelism().map_or(1, NonZero::get);
    let threads = threads.min(jobs.len());
    // Few jobs are shared out one by one.
    let at_once = (jobs.len() / (4 * threads.max(1))).clamp(1, AT_ONCE);
    let parts = jobs.len().div_ceil(at_once);
    let done = scope(|scope| {
        let work = &work;
        let mut started: Vec<Receiver<Vec<R>>> = Vec::new();
        for first in 0..threads {
            let (result, results) = sync_channel(AHEAD);
            let mut own = jobs.chunks(at_once).skip(first).step_by(threads);
            // Nobody takes what comes after an error.
            let all =
                move || own.try_for_each(|part| result.send(part.iter().map(work).collect()).ok());
            let thread = Builder::new().stack_size(STACK);
            if threads < 2 || thread.spawn_scoped(scope, all).is_err() {
                return None;
            }
            started.push(results);
        }
        let results = started.iter().cycle().take(parts);
        // A thread that panicked ends the program when the scope does.
        Some(
            results
                .map_while(|results| results.recv().ok())
                .flatten()
                .try_for_each(&mut take),
        )
    });
    match done {
        Some(done) => done,
        None => jobs.iter().try_for_each(|job| take(work(job))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        for count in [0, 1, 2, 3, 9, 17, 100] {
            let jobs: Vec<usize> = (0..count).collect();
            let mut taken = Vec::new();
            let work = |job: &usize| {
                // Those in front take longer.
                (0..(count - job) * 1000).fold(*job, |all, one| all ^ std::hint::black_box(one));
                *job
            };
            let done: Result<(), ()> = in_order(&jobs, work, |job| {
                taken.push(job);
                Ok(())
            });
            assert_eq!((done, taken), (Ok(()), jobs));
        }
    }

    #[test]
    fn an_error_ends_it() {
        let jobs: Vec<usize> = (0..1000).collect();
        let mut taken = Vec::new();
        let done = in_order(
            &jobs,
            |job| *job,
            |job| {
                taken.push(job);
                if job == 3 { Err("three") } else { Ok(()) }
            },
        );
        assert_eq!((done, taken), (Err("three"), vec![0, 1, 2, 3]));
    }
}

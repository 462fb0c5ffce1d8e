//! Each row of the keeper's table: what an engine finds when it comes back.

use super::support::*;
use piton_runtime::keeper::recover::{Fate, Leftovers, Recovered, recover};
use piton_runtime::keeper::{Keeper, KeeperDir, KeeperError, Known, Status};
use std::time::Duration;

async fn leftovers(run: &Run) -> Leftovers {
    match recover(&run.dir, 9).await.expect("recovered") {
        Recovered::Gone(leftovers) => leftovers,
        Recovered::Answers(_) => panic!("there is no keeper"),
    }
}

/// Kills the keeper and waits until it is gone.
async fn kill_keeper(keeper: Keeper) {
    let pid = keeper.pid();
    kill9(pid);
    until("the keeper is dead", || !lives(pid)).await;
}

fn header() -> String {
    // The header that a keeper of this boot writes.
    let run = Run::new();
    in_runtime(async {
        let keeper = run.keeper(1).await;
        let log = std::fs::read_to_string(run.dir.log()).expect("a log");
        keeper.shutdown().await.expect("asked");
        log
    })
}

#[test]
fn a_keeper_that_answers_gives_output_and_exit_code_to_the_next_engine() {
    in_runtime(async {
        let run = Run::new();
        let (go, count) = (run.file("go"), run.file("count"));
        let script = "echo one >> count; echo begin; while [ ! -e go ]; do sleep 0.02; done; echo end; exit 7";
        let first = run.keeper(1).await;
        first.start(run.shell(1, script)).await.expect("asked");
        until("the step runs", || count.exists()).await;
        let pid = first.pid();
        // What a killed engine leaves of its connection.
        drop(first);
        let second = match recover(&run.dir, 2).await.expect("recovered") {
            Recovered::Answers(keeper) => keeper,
            Recovered::Gone(_) => panic!("the keeper lives"),
        };
        assert_eq!(second.pid(), pid);
        assert_eq!(second.known().get(&attempt(1)), Some(&Known::Running));
        second.start(run.shell(1, script)).await.expect("asked");
        std::fs::write(&go, "").expect("written");
        assert_eq!(end_of(&second, attempt(1)).await, exited(7));
        assert_eq!(run.stdout(1), b"begin\nend\n");
        // Asked again, it is told again and not done again.
        assert_eq!(outcome(&second, run.shell(1, script)).await, exited(7));
        assert_eq!(std::fs::read_to_string(&count).expect("read"), "one\n");
        second.shutdown().await.expect("asked");
    });
}

#[test]
fn an_older_fence_is_refused_and_an_overtaken_engine_is_told() {
    in_runtime(async {
        let run = Run::new();
        let old = run.keeper(4).await;
        let new = run.keeper(5).await;
        assert_eq!(new.pid(), old.pid());
        let told = tokio::time::timeout(PATIENCE, old.ended())
            .await
            .expect("in time");
        assert!(
            matches!(told, Err(KeeperError::Fenced { newest: 5, .. })),
            "{told:?}"
        );
        let refused = Keeper::attach_or_start(&run.dir, 4, &executable())
            .await
            .err()
            .expect("refused");
        assert!(
            matches!(refused, KeeperError::Fenced { newest: 5, .. }),
            "{refused:?}"
        );
        assert_eq!(outcome(&new, run.shell(1, "exit 3")).await, exited(3));
        // The fence holds across keepers too.
        kill_keeper(new).await;
        let refused = Keeper::attach_or_start(&run.dir, 4, &executable())
            .await
            .err()
            .expect("refused");
        assert!(
            matches!(refused, KeeperError::Fenced { newest: 5, .. }),
            "{refused:?}"
        );
    });
}

#[test]
fn without_a_log_nothing_was_started() {
    in_runtime(async {
        let run = Run::new();
        assert!(matches!(
            leftovers(&run).await.fate(attempt(1)),
            Fate::NotStarted
        ));
        let mut launch = run.shell(1, "exit 4");
        launch.resumed = true;
        let keeper = run.keeper(1).await;
        assert_eq!(outcome(&keeper, launch).await, exited(4));
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn begun_and_not_executed_is_started_again() {
    let header = header();
    in_runtime(async {
        let run = Run::new();
        run.write_log(&format!("{header}B {} 1\nP {} 12", attempt(1), attempt(1)));
        assert!(matches!(
            leftovers(&run).await.fate(attempt(1)),
            Fate::NotStarted
        ));
        let mut launch = run.shell(1, "exit 5");
        launch.resumed = true;
        let keeper = run.keeper(2).await;
        assert_eq!(outcome(&keeper, launch).await, exited(5));
        // The torn line does not spoil what follows it.
        kill_keeper(keeper).await;
        assert!(
            matches!(leftovers(&run).await.fate(attempt(1)), Fate::Ended(ended) if ended == exited(5))
        );
    });
}

#[test]
fn a_result_in_the_log_of_a_dead_keeper_is_taken() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        assert_eq!(
            outcome(&keeper, run.shell(1, "echo one >> count; exit 6")).await,
            exited(6)
        );
        kill_keeper(keeper).await;
        assert!(
            matches!(leftovers(&run).await.fate(attempt(1)), Fate::Ended(ended) if ended == exited(6))
        );
        let keeper = run.keeper(2).await;
        assert_eq!(
            keeper.known().get(&attempt(1)),
            Some(&Known::Ended(exited(6)))
        );
        assert_eq!(
            outcome(&keeper, run.shell(1, "echo one >> count")).await,
            exited(6)
        );
        assert_eq!(
            std::fs::read_to_string(run.file("count")).expect("read"),
            "one\n"
        );
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn an_orphan_is_waited_for_and_then_unknown() {
    in_runtime(async {
        let run = Run::new();
        let script = "echo $$ >> pids; while [ ! -e go ]; do sleep 0.02; done";
        let keeper = run.keeper(1).await;
        keeper.start(run.shell(1, script)).await.expect("asked");
        let pids = pids_in(&run.file("pids"), 1).await;
        let told = {
            kill9(keeper.pid());
            tokio::time::timeout(PATIENCE, keeper.ended())
                .await
                .expect("in time")
        };
        assert!(matches!(told, Err(KeeperError::Gone { .. })), "{told:?}");
        drop(keeper);
        let found = leftovers(&run).await;
        let Fate::Orphan(orphan) = found.fate(attempt(1)) else {
            panic!("an orphan")
        };
        assert_eq!(orphan.process.pid, pids[0]);
        assert!(!orphan.wait(Duration::from_millis(20)), "it lives");
        drop(found);
        let keeper = run.keeper(2).await;
        assert_eq!(keeper.known().get(&attempt(1)), Some(&Known::LeftOver));
        keeper.start(run.shell(1, script)).await.expect("asked");
        std::fs::write(run.file("go"), "").expect("written");
        let ended = end_of(&keeper, attempt(1)).await;
        assert!(matches!(ended.status, Status::Unknown(_)), "{ended:?}");
        assert!(orphan.wait(PATIENCE));
        assert_eq!(
            pids_in(&run.file("pids"), 1).await,
            pids,
            "nothing was started beside it"
        );
        assert!(matches!(leftovers_after(keeper, &run).await, Fate::Ended(told) if told == ended));
    });
}

async fn leftovers_after(keeper: Keeper, run: &Run) -> Fate {
    kill_keeper(keeper).await;
    leftovers(run).await.fate(attempt(1))
}

#[test]
fn an_orphan_is_ended_when_its_time_is_up_or_it_is_told_to_stop() {
    for stop in [true, false] {
        in_runtime(async {
            let run = Run::new();
            let keeper = run.keeper(1).await;
            keeper
                .start(run.shell(1, "sleep 300 & echo $$ >> pids; echo $! >> pids; wait"))
                .await
                .expect("asked");
            let pids = pids_in(&run.file("pids"), 2).await;
            kill_keeper(keeper).await;
            assert!(
                pids.iter().all(|&pid| lives(pid)),
                "the work outlives the keeper"
            );
            let keeper = run.keeper(2).await;
            let mut launch = run.shell(1, "");
            if stop {
                keeper.stop(attempt(1)).await.expect("asked");
                assert_eq!(end_of(&keeper, attempt(1)).await.status, Status::Stopped);
            } else {
                launch.deadline_in = Some(piton_core::time::Millis(30));
                assert_eq!(outcome(&keeper, launch).await.status, Status::TimedOut);
            }
            assert!(pids.iter().all(|&pid| !lives(pid)), "nothing is left");
            keeper.shutdown().await.expect("asked");
        });
    }
}

#[test]
fn an_orphan_can_be_ended_without_a_keeper() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        keeper
            .start(run.shell(
                1,
                "setsid sleep 300 & echo $$ >> pids; echo $! >> pids; wait",
            ))
            .await
            .expect("asked");
        let pids = pids_in(&run.file("pids"), 2).await;
        kill_keeper(keeper).await;
        let Fate::Orphan(orphan) = leftovers(&run).await.fate(attempt(1)) else {
            panic!("an orphan")
        };
        orphan.end(Duration::from_secs(1)).expect("ended");
        assert!(pids.iter().all(|&pid| !lives(pid)), "nothing is left");
    });
}

#[test]
fn a_dead_process_without_a_result_is_unknown() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        keeper
            .start(run.shell(1, "echo $$ >> pids; exec sleep 300"))
            .await
            .expect("asked");
        let pids = pids_in(&run.file("pids"), 1).await;
        kill_keeper(keeper).await;
        kill9(pids[0]);
        until("the step is dead", || !lives(pids[0])).await;
        assert!(matches!(
            leftovers(&run).await.fate(attempt(1)),
            Fate::Unknown(_)
        ));
        let keeper = run.keeper(2).await;
        let ended = outcome(&keeper, run.shell(1, "echo $$ >> pids")).await;
        assert!(matches!(ended.status, Status::Unknown(_)), "{ended:?}");
        assert_eq!(
            pids_in(&run.file("pids"), 1).await,
            pids,
            "it was not started again"
        );
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn what_another_boot_began_is_unknown() {
    in_runtime(async {
        let run = Run::new();
        let own = std::process::id();
        run.write_log(&format!(
            "H 1 another-boot/1\nB {0} 1\nP {0} {own} 1\nB {1} 1\n",
            attempt(1),
            attempt(2)
        ));
        let found = leftovers(&run).await;
        for number in [1, 2, 3] {
            assert!(
                matches!(found.fate(attempt(number)), Fate::Unknown(_)),
                "{number}"
            );
        }
        drop(found);
        let keeper = run.keeper(2).await;
        for number in [1, 2, 3] {
            let mut launch = run.shell(number, "echo one >> count");
            launch.resumed = true;
            let ended = outcome(&keeper, launch).await;
            assert!(matches!(ended.status, Status::Unknown(_)), "{ended:?}");
        }
        assert!(!run.file("count").exists());
        // One that was recorded just now cannot have run before.
        assert_eq!(outcome(&keeper, run.shell(4, "exit 2")).await, exited(2));
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn a_directory_may_have_a_longer_path_than_a_socket() {
    in_runtime(async {
        let run = Run::new();
        let dir = KeeperDir::new(run.dir.path().join("deep/".repeat(40)).join("run"));
        let keeper = Keeper::attach_or_start(&dir, 1, &executable())
            .await
            .expect("a keeper");
        let same = Keeper::attach(&dir, 1)
            .await
            .expect("attached")
            .expect("a keeper");
        assert_eq!(same.pid(), keeper.pid());
        assert_eq!(outcome(&same, run.shell(1, "exit 8")).await, exited(8));
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn many_engines_at_once_find_one_keeper() {
    in_runtime(async {
        let run = Run::new();
        let executable = executable();
        let attach = || Keeper::attach_or_start(&run.dir, 1, &executable);
        let (a, b, c, d) = tokio::join!(attach(), attach(), attach(), attach());
        let pids = [a, b, c, d].map(|keeper| keeper.expect("a keeper").pid());
        assert!(pids.iter().all(|&pid| pid == pids[0]), "{pids:?}");
    });
}

#[test]
fn a_keeper_goes_at_the_end_of_the_run_and_says_why_it_cannot_begin() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let pid = keeper.pid();
        keeper.shutdown().await.expect("asked");
        until("the keeper is gone", || !lives(pid)).await;
        std::fs::remove_file(run.dir.log()).expect("removed");
        std::fs::create_dir(run.dir.log()).expect("made");
        let error = Keeper::attach_or_start(&run.dir, 1, &executable())
            .await
            .err()
            .expect("an error");
        assert!(matches!(error, KeeperError::Broken { .. }), "{error}");
        assert!(error.to_string().contains("keeper.log"), "{error}");
    });
}

#[test]
fn a_keeper_killed_at_any_moment_has_nothing_done_twice() {
    in_runtime(async {
        let run = Run::new();
        let mut fence = 1;
        let (mut known, mut unknown) = (0, 0);
        for number in 1..=40 {
            let script = format!("echo {number} >> done");
            let keeper = run.keeper(fence).await;
            keeper
                .start(run.shell(number, &script))
                .await
                .expect("asked");
            // Not to wait for anything: to be at another point of the start each time.
            tokio::time::sleep(Duration::from_micros(u64::from(number) * 150)).await;
            kill9(keeper.pid());
            fence += 1;
            let keeper = run.keeper(fence).await;
            let mut again = run.shell(number, &script);
            again.resumed = true;
            let ended = outcome(&keeper, again).await;
            let text = std::fs::read_to_string(run.file("done")).unwrap_or_default();
            let times = text
                .lines()
                .filter(|line| *line == number.to_string())
                .count();
            match ended.status {
                Status::Exited(0) => {
                    known += 1;
                    assert_eq!(times, 1, "attempt {number}");
                }
                Status::Unknown(_) => {
                    unknown += 1;
                    assert!(times <= 1, "attempt {number}");
                }
                status => panic!("attempt {number}: {status:?}"),
            }
        }
        assert_eq!(known + unknown, 40);
        run.keeper(fence).await.shutdown().await.expect("asked");
    });
}

//! Time limits, stops, and what could not be started.

use super::support::*;
use piton_core::time::Millis;
use piton_runtime::keeper::{Ended, Status};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

/// Starts processes that get away in each known way, one of which ignores TERM; then waits for long.
const ESCAPES: &str = "
trap '' TERM
echo $$ >> pids
sh -c 'trap \"\" TERM; echo $$ >> pids; while :; do sleep 1; done' &
setsid sh -c 'echo $$ >> pids; exec sleep 300' &
sh -c 'setsid sh -c \"echo \\$\\$ >> pids; exec sleep 300\" >/dev/null 2>&1 </dev/null &'
env -i \"$(command -v setsid)\" /bin/sh -c 'echo $$ >> pids; exec sleep 300' &
sh -c 'env -i '\"$(command -v setsid)\"' /bin/sh -c \"echo \\$\\$ >> pids; exec sleep 300\" >/dev/null 2>&1 &'
while :; do sleep 1; done
";

#[test]
fn all_that_an_attempt_started_is_ended_when_its_time_is_up() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let mut launch = run.shell(1, ESCAPES);
        launch.grace = Millis(100);
        launch.deadline_in = Some(Millis(1500));
        keeper.start(launch).await.expect("asked");
        let pids = pids_in(&run.file("pids"), 6).await;
        assert_eq!(
            end_of(&keeper, attempt(1)).await,
            Ended::with(Status::TimedOut)
        );
        let left: Vec<_> = pids.iter().filter(|&&pid| lives(pid)).collect();
        assert!(left.is_empty(), "{left:?} of {pids:?}");
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn a_stop_ends_one_attempt_and_leaves_the_others() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let mut launch = run.shell(1, ESCAPES);
        launch.grace = Millis(100);
        // Without another attempt beside it, orphans without marks are known to be its own.
        keeper.start(launch).await.expect("asked");
        let pids = pids_in(&run.file("pids"), 6).await;
        let script = "echo $$ >> other; (setsid sleep 300 & echo $! >> other); while [ ! -e go ]; do sleep 0.02; done; kill $(tail -n 1 other)";
        keeper.stop(attempt(1)).await.expect("asked");
        assert_eq!(end_of(&keeper, attempt(1)).await.status, Status::Stopped);
        assert!(pids.iter().all(|&pid| !lives(pid)));
        keeper.start(run.shell(2, script)).await.expect("asked");
        let other = pids_in(&run.file("other"), 2).await;
        keeper
            .start(run.shell(3, "echo $$ >> third; sleep 300"))
            .await
            .expect("asked");
        let third = pids_in(&run.file("third"), 1).await;
        keeper.stop(attempt(3)).await.expect("asked");
        assert_eq!(end_of(&keeper, attempt(3)).await.status, Status::Stopped);
        assert!(!lives(third[0]));
        assert!(
            other.iter().all(|&pid| lives(pid)),
            "another attempt's processes are left alone"
        );
        std::fs::write(run.file("go"), "").expect("written");
        assert_eq!(end_of(&keeper, attempt(2)).await, exited(0));
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn term_gives_a_process_the_time_to_clean_up() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let script =
            "trap 'echo cleaned; exit 0' TERM; echo $$ >> pids; while :; do sleep 0.02; done";
        let mut launch = run.shell(1, script);
        launch.grace = Millis(15_000);
        keeper.start(launch).await.expect("asked");
        pids_in(&run.file("pids"), 1).await;
        let begin = Instant::now();
        keeper.stop(attempt(1)).await.expect("asked");
        assert_eq!(end_of(&keeper, attempt(1)).await.status, Status::Stopped);
        assert!(begin.elapsed().as_secs() < 10, "it did not wait for KILL");
        assert_eq!(run.stdout(1), b"cleaned\n");
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn a_time_limit_holds_without_an_engine() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let mut launch = run.shell(1, "echo $$ >> pids; exec sleep 300");
        launch.deadline_in = Some(Millis(400));
        keeper.start(launch).await.expect("asked");
        let pids = pids_in(&run.file("pids"), 1).await;
        drop(keeper);
        until("the step was ended", || !lives(pids[0])).await;
        let keeper = run.keeper(2).await;
        keeper
            .watch(attempt(1), None, Millis(0))
            .await
            .expect("asked");
        assert_eq!(end_of(&keeper, attempt(1)).await.status, Status::TimedOut);
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn a_signal_from_elsewhere_is_told_as_one() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        assert_eq!(
            outcome(&keeper, run.shell(1, "kill -9 $$")).await.status,
            Status::Signalled(9)
        );
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn a_stop_after_the_end_changes_nothing_and_one_before_the_start_says_so() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        assert_eq!(outcome(&keeper, run.shell(1, "exit 0")).await, exited(0));
        keeper.stop(attempt(1)).await.expect("asked");
        assert_eq!(end_of(&keeper, attempt(1)).await, exited(0));
        for stop in [true, false] {
            if stop {
                keeper.stop(attempt(2)).await.expect("asked");
            } else {
                keeper
                    .watch(attempt(2), None, Millis(0))
                    .await
                    .expect("asked");
            }
            let ended = end_of(&keeper, attempt(2)).await;
            assert!(
                matches!(ended.status, Status::NotStarted { errno: 0, .. }),
                "{ended:?}"
            );
        }
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn what_cannot_be_started_names_what_is_missing() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let script = run.file("script");
        std::fs::write(&script, "#!/no/such/interpreter\n").expect("written");
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("set");
        let plain = run.file("plain");
        std::fs::write(&plain, "no program").expect("written");
        let program = |path: &std::path::Path| path.to_string_lossy().into_owned();
        let cases = [
            (
                "no-such-program".to_owned(),
                "there is no program `no-such-program` on PATH",
            ),
            (
                "/no/such/program".to_owned(),
                "there is no program `/no/such/program`",
            ),
            (program(&script), "interpreter"),
            (program(&plain), "may not be executed"),
        ];
        for (number, (program, expected)) in (1..).zip(cases) {
            let mut launch = run.shell(number, "");
            launch.argv = vec![program];
            let Status::NotStarted { message, errno } = outcome(&keeper, launch).await.status
            else {
                panic!("it cannot be started");
            };
            assert!(message.contains(expected) && errno != 0, "{message}");
        }
        let mut launch = run.shell(10, ":");
        launch.dir = "/no/such/directory".into();
        let ended = outcome(&keeper, launch).await;
        let expected = "the directory `/no/such/directory` does not exist".to_owned();
        assert_eq!(
            ended.status,
            Status::NotStarted {
                errno: 2,
                message: expected
            }
        );
        let mut launch = run.shell(11, ":");
        launch.argv = Vec::new();
        assert!(matches!(
            outcome(&keeper, launch).await.status,
            Status::NotStarted { .. }
        ));
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn a_step_begins_clean() {
    in_runtime(async {
        let run = Run::new();
        // Something that the engine inherited and its keeper must not pass on.
        let inherited = std::fs::File::open("/dev/null").expect("there");
        rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).expect("set");
        let keeper = run.keeper(17).await;
        let script = "umask; echo $PITON_RUN $PITON_ATTEMPT $PITON_FENCE $OWN; grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd";
        let mut launch = run.shell(1, script);
        launch.umask = Some(0o027);
        launch.env.insert("OWN".into(), "mine".into());
        assert_eq!(outcome(&keeper, launch).await, exited(0));
        let text = String::from_utf8(run.stdout(1)).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "0027");
        assert_eq!(
            lines[1],
            format!("{} {} 17 mine", run.dir.run(), attempt(1))
        );
        assert_eq!(lines[2], "SigBlk:\t0000000000000000");
        let ignored = lines[3].strip_prefix("SigIgn:\t").expect("a mask");
        let ignored = u64::from_str_radix(ignored, 16).expect("a number");
        assert_eq!(
            ignored & 0x7fff_ffff,
            0,
            "none but real-time signals, which this process has inherited"
        );
        // Standard streams and the directory that `ls` reads.
        assert_eq!(&lines[4..], ["0", "1", "2", "3"]);
        for file in [
            run.dir.log(),
            run.dir.lock(),
            run.dir.output_log(attempt(1)),
            run.dir.stdout(attempt(1)),
        ] {
            let mode = std::fs::metadata(&file)
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
        keeper.shutdown().await.expect("asked");
    });
}

/// Fifty processes in sessions of their own, deaf to TERM, each of which starts new ones all the time.
const CROWD: &str = "
i=0
while [ $i -lt 50 ]; do
  setsid sh -c 'trap \"\" TERM; echo $$ >> pids; while :; do sleep 0.2 & sleep 0.2; done' >/dev/null 2>&1 </dev/null &
  i=$((i + 1))
done
exec sleep 300
";

#[test]
fn a_crowd_that_starts_new_processes_is_ended_when_its_time_is_up_or_it_is_stopped() {
    in_runtime(async {
        for deadline in [Some(Millis(1500)), None] {
            let run = Run::new();
            let keeper = run.keeper(1).await;
            let mut launch = run.shell(1, CROWD);
            (launch.grace, launch.deadline_in) = (Millis(100), deadline);
            keeper.start(launch).await.expect("asked");
            let pids = pids_in(&run.file("pids"), 50).await;
            let expected = match deadline {
                Some(_) => Status::TimedOut,
                None => {
                    keeper
                        .watch(attempt(1), None, Millis(0))
                        .await
                        .expect("asked");
                    keeper.stop(attempt(1)).await.expect("asked");
                    Status::Stopped
                }
            };
            assert_eq!(end_of(&keeper, attempt(1)).await.status, expected);
            let left: Vec<_> = pids.iter().filter(|&&pid| lives(pid)).collect();
            assert!(left.is_empty(), "{left:?} of {pids:?}");
            keeper.shutdown().await.expect("asked");
        }
    });
}

#[test]
fn a_process_that_closed_its_output_is_held_and_ended_all_the_same() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let script = "echo $$ >> pids; exec >/dev/null 2>&1 </dev/null; exec 1>&- 2>&- 0<&-; sleep 1; exit 5";
        assert_eq!(outcome(&keeper, run.shell(1, script)).await, exited(5));
        let mut launch = run.shell(2, &script.replace("sleep 1", "sleep 300"));
        launch.deadline_in = Some(Millis(1500));
        keeper.start(launch).await.expect("asked");
        let pids = pids_in(&run.file("pids"), 2).await;
        assert_eq!(end_of(&keeper, attempt(2)).await.status, Status::TimedOut);
        assert!(pids.iter().all(|&pid| !lives(pid)), "{pids:?}");
        keeper.shutdown().await.expect("asked");
    });
}

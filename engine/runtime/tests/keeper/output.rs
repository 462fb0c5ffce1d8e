//! What steps print and read.

use super::support::*;
use piton_runtime::keeper::Status;
use piton_runtime::keeper::output::{STDOUT_LIMIT, Stream};

#[test]
fn both_streams_are_kept_and_standard_output_alone_too() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        assert_eq!(
            outcome(
                &keeper,
                run.shell(1, "echo a; echo b >&2; printf 'c\\0\\377'")
            )
            .await,
            exited(0)
        );
        assert_eq!(run.stdout(1), b"a\nc\0\xff");
        assert_eq!(run.log_of(1, Stream::Stdout), b"a\nc\0\xff\n");
        assert_eq!(run.log_of(1, Stream::Stderr), b"b\n");
        assert_eq!(outcome(&keeper, run.shell(2, ":")).await, exited(0));
        assert!(
            !run.dir.output_log(attempt(2)).exists(),
            "no output, no file"
        );
        assert_eq!(run.stdout(2), b"");
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn much_output_does_not_stall_and_is_cut_only_for_expressions() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let script = "head -c 10000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' '\\n' >&2";
        let ended = outcome(&keeper, run.shell(1, script)).await;
        assert!(
            ended.stdout_cut && !ended.output_lost && ended.status == Status::Exited(0),
            "{ended:?}"
        );
        assert_eq!(run.stdout(1).len(), STDOUT_LIMIT);
        assert_eq!(run.log_of(1, Stream::Stdout).len(), 10_000_001);
        assert_eq!(run.log_of(1, Stream::Stderr).len(), 3_000_000);
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn secrets_are_masked_in_every_file_of_the_run() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let script = "printf 'a %s b' \"$PASSWORD\"; printf 'hun'; sleep 0.1; printf 'ter2-secret;'; \
                      printf %s \"$PASSWORD\" >&2; printf 'x%s' \"$PASSWORD\" | base64";
        let mut launch = run.shell(1, script);
        launch
            .env
            .insert("PASSWORD".into(), "hunter2-secret".into());
        launch.secrets = vec!["hunter2-secret".into()];
        assert_eq!(outcome(&keeper, launch).await, exited(0));
        let text = String::from_utf8(run.stdout(1)).expect("text");
        assert!(text.starts_with("a *** b***;"), "{text}");
        assert_eq!(
            text.matches("***").count(),
            3,
            "the encoded one too: {text}"
        );
        assert_eq!(run.log_of(1, Stream::Stderr), b"***\n");
        let mut dirs = vec![run.dir.path().to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).expect("readable").flatten() {
                let kind = entry.file_type().expect("known");
                if kind.is_dir() {
                    dirs.push(entry.path());
                } else if kind.is_file() {
                    let bytes = std::fs::read(entry.path()).expect("readable");
                    let found = bytes.windows(7).any(|window| window == b"hunter2");
                    assert!(!found, "{}", entry.path().display());
                }
            }
        }
        let arguments = std::fs::read(format!("/proc/{}/cmdline", keeper.pid())).expect("readable");
        let environment =
            std::fs::read(format!("/proc/{}/environ", keeper.pid())).expect("readable");
        assert!(
            ![arguments, environment]
                .concat()
                .windows(7)
                .any(|window| window == b"hunter2")
        );
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn a_daemon_that_keeps_the_output_open_does_not_hold_the_attempt() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let script = "(while [ ! -e go ]; do sleep 0.02; done; echo late) & echo early; exit 3";
        assert_eq!(outcome(&keeper, run.shell(1, script)).await, exited(3));
        assert_eq!(run.stdout(1), b"early\n");
        // The run is over, but somebody still writes.
        keeper.shutdown().await.expect("asked");
        std::fs::write(run.file("go"), "").expect("written");
        until("what the daemon prints is kept too", || {
            run.log_of(1, Stream::Stdout) == b"early\nlate\n"
        })
        .await;
        assert_eq!(run.stdout(1), b"early\n");
        until("the keeper goes", || !lives(keeper.pid())).await;
    });
}

#[test]
fn input_reaches_the_process_and_one_that_does_not_read_it_is_no_error() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        let mut launch = run.shell(1, "wc -c");
        launch.stdin = Some(vec![0; 1_000_000]);
        assert_eq!(outcome(&keeper, launch).await, exited(0));
        assert_eq!(String::from_utf8_lossy(&run.stdout(1)).trim(), "1000000");
        let mut launch = run.shell(2, "exit 4");
        launch.stdin = Some(vec![0; 1_000_000]);
        assert_eq!(outcome(&keeper, launch).await, exited(4));
        assert_eq!(outcome(&keeper, run.shell(3, "cat")).await, exited(0));
        keeper.shutdown().await.expect("asked");
    });
}

#[test]
fn a_disk_that_takes_no_output_does_not_end_the_step_and_is_told() {
    in_runtime(async {
        let run = Run::new();
        let keeper = run.keeper(1).await;
        std::fs::write(run.dir.path().join("logs"), "in the way").expect("written");
        let ended = outcome(&keeper, run.shell(1, "echo a; echo one >> count")).await;
        assert!(
            ended.output_lost && ended.status == Status::Exited(0),
            "{ended:?}"
        );
        assert_eq!(
            std::fs::read_to_string(run.file("count")).expect("read"),
            "one\n"
        );
        keeper.shutdown().await.expect("asked");
    });
}

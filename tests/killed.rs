//! Killed with `kill -9` at any moment, a run goes on: nothing lost, nothing done twice, nothing asked without need.

use crate::support::{Chance, Place, chain, kill, until};
use std::time::{Duration, Instant};

/// How many kills: `PITON_TEST_KILLS`, else what `./test` takes.
fn kills() -> usize {
    std::env::var("PITON_TEST_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100)
}

fn seed() -> u64 {
    let seed = std::env::var("PITON_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_261_123);
    println!("PITON_TEST_SEED={seed}");
    seed
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn a_chain_survives_its_engine_being_killed_a_hundred_times() {
    let mut chance = Chance::new(seed());
    let (mut killed, mut inside, mut rounds) = (0, 0, 0);
    while killed < kills() {
        rounds += 1;
        let place = Place::new();
        let file = place.file("chain.runbook", &chain(50, "0.03", &place.dir));
        let mut engine = place.spawn(["run".as_ref(), file.as_os_str()]);
        loop {
            // The first kill of a round waits until there is a run to resume.
            until("the first step starts", || {
                !place.read("started").is_empty() || engine.try_wait().expect("a child").is_some()
            });
            std::thread::sleep(Duration::from_millis(chance.below(300)));
            let attempt_runs =
                || lines(&place.read("started")).len() > lines(&place.read("done")).len();
            // Most kills wait for an attempt, however slow the machine is; the others come when they come.
            if chance.below(10) < 8 {
                until("an attempt runs", || {
                    attempt_runs() || engine.try_wait().expect("a child").is_some()
                });
            }
            if engine.try_wait().expect("a child").is_none() {
                engine.kill().expect("our child");
                if attempt_runs() {
                    inside += 1;
                }
                killed += 1;
            }
            let status = engine.wait().expect("a child");
            match status.code() {
                None => engine = place.spawn(["resume", "last"]),
                Some(0) => break,
                Some(code) => {
                    let show = place.run(["show", "last"]);
                    panic!("resume ended with {code} after {killed} kills: {show:?}")
                }
            }
        }
        let expected: Vec<String> = (0..50).map(|step| format!("s{step}")).collect();
        assert_eq!(
            lines(&place.read("started")),
            expected,
            "each started once, in order"
        );
        assert_eq!(
            lines(&place.read("done")),
            expected,
            "each done once, in order"
        );
        place.run(["audit", "last"]).expect(0);
    }
    println!("{rounds} runs, {killed} kills, {inside} of them inside an attempt");
    assert!(
        inside * 10 >= killed * 7,
        "only {inside} of {killed} kills hit an attempt"
    );
}

#[test]
fn engine_and_keeper_killed_together_ask_at_most_once_an_attempt() {
    let mut chance = Chance::new(seed() + 1);
    let (mut killed, mut asked, mut rounds) = (0, 0, 0);
    while killed < kills() / 4 {
        rounds += 1;
        let place = Place::new();
        let file = place.file("chain.runbook", &chain(12, "0.03", &place.dir));
        let mut engine = place.spawn(["run".as_ref(), file.as_os_str()]);
        until("the first step starts", || {
            !place.read("started").is_empty()
        });
        loop {
            std::thread::sleep(Duration::from_millis(chance.below(250)));
            if engine.try_wait().expect("a child").is_none() {
                let keepers = place.keepers();
                if chance.below(2) == 0 {
                    engine.kill().expect("our child");
                    keepers.into_iter().for_each(|pid| kill(pid, "KILL"));
                } else {
                    keepers.into_iter().for_each(|pid| kill(pid, "KILL"));
                    engine.kill().expect("our child");
                }
                killed += 1;
            }
            match engine.wait().expect("a child").code() {
                Some(0) => break,
                None => {}
                Some(3) => {
                    asked += answer(&place);
                    if place.state() == "succeeded" {
                        break;
                    }
                }
                Some(code) => panic!("ended with {code}: {:?}", place.run(["show", "last"])),
            }
            engine = place.spawn(["resume", "last"]);
        }
        let expected: Vec<String> = (0..12).map(|step| format!("s{step}")).collect();
        assert_eq!(
            lines(&place.read("done")),
            expected,
            "each done once, in order"
        );
    }
    println!("{rounds} runs, {killed} kills of both, {asked} questions");
    assert!(asked <= killed, "{asked} questions for {killed} kills");
}

/// Answers the one open question with what really happened, as a person would who looked.
fn answer(place: &Place) -> usize {
    let view = place.json(["show", "last", "--json"]);
    let nodes = view["nodes"].as_array().expect("nodes");
    let open: Vec<&str> = nodes
        .iter()
        .filter(|node| !node["question"].is_null())
        .map(|node| node["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(
        open.len(),
        1,
        "one attempt was in flight, so one question: {view}"
    );
    let done = place.read("done");
    let happened = done.lines().any(|line| line == open[0]);
    let word = if happened {
        "succeeded"
    } else {
        "did-not-happen"
    };
    place
        .run(["decide", "last", open[0], word, "--no-resume"])
        .expect(0);
    1
}

#[test]
fn a_long_step_is_not_disturbed_and_only_its_rest_is_waited_for() {
    let place = Place::new();
    let file = place.file(
        "sleep.runbook",
        "runbook sleep {\n step long {\n run = \"echo began >> began; sleep 20; echo well\"\n effect = none timeout = 1m\n outputs { said = \"stdout\" }\n }\n}\n",
    );
    let began = Instant::now();
    let mut engine = place.spawn(["run".as_ref(), file.as_os_str()]);
    until("the step runs", || !place.read("began").is_empty());
    std::thread::sleep(Duration::from_secs(2));
    engine.kill().expect("our child");
    engine.wait().expect("a child");
    std::thread::sleep(Duration::from_secs(2));
    let resumed = place.run(["resume", "last"]).expect(0);
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(20), "{took:?}");
    assert!(
        took < Duration::from_secs(32),
        "resume waited longer than the rest: {took:?}"
    );
    assert_eq!(
        place.read("began"),
        "began\n",
        "it was started once: {resumed:?}"
    );
    let view = place.json(["show", "last", "--json"]);
    let node = &view["nodes"][0];
    assert_eq!(node["outputs"]["said"], "well", "{view}");
    assert_eq!(node["attempts"][0]["exit_code"], 0, "{view}");
    assert_eq!(node["attempts"].as_array().map(Vec::len), Some(1), "{view}");
}

#[test]
fn a_step_that_ended_while_no_engine_lived_is_not_done_again() {
    let place = Place::new();
    let file = place.file(
        "short.runbook",
        "runbook short {\n step a { run = \"echo a >> a; sleep 1; echo a done; exit 7\" effect = abandoned(\"a test\") timeout = 1m }\n}\n",
    );
    let mut engine = place.spawn(["run".as_ref(), file.as_os_str()]);
    until("the step runs", || !place.read("a").is_empty());
    engine.kill().expect("our child");
    engine.wait().expect("a child");
    std::thread::sleep(Duration::from_secs(2));
    place.run(["resume", "last"]).expect(1).says("exit code 7");
    assert_eq!(place.read("a"), "a\n");
}

#[test]
fn a_time_limit_holds_while_no_engine_lives() {
    let place = Place::new();
    let file = place.file(
        "slow.runbook",
        "runbook slow {\n step a { run = \"echo a >> a; sleep 300 & sleep 301; wait\" effect = abandoned(\"a test\") timeout = 1s }\n}\n",
    );
    let mut engine = place.spawn(["run".as_ref(), file.as_os_str()]);
    until("the step runs", || !place.read("a").is_empty());
    engine.kill().expect("our child");
    engine.wait().expect("a child");
    let ours = || {
        crate::support::processes(|line| {
            line.starts_with("sleep 300") || line.starts_with("sleep 301")
        })
    };
    until("the keeper ends the step and what it started", || {
        ours().is_empty()
    });
    place.run(["resume", "last"]).expect(1).says("1s");
}

#[test]
fn cancel_ends_a_step_that_runs_without_an_engine() {
    let place = Place::new();
    let file = place.file(
        "slow.runbook",
        "runbook slow {\n step a { run = \"echo a >> a; setsid sleep 302 & sleep 303\" effect = abandoned(\"a test\") timeout = 10m }\n step b { run = \"echo b >> b\" effect = none timeout = 1m }\n}\n",
    );
    let mut engine = place.spawn(["run".as_ref(), file.as_os_str()]);
    until("the step runs", || !place.read("a").is_empty());
    engine.kill().expect("our child");
    engine.wait().expect("a child");
    place
        .run(["cancel", "last", "--reason", "a test"])
        .expect(0);
    let left = crate::support::processes(|line| {
        line.starts_with("sleep 302") || line.starts_with("sleep 303")
    });
    assert_eq!(left, Vec::<u32>::new(), "nothing of it is left");
    assert_eq!(place.state(), "cancelled");
    assert_eq!(place.read("b"), "");
    place.run(["resume", "last"]).expect(130);
}

#[test]
fn two_engines_cannot_drive_one_run() {
    let place = Place::new();
    let file = place.file("slow.runbook", "runbook slow {\n step a { run = \"echo a >> a; sleep 3\" effect = none timeout = 1m }\n}\n");
    let mut first = place.spawn(["run".as_ref(), file.as_os_str()]);
    until("the step runs", || !place.read("a").is_empty());
    let second = place.run(["resume", "last"]);
    assert_ne!(second.code, Some(0), "{second:?}");
    let second = second.without_panic();
    assert!(
        second.stderr.contains(&first.id().to_string()),
        "it names the process that drives the run: {second:?}"
    );
    assert_eq!(first.wait().expect("a child").code(), Some(0));
    assert_eq!(place.read("a"), "a\n");
}

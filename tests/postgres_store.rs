//! A team's store on a real Postgres: a colleague on another host sees, decides and takes over; engines and the server
//! die in the middle; no password is shown anywhere.

use crate::support::account::account;
use crate::support::postgres::{Cluster, done};
use crate::support::team::{PASSWORD, Team, clean, finds};
use crate::support::{Ended, chain, kill, until};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// How often each step of a chain was started and done.
fn counts(dir: &Path) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let of = |name: &str| {
        let mut counts = BTreeMap::new();
        let text = std::fs::read_to_string(dir.join(name)).unwrap_or_default();
        for line in text.lines() {
            *counts.entry(line.to_owned()).or_insert(0) += 1;
        }
        counts
    };
    (of("started"), of("done"))
}

/// All steps of a chain were done once.
#[track_caller]
fn each_once(dir: &Path, steps: usize) {
    let (started, done) = counts(dir);
    let expected: BTreeMap<_, _> = (0..steps).map(|step| (format!("s{step}"), 1)).collect();
    assert_eq!(started, expected);
    assert_eq!(done, expected);
}

#[test]
fn a_colleague_on_another_host_sees_decides_and_takes_over() {
    let team = Team::new();
    let b = team.another("b");
    let text = format!(
        r#"
runbook shared {{
  timeout = 1m
  dir     = "{}"
  step first {{ run = "echo hello from the first step"  effect = none }}
  gate go {{ approve {{ by = ["ada"] }}  on_fail = [stop] }}
  step second {{
    run      = "echo hello from the second step | tee kept"
    evidence = ["kept"]
    effect   = abandoned("a test")
  }}
}}
"#,
        team.a.dir.display()
    );
    team.a.file("shared.runbook", &text);
    clean(team.a.run(["run", "shared.runbook"])).expect(3);
    let run = team.a.last_run();
    assert_eq!(b.last_run(), run);
    clean(b.run(["show", "last"])).expect(0).says("go");
    clean(b.run(["show", "last", "--json"])).expect(0);
    clean(b.run(["logs", "last", "first"]))
        .expect(0)
        .says("hello from the first step");
    clean(b.run(["audit", "last"])).expect(0);
    clean(b.run(["approve", "last", "go", "--as", "ada"])).expect(0);
    assert_eq!(team.a.state(), "succeeded");
    clean(team.a.run(["logs", "last", "second"]))
        .expect(0)
        .says("hello from the second step");
    // What was kept is on the host that ran the step.
    clean(b.run(["audit", "last"]))
        .expect(0)
        .says("and the kept file are as they were");
    clean(team.a.run(["audit", "last"]))
        .expect(0)
        .says("1 files were kept on other hosts");
    // The test's server does not wait for its disk, which is worth a word.
    clean(b.run(["doctor"]))
        .expect(1)
        .says("schema `piton`")
        .says("`fsync` or `full_page_writes` is off");
    clean(b.run(["doctor", "--json"])).expect(1);
    clean(b.run(["lock", "list"])).expect(0).says(&format!(
        "postgres://team@127.0.0.1:{}/postgres",
        team.cluster.port
    ));
}

#[test]
fn a_decision_on_another_host_wakes_the_engine_at_once() {
    let team = Team::new();
    let b = team.another("b");
    let text = r#"
runbook shared {
  timeout = 1m
  gate go { approve { by = ["ada"] }  on_fail = [stop] }
  step after { run = "echo after"  effect = none }
}
"#;
    team.a.file("shared.runbook", text);
    let waiting = team.a.spawn(["run", "--wait", "shared.runbook"]);
    until("the run waits", || b.state() == "waiting");
    clean(b.run(["approve", "last", "go", "--as", "ada"])).expect(0);
    let ended = Ended::from(waiting.wait_with_output().expect("piton"));
    clean(ended).expect(0);
}

#[test]
fn bytes_that_are_no_text_come_through_the_store() {
    let team = Team::new();
    let b = team.another("b");
    let text = "runbook bytes {\n  timeout = 1m\n  step say {\n    exec = [\"printf\", \"nul \\\\000 half \\\\377 esc \\\\033[2J end\"]\n    effect = none\n    outputs { said = \"stdout\" }\n  }\n}\n";
    team.a.file("bytes.runbook", text);
    clean(team.a.run(["run", "bytes.runbook"])).expect(0);
    let shown = b.json(["show", "last", "--json"]);
    assert_eq!(
        shown["nodes"][0]["outputs"]["said"],
        "nul \u{0} half \u{fffd} esc \u{1b}[2J end"
    );
    clean(b.run(["logs", "last", "say"]))
        .expect(0)
        .says("nul \u{0} half \u{fffd}");
    clean(b.run(["audit", "last"])).expect(0);
}

#[test]
fn an_engine_that_is_killed_is_followed_by_another_and_each_step_runs_once() {
    let team = Team::new();
    team.a.file("chain.runbook", &chain(6, "0.3", &team.a.dir));
    let mut engine = team.a.spawn(["run", "chain.runbook"]);
    until("the third step runs", || {
        team.a.read("started").contains("s2")
    });
    kill(engine.id(), "KILL");
    engine.wait().expect("piton");
    clean(team.a.run(["resume"])).expect(0);
    each_once(&team.a.dir, 6);
    clean(team.a.run(["audit"])).expect(0);
}

#[test]
fn a_server_that_dies_in_the_middle_and_comes_back_loses_nothing() {
    let team = Team::new();
    team.a.file("chain.runbook", &chain(12, "0.1", &team.a.dir));
    let engine = team.a.spawn(["run", "chain.runbook"]);
    for step in [2, 6, 9] {
        until("the chain goes on", || {
            team.a.read("started").contains(&format!("s{step}\n"))
        });
        team.cluster.crash();
        team.cluster.start();
    }
    let ended = Ended::from(engine.wait_with_output().expect("piton"));
    clean(ended).expect(0);
    each_once(&team.a.dir, 12);
    clean(team.a.run(["audit"])).expect(0);
}

#[test]
fn a_server_that_stays_away_is_told_and_the_run_goes_on_when_it_is_back() {
    let mut team = Team::new();
    let patience = ("PITON_STORE_PATIENCE".to_owned(), "1s".into());
    team.a.settings.push(patience);
    team.a.file("chain.runbook", &chain(3, "1", &team.a.dir));
    let engine = team.a.spawn(["run", "chain.runbook"]);
    until("the first step runs", || !team.a.read("started").is_empty());
    team.cluster.crash();
    let ended = Ended::from(engine.wait_with_output().expect("piton"));
    let run = ended.stderr.clone() + &ended.stdout;
    clean(ended)
        .expect(1)
        .says("cannot be reached")
        .says("what runs goes on");
    assert!(run.contains("piton resume chain-"), "{run}");
    team.cluster.start();
    clean(team.a.run(["resume"])).expect(0);
    each_once(&team.a.dir, 3);
}

#[test]
fn a_password_on_the_command_line_is_warned_of_and_never_repeated() {
    let team = Team::new();
    let mut url = format!(
        "postgres://team:{PASSWORD}@127.0.0.1:{}/postgres",
        team.cluster.port
    );
    clean(team.a.run(["runs", "--store", &url]))
        .expect(0)
        .says("everybody on this machine can read the password");
    let port = team.cluster.port;
    team.cluster.crash();
    clean(team.a.run(["runs"]))
        .expect(1)
        .says("cannot be reached");
    clean(team.a.run(["doctor"])).expect(1);
    url.push_str("?nonsense=1");
    clean(team.a.run(["runs", "--store", &url])).expect(2);
    let wrong = format!("postgre://team:{PASSWORD}@127.0.0.1:{port}/postgres");
    clean(team.a.run(["runs", "--store", &wrong])).expect(2);
}

#[test]
fn another_server_takes_the_place_of_one_that_is_lost_and_nothing_is_lost_with_it() {
    let mut team = Team::new();
    let primary = &team.cluster;
    primary.stop();
    let standby = Cluster::of(&primary.data, &team.a.dir.join("standby"), None);
    standby.configure(&format!(
        "primary_conninfo = 'host={} port={} user=postgres'",
        primary.sockets.display(),
        primary.port
    ));
    account().file(&standby.data.join("standby.signal"), "");
    // What the first server acknowledges, the second one has.
    primary.configure("synchronous_standby_names = '*'");
    primary.start();
    standby.start();
    let addresses = format!("127.0.0.1:{},127.0.0.1:{}", primary.port, standby.port);
    finds(&mut team.a, &addresses, "?target_session_attrs=read-write");
    team.a.file("chain.runbook", &chain(8, "0.1", &team.a.dir));
    let engine = team.a.spawn(["run", "chain.runbook"]);
    until("the chain goes on", || {
        team.a.read("started").contains("s3\n")
    });
    let records = || {
        let checked = team.a.json(["audit", "last", "--json"]);
        checked["records"].as_u64().expect("a number")
    };
    let before = records();
    team.cluster.crash();
    standby.psql("postgres", "select pg_promote()");
    assert!(records() >= before, "{before}");
    let ended = Ended::from(engine.wait_with_output().expect("piton"));
    clean(ended).expect(0);
    each_once(&team.a.dir, 8);
    clean(team.a.run(["audit"])).expect(0);
}

#[test]
fn a_store_is_verified_as_far_as_sslmode_asks_for() {
    let mut team = Team::new();
    let folder = team.a.dir.join("certificates");
    std::fs::create_dir_all(&folder).expect("a folder");
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split_whitespace());
        done(command.current_dir(&folder));
    };
    for name in ["ours", "theirs"] {
        openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt"
        ));
    }
    openssl("req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr");
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").expect("a folder");
    openssl(
        "x509 -req -in server.csr -CA ours.crt -CAkey ours.key -CAcreateserial -days 2 -extfile names -out server.crt",
    );
    for name in ["server.key", "server.crt"] {
        let text = std::fs::read_to_string(folder.join(name)).expect("openssl wrote it");
        let file = team.cluster.data.join(name);
        account().file(&file, &text);
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("it is ours");
    }
    let rules = "local all all trust\nhostssl all all all scram-sha-256\n";
    account().file(&team.cluster.data.join("pg_hba.conf"), rules);
    team.cluster.stop();
    team.cluster.configure("ssl = on");
    team.cluster.start();

    let port = team.cluster.port;
    let root = |name: &str| format!("&sslrootcert={}", folder.join(name).display());
    let (ours, theirs) = (root("ours.crt"), root("theirs.crt"));
    for (host, mode, root, code, says) in [
        ("localhost", "verify-full", ours.as_str(), 0, ""),
        ("127.0.0.1", "verify-ca", &ours, 0, ""),
        ("127.0.0.1", "require", "", 0, ""),
        ("127.0.0.1", "verify-full", &ours, 1, "certificate"),
        ("localhost", "verify-full", &theirs, 1, "certificate"),
        ("localhost", "disable", "", 1, "no encryption"),
    ] {
        finds(
            &mut team.a,
            &format!("{host}:{port}"),
            &format!("?sslmode={mode}{root}"),
        );
        clean(team.a.run(["runs"])).expect(code).says(says);
    }
    finds(
        &mut team.a,
        &format!("localhost:{port}"),
        &format!("?sslmode=verify-full{ours}"),
    );
    team.a.file("chain.runbook", &chain(2, "0", &team.a.dir));
    clean(team.a.run(["run", "chain.runbook"])).expect(0);
    clean(team.a.run(["doctor"])).says("encrypted");
}

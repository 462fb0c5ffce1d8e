//! Every example runs as its first lines say, and the two syntaxes of one give the same records.

use crate::prose::{Line, Shell};
use crate::support::{Ended, Place, top, until};
use serde_json::Value;
use std::path::PathBuf;

/// Runs an example in both syntaxes until it has succeeded, and compares what was written down.
fn twins(name: &str, run: impl Fn(&Place, &str) -> Ended) {
    twins_to("succeeded", name, run);
}

/// Runs an example in both syntaxes to this end, and compares what was written down.
fn twins_to(state: &str, name: &str, run: impl Fn(&Place, &str) -> Ended) {
    let records: Vec<Vec<Value>> = ["runbook", "runbook.yaml"]
        .into_iter()
        .map(|ending| {
            let place = Place::new();
            let file = top().join("examples").join(format!("{name}.{ending}"));
            place
                .run(["check".as_ref(), "--strict".as_ref(), file.as_os_str()])
                .expect(0);
            run(&place, &file.to_string_lossy());
            // A decision may be carried on by the process that waited for it.
            until("the run rests", || place.state() != "running");
            assert_eq!(place.state(), state, "{:?}", place.run(["show", "last"]));
            place.run(["audit", "last"]).expect(0);
            facts(&place)
        })
        .collect();
    assert_eq!(records[0], records[1]);
}

/// The last run's own directory.
fn work(place: &Place) -> PathBuf {
    let view = place.json(["show", "last", "--json"]);
    PathBuf::from(view["start"]["work"].as_str().expect("a directory"))
}

/// A file of the last run's own directory.
fn made(place: &Place, name: &str) -> String {
    std::fs::read_to_string(work(place).join(name)).unwrap_or_default()
}

/// The facts of the last run, with ids, times, places and what depends on them taken out.
fn facts(place: &Place) -> Vec<Value> {
    let run = place.last_run();
    let store = rusqlite::Connection::open(place.dir.join("store.db")).expect("the store");
    let mut statement = store
        .prepare("select body from record order by seq")
        .expect("the table of records");
    let bodies = statement
        .query_map([], |row| row.get::<_, String>(0))
        .expect("rows");
    let mut facts: Vec<Value> = bodies
        .map(|body| {
            let body = body
                .expect("a record")
                .replace(&run, "RUN")
                .replace(&*place.dir.to_string_lossy(), "PLACE");
            let mut value: Value = serde_json::from_str(&body).expect("JSON");
            without_times(&mut value);
            value
        })
        .collect();
    // Branches that run side by side end in any order.
    facts.sort_by_key(Value::to_string);
    facts
}

fn without_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                match key.as_str() {
                    "deadline" | "expires" | "at" | "until" | "next" if inner.is_number() => {
                        *inner = Value::from("TIME")
                    }
                    "file" | "shown" => *inner = Value::from("ELSEWHERE"),
                    _ => without_times(inner),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(without_times),
        _ => {}
    }
}

#[test]
fn example_01_makes_damages_restores_and_proves() {
    twins("01-restore-drill", |place, file| {
        let ended = place.run(["run", file, "--yes"]).expect(0);
        let view = place.json(["show", "last", "--json"]);
        let gate = &view["nodes"][5];
        assert_eq!(gate["id"], "proved");
        assert_eq!(gate["checks"].as_array().map(Vec::len), Some(3), "{view}");
        assert!(
            gate["checks"]
                .as_array()
                .is_some_and(|all| all.iter().all(|one| one["passed"] == true)),
            "{view}"
        );
        ended.says("proved")
    });
}

#[test]
fn example_01_without_yes_waits_at_its_gate() {
    let place = Place::new();
    let file = top().join("examples/01-restore-drill.runbook");
    place.run(["run".as_ref(), file.as_os_str()]).expect(3);
    place.run(["approve", "last", "go"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
}

#[test]
fn example_02_waits_for_a_role() {
    twins("02-approval", |place, file| {
        place.run(["run", file]).expect(3);
        place
            .run(["approve", "last", "go", "--as", "somebody"])
            .expect(1);
        place
            .run(["approve", "last", "go", "--as", "on-call-lead"])
            .expect(0)
    });
}

#[test]
fn example_03_carries_values_and_keeps_its_secret() {
    twins("03-values-and-secrets", |place, file| {
        let mut command = place.piton(["run", file, "--set", "keep=2"]);
        let ended = Ended::from(
            command
                .env("SHOP_TOKEN", "open-sesame-41")
                .output()
                .expect("piton starts"),
        )
        .expect(0);
        assert!(!ended.stdout.contains("open-sesame-41"), "{ended:?}");
        let view = place.json(["show", "last", "--json"]);
        assert_eq!(view["nodes"][1]["outputs"]["count"], 3, "{view}");
        assert_eq!(view["nodes"][4]["outputs"]["pruned"], 3, "{view}");
        ended
    });
}

#[test]
fn example_03_skips_what_is_not_needed() {
    let place = Place::new();
    let file = top().join("examples/03-values-and-secrets.runbook");
    let file = file.to_string_lossy();
    place
        .run(["run", &file, "--set", "keep=9", "--set", "notify=false"])
        .expect(0);
    let view = place.json(["show", "last", "--json"]);
    assert_eq!(view["nodes"][2]["state"], "skipped", "{view}");
    assert_eq!(view["nodes"][4]["state"], "skipped", "{view}");
}

#[test]
fn example_04_is_killed_and_resumed() {
    twins("04-interrupted", |place, file| {
        let mut engine = place.spawn(["run", file, "--set", "seconds=2"]);
        until("the copy runs", || {
            let view = place.run(["show", "last", "--json"]).stdout;
            let view: Value = serde_json::from_str(&view).unwrap_or_default();
            view["nodes"][1]["state"] == "running"
        });
        engine.kill().expect("our child");
        engine.wait().expect("a child");
        let ended = place.run(["resume", "last"]).expect(0);
        let view = place.json(["show", "last", "--json"]);
        assert_eq!(
            view["nodes"][0]["attempts"].as_array().map(Vec::len),
            Some(3),
            "{view}"
        );
        assert_eq!(
            view["nodes"][1]["attempts"].as_array().map(Vec::len),
            Some(1),
            "{view}"
        );
        ended
    });
}

#[test]
fn the_first_lines_of_every_example_say_how_to_run_it() {
    let mut count = 0;
    for entry in std::fs::read_dir(top().join("examples")).expect("the examples") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("an example");
        let shell = Shell::new();
        let head = text.lines().map_while(|line| line.strip_prefix('#'));
        for line in head.filter_map(|line| line.strip_prefix("   ")) {
            shell.run(&path.display().to_string(), &Line::read(line));
            count += 1;
        }
    }
    assert!(count >= 24, "only {count} commands were found");
}

#[test]
fn example_05_takes_the_world_back() {
    twins_to("rolled back", "05-the-way-back", |place, file| {
        let ended = place.run(["run", file]).expect(4);
        assert_eq!(made(place, "replicas"), "3\n");
        assert_eq!(made(place, "version"), "v1\n");
        assert_eq!(made(place, "schema"), "");
        assert_eq!(
            made(place, "log"),
            "release: rolled back, 3 replicas of v1\n"
        );
        ended
    });
}

#[test]
fn example_05_is_taken_back_later() {
    for ending in ["runbook", "runbook.yaml"] {
        let place = Place::new();
        let file = top().join(format!("examples/05-the-way-back.{ending}"));
        place
            .run(["run", &file.to_string_lossy(), "--set", "healthy=true"])
            .expect(0);
        let (first, work) = (place.last_run(), work(&place));
        let read = |name: &str| std::fs::read_to_string(work.join(name)).unwrap_or_default();
        assert_eq!(read("version"), "v2\n");
        assert_eq!(read("replicas"), "1\n");
        place.run(["rollback", "last", "--yes"]).expect(4);
        assert_eq!(read("version"), "v1\n");
        assert_eq!(read("replicas"), "3\n");
        assert_eq!(read("schema"), "");
        // The run that took it back is another one, and the newest.
        assert_eq!(place.last_run(), format!("{first}-rollback"));
    }
}

#[test]
fn example_06_takes_another_backup_when_the_first_is_damaged() {
    twins("06-rewind", |place, file| {
        let ended = place.run(["run", file, "--yes"]).expect(0);
        let view = place.json(["show", "last", "--json"]);
        let choose = &view["nodes"][1];
        assert_eq!(choose["outputs"]["backup"], "monday", "{view}");
        assert_eq!(choose["pass"], 2, "{view}");
        assert_eq!(view["nodes"][0]["pass"], 1, "{view}");
        ended
    });
}

#[test]
fn example_06_asks_again_and_takes_nothing_that_was_tried() {
    let place = Place::new();
    let file = top().join("examples/06-rewind.runbook");
    place.run(["run".as_ref(), file.as_os_str()]).expect(3);
    place
        .run(["answer", "last", "choose", "backup=tuesday"])
        .expect(0);
    until("it asks again", || {
        place.json(["show", "last", "--json"])["nodes"][1]["pass"] == 2
            && place.state() == "waiting"
    });
    place
        .run(["answer", "last", "choose", "backup=tuesday"])
        .expect(1)
        .says("history");
    place
        .run(["answer", "last", "choose", "backup=monday"])
        .expect(0);
    until("the run ends", || place.state() == "succeeded");
}

#[test]
fn example_07_calls_people_until_one_of_them_decides() {
    twins("07-escalation", |place, file| {
        place.run(["run", file]).expect(3);
        let pages = || made(place, "pages.log").lines().count();
        let reached = || place.run(["show", "last"]).stdout.contains("reached");
        until("somebody is paged", || pages() == 1 && reached());
        place.run(["ack", "last", "--as", "on-call"]).expect(0);
        place
            .run(["take", "last", "copy", "--as", "on-call"])
            .expect(0);
        place
            .run(["decide", "last", "copy", "retry", "--as", "lead"])
            .expect(1)
            .says("on-call");
        std::fs::write(work(place).join("disk-is-free"), "").expect("a file");
        let ended = place
            .run(["decide", "last", "copy", "retry", "--as", "on-call"])
            .expect(0);
        until("the gate asks", || {
            place.json(["runs", "--json"])[0]["questions"][0] == "go"
        });
        until("somebody is paged", || pages() == 2 && reached());
        place.run(["approve", "last", "go"]).expect(1);
        place
            .run(["approve", "last", "go", "--as", "lead"])
            .expect(0);
        until("the run ends", || place.state() == "succeeded");
        assert_eq!(pages(), 3, "two pages and a message");
        ended
    });
}

#[test]
fn example_08_does_one_region_after_the_other() {
    twins("08-regions", |place, file| {
        let ended = place.run(["run", file]).expect(0);
        for host in ["eu/eu-1", "eu/eu-2", "us/us-1", "us/us-2"] {
            assert_eq!(made(place, &format!("{host}.conf")), "cache=on\n", "{host}");
        }
        let locks: Vec<Value> = facts(place)
            .into_iter()
            .map(|record| record["fact"]["names"].clone())
            .filter(Value::is_array)
            .collect();
        assert_eq!(
            locks,
            [
                serde_json::json!(["region-eu"]),
                serde_json::json!(["region-us"])
            ]
        );
        let view = place.json(["show", "last", "--json"]);
        let end = view["nodes"]
            .as_array()
            .and_then(|all| all.iter().find(|node| node["id"] == "roll-out"))
            .expect("the end of the call");
        assert_eq!(
            end["outputs"]["hosts"],
            serde_json::json!({"eu": 2, "us": 2}),
            "{view}"
        );
        ended
    });
}

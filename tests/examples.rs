//! Every example runs as its first lines say, and the two syntaxes of one give the same records.

use crate::support::{Ended, Place, top, until};
use serde_json::Value;

/// Runs an example to its end in both syntaxes, and compares what was written down.
fn twins(name: &str, run: impl Fn(&Place, &str) -> Ended) {
    let records: Vec<Vec<Value>> = ["runbook", "runbook.yaml"]
        .into_iter()
        .map(|ending| {
            let place = Place::new();
            let file = top().join("examples").join(format!("{name}.{ending}"));
            place
                .run(["check".as_ref(), "--strict".as_ref(), file.as_os_str()])
                .expect(0);
            run(&place, &file.to_string_lossy());
            assert_eq!(
                place.state(),
                "succeeded",
                "{:?}",
                place.run(["show", "last"])
            );
            place.run(["audit", "last"]).expect(0);
            facts(&place)
        })
        .collect();
    assert_eq!(records[0], records[1]);
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
                    "deadline" | "expires" | "at" if inner.is_number() => {
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

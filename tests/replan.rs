//! A run keeps its plan: edited runbooks and real runs.

use crate::support::{Place, kill, until};
use serde_json::Value;

fn runbook(b: &str, more: &str) -> String {
    format!(
        r#"runbook drill {{
  timeout = 1m
  param name {{ type = string, default = "x" }}
  step a {{ run = "echo a >> done"  undo {{ run = "echo undo a >> done" }} }}
  step ask {{ effect = none  timeout = 10m  manual {{ instructions = "look" }} }}
  step b {{ run = "{b}"  undo {{ run = "echo undo b >> done" }} }}
{more}}}
"#
    )
}

const B: &str = "echo b >> done";

/// A run that waits at `ask`, and the name of its file.
fn waiting(place: &Place) -> String {
    place.file("drill.runbook", &runbook(B, ""));
    place.run(["run", "drill.runbook"]).expect(3);
    place.last_run()
}

fn lines(place: &Place) -> Vec<String> {
    place.read("done").lines().map(str::to_owned).collect()
}

#[test]
fn a_diff_says_what_would_change_and_changes_nothing() {
    let place = Place::new();
    let run = waiting(&place);
    let before = place.records(&run).len();
    place
        .run(["resume", "last", "--diff", "drill.runbook"])
        .expect(0)
        .says("nothing would change");
    let more = "  step c { run = \"echo c >> done\"  effect = abandoned(\"a test\") }\n";
    place.file("drill.runbook", &runbook("echo better b >> done", more));
    place
        .run(["resume", "last", "--diff", "drill.runbook"])
        .expect(1)
        .says("~ b")
        .says("run  echo b >> done → echo better b >> done")
        .says("+ c  new")
        .says("--replan drill.runbook");
    let json: Value = serde_json::from_str(
        &place
            .run(["resume", "last", "--diff", "drill.runbook", "--json"])
            .expect(1)
            .stdout,
    )
    .unwrap();
    assert_eq!(
        (&json["differs"], &json["adoptable"]),
        (&true.into(), &true.into())
    );
    let node = |name: &str| {
        let nodes = json["nodes"].as_array().unwrap().iter();
        nodes
            .clone()
            .find(|node| node["node"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(node("a")["change"], "unchanged");
    assert_eq!(node("b")["keys"][0]["key"], "run");
    assert_eq!(node("c")["change"], "added");
    place.file("broken.runbook", "runbook drill { step a {");
    place
        .run(["resume", "last", "--diff", "broken.runbook"])
        .expect(2);
    place.file(
        "other.runbook",
        &runbook(B, "").replace("runbook drill", "runbook other"),
    );
    place
        .run(["resume", "last", "--diff", "other.runbook"])
        .expect(2);
    assert_eq!(place.records(&run).len(), before, "nothing was written");
}

#[test]
fn an_edited_runbook_is_taken_over_for_what_has_not_begun() {
    let place = Place::new();
    let run = waiting(&place);
    let more = "  step c { run = \"echo c >> done\"  effect = abandoned(\"a test\") }\n";
    place.file("drill.runbook", &runbook("echo better b >> done", more));
    place
        .run([
            "resume",
            "last",
            "--replan",
            "drill.runbook",
            "--reason",
            "b was wrong",
        ])
        .expect(3)
        .says("has taken over the edited runbook");
    let fact = place.facts(&run, "replanned").remove(0);
    assert_eq!(fact["reason"], "b was wrong");
    place
        .run(["show", "last"])
        .expect(0)
        .says("b was wrong")
        .says("changed b; added c");
    place.run(["done", "last", "ask"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(lines(&place), ["a", "better b", "c"]);
    place.run(["audit", "last"]).expect(0);
    // What is undone is what was done.
    place.run(["rollback", "last", "--yes"]).expect(4);
    assert_eq!(lines(&place)[3..], ["undo b", "undo a"]);
}

#[test]
fn what_has_begun_is_not_changed_and_nothing_is_half_taken_over() {
    let place = Place::new();
    let run = waiting(&place);
    let edited =
        runbook("echo better b >> done", "").replace("echo a >> done", "echo other a >> done");
    place.file("drill.runbook", &edited);
    let before = place.records(&run).len();
    place
        .run(["resume", "last", "--replan", "drill.runbook"])
        .expect(1)
        .says("nothing was changed")
        .says("`a`: it is done in pass 1");
    place
        .run(["resume", "last", "--diff", "drill.runbook"])
        .expect(1)
        .says("cannot be taken over: it is done in pass 1");
    assert_eq!(place.records(&run).len(), before);
    place.run(["done", "last", "ask"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(lines(&place), ["a", "b"]);
}

#[test]
fn an_engine_that_drives_the_run_has_to_leave_first_and_dies_without_harm() {
    let place = Place::new();
    let text = runbook(B, "").replace("echo a >> done", "echo a >> done; sleep 1");
    place.file("drill.runbook", &text);
    let mut engine = place.spawn(["run", "drill.runbook"]);
    until("a runs", || place.read("done").contains('a'));
    let edited = text.replace("echo b >> done", "echo better b >> done");
    place.file("drill.runbook", &edited);
    place
        .run(["resume", "last", "--replan", "drill.runbook"])
        .expect(1)
        .says("is driven by")
        .says("kill ");
    kill(engine.id(), "KILL");
    engine.wait().unwrap();
    // `a` goes on under its keeper, and is not begun again.
    place
        .run(["resume", "last", "--replan", "drill.runbook", "--no-resume"])
        .expect(0);
    place.run(["resume", "last"]).expect(3);
    place.run(["done", "last", "ask"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(lines(&place), ["a", "better b"]);
}

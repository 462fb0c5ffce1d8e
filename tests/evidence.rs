//! `evidence`: the files that are kept with a run are listed with where they are, and the audit looks after them.

use crate::support::Place;

#[test]
fn kept_files_are_listed_and_audited() {
    let place = Place::new();
    let file = place.file(
        "keep.runbook",
        "runbook keep {\n  timeout = 1m\n  step a {\n    run = \"echo hello > a.log\"\n    evidence = [\"a.log\", \"b.log\"]\n    effect = none\n  }\n}\n",
    );
    place.run(["run".as_ref(), file.as_os_str()]).expect(0);
    let shown = place.run(["show", "last"]).expect(0).stdout;
    let json = place.run(["show", "last", "--json"]).expect(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let evidence = &json["nodes"][0]["attempts"][0]["evidence"];
    assert_eq!(evidence[0]["file"], "a.log");
    assert_eq!(evidence[0]["kept"]["bytes"], 6);
    // printf 'hello\n' | sha256sum
    let digest = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    assert_eq!(evidence[0]["kept"]["sha256"], digest);
    assert_eq!(evidence[1]["why"], "is not there");
    let path = evidence[0]["kept"]["path"].as_str().expect("a path");
    assert_eq!(std::fs::read_to_string(path).expect("the copy"), "hello\n");
    assert!(shown.contains(path), "{shown}");
    assert!(shown.contains("b.log  is not there"), "{shown}");
    let audited = place.run(["audit", "last"]).expect(0).stdout;
    assert!(
        audited.contains("records and the kept file are"),
        "{audited}"
    );
    std::fs::write(path, "other\n").expect("a file that can be written");
    let audited = place.run(["audit", "last"]).expect(1).stderr;
    assert!(
        audited.contains(path) && audited.contains("was changed"),
        "{audited}"
    );
}

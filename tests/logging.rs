//! What is written on standard error: text for people, or lines of JSON for programs that collect logs.

use crate::support::{Ended, Place, chain};
use serde_json::Value;

/// A runbook with a step that reads a secret which is not there, and one that works.
const CALLS: &str = r#"
runbook calls {
  timeout = 1m
  secret token { env = "TOKEN" }
  contact lead { via = [{ command = ["false", "${{ secrets.token }}"] }] }
  escalation lead { level { page = ["lead"] ack_within = 10m } decide_within = 20m }
  page = "lead"
  step says { env { TOKEN = "${{ secrets.token }}" } run = "echo $TOKEN; sleep 0" effect = none }
  gate go { approve { } on_fail = [stop] }
}
"#;

fn lines(ended: &Ended) -> Vec<Value> {
    let lines = ended.stderr.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn standard_error_is_lines_of_json_that_say_of_which_run_node_and_attempt() {
    let place = Place::new();
    let file = place.file("calls.runbook", CALLS);
    let mut command = place.piton(["--log-format", "json", "run"]);
    command
        .arg(&file)
        .env("PITON_LOG", "trace")
        .env("TOKEN", "k9-CANARY/42");
    let ended = Ended::from(command.output().expect("piton starts"));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(!ended.stderr.contains("k9-CANARY"), "{}", ended.stderr);
    let lines = lines(&ended);
    let run = place.last_run();
    let page = lines
        .iter()
        .find(|line| line["message"] == "nobody was reached");
    let page = page.unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!(
        (&page["run"], &page["level"], &page["contact"]),
        (&run.as_str().into(), &"warn".into(), &"lead".into())
    );
    assert_eq!(page["fence"], 1);
    assert!(
        page["time"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z'))
    );
    let attempt = lines.iter().find(|line| line["attempt"] == "n0.p1.a1");
    let attempt = attempt.unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!(
        (&attempt["run"], &attempt["node"], &attempt["pass"]),
        (&run.as_str().into(), &"says".into(), &1.into())
    );
}

#[test]
fn errors_and_progress_are_lines_of_json_too() {
    let place = Place::new();
    let json = |arguments: &[&str]| {
        let mut command = place.piton(arguments);
        let command = command.env("PITON_LOG_FORMAT", "json");
        Ended::from(command.output().expect("piton starts"))
    };
    let refused = json(&["show", "nothing"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let said = lines(&refused);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert_eq!(said[0]["level"], "error");
    let message = said[0]["message"].as_str().expect("a message");
    assert!(message.contains("nothing"), "{message}");
    let file = place.file("chain.runbook", &chain(1, "0", &place.dir));
    let told = json(&["run", "--json", &file.display().to_string()]).expect(0);
    assert!(lines(&told).len() > 1, "{told:?}");
    assert!(told.stdout.starts_with('{'), "{told:?}");
}

#[test]
fn without_being_asked_nothing_is_logged_and_text_stays_text() {
    let place = Place::new();
    let file = place.file("calls.runbook", CALLS);
    let mut command = place.piton(["run".as_ref(), file.as_os_str()]);
    let command = command.env("TOKEN", "k9-CANARY/42");
    let ended = Ended::from(command.output().expect("piton starts"));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(3), ""));
    let mut command = place.piton(["show", "nothing", "--log-format", "plain"]);
    let command = command.env("PITON_LOG_FORMAT", "json");
    let ended = Ended::from(command.output().expect("piton starts"));
    assert!(
        ended.stderr.starts_with("error: "),
        "the option counts: {ended:?}"
    );
}

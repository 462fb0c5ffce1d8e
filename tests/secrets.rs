//! Secrets never reach disk, arguments, logs or output.

use crate::support::{Ended, Place, until};
use std::path::Path;
use std::process::{Command, Stdio};

const CANARY: &str = "k9-CANARY/42+\"quoted\"";

/// Every file below a folder that has these bytes in it.
fn holding(dir: &Path, needle: &[u8], found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("a kind of file");
        if kind.is_dir() {
            holding(&path, needle, found);
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap_or_default();
            if bytes.windows(needle.len()).any(|window| window == needle) {
                found.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn a_canary_is_found_nowhere() {
    let place = Place::new();
    let file = place.file(
        "canary.runbook",
        r#"
runbook canary {
  timeout = 1m
  secret canary { env = "CANARY" }
  step says {
    env    { TOKEN = "${{ secrets.canary }}" }
    run    = """
      echo "token: $TOKEN"
      echo "error: $TOKEN" >&2
      printf '%s' "$TOKEN" | base64
      echo "said=$TOKEN" >> "$PITON_OUTPUT"
      echo started >> started
      sleep 1
    """
    outputs { said = "output.said", all = "stdout" }
    effect = none
  }
  step fails { env { TOKEN = "${{ secrets.canary }}" } run = "echo \"no: $TOKEN\" >&2; exit 3" effect = none }
}
"#,
    );
    let mut command = place.piton(["run".as_ref(), file.as_os_str()]);
    let child = command.env("CANARY", CANARY).spawn().expect("piton starts");
    until("the step runs", || !place.read("started").is_empty());
    let telling = crate::support::processes(|line| line.contains("k9-CANARY"));
    assert_eq!(
        telling,
        Vec::<u32>::new(),
        "a command line shows the secret"
    );
    let ended = Ended::from(child.wait_with_output().expect("a child"));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for text in [
        &ended.stdout,
        &ended.stderr,
        &place.run(["show", "last", "--json"]).stdout,
        &place.run(["logs", "last"]).stdout,
    ] {
        assert!(!text.contains("k9-CANARY"), "{text}");
    }
    assert!(
        place.run(["logs", "last"]).stdout.contains("token: "),
        "the log has the line, masked"
    );
    for needle in [CANARY.as_bytes(), b"k9-CANARY", b"azktQ0FOQVJZ"] {
        let mut found = Vec::new();
        holding(&place.dir, needle, &mut found);
        assert_eq!(found, Vec::<String>::new());
    }
}

/// A core file holds all that a process knew. `ABRT` leaves one where the system allows it.
#[test]
fn an_engine_leaves_no_core_file() {
    use std::os::unix::process::ExitStatusExt as _;
    let place = Place::new();
    let leaves_core = |program: &Path, arguments: &[&str]| {
        let script = "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(program).args(arguments);
        command
            .current_dir(&place.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
            .env("PITON_STORE", place.store())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("sh starts");
        until("it runs", || !place.read("started").is_empty());
        crate::support::kill(child.id(), "ABRT");
        let status = child.wait().expect("a child");
        std::fs::remove_file(place.dir.join("started")).expect("it was there");
        status.core_dumped()
    };
    let script = "echo started > started; while :; do sleep 0.1; done";
    if !leaves_core(Path::new("sh"), &["-c", script]) {
        eprintln!("this system writes no core files: nothing was tried");
    }
    let file = place.file(
        "long.runbook",
        "runbook long {\n  step a { run = \"echo started > started; sleep 5\" effect = none timeout = 1m }\n}\n",
    );
    let engine = Path::new(env!("CARGO_BIN_EXE_piton"));
    assert!(!leaves_core(engine, &["run", &file.display().to_string()]));
    place.run(["cancel", "last"]);
}

#[test]
fn what_the_store_leaves_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    fn look(path: &Path) {
        let metadata = std::fs::symlink_metadata(path).expect("it is there");
        if metadata.is_symlink() {
            return;
        }
        assert_eq!(
            metadata.permissions().mode() & 0o077,
            0,
            "{} is open to others",
            path.display()
        );
        if metadata.is_dir() {
            std::fs::read_dir(path)
                .expect("our folder")
                .flatten()
                .for_each(|entry| look(&entry.path()));
        }
    }
    let place = Place::new();
    let file = place.file(
        "one.runbook",
        "runbook one {\n  step a { run = \"echo hello\" effect = none timeout = 1m }\n}\n",
    );
    place.run(["run".as_ref(), file.as_os_str()]).expect(0);
    look(&place.dir.join("store.db"));
    look(&place.dir.join("store.db.d"));
}

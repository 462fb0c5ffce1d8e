//! Full means stop, not lose: no disk, no store, no shell. The error names it, and after repair `resume` goes on.

use crate::support::{Ended, Place};
use std::path::Path;
use std::process::Command;

/// A file system of its own, of two megabytes, unmounted at the end.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None` where this account may not mount; the caller says so.
    fn at(dir: &'a Path) -> Option<SmallDisk<'a>> {
        std::fs::create_dir_all(dir).expect("a folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(dir)
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(SmallDisk(dir)),
            _ => {
                println!("passed over: this account may not mount a small disk");
                None
            }
        }
    }

    fn remount(&self, how: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{how}")])
            .arg(self.0)
            .status();
        assert!(status.expect("mount").success());
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

fn piton(place: &Place, store: &Path, arguments: &[&str]) -> Ended {
    let mut command = place.piton(arguments);
    command.env("PITON_STORE", format!("sqlite:{}", store.display()));
    Ended::from(command.output().expect("piton starts"))
}

#[test]
fn a_full_disk_stops_the_run_and_room_lets_it_go_on() {
    let place = Place::new();
    let disk = place.dir.join("disk");
    let Some(_small) = SmallDisk::at(&disk) else {
        return;
    };
    let store = disk.join("store.db");
    let file = place.file(
        "fills.runbook",
        &format!(
            "runbook fills {{\n  timeout = 1m\n  step a {{ run = \"echo a >> a\" effect = abandoned(\"a test\") }}\n  step fill {{ run = \"cat /dev/zero > {}/filler 2>/dev/null || true\" effect = abandoned(\"a test\") }}\n  step b {{ run = \"echo b >> b\" effect = abandoned(\"a test\") }}\n  step c {{ run = \"echo c >> c\" effect = abandoned(\"a test\") }}\n}}\n",
            disk.display()
        ),
    );
    let full = piton(&place, &store, &["run", &file.to_string_lossy()]).expect(1);
    assert!(
        full.stderr.contains(&*store.to_string_lossy()),
        "it names the store: {full:?}"
    );
    assert!(
        full.stderr.contains("piton resume"),
        "it names the next command: {full:?}"
    );
    std::fs::remove_file(disk.join("filler")).expect("the filler");
    piton(&place, &store, &["resume", "last"]).expect(0);
    for (name, text) in [("a", "a\n"), ("b", "b\n"), ("c", "c\n")] {
        assert_eq!(place.read(name), text, "each step once");
    }
    piton(&place, &store, &["audit", "last"]).expect(0);
}

#[test]
fn what_a_step_said_on_a_full_disk_is_asked_about_and_a_gate_looks_again() {
    let place = Place::new();
    // The folder of the runs' files, beside a store that has room.
    let disk = place.dir.join("store.db.d");
    let Some(_small) = SmallDisk::at(&disk) else {
        return;
    };
    let fill = format!(
        "cat /dev/zero > {}/filler 2>/dev/null || true",
        disk.display()
    );
    let fill = format!("step fill {{ run = \"{fill}\" effect = abandoned(\"a test\") }}");
    let file = place.file(
        "fills.runbook",
        &format!(
            "runbook fills {{\n  timeout = 1m\n  {fill}\n  step b {{ run = \"echo b >> b; echo said\" retry {{ times = 3, backoff = 1ms }} effect = abandoned(\"a test\") }}\n  gate fine {{ checks {{ check \"it is\" {{ run = \"echo yes\" expect = \"value == 'yes'\" }} }} on_fail = [stop] }}\n  step c {{ run = \"echo c >> c\" effect = abandoned(\"a test\") }}\n}}\n"
        ),
    );
    place
        .run(["run".as_ref(), file.as_os_str()])
        .expect(3)
        .says("it ended well")
        .says("no space is left there");
    assert_eq!(place.read("b"), "b\n", "`retry` did not take it");
    // Somebody looked and says so; the gate looks until nothing can be written down any more, and then it is held.
    let held = place
        .run(["decide", "last", "b", "succeeded"])
        .without_panic();
    let held = if held.code == Some(1) {
        held
    } else {
        place.run(["resume", "last"])
    };
    let held = held.expect(1);
    assert!(
        held.stderr.contains("full") || held.stderr.contains("No space"),
        "{held:?}"
    );
    assert!(held.stderr.contains("piton resume"), "{held:?}");
    std::fs::remove_file(disk.join("filler")).expect("the filler");
    place.run(["resume", "last"]).expect(0);
    assert_eq!(
        (place.read("b"), place.read("c")),
        ("b\n".into(), "c\n".into())
    );
    place.run(["audit", "last"]).expect(0);
}

#[test]
fn a_store_that_cannot_be_written_stops_the_run_and_repair_lets_it_go_on() {
    let place = Place::new();
    let disk = place.dir.join("disk");
    let Some(small) = SmallDisk::at(&disk) else {
        return;
    };
    let store = disk.join("store.db");
    let file = place.file("gated.runbook", "runbook gated {\n  timeout = 1m\n  gate go { approve { } on_fail = [stop] }\n  step b { run = \"echo b >> b\" effect = abandoned(\"a test\") }\n}\n");
    let file = file.to_string_lossy();
    small.remount("ro");
    let refused = piton(&place, &store, &["run", &file]).expect(1);
    assert!(
        refused.stderr.contains(&*disk.to_string_lossy()),
        "{refused:?}"
    );
    small.remount("rw");
    piton(&place, &store, &["run", &file]).expect(3);
    small.remount("ro");
    let refused = piton(&place, &store, &["approve", "last", "go"]).without_panic();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains(&*disk.to_string_lossy()),
        "{refused:?}"
    );
    small.remount("rw");
    piton(&place, &store, &["approve", "last", "go"]).expect(0);
    piton(&place, &store, &["resume", "last"]).expect(0);
    assert_eq!(place.read("b"), "b\n");
}

#[test]
fn a_missing_shell_is_named_and_the_run_goes_on_when_it_is_there() {
    let place = Place::new();
    let bin = place.dir.join("bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    let file = place.file(
        "one.runbook",
        "runbook one {\n  timeout = 1m\n  step a { run = \"echo a\" effect = none }\n}\n",
    );
    let run = |arguments: &[&str]| {
        let mut command = place.piton(arguments);
        Ended::from(command.env("PATH", &bin).output().expect("piton starts"))
    };
    let missing = run(&["run", &file.to_string_lossy()]).expect(1);
    assert!(missing.stderr.contains("sh"), "{missing:?}");
    assert!(
        missing.stderr.contains("piton resume"),
        "it names the next command: {missing:?}"
    );
    std::os::unix::fs::symlink("/bin/sh", bin.join("sh")).expect("a link");
    run(&["resume", "last"]).expect(0);
}

#[test]
fn a_missing_secret_is_named_and_the_run_goes_on_when_it_is_there() {
    let place = Place::new();
    let file = place.file(
        "secret.runbook",
        r#"
runbook secret {
  timeout = 1s
  secret token { env = "PITON_TEST_TOKEN" }
  step before { run = "echo before >> before" effect = abandoned("a test") }
  step a { env { TOKEN = "${{ secrets.token }}" } run = "test \"$TOKEN\" = open; echo a >> a" effect = abandoned("a test") }
  step b { sql { on = "sqlite:x.db" script = "create table t (a); insert into t values (1)" } effect = abandoned("a test") }
}
"#,
    );
    let missing = place.run(["run".as_ref(), file.as_os_str()]).expect(1);
    let missing = missing.says("PITON_TEST_TOKEN").says("piton resume");
    assert!(
        missing.stderr.contains("`a`"),
        "it names the step: {missing:?}"
    );
    place
        .run(["resume", "last"])
        .expect(1)
        .says("PITON_TEST_TOKEN");
    // The time limit of the attempt that could not begin is over by now; that is no reason to fail.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let mut command = place.piton(["resume", "last"]);
    let resumed = command.env("PITON_TEST_TOKEN", "open").output();
    Ended::from(resumed.expect("piton starts")).expect(0);
    assert_eq!(place.read("before"), "before\n");
    assert_eq!(place.read("a"), "a\n");
}

#[test]
fn a_missing_program_and_a_missing_folder_are_named() {
    let place = Place::new();
    for (action, named) in [
        ("exec = [\"no-such-program-here\"]", "no-such-program-here"),
        ("run = \"true\" dir = \"no/such/folder\"", "no/such/folder"),
        (
            "run = \"true\" shell = [\"no-such-shell\", \"-c\"]",
            "no-such-shell",
        ),
    ] {
        let file = place.file(
            "bad.runbook",
            &format!("runbook bad {{\n  timeout = 1m\n  step a {{ {action} effect = none }}\n}}\n"),
        );
        place
            .run(["run".as_ref(), file.as_os_str()])
            .expect(1)
            .says(named);
    }
}

#[test]
fn a_store_that_is_no_store_is_refused_and_left_alone() {
    let place = Place::new();
    let text = "these are my notes, not a store\n".repeat(40);
    let notes = place.file("notes.txt", &text);
    piton(&place, &notes, &["runs"]).expect(1).says("notes.txt");
    assert_eq!(place.read("notes.txt"), text);
    let ended = piton(&place, Path::new("/proc/nowhere/store.db"), &["runs"]).without_panic();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("/proc/nowhere"), "{ended:?}");
}

//! Canaries: secrets of several shapes, used in every place that takes one, and then looked for in everything that was
//! written, printed, sent, or can be seen by others. Every canary has one word in it, so that a piece of one is found too.

use crate::hosts::detach;
use crate::support::collector::Collector;
use crate::support::postgres::free_port;
use crate::support::server::Server;
use crate::support::{Ended, Place, until};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

/// `CANARY` as it is, and in base64 at the three places that it can have there.
const TRACES: [&str; 4] = ["CANARY", "Q0FOQVJZ", "NBTkFSW", "DQU5BUl"];

/// Where secrets are used, and the secrets outside of it.
struct Mine {
    place: Place,
    secrets: Place,
    collector: Collector,
}

impl Mine {
    fn new() -> Mine {
        let (mut place, secrets, collector) = (Place::new(), Place::new(), Collector::serve());
        secrets.file("plain", "k9-CANARY-plain42");
        secrets.file("quoted", "k9 \"CANARY\" '/\\ +&%");
        secrets.file("lines", "k9-CANARY-first-line\nk9-CANARY-second-line\n");
        secrets.file("long", &format!("k9-CANARY-{}", "0123456789".repeat(800)));
        let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned();
        place.settings.push((endpoint, collector.url().into()));
        place.settings.push(("PITON_LOG".into(), "trace".into()));
        place
            .settings
            .push(("PITON_LOG_FORMAT".into(), "json".into()));
        Mine {
            place,
            secrets,
            collector,
        }
    }

    /// A runbook of these nodes, with the secrets.
    fn runbook(&self, name: &str, nodes: &str) -> std::path::PathBuf {
        let names = ["plain", "quoted", "lines", "long"].map(|secret| {
            let file = self.secrets.dir.join(secret);
            format!("  secret {secret} {{ file = \"{}\" }}\n", file.display())
        });
        let dir = self.place.dir.display();
        let text = format!(
            "runbook {name} {{\n  timeout = 1m\n  dir = \"{dir}\"\n{}{nodes}\n}}\n",
            names.concat()
        );
        self.place.file(&format!("{name}.runbook"), &text)
    }

    /// Runs these nodes to their end, and looks through all that is told of it.
    fn run(&self, name: &str, nodes: &str) -> Ended {
        let file = self.runbook(name, nodes);
        let ended = self.place.run(["run".as_ref(), file.as_os_str()]);
        clean(name, &ended.stdout);
        clean(name, &ended.stderr);
        for command in [
            &["show", "last"][..],
            &["show", "last", "--json"],
            &["logs", "last"],
            &["runs", "--json"],
            &["audit", "last"],
        ] {
            let said = self.place.run(command);
            clean(&format!("{name}: {command:?}"), &said.stdout);
            clean(&format!("{name}: {command:?}"), &said.stderr);
        }
        ended
    }

    /// Looks through all files and all traces.
    fn is_clean(&self) {
        let mut found = Vec::new();
        look_through(&self.place.dir, &mut found);
        assert_eq!(found, Vec::<String>::new());
        let posted = self.collector.posted();
        assert!(!posted.is_empty(), "traces were sent");
        for posted in posted {
            clean("a trace", &posted.body.to_string());
        }
    }
}

#[track_caller]
fn clean(what: &str, text: &str) {
    for trace in TRACES {
        let at = text.find(trace);
        let about = at.map(|at| text.get(at.saturating_sub(300)..).unwrap_or(text));
        let about = about.map(|about| about.chars().take(400).collect::<String>());
        assert_eq!(about, None, "{what} tells a secret as {trace}");
    }
}

/// Files that have a canary in them.
fn look_through(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().expect("a kind of file"));
        if kind.is_dir() {
            look_through(&path, found);
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            found.extend(
                TRACES
                    .iter()
                    .filter(|trace| text.contains(**trace))
                    .map(|trace| format!("{} as {trace}", path.display())),
            );
        }
    }
}

/// Prints each secret as it is, in base64 at each place, percent-encoded and escaped as JSON.
const PRINTS: &str = r#"
  step prints {
    env {
      PLAIN = "${{ secrets.plain }}"  QUOTED = "${{ secrets.quoted }}"
      LINES = "${{ secrets.lines }}"  LONG   = "${{ secrets.long }}"
    }
    run = """
      for it in "$PLAIN" "$QUOTED" "$LINES" "$LONG"; do
        printf '%s\n' "$it"
        printf '%s\n' "$it" >&2
        for before in '' x xy; do printf '%s%s' "$before" "$it" | base64 -w 0; echo; done
        printf '%s' "$it" | base64 -w 0 | tr '+/' '-_'; echo
        printf '%s' "$it" | sed -e 's/%/%25/g' -e 's/ /%20/g' -e 's/"/%22/g' -e "s/'/%27/g" -e 's,/,%2F,g' -e 's/\\/%5C/g' -e 's/+/%2B/g' -e 's/&/%26/g'; echo
        printf '%s' "$it" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g'; echo
      done
      echo "said=$PLAIN" >> "$PITON_OUTPUT"
      printf '%s' "$QUOTED" > kept.txt
      echo runs > runs
      until [ -e go ]; do sleep 0.02; done
    """
    outputs  { said = "output.said", all = "stdout" }
    evidence = ["kept.txt"]
    effect   = none
  }
"#;

#[test]
fn what_a_step_prints_in_any_form_is_told_nowhere() {
    let mine = Mine::new();
    let file = mine.runbook("prints", PRINTS);
    let engine = mine.place.spawn(["run".as_ref(), file.as_os_str()]);
    until("the step runs", || !mine.place.read("runs").is_empty());
    nobody_sees(&mine.place);
    mine.place.file("go", "");
    let ended = Ended::from(engine.wait_with_output().expect("a child"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // This file is the step's own.
    std::fs::remove_file(mine.place.dir.join("kept.txt")).expect("it is there");
    clean("run", &ended.stdout);
    clean("run", &ended.stderr);
    let log = mine.place.run(["logs", "last"]).expect(0).stdout;
    assert!(
        log.matches("***").count() > 20,
        "the log has the lines, masked: {log}"
    );
    clean("logs", &log);
    clean("show", &mine.place.run(["show", "last", "--json"]).stdout);
    mine.is_clean();
}

/// No process has a secret on its command line, and of those of this place only the step's own have any in their
/// environment.
fn nobody_sees(place: &Place) {
    let folder = place.dir.display().to_string();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let read = |file| {
            let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (line, environment) = (read("cmdline"), read("environ"));
        clean(&format!("the command line of {name}"), &line);
        let ours = environment.contains(&folder) || line.contains(&folder);
        if ours && !environment.contains("PITON_ATTEMPT=") {
            clean(&format!("the environment of {name}, {line}"), &environment);
        }
    }
}

/// A server that repeats what it was asked, with 500; gives its address.
fn echoes() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten().take(8) {
            let _ = echo(&stream);
        }
    });
    address
}

fn echo(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut asked = String::new();
    let mut reader = BufReader::new(stream);
    while reader.read_line(&mut asked)? > 2 {}
    let head = format!(
        "HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        asked.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(asked.as_bytes())
}

#[test]
fn messages_about_what_failed_tell_no_secret() {
    let mine = Mine::new();
    let (nobody, server) = (free_port(), echoes());
    for (name, node) in [
        (
            "no-program",
            r#"step a { env { IT = "${{ secrets.quoted }}" } exec = ["/nowhere/program"] effect = none }"#.to_owned(),
        ),
        (
            "fails",
            r#"step a { env { IT = "${{ secrets.quoted }}" } run = "echo \"no $IT\" >&2; exit 3" effect = none }"#.to_owned(),
        ),
        (
            "bad-output",
            r#"step a { env { IT = "${{ secrets.plain }}" } run = "echo \"$IT\" >> $PITON_OUTPUT" effect = none }"#.to_owned(),
        ),
        (
            "refused",
            format!(r#"step a {{ http = "http://127.0.0.1:{nobody}/${{{{ secrets.plain }}}}/x?y=${{{{ secrets.quoted }}}}" effect = none }}"#),
        ),
        (
            "answered",
            format!(r#"step a {{ http {{ url = "http://{server}/${{{{ secrets.plain }}}}/x?y=${{{{ secrets.quoted }}}}" headers {{ X-Token = "${{{{ secrets.long }}}}" }} }} effect = none }}"#),
        ),
        (
            "no-database",
            format!(r#"step a {{ sql {{ on = "postgresql://piton:${{{{ secrets.plain }}}}@127.0.0.1:{nobody}/app" query = "select 1" }} effect = none }}"#),
        ),
        (
            "no-address",
            r#"step a { sql { on = "${{ secrets.quoted }}" query = "select 1" } effect = none }"#.to_owned(),
        ),
    ] {
        let ended = mine.run(name, &format!("  {node}"));
        assert_eq!(ended.code, Some(1), "{name}: {ended:?}");
    }
    // What would be seen by others is refused before anything starts.
    for (name, node) in [
        ("in-arguments", r#"exec = ["echo", "${{ secrets.plain }}"]"#),
        (
            "in-a-path",
            r#"dir = "/nowhere/${{ secrets.plain }}" run = "true""#,
        ),
        ("in-a-script", r#"run = "echo ${{ secrets.quoted }}""#),
    ] {
        let ended = mine.run(name, &format!("  step a {{ {node} effect = none }}"));
        assert_eq!(ended.code, Some(2), "{name}: {ended:?}");
    }
    mine.is_clean();
}

#[test]
fn people_who_cannot_be_reached_are_told_of_without_their_addresses() {
    let mine = Mine::new();
    let nobody = free_port();
    let nodes = format!(
        r#"
  contact lead {{ via = [{{ webhook = "http://127.0.0.1:{nobody}/${{{{ secrets.plain }}}}/x" }}] }}
  contact cto {{ via = [{{ webhook = "${{{{ secrets.quoted }}}}" }}] }}
  escalation all {{ level {{ page = ["lead", "cto"] ack_within = 10m }} decide_within = 20m }}
  page = "all"
  gate go {{ approve {{ }} on_fail = [stop] }}
"#
    );
    let ended = mine.run("pages", &nodes);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("nobody was reached"), "{ended:?}");
    mine.place.run(["cancel", "last"]);
    mine.is_clean();
}

#[test]
fn a_server_and_its_metrics_tell_no_secret() {
    let mine = Mine::new();
    let mut server = Server::start(&mine.place, &[], &["--listen", "127.0.0.1:0"]);
    server.says("/metrics");
    let said = server
        .said
        .iter()
        .find_map(|line| line.split_once("http://"));
    let (_, address) = said.expect("an address");
    let address = address.split('/').next().expect("an address").to_owned();
    mine.place.file("go", "");
    let run = detach(&mine.place, &mine.runbook("prints", PRINTS));
    server.says("succeeded");
    clean("the log", &server.said.concat());
    let mut stream = TcpStream::connect(&address).expect("it listens");
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).expect("it reads");
    let mut metrics = String::new();
    stream.read_to_string(&mut metrics).expect("it answers");
    assert!(metrics.contains("piton_attempts_total"), "{metrics}");
    clean("the metrics", &metrics);
    for name in [run.as_str(), "prints"] {
        assert!(!metrics.contains(name), "no names: {metrics}");
    }
    assert_eq!(server.end(), Some(0));
    std::fs::remove_file(mine.place.dir.join("kept.txt")).expect("it is there");
    mine.is_clean();
}

/// What a step leaves where the engine reads and writes, it can neither hold up the engine with nor lead it elsewhere.
#[test]
fn a_step_leads_the_engine_nowhere() {
    let place = Place::new();
    let outside = Place::new();
    let target = outside.file("target", "as it was");
    for (name, script, says) in [
        (
            "pipe",
            "rm -f $PITON_OUTPUT; mkfifo $PITON_OUTPUT",
            "not a file",
        ),
        ("zeros", "ln -sf /dev/zero $PITON_OUTPUT", "not a file"),
        ("huge", "truncate -s 8G $PITON_OUTPUT", "larger than"),
        (
            "folder",
            "rm -f $PITON_OUTPUT; mkdir $PITON_OUTPUT",
            "not a file",
        ),
    ] {
        let text = format!(
            "runbook {name} {{\n  timeout = 1m\n  step a {{ run = \"{script}\" effect = none }}\n}}\n"
        );
        let file = place.file(&format!("{name}.runbook"), &text);
        place.run(["run".as_ref(), file.as_os_str()]).expect(1);
        place.run(["show", "last"]).says(says);
    }
    let text = format!(
        "runbook links {{\n  timeout = 1m\n  dir = \"{}\"\n  step a {{\n    run = \"ln -sf {} $PITON_OUTPUT; mkfifo pipe; echo > plain\"\n    evidence = [\"pipe\", \"../../nowhere\", \"plain\", \"/dev/zero\"]\n    effect = none\n  }}\n}}\n",
        place.dir.display(),
        target.display()
    );
    let file = place.file("links.runbook", &text);
    let ended = place.run(["run".as_ref(), file.as_os_str()]);
    assert_eq!(outside.read("target"), "as it was", "{ended:?}");
    let shown = place.json(["show", "last", "--json"]);
    let evidence = place
        .dir
        .join("store.db.d")
        .join(shown["id"].as_str().expect("an id"));
    assert!(evidence.is_dir());
    for id in ["../x", "..", "a/b", "/etc"] {
        for command in ["show", "resume", "logs", "cancel"] {
            let ended = place.run([command, id]);
            assert_eq!(ended.code, Some(2), "{command} {id}: {ended:?}");
        }
    }
}

//! Reaching people: programs that are real, and a web server of a few lines on the loopback.

use piton_core::plan::SecretSource;
use piton_core::record::{Delivery, RenderedChannel, RenderedContact};
use piton_core::text::{Piece, Text};
use piton_runtime::channel::{Channels, Message};
use piton_runtime::secrets::Secrets;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A folder, removed at the end, with the file `token` that holds the secret `pager`.
struct Place(PathBuf);

const TOKEN: &str = "s3cr3t-t0ken";

impl Place {
    fn new() -> Place {
        let dir = std::env::temp_dir().join(piton_runtime::store::new_run_id("piton-channel").0);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("token"), format!("{TOKEN}\n")).unwrap();
        Place(dir)
    }

    fn channels(&self) -> Channels {
        let sources = [("pager", "token"), ("lost", "no-such-file")];
        let sources: BTreeMap<String, SecretSource> = sources
            .map(|(name, file)| (name.to_owned(), SecretSource::File(file.to_owned())))
            .into();
        Channels::new(Rc::new(Secrets::new(sources)), self.0.clone())
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn message() -> Message {
    Message {
        key: "drill-7k3fq/q3.2".into(),
        run: "drill-7k3fq".into(),
        runbook: "drill".into(),
        node: "go".into(),
        pass: Some(2),
        level: Some(1),
        message: "go: may the run go on? \"now\"".into(),
        decide: Some("piton show drill-7k3fq".into()),
    }
}

fn contact(name: &str, via: Vec<RenderedChannel>) -> RenderedContact {
    RenderedContact {
        contact: name.into(),
        name: None,
        via,
    }
}

fn command(argv: &[&str]) -> RenderedChannel {
    RenderedChannel::Command(argv.iter().copied().map(Text::literal).collect())
}

fn script(text: &str) -> RenderedChannel {
    command(&["sh", "-c", text])
}

fn secret(before: &str, name: &str) -> Text {
    Text {
        pieces: vec![Piece::Literal(before.into()), Piece::Secret(name.into())],
    }
}

fn on_runtime<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    runtime.block_on(local.run_until(async {
        tokio::time::timeout(Duration::from_secs(60), test)
            .await
            .expect("the test hangs")
    }))
}

async fn deliver(channels: Channels, contacts: &[RenderedContact]) -> Vec<Delivery> {
    Rc::new(channels).deliver(&message(), contacts).await
}

/// Tries one channel, and says why it did not deliver.
async fn one(channels: Channels, channel: RenderedChannel) -> Option<String> {
    let contacts = [contact("lead", vec![channel])];
    let mut deliveries = deliver(channels, &contacts).await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0].contact, "lead");
    deliveries.remove(0).failed
}

/// Answers one request like this; gives its address, and what was asked.
async fn server(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = tokio::task::spawn_local(async move {
        let (stream, _) = listener.accept().await.unwrap();
        respond(stream, answer).await
    });
    (address, asked)
}

async fn respond(mut stream: TcpStream, answer: &str) -> String {
    let mut request = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let count = stream.read(&mut bytes).await.unwrap();
        request.extend_from_slice(&bytes[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        let length = text.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        if count == 0 || (body.is_some() && body >= length) {
            stream.write_all(answer.as_bytes()).await.unwrap();
            return text;
        }
    }
}

#[test]
fn a_command_gets_the_message_on_its_standard_input() {
    on_runtime(async {
        let place = Place::new();
        assert_eq!(one(place.channels(), script("cat > got")).await, None);
        let got: serde_json::Value = serde_json::from_str(&place.text("got")).unwrap();
        let expected = serde_json::json!({
            "key": "drill-7k3fq/q3.2", "run": "drill-7k3fq", "runbook": "drill", "node": "go", "pass": 2, "level": 1,
            "message": "go: may the run go on? \"now\"", "decide": "piton show drill-7k3fq",
        });
        assert_eq!(got, expected);
        // One that does not read it may deliver all the same.
        assert_eq!(one(place.channels(), command(&["true"])).await, None);
    });
}

#[test]
fn a_command_that_fails_is_named_with_its_last_words_and_without_secrets() {
    on_runtime(async {
        let place = Place::new();
        let contacts = [contact(
            "lead",
            vec![
                RenderedChannel::Webhook(secret("ftp://", "pager")),
                script(
                    "echo fine; printf 'no route\\nrefused: %s\\n' \"$(cat token)\" >&2; exit 3",
                ),
            ],
        )];
        let deliveries = deliver(place.channels(), &contacts).await;
        let why = deliveries[0].failed.clone().unwrap();
        assert!(
            why.contains("command `sh`: ended with exit code 3: refused: ***"),
            "{why}"
        );
        assert!(why.contains("webhook: its address is not"), "{why}");
        assert!(!why.contains(TOKEN), "{why}");
        let why = one(place.channels(), command(&["no-such-program-here"])).await;
        let why = why.unwrap();
        assert!(
            why.contains("no-such-program-here") && why.contains("could not be started"),
            "{why}"
        );
        let why = one(place.channels(), script("kill -9 $$")).await.unwrap();
        assert!(why.contains("signal KILL"), "{why}");
    });
}

#[test]
fn a_program_of_the_runbooks_folder_is_found() {
    use std::os::unix::fs::PermissionsExt;
    on_runtime(async {
        let place = Place::new();
        let program = place.0.join("page");
        std::fs::write(&program, "#!/bin/sh\ncat > \"$1\"\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(
            one(place.channels(), command(&["./page", "seen"])).await,
            None
        );
        assert!(place.text("seen").contains("q3.2"));
    });
}

#[test]
fn a_secret_in_a_commands_arguments_keeps_it_from_being_started() {
    on_runtime(async {
        let place = Place::new();
        let argv = vec![
            Text::literal("sh"),
            Text::literal("-c"),
            secret("touch started #", "pager"),
        ];
        let why = one(place.channels(), RenderedChannel::Command(argv))
            .await
            .unwrap();
        assert!(
            why.contains("`pager`") && why.contains("environment"),
            "{why}"
        );
        assert!(!place.0.join("started").exists());
    });
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_all_that_it_started() {
    on_runtime(async {
        let place = Place::new();
        let channels = place.channels().with_limit(Duration::from_millis(400));
        let slow = script("sleep 600 & echo $! > child; sleep 600");
        let why = one(channels, slow).await.unwrap();
        assert!(why.contains("took longer than 400ms"), "{why}");
        let child = place.text("child").trim().to_owned();
        assert!(!child.is_empty());
        let end = Instant::now() + Duration::from_secs(20);
        while is_alive(&child) {
            assert!(Instant::now() < end, "process {child} is still alive");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z'))
}

#[test]
fn something_left_behind_does_not_hold_a_command_up() {
    on_runtime(async {
        let place = Place::new();
        let began = Instant::now();
        // The stream of errors stays open in the background.
        let why = one(
            place.channels(),
            script("sleep 20 & echo $! > child; echo no >&2; exit 1"),
        )
        .await;
        assert!(why.unwrap().contains("exit code 1: no"));
        assert!(began.elapsed() < Duration::from_secs(15));
        let child = place.text("child");
        let pid = child
            .trim()
            .parse()
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    });
}

#[test]
fn a_webhook_gets_the_message_as_json() {
    on_runtime(async {
        let place = Place::new();
        let (address, asked) = server("HTTP/1.1 204 No Content\r\n\r\n").await;
        let address = secret(&format!("{address}/hooks/"), "pager");
        assert_eq!(
            one(place.channels(), RenderedChannel::Webhook(address)).await,
            None
        );
        let asked = asked.await.unwrap();
        assert!(
            asked.starts_with(&format!("POST /hooks/{TOKEN} HTTP/1.1\r\n")),
            "{asked}"
        );
        assert!(
            asked
                .to_ascii_lowercase()
                .contains("content-type: application/json\r\n"),
            "{asked}"
        );
        let (_, body) = asked.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, message().to_json());
    });
}

#[test]
fn a_webhook_that_does_not_deliver_names_its_host_and_never_its_path() {
    on_runtime(async {
        let place = Place::new();
        for (answer, expected) in [
            (
                "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n",
                "127.0.0.1 answered 500",
            ),
            (
                "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/other\r\ncontent-length: 0\r\n\r\n",
                "redirects are not followed",
            ),
            ("nonsense\r\n\r\n", "127.0.0.1 could not be reached"),
        ] {
            let (address, _asked) = server(answer).await;
            let address = secret(&format!("{address}/hooks/path?token="), "pager");
            let why = one(place.channels(), RenderedChannel::Webhook(address))
                .await
                .unwrap();
            assert!(
                why.starts_with("webhook: ") && why.contains(expected),
                "{why}"
            );
            assert!(!why.contains("hooks") && !why.contains(TOKEN), "{why}");
        }
        let closed = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        for address in [
            format!("http://{closed}/hooks/x"),
            format!("https://{closed}/hooks/x"),
            "hooks".to_owned(),
            "unix:/hooks".to_owned(),
        ] {
            let channel = RenderedChannel::Webhook(Text::literal(address));
            let why = one(place.channels(), channel).await.unwrap();
            assert!(!why.contains("hooks"), "{why}");
        }
    });
}

#[test]
fn a_webhook_that_does_not_answer_is_given_up() {
    on_runtime(async {
        let place = Place::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Text::literal(format!("http://{}/", listener.local_addr().unwrap()));
        let channels = place.channels().with_limit(Duration::from_millis(100));
        let why = one(channels, RenderedChannel::Webhook(address))
            .await
            .unwrap();
        assert!(why.contains("took longer than 100ms"), "{why}");
    });
}

#[test]
fn a_contact_whom_one_channel_reached_is_reached() {
    on_runtime(async {
        let place = Place::new();
        let contacts = [
            contact("lead", vec![script("exit 1"), script("echo lead >> told")]),
            contact("nobody", Vec::new()),
            contact(
                "cto",
                vec![RenderedChannel::Webhook(secret("https://", "lost"))],
            ),
            contact("infra", vec![script("echo infra >> told")]),
        ];
        let deliveries = deliver(place.channels(), &contacts).await;
        let names: Vec<_> = deliveries.iter().map(|of| of.contact.as_str()).collect();
        assert_eq!(names, ["lead", "nobody", "cto", "infra"]);
        let failed: Vec<_> = deliveries.iter().map(|of| of.failed.is_some()).collect();
        assert_eq!(failed, [false, true, true, false]);
        assert!(
            deliveries[1]
                .failed
                .as_ref()
                .unwrap()
                .contains("no channel")
        );
        let lost = deliveries[2].failed.as_ref().unwrap();
        assert!(
            lost.contains("`lost`") && lost.contains("no-such-file"),
            "{lost}"
        );
        let mut told: Vec<_> = place.text("told").lines().map(str::to_owned).collect();
        told.sort();
        assert_eq!(told, ["infra", "lead"]);
    });
}

#[test]
fn everybody_is_told_at_once() {
    on_runtime(async {
        let place = Place::new();
        // Each waits for the other to have begun.
        let meet = |me: &str, other: &str| {
            script(&format!(
                "touch {me}; while ! test -e {other}; do sleep 0.01; done"
            ))
        };
        let contacts = [
            contact("a", vec![meet("one", "two"), meet("two", "three")]),
            contact("b", vec![meet("three", "one")]),
        ];
        let deliveries = deliver(place.channels(), &contacts).await;
        assert!(
            deliveries.iter().all(|of| of.failed.is_none()),
            "{deliveries:?}"
        );
    });
}

//! `http`: what is sent, what comes of the answer, and what is known when there is none.

use super::support::{FAILED, SUCCEEDED, World, cancel, die_when, on_runtime};
use super::web::{Reply, Web, answer, with_headers};
use piton_core::expr::Template;
use piton_core::plan::{
    Action, Check, Http, HttpBody, Interrupted, Method, Undo, UndoAfter, WorldEffect,
};
use piton_core::record::{AttemptResult, OutcomeStatus};
use piton_core::sim::plans::{NodeBuilder, gate, plan, step};
use piton_core::time::Millis;
use piton_core::value::Value;
use piton_runtime::driver::DriveEnd;
use std::net::TcpListener;

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn request(method: Method, url: &str) -> Http {
    Http {
        url: template(url),
        method,
        headers: [].into(),
        body: None,
        status: Vec::new(),
    }
}

fn get(url: &str) -> Action {
    Action::Http(request(Method::Get, url))
}

fn post(url: &str) -> Action {
    Action::Http(request(Method::Post, url))
}

fn json(url: &str, text: &str) -> Http {
    Http {
        body: Some(HttpBody::Json(template(text))),
        ..request(Method::Post, url)
    }
}

/// The end of a run of one node, and the result of its last attempt.
async fn end_of(node: NodeBuilder) -> (DriveEnd, AttemptResult) {
    let world = World::new();
    let (run, end) = world.run(plan("web").node(node)).await;
    let result = world.results(&run).await.pop().unwrap();
    (end, result)
}

#[track_caller]
fn assert_end(result: &AttemptResult, status: OutcomeStatus, parts: &[&str]) {
    assert_eq!(result.status, status, "{}", result.message);
    for part in parts {
        assert!(
            result.message.contains(part),
            "`{part}` is not in: {}",
            result.message
        );
    }
}

#[test]
fn an_answer_gives_its_status_its_headers_and_its_json() {
    on_runtime(async {
        let body = r#"{"status": "ok", "events": [1, 2]}"#;
        let web = Web::always(with_headers(
            "201 Created",
            "ETag: v7\r\nX: a\r\nx: b\r\n",
            body,
        ));
        let node = step("a")
            .action(get(&web.url("/health?full=1")))
            .output("status", "status")
            .output("events", "size(json.events)")
            .output("whole", "value.status")
            .output("text", "body")
            .output("tag", "headers.etag + ' ' + headers['x']");
        let (end, result) = end_of(node).await;
        assert_eq!(end, SUCCEEDED, "{}", result.message);
        let expected = [
            ("status", Value::Int(201)),
            ("events", Value::Int(2)),
            ("whole", Value::String("ok".into())),
            ("text", Value::String(body.into())),
            ("tag", Value::String("v7 a, b".into())),
        ];
        assert_eq!(
            result.outputs,
            expected.map(|(n, v)| (n.to_owned(), v)).into()
        );
        let seen = &web.seen()[0];
        assert_eq!(seen.line, "GET /health?full=1 HTTP/1.1");
        assert!(seen.headers["user-agent"].starts_with("piton/"));
        assert!(!seen.headers.contains_key("idempotency-key"));
    });
}

#[test]
fn a_body_that_is_not_json_is_a_text() {
    on_runtime(async {
        let web = Web::always(answer("200 OK", "it works {"));
        let node = step("a").action(get(&web.url("/"))).output("said", "value");
        let (end, result) = end_of(node).await;
        assert_eq!(end, SUCCEEDED);
        assert_eq!(result.outputs["said"], Value::String("it works {".into()));
        let node = step("a").action(get(&web.url("/"))).output("n", "json.n");
        let (end, result) = end_of(node).await;
        assert_eq!(end, FAILED);
        assert_end(&result, OutcomeStatus::Failed, &["output `n`", "json"]);
    });
}

#[test]
fn what_is_sent_has_its_values_and_its_secrets_and_nothing_keeps_them() {
    on_runtime(async {
        let world = World::new();
        let secret = "hunter2\"hunter2";
        std::fs::write(world.path("token"), secret).unwrap();
        let echo = |_: usize, seen: &super::web::Seen| {
            with_headers(
                "400 Bad Request",
                &format!("x-echo: {}\r\n", seen.headers["authorization"]),
                &seen.body,
            )
        };
        let web = Web::new(echo);
        let mut http = json(
            &web.url("/users?key=${{ secrets.token }}"),
            r#"{"name": ${{ params.name }}, "note": "for ${{ params.name }}", "token": "${{ secrets.token }}"}"#,
        );
        let bearer = template("Bearer ${{ secrets.token }}");
        http.headers.insert("Authorization".to_owned(), bearer);
        let mut made = plan("web")
            .param("name", Value::String("x\", \"admin\": \"1".into()))
            .secret("token")
            .node(
                step("a")
                    .action(Action::Http(http))
                    .success("status == 400")
                    .output("said", "body"),
            )
            .build()
            .unwrap();
        let source = piton_core::plan::SecretSource::File("token".to_owned());
        made.secrets.insert("token".to_owned(), source);
        let run = world.submit_plan(made).await;
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        let seen = &web.seen()[0];
        assert_eq!(seen.headers["authorization"], format!("Bearer {secret}"));
        assert_eq!(seen.headers["content-type"], "application/json");
        let sent: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        let name = "x\", \"admin\": \"1";
        let expected =
            serde_json::json!({"name": name, "note": format!("for {name}"), "token": secret});
        assert_eq!(sent, expected);
        for (path, bytes) in world.everything_written() {
            let kept = bytes.windows(7).any(|part| part == b"hunter2");
            assert!(!kept || path == world.path("token"), "{}", path.display());
        }
    });
}

#[test]
fn a_request_that_changes_something_is_known_by_its_run_node_and_pass() {
    on_runtime(async {
        let world = World::new();
        let web = Web::new(|number, _| match number {
            0 => answer("503 Service Unavailable", ""),
            _ => answer("200 OK", ""),
        });
        let each = step("each")
            .needs(&["own"])
            .for_each("['a b', 'c']")
            .action(post(&web.url("/each")));
        let mut own = request(Method::Put, &web.url("/own"));
        own.headers
            .insert("idempotency-KEY".to_owned(), template("mine"));
        let (run, end) = world
            .run(
                plan("web")
                    .node(
                        step("again")
                            .action(post(&web.url("/")))
                            .retry(1, Millis(1)),
                    )
                    .node(step("own").needs(&["again"]).action(Action::Http(own)))
                    .node(each),
            )
            .await;
        assert_eq!(end, SUCCEEDED);
        let keys: Vec<_> = web
            .seen()
            .iter()
            .map(|seen| seen.headers["idempotency-key"].clone())
            .collect();
        let first = format!("{run}/again/1");
        let of_each = ["a%20b", "c"].map(|item| format!("{run}/each/1/{item}"));
        let expected = [
            first.clone(),
            first,
            "mine".into(),
            of_each[0].clone(),
            of_each[1].clone(),
        ];
        assert_eq!(keys, expected);
    });
}

#[test]
fn an_undo_has_a_key_of_its_own_and_a_look_has_none() {
    on_runtime(async {
        let world = World::new();
        let web = Web::always(answer("200 OK", ""));
        let undo = WorldEffect::Undo(Undo {
            action: post(&web.url("/undo")),
            env: [].into(),
            timeout: None,
            after: UndoAfter::Succeeded,
            retry: Default::default(),
            check: None,
        });
        let (run, _) = world
            .run(
                plan("web")
                    .node(step("a").action(post(&web.url("/do"))).effect(undo))
                    .node(gate("look").needs(&["a"]).action(post(&web.url("/look"))))
                    .node(step("b").needs(&["look"]).script("exit 1").rollback()),
            )
            .await;
        let keys: Vec<_> = web
            .seen()
            .iter()
            .map(|seen| seen.headers.get("idempotency-key").cloned())
            .collect();
        let expected = [
            Some(format!("{run}/a/1")),
            None,
            Some(format!("{run}/a/1/undo")),
        ];
        assert_eq!(keys, expected);
    });
}

#[test]
fn another_status_than_the_expected_ones_is_a_failure_that_says_what_the_server_said() {
    on_runtime(async {
        let web = Web::always(answer("503 Service Unavailable", "<h1>\n  too busy</h1>"));
        for method in [Method::Get, Method::Post] {
            let node = step("a").action(Action::Http(request(method, &web.url("/x"))));
            let (_, result) = end_of(node).await;
            let said = "answered 503 Service Unavailable, and 200 to 299 was expected; it says: <h1> too busy</h1>";
            let begin = format!("{} http://{}/x: ", method.as_str(), web.address);
            assert_end(&result, OutcomeStatus::Failed, &[&begin, said]);
        }
        let expected = Http {
            status: vec![404, 503],
            ..request(Method::Get, &web.url("/x"))
        };
        let (end, _) = end_of(step("a").action(Action::Http(expected))).await;
        assert_eq!(end, SUCCEEDED);
        let other = Http {
            status: vec![200, 204],
            ..request(Method::Get, &web.url("/x"))
        };
        let (_, result) = end_of(step("a").action(Action::Http(other))).await;
        assert_end(&result, OutcomeStatus::Failed, &["200 or 204 was expected"]);
    });
}

#[test]
fn an_expression_that_asks_for_the_status_decides_itself() {
    on_runtime(async {
        let web = Web::new(|number, _| match number {
            0 | 1 => answer("503 Service Unavailable", r#"{"ready": true}"#),
            _ => answer("200 OK", r#"{"ready": true}"#),
        });
        // What a wrong status brought along does not count.
        let node = step("a")
            .action(get(&web.url("/")))
            .until("json.ready", Millis(1));
        let (end, result) = end_of(node).await;
        assert_eq!(
            (end, web.seen().len()),
            (SUCCEEDED, 3),
            "{}",
            result.message
        );

        let down = Web::always(answer("503 Service Unavailable", "down"));
        let check = |name: &str, expect: Option<&str>| Check {
            name: name.to_owned(),
            probe: get(&down.url("/dashboard")),
            expect: expect.map(|text| piton_core::expr::Expression::parse(text).unwrap()),
        };
        let checks = vec![
            check("closed", Some("status == 503 && body == 'down'")),
            check("open", Some("status == 200")),
            check("well", None),
            check("down", Some("body == 'down'")),
        ];
        let (end, result) = end_of(gate("g").action(Action::Checks(checks))).await;
        assert_eq!(end, FAILED);
        let passed: Vec<_> = result.checks.iter().map(|check| check.passed).collect();
        assert_eq!(passed, [true, false, false, false], "{:?}", result.checks);
        assert_eq!(result.checks[1].actual, "status 503: down");
        assert!(result.checks[2].actual.contains("200 to 299 was expected"));

        let until = step("a")
            .action(get(&down.url("/")))
            .until("status == 200", Millis(1))
            .fail_when("status == 503");
        let (_, result) = end_of(until).await;
        let in_vain = result.in_vain.unwrap();
        assert_eq!(in_vain, "waiting is in vain: `status == 503` is true");
        let success = |text: &str| step("a").action(get(&down.url("/"))).success(text);
        assert_eq!(end_of(success("status == 503")).await.0, SUCCEEDED);
        assert_eq!(end_of(success("body == 'down'")).await.0, FAILED);
    });
}

#[test]
fn what_could_not_be_reached_was_not_sent() {
    on_runtime(async {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let node = step("a").action(post(&format!("http://me:pass@{address}/x")));
        let (_, result) = end_of(node).await;
        let begin = format!("POST http://{address}/x: could not be reached: ");
        assert_end(
            &result,
            OutcomeStatus::Failed,
            &[&begin, "refused", "nothing was sent"],
        );
        assert!(!result.message.contains("pass"), "{}", result.message);

        // Nobody takes this connection, so that TLS is never agreed on.
        let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("https://{}/", silent.local_addr().unwrap());
        let (_, result) = end_of(step("a").action(post(&url)).timeout(Millis(200))).await;
        let parts = ["could not be reached within 200ms", "nothing was sent"];
        assert_end(&result, OutcomeStatus::TimedOut, &parts);

        let plain = Web::always(answer("200 OK", ""));
        let url = format!("https://{}/", plain.address);
        let (_, result) = end_of(step("a").action(post(&url))).await;
        assert_end(&result, OutcomeStatus::Failed, &["nothing was sent"]);
    });
}

#[test]
fn an_answer_that_never_came_leaves_open_what_was_done() {
    on_runtime(async {
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
        let cases = [
            (
                Reply::Send(Vec::new()),
                OutcomeStatus::Failed,
                "no answer came: ",
            ),
            (
                Reply::Hold(Vec::new()),
                OutcomeStatus::TimedOut,
                "no answer came within 300ms",
            ),
            (
                Reply::Send(half.clone()),
                OutcomeStatus::Failed,
                "answered 200 OK, and not all of the answer came: the connection broke",
            ),
            (
                Reply::Hold(half),
                OutcomeStatus::TimedOut,
                "answered 200 OK, and not all of the answer came within 300ms",
            ),
            (
                answer("502 Bad Gateway", "nginx"),
                OutcomeStatus::Failed,
                "answered 502 Bad Gateway, and 200 to 299 was expected; it says: nginx",
            ),
            (
                answer("504 Gateway Timeout", ""),
                OutcomeStatus::Failed,
                "answered 504 Gateway Timeout",
            ),
        ];
        for (reply, looking, said) in cases {
            let web = Web::always(reply);
            let (_, result) =
                end_of(step("a").action(get(&web.url("/"))).timeout(Millis(300))).await;
            assert_end(&result, looking, &[said]);
            let (end, result) =
                end_of(step("a").action(post(&web.url("/"))).timeout(Millis(300))).await;
            let open = "nobody knows whether the server did what was asked";
            assert_end(&result, OutcomeStatus::Unknown, &[said, open]);
            assert_eq!(end, DriveEnd::Waiting, "a person is asked");
            assert_eq!(web.seen().len(), 2, "nothing is sent twice");
        }
    });
}

#[test]
fn a_refusal_stays_one_when_its_text_does_not_come() {
    on_runtime(async {
        let half = b"HTTP/1.1 409 Conflict\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
        for reply in [Reply::Send(half.clone()), Reply::Hold(half)] {
            let web = Web::always(reply);
            let (_, result) =
                end_of(step("a").action(post(&web.url("/"))).timeout(Millis(300))).await;
            assert_end(&result, OutcomeStatus::Failed, &["answered 409 Conflict"]);
        }
    });
}

#[test]
fn a_redirect_is_shown_and_not_followed() {
    on_runtime(async {
        let web = Web::always(with_headers(
            "302 Found",
            "Location: https://elsewhere/\r\n",
            "",
        ));
        let (_, result) = end_of(step("a").action(post(&web.url("/")))).await;
        let said = "answered 302 Found to https://elsewhere/, and redirects are not followed: write the final address, or list 302 in `status`";
        assert_end(&result, OutcomeStatus::Failed, &[said]);
        assert_eq!(web.seen().len(), 1);
    });
}

#[test]
fn of_a_huge_answer_the_first_part_is_kept() {
    on_runtime(async {
        let body = "ab".repeat(4 * 1024 * 1024);
        let web = Web::always(answer("200 OK", &body));
        let node = step("a")
            .action(get(&web.url("/")))
            .output("n", "size(body)");
        let (end, result) = end_of(node).await;
        assert_eq!(end, SUCCEEDED);
        assert_eq!(result.outputs["n"], Value::Int(1024 * 1024));
    });
}

#[test]
fn a_probe_that_gets_no_clear_answer_says_nothing() {
    on_runtime(async {
        for (status, end) in [
            ("200 OK", SUCCEEDED),
            ("404 Not Found", SUCCEEDED),
            ("500 Internal Server Error", DriveEnd::Waiting),
            ("401 Unauthorized", DriveEnd::Waiting),
        ] {
            let broken = Web::new(|number, _| match number {
                0 => Reply::Send(Vec::new()),
                _ => answer("200 OK", ""),
            });
            let world = World::new();
            let probe = Web::always(answer(status, ""));
            let node = step("a")
                .action(post(&broken.url("/")))
                .interrupted(Interrupted::Probe(get(&probe.url("/there"))));
            let (run, ended) = world.run(plan("web").node(node)).await;
            assert_eq!(ended, end, "{status}");
            let again = if status.starts_with("404") { 2 } else { 1 };
            assert_eq!(broken.seen().len(), again, "{status}");
            if end == DriveEnd::Waiting {
                let said = world.results(&run).await.pop().unwrap();
                let part = "that does not say whether it happened";
                assert_end(&said, OutcomeStatus::Unknown, &[status, part]);
            }
        }
    });
}

#[test]
fn a_request_that_its_engine_died_over_is_not_sent_again_unasked() {
    on_runtime(async {
        for (method, end, requests) in [
            (Method::Post, DriveEnd::Waiting, 1),
            (Method::Get, SUCCEEDED, 2),
        ] {
            let world = World::new();
            let web = Web::new(|number, _| match number {
                0 => Reply::Hold(Vec::new()),
                _ => answer("200 OK", ""),
            });
            let node = step("a").action(Action::Http(request(method, &web.url("/"))));
            let run = world.submit(plan("web").node(node)).await;
            die_when(&world.doomed(), &run, || web.seen().len() == 1).await;
            assert_eq!(world.drive(&run).await.unwrap(), end, "{method:?}");
            assert_eq!(web.seen().len(), requests, "{method:?}");
        }
    });
}

#[test]
fn a_cancel_ends_a_request_and_says_what_is_not_known() {
    on_runtime(async {
        for (method, status) in [
            (Method::Get, OutcomeStatus::Stopped),
            (Method::Post, OutcomeStatus::Unknown),
        ] {
            let world = World::new();
            let web = Web::always(Reply::Hold(Vec::new()));
            let node = step("a").action(Action::Http(request(method, &web.url("/"))));
            let run = world.submit(plan("web").node(node)).await;
            let local = world.local();
            let cancelling = async {
                while web.seen().is_empty() {
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
                world
                    .local()
                    .post(&run, &cancel("boss"), "c")
                    .await
                    .unwrap();
            };
            let mut observer = ();
            let options = piton_runtime::driver::DriveOptions::until(
                piton_runtime::driver::Until::WaitingOrOver,
            );
            let (end, ()) = tokio::join!(local.drive(&run, options, &mut observer), cancelling);
            end.unwrap();
            let result = world.results(&run).await.pop().unwrap();
            assert_end(&result, status, &["was told to end while it was under way"]);
        }
    });
}

#[test]
fn what_cannot_be_sent_is_said_before_anything_is_sent() {
    on_runtime(async {
        let web = Web::always(answer("200 OK", ""));
        let mut torn = request(Method::Post, &web.url("/"));
        torn.headers
            .insert("X-Token".to_owned(), template("${{ 'a\\nb' }}"));
        let (_, result) = end_of(step("a").action(Action::Http(torn))).await;
        let parts = [
            "the value of its header `X-Token` has a line end",
            "nothing was sent",
        ];
        assert_end(&result, OutcomeStatus::Failed, &parts);
        for url in ["${{ 'ftp://x/' }}", "${{ 'nothing' }}", "${{ 'http://' }}"] {
            let (_, result) = end_of(step("a").action(get(url))).await;
            let part = "its address is not one of the form https://HOST/… or http://HOST/…";
            assert_end(&result, OutcomeStatus::Failed, &[part]);
        }
        assert!(web.seen().is_empty());
    });
}

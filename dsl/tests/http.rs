//! `http`: the same in both syntaxes, what comes of it in the plan, and what is refused.

use crate::keys::{both, node};
use piton_core::plan::{Action, Http, HttpBody, Interrupted, Method, WorldEffect};
use piton_dsl::check_text;

fn request(action: &Action) -> &Http {
    match action {
        Action::Http(request) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_reaches_the_plan_wherever_it_may_stand() {
    let plan = both(
        [
            r#"timeout = 1m
               secret token { env = "TOKEN" }
               param name { type = string, default = "x" }"#,
            "timeout: 1m\nsecrets: {token: {env: TOKEN}}\nparams: {name: {type: string, default: x}}",
        ],
        [
            r#"step refund {
                 http {
                   url = "https://pay.example/${{ params.name }}"
                   method = "POST"
                   headers { Authorization = "Bearer ${{ secrets.token }}", X-Trace = "${{ run.id }}" }
                   json = "{\"name\": ${{ params.name }}, \"key\": \"${{ secrets.token }}\"}"
                   status = [201, 409]
                 }
                 outputs { id = "json.id", tag = "headers['etag']", text = "body", all = "value" }
                 capture { http = "https://pay.example/balance" }
                 interrupted = probe { http { url = "https://pay.example/refunds/${{ run.id }}", status = 200 } }
                 undo {
                   http { url = "https://pay.example/refunds", method = "DELETE", body = "was=${{ capture.json.sum + capture.status }}" }
                   check { http = "http://pay.example/gone" }
                 }
               }
               gate serving {
                 checks {
                   check "health" { http = "https://app.example/health", expect = "status == 200 && json.ok" }
                   check "plain" { http = "${{ params.name }}/health" }
                 }
                 on_fail = [stop]
               }
               step wait {
                 http = "https://app.example/"
                 until = "status == 503 || body.contains('down')"
                 every = 1s
                 effect = none
               }"#,
            r#"
  - step: refund
    http:
      url: https://pay.example/${{ params.name }}
      method: POST
      headers: {Authorization: "Bearer ${{ secrets.token }}", X-Trace: "${{ run.id }}"}
      json: '{"name": ${{ params.name }}, "key": "${{ secrets.token }}"}'
      status: [201, 409]
    outputs: {id: json.id, tag: "headers['etag']", text: body, all: value}
    capture: {http: https://pay.example/balance}
    interrupted: {probe: {http: {url: "https://pay.example/refunds/${{ run.id }}", status: 200}}}
    undo:
      http: {url: https://pay.example/refunds, method: DELETE, body: "was=${{ capture.json.sum + capture.status }}"}
      check: {http: http://pay.example/gone}
  - gate: serving
    checks:
      - {check: health, http: https://app.example/health, expect: status == 200 && json.ok}
      - {check: plain, http: "${{ params.name }}/health"}
    on_fail: [stop]
  - step: wait
    http: https://app.example/
    until: status == 503 || body.contains('down')
    every: 1s
    effect: none"#,
        ],
    );
    let refund = node(&plan, "refund");
    let sent = request(&refund.action);
    assert_eq!(sent.method, Method::Post);
    assert_eq!(sent.status, [201, 409]);
    assert_eq!(
        sent.headers["Authorization"].text(),
        "Bearer ${{ secrets.token }}"
    );
    assert!(
        matches!(&sent.body, Some(HttpBody::Json(json)) if json.text().starts_with("{\"name\""))
    );
    let capture = request(refund.capture.as_ref().expect("it captures"));
    assert_eq!(
        (capture.method, capture.body.is_none()),
        (Method::Get, true)
    );
    let Interrupted::Probe(probe) = &refund.interrupted else {
        panic!("a probe")
    };
    assert_eq!(request(probe).status, [200]);
    let WorldEffect::Undo(undo) = &refund.effect else {
        panic!("an undo")
    };
    assert!(matches!(
        request(&undo.action).body,
        Some(HttpBody::Text(_))
    ));
    assert!(undo.check.is_some());
    let Action::Checks(checks) = &node(&plan, "serving").action else {
        panic!("checks")
    };
    assert_eq!(
        request(&checks[1].probe).url.text(),
        "${{ params.name }}/health"
    );
}

/// The codes and messages that a step with this `http` gives.
fn found(http: &str) -> Vec<String> {
    let text = format!(
        "runbook a {{ timeout = 1m\nsecret s {{ env = \"S\" }}\nstep a {{\nhttp {http}\neffect = none\n}}\n}}"
    );
    let found = check_text("a.runbook", &text).diagnostics;
    found
        .iter()
        .map(|it| format!("{} {}", it.code, it.message))
        .collect()
}

#[test]
fn what_no_server_could_take_is_refused() {
    let url = "url = \"https://x/${{ secrets.s }}\"";
    for (http, message) in [
        ("{ method = \"GET\" }".to_owned(), "keys::missing"),
        (
            format!("{{ {url}, method = \"get\" }}"),
            "keys::wrong-type `method` takes `GET`, `HEAD`",
        ),
        (
            format!("{{ {url}, method = \"FETCH\", body = \"x\" }}"),
            "keys::wrong-type `method` takes `GET`, `HEAD`",
        ),
        (
            format!("{{ {url}, status = 99 }}"),
            "keys::wrong-type `status` takes a status from 100 to 599, or a list of statuses from 100 to 599, not `99`",
        ),
        (
            format!("{{ {url}, status = [200, 600] }}"),
            "keys::wrong-type `status` takes",
        ),
        (
            format!("{{ {url}, status = \"200\" }}"),
            "keys::wrong-type `status` takes",
        ),
        (
            format!("{{ {url}, status = [] }}"),
            "keys::wrong-type `status` takes",
        ),
        (
            format!("{{ {url}, headers {{ \"X Y\" = \"1\" }} }}"),
            "keys::bad-name `X Y`",
        ),
        (
            format!("{{ {url}, body = \"x\" }}"),
            "http::body-of-look `GET` sends nothing, and here is a `body`",
        ),
        (
            format!("{{ {url}, method = \"PUT\", json = \"{{\" }}"),
            "http::bad-json this is not JSON: EOF",
        ),
        ("= \"ftp://x/\"".to_owned(), "http::bad-url"),
        (
            "= [\"http://x/\"]".to_owned(),
            "keys::wrong-type `http` takes text, in which `${{ }}` may stand or a block",
        ),
    ] {
        let all = found(&http);
        assert!(
            matches!(all.as_slice(), [only] if only.starts_with(message)),
            "{http}: {all:#?}"
        );
    }
    assert_eq!(found(&format!("{{ {url} }}")), [""; 0]);
}

#[test]
fn only_an_answer_has_a_status() {
    let text = r#"runbook a { timeout = 1m
        step a { run = "true", outputs { x = "status" }, effect = none }
        step b { http = "http://x/", outputs { x = "stdout", y = "status + 'x'" }, effect = none }
    }"#;
    let found = check_text("a.runbook", text).diagnostics;
    let codes: Vec<_> = found.iter().map(|it| it.code).collect();
    assert_eq!(
        codes,
        ["names::unknown", "names::unknown", "expression::type"]
    );
}

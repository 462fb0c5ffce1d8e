//! `http`: a request to a web server, made by the engine.
//!
//! How it ends depends on what is known. Before the connection was there nothing was sent, so that is a failure, or
//! too late. After that a request that only looks has failed if no whole answer came; of one that changes something
//! nobody knows. An answer of 502 or 504 says that something in between had none, which is the same. Any other answer
//! is the server's own word: a success if its status is an expected one, else a failure.

use super::attempt::Task;
use super::stop::StopSignal;
use crate::mask::masked;
use crate::secrets::{self, Secrets};
use crate::web::{self, Connected, Scheme, cause};
use piton_core::expr::escaped_for_json;
use piton_core::id::Purpose;
use piton_core::record::{HttpResponse, OutcomeStatus, RenderedBody, RenderedHttp};
use piton_core::run::{Outcome, Produced};
use piton_core::text::{Piece, Text};
use piton_core::time::Millis;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, Request, Response, StatusCode, Url};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

/// How much of an answer is repeated in a message, in characters.
const SAID_LIMIT: usize = 200;

/// The header by which a server knows a request that it has seen before.
const KEY: &str = "idempotency-key";

/// A request that can be sent, with its secrets in it.
pub(super) struct Prepared {
    client: Client,
    request: Request,
    connected: Connected,
}

/// Puts the secrets in.
///
/// # Errors
/// Why the request cannot be sent, for people; holds no secret.
pub(super) fn prepare(http: &RenderedHttp, secrets: &Secrets) -> Result<Prepared, String> {
    let name = name(http);
    let cannot = |why: &str| format!("{name}: {why}; nothing was sent");
    let reveal = |text: &Text| secrets.reveal(text).map_err(|error| error.to_string());
    let wrong = || cannot("its address is not one of the form https://HOST/… or http://HOST/…");
    let url = Url::parse(&reveal(&http.url)?).map_err(|_| wrong())?;
    let scheme = Scheme::named(url.scheme()).ok_or_else(wrong)?;
    let method = Method::from_bytes(http.method.as_str().as_bytes())
        .map_err(|_| cannot("there is no such method"))?;
    let connected = Connected::default();
    let client = web::noting_client(scheme, &connected).map_err(|why| cannot(&why))?;
    let headers = headers(http, secrets).map_err(|why| cannot(&why))?;
    let mut request = client.request(method, url).headers(headers);
    match &http.body {
        Some(RenderedBody::Text(text)) => request = request.body(reveal(text)?),
        Some(RenderedBody::Json(text)) => request = request.body(json(text, secrets)?),
        None => {}
    }
    let request = request
        .build()
        .map_err(|_| cannot("its address or its headers cannot be sent"))?;
    Ok(Prepared {
        client,
        request,
        connected,
    })
}

fn headers(http: &RenderedHttp, secrets: &Secrets) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    if let Some(RenderedBody::Json(_)) = http.body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let key = http
        .key
        .as_ref()
        .map(|key| (KEY, Text::literal(key.as_str())));
    let own = http.headers.iter();
    let own = own.map(|(name, text)| (name.as_str(), text.clone()));
    for (name, text) in key.into_iter().chain(own) {
        let value = secrets.reveal(&text).map_err(|error| error.to_string())?;
        let value =
            HeaderValue::from_str(&value).or_else(|_| HeaderValue::from_bytes(value.as_bytes()));
        let value = value.map_err(|_| {
            format!("the value of its header `{name}` has a line end or another control character in it, and cannot be sent")
        })?;
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{name}` cannot be the name of a header"))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The secrets of a JSON text stand inside of quotes.
fn json(text: &Text, secrets: &Secrets) -> Result<String, String> {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => Ok(text.clone()),
        Piece::Secret(_) => {
            let secret = Text {
                pieces: vec![piece.clone()],
            };
            let value = secrets.reveal(&secret).map_err(|error| error.to_string())?;
            Ok(escaped_for_json(&value))
        }
    };
    text.pieces.iter().map(piece).collect()
}

/// What a request is called in messages: its method and its address, without secrets and without what stands before
/// an `@` in it.
fn name(http: &RenderedHttp) -> String {
    let url = http.url.shown();
    let shown = match url.split_once("://") {
        None => url,
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let host = rest.get(..end).unwrap_or_default();
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}{}", rest.get(end..).unwrap_or_default())
        }
    };
    format!("{} {}", http.method.as_str(), shortened(&shown))
}

/// Sends the request and waits for its answer, until its time is up or it is told to end.
pub(super) async fn execute(
    task: &Task<'_>,
    http: &RenderedHttp,
    prepared: Prepared,
    mut stop: StopSignal,
) -> Outcome {
    let exchange = Exchange {
        http,
        name: name(http),
        connected: prepared.connected.clone(),
        answered: Cell::new(None),
        secrets: &task.context.secrets,
    };
    let time_is_up = async {
        match task.beginning.left {
            Some(left) => tokio::time::sleep(Duration::from_millis(left.0)).await,
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        biased;
        () = stop.stopped() => exchange.stopped(),
        outcome = exchange.made(prepared) => outcome,
        () = time_is_up => exchange.late(task.limit),
    };
    match task.attempt.purpose {
        Purpose::Probe | Purpose::UndoCheck => as_finding(outcome),
        _ => outcome,
    }
}

/// What an answer says of whether something happened. That it is not there, or that it is there and not as it should
/// be, means that it did not happen; anything else that is not a success means that nobody knows.
fn as_finding(mut outcome: Outcome) -> Outcome {
    let status = outcome.produced.response.as_ref().map(|it| it.status);
    let says_no = status.is_some_and(|it| (200..300).contains(&it) || [404, 410].contains(&it));
    if outcome.status == OutcomeStatus::Failed && !says_no {
        outcome.status = OutcomeStatus::Unknown;
        outcome
            .message
            .push_str("; that does not say whether it happened");
    }
    outcome
}

/// One request and its answer, as far as it got.
struct Exchange<'a> {
    http: &'a RenderedHttp,
    name: String,
    connected: Connected,
    /// The status of the answer, as soon as it is there.
    answered: Cell<Option<StatusCode>>,
    secrets: &'a Secrets,
}

impl Exchange<'_> {
    async fn made(&self, prepared: Prepared) -> Outcome {
        let mut answer = match prepared.client.execute(prepared.request).await {
            Ok(answer) => answer,
            Err(error) => return self.unanswered(&cause(&error)),
        };
        self.answered.set(Some(answer.status()));
        match read(&mut answer).await {
            Ok((bytes, cut)) => self.judged(&answer, &bytes, cut),
            Err(error) => self.broken(&format!("the connection broke: {}", cause(&error))),
        }
    }

    /// An end without an answer.
    fn unanswered(&self, cause: &str) -> Outcome {
        if !self.connected.is_true() {
            return self.ended(
                OutcomeStatus::Failed,
                &format!("could not be reached: {cause}; nothing was sent"),
            );
        }
        self.unknown_or(OutcomeStatus::Failed, &format!("no answer came: {cause}"))
    }

    /// The answer began and its end did not come.
    fn broken(&self, why: &str) -> Outcome {
        let Some(status) = self.answered.get() else {
            return self.unanswered(why);
        };
        let message = format!("answered {status}, and not all of the answer came: {why}");
        if self.is_refusal(status) {
            return self.ended(OutcomeStatus::Failed, &message);
        }
        self.unknown_or(OutcomeStatus::Failed, &message)
    }

    fn late(&self, limit: Option<Millis>) -> Outcome {
        let limit = limit.unwrap_or_default();
        let message = match self.answered.get() {
            Some(status) if self.is_refusal(status) => {
                return self.broken(&format!("it took longer than {limit}"));
            }
            Some(status) => {
                format!("answered {status}, and not all of the answer came within {limit}")
            }
            None if !self.connected.is_true() => {
                let message = format!("could not be reached within {limit}; nothing was sent");
                return self.ended(OutcomeStatus::TimedOut, &message);
            }
            None => format!("no answer came within {limit}"),
        };
        self.unknown_or(OutcomeStatus::TimedOut, &message)
    }

    fn stopped(&self) -> Outcome {
        if !self.connected.is_true() {
            let message = "was told to end before anything was sent";
            return self.ended(OutcomeStatus::Stopped, message);
        }
        self.unknown_or(
            OutcomeStatus::Stopped,
            "was told to end while it was under way",
        )
    }

    /// The whole answer came.
    fn judged(&self, answer: &Response, bytes: &[u8], cut: bool) -> Outcome {
        let status = answer.status();
        let response = response(answer, bytes, cut, &self.secrets.known());
        let outcome = if self.http.expects(status.as_u16()) {
            Outcome::succeeded(Produced::default())
        } else {
            let message = self.unexpected(status, &response);
            match self.is_refusal(status) {
                true => self.ended(OutcomeStatus::Failed, &message),
                false => self.unknown_or(OutcomeStatus::Failed, &message),
            }
        };
        Outcome {
            produced: Produced {
                response: Some(Box::new(response)),
                ..Produced::default()
            },
            ..outcome
        }
    }

    fn unexpected(&self, status: StatusCode, response: &HttpResponse) -> String {
        let mut message = format!("answered {status}");
        if status.is_redirection() {
            let to = response.headers.get(LOCATION.as_str());
            let to = to.map_or_else(String::new, |to| format!(" to {}", shortened(to)));
            message.push_str(&format!(
                "{to}, and redirects are not followed: write the final address, or list {} in `status`",
                status.as_u16()
            ));
        } else {
            message.push_str(&format!(
                ", and {} was expected",
                expected(&self.http.status)
            ));
        }
        let said = response
            .body
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        if !said.is_empty() {
            message.push_str(&format!("; it says: {}", shortened(&said)));
        }
        message
    }

    /// Whether an answer of this status is the server's own word that it did not do what was asked.
    fn is_refusal(&self, status: StatusCode) -> bool {
        let gateway = [StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT];
        !self.http.expects(status.as_u16()) && !gateway.contains(&status)
    }

    /// An end of which nobody knows what it means, unless the request only looks.
    fn unknown_or(&self, status: OutcomeStatus, message: &str) -> Outcome {
        if self.http.method.only_looks() {
            return self.ended(status, message);
        }
        let message = format!("{message}; nobody knows whether the server did what was asked");
        self.ended(OutcomeStatus::Unknown, &message)
    }

    fn ended(&self, status: OutcomeStatus, message: &str) -> Outcome {
        Outcome::not_succeeded(status, format!("{}: {message}", self.name))
    }
}

/// The answer's body, as much of it as is kept and a little more, and whether there is still more.
async fn read(answer: &mut Response) -> reqwest::Result<(Vec<u8>, bool)> {
    // A secret that begins within the limit is read to its end, so that it can be masked.
    const MOST: usize = HttpResponse::BODY_LIMIT + 3 * secrets::SIZE_LIMIT;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST {
            return Ok((bytes, true));
        }
    }
    Ok((bytes, false))
}

fn response(answer: &Response, bytes: &[u8], cut: bool, secrets: &[String]) -> HttpResponse {
    let mut body = masked(&String::from_utf8_lossy(bytes), secrets);
    let too_long = body.len() > HttpResponse::BODY_LIMIT;
    if too_long {
        let whole = |at: &usize| body.is_char_boundary(*at);
        body.truncate(
            (0..=HttpResponse::BODY_LIMIT)
                .rev()
                .find(whole)
                .unwrap_or(0),
        );
    }
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push_str(", ");
                all.push_str(&value);
            })
            .or_insert(value);
    }
    HttpResponse {
        status: answer.status().as_u16(),
        headers,
        body,
        body_cut: cut || too_long,
    }
}

/// The expected statuses in words.
fn expected(statuses: &[u16]) -> String {
    let words: Vec<String> = statuses.iter().map(ToString::to_string).collect();
    match words.split_last() {
        None => "200 to 299".to_owned(),
        Some((one, [])) => one.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= SAID_LIMIT {
        return text.to_owned();
    }
    text.chars().take(SAID_LIMIT).chain("…".chars()).collect()
}

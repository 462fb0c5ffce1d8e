//! Listens for requests of monitoring systems. Connections are few and short, so that nobody who can reach the address
//! keeps the runs from what they need.

use super::text::CONTENT_TYPE;
use super::{Answer, Ask, Asked};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// How many connections there are at once.
const CONNECTIONS: usize = 32;

/// How long a connection lasts at most.
const CONNECTION: Duration = Duration::from_secs(30);

/// How long an answer takes at most.
const ANSWER: Duration = Duration::from_secs(20);

/// How long is waited after a connection could not be taken, for want of file descriptors as a rule.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers requests to `/metrics` and `/healthz` for as long as it is polled. What is asked goes to `asks`.
pub async fn listen(listener: TcpListener, asks: mpsc::Sender<Ask>) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .with_state(asks);
    let service = TowerToHyperService::new(router);
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(permit) = Arc::clone(&free).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let service = service.clone();
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // Whoever asked may have gone away, or never asked.
            let _ = tokio::time::timeout(CONNECTION, connection).await;
            drop(permit);
        });
    }
}

type Response = (StatusCode, [(HeaderName, &'static str); 1], String);

async fn metrics(State(asks): State<mpsc::Sender<Ask>>) -> Response {
    ask(&asks, Asked::Metrics).await
}

async fn health(State(asks): State<mpsc::Sender<Ask>>) -> Response {
    ask(&asks, Asked::Health).await
}

async fn ask(asks: &mpsc::Sender<Ask>, asked: Asked) -> Response {
    let answered = tokio::time::timeout(ANSWER, async {
        let (to, answer) = oneshot::channel();
        asks.send((asked, to)).await.ok()?;
        answer.await.ok()
    });
    let answer = answered.await.ok().flatten().unwrap_or_else(|| Answer {
        well: false,
        text: "this server is busy or ending\n".to_owned(),
    });
    let status = if answer.well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], answer.text)
}

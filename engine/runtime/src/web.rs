//! Making requests to web servers: what all of them have in common.
//!
//! No proxy is asked, no redirect is followed, nothing is sent twice, and no connection is kept for the next request:
//! what is sent goes where the runbook says, over a connection of its own, or nowhere.

use reqwest::{Client, ClientBuilder, redirect, retry};
use std::error::Error as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// What a URL that requests can go to begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http://`; works where there are no certificates.
    Plain,
    /// `https://`, with the certificates of this machine.
    Secure,
}

impl Scheme {
    /// The scheme of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Scheme> {
        match name {
            "http" => Some(Scheme::Plain),
            "https" => Some(Scheme::Secure),
            _ => None,
        }
    }
}

/// A client for URLs of this scheme.
///
/// # Errors
/// Why none can be made on this machine.
pub fn client(scheme: Scheme) -> Result<Client, String> {
    build(builder(scheme))
}

/// A client for one request, which notes when it is connected.
///
/// # Errors
/// As [`client`].
pub fn noting_client(scheme: Scheme, connected: &Connected) -> Result<Client, String> {
    build(builder(scheme).connector_layer(connected.clone()))
}

fn builder(scheme: Scheme) -> ClientBuilder {
    // The first one to install a provider counts; they are all the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let common = Client::builder()
        .user_agent(concat!("piton/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .pool_max_idle_per_host(0)
        .no_proxy();
    match scheme {
        Scheme::Plain => common.tls_certs_only([]),
        Scheme::Secure => common,
    }
}

fn build(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| {
        format!(
            "no request can be made from this machine: {}",
            cause(&error)
        )
    })
}

/// The innermost cause: what the system or TLS said. The outer ones repeat the address.
pub fn cause(error: &reqwest::Error) -> String {
    let mut innermost = error.source();
    while let Some(next) = innermost.and_then(|error| error.source()) {
        innermost = Some(next);
    }
    innermost.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

/// Whether a request's connection was there, TLS included. Until then provably nothing of the request was sent.
#[derive(Clone, Debug, Default)]
pub struct Connected(Arc<AtomicBool>);

impl Connected {
    /// Whether it was there.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl<S> Layer<S> for Connected {
    type Service = Noting<S>;

    fn layer(&self, inner: S) -> Noting<S> {
        Noting {
            inner,
            connected: self.clone(),
        }
    }
}

/// Connects as the service in it does, and notes when that is done.
#[derive(Clone, Debug)]
pub struct Noting<S> {
    inner: S,
    connected: Connected,
}

impl<S, R> Service<R> for Noting<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.inner.call(request);
        let connected = self.connected.clone();
        Box::pin(async move {
            let connection = connecting.await?;
            connected.0.store(true, Ordering::Release);
            Ok(connection)
        })
    }
}

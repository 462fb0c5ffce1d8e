//! `webhook`: the message is posted to an HTTP address; an answer of 2xx means that it was delivered.
//!
//! The address may hold a secret in its path or its query, so messages name its host only. No proxy is asked and no
//! redirect is followed: the message goes where the runbook says, or nowhere.

use reqwest::header::CONTENT_TYPE;
use reqwest::{ClientBuilder, Url, redirect};
use std::cell::OnceCell;
use std::error::Error as _;

/// Makes requests. Nothing is set up before the first one.
#[derive(Debug, Default)]
pub struct Client {
    /// For `https`, with the certificates of this machine.
    secure: OnceCell<Result<reqwest::Client, String>>,
    /// For `http`, which works where there are no certificates.
    plain: OnceCell<Result<reqwest::Client, String>>,
}

impl Client {
    /// Posts a JSON text.
    ///
    /// # Errors
    /// Why it was not delivered, for people.
    pub async fn post(&self, address: &str, json: &str) -> Result<(), String> {
        let wrong =
            || "its address is not one of the form https://HOST/… or http://HOST/…".to_owned();
        let url = Url::parse(address).map_err(|_| wrong())?;
        let host = url.host_str().ok_or_else(wrong)?.to_owned();
        let client = match url.scheme() {
            "https" => self.secure.get_or_init(|| build(common())),
            "http" => self
                .plain
                .get_or_init(|| build(common().tls_certs_only([]))),
            _ => return Err(wrong()),
        };
        let request = client
            .as_ref()
            .map_err(Clone::clone)?
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(json.to_owned());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) if answer.status().is_redirection() => Err(format!(
                "{host} answered {}, and redirects are not followed; write the final address",
                answer.status()
            )),
            Ok(answer) => Err(format!("{host} answered {}", answer.status())),
            Err(error) => Err(format!("{host} could not be reached: {}", cause(&error))),
        }
    }
}

fn common() -> ClientBuilder {
    // The first one to install a provider counts; they are all the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("piton/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy()
}

fn build(builder: ClientBuilder) -> Result<reqwest::Client, String> {
    builder.build().map_err(|error| {
        format!(
            "no request can be made from this machine: {}",
            cause(&error)
        )
    })
}

/// The innermost cause: what the system or TLS said. The outer ones repeat the address.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost = error.source();
    while let Some(next) = innermost.and_then(|error| error.source()) {
        innermost = Some(next);
    }
    innermost.map_or_else(|| "the request failed".to_owned(), ToString::to_string)
}

//! `webhook`: the message is posted to an HTTP address; an answer of 2xx means that it was delivered.
//!
//! The address may hold a secret in its path or its query, so messages name its host only.

use crate::web::{self, Scheme, cause};
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use std::cell::OnceCell;

/// Makes requests. Nothing is set up before the first one.
#[derive(Debug, Default)]
pub struct Client {
    secure: OnceCell<Result<reqwest::Client, String>>,
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
        let scheme = Scheme::named(url.scheme()).ok_or_else(wrong)?;
        let client = match scheme {
            Scheme::Secure => &self.secure,
            Scheme::Plain => &self.plain,
        };
        let request = client
            .get_or_init(|| web::client(scheme))
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

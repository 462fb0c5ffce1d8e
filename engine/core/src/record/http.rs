//! A request to a web server and its answer, as they are written down.

use crate::plan::Method;
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// See [`crate::plan::Http`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedHttp {
    /// Where it goes.
    pub url: Text,
    /// What is asked.
    #[serde(default)]
    pub method: Method,
    /// Headers by name, as they were written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Text>,
    /// What is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<RenderedBody>,
    /// The statuses that mean success; none: 200 to 299.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<u16>,
    /// The key by which a server that has seen the request before knows it: the same for every attempt of a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What a request sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenderedBody {
    /// Text as it stands.
    Text(Text),
    /// JSON. Secrets in it stand inside of quotes, and have to be escaped when they are put in.
    Json(Text),
}

/// What a server answered. Secrets are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Headers by their names in lower case; several of one name are joined by `, `.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, at most [`HttpResponse::BODY_LIMIT`] bytes of it; bytes that are not UTF-8 are replaced.
    #[serde(default)]
    pub body: String,
    /// Whether `body` was cut.
    #[serde(default)]
    pub body_cut: bool,
}

impl HttpResponse {
    /// How much of a body is kept, in bytes.
    pub const BODY_LIMIT: usize = 1024 * 1024;
}

impl RenderedHttp {
    /// Whether this status means success.
    #[must_use]
    pub fn expects(&self, status: u16) -> bool {
        match self.status.as_slice() {
            [] => (200..300).contains(&status),
            expected => expected.contains(&status),
        }
    }

    /// The names of the secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let body = self.body.as_ref().map(|body| match body {
            RenderedBody::Text(text) | RenderedBody::Json(text) => text,
        });
        let texts = [&self.url].into_iter().chain(self.headers.values());
        texts.chain(body).flat_map(Text::secrets)
    }
}

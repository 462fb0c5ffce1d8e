//! A request to a web server, as the plan says it.

use crate::expr::Template;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A request to a web server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Http {
    /// Where it goes: `http://…` or `https://…`.
    pub url: Template,
    /// What is asked.
    #[serde(default)]
    pub method: Method,
    /// Headers by name, as they were written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// What is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<HttpBody>,
    /// The statuses that mean success, each from 100 to 599; none: 200 to 299.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<u16>,
}

/// What a request sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpBody {
    /// Text as it stands.
    Text(Template),
    /// JSON; see [`Template::render_json`].
    Json(Template),
}

/// What a request asks of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Read.
    #[default]
    Get,
    /// Read, without the body.
    Head,
    /// Ask what is possible.
    Options,
    /// Do something.
    Post,
    /// Put this there.
    Put,
    /// Change a part.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 7] = [
        Method::Get,
        Method::Head,
        Method::Options,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
    ];

    /// The method of this name, which is in capitals.
    #[must_use]
    pub fn named(name: &str) -> Option<Method> {
        Method::ALL
            .into_iter()
            .find(|method| method.as_str() == name)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Options => "OPTIONS",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// Whether it only looks, so that asking once more does no harm. That is what the standard says of it; a server
    /// that does otherwise is broken.
    #[must_use]
    pub fn only_looks(self) -> bool {
        matches!(self, Method::Get | Method::Head | Method::Options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_stored_and_found_by_their_names() {
        for method in Method::ALL {
            assert_eq!(Method::named(method.as_str()), Some(method));
            let stored = serde_json::to_string(&method).unwrap();
            assert_eq!(stored, format!("\"{}\"", method.as_str()));
        }
        assert_eq!(Method::named("get"), None);
    }
}

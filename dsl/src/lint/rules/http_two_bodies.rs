//! # A request with two bodies
//!
//! ## What it does
//! Finds `http` with both `body` and `json`.
//!
//! ## Why it is bad
//! A request has one body, and nobody can tell which of them was meant.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step refund {
//!     http {
//!       url    = "https://pay.example/refunds"
//!       method = "POST"
//!       body   = "order=7"
//!       json   = "{\"order\": 7}"
//!     }
//!     irreversible = "the money is gone"
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step refund {
//!     http {
//!       url    = "https://pay.example/refunds"
//!       method = "POST"
//!       json   = "{\"order\": 7}"
//!     }
//!     irreversible = "the money is gone"
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::schema::{HTTP_BODY, HTTP_JSON};

/// The code of this rule.
pub const CODE: &str = "http::two-bodies";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let requests = context.runbook.nodes.iter().flat_map(|it| it.requests());
    for request in requests {
        let key = |name| request.keys.get(name).copied();
        if let (Some(body), Some(json)) = (key(HTTP_BODY.name), key(HTTP_JSON.name)) {
            let message = "a request sends either `body` or `json`";
            found.push(
                Diagnostic::error(CODE, json, message, "`json` here")
                    .label(body, "`body` here")
                    .help("keep the one that the server takes"),
            );
        }
    }
}

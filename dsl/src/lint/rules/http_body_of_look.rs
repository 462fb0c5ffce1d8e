//! # A request that only looks, with a body
//!
//! ## What it does
//! Finds `body` and `json` of `GET`, `HEAD` and `OPTIONS`.
//!
//! ## Why it is bad
//! Such a request has no body: servers and what stands before them drop it, or refuse it. Mostly the `method` was
//! forgotten, and the server would not do what is meant.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step refund {
//!     http { url = "https://pay.example/refunds", json = "{\"order\": 7}" }
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
//!     http { url = "https://pay.example/refunds", method = "POST", json = "{\"order\": 7}" }
//!     irreversible = "the money is gone"
//!   }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::schema::{HTTP_BODY, HTTP_JSON, HTTP_METHOD};

/// The code of this rule.
pub const CODE: &str = "http::body-of-look";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let requests = context.runbook.nodes.iter().flat_map(|it| it.requests());
    for request in requests.filter(|request| request.method.only_looks()) {
        let body = [&HTTP_BODY, &HTTP_JSON]
            .into_iter()
            .find_map(|key| Some((key.name, *request.keys.get(key.name)?)));
        let Some((name, span)) = body else { continue };
        let method = request.method.as_str();
        let message = format!("`{method}` sends nothing, and here is a `{name}`");
        let help = match request.keys.contains_key(HTTP_METHOD.name) {
            true => format!("take it out, or use another method than `{method}`"),
            false => format!(
                "say what is asked, for example {}",
                example(&HTTP_METHOD, context.runbook.syntax)
            ),
        };
        found.push(Diagnostic::error(CODE, span, message, "not sent").help(help));
    }
}

//! # A body that is not JSON
//!
//! ## What it does
//! Finds a `json` of `http` that cannot be JSON, whatever is put into it.
//!
//! ## Why it is bad
//! The server would refuse it, or take it for something else. A value is put in as JSON of its own type, or, within
//! quotes, as a part of that text; so a text needs quotes, or nothing around its `${{ }}`.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step lock {
//!     http {
//!       url    = "https://app.example/maintenance"
//!       method = "PUT"
//!       json   = "{state: 'on'}"
//!     }
//!     irreversible = "users have seen it"
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step lock {
//!     http {
//!       url    = "https://app.example/maintenance"
//!       method = "PUT"
//!       json   = "{\"state\": \"on\"}"
//!     }
//!     irreversible = "users have seen it"
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "http::bad-json";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let requests = context.runbook.nodes.iter().flat_map(|it| it.requests());
    for json in requests.filter_map(|request| request.json.as_ref()) {
        if let Some(wrong) = json.value.wrong_json() {
            found.push(
                Diagnostic::error(CODE, json.source.span, wrong, "not JSON").help(
                    "names and texts stand in double quotes; to send something else, use `body` with the header `Content-Type`",
                ),
            );
        }
    }
}

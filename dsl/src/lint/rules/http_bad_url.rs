//! # An address that is none
//!
//! ## What it does
//! Finds an `http` address that is not of the form `https://HOST/…` or `http://HOST/…`. What only a run knows is left
//! alone.
//!
//! ## Why it is bad
//! No request can be sent there. The step would fail when it is needed, not when it is written.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   gate serving {
//!     http    = "app.example/health"
//!     on_fail = [stop]
//!   }
//!   step done { run = "true", effect = none }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   gate serving {
//!     http    = "https://app.example/health"
//!     on_fail = [stop]
//!   }
//!   step done { run = "true", effect = none }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Sourced;
use piton_core::expr::Template;

/// The code of this rule.
pub const CODE: &str = "http::bad-url";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let requests = context.runbook.nodes.iter().flat_map(|it| it.requests());
    for url in requests.filter_map(|request| request.url.as_ref()) {
        if may_be_address(&url.value) {
            continue;
        }
        found.push(
            Diagnostic::error(
                CODE,
                url.source.span,
                "no request can be sent to this address",
                "not https://HOST/… or http://HOST/…",
            )
            .help(help(url)),
        );
    }
}

fn help(url: &Sourced<Template>) -> String {
    let text = url.value.text().trim();
    // `app.example/health`, but not `ftp://app.example` or a path.
    if text.contains("://") || text.starts_with(['/', '.']) || text.is_empty() {
        return "write it with its scheme and its host, for example https://app.example/health"
            .to_owned();
    }
    format!("write `https://{text}`, or `http://{text}`")
}

/// Whether what is known of it does not keep it from being an address.
fn may_be_address(url: &Template) -> bool {
    let text = url.text().trim_start();
    let known = match text.find("${{") {
        Some(at) if !url.is_literal() => text.get(..at).unwrap_or_default(),
        _ => text.trim_end(),
    };
    let known = known.to_ascii_lowercase();
    let schemes = ["https://", "http://"];
    match schemes.iter().find_map(|scheme| known.strip_prefix(scheme)) {
        Some(rest) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let is_whole = url.is_literal() || host.len() < rest.len();
            let no_host = is_whole && host.is_empty();
            !no_host && !known.contains(char::is_whitespace)
        }
        None => !url.is_literal() && schemes.iter().any(|scheme| scheme.starts_with(&known)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_reported() {
        for (text, may) in [
            ("https://app.example/health", true),
            (" HTTP://[::1]:8080?x=1 ", true),
            ("${{ params.url }}/health", true),
            ("http${{ params.s }}://x/", true),
            ("https://${{ params.host }}/", true),
            ("", false),
            ("https://", false),
            ("https:///health", false),
            ("https:///${{ params.path }}", false),
            ("https://a b/", false),
            ("ftp://${{ params.host }}/", false),
            ("app.example/${{ params.path }}", false),
            ("/health", false),
        ] {
            let template = Template::parse(text).expect(text);
            assert_eq!(may_be_address(&template), may, "{text}");
        }
    }
}

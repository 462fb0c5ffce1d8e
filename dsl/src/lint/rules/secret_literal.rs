//! # A secret in the file
//!
//! ## What it does
//! Finds passwords in addresses (`postgres://user:password@host`), values of variables named like secrets
//! (`PGPASSWORD=…`, `API_TOKEN`), and keys that are known by their form, in scripts, programs, `env`, requests and
//! databases.
//!
//! ## Why it is bad
//! A runbook is kept in a repository, shown in plans and journals, and read by many. A secret that stood in one has to
//! be changed.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step report {
//!     env { PGPASSWORD = "kiwi-4711-harbour" }
//!     run     = "psql -X -d shop -c 'select count(*) from users'"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   secret password { env = "SHOP_DB_PASSWORD" }
//!   step report {
//!     env { PGPASSWORD = "${{ secrets.password }}" }
//!     run     = "psql -X -d shop -c 'select count(*) from users'"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use super::placeholder::placeholder;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::find::places;
use crate::node::Scalar;
use crate::runbook::{Channel, Node};
use std::ops::Range;

/// The code of this rule.
pub const CODE: &str = "secrets::literal";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (name, scalar) in texts(context) {
        let text = scalar.text.as_str();
        let whole = name.is_some_and(|name| is_secret_name(name) && is_value(text));
        let range = match whole {
            true => Some((
                0..text.len(),
                "the value of a variable that is named like a secret",
            )),
            false => in_address(text)
                .map(|range| (range, "a password in an address"))
                .or_else(|| by_form(text).map(|range| (range, "a key, by its form")))
                .or_else(|| {
                    assigned(text)
                        .map(|range| (range, "the value of a variable that is named like a secret"))
                }),
        };
        if let Some((range, what)) = range {
            found.push(
                Diagnostic::warning(
                    CODE,
                    scalar.source_span(range),
                    format!("this looks like a secret: {what}"),
                    "it can be read by everybody who has the file",
                )
                .help("change it, declare it (secret NAME { env = \"…\" }) and hand it over in `env`: \"${{ secrets.NAME }}\""),
            );
        }
    }
}

/// Every text that a secret may stand in, with the name of the variable that it is the value of.
fn texts<'a>(context: &Context<'a>) -> Vec<(Option<&'a str>, &'a Scalar)> {
    let runbook = context.runbook;
    let mut found: Vec<(Option<&str>, &Scalar)> = Vec::new();
    let undo = runbook
        .nodes
        .iter()
        .flat_map(Node::undos)
        .flat_map(|undo| &undo.env);
    let env = runbook
        .nodes
        .iter()
        .flat_map(|node| &node.env)
        .chain(&runbook.env)
        .chain(undo);
    found.extend(
        env.filter_map(|(name, value)| Some((Some(name.value.as_str()), &value.as_ref()?.source))),
    );
    found.extend(
        context
            .embedded
            .codes
            .iter()
            .filter_map(|code| Some((None, code.text?))),
    );
    found.extend(context.embedded.arguments.iter().map(|it| (None, *it)));
    let statements = context.embedded.statements.iter();
    found.extend(statements.filter_map(|it| Some((None, &it.sql.text.as_ref()?.source))));
    let databases = runbook
        .nodes
        .iter()
        .filter_map(|node| node.database.as_ref())
        .chain(&runbook.database);
    found.extend(databases.map(|it| (None, &it.source)));
    let own = context.embedded.statements.iter().filter(|it| it.sql.own);
    found.extend(own.filter_map(|it| Some((None, &it.sql.on.as_ref()?.source))));
    for request in runbook.nodes.iter().flat_map(Node::requests) {
        let headers = request
            .headers
            .iter()
            .filter_map(|(_, value)| value.as_ref());
        let rest = [&request.url, &request.body, &request.json];
        found.extend(
            headers
                .chain(rest.into_iter().flatten())
                .map(|it| (None, &it.source)),
        );
    }
    for channel in runbook.contacts.iter().flat_map(|contact| &contact.via) {
        match channel {
            Channel::Webhook(url) => found.push((None, &url.source)),
            Channel::Command(argv) => {
                found.extend(argv.iter().flatten().map(|it| (None, &it.source)))
            }
        }
    }
    let params = runbook.params.iter();
    found.extend(
        params.filter_map(|param| Some((Some(param.name.value.as_str()), param.default.as_ref()?))),
    );
    found
}

/// Whether a variable of this name holds a secret.
fn is_secret_name(name: &str) -> bool {
    let ends = [
        "PASSWORD",
        "PASSWD",
        "MYSQL_PWD",
        "_TOKEN",
        "SECRET",
        "SECRET_KEY",
        "SECRET_ACCESS_KEY",
        "API_KEY",
        "APIKEY",
        "PRIVATE_KEY",
    ];
    // Each ends with one of these letters, and most names do not.
    let last = name
        .bytes()
        .next_back()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let same =
        |(one, other): (u8, u8)| one.to_ascii_uppercase() == other || one == b'-' && other == b'_';
    b"DNTY".contains(&last)
        && ends.iter().any(|end| {
            let start = name.len().checked_sub(end.len());
            let tail = start.and_then(|start| name.as_bytes().get(start..));
            tail.is_some_and(|tail| tail.iter().copied().zip(end.bytes()).all(same))
        })
}

/// Whether a text may be a secret: it stands for itself, and is no place where one is.
fn is_value(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 4
        && !text.contains(['$', ' ', '<', '>', '*'])
        && !text.starts_with(['/', '.', '~', '{', '-', '('])
        && !text.contains("://")
        && placeholder(text).is_none()
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "none" | "from-env"
        )
}

/// The password in `scheme://user:password@host`.
fn in_address(text: &str) -> Option<Range<usize>> {
    places(text, "://").find_map(|at| {
        let start = at + 3;
        let rest = text.get(start..)?;
        let end = rest
            .find(|c: char| c.is_whitespace() || "/\"'`".contains(c))
            .unwrap_or(rest.len());
        let (account, _) = rest.get(..end)?.rsplit_once('@')?;
        let (user, password) = account.split_once(':')?;
        let is_one = !password.is_empty()
            && !password.contains(['$', '{', '<', '*'])
            && placeholder(password).is_none()
            && !matches!(
                password.to_ascii_lowercase().as_str(),
                "password" | "pass" | "pw" | "secret" | "xxx" | "..."
            );
        let from = start + user.len() + 1;
        is_one.then_some(from..from + password.len())
    })
}

/// How much of a key is looked at, in characters, all of them ASCII.
const MOST: usize = 400;

/// The length of the shortest key, in bytes.
const SHORTEST: usize = 20;

/// A key that is known by how it looks.
fn by_form(text: &str) -> Option<Range<usize>> {
    const FORMS: [(&str, usize); 12] = [
        ("AKIA", 16),
        ("ASIA", 16),
        ("ghp_", 30),
        ("gho_", 30),
        ("github_pat_", 30),
        ("glpat-", 18),
        ("xoxb-", 20),
        ("xoxp-", 20),
        ("sk_live_", 16),
        ("rk_live_", 16),
        ("eyJ", 40),
        ("Bearer ", 20),
    ];
    let is_part =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '=');
    if text.len() < SHORTEST {
        return None;
    }
    let bytes = text.as_bytes().iter().enumerate();
    let mut begins = bytes.filter(|(_, byte)| b"AgxsreB".contains(byte));
    let may_be = begins.any(|(at, _)| {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        FORMS
            .iter()
            .any(|(form, _)| rest.starts_with(form.as_bytes()))
    });
    for (form, least) in FORMS.into_iter().filter(|_| may_be) {
        for at in places(text, form) {
            let before = text.get(..at).unwrap_or_default();
            let behind = text.get(at + form.len()..).unwrap_or_default();
            // As long as keys are: a text of nothing else must not take more than one look at each part of it.
            let letters = behind.chars().take(MOST);
            let length = letters.take_while(|c| is_part(*c)).count();
            let value = behind.get(..length).unwrap_or_default();
            let mixed = value.chars().any(|c| c.is_ascii_digit());
            if length >= least && mixed && !before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                let from = if form.ends_with(' ') {
                    at + form.len()
                } else {
                    at
                };
                return Some(from..at + form.len() + length);
            }
        }
    }
    let start = places(text, "-----BEGIN ").next()?;
    let line = text.get(start..)?.lines().next()?;
    line.contains("PRIVATE KEY-----")
        .then_some(start..start + line.len())
}

/// The longest value that may be a secret, in bytes: a text of nothing else must not be read again for each name in it.
const LONGEST: usize = 4096;

/// The beginning of a text, more than the longest value.
fn shortened(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST + 4))
        .unwrap_or(text)
}

/// The value in `NAME=value`, where the name is that of a secret.
fn assigned(text: &str) -> Option<Range<usize>> {
    text.match_indices('=').find_map(|(at, _)| {
        let before = text.get(..at)?;
        let is_part = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-';
        let name = before.rsplit(is_part).next()?;
        let flag = name.starts_with("--");
        let is_name = !name.is_empty() && (flag || name.chars().all(|c| !c.is_ascii_lowercase()));
        if !is_name || !is_secret_name(name) {
            return None;
        }
        let behind = text.get(at + 1..)?;
        let quote = behind.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let value = match quote {
            Some(quote) => shortened(behind.get(1..)?).split(quote).next()?,
            None => shortened(behind)
                .split(|c: char| c.is_whitespace() || ";&|)\"'`".contains(c))
                .next()?,
        };
        let from = at + 1 + usize::from(quote.is_some());
        (value.len() <= LONGEST && is_value(value)).then_some(from..from + value.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_addresses_are_found() {
        let found = |text: &str| in_address(text).map(|range| text[range].to_owned());
        assert_eq!(
            found("postgres://shop:kiwi@db/shop"),
            Some("kiwi".to_owned())
        );
        assert_eq!(found("x redis://:p@ss@h:1"), Some("p@ss".to_owned()));
        for text in [
            "postgres://shop@db/shop",
            "postgres://shop:$PW@db",
            "postgres://shop:${{ secrets.x }}@db",
            "https://h:8080/a@b",
            "postgres://u:CHANGE_ME@h",
            "postgres:///x?host=a",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn values_of_secret_variables_are_found() {
        let found = |text: &str| assigned(text).map(|range| text[range].to_owned());
        assert_eq!(
            found("PGPASSWORD=kiwi4711 psql"),
            Some("kiwi4711".to_owned())
        );
        assert_eq!(
            found("export API_TOKEN='a b c'; API_TOKEN='abcd'"),
            Some("abcd".to_owned())
        );
        assert_eq!(found("mysql --password=kiwi"), Some("kiwi".to_owned()));
        for text in [
            "PGPASSWORD=$PW",
            "PGPASSFILE=/x",
            "A=b",
            "PGPASSWORD=",
            "token = x",
            "PASSWORD=\"$(cat x)\"",
            "=",
            "API_TOKEN=/run/secrets/x",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn keys_are_known_by_their_form() {
        assert!(by_form("ASIA567890123456789X").is_some());
        assert!(by_form("x AKIA2345670IUYTREWQA").is_some());
        assert!(by_form("Authorization: Bearer abcdefghij0123456789xyz").is_some());
        assert!(by_form("-----BEGIN RSA PRIVATE KEY-----\nx").is_some());
        for text in [
            "Bearer ${{ secrets.token }}",
            "MAKIAVELLI",
            "Bearer token",
            "eyJ",
            "-----BEGIN CERTIFICATE-----",
        ] {
            assert_eq!(by_form(text), None, "{text}");
        }
    }
}

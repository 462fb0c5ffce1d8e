//! # Settings of Postgres where Debian has none
//!
//! ## What it does
//! Finds `postgresql.conf`, `pg_hba.conf` and `pg_ident.conf` in `/var/lib/postgresql/VERSION/CLUSTER`.
//!
//! ## Why it is bad
//! The packages of Debian and Ubuntu keep them in `/etc/postgresql/VERSION/CLUSTER`. What reads them in the data directory
//! fails, what writes them there has no effect, and a base backup does not bring them along.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step port {
//!     run     = "grep '^port' /var/lib/postgresql/15/main/postgresql.conf"
//!     effect  = none
//!     timeout = 1m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step port {
//!     run     = "grep '^port' /etc/postgresql/15/main/postgresql.conf"
//!     effect  = none
//!     timeout = 1m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::find::contains;
use crate::lint::words::resolved;
use crate::runbook::Node;

/// The code of this rule.
pub const CODE: &str = "postgres::config-elsewhere";

/// Files that Debian keeps elsewhere. `postgresql.auto.conf` is in the data directory everywhere.
const FILES: [&str; 3] = ["postgresql.conf", "pg_hba.conf", "pg_ident.conf"];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if !is_named(context) {
        return;
    }
    for code in &context.embedded.codes {
        for command in code.script.commands() {
            let targets = command.redirects.iter().map(|it| &it.target);
            for word in command.words.iter().chain(targets) {
                let text = resolved(context.runbook, code, &word.text);
                if let Some((version, cluster, file)) = elsewhere(&text) {
                    let place = format!("/etc/postgresql/{version}/{cluster}/{file}");
                    found.push(
                        Diagnostic::warning(
                            CODE,
                            word.span,
                            format!("Debian and Ubuntu have no `{file}` in the data directory"),
                            "not there",
                        )
                        .help(format!("it is {place}; a restored copy has none, so give the server one with -c config_file=…")),
                    );
                }
            }
        }
    }
}

/// Whether the ending of such a file stands anywhere. Mostly not, and then nobody needs to know what variables stand for.
fn is_named(context: &Context<'_>) -> bool {
    let runbook = context.runbook;
    let undos = runbook.nodes.iter().flat_map(Node::undos);
    let nodes = runbook.nodes.iter().flat_map(|node| &node.env);
    let mut env = nodes
        .chain(undos.flat_map(|undo| &undo.env))
        .chain(&runbook.env)
        .filter_map(|(_, value)| value.as_ref());
    let codes = &context.embedded.codes;
    let mut scripts = codes.iter().filter_map(|code| code.text);
    let mut arguments = context.embedded.arguments.iter();
    env.any(|value| contains(value.value.text(), ".conf"))
        || scripts.any(|text| contains(&text.text, ".conf"))
        || arguments.any(|text| contains(&text.text, ".conf"))
}

/// The version, cluster and file of a path into Debian's data directories.
fn elsewhere(text: &str) -> Option<(&str, &str, &str)> {
    let (_, path) = text.split_once("/var/lib/postgresql/")?;
    let mut parts = path.split('/');
    let (version, cluster, file) = (parts.next()?, parts.next()?, parts.next()?);
    let is_version = version.starts_with(|c: char| c.is_ascii_digit())
        && version.chars().all(|c| c.is_ascii_digit() || c == '.');
    let file = FILES.into_iter().find(|name| *name == file)?;
    (is_version && parts.next().is_none()).then_some((version, cluster, file))
}

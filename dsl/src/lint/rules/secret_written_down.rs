//! # A secret that would be written down
//!
//! ## What it does
//! Finds secrets in places that are kept or shown: `outputs`, `expect`, `when`, `dir`, titles and texts for people,
//! and the arguments of programs, which everybody on the machine can read in the list of processes.
//!
//! ## Why it is bad
//! A secret that was written down once has to be changed. Secrets may stand in `env`, in the database of `sql`,
//! in its `bind` and in `http`; there they are put in only when they are used.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   secret token { env = "API_TOKEN" }
//!   step report {
//!     exec    = ["./report.sh", "--token", "${{ secrets.token }}"]
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   secret token { env = "API_TOKEN" }
//!   step report {
//!     env { TOKEN = "${{ secrets.token }}" }
//!     exec    = ["./report.sh", "--token-from-env", "TOKEN"]
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use super::splice::{env_form, variable_name};
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::scope::Resolution;
use crate::lint::sites::Place;
use crate::runbook::{Effect, Sourced};
use piton_core::expr::find_splices;

/// The code of this rule.
pub const CODE: &str = "secrets::written-down";

impl Place {
    /// Whether a secret may stand here, because it is put in only when it is used and not kept.
    pub(crate) fn may_have_secrets(self) -> bool {
        match self {
            Place::Env | Place::Database | Place::Bind | Place::Request | Place::Channel => true,
            Place::When
            | Place::SqlText
            | Place::Dir
            | Place::Argv
            | Place::Output(_)
            | Place::Expect
            | Place::Until
            | Place::FailWhen
            | Place::FailFile
            | Place::Success
            | Place::Validate
            | Place::People
            | Place::WaitUntil
            | Place::Lock
            | Place::Evidence
            | Place::ForEach
            | Place::ForEachKey
            | Place::With
            | Place::Achieved
            | Place::RunbookOutput => false,
        }
    }
}

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for reference in &context.references {
        let Some(site) = context.sites.get(reference.site) else {
            continue;
        };
        let path = &reference.reference.path;
        let known = !matches!(reference.resolution, Resolution::Unknown(_));
        if site.place.may_have_secrets()
            || path.first().is_none_or(|root| root != "secrets")
            || !known
        {
            continue;
        }
        let where_to = match site.place {
            Place::Argv => "in the list of processes, which everybody on the machine can read",
            Place::People => "where people are shown it",
            Place::Lock => "as a lock's name",
            Place::When | Place::Expect | Place::Until | Place::FailWhen | Place::Success => {
                "by what comes out of it, in the journal of the run"
            }
            Place::Dir => "as a directory's name",
            _ => "in the journal of the run",
        };
        let message = format!(
            "the secret `{}` would be written down {where_to}",
            path.get(1).map_or("", |name| name)
        );
        let text = path.join(".");
        let name = variable_name(&text);
        found.push(
            Diagnostic::error(
                CODE,
                site.span(&reference.reference.span),
                message,
                "a secret",
            )
            .help(format!(
                "hand it over in the environment: {}",
                env_form(context.runbook.syntax, &[(name, text)])
            )),
        );
    }
    texts(context, found);
}

/// Texts for people: nothing is put into them, so a secret there is a mistake in the making.
fn texts(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let runbook = context.runbook;
    let mut texts: Vec<&Sourced<String>> = [&runbook.title, &runbook.owner, &runbook.doc]
        .into_iter()
        .flatten()
        .collect();
    texts.extend(runbook.contacts.iter().filter_map(|it| it.name.as_ref()));
    for node in &runbook.nodes {
        texts.extend([&node.title, &node.doc].into_iter().flatten());
        let asks = node.asks().filter_map(|(_, ask)| ask.as_ref());
        texts.extend(asks.filter_map(|ask| ask.help.as_ref()));
        texts.extend(node.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Abandoned(why) | Effect::Irreversible(why) => Some(why),
            _ => None,
        }));
    }
    for text in texts {
        for splice in find_splices(&text.value) {
            if text
                .value
                .get(splice.clone())
                .is_some_and(|inside| inside.contains("secrets.") || inside.contains("secrets["))
            {
                found.push(
                    Diagnostic::error(
                        CODE,
                        text.source.source_span(splice),
                        "a secret does not belong into a text that people are shown",
                        "a secret",
                    )
                    .help("take it out; nothing is put into this text"),
                );
            }
        }
    }
}

//! # A drill that acts on production
//!
//! ## What it does
//! Finds modes that rehearse (their name says drill, rehearsal, exercise, test, staging, sandbox or dry run) and keep a
//! step that has an effect and acts on what is called production: in its own words, through a parameter that the mode
//! does not `set`, or through a secret. A step whose `when`, or an expression that, asks for the `mode` is left in peace.
//!
//! ## Why it is bad
//! A drill is started without fear, often by a clock. It has to be unable to touch what customers use.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   param cluster { default = "production" }
//!   step scale {
//!     env     { CLUSTER = "${{ params.cluster }}" }
//!     run     = "kubectl --context \"$CLUSTER\" scale deployment/api --replicas=0"
//!     undo    { run = "kubectl --context \"$CLUSTER\" scale deployment/api --replicas=2" }
//!     timeout = 5m
//!   }
//!   mode drill { only = ["scale"] }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   param cluster { default = "production" }
//!   step scale {
//!     env     { CLUSTER = "${{ params.cluster }}" }
//!     run     = "kubectl --context \"$CLUSTER\" scale deployment/api --replicas=0"
//!     undo    { run = "kubectl --context \"$CLUSTER\" scale deployment/api --replicas=2" }
//!     timeout = 5m
//!   }
//!   mode drill {
//!     only = ["scale"]
//!     set  { cluster = "drills" }
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::embedded::Purpose;
use crate::lint::sites::Place;
use crate::lint::words::{literal, variables};
use crate::runbook::{Action, Effect, Mode, Node, Runbook, Sourced};
use crate::source::Span;
use piton_core::expr::{Expression, Template};
use piton_core::plan::{NodeKind, SecretSource};

/// The code of this rule.
pub const CODE: &str = "mode::reaches-production";

/// What modes that rehearse are called.
const REHEARSALS: [&str; 12] = [
    "drill",
    "drills",
    "rehearse",
    "rehearsal",
    "exercise",
    "practice",
    "test",
    "testing",
    "staging",
    "sandbox",
    "dry",
    "simulation",
];

/// What production is called.
const PRODUCTION: [&str; 3] = ["prod", "production", "prd"];

/// What is said before it of something that is not production.
const NOT: [&str; 4] = ["non", "not", "no", "pre"];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for mode in &context.runbook.modes {
        if !words(&mode.id.value).any(|word| REHEARSALS.contains(&word.as_str())) {
            continue;
        }
        for (index, node) in context.runbook.nodes.iter().enumerate() {
            if keeps(mode, node)
                && acts(context.runbook, node)
                && let Some(used) = used(context, mode, index, node)
            {
                found.push(report(mode, node, used));
            }
        }
    }
}

/// Something that names production.
struct Used {
    /// Where the step uses it.
    span: Span,
    /// What it is.
    what: What,
}

enum What {
    /// It stands there.
    Word,
    /// A parameter whose name or default says so.
    Param(String),
    /// A parameter that the mode itself sets to it, and where.
    Set(String, Span),
    /// A secret.
    Secret(String),
}

fn report(mode: &Mode, node: &Node, used: Used) -> Diagnostic {
    let (how, help) = match &used.what {
        What::Word => (
            "production is named here".to_owned(),
            "make a parameter of it, which the mode can `set`; or leave the step out of `only`".to_owned(),
        ),
        What::Param(name) => (
            format!("the mode does not set `{name}`, which is production's"),
            format!("give it another `{name}` under `set`, or leave the step out of `only`"),
        ),
        What::Set(name, _) => (
            format!("the mode sets `{name}` to what is production's"),
            format!("give it another `{name}`, or leave the step out of `only`"),
        ),
        What::Secret(name) => (
            format!("the secret `{name}` is production's"),
            "choose the secret by the `mode` (`mode == '…' ? … : …`), or leave the step out of `only`".to_owned(),
        ),
    };
    let diagnostic = Diagnostic::warning(
        CODE,
        used.span,
        format!(
            "in the mode `{}`, `{}` acts on production: {how}",
            mode.id.value, node.id.value
        ),
        "production",
    );
    let diagnostic = match used.what {
        What::Set(_, span) => diagnostic.label(span, "set here"),
        _ => diagnostic.label(mode.id.span, "this mode"),
    };
    diagnostic.help(help)
}

fn keeps(mode: &Mode, node: &Node) -> bool {
    mode.only
        .as_ref()
        .is_none_or(|only| only.iter().any(|name| name.value == node.id.value))
}

/// Whether a step changes something, and does so whatever the mode.
fn acts(runbook: &Runbook, node: &Node) -> bool {
    let by_mode = node
        .when
        .as_ref()
        .is_some_and(|when| asks_mode(&when.value));
    node.kind == NodeKind::Step && !by_mode && has_effect(runbook, node, 0)
}

fn has_effect(runbook: &Runbook, node: &Node, depth: usize) -> bool {
    let lasting = |effect: &Effect| {
        matches!(
            effect,
            Effect::Abandoned(_) | Effect::Undo(_) | Effect::Irreversible(_)
        )
    };
    if node.effects.iter().any(|(_, effect)| lasting(effect)) {
        return true;
    }
    let called = node.call().and_then(|call| runbook.called_by(call));
    depth < 8
        && called.is_some_and(|called| {
            let mut nodes = called.nodes.iter();
            nodes.any(|node| has_effect(called, node, depth + 1))
        })
}

/// Whether an expression has another value in another mode.
fn asks_mode(expression: &Expression) -> bool {
    let references = expression.references();
    references
        .iter()
        .any(|it| it.path.first().is_some_and(|root| root == "mode"))
}

/// The first thing that a step acts on, or with, that names production.
fn used(context: &Context<'_>, mode: &Mode, index: usize, node: &Node) -> Option<Used> {
    let own = context.sites.iter().filter(|site| {
        let matters = matches!(
            site.place,
            Place::Env
                | Place::Dir
                | Place::Argv
                | Place::Database
                | Place::SqlText
                | Place::Bind
                | Place::Request
                | Place::With
                | Place::ForEach
        );
        site.node == Some(index) && matters && !site.names.undo
    });
    let mut own = own.filter_map(|site| {
        let span = |range: &_| site.span(range);
        of_expression(context, mode, site.expression, &span)
    });
    own.next()
        .or_else(|| written(context, index, node))
        .or_else(|| inherited(context, mode, index, node))
}

/// What the words of an action say themselves.
fn written(context: &Context<'_>, index: usize, node: &Node) -> Option<Used> {
    let word = |span: Span| Used {
        span,
        what: What::Word,
    };
    let names = |text: &Sourced<Template>| names_production(&literal(text.value.text()));
    let of_action = match node.action() {
        Some(Action::Sql(sql)) => sql.on.as_ref().filter(|on| names(on)),
        Some(Action::Http(http)) => http.url.as_ref().filter(|url| names(url)),
        _ => None,
    };
    if let Some(text) = of_action {
        return Some(word(text.source.span));
    }
    let codes = context.embedded.codes.iter();
    let commands = codes
        .filter(|code| code.node == index && code.purpose == Purpose::Action)
        .flat_map(|code| code.script.commands());
    commands
        .filter(|command| {
            let program = command.invocation().map(|it| it.program);
            !matches!(program, Some("echo" | "printf" | "logger" | "true" | ":"))
        })
        .flat_map(|command| &command.words)
        .find(|it| names_production(&literal(&it.text)))
        .map(|it| word(it.span))
        .or_else(|| {
            let values = node.env.iter().filter_map(|(_, value)| value.as_ref());
            values
                .into_iter()
                .find(|value| names(value))
                .map(|value| word(value.source.span))
        })
}

/// What a step takes over from the runbook: its database, and variables that its script uses.
fn inherited(context: &Context<'_>, mode: &Mode, index: usize, node: &Node) -> Option<Used> {
    let runbook = context.runbook;
    let database = match node.action() {
        Some(Action::Sql(sql)) if !sql.own => sql.on.as_ref(),
        _ => None,
    };
    let codes = context.embedded.codes.iter();
    let scripts = codes.filter(|code| code.node == index && code.purpose == Purpose::Action);
    let variables = scripts
        .filter_map(|code| code.text)
        .flat_map(|text| variables(&text.text))
        .filter(|name| !node.env.iter().any(|(own, _)| own.value == *name))
        .filter_map(|name| {
            let mut env = runbook.env.iter();
            env.find(|(key, _)| key.value == name)?.1.as_ref()
        });
    database.into_iter().chain(variables).find_map(|text| {
        if names_production(&literal(text.value.text())) {
            return Some(Used {
                span: text.source.span,
                what: What::Word,
            });
        }
        text.value.expressions().find_map(|(offset, expression)| {
            let span = |range: &piton_core::expr::Range| {
                text.source
                    .source_span(range.start + offset..range.end + offset)
            };
            of_expression(context, mode, expression, &span)
        })
    })
}

/// The parameter or secret in an expression that is production's in this mode.
fn of_expression(
    context: &Context<'_>,
    mode: &Mode,
    expression: &Expression,
    span: &dyn Fn(&piton_core::expr::Range) -> Span,
) -> Option<Used> {
    if asks_mode(expression) {
        return None;
    }
    expression.references().iter().find_map(|reference| {
        let [root, name, ..] = reference.path.as_slice() else {
            return None;
        };
        let what = match root.as_str() {
            "params" => of_param(context, mode, name)?,
            "secrets" => of_secret(context, name)?,
            _ => return None,
        };
        Some(Used {
            span: span(&reference.span),
            what,
        })
    })
}

fn of_param(context: &Context<'_>, mode: &Mode, name: &str) -> Option<What> {
    let param = context.params.get(name)?;
    if let Some((key, value)) = mode.set.iter().find(|(key, _)| key.value == name) {
        let value = value.as_ref()?;
        let set = || What::Set(name.to_owned(), key.span.to(value.span));
        return names_production(&value.text).then(set);
    }
    let default = param.default.as_ref().map(|it| it.text.as_str());
    let is_production = names_production(name) || default.is_some_and(names_production);
    is_production.then(|| What::Param(name.to_owned()))
}

fn of_secret(context: &Context<'_>, name: &str) -> Option<What> {
    let mut secrets = context.runbook.secrets.iter();
    let secret = secrets.find(|secret| secret.name.value == name)?;
    let from_production = match &secret.source {
        Some(SecretSource::Env(text) | SecretSource::File(text)) => names_production(text),
        Some(SecretSource::Command(argv)) => argv.iter().any(|word| names_production(word)),
        None => false,
    };
    let is_production = names_production(name) || from_production;
    is_production.then(|| What::Secret(name.to_owned()))
}

/// The words of a name or an address, in small letters.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
}

/// Whether a name, an address or a command says that it is about production.
fn names_production(text: &str) -> bool {
    let mut before = String::new();
    for word in words(text) {
        let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
        if PRODUCTION.contains(&bare) && !NOT.contains(&before.as_str()) {
            return true;
        }
        before = word;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_known_by_its_name() {
        for text in [
            "prod",
            "db.PROD.internal",
            "--context=production",
            "PROD_URL",
            "eu-prod1",
            "prd",
        ] {
            assert!(names_production(text), "{text}");
        }
        for text in [
            "products",
            "reproduce",
            "non-prod",
            "pre-prod",
            "nonprod",
            "preprod",
            "staging",
            "",
        ] {
            assert!(!names_production(text), "{text}");
        }
    }
}

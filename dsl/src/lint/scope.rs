//! What a name in an expression means, and its type as far as it is known before the run.

use super::Context;
use super::rules::{undeclared_output, unknown_name, unknown_node};
use super::sites::{Names, Reach, Results, Site};
use crate::lint::rules::unknown_key::shorten;
use crate::runbook::{Param, ParamType};
use piton_core::expr::{Type, TypeResolved, TypeScope};
use std::collections::BTreeMap;

/// What a path of names means.
#[derive(Clone, Debug)]
pub(crate) enum Resolution {
    /// A value of this type, or one inside of it.
    Type(Type),
    /// The value of this output of this node.
    Output {
        /// The node.
        node: usize,
        /// Its name for the output.
        name: String,
    },
    /// Nothing by itself, but names may follow.
    Namespace,
    /// There is no such name.
    Unknown(Unknown),
}

/// A name that there is not.
#[derive(Clone, Debug)]
pub(crate) struct Unknown {
    /// The rule it is reported by.
    pub(crate) code: &'static str,
    /// Which name of the path it is.
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// What was meant without a doubt.
    pub(crate) surely: Option<String>,
}

const ROOTS: [&str; 6] = ["params", "secrets", "steps", "run", "node", "mode"];
const PROCESS_RESULTS: [&str; 5] = ["exit_code", "stdout", "json", "value", "output"];
const ANSWER_RESULTS: [&str; 5] = ["status", "body", "json", "value", "headers"];
const ROWS_RESULTS: [&str; 2] = ["rows", "value"];
const RUN_MEMBERS: [&str; 9] = [
    "id",
    "work",
    "base",
    "runbook",
    "starter",
    "started",
    "started_at",
    "rto",
    "rpo",
];
/// What is known of a run only when it ends.
const OUTCOME: &str = "outcome";
const NODE_MEMBERS: [&str; 2] = ["id", "pass"];
const STEP_MEMBERS: [&str; 4] = ["outputs", "status", "duration", "history"];

impl Reach {
    /// Whether this root means something there.
    fn sees(self, root: &str) -> bool {
        match self {
            Reach::Node => true,
            Reach::Run => root != "node",
            Reach::Start => !matches!(root, "node" | "steps" | "secrets"),
            Reach::Contact => matches!(root, "params" | "secrets" | "run"),
        }
    }
}

impl Names {
    /// The names there are beside those that every expression sees.
    fn own(self) -> Vec<&'static str> {
        let mut own: Vec<&str> = match self.results {
            Results::Process => PROCESS_RESULTS.to_vec(),
            Results::Rows => ROWS_RESULTS.to_vec(),
            Results::Answer => ANSWER_RESULTS.to_vec(),
            Results::None | Results::Unknown => Vec::new(),
        };
        if self.items {
            own.extend(["item", "key"]);
        }
        if self.capture.is_some() {
            own.push("capture");
        }
        if self.answer.is_some() {
            own.push("value");
        }
        own
    }
}

impl Context<'_> {
    /// What a path means at a site. Suggestions are looked for only where that is asked for.
    pub(crate) fn resolve(
        &self,
        site: &Site<'_>,
        path: &[String],
        may_suggest: bool,
    ) -> Resolution {
        let Some((root, rest)) = path.split_first() else {
            return Resolution::Namespace;
        };
        let search = Search {
            context: self,
            may_suggest,
        };
        let known = ROOTS.contains(&root.as_str());
        if known && !site.names.reach.sees(root) {
            return self.out_of_reach(root, site.names.reach, &search);
        }
        match root.as_str() {
            "params" => self.param(rest, &search),
            "secrets" => self.secret(rest, &search),
            "steps" => self.step(rest, &search),
            "mode" => Resolution::Type(Type::Any),
            "run" => self.run(site, rest, &search),
            "node" => search.member("node", &NODE_MEMBERS, rest, |name| match name {
                "pass" => Type::Int,
                _ => Type::String,
            }),
            _ => match own_name(site.names, root, rest, &search) {
                Some(resolution) => resolution,
                None => self.unknown_root(root, site.names, &search),
            },
        }
    }

    fn run(&self, site: &Site<'_>, rest: &[String], search: &Search<'_>) -> Resolution {
        if rest.first().is_some_and(|name| name == OUTCOME) {
            let node = site.node.and_then(|node| self.runbook.nodes.get(node));
            if node.is_some_and(|node| node.finally) {
                return Resolution::Type(Type::String);
            }
            return Resolution::Unknown(Unknown {
                code: unknown_name::CODE,
                at: 1,
                message: "the outcome of the run is not known yet".to_owned(),
                help: Some("only steps with `finally` know `run.outcome`".to_owned()),
                surely: None,
            });
        }
        search.member("run", &RUN_MEMBERS, rest, |name| match name {
            "started" => Type::Timestamp,
            // Null as long as it is not measured.
            "started_at" | "rto" | "rpo" => Type::Any,
            _ => Type::String,
        })
    }

    /// A name that means something elsewhere.
    fn out_of_reach(&self, root: &str, reach: Reach, search: &Search<'_>) -> Resolution {
        let known: Vec<_> = ROOTS.into_iter().filter(|root| reach.sees(root)).collect();
        let message = format!("`{root}` cannot be used here");
        let none = std::iter::empty();
        let mut unknown = search.unknown(unknown_name::CODE, 0, message, root, none);
        if let Resolution::Unknown(unknown) = &mut unknown {
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            unknown.help = Some(format!("known here: {}", known.join(", ")));
        }
        unknown
    }

    fn param(&self, rest: &[String], search: &Search<'_>) -> Resolution {
        let Some(name) = rest.first() else {
            return Resolution::Namespace;
        };
        match self.params.get(name.as_str()) {
            Some(param) => Resolution::Type(param_type(param)),
            None => {
                let known = self.params.keys().copied();
                search.unknown(
                    unknown_name::CODE,
                    1,
                    format!("there is no parameter `{}`", shorten(name)),
                    name,
                    known,
                )
            }
        }
    }

    fn secret(&self, rest: &[String], search: &Search<'_>) -> Resolution {
        let Some(name) = rest.first() else {
            return Resolution::Namespace;
        };
        if self.secrets.contains(name.as_str()) {
            return Resolution::Type(Type::Secret);
        }
        let known = self.secrets.iter().copied();
        search.unknown(
            unknown_name::CODE,
            1,
            format!("there is no secret `{}`", shorten(name)),
            name,
            known,
        )
    }

    fn step(&self, rest: &[String], search: &Search<'_>) -> Resolution {
        let Some((id, members)) = rest.split_first() else {
            return Resolution::Namespace;
        };
        let Some(node) = self.find(id) else {
            let message = format!("there is no step or gate `{}`", shorten(id));
            return search.unknown(
                unknown_node::CODE,
                1,
                message,
                id,
                self.nodes.keys().copied(),
            );
        };
        let Some((member, rest)) = members.split_first() else {
            return Resolution::Namespace;
        };
        match member.as_str() {
            "status" => Resolution::Type(Type::String),
            "duration" => Resolution::Type(Type::Duration),
            "history" => {
                let outputs = Type::Map(Box::new(Type::Any));
                Resolution::Type(Type::List(Box::new(outputs)))
            }
            "outputs" => match rest.first() {
                None => Resolution::Namespace,
                Some(name) => self.output(node, id, name, search),
            },
            _ => {
                let message = format!("a step has no `{}`", shorten(member));
                let mut unknown = search.unknown(
                    unknown_name::CODE,
                    2,
                    message,
                    member,
                    STEP_MEMBERS.iter().copied(),
                );
                if let Resolution::Unknown(unknown) = &mut unknown
                    && self.outputs.contains(&(node, member.as_str()))
                {
                    unknown.help = Some(format!("write `steps.{id}.outputs.{member}`"));
                }
                unknown
            }
        }
    }

    fn output(&self, index: usize, id: &str, name: &str, search: &Search<'_>) -> Resolution {
        let outputs = self
            .runbook
            .nodes
            .get(index)
            .map_or(&[] as &[_], |node| node.outputs.as_slice());
        let declared = self.outputs.contains(&(index, name));
        let may_be_more = self.runbook.nodes.get(index).is_some_and(|node| {
            // Outputs that could not be read at all may have said it; those of a call are said in its own file.
            let unread = node.is_call()
                && node
                    .call()
                    .and_then(|call| self.runbook.called_by(call))
                    .is_none();
            let unreadable = outputs.is_empty() && node.key("outputs").is_some();
            let asks = node.actions.iter().filter_map(|action| action.manual());
            let unreadable_asks = asks
                .clone()
                .any(|manual| manual.asks.is_empty() && manual.keys.contains_key("asks"));
            unreadable || unreadable_asks || unread
        });
        if may_be_more && !declared {
            return Resolution::Type(Type::Any);
        }
        if declared {
            return Resolution::Output {
                node: index,
                name: name.to_owned(),
            };
        }
        let message = format!("`{id}` does not declare an output `{}`", shorten(name));
        let known = outputs.iter().map(|(output, _)| output.value.as_str());
        let mut unknown = search.unknown(undeclared_output::CODE, 3, message, name, known);
        if let Resolution::Unknown(Unknown { help, .. }) = &mut unknown
            && help.is_none()
        {
            let is_call = self
                .runbook
                .nodes
                .get(index)
                .is_some_and(|node| node.is_call());
            *help = Some(if is_call {
                format!(
                    "what comes out of `{id}` is what the runbook it calls says in its `outputs`"
                )
            } else {
                undeclared_output::help(id, name, self.runbook.syntax)
            });
        }
        unknown
    }

    fn unknown_root(&self, root: &str, names: Names, search: &Search<'_>) -> Resolution {
        if names.results == Results::Unknown {
            return Resolution::Type(Type::Any);
        }
        let own = names.own();
        let roots = ROOTS.into_iter().filter(|root| names.reach.sees(root));
        let known = roots.chain(own.iter().copied());
        let message = format!("there is nothing called `{}` here", shorten(root));
        let mut unknown = search.unknown(unknown_name::CODE, 0, message, root, known.clone());
        if let Resolution::Unknown(Unknown { help, surely, .. }) = &mut unknown {
            if self.params.contains_key(root) {
                *help = Some(format!("write `params.{root}`"));
                *surely = None;
            } else if self.secrets.contains(root) {
                *help = Some(format!("write `secrets.{root}`"));
                *surely = None;
            } else if help.is_none() {
                let known: Vec<_> = known.map(|name| format!("`{name}`")).collect();
                *help = Some(format!(
                    "known here: {}; a text is written in quotes: '{}'",
                    known.join(", "),
                    shorten(root)
                ));
            }
        }
        unknown
    }
}

/// Looks for what was meant.
struct Search<'a> {
    context: &'a Context<'a>,
    may_suggest: bool,
}

impl Search<'_> {
    fn unknown<'n>(
        &self,
        code: &'static str,
        at: usize,
        message: String,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> Resolution {
        let meant = if self.may_suggest {
            self.context.suggest(name, known.clone())
        } else {
            None
        };
        let surely = meant
            .as_ref()
            .and_then(|_| self.context.surely(name, known));
        let help = meant.map(|meant| format!("did you mean `{meant}`?"));
        Resolution::Unknown(Unknown {
            code,
            at,
            message,
            help,
            surely,
        })
    }

    fn member(
        &self,
        of: &str,
        members: &[&str],
        rest: &[String],
        kind: impl Fn(&str) -> Type,
    ) -> Resolution {
        let Some(name) = rest.first() else {
            return Resolution::Namespace;
        };
        if members.contains(&name.as_str()) {
            return Resolution::Type(kind(name));
        }
        let message = format!("`{of}` has no `{}`", shorten(name));
        let mut unknown = self.unknown(
            unknown_name::CODE,
            1,
            message,
            name,
            members.iter().copied(),
        );
        if let Resolution::Unknown(Unknown { help, .. }) = &mut unknown
            && help.is_none()
        {
            let members: Vec<_> = members
                .iter()
                .map(|name| format!("`{of}.{name}`"))
                .collect();
            *help = Some(format!("there are {}", members.join(", ")));
        }
        unknown
    }
}

/// What a name means that only some expressions see; `None` when there is no such name here.
fn own_name(names: Names, root: &str, rest: &[String], search: &Search<'_>) -> Option<Resolution> {
    match root {
        "item" | "key" if names.items => Some(Resolution::Type(Type::Any)),
        "value" if names.answer.is_some() => {
            let kind = names.answer.flatten();
            Some(Resolution::Type(kind.map_or(Type::Any, type_of)))
        }
        "capture" => names.capture.map(|results| captured(results, rest, search)),
        _ => result_type(names.results, root, rest),
    }
}

/// What `capture.NAME` means.
fn captured(results: Results, rest: &[String], search: &Search<'_>) -> Resolution {
    let members: &[&str] = match results {
        Results::Process => &["stdout", "value", "json", "exit_code"],
        Results::Rows => &ROWS_RESULTS,
        Results::Answer => &ANSWER_RESULTS,
        Results::None | Results::Unknown => return Resolution::Type(Type::Any),
    };
    search.member("capture", members, rest, |name| {
        match result_type(results, name, &[]) {
            Some(Resolution::Type(kind)) => kind,
            _ => Type::Any,
        }
    })
}

/// The type of a name that an action leaves; `None` when it leaves no such name.
fn result_type(results: Results, root: &str, rest: &[String]) -> Option<Resolution> {
    let known = match results {
        Results::Process => PROCESS_RESULTS.contains(&root),
        Results::Rows => ROWS_RESULTS.contains(&root),
        Results::Answer => ANSWER_RESULTS.contains(&root),
        Results::None | Results::Unknown => false,
    };
    if !known {
        return None;
    }
    Some(Resolution::Type(match root {
        "exit_code" | "status" => Type::Int,
        "stdout" | "body" => Type::String,
        "headers" => Type::Map(Box::new(Type::String)),
        "rows" => Type::List(Box::new(Type::Map(Box::new(Type::Any)))),
        "output" if rest.is_empty() => return Some(Resolution::Namespace),
        "output" => Type::String,
        _ => Type::Any,
    }))
}

/// The type that a parameter has in every run.
fn param_type(param: &Param) -> Type {
    if param.optional && param.default.is_none() {
        return Type::Any;
    }
    param.kind.map_or(Type::Any, type_of)
}

/// The type of values that are read as this.
pub(crate) fn type_of(kind: ParamType) -> Type {
    match kind {
        ParamType::String => Type::String,
        ParamType::Int => Type::Int,
        ParamType::Float => Type::Float,
        ParamType::Bool => Type::Bool,
        ParamType::Duration => Type::Duration,
        ParamType::Timestamp => Type::Timestamp,
    }
}

/// The types of outputs found so far, by node and name.
pub(crate) type OutputTypes = BTreeMap<(usize, String), Type>;

/// The names at a site, for the type checker. Names that there are not have any type here: they are reported by
/// rules of their own.
pub(crate) struct Types<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) site: &'a Site<'a>,
    pub(crate) outputs: &'a OutputTypes,
}

impl TypeScope for Types<'_> {
    fn resolve(&self, path: &[String]) -> TypeResolved {
        let any = TypeResolved::Type(Type::Any);
        match self.context.resolve(self.site, path, false) {
            Resolution::Type(Type::Secret) if !self.site.place.may_have_secrets() => any,
            Resolution::Type(kind) => TypeResolved::Type(kind),
            Resolution::Output { node, name } => TypeResolved::Type(
                self.outputs
                    .get(&(node, name))
                    .cloned()
                    .unwrap_or(Type::Any),
            ),
            Resolution::Namespace => TypeResolved::Namespace,
            Resolution::Unknown(_) => any,
        }
    }
}

//! Nodes that are taken as done before a run begins: `--assume-done NODE`, with `--output` for what others use.

use crate::failure::Failure;
use crate::outputs;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use piton_core::plan::{Action, CallPart, NodeIndex, Plan};
use piton_core::record::Assumed;
use std::collections::BTreeSet;

/// Nodes taken as done, as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assuming {
    nodes: Vec<Given>,
}

/// One node, with the outputs that were given for it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    node: String,
    outputs: Vec<(String, String)>,
}

const NODE: &str = "assume_done";
const OUTPUT: &str = "output";

/// By hand, because an `--output` belongs to the `--assume-done` before it, and the derived form forgets the order.
impl Args for Assuming {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new(NODE)
                    .long("assume-done")
                    .value_name("NODE")
                    .action(ArgAction::Append)
                    .help("Take a node as done before this run, on your word; may be repeated"),
            )
            .arg(
                Arg::new(OUTPUT)
                    .long("output")
                    .value_name("[NODE.]NAME=VALUE")
                    .action(ArgAction::Append)
                    .requires(NODE)
                    .value_parser(outputs::pair)
                    .help("An output of the node that --assume-done before it names, or of NODE"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Assuming {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let places = |id: &str| matches.indices_of(id).into_iter().flatten();
        let names = matches.get_many::<String>(NODE).into_iter().flatten();
        let nodes: Vec<(usize, &String)> = places(NODE).zip(names).collect();
        let mut assuming = Assuming {
            nodes: nodes
                .iter()
                .map(|(_, node)| Given {
                    node: (*node).clone(),
                    outputs: Vec::new(),
                })
                .collect(),
        };
        let values = matches.get_many::<(String, String)>(OUTPUT);
        for (place, (name, value)) in places(OUTPUT).zip(values.into_iter().flatten()) {
            // A node's name has no dot in it, and neither has an output's.
            let (of, name) = match name.split_once('.') {
                Some((node, name)) => (nodes.iter().position(|(_, id)| *id == node), name),
                None => (nodes.iter().rposition(|(at, _)| *at < place), name.as_str()),
            };
            let Some(given) = of.and_then(|of| assuming.nodes.get_mut(of)) else {
                return Err(clap::Error::raw(
                    ErrorKind::ValueValidation,
                    format!(
                        "--output {name}={value} belongs to no node: write it after the --assume-done of its node, or as NODE.{name}={value}\n"
                    ),
                ));
            };
            given.outputs.push((name.to_owned(), value.clone()));
        }
        Ok(assuming)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Assuming::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Assuming {
    /// The nodes in the plan with their outputs. A call stands for everything in it.
    ///
    /// # Errors
    /// When there is no such node, or its outputs are not exactly those that it has. Nothing was started.
    pub fn resolve(&self, plan: &Plan, file: &str) -> Result<Vec<Assumed>, Failure> {
        let mut assumed = Vec::new();
        let mut seen = BTreeSet::new();
        for given in &self.nodes {
            for one in resolve(plan, given, file)? {
                if !seen.insert(one.node) {
                    let id = plan.node(one.node).map_or("", |node| node.id.as_str());
                    return Err(wrong(format!("`{id}` is taken as done twice"), file));
                }
                assumed.push(one);
            }
        }
        Ok(assumed)
    }
}

fn resolve(plan: &Plan, given: &Given, file: &str) -> Result<Vec<Assumed>, Failure> {
    let id = &given.node;
    let Some((index, node)) = plan.find(id).and_then(|at| Some((at, plan.node(at)?))) else {
        let failure = Failure::usage(format!("{file} has no node `{id}`; nothing was started"));
        let near = piton_core::expr::suggest(id, plan.nodes.iter().map(|node| node.id.as_str()));
        return Err(match near {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help(format!("`piton plan {file}` lists its nodes")),
        });
    };
    if node.finally {
        return Err(wrong(
            format!("`{id}` runs however the run ends, so it cannot be taken as done"),
            file,
        ));
    }
    let outputs = outputs::all(node, &given.outputs)
        .map_err(|why| wrong(format!("`{id}` cannot be taken as done: {why}"), file))?;
    let mut assumed = Vec::new();
    match node.action {
        Action::Call(CallPart::Begin) => {
            let call = id.strip_suffix(":begin").unwrap_or(id);
            return Err(wrong(
                format!("`{id}` is the beginning of a call; take `{call}` as done"),
                file,
            ));
        }
        Action::Call(CallPart::End) => {
            assumed.extend(within(plan, id).into_iter().map(|node| Assumed {
                node,
                outputs: Default::default(),
            }));
        }
        _ => {}
    }
    assumed.push(Assumed {
        node: index,
        outputs,
    });
    Ok(assumed)
}

/// The nodes of a call besides the one that closes it. Nothing outside sees their outputs.
fn within(plan: &Plan, id: &str) -> Vec<NodeIndex> {
    let (begin, prefix) = (format!("{id}:begin"), format!("{id}/"));
    plan.indices()
        .zip(&plan.nodes)
        .filter(|(_, node)| node.id == begin || node.id.starts_with(&prefix))
        .map(|(at, _)| at)
        .collect()
}

fn wrong(message: String, file: &str) -> Failure {
    Failure::usage(format!("{message}; nothing was started")).help(format!(
        "`piton plan {file}` shows each node and its outputs"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use piton_core::expr::Expression;
    use piton_core::value::Value;

    fn parsed(arguments: &[&str]) -> Result<Assuming, clap::Error> {
        let command = Assuming::augment_args(Command::new("test"));
        let arguments = ["test"].iter().chain(arguments);
        Assuming::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }

    #[test]
    fn an_output_belongs_to_the_node_before_it() {
        let assuming = parsed(&[
            "--assume-done",
            "a",
            "--output",
            "x=1",
            "--assume-done",
            "b",
            "--output",
            "y=2",
            "--output",
            "a.z=3",
        ])
        .unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(assuming.nodes[0].outputs, [pair("x", "1"), pair("z", "3")]);
        assert_eq!(assuming.nodes[1].outputs, [pair("y", "2")]);
        assert!(parsed(&["--output", "x=1"]).is_err());
        assert!(parsed(&["--output", "x=1", "--assume-done", "a"]).is_err());
        assert!(parsed(&["--assume-done", "a", "--output", "b.x=1"]).is_err());
        assert_eq!(parsed(&[]).unwrap(), Assuming::default());
    }

    #[test]
    fn what_is_taken_as_done_has_to_be_in_the_plan_with_its_outputs() {
        let mut plan = testing::plan(&["fetch", "load", "clean"]);
        let rows = Expression::parse("1").unwrap();
        plan.nodes[0].outputs.insert("rows".to_owned(), rows);
        plan.nodes[2].finally = true;
        let resolve = |arguments: &[&str]| {
            parsed(arguments)
                .unwrap()
                .resolve(&plan, "x.runbook")
                .map_err(|failure| failure.to_string())
        };
        let assumed = resolve(&[
            "--assume-done",
            "fetch",
            "--output",
            "rows=3",
            "--assume-done",
            "load",
        ])
        .unwrap();
        assert_eq!(assumed.len(), 2);
        assert_eq!(assumed[0].outputs["rows"], Value::Int(3));
        assert!(
            resolve(&["--assume-done", "fetch"])
                .unwrap_err()
                .contains("`rows`")
        );
        assert!(
            resolve(&["--assume-done", "fech"])
                .unwrap_err()
                .contains("did you mean `fetch`")
        );
        let unknown = resolve(&["--assume-done", "load", "--output", "rows=3"]).unwrap_err();
        assert!(unknown.contains("no output `rows`"), "{unknown}");
        assert!(resolve(&["--assume-done", "clean"]).is_err());
        assert!(resolve(&["--assume-done", "load", "--assume-done", "load"]).is_err());
    }

    #[test]
    fn a_call_stands_for_everything_in_it() {
        let mut plan = testing::plan(&["x:begin", "x/a", "x", "y"]);
        plan.nodes[0].action = Action::Call(CallPart::Begin);
        plan.nodes[2].action = Action::Call(CallPart::End);
        let assumed = parsed(&["--assume-done", "x"])
            .unwrap()
            .resolve(&plan, "x.runbook")
            .unwrap();
        let nodes: Vec<u32> = assumed.iter().map(|one| one.node.0).collect();
        assert_eq!(nodes, [0, 1, 2]);
        let begin = parsed(&["--assume-done", "x:begin"])
            .unwrap()
            .resolve(&plan, "x.runbook");
        assert!(begin.unwrap_err().to_string().contains("take `x` as done"));
    }
}

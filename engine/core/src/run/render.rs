//! Working out a node's inputs: its templates rendered, once a pass.

use super::scope::NodeScope;
use crate::expr::{ExprError, Template};
use crate::plan::{Action, Interrupted, Node};
use crate::record::{Inputs, RenderedAction, RenderedCheck};

/// A node's inputs.
///
/// # Errors
/// Which part of the node cannot be worked out, and why, as one line for people.
pub(super) fn inputs(node: &Node, scope: &NodeScope<'_>) -> Result<Inputs, String> {
    let render = |template: &Template, part: &str| {
        template.render(scope).map_err(|error| cannot(part, &error))
    };
    let env = node
        .env
        .iter()
        .map(|(name, template)| {
            Ok((
                name.clone(),
                render(template, &format!("`env` variable `{name}`"))?,
            ))
        })
        .collect::<Result<_, String>>()?;
    let dir = node
        .dir
        .as_ref()
        .map(|dir| render(dir, "`dir`"))
        .transpose()?;
    let probe = match &node.interrupted {
        Interrupted::Probe(action) => Some(self::action(action, scope)?),
        Interrupted::Ask | Interrupted::Rerun | Interrupted::Fail => None,
    };
    Ok(Inputs {
        action: action(&node.action, scope)?,
        env,
        dir,
        probe,
    })
}

fn action(action: &Action, scope: &NodeScope<'_>) -> Result<RenderedAction, String> {
    Ok(match action {
        Action::Run(run) => RenderedAction::Run {
            script: run.script.clone(),
            shell: run.shell.clone(),
        },
        Action::Exec(exec) => RenderedAction::Exec {
            argv: exec
                .argv
                .iter()
                .enumerate()
                .map(|(at, arg)| {
                    arg.render(scope)
                        .map_err(|error| cannot(&format!("argument {at} of `exec`"), &error))
                })
                .collect::<Result<_, _>>()?,
        },
        Action::Sql(sql) => RenderedAction::Sql {
            on: sql
                .on
                .render(scope)
                .map_err(|error| cannot("the database of `sql`", &error))?,
            text: sql.text.clone(),
            script: sql.script,
            bind: sql
                .bind
                .iter()
                .zip(1..)
                .map(|(bind, number)| {
                    bind.value(scope)
                        .map_err(|error| cannot(&format!("`bind` value ${number}"), &error))
                })
                .collect::<Result<_, _>>()?,
        },
        Action::Checks(checks) => RenderedAction::Checks(
            checks
                .iter()
                .map(|check| {
                    let probe = self::action(&check.probe, scope)
                        .map_err(|error| format!("check \"{}\": {error}", check.name))?;
                    Ok(RenderedCheck {
                        name: check.name.clone(),
                        probe,
                    })
                })
                .collect::<Result<_, String>>()?,
        ),
        Action::Approve(approve) => RenderedAction::Approve(approve.clone()),
    })
}

fn cannot(part: &str, error: &ExprError) -> String {
    format!("{part} cannot be worked out: {}", with_help(error))
}

/// An expression's error as one line.
pub(super) fn with_help(error: &ExprError) -> String {
    match &error.help {
        Some(help) => format!("{} ({help})", error.message),
        None => error.message.clone(),
    }
}

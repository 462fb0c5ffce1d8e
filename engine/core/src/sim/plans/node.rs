//! Making a node: what it does, when, and what others can use of it.

use super::{BadPlan, script};
use crate::expr::{ExprError, Expression, Template};
use crate::plan::{
    Action, Check, Exec, Interrupted, Node, NodeKind, Response, Retry, Sql, WorldEffect,
};
use crate::time::Millis;

/// Makes a node. Names of other nodes are looked up when the plan is built.
#[derive(Clone, Debug)]
pub struct NodeBuilder {
    pub(super) node: Node,
    pub(super) needs: Vec<String>,
    /// Which rung of the ladder goes back to which node.
    pub(super) rewinds: Vec<(usize, String)>,
    pub(super) within: Option<(Millis, String)>,
    pub(super) call: Option<String>,
    /// Whether its ladder is the one that it began with.
    pub(super) usual_ladder: bool,
    pub(super) wrong: Option<BadPlan>,
}

/// A step that runs the script `:`, needs nothing, leaves something harmless behind, and asks when it was interrupted.
#[must_use]
pub fn step(id: &str) -> NodeBuilder {
    let effect = WorldEffect::Abandoned("a trial".to_owned());
    NodeBuilder::new(id, NodeKind::Step, effect, Interrupted::Ask)
}

/// A gate that runs the script `:`, needs nothing, stops the run when it fails, and is done again when it was
/// interrupted.
#[must_use]
pub fn gate(id: &str) -> NodeBuilder {
    let mut gate = NodeBuilder::new(id, NodeKind::Gate, WorldEffect::None, Interrupted::Rerun);
    gate.node.on_fail = vec![Response::Stop];
    gate
}

impl NodeBuilder {
    fn new(id: &str, kind: NodeKind, effect: WorldEffect, interrupted: Interrupted) -> NodeBuilder {
        let mut node = Node::new(id, kind, script(":"), effect);
        node.interrupted = interrupted;
        NodeBuilder {
            node,
            needs: Vec::new(),
            rewinds: Vec::new(),
            within: None,
            call: None,
            usual_ladder: true,
            wrong: None,
        }
    }

    pub(super) fn set(mut self, change: impl FnOnce(&mut Node)) -> NodeBuilder {
        change(&mut self.node);
        self
    }

    pub(super) fn try_set<T>(
        mut self,
        text: &str,
        parsed: Result<T, ExprError>,
        change: impl FnOnce(&mut Node, T),
    ) -> NodeBuilder {
        match parsed {
            Ok(parsed) => change(&mut self.node, parsed),
            Err(error) => {
                self.wrong = Some(BadPlan::Expression {
                    text: text.to_owned(),
                    error,
                })
            }
        }
        self
    }

    /// The nodes that must have settled before it.
    #[must_use]
    pub fn needs(mut self, needs: &[&str]) -> NodeBuilder {
        self.needs = needs.iter().map(|&need| need.to_owned()).collect();
        self
    }

    /// Its action: a script.
    #[must_use]
    pub fn script(self, text: &str) -> NodeBuilder {
        self.action(script(text))
    }

    /// Its action: a program and its arguments, which are templates.
    #[must_use]
    pub fn exec(mut self, argv: &[&str]) -> NodeBuilder {
        let mut templates = Vec::new();
        for text in argv {
            self = self.try_set(text, Template::parse(text), |_, template| {
                templates.push(template)
            });
        }
        self.action(Action::Exec(Exec { argv: templates }))
    }

    /// Its action: one SQL query on a database, which is a template.
    #[must_use]
    pub fn sql(self, on: &str, text: &str) -> NodeBuilder {
        let sql = text.to_owned();
        self.try_set(on, Template::parse(on), |node, on| {
            node.action = Action::Sql(Sql {
                on,
                text: Template::literal(&sql),
                read_only: false,
                script: false,
                bind: Vec::new(),
            });
        })
    }

    /// A further check: a script, and what is expected of what it gives. The action becomes `checks`.
    #[must_use]
    pub fn check(self, name: &str, text: &str, expect: Option<&str>) -> NodeBuilder {
        let probe = script(text);
        let name = name.to_owned();
        let parsed = expect.map(Expression::parse).transpose();
        self.try_set(expect.unwrap_or_default(), parsed, |node, expect| {
            let check = Check {
                name,
                probe,
                expect,
            };
            match &mut node.action {
                Action::Checks(checks) => checks.push(check),
                action => *action = Action::Checks(vec![check]),
            }
        })
    }

    /// Its action.
    #[must_use]
    pub fn action(self, action: Action) -> NodeBuilder {
        self.set(|node| node.action = action)
    }

    /// An environment variable, which is a template.
    #[must_use]
    pub fn env(self, name: &str, value: &str) -> NodeBuilder {
        self.try_set(value, Template::parse(value), |node, template| {
            node.env.insert(name.to_owned(), template);
        })
    }

    /// When it is done at all.
    #[must_use]
    pub fn when(self, when: &str) -> NodeBuilder {
        self.try_set(when, Expression::parse(when), |node, when| {
            node.when = Some(when)
        })
    }

    /// An output.
    #[must_use]
    pub fn output(self, name: &str, expression: &str) -> NodeBuilder {
        self.try_set(
            expression,
            Expression::parse(expression),
            |node, expression| {
                node.outputs.insert(name.to_owned(), expression);
            },
        )
    }

    /// How long each try may take.
    #[must_use]
    pub fn timeout(self, timeout: Millis) -> NodeBuilder {
        self.set(|node| node.timeout = Some(timeout))
    }

    /// How often it is tried again, and after how long at first.
    #[must_use]
    pub fn retry(self, times: u32, backoff: Millis) -> NodeBuilder {
        self.set(|node| {
            node.retry = Retry {
                times,
                backoff,
                longest: Millis(backoff.0.saturating_mul(4)),
            }
        })
    }

    /// Trying again does no harm.
    #[must_use]
    pub fn idempotent(self) -> NodeBuilder {
        self.set(|node| node.idempotent = true)
    }

    /// What an unknown outcome gets.
    #[must_use]
    pub fn interrupted(self, interrupted: Interrupted) -> NodeBuilder {
        self.set(|node| node.interrupted = interrupted)
    }

    /// An unknown outcome gets a probe: this script.
    #[must_use]
    pub fn probe(self, text: &str) -> NodeBuilder {
        self.interrupted(Interrupted::Probe(script(text)))
    }
}

//! Small plans for tests and trials, without the language.
//!
//! ```
//! use piton_core::sim::plans::{gate, plan, step};
//! let plan = plan("drill").node(step("a")).node(gate("go").approve(&[]).needs(&["a"])).build()?;
//! assert_eq!(plan.nodes.len(), 2);
//! # Ok::<(), piton_core::sim::plans::BadPlan>(())
//! ```

use crate::expr::{ExprError, Expression, Template};
use crate::plan::{
    Action, Approve, Check, Exec, Interrupted, Node, NodeIndex, NodeKind, PLAN_VERSION, Plan,
    Response, Retry, Run, Sql, WorldEffect,
};
use crate::record::Start;
use crate::time::Millis;
use crate::value::Value;
use std::collections::BTreeMap;

/// Why a plan cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadPlan {
    /// A node needs one that is not there.
    #[error("`{node}` needs `{need}`, which is not in the plan")]
    NoSuchNode {
        /// The node.
        node: String,
        /// What it needs.
        need: String,
    },
    /// An expression or a template does not parse.
    #[error("`{text}` does not parse: {error}")]
    Expression {
        /// The text.
        text: String,
        /// What is wrong.
        error: ExprError,
    },
}

/// Makes a plan node by node.
#[derive(Clone, Debug)]
pub struct PlanBuilder {
    plan: Plan,
    nodes: Vec<NodeBuilder>,
}

/// Makes a node.
#[derive(Clone, Debug)]
pub struct NodeBuilder {
    node: Node,
    needs: Vec<String>,
    wrong: Option<BadPlan>,
}

/// A plan of this name without nodes, one attempt at a time.
#[must_use]
pub fn plan(runbook: &str) -> PlanBuilder {
    let plan = Plan {
        version: PLAN_VERSION,
        runbook: runbook.to_owned(),
        title: None,
        owner: None,
        parallel: 1,
        params: BTreeMap::new(),
        secrets: BTreeMap::new(),
        nodes: Vec::new(),
    };
    PlanBuilder {
        plan,
        nodes: Vec::new(),
    }
}

/// A step that runs the script `:`, needs nothing, and asks when it was interrupted.
#[must_use]
pub fn step(id: &str) -> NodeBuilder {
    let effect = WorldEffect::Abandoned("a trial".to_owned());
    NodeBuilder::new(id, NodeKind::Step, effect, Interrupted::Ask)
}

/// A gate that runs the script `:`, needs nothing, stops the run when it fails, and is done again when it was
/// interrupted.
#[must_use]
pub fn gate(id: &str) -> NodeBuilder {
    let gate = NodeBuilder::new(id, NodeKind::Gate, WorldEffect::None, Interrupted::Rerun);
    gate.on_fail(Response::Stop)
}

/// A chain of steps `s0`, `s1`, …, each of which needs the one before it.
#[must_use]
pub fn chain(length: u32) -> Plan {
    let mut plan = plan("chain").plan;
    plan.nodes = (0..length)
        .map(|at| {
            let mut node = step(&format!("s{at}")).node;
            node.needs = at.checked_sub(1).map(NodeIndex).into_iter().collect();
            node
        })
        .collect();
    plan
}

/// A first step, `width` steps that need it, and a last one that needs these.
#[must_use]
pub fn fan(width: u32, parallel: u32) -> Plan {
    let mut plan = plan("fan").parallel(parallel).plan;
    plan.nodes.push(step("first").node);
    for at in 0..width {
        let mut node = step(&format!("s{at}")).node;
        node.needs = vec![NodeIndex(0)];
        plan.nodes.push(node);
    }
    let mut last = step("last").node;
    last.needs = (1..=width).map(NodeIndex).collect();
    plan.nodes.push(last);
    plan
}

/// A start by `starter`, in directories that are not there.
#[must_use]
pub fn start() -> Start {
    Start {
        by: crate::id::Actor {
            name: "starter".to_owned(),
            account: "starter@here".to_owned(),
        },
        base: "/base".to_owned(),
        work: "/work-of-the-run".to_owned(),
        file: "trial.runbook".to_owned(),
    }
}

impl PlanBuilder {
    /// How many attempts may run at once.
    #[must_use]
    pub fn parallel(mut self, parallel: u32) -> PlanBuilder {
        self.plan.parallel = parallel;
        self
    }

    /// A parameter with its value.
    #[must_use]
    pub fn param(mut self, name: &str, value: Value) -> PlanBuilder {
        self.plan.params.insert(name.to_owned(), value);
        self
    }

    /// A secret that is read from an environment variable of the same name.
    #[must_use]
    pub fn secret(mut self, name: &str) -> PlanBuilder {
        self.plan.secrets.insert(
            name.to_owned(),
            crate::plan::SecretSource::Env(name.to_owned()),
        );
        self
    }

    /// A further node.
    #[must_use]
    pub fn node(mut self, node: NodeBuilder) -> PlanBuilder {
        self.nodes.push(node);
        self
    }

    /// The plan.
    ///
    /// # Errors
    /// A node needs one that is not there, or an expression does not parse.
    pub fn build(self) -> Result<Plan, BadPlan> {
        let mut plan = self.plan;
        let places: BTreeMap<_, _> = (0..)
            .map(NodeIndex)
            .zip(&self.nodes)
            .map(|(at, node)| (node.node.id.clone(), at))
            .collect();
        for builder in self.nodes {
            let mut node = builder.node;
            if let Some(wrong) = builder.wrong {
                return Err(wrong);
            }
            for need in builder.needs {
                let found = places.get(&need).copied();
                node.needs.push(found.ok_or(BadPlan::NoSuchNode {
                    node: node.id.clone(),
                    need,
                })?);
            }
            plan.nodes.push(node);
        }
        Ok(plan)
    }
}

impl NodeBuilder {
    fn new(id: &str, kind: NodeKind, effect: WorldEffect, interrupted: Interrupted) -> NodeBuilder {
        let node = Node {
            id: id.to_owned(),
            kind,
            title: None,
            doc: None,
            needs: Vec::new(),
            when: None,
            action: Action::Run(Run {
                script: ":".to_owned(),
                shell: None,
            }),
            effect,
            env: BTreeMap::new(),
            dir: None,
            outputs: BTreeMap::new(),
            timeout: None,
            retry: Retry::default(),
            idempotent: false,
            interrupted,
            on_fail: Vec::new(),
        };
        NodeBuilder {
            node,
            needs: Vec::new(),
            wrong: None,
        }
    }

    fn set(mut self, change: impl FnOnce(&mut Node)) -> NodeBuilder {
        change(&mut self.node);
        self
    }

    fn try_set<T>(
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
    pub fn script(self, script: &str) -> NodeBuilder {
        self.action(Action::Run(Run {
            script: script.to_owned(),
            shell: None,
        }))
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
                text: sql,
                script: false,
                bind: Vec::new(),
            });
        })
    }

    /// Its action: anybody of `by` (or, if that is empty, anybody) approves.
    #[must_use]
    pub fn approve(self, by: &[&str]) -> NodeBuilder {
        let by = by.iter().map(|&name| name.to_owned()).collect();
        self.action(Action::Approve(Approve {
            by,
            count: 1,
            not_starter: false,
            expires: None,
        }))
    }

    /// Changes what its approval asks for; nothing if it is not one.
    #[must_use]
    pub fn approval(self, change: impl FnOnce(&mut Approve)) -> NodeBuilder {
        self.set(|node| {
            if let Action::Approve(approve) = &mut node.action {
                change(approve);
            }
        })
    }

    /// A further check: a script, and what is expected of what it gives. The action becomes `checks`.
    #[must_use]
    pub fn check(self, name: &str, script: &str, expect: Option<&str>) -> NodeBuilder {
        let probe = Action::Run(Run {
            script: script.to_owned(),
            shell: None,
        });
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

    /// What it leaves behind.
    #[must_use]
    pub fn effect(self, effect: WorldEffect) -> NodeBuilder {
        self.set(|node| node.effect = effect)
    }

    /// What an unknown outcome gets.
    #[must_use]
    pub fn interrupted(self, interrupted: Interrupted) -> NodeBuilder {
        self.set(|node| node.interrupted = interrupted)
    }

    /// An unknown outcome gets a probe: this script.
    #[must_use]
    pub fn probe(self, script: &str) -> NodeBuilder {
        let probe = Action::Run(Run {
            script: script.to_owned(),
            shell: None,
        });
        self.interrupted(Interrupted::Probe(probe))
    }

    /// What is done about its failure.
    #[must_use]
    pub fn on_fail(self, response: Response) -> NodeBuilder {
        self.set(|node| node.on_fail = vec![response])
    }
}

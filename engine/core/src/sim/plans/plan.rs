//! Making a plan node by node.

use super::node::NodeBuilder;
use super::{BadPlan, people};
use crate::digest::Digest;
use crate::expr::{ExprError, Expression, Template};
use crate::plan::{
    CallScope, Escalation, Level, Lock, Node, NodeIndex, Plan, Response, Rpo, Rto, SecretSource,
    Targets, Within,
};
use crate::time::Millis;
use crate::value::Value;
use std::collections::BTreeMap;

/// Makes a plan node by node.
#[derive(Clone, Debug)]
pub struct PlanBuilder {
    pub(super) plan: Plan,
    nodes: Vec<NodeBuilder>,
    scopes: Vec<(String, String)>,
    /// Where the clock starts and stops.
    clock: (Option<String>, Option<String>),
    wrong: Option<BadPlan>,
}

/// A plan of this name without nodes, one attempt at a time.
#[must_use]
pub fn plan(runbook: &str) -> PlanBuilder {
    PlanBuilder {
        plan: Plan::new(runbook),
        nodes: Vec::new(),
        scopes: Vec::new(),
        clock: (None, None),
        wrong: None,
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
        self.plan
            .secrets
            .insert(name.to_owned(), SecretSource::Env(name.to_owned()));
        self
    }

    /// Somebody who acts as these, and is reached by a webhook.
    #[must_use]
    pub fn contact(mut self, name: &str, roles: &[&str]) -> PlanBuilder {
        let address = format!("https://pages.example/{name}");
        match people::contact(&address, roles) {
            Ok(contact) => {
                self.plan.contacts.insert(name.to_owned(), contact);
            }
            Err(error) => self.refuse(&address, error),
        }
        self
    }

    /// An escalation policy: of each level who is paged and how long they have to acknowledge, and how long who
    /// acknowledged has to decide.
    #[must_use]
    pub fn escalation(
        mut self,
        name: &str,
        levels: &[(&[&str], Option<Millis>)],
        decide_within: Millis,
    ) -> PlanBuilder {
        let level = |(page, ack_within): &(&[&str], Option<Millis>)| Level {
            page: page.iter().map(|&contact| contact.to_owned()).collect(),
            ack_within: *ack_within,
        };
        let escalation = Escalation {
            levels: levels.iter().map(level).collect(),
            decide_within,
        };
        self.plan.escalations.insert(name.to_owned(), escalation);
        self
    }

    /// The policy that is paged for every wait for people that names none of its own.
    #[must_use]
    pub fn page(mut self, policy: &str) -> PlanBuilder {
        self.plan.page = Some(policy.to_owned());
        self
    }

    /// Locks that the run holds from its start to its end, and how long they are waited for.
    #[must_use]
    pub fn lock(mut self, names: &[&str], timeout: Millis) -> PlanBuilder {
        match lock(names, timeout) {
            Ok(lock) => self.plan.lock = Some(lock),
            Err((text, error)) => self.refuse(&text, error),
        }
        self
    }

    /// How long it may take: between which nodes (`None`: the run's ends), after how long people are called, and by
    /// which policy.
    #[must_use]
    pub fn rto(
        mut self,
        within: Millis,
        (from, to): (Option<&str>, Option<&str>),
        at_risk: Option<Millis>,
        page: Option<&str>,
    ) -> PlanBuilder {
        let rto = Rto {
            within,
            from: None,
            to: None,
            at_risk,
            page: page.map(str::to_owned),
        };
        self.targets().rto = Some(rto);
        self.clock = (from.map(str::to_owned), to.map(str::to_owned));
        self
    }

    /// How much may be lost, and how that is worked out.
    #[must_use]
    pub fn rpo(mut self, within: Millis, achieved: &str) -> PlanBuilder {
        match Expression::parse(achieved) {
            Ok(achieved) => {
                self.targets().rpo = Some(Rpo {
                    within,
                    achieved: Some(achieved),
                });
            }
            Err(error) => self.refuse(achieved, error),
        }
        self
    }

    fn targets(&mut self) -> &mut Targets {
        self.plan.targets.get_or_insert(Targets {
            rto: None,
            rpo: None,
        })
    }

    /// The mode it runs in.
    #[must_use]
    pub fn mode(mut self, mode: &str) -> PlanBuilder {
        self.plan.mode = Some(mode.to_owned());
        self
    }

    /// The names that the nodes of a called runbook see; the first one made is scope 0. `begin` is the node whose
    /// outputs are its parameters.
    #[must_use]
    pub fn scope(mut self, prefix: &str, begin: &str) -> PlanBuilder {
        self.scopes.push((prefix.to_owned(), begin.to_owned()));
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
    /// A node names one that is not there, or an expression does not parse.
    pub fn build(self) -> Result<Plan, BadPlan> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let mut plan = self.plan;
        let places = Places::of(&self.nodes);
        for (prefix, begin) in self.scopes {
            plan.scopes.push(CallScope {
                begin: places.find(&prefix, &begin)?,
                runbook: prefix.trim_end_matches('/').to_owned(),
                digest: Digest::ZERO,
                params: BTreeMap::new(),
                secrets: BTreeMap::new(),
                prefix,
            });
        }
        if let Some(rto) = plan.targets.as_mut().and_then(|it| it.rto.as_mut()) {
            let find = |end: &String| places.find("the clock", end);
            rto.from = self.clock.0.as_ref().map(find).transpose()?;
            rto.to = self.clock.1.as_ref().map(find).transpose()?;
        }
        for builder in self.nodes {
            plan.nodes.push(finish(builder, &places)?);
        }
        Ok(plan)
    }

    fn refuse(&mut self, text: &str, error: ExprError) {
        self.wrong = Some(BadPlan::Expression {
            text: text.to_owned(),
            error,
        });
    }
}

/// Where each node is.
struct Places(BTreeMap<String, NodeIndex>);

impl Places {
    fn of(nodes: &[NodeBuilder]) -> Places {
        let named = (0..).map(NodeIndex).zip(nodes);
        Places(named.map(|(at, node)| (node.node.id.clone(), at)).collect())
    }

    fn find(&self, by: &str, name: &str) -> Result<NodeIndex, BadPlan> {
        self.0
            .get(name)
            .copied()
            .ok_or_else(|| BadPlan::NoSuchNode {
                node: by.to_owned(),
                need: name.to_owned(),
            })
    }
}

/// The node, with the names of others turned into their places.
fn finish(builder: NodeBuilder, places: &Places) -> Result<Node, BadPlan> {
    if let Some(wrong) = builder.wrong {
        return Err(wrong);
    }
    let mut node = builder.node;
    for need in &builder.needs {
        node.needs.push(places.find(&node.id, need)?);
    }
    for (rung, name) in &builder.rewinds {
        let found = places.find(&node.id, name)?;
        if let Some(Response::Rewind { to, .. }) = node.on_fail.get_mut(*rung) {
            *to = found;
        }
    }
    if let Some((length, of)) = &builder.within {
        node.within = Some(Within {
            length: *length,
            of: places.find(&node.id, of)?,
        });
    }
    if let Some(call) = &builder.call {
        node.call = Some(places.find(&node.id, call)?);
    }
    Ok(node)
}

/// Locks by their names, which are templates.
pub(super) fn lock(names: &[&str], timeout: Millis) -> Result<Lock, (String, ExprError)> {
    let parse = |name: &&str| Template::parse(name).map_err(|error| ((*name).to_owned(), error));
    Ok(Lock {
        names: names.iter().map(parse).collect::<Result<_, _>>()?,
        timeout,
    })
}

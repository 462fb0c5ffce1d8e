//! A plan in which nothing depends on a value that nobody knows before the run.
//!
//! What a step prints is not known before it runs, so neither is any text, condition or list that is made of it. A
//! plan that is tried out has stand-ins there: texts are a placeholder, lists have two entries, a condition that
//! cannot be worked out is true, and may be made false. Everything that is made of parameters, of the mode and of how
//! steps ended stays as it is and is worked out as in a real run.

use super::result::{UNKNOWN, samples};
use crate::expr::{Expression, Reference, Resolved, Scope, Template};
use crate::plan::{
    Action, AnswerType, CallPart, CallScope, FailWhen, HttpBody, Interrupted, Node, NodeIndex,
    Plan, Wait, WorldEffect,
};
use crate::value::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

/// A plan to be tried out, and what was put aside for that.
#[derive(Clone, Debug)]
pub struct Assumed {
    /// The plan.
    pub plan: Plan,
    /// Nodes whose condition only the run can work out. It is true in this plan.
    pub conditions: Vec<NodeIndex>,
    /// Nodes whose list only the run can work out. It has two entries in this plan.
    pub lists: Vec<NodeIndex>,
    /// Nodes with outputs that others use and that are not worked out.
    pub outputs: Vec<NodeIndex>,
}

/// Puts aside what depends on values that nobody knows. Outputs of the nodes in `known` count as known.
#[must_use]
pub fn assume(plan: &Plan, known: &BTreeSet<NodeIndex>) -> Assumed {
    let mut maker = Maker {
        original: plan,
        known,
        unknown: BTreeSet::new(),
        users: RefCell::default(),
        conditions: Vec::new(),
        lists: Vec::new(),
    };
    let mut assumed = plan.clone();
    for (index, node) in plan.indices().zip(&mut assumed.nodes) {
        maker.node(index, node);
    }
    // What was lost is measured, and decides nothing.
    if let Some(targets) = &mut assumed.targets
        && let Some(rpo) = &mut targets.rpo
        && let Some(achieved) = &rpo.achieved
        && maker.is_open(achieved, &Seen::runbook())
    {
        rpo.achieved = None;
    }
    let outputs = maker.users.into_inner().into_iter().collect();
    Assumed {
        plan: assumed,
        conditions: maker.conditions,
        lists: maker.lists,
        outputs,
    }
}

/// Where an expression stands.
struct Seen<'a> {
    call: Option<&'a CallScope>,
    /// Whether `item` and `key` are not known.
    items: bool,
}

impl<'a> Seen<'a> {
    fn runbook() -> Seen<'a> {
        Seen {
            call: None,
            items: false,
        }
    }
}

struct Maker<'a> {
    original: &'a Plan,
    known: &'a BTreeSet<NodeIndex>,
    /// Outputs that nobody knows.
    unknown: BTreeSet<(NodeIndex, String)>,
    users: RefCell<BTreeSet<NodeIndex>>,
    conditions: Vec<NodeIndex>,
    lists: Vec<NodeIndex>,
}

impl<'a> Maker<'a> {
    fn node(&mut self, index: NodeIndex, node: &mut Node) {
        let mut seen = Seen {
            call: self.scope_of(node.scope),
            items: false,
        };
        self.condition(index, node, &seen);
        if let Some(each) = &mut node.for_each {
            if self.is_open(&each.items, &seen) {
                replace(&mut each.items, "['first', 'second']");
                each.key = None;
                seen.items = true;
                self.lists.push(index);
            } else if each
                .key
                .as_ref()
                .is_some_and(|key| self.is_open(key, &seen))
            {
                each.key = None;
            }
        }
        let known = self.known.contains(&index);
        if !known {
            self.outputs(index, node, &seen);
        }
        self.action(&mut node.action, &seen, known);
        for template in node.env.values_mut().chain(&mut node.dir) {
            self.text(template, UNKNOWN, &seen);
        }
        for template in node.confirm.iter_mut().chain(&mut node.evidence) {
            self.text(template, UNKNOWN, &seen);
        }
        for template in node.lock.iter_mut().flat_map(|lock| &mut lock.names) {
            self.text(template, UNKNOWN, &seen);
        }
        if let Interrupted::Probe(probe) = &mut node.interrupted {
            self.action(probe, &seen, known);
        }
        if let Some(capture) = &mut node.capture {
            self.action(capture, &seen, known);
        }
        if let Some(target) = &mut node.target {
            self.action(&mut target.probe, &seen, known);
        }
        if let Some(FailWhen::Line { file, .. }) = node
            .until
            .as_mut()
            .and_then(|until| until.fail_when.as_mut())
        {
            self.text(file, UNKNOWN, &seen);
        }
        self.undo(node, seen);
    }

    fn scope_of(&self, scope: Option<u32>) -> Option<&'a CallScope> {
        self.original.scopes.get(scope? as usize)
    }

    fn condition(&mut self, index: NodeIndex, node: &mut Node, seen: &Seen<'_>) {
        let Some(when) = &node.when else { return };
        let scope = Known {
            plan: self.original,
            call: seen.call,
            guessed: Cell::new(false),
        };
        let settled = when.evaluate_bool(&scope).is_ok() && !scope.guessed.get();
        if !settled && self.is_open(when, seen) {
            node.when = None;
            self.conditions.push(index);
        }
    }

    fn outputs(&mut self, index: NodeIndex, node: &mut Node, seen: &Seen<'_>) {
        let worked_out_here = matches!(
            node.action,
            Action::Call(_) | Action::Approve(_) | Action::Manual(_) | Action::Wait(_)
        );
        let asks = match &node.action {
            Action::Manual(manual) => manual.asks.as_slice(),
            _ => &[],
        };
        for ask in asks {
            self.unknown.insert((index, ask.name.clone()));
        }
        for (name, output) in &mut node.outputs {
            let open = self.is_open(output, seen);
            if open && worked_out_here {
                replace(output, "null");
            }
            if open || !worked_out_here {
                self.unknown.insert((index, name.clone()));
            }
        }
    }

    fn undo(&self, node: &mut Node, seen: Seen<'_>) {
        // What is said of a call as a whole is said where it is made.
        let call = match (&node.action, seen.call) {
            (Action::Call(CallPart::End), Some(call)) => self
                .original
                .node(call.begin)
                .and_then(|begin| self.scope_of(begin.scope)),
            (_, call) => call,
        };
        let seen = Seen { call, ..seen };
        let WorldEffect::Undo(undo) = &mut node.effect else {
            return;
        };
        self.action(&mut undo.action, &seen, false);
        for template in undo.env.values_mut() {
            self.text(template, UNKNOWN, &seen);
        }
        if let Some(check) = &mut undo.check {
            self.action(check, &seen, false);
        }
    }

    fn action(&self, action: &mut Action, seen: &Seen<'_>, known: bool) {
        match action {
            Action::Exec(exec) => self.texts(&mut exec.argv, seen),
            Action::Sql(sql) => {
                self.text(&mut sql.on, UNKNOWN, seen);
                self.text(&mut sql.text, UNKNOWN, seen);
                self.texts(&mut sql.bind, seen);
            }
            Action::Http(http) => {
                self.text(&mut http.url, "http://unknown.invalid/", seen);
                for header in http.headers.values_mut() {
                    self.text(header, UNKNOWN, seen);
                }
                match &mut http.body {
                    Some(HttpBody::Text(text)) => self.text(text, UNKNOWN, seen),
                    Some(HttpBody::Json(json)) => self.text(json, "null", seen),
                    None => {}
                }
            }
            Action::Checks(checks) => {
                for check in checks {
                    self.action(&mut check.probe, seen, known);
                }
            }
            Action::Manual(manual) => {
                let texts = manual.instructions.iter_mut().chain(&mut manual.checklist);
                texts.for_each(|text| self.text(text, UNKNOWN, seen));
                for ask in &mut manual.asks {
                    if let Some(from) = &mut ask.from {
                        self.action(from, seen, known);
                    }
                    if let Some(default) = &mut ask.default {
                        self.text(default, samples(ask.kind).0, seen);
                    }
                    // Some answer is valid, whichever that is.
                    if !known
                        || ask
                            .validate
                            .as_ref()
                            .is_some_and(|rule| self.is_open(rule, seen))
                    {
                        ask.validate = None;
                    }
                }
            }
            Action::Notify(notify) => self.text(&mut notify.message, UNKNOWN, seen),
            Action::Wait(Wait::Until(at)) => {
                if self.is_open(at, seen) {
                    let (first, _) = samples(AnswerType::Timestamp);
                    replace(at, &format!("timestamp('{first}')"));
                }
            }
            Action::Run(_) | Action::Approve(_) | Action::Wait(Wait::For(_)) | Action::Call(_) => {}
        }
    }

    fn texts(&self, templates: &mut [Template], seen: &Seen<'_>) {
        for template in templates {
            self.text(template, UNKNOWN, seen);
        }
    }

    fn text(&self, template: &mut Template, stand_in: &str, seen: &Seen<'_>) {
        let open = template
            .expressions()
            .any(|(_, expression)| self.is_open(expression, seen));
        if open {
            *template = Template::literal(stand_in);
        }
    }

    /// Whether an expression uses something that nobody knows.
    fn is_open(&self, expression: &Expression, seen: &Seen<'_>) -> bool {
        let references = expression.references();
        references.iter().any(|it| self.is_unknown(it, seen))
    }

    fn is_unknown(&self, reference: &Reference, seen: &Seen<'_>) -> bool {
        let path: Vec<&str> = reference.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["steps", id, "outputs", name, ..] => match self.find(id, seen) {
                Some(index) => {
                    let unknown = self.unknown.contains(&(index, (*name).to_owned()));
                    if unknown {
                        self.users.borrow_mut().insert(index);
                    }
                    unknown
                }
                None => true,
            },
            ["steps", _, "status" | "duration", ..] => false,
            ["steps", id, "history" | "outputs"] => match self.find(id, seen) {
                Some(index) => !self.known.contains(&index),
                None => true,
            },
            ["steps", ..] => true,
            ["params", name, ..] => seen
                .call
                .is_some_and(|call| self.unknown.contains(&(call.begin, (*name).to_owned()))),
            ["params"] => seen.call.is_some(),
            ["item" | "key", ..] => seen.items,
            ["secrets" | "run" | "mode" | "node", ..] => false,
            _ => true,
        }
    }

    fn find(&self, id: &str, seen: &Seen<'_>) -> Option<NodeIndex> {
        match seen.call {
            None => self.original.find(id),
            Some(call) => self.original.find(&format!("{}{id}", call.prefix)),
        }
    }
}

/// An expression that is known to parse, in place of another.
fn replace(expression: &mut Expression, text: &str) {
    if let Ok(stand_in) = Expression::parse(text) {
        *expression = stand_in;
    }
}

/// What a condition can be worked out from before the run; it notes when something else was asked for.
struct Known<'a> {
    plan: &'a Plan,
    call: Option<&'a CallScope>,
    guessed: Cell<bool>,
}

impl Scope for Known<'_> {
    fn resolve(&self, path: &[String]) -> Resolved {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let value = match path.as_slice() {
            ["params"] => return Resolved::Namespace,
            ["params", name] => match self.call {
                None => self.plan.params.get(*name).cloned(),
                Some(call) => {
                    let given = self.plan.node(call.begin);
                    match given.is_some_and(|begin| begin.outputs.contains_key(*name)) {
                        true => None,
                        false => call.params.get(*name).cloned(),
                    }
                }
            },
            ["mode"] => Some(Value::String(self.plan.mode.clone().unwrap_or_default())),
            _ => None,
        };
        match value {
            Some(value) => Resolved::Value(value),
            None => {
                self.guessed.set(true);
                Resolved::Unknown
            }
        }
    }
}

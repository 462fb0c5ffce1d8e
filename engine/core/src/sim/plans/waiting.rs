//! Making a node: what it waits for, and what has to hold when it starts.

use super::node::NodeBuilder;
use super::plan::lock;
use super::{BadPlan, script};
use crate::expr::{Expression, Template};
use crate::plan::{Action, FailWhen, ForEach, Target, Until, Wait};
use crate::time::Millis;

impl NodeBuilder {
    /// Its action: so much time passes.
    #[must_use]
    pub fn wait_for(self, length: Millis) -> NodeBuilder {
        self.action(Action::Wait(Wait::For(length)))
    }

    /// Its action: it waits until the time that this expression gives.
    #[must_use]
    pub fn wait_until(self, expression: &str) -> NodeBuilder {
        let parsed = Expression::parse(expression);
        self.try_set(expression, parsed, |node, parsed| {
            node.action = Action::Wait(Wait::Until(parsed));
        })
    }

    /// It looks so often until this is true. What follows it says more about that.
    #[must_use]
    pub fn until(self, condition: &str, every: Millis) -> NodeBuilder {
        let parsed = Expression::parse(condition);
        self.try_set(condition, parsed, |node, condition| {
            node.until = Some(Until {
                condition,
                every,
                fail_when: None,
                hold_for: None,
                consecutive: 1,
            });
        })
    }

    /// Waiting is in vain when this is true of a look.
    #[must_use]
    pub fn fail_when(self, expression: &str) -> NodeBuilder {
        let parsed = Expression::parse(expression);
        self.try_set(expression, parsed, |node, parsed| {
            if let Some(until) = &mut node.until {
                until.fail_when = Some(FailWhen::True(parsed));
            }
        })
    }

    /// Waiting is in vain when a line of this file matches this regular expression.
    #[must_use]
    pub fn fail_when_line(self, file: &str, matches: &str) -> NodeBuilder {
        let matches = matches.to_owned();
        self.try_set(file, Template::parse(file), |node, file| {
            if let Some(until) = &mut node.until {
                until.fail_when = Some(FailWhen::Line { file, matches });
            }
        })
    }

    /// What is waited for has to be true for so long.
    #[must_use]
    pub fn hold_for(self, length: Millis) -> NodeBuilder {
        self.set_until(|until| until.hold_for = Some(length))
    }

    /// What is waited for has to be true at so many looks in a row.
    #[must_use]
    pub fn consecutive(self, looks: u32) -> NodeBuilder {
        self.set_until(|until| until.consecutive = looks)
    }

    fn set_until(self, change: impl FnOnce(&mut Until)) -> NodeBuilder {
        self.set(|node| {
            if let Some(until) = &mut node.until {
                change(until);
            }
        })
    }

    /// True when a program that exited did well.
    #[must_use]
    pub fn success(self, expression: &str) -> NodeBuilder {
        let parsed = Expression::parse(expression);
        self.try_set(expression, parsed, |node, parsed| {
            node.success = Some(parsed);
        })
    }

    /// This script reads the fingerprint of what it is about to change, and this is true of the right thing.
    #[must_use]
    pub fn target(self, text: &str, expect: Option<&str>) -> NodeBuilder {
        let parsed = expect.map(Expression::parse).transpose();
        let probe = script(text);
        self.try_set(expect.unwrap_or_default(), parsed, |node, expect| {
            node.target = Some(Target { probe, expect });
        })
    }

    /// How long its evidence holds.
    #[must_use]
    pub fn valid_for(self, length: Millis) -> NodeBuilder {
        self.set(|node| node.valid_for = Some(length))
    }

    /// It has to start so soon after the node of this name was done.
    #[must_use]
    pub fn within(mut self, length: Millis, of: &str) -> NodeBuilder {
        self.within = Some((length, of.to_owned()));
        self
    }

    /// Locks that it needs, whose names are templates, and how long they are waited for.
    #[must_use]
    pub fn lock(mut self, names: &[&str], timeout: Millis) -> NodeBuilder {
        match lock(names, timeout) {
            Ok(lock) => self.node.lock = Some(lock),
            Err((text, error)) => self.wrong = Some(BadPlan::Expression { text, error }),
        }
        self
    }

    /// A further file, a template, that is kept when an attempt ends.
    #[must_use]
    pub fn evidence(self, file: &str) -> NodeBuilder {
        self.try_set(file, Template::parse(file), |node, file| {
            node.evidence.push(file);
        })
    }

    /// It is done once for each item of what this expression gives.
    #[must_use]
    pub fn for_each(self, items: &str) -> NodeBuilder {
        self.try_set(items, Expression::parse(items), |node, items| {
            node.for_each = Some(ForEach { items, key: None });
        })
    }

    /// The key of an item.
    #[must_use]
    pub fn for_each_key(self, expression: &str) -> NodeBuilder {
        let parsed = Expression::parse(expression);
        self.try_set(expression, parsed, |node, parsed| {
            if let Some(for_each) = &mut node.for_each {
                for_each.key = Some(parsed);
            }
        })
    }
}

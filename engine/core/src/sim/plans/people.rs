//! Making a node: what people are asked and told.

use super::node::NodeBuilder;
use super::script;
use crate::expr::{ExprError, Expression, Template};
use crate::plan::{Action, AnswerType, Approve, Ask, Channel, Contact, Manual, Notify};
use crate::time::Millis;

/// Somebody who acts as these and is reached at this address.
pub(super) fn contact(address: &str, roles: &[&str]) -> Result<Contact, ExprError> {
    Ok(Contact {
        name: None,
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        via: vec![Channel::Webhook(Template::parse(address)?)],
    })
}

impl NodeBuilder {
    /// Its action: anybody of `by` (or, if that is empty, anybody) approves.
    #[must_use]
    pub fn approve(self, by: &[&str]) -> NodeBuilder {
        let by = by.iter().map(|&name| name.to_owned()).collect();
        self.action(Action::Approve(Approve {
            by,
            count: 1,
            not_starter: false,
            expires: None,
            page: None,
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

    /// Its action: a person does this. What follows it are questions, a checklist and who may do it.
    #[must_use]
    pub fn manual(self, instructions: &str) -> NodeBuilder {
        self.try_set(instructions, Template::parse(instructions), |node, text| {
            node.action = Action::Manual(Manual {
                instructions: Some(text),
                checklist: Vec::new(),
                asks: Vec::new(),
                by: Vec::new(),
                expires: None,
                page: None,
            });
        })
    }

    /// A further entry of the checklist.
    #[must_use]
    pub fn tick(self, entry: &str) -> NodeBuilder {
        self.try_set(entry, Template::parse(entry), |node, entry| {
            if let Action::Manual(manual) = &mut node.action {
                manual.checklist.push(entry);
            }
        })
    }

    /// A further question, whose answer is an output of the same name.
    #[must_use]
    pub fn ask(self, name: &str, kind: AnswerType) -> NodeBuilder {
        self.set(|node| {
            if let Action::Manual(manual) = &mut node.action {
                manual.asks.push(Ask {
                    name: name.to_owned(),
                    kind,
                    help: None,
                    from: None,
                    columns: Vec::new(),
                    validate: None,
                    default: None,
                });
            }
        })
    }

    /// This script gives the possible answers of the last question.
    #[must_use]
    pub fn choices(self, text: &str) -> NodeBuilder {
        self.set_ask(|ask| ask.from = Some(Box::new(script(text))))
    }

    /// What the answer of the last question has to fulfil.
    #[must_use]
    pub fn validate(self, expression: &str) -> NodeBuilder {
        let parsed = Expression::parse(expression);
        self.try_set(expression, parsed, |node, parsed| {
            if let Some(ask) = last_ask(&mut node.action) {
                ask.validate = Some(parsed);
            }
        })
    }

    /// The answer of the last question when none is given.
    #[must_use]
    pub fn answer_default(self, text: &str) -> NodeBuilder {
        self.try_set(text, Template::parse(text), |node, parsed| {
            if let Some(ask) = last_ask(&mut node.action) {
                ask.default = Some(parsed);
            }
        })
    }

    /// Changes what is asked of a person; nothing if nothing is.
    #[must_use]
    pub fn manually(self, change: impl FnOnce(&mut Manual)) -> NodeBuilder {
        self.set(|node| {
            if let Action::Manual(manual) = &mut node.action {
                change(manual);
            }
        })
    }

    fn set_ask(self, change: impl FnOnce(&mut Ask)) -> NodeBuilder {
        self.set(|node| {
            if let Some(ask) = last_ask(&mut node.action) {
                change(ask);
            }
        })
    }

    /// How long what people are asked there may be answered.
    #[must_use]
    pub fn expires(self, after: Millis) -> NodeBuilder {
        self.set(|node| match &mut node.action {
            Action::Approve(approve) => approve.expires = Some(after),
            Action::Manual(manual) => manual.expires = Some(after),
            _ => {}
        })
    }

    /// The policy that is paged while people are waited for.
    #[must_use]
    pub fn page(self, policy: &str) -> NodeBuilder {
        let policy = Some(policy.to_owned());
        self.set(|node| {
            match &mut node.action {
                Action::Approve(approve) => approve.page.clone_from(&policy),
                Action::Manual(manual) => manual.page.clone_from(&policy),
                _ => {}
            }
            node.page = policy;
        })
    }

    /// Its action: these contacts are told something.
    #[must_use]
    pub fn notify(self, to: &[&str], message: &str) -> NodeBuilder {
        let to = to.iter().map(|&contact| contact.to_owned()).collect();
        self.try_set(message, Template::parse(message), |node, message| {
            node.action = Action::Notify(Notify { to, message });
        })
    }

    /// What somebody has to type before it starts, which is a template.
    #[must_use]
    pub fn confirm(self, expected: &str) -> NodeBuilder {
        self.try_set(expected, Template::parse(expected), |node, expected| {
            node.confirm = Some(expected);
        })
    }

    /// No decision may skip it.
    #[must_use]
    pub fn never_skip(self) -> NodeBuilder {
        self.set(|node| node.never_skip = true)
    }
}

fn last_ask(action: &mut Action) -> Option<&mut Ask> {
    match action {
        Action::Manual(manual) => manual.asks.last_mut(),
        _ => None,
    }
}

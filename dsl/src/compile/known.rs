//! What expressions can be worked out before the run: parameters and the mode.

use piton_core::expr::{Expression, Resolved, Scope, Template};
use piton_core::value::Value;
use std::collections::BTreeMap;

/// The values that are known before the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Parameters; those of a called runbook are known when its caller gives them from known ones.
    pub(super) params: BTreeMap<String, Value>,
    /// The mode; its name is an empty text in expressions where there is none.
    pub(super) mode: Option<String>,
}

impl Known {
    /// The value of an expression, if it needs nothing that is known later.
    pub(super) fn value(&self, expression: &Expression) -> Option<Value> {
        let value = expression.evaluate(self).ok();
        value.filter(|value| !value.has_secret())
    }

    /// A template as text, if it needs nothing that is known later.
    pub(super) fn text(&self, template: &Template) -> Option<String> {
        let text = template.render(self).ok()?;
        text.secrets().next().is_none().then(|| text.shown())
    }
}

impl Scope for Known {
    fn resolve(&self, path: &[String]) -> Resolved {
        match path {
            [root] if root == "params" => Resolved::Namespace,
            [root, name] if root == "params" => match self.params.get(name) {
                Some(value) => Resolved::Value(value.clone()),
                None => Resolved::Unknown,
            },
            [root] if root == "mode" => {
                Resolved::Value(Value::from(self.mode.as_deref().unwrap_or_default()))
            }
            _ => Resolved::Unknown,
        }
    }
}

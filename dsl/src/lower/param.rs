//! The `param` block.

use super::Lowering;
use super::fields::Fields;
use crate::lint::rules::{bad_name, wrong_type};
use crate::runbook::{Param, ParamType};
use crate::schema::{CHOICES, HELP, OPTIONAL, PARAM, PARAM_DEFAULT, PARAM_TYPE, PARAMS};

impl Lowering<'_> {
    pub(super) fn params(&mut self, fields: &Fields<'_>) -> Vec<Param> {
        self.named(
            &PARAMS,
            fields,
            bad_name::Kind::Identifier,
            |this, _, node| {
                let fields = this.fields(&PARAM, None, node, node.span)?;
                Some(this.param(&fields))
            },
        )
        .into_iter()
        .map(|(name, param)| Param {
            name,
            ..param.unwrap_or_else(unreadable)
        })
        .collect()
    }

    fn param(&mut self, fields: &Fields<'_>) -> Param {
        let kind = match fields.get(&PARAM_TYPE) {
            // A misspelt `type` says something, and nobody knows what.
            None if fields.keys.contains_key(PARAM_TYPE.name) => None,
            None => Some(ParamType::String),
            Some(node) => self.scalar(&PARAM_TYPE, node).and_then(|scalar| {
                let kind = ParamType::named(&scalar.text);
                if kind.is_none() {
                    let report = wrong_type::report(&PARAM_TYPE, node, self.syntax);
                    self.report(report);
                }
                kind
            }),
        };
        let default = fields
            .get(&PARAM_DEFAULT)
            .and_then(|node| self.scalar(&PARAM_DEFAULT, node))
            .cloned();
        Param {
            kind,
            default,
            optional: self.boolean(&OPTIONAL, fields).unwrap_or(false),
            help: self.text(&HELP, fields).map(|text| text.value),
            choices: self
                .scalars(&CHOICES, fields)
                .map(|choices| choices.into_iter().cloned().collect()),
            ..unreadable()
        }
    }
}

/// A parameter of which nothing could be read; its name is still known to expressions.
fn unreadable() -> Param {
    Param {
        name: crate::runbook::Spanned {
            value: String::new(),
            span: crate::source::Span::default(),
        },
        kind: None,
        default: None,
        optional: false,
        help: None,
        choices: None,
    }
}

//! The `manual` action and its questions.

use super::Lowering;
use super::action::Database;
use crate::lint::rules::bad_name;
use crate::node::Node;
use crate::runbook::{Action, Ask, Manual, ParamType};
use crate::schema::{
    ASK, ASK_DEFAULT, ASK_FROM, ASK_HELP, ASK_TYPE, ASKS, CHECKLIST, COLUMNS, FROM, INSTRUCTIONS,
    MANUAL, MANUAL_ACTION, MANUAL_BY, MANUAL_EXPIRES, MANUAL_PAGE, VALIDATE,
};

impl Lowering<'_> {
    pub(super) fn manual(&mut self, node: &Node, database: &Database) -> Option<Action> {
        let fields = self.fields(&MANUAL, Some(&MANUAL_ACTION), node, node.span.before())?;
        Some(Action::Manual(Manual {
            span: node.span,
            instructions: self.template(&INSTRUCTIONS, &fields),
            checklist: self.texts(&CHECKLIST, &fields).unwrap_or_default(),
            asks: self.named(
                &ASKS,
                &fields,
                bad_name::Kind::Identifier,
                |this, _, node| this.ask(node, database),
            ),
            by: self.words(&MANUAL_BY, &fields).unwrap_or_default(),
            expires: self.duration(&MANUAL_EXPIRES, &fields),
            page: self.word(&MANUAL_PAGE, &fields),
            keys: fields.keys,
        }))
    }

    fn ask(&mut self, node: &Node, database: &Database) -> Option<Ask> {
        let fields = self.fields(&ASK, None, node, node.span)?;
        let kind = if fields.keys.contains_key(ASK_TYPE.name) {
            self.choice(&ASK_TYPE, &fields, ParamType::named)
        } else {
            Some(ParamType::String)
        };
        Some(Ask {
            span: node.span,
            kind,
            help: self.text(&ASK_HELP, &fields),
            from: self.looking(&FROM, &ASK_FROM, &fields, database),
            columns: self.words(&COLUMNS, &fields).unwrap_or_default(),
            validate: self.expression(&VALIDATE, &fields),
            default: self.template(&ASK_DEFAULT, &fields),
            keys: fields.keys,
        })
    }
}

//! The `step` and `gate` blocks.

use super::Lowering;
use super::action::database;
use super::fields::Fields;
use crate::lint::rules::{bad_name, missing_key, wrong_type};
use crate::node::{Node as Tree, Scalar};
use crate::runbook::{Node, Runbook, Spanned};
use crate::schema::{
    CAPTURE, CAPTURE_BLOCK, CONFIRM, CONSECUTIVE, DATABASE, DIR, DOC, ENV, EVERY, EVIDENCE,
    FINALLY, FOR_EACH, FOR_EACH_KEY, GATE, GATE_NAME, HOLD_FOR, IDEMPOTENT, LOCK, LOCK_TIMEOUT,
    NEEDS, NODE_PAGE, OF, ON_FAIL, OUTPUTS, RETRY_KEY, SKIP, STEP, STEP_NAME, STEPS, SUCCESS,
    TIMEOUT, TITLE, UNTIL, VALID_FOR, WHEN, WITHIN,
};
use piton_core::plan::NodeKind;

/// How many steps and gates a runbook may have. Far more than anybody wrote, and few enough that a file made to
/// do harm does none.
const MAX_NODES: usize = 100_000;

impl Lowering<'_> {
    pub(super) fn nodes(&mut self, fields: &Fields<'_>, runbook: &Runbook) -> Vec<Node> {
        let Some(list) = fields.get(&STEPS) else {
            return Vec::new();
        };
        let Some(items) = self.items(&STEPS, list) else {
            return Vec::new();
        };
        if items.is_empty() {
            self.wrong_type(&STEPS, list);
        }
        if items.len() > MAX_NODES {
            self.report(wrong_type::too_many(
                &STEPS,
                items.len(),
                MAX_NODES,
                list.span,
            ));
        }
        items
            .iter()
            .take(MAX_NODES)
            .filter_map(|item| self.node(item, runbook))
            .collect()
    }

    fn node(&mut self, item: &Tree, runbook: &Runbook) -> Option<Node> {
        let (kind, block, name_key) = match (item.get(GATE_NAME.name), item.get(STEP_NAME.name)) {
            (Some(gate), step) if step.is_none_or(|step| gate.key.span < step.key.span) => {
                (NodeKind::Gate, &GATE, &GATE_NAME)
            }
            (None, None) if item.as_map().is_some() => {
                self.report(missing_key::neither_step_nor_gate(item));
                return None;
            }
            _ => (NodeKind::Step, &STEP, &STEP_NAME),
        };
        let fields = self.fields(block, None, item, item.span.before())?;
        let id = fields.get(name_key).and_then(|node| {
            let scalar = self.scalar(name_key, node)?;
            Some(self.name(bad_name::Kind::Node, scalar))
        });
        let id = id.unwrap_or(Spanned {
            value: String::new(),
            span: fields
                .get(name_key)
                .map_or(item.span.before(), |node| node.span),
        });
        let (needs, needs_doubtful) = self.needs(&fields);
        let own_database = self.template(&DATABASE, &fields);
        let database = database(&fields, own_database.as_ref(), runbook);
        Some(Node {
            id,
            kind,
            span: item.span,
            title: self.text(&TITLE, &fields),
            doc: self.text(&DOC, &fields),
            needs,
            needs_doubtful,
            when: self.expression(&WHEN, &fields),
            actions: self.node_actions(&fields, database.as_ref()),
            env: self.templates(&ENV, &fields),
            dir: self.template(&DIR, &fields),
            database: own_database,
            timeout: self.duration(&TIMEOUT, &fields),
            retry: self.retry(&RETRY_KEY, &fields),
            idempotent: self.boolean(&IDEMPOTENT, &fields).unwrap_or(false),
            outputs: self.named(
                &OUTPUTS,
                &fields,
                bad_name::Kind::Identifier,
                Self::expression_of,
            ),
            interrupted: self.interrupted(&fields, database.as_ref()),
            on_fail: self.responses(&ON_FAIL, &fields),
            effects: self.effects(&fields, database.as_ref()),
            until: self.expression(&UNTIL, &fields),
            every: self.duration(&EVERY, &fields),
            fail_when: self.fail_when(&fields),
            hold_for: self.duration(&HOLD_FOR, &fields),
            consecutive: self.number(&CONSECUTIVE, &fields),
            success: self.expression(&SUCCESS, &fields),
            capture: self.looking(&CAPTURE_BLOCK, &CAPTURE, &fields, &database),
            target: self.target(&fields, &database),
            confirm: self.template(&CONFIRM, &fields),
            page: self.word(&NODE_PAGE, &fields),
            never_skip: self
                .choice(&SKIP, &fields, |word| (word == "never").then_some(()))
                .is_some(),
            valid_for: self.duration(&VALID_FOR, &fields),
            within: self.duration(&WITHIN, &fields),
            of: self.word(&OF, &fields),
            lock: self.texts(&LOCK, &fields),
            lock_timeout: self.duration(&LOCK_TIMEOUT, &fields),
            for_each: self.expression(&FOR_EACH, &fields),
            for_each_key: self.expression(&FOR_EACH_KEY, &fields),
            evidence: self.texts(&EVIDENCE, &fields),
            finally: self.boolean(&FINALLY, &fields).unwrap_or(false),
            unknown_keys: fields.unknown,
            keys: fields.keys,
        })
    }

    /// The names in `needs`, and whether it may have meant more than could be read.
    fn needs(&mut self, fields: &Fields<'_>) -> (Option<Vec<Spanned<String>>>, bool) {
        let Some(node) = fields.get(&NEEDS) else {
            // Whatever a misspelt `needs` says, it is not the order of the file.
            let misspelt = fields.keys.contains_key(NEEDS.name);
            return (misspelt.then(Vec::new), misspelt);
        };
        let names = self.scalars(&NEEDS, fields);
        let written = node.as_list().map_or(1, <[_]>::len);
        let doubtful = names.as_ref().map(Vec::len) != Some(written);
        let name = |name: &Scalar| Spanned {
            value: name.text.clone(),
            span: name.span,
        };
        (
            Some(names.unwrap_or_default().into_iter().map(name).collect()),
            doubtful,
        )
    }
}

//! The runbook block: the whole file.

use super::Lowering;
use super::values::default_count;
use crate::lint::rules::bad_name;
use crate::node::Node;
use crate::runbook::{Runbook, Spanned};
use crate::schema::{
    OWNER, PARALLEL, RUNBOOK, RUNBOOK_DATABASE, RUNBOOK_DIR, RUNBOOK_DOC, RUNBOOK_ENV,
    RUNBOOK_LOCK, RUNBOOK_LOCK_TIMEOUT, RUNBOOK_NAME, RUNBOOK_ON_FAIL, RUNBOOK_OUTPUTS,
    RUNBOOK_PAGE, RUNBOOK_TIMEOUT, RUNBOOK_TITLE,
};

impl Lowering<'_> {
    pub(super) fn runbook(&mut self, root: &Node) -> Option<Runbook> {
        let fields = self.fields(&RUNBOOK, None, root, root.span.before())?;
        let name = fields.get(&RUNBOOK_NAME).and_then(|node| {
            let scalar = self.scalar(&RUNBOOK_NAME, node)?;
            Some(self.name(bad_name::Kind::Node, scalar))
        });
        let mut runbook = Runbook {
            syntax: self.syntax,
            name: name.unwrap_or(Spanned {
                value: String::new(),
                span: root.span.before(),
            }),
            title: self.text(&RUNBOOK_TITLE, &fields),
            owner: self.text(&OWNER, &fields),
            doc: self.text(&RUNBOOK_DOC, &fields),
            parallel: self
                .count(&PARALLEL, &fields)
                .unwrap_or(default_count(&PARALLEL)),
            database: self.template(&RUNBOOK_DATABASE, &fields),
            env: self.templates(&RUNBOOK_ENV, &fields),
            dir: self.template(&RUNBOOK_DIR, &fields),
            timeout: self.duration(&RUNBOOK_TIMEOUT, &fields),
            on_fail: self.responses(&RUNBOOK_ON_FAIL, &fields),
            params: self.params(&fields),
            secrets: self.secrets(&fields),
            page: self.word(&RUNBOOK_PAGE, &fields),
            lock: self.texts(&RUNBOOK_LOCK, &fields),
            lock_timeout: self.duration(&RUNBOOK_LOCK_TIMEOUT, &fields),
            contacts: self.contacts(&fields),
            escalations: self.escalations(&fields),
            targets: self.targets(&fields),
            modes: self.modes(&fields),
            outputs: self.named(
                &RUNBOOK_OUTPUTS,
                &fields,
                bad_name::Kind::Identifier,
                Self::expression_of,
            ),
            nodes: Vec::new(),
            keys: fields.keys.clone(),
            called: Default::default(),
        };
        runbook.nodes = self.nodes(&fields, &runbook);
        Some(runbook)
    }
}

//! Actions: `run` and `exec` here, the others in files of their own.

use super::Lowering;
use super::fields::Fields;
use crate::lint::rules::shell_without_run;
use crate::node::Node;
use crate::runbook::{Action, Runbook, Sourced, WrittenAction};
use crate::schema::{
    APPROVE_ACTION, CALL_ACTION, CHECKS, DATABASE, EXEC, HTTP_ACTION, Key, MANUAL_ACTION,
    NOTIFY_ACTION, RUN, SHELL, SQL_ACTION, WAIT_ACTION,
};
use piton_core::expr::Template;

/// The database that `sql` uses when it names none. The outer `None`: none is said; the inner one: what is said
/// could not be read.
pub(super) type Database = Option<Option<Sourced<Template>>>;

/// The `database` of a node, else that of the runbook.
pub(super) fn database(
    fields: &Fields<'_>,
    own: Option<&Sourced<Template>>,
    runbook: &Runbook,
) -> Database {
    if fields.keys.contains_key(DATABASE.name) {
        return Some(own.cloned());
    }
    runbook
        .keys
        .contains_key(DATABASE.name)
        .then(|| runbook.database.clone())
}

impl Lowering<'_> {
    /// The actions of a step or gate.
    pub(super) fn node_actions(
        &mut self,
        fields: &Fields<'_>,
        database: Option<&Option<Sourced<Template>>>,
    ) -> Vec<WrittenAction> {
        self.actions(
            fields,
            database,
            &[
                &RUN,
                &EXEC,
                &SQL_ACTION,
                &HTTP_ACTION,
                &CHECKS,
                &APPROVE_ACTION,
                &MANUAL_ACTION,
                &NOTIFY_ACTION,
                &WAIT_ACTION,
                &CALL_ACTION,
            ],
        )
    }

    /// The actions of what only looks or takes back: no waiting for people, no checks.
    pub(super) fn plain_actions(
        &mut self,
        fields: &Fields<'_>,
        database: Option<&Option<Sourced<Template>>>,
    ) -> Vec<WrittenAction> {
        self.actions(fields, database, &[&RUN, &EXEC, &SQL_ACTION, &HTTP_ACTION])
    }

    fn actions(
        &mut self,
        fields: &Fields<'_>,
        database: Option<&Option<Sourced<Template>>>,
        keys: &[&'static Key],
    ) -> Vec<WrittenAction> {
        let written = fields.in_order(keys);
        if let Some(shell) = fields.keys.get(SHELL.name)
            && !written.is_empty()
            && !fields.keys.contains_key(RUN.name)
        {
            self.report(shell_without_run::report(
                *shell,
                written.first().map(|(key, span, _)| (key.name, *span)),
            ));
        }
        written
            .into_iter()
            .map(|(key, span, node)| WrittenAction {
                keyword: key.name,
                key: span,
                action: node.and_then(|node| self.action(key, node, fields, database)),
            })
            .collect()
    }

    fn action(
        &mut self,
        key: &'static Key,
        node: &Node,
        fields: &Fields<'_>,
        database: Option<&Option<Sourced<Template>>>,
    ) -> Option<Action> {
        match key.name {
            "run" => self.run(node, fields),
            "exec" => self.exec(node),
            "sql" => self.sql(node, database).map(Action::Sql),
            "http" => self.http(node).map(Action::Http),
            "checks" => self.checks(node, database).map(Action::Checks),
            "manual" => self.manual(node, &database.cloned()),
            "notify" => self.notify(node),
            "wait" => self.wait(node),
            "call" => self.call(node),
            _ => self.approve(node),
        }
    }

    fn run(&mut self, node: &Node, fields: &Fields<'_>) -> Option<Action> {
        let shell = fields.get(&SHELL).and_then(|node| {
            let words: Vec<String> = match node.as_scalar() {
                // `shell = "bash -eu"` is what people write first.
                Some(_) => {
                    let text = self.scalar(&SHELL, node)?;
                    text.text.split_whitespace().map(str::to_owned).collect()
                }
                None => self
                    .scalars(&SHELL, fields)?
                    .into_iter()
                    .map(|word| word.text.clone())
                    .collect(),
            };
            if words.is_empty() {
                self.wrong_type(&SHELL, node);
                return None;
            }
            Some(words)
        });
        let script = self.text_of(&RUN, node)?;
        if script.value.trim().is_empty() {
            self.wrong_type(&RUN, node);
            return None;
        }
        Some(Action::Run { script, shell })
    }

    fn exec(&mut self, node: &Node) -> Option<Action> {
        let argv = self.template_list(&EXEC, node)?;
        if argv.is_empty() {
            self.wrong_type(&EXEC, node);
            return None;
        }
        Some(Action::Exec { argv })
    }
}

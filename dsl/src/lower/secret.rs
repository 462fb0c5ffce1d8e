//! The `secret` block.

use super::Lowering;
use super::fields::Fields;
use crate::lint::rules::{bad_name, not_exactly_one};
use crate::node::Node;
use crate::runbook::Secret;
use crate::schema::{SECRET, SECRET_COMMAND, SECRET_ENV, SECRET_FILE, SECRETS};
use piton_core::plan::SecretSource;

impl Lowering<'_> {
    pub(super) fn secrets(&mut self, fields: &Fields<'_>) -> Vec<Secret> {
        self.named(
            &SECRETS,
            fields,
            bad_name::Kind::Identifier,
            |this, _, node| this.secret(node),
        )
        .into_iter()
        .map(|(name, source)| Secret { name, source })
        .collect()
    }

    fn secret(&mut self, node: &Node) -> Option<SecretSource> {
        let fields = self.fields(&SECRET, None, node, node.span)?;
        let written = fields.in_order(&[&SECRET_ENV, &SECRET_FILE, &SECRET_COMMAND]);
        let [(key, _, Some(_))] = written.as_slice() else {
            if !(fields.unknown && written.len() <= 1) {
                let keys: Vec<_> = written
                    .iter()
                    .map(|(key, span, _)| (key.name, *span))
                    .collect();
                self.report(not_exactly_one::report(
                    "a secret",
                    &["env", "file", "command"],
                    &keys,
                    node.span,
                ));
            }
            return None;
        };
        match key.name {
            "env" => self
                .text(&SECRET_ENV, &fields)
                .map(|text| SecretSource::Env(text.value)),
            "file" => self
                .text(&SECRET_FILE, &fields)
                .map(|text| SecretSource::File(text.value)),
            _ => {
                let argv = self.scalars(&SECRET_COMMAND, &fields)?;
                if argv.is_empty() {
                    self.wrong_type(&SECRET_COMMAND, fields.get(&SECRET_COMMAND)?);
                    return None;
                }
                Some(SecretSource::Command(
                    argv.into_iter().map(|scalar| scalar.text.clone()).collect(),
                ))
            }
        }
    }
}

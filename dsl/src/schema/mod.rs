//! The schema: every block and every key of the language, once, as typed constants.
//!
//! One block a file. [`Key`] says what a key is called, what it takes, its default, a line of documentation and an
//! example in each syntax; lowering, did-you-mean, messages about wrong types and the reference are made from it.
//! [`BLOCKS`] is what the block syntax needs in order to know where a named block belongs.

mod approve;
mod call;
mod check;
mod contact;
mod escalation;
mod guard;
mod http;
mod interrupted;
mod key;
mod manual;
mod mode;
mod node;
mod notify;
mod param;
mod response;
mod retry;
mod runbook;
mod secret;
mod sql;
mod targets;
mod undo;
mod wait;
mod waiting;

pub use approve::*;
pub use call::*;
pub use check::*;
pub use contact::*;
pub use escalation::*;
pub use guard::*;
pub use http::*;
pub use interrupted::*;
pub use key::{Block, Key, NamedBlock, Shape, Takes};
pub use manual::*;
pub use mode::*;
pub use node::*;
pub use notify::*;
pub use param::*;
pub use response::*;
pub use retry::*;
pub use runbook::*;
pub use secret::*;
pub use sql::*;
pub use targets::*;
pub use undo::*;
pub use wait::*;
pub use waiting::*;

/// Blocks that are written with a name (`param backup { … }`), and the plural key they stand under in the tree
/// that both syntaxes share.
pub const BLOCKS: &[NamedBlock] = &[
    NamedBlock {
        keyword: "param",
        plural: "params",
        shape: Shape::Map,
        plain_in: &[],
    },
    NamedBlock {
        keyword: "secret",
        plural: "secrets",
        shape: Shape::Map,
        plain_in: &[],
    },
    NamedBlock {
        keyword: "step",
        plural: "steps",
        shape: Shape::List,
        plain_in: &[],
    },
    NamedBlock {
        keyword: "gate",
        plural: "steps",
        shape: Shape::List,
        plain_in: &[],
    },
    NamedBlock {
        keyword: "check",
        plural: "checks",
        shape: Shape::List,
        plain_in: &["undo"],
    },
    NamedBlock {
        keyword: "contact",
        plural: "contacts",
        shape: Shape::Map,
        plain_in: &[],
    },
    NamedBlock {
        keyword: "escalation",
        plural: "escalations",
        shape: Shape::Map,
        plain_in: &[],
    },
    NamedBlock {
        keyword: "mode",
        plural: "modes",
        shape: Shape::Map,
        plain_in: &[],
    },
    NamedBlock {
        keyword: "ask",
        plural: "asks",
        shape: Shape::Map,
        plain_in: &[],
    },
    NamedBlock {
        keyword: "level",
        plural: "levels",
        shape: Shape::Unnamed,
        plain_in: &[],
    },
];

/// Every block of the language, in the order a reference would take.
pub const ALL: &[&Block] = &[
    &RUNBOOK,
    &PARAM,
    &SECRET,
    &CONTACT,
    &CHANNEL,
    &ESCALATION,
    &LEVEL,
    &TARGETS,
    &RTO_BLOCK,
    &RPO_BLOCK,
    &MODE,
    &MODE_RTO_BLOCK,
    &STEP,
    &GATE,
    &SQL,
    &HTTP,
    &CHECK,
    &APPROVE,
    &MANUAL,
    &ASK,
    &FROM,
    &NOTIFY,
    &WAIT,
    &CALL,
    &RETRY,
    &FAIL_WHEN_BLOCK,
    &TARGET_BLOCK,
    &TARGET_PROBE_BLOCK,
    &CAPTURE_BLOCK,
    &PROBE,
    &UNDO,
    &UNDO_CHECK_BLOCK,
    &REWIND,
    &ESCALATE,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_key_is_documented_once_a_block() {
        for block in ALL {
            let mut seen = BTreeSet::new();
            for key in block.keys {
                assert!(
                    seen.insert(key.name),
                    "{}: `{}` twice",
                    block.keyword,
                    key.name
                );
                assert!(
                    key.doc.ends_with('.'),
                    "{}.{}: {}",
                    block.keyword,
                    key.name,
                    key.doc
                );
                assert!(
                    key.example.contains(key.name),
                    "{}.{}",
                    block.keyword,
                    key.name
                );
                assert!(
                    key.yaml.contains(key.name),
                    "{}.{}",
                    block.keyword,
                    key.name
                );
            }
        }
    }
}

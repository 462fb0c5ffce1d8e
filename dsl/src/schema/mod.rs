//! The schema: every block and every key of the language, once, as typed constants.
//!
//! One block a file. [`Key`] says what a key is called, what it takes, its default, a line of documentation and an
//! example in each syntax; lowering, did-you-mean, messages about wrong types and the reference are made from it.
//! [`BLOCKS`] is what the block syntax needs in order to know where a named block belongs.

mod approve;
mod check;
mod interrupted;
mod key;
mod node;
mod param;
mod retry;
mod runbook;
mod secret;
mod sql;
mod undo;

pub use approve::*;
pub use check::*;
pub use interrupted::*;
pub use key::{Block, Key, NamedBlock, Shape, Takes};
pub use node::*;
pub use param::*;
pub use retry::*;
pub use runbook::*;
pub use secret::*;
pub use sql::*;
pub use undo::*;

/// Blocks that are written with a name (`param backup { … }`), and the plural key they stand under in the tree
/// that both syntaxes share.
pub const BLOCKS: &[NamedBlock] = &[
    NamedBlock {
        keyword: "param",
        plural: "params",
        shape: Shape::Map,
    },
    NamedBlock {
        keyword: "secret",
        plural: "secrets",
        shape: Shape::Map,
    },
    NamedBlock {
        keyword: "step",
        plural: "steps",
        shape: Shape::List,
    },
    NamedBlock {
        keyword: "gate",
        plural: "steps",
        shape: Shape::List,
    },
    NamedBlock {
        keyword: "check",
        plural: "checks",
        shape: Shape::List,
    },
];

/// Every block of the language, in the order a reference would take.
pub const ALL: &[&Block] = &[
    &RUNBOOK, &PARAM, &SECRET, &STEP, &GATE, &SQL, &CHECK, &APPROVE, &RETRY, &PROBE, &UNDO,
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

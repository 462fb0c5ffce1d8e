//! The digest of what people are shown when they are asked: an answer counts only for what it was given to.

use super::shape::Shape;
use super::state::State;
use crate::digest::Digest;
use crate::plan::{NodeIndex, Plan};
use crate::record::QuestionKind;
use serde::Serialize;

/// Covers the plan (parameters are part of it), the node with its pass and rendered inputs, what is asked (and that it
/// is asked anew, even if in the same words), and the pass and outputs of each node that it needs.
pub(super) fn digest(
    plan: &Plan,
    shape: &Shape,
    state: &State,
    index: NodeIndex,
    kind: &QuestionKind,
) -> Digest {
    let (node, pass) = (
        &index.0.to_be_bytes(),
        state.node(index).map_or(0, |node| node.pass).to_be_bytes(),
    );
    let inputs = json(&state.node(index).and_then(|node| node.inputs.as_deref()));
    let needs = plan
        .node(index)
        .map_or(&[][..], |node| node.needs.as_slice());
    let needs: Vec<_> = needs
        .iter()
        .filter_map(|need| {
            state
                .node(*need)
                .map(|state| (need.0, state.pass, &state.outputs))
        })
        .collect();
    Digest::of(&[
        b"piton shown",
        state.run.0.as_bytes(),
        &shape.digest.0,
        node,
        &pass,
        &state.questions.to_be_bytes(),
        json(kind).as_bytes(),
        inputs.as_bytes(),
        json(&needs).as_bytes(),
    ])
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

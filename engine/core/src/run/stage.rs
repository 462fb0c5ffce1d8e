//! What comes next for a node whose inputs are worked out: locks, preparations, people, the action itself.

use super::state::NodeState;
use crate::id::Purpose;
use crate::plan::{Node, NodeIndex, WorldEffect};
use crate::record::RenderedAction;
use crate::time::Timestamp;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It needs its locks.
    Lock,
    /// An attempt.
    Try(Purpose),
    /// People are asked.
    Ask,
    /// Time has to pass.
    Wait(Timestamp),
    /// It is done.
    Finish,
}

/// What comes next for a node, going by what is known of it; `None` before its inputs are worked out.
pub(super) fn stage(index: NodeIndex, state: &NodeState) -> Option<Stage> {
    let inputs = state.inputs.as_deref()?;
    if !inputs.locks.is_empty() && !state.lock.is_held() {
        return Some(Stage::Lock);
    }
    let unfound = |purpose: &Purpose| state.prepared.found(*purpose).is_none();
    Some(match &inputs.action {
        RenderedAction::Wait { until } => Stage::Wait(*until),
        RenderedAction::Call(_) => Stage::Finish,
        RenderedAction::Approve(_) => {
            let targets = inputs.targets.iter();
            targets
                .map(|target| Purpose::Target(target.node.0))
                .find(unfound)
                .map_or(Stage::Ask, Stage::Try)
        }
        RenderedAction::Manual(manual) => {
            let asks = (0u32..).zip(&manual.asks);
            asks.filter(|(_, ask)| ask.from.is_some())
                .map(|(place, _)| Purpose::Choices(place))
                .find(unfound)
                .map_or(Stage::Ask, Stage::Try)
        }
        RenderedAction::Run { .. }
        | RenderedAction::Exec { .. }
        | RenderedAction::Sql { .. }
        | RenderedAction::Http(_)
        | RenderedAction::Checks(_)
        | RenderedAction::Notify(_)
        | RenderedAction::Each(_) => work(index, state),
    })
}

/// What comes next for a node that does something itself.
fn work(index: NodeIndex, state: &NodeState) -> Stage {
    let (Some(inputs), prepared) = (state.inputs.as_deref(), &state.prepared) else {
        return Stage::Finish;
    };
    let Some(present) = state.present_inputs() else {
        return Stage::Finish;
    };
    if inputs.confirm.is_some() && !prepared.confirmed {
        let own = Purpose::Target(index.0);
        if inputs.target.is_some() && prepared.found(own).is_none() {
            return Stage::Try(own);
        }
        return Stage::Ask;
    }
    if inputs.target.is_some() && !prepared.rechecked {
        return Stage::Try(Purpose::Recheck);
    }
    if present.capture.is_some() && !prepared.captures.contains_key(&state.item()) {
        return Stage::Try(Purpose::Capture);
    }
    Stage::Try(Purpose::Do)
}

/// Whether its action may be done again at will.
pub(super) fn may_be_repeated(node: &Node) -> bool {
    node.idempotent || node.kind == crate::plan::NodeKind::Gate || node.effect == WorldEffect::None
}

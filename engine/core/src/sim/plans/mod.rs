//! Small plans for tests and trials, without the language.
//!
//! ```
//! use piton_core::sim::plans::{gate, plan, step};
//! let plan = plan("drill").node(step("a")).node(gate("go").approve(&[]).needs(&["a"])).build()?;
//! assert_eq!(plan.nodes.len(), 2);
//! # Ok::<(), piton_core::sim::plans::BadPlan>(())
//! ```

mod back;
mod node;
mod people;
mod plan;
mod shapes;
mod waiting;

pub use node::{NodeBuilder, gate, step};
pub use plan::{PlanBuilder, plan};
pub use shapes::{chain, fan, start};

use crate::expr::ExprError;
use crate::plan::{Action, Run};

/// Why a plan cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadPlan {
    /// A node names one that is not there.
    #[error("`{node}` names `{need}`, which is not in the plan")]
    NoSuchNode {
        /// The node.
        node: String,
        /// What it names: a need, where it goes back to, what it has to follow, or its call.
        need: String,
    },
    /// An expression or a template does not parse.
    #[error("`{text}` does not parse: {error}")]
    Expression {
        /// The text.
        text: String,
        /// What is wrong.
        error: ExprError,
    },
}

/// A script for the usual shell.
fn script(text: &str) -> Action {
    Action::Run(Run {
        script: text.to_owned(),
        shell: None,
    })
}

//! What people are shown of a run: a fold of its records, and of nothing else.
//!
//! [`RunView::of`] is what `show` and `--json` print; a live display keeps a [`RunView`] and gives it each record as
//! it comes. The machine's own state is not used: what is shown is what was written down.
//!
//! [`RunView`] has the run as a whole, [`NodeView`] a node with its attempts and what its earlier passes did,
//! [`QuestionView`] a question with who is paged about it and who has it, [`BackView`] a way back,
//! [`ReplanView`] that it took over an edited runbook, [`TargetsView`] how the run stands against its targets.

mod attempt;
mod back;
mod fold;
mod node;
mod plan;
mod question;
mod response;
mod run;
mod targets;

pub use attempt::{AttemptView, ItemView, LockView};
pub use back::{BackKind, BackView, LeftView, UndoState, UndoView};
pub use node::{NodeStanding, NodeView, PassView};
pub use plan::ReplanView;
pub use question::{AnswerView, HeldView, PageView, QuestionView};
pub use response::{ResponseKind, ResponseView};
pub use run::{CancelView, FinallyView, RefusedView, RunView};
pub use targets::{RpoView, RtoView, SeenView, TargetsView};

//! Scenario files, `NAME.test.yaml` beside a runbook: what happens in a run, and what the run has to make of it.
//!
//! ```text
//! keys    the keys of a scenario, each with its doc: what is documented, and what `read` takes
//! read    a file's tree to [`Suite`], with every mistake at its place
//! play    a scenario in virtual time against a plan, and how it differs from what is expected
//! write   what `piton prove` found, as a scenario
//! ```

mod codes;
mod compare;
pub mod keys;
mod play;
mod read;
mod shapes;
mod value;
mod write;

pub use codes::CODES;
pub use play::{Coverage, Edge, Mismatch, Played, play};
pub use read::read;
pub use write::{told, write};

use crate::runbook::Spanned;
use crate::source::Span;
use piton_core::id::Purpose;
use piton_core::plan::NodeIndex;
use piton_core::prove::Fate;
use piton_core::record::Answer;
use piton_core::run::Produced;
use piton_core::time::Millis;
use piton_core::value::Value;
use std::collections::BTreeMap;

/// A file of scenarios.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// In the order of the file.
    pub scenarios: Vec<Scenario>,
}

/// One scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: Spanned<String>,
    /// The mode it runs in.
    pub mode: Option<Spanned<String>>,
    /// Parameters as they would be typed.
    pub params: BTreeMap<String, Spanned<String>>,
    /// Whether the run's own lock is never got.
    pub locked_out: bool,
    /// What happens at nodes.
    pub given: Vec<Given>,
    /// What people answer, in the order in which they are asked about a node.
    pub decide: Vec<Decide>,
    /// What has to come of it.
    pub expect: Expect,
}

/// What happens at a node.
#[derive(Clone, Debug)]
pub struct Given {
    /// Which.
    pub node: Spanned<String>,
    /// Its condition is false, where only the run could work it out.
    pub skipped: bool,
    /// Its locks are never got.
    pub locked_out: bool,
    /// What its attempts do, by what they are for.
    pub does: Vec<(What, Tries)>,
}

/// What attempts are for, as scenarios call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The action itself.
    Action,
    /// Its undo.
    Undo,
    /// Whether its undo happened.
    UndoCheck,
    /// Whether it happened, after an interruption.
    Probe,
    /// What was there before.
    Capture,
    /// The fingerprint of what it changes, whenever it is read.
    Target,
    /// What gives the choices of its questions.
    Choices,
}

impl What {
    /// What an attempt of this purpose is for.
    #[must_use]
    pub fn of(purpose: Purpose) -> What {
        match purpose {
            Purpose::Do | Purpose::Check(_) => What::Action,
            Purpose::Undo => What::Undo,
            Purpose::UndoCheck => What::UndoCheck,
            Purpose::Probe => What::Probe,
            Purpose::Capture => What::Capture,
            Purpose::Target(_) | Purpose::Recheck => What::Target,
            Purpose::Choices(_) => What::Choices,
        }
    }

    /// The key it stands under; nothing of the action itself.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            What::Action => "",
            What::Undo => "undo",
            What::UndoCheck => "undo_check",
            What::Probe => "probe",
            What::Capture => "capture",
            What::Target => "target",
            What::Choices => "choices",
        }
    }
}

/// What attempts do, one after another; the last entry is repeated.
#[derive(Clone, Debug)]
pub enum Tries {
    /// In order over all passes and items.
    InOrder(Vec<Try>),
    /// In order in each pass; the last pass is repeated.
    ByPass(Vec<Vec<Try>>),
}

/// What one attempt does.
#[derive(Clone, Debug, Default)]
pub struct Try {
    /// How it ends.
    pub ends: Option<Fate>,
    /// How long it takes.
    pub takes: Option<Millis>,
    /// Why it did not end well.
    pub message: Option<String>,
    /// Its outputs.
    pub outputs: BTreeMap<String, Value>,
    /// What its action saw: then everything else is worked out as in a real run.
    pub produced: Option<Box<Produced>>,
}

/// What somebody answers.
#[derive(Clone, Debug)]
pub struct Decide {
    /// About which node.
    pub node: Spanned<String>,
    /// What; `None`: nobody ever does.
    pub answer: Option<Said>,
    /// Who; nobody in particular: somebody who may.
    pub by: Vec<String>,
    /// How long after the question was put.
    pub after: Option<Millis>,
}

/// What somebody says.
#[derive(Clone, Debug)]
pub enum Said {
    /// An answer.
    Answer(Answer),
    /// To go back to this node.
    Rewind(Spanned<String>),
}

/// What has to come of a scenario. What is not said is not looked at.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// How the run ends.
    pub end: Option<Spanned<String>>,
    /// What the command would exit with.
    pub exit: Option<Spanned<u8>>,
    /// The nodes that begin, in order, and no others.
    pub path: Option<Spanned<Vec<String>>>,
    /// Nodes that begin, in this order, among others.
    pub includes: Option<Spanned<Vec<String>>>,
    /// Nodes that never begin.
    pub excludes: Option<Spanned<Vec<String>>>,
    /// The nodes that are taken back, in order.
    pub undo: Option<Spanned<Vec<String>>>,
    /// The nodes that are left as they are.
    pub left: Option<Spanned<Vec<String>>>,
    /// The nodes that people are asked about at the end.
    pub waits: Option<Spanned<Vec<String>>>,
    /// The nodes that run at the end and fail.
    pub cleanup_failed: Option<Spanned<Vec<String>>>,
    /// Who is paged, in order.
    pub pages: Option<Spanned<Vec<PageSent>>>,
    /// What the clock of the recovery time says.
    pub rto: Option<RtoFigure>,
    /// Outputs by node.
    pub outputs: Vec<(Spanned<String>, BTreeMap<String, Value>)>,
}

/// A page; what is not said of it is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageSent {
    /// About which node; the clock is called `rto`.
    pub node: Option<String>,
    /// By which policy.
    pub policy: Option<String>,
    /// The level, from 1.
    pub level: Option<u32>,
    /// Who.
    pub to: Option<Vec<String>>,
    /// How long after the run's start.
    pub after: Option<Millis>,
}

/// What the clock of the recovery time says.
#[derive(Clone, Debug, Default)]
pub struct RtoFigure {
    /// Where it stands in the file.
    pub span: Span,
    /// How long it took.
    pub took: Option<Millis>,
    /// Whether that was soon enough.
    pub met: Option<bool>,
}

/// The name of a node in a message.
fn name(plan: &piton_core::plan::Plan, index: NodeIndex) -> String {
    plan.node(index)
        .map_or_else(|| index.0.to_string(), |node| node.id.clone())
}

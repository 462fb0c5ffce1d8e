//! A run as it is shown.

use super::{
    BackView, LeftView, LockView, NodeStanding, NodeView, QuestionView, ReplanView, TargetsView,
};
use crate::id::{Actor, RunId};
use crate::plan::{NodeIndex, Plan};
use crate::record::{Fact, QuestionKind, Record, RecordError, RunOutcome, Start};
use crate::run::{Head, RunState};
use crate::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// A run as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunView {
    /// Its id; empty before the first record.
    pub id: String,
    /// The runbook's name.
    pub runbook: String,
    /// What people call it.
    pub title: Option<String>,
    /// The mode it runs in.
    pub mode: Option<String>,
    /// The run that this one takes back.
    pub undoes: Option<RunId>,
    /// Where it stands.
    pub state: RunState,
    /// How it ended.
    pub outcome: Option<RunOutcome>,
    /// When it was created.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Who started it.
    pub starter: Option<Actor>,
    /// Where it was started: directories and file.
    pub start: Option<Start>,
    /// Its nodes in reading order.
    pub nodes: Vec<NodeView>,
    /// The open questions, in the order in which they were opened.
    pub questions: Vec<QuestionView>,
    /// Who cancelled it.
    pub cancel: Option<CancelView>,
    /// Who wanted to cancel it and could not.
    pub refused: Vec<RefusedView>,
    /// The way back that is under way.
    pub back: Option<BackView>,
    /// The ways back that are done, in order.
    pub earlier_backs: Vec<BackView>,
    /// What was done and is left, in the order in which that was found.
    pub left: Vec<LeftView>,
    /// What it has to achieve, and how it stands against that.
    pub targets: Option<TargetsView>,
    /// The locks that the run holds as a whole.
    pub lock: Option<LockView>,
    /// That the nodes began which run however the run ends.
    pub finally: Option<FinallyView>,
    /// The names of the nodes that run however it ends and that failed.
    pub cleanup_failed: Vec<String>,
    /// The last record.
    pub head: Head,
    /// That it took over edited runbooks, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replans: Vec<ReplanView>,
    /// The plan that it took over last.
    #[serde(skip)]
    pub(super) plan: Option<Arc<Plan>>,
    /// How many nodes are busy.
    #[serde(skip)]
    pub(super) busy: usize,
    /// The nodes that do what nothing takes back.
    #[serde(skip)]
    pub(super) irreversible: Vec<NodeIndex>,
    /// Who needs each node.
    #[serde(skip)]
    pub(super) dependants: Vec<Vec<NodeIndex>>,
    /// Where a run begins anew that goes back to each node.
    #[serde(skip)]
    pub(super) rewind_targets: Vec<NodeIndex>,
    /// Which nodes the way back concerns that is under way.
    #[serde(skip)]
    pub(super) members: Vec<bool>,
}

/// That somebody cancelled the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CancelView {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// Whether what was done is undone.
    pub rollback: bool,
}

/// That somebody wanted to cancel the run, and it could not be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RefusedView {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why it could not be, for people.
    pub because: String,
}

/// That the nodes began which run however the run ends.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FinallyView {
    /// How the run ends.
    pub outcome: RunOutcome,
    /// When they began.
    pub began: Timestamp,
}

impl RunView {
    /// The view of a run of this plan before its first record.
    #[must_use]
    pub fn new(plan: &Plan) -> RunView {
        let nodes = plan.nodes.iter();
        let mut view = RunView {
            id: String::new(),
            runbook: plan.runbook.clone(),
            title: plan.title.clone(),
            mode: plan.mode.clone(),
            undoes: plan.undoes.clone(),
            state: RunState::Running,
            outcome: None,
            started: None,
            ended: None,
            starter: None,
            start: None,
            nodes: nodes.map(|node| NodeView::new(plan, node)).collect(),
            questions: Vec::new(),
            cancel: None,
            refused: Vec::new(),
            back: None,
            earlier_backs: Vec::new(),
            left: Vec::new(),
            targets: TargetsView::new(plan),
            lock: None,
            finally: None,
            cleanup_failed: Vec::new(),
            head: Head::EMPTY,
            replans: Vec::new(),
            plan: None,
            busy: 0,
            irreversible: Vec::new(),
            dependants: Vec::new(),
            rewind_targets: Vec::new(),
            members: Vec::new(),
        };
        view.derive(plan);
        view
    }

    /// Works out what follows from the plan alone.
    pub(super) fn derive(&mut self, plan: &Plan) {
        self.dependants = vec![Vec::new(); plan.nodes.len()];
        for (index, node) in plan.indices().zip(&plan.nodes) {
            for need in &node.needs {
                if let Some(list) = self.dependants.get_mut(need.index()) {
                    list.push(index);
                }
            }
        }
        let nodes = plan.indices().zip(&plan.nodes);
        let irreversible = nodes.filter(|(_, node)| node.is_irreversible());
        self.irreversible = irreversible.map(|(index, _)| index).collect();
        self.rewind_targets = plan.indices().map(|to| plan.rewind_target(to)).collect();
        self.members = vec![false; plan.nodes.len()];
    }

    /// The plan of the edited runbook that it took over last; `None` while it has the plan that it was created with.
    #[must_use]
    pub fn adopted_plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }

    /// The view that these records make.
    ///
    /// # Errors
    /// When a record cannot be read. The hash chain is not checked here; loading the run does that.
    pub fn of(
        plan: &Plan,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<RunView, RecordError> {
        let mut view = RunView::new(plan);
        for record in records {
            view.apply(&record)?;
        }
        Ok(view)
    }

    /// Takes in the next record, and gives its fact back for those who also want to print it.
    ///
    /// # Errors
    /// When the record cannot be read; the view is unchanged then.
    pub fn apply(&mut self, record: &Record) -> Result<Fact, RecordError> {
        let fact = record.fact()?;
        if let Fact::Replanned { plan, .. } = &fact {
            let plan = Plan::from_json(plan).map_err(|error| RecordError::Unreadable {
                seq: record.seq,
                reason: error.to_string(),
            })?;
            self.plan = Some(Arc::new(plan));
        }
        self.fold(&fact, record.at);
        self.head = Head {
            seq: record.seq,
            hash: record.hash,
        };
        // What nothing takes back does not go on while people decide: it waits for them too.
        let held_back = |index: &&NodeIndex| {
            self.node(**index).is_some_and(|node| {
                node.state == NodeStanding::Retrying
                    || node.state == NodeStanding::Running && node.running().is_none()
            })
        };
        let busy = match self.people_decide() {
            true => self.busy - self.irreversible.iter().filter(held_back).count(),
            false => self.busy,
        };
        let locked_out = self.lock.as_ref().is_some_and(LockView::is_awaited);
        self.state = match self.outcome {
            Some(outcome) => outcome.into(),
            None if busy == 0 && !locked_out && !self.questions.is_empty() => RunState::Waiting,
            None => RunState::Running,
        };
        Ok(fact)
    }

    /// Whether people are asked what becomes of the run.
    fn people_decide(&self) -> bool {
        let decision = |question: &QuestionView| {
            matches!(
                question.kind,
                QuestionKind::Failed { .. }
                    | QuestionKind::Interrupted { .. }
                    | QuestionKind::Undo { .. }
                    | QuestionKind::UndoFailed { .. }
            )
        };
        self.questions.iter().any(decision)
    }

    /// The node at this place.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> Option<&NodeView> {
        self.nodes.get(index.index())
    }

    /// The way back that is under way, or else the last one.
    #[must_use]
    pub fn last_back(&self) -> Option<&BackView> {
        self.back.as_ref().or(self.earlier_backs.last())
    }

    /// What a node is called; empty if there is none at this place.
    pub(super) fn name(&self, index: NodeIndex) -> String {
        self.node(index)
            .map(|node| node.id.clone())
            .unwrap_or_default()
    }

    pub(super) fn node_mut(&mut self, index: NodeIndex) -> Option<&mut NodeView> {
        self.nodes.get_mut(index.index())
    }
}

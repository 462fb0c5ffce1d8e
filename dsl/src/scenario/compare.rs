//! What was seen of a scenario, against what it expects.

use super::play::{Coverage, Edge, Mismatch};
use super::{Expect, PageSent, RtoFigure, name};
use crate::runbook::Spanned;
use crate::source::Span;
use piton_core::plan::{Action, CallPart, NodeIndex, Plan, Response};
use piton_core::prove::{Progress, World};
use piton_core::record::{Fact, Page, RunOutcome};
use piton_core::run::RunState;
use piton_core::time::{Millis, Timestamp};
use piton_core::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What was seen.
pub(super) struct Seen<'a> {
    plan: &'a Plan,
    world: &'a World,
    began: Timestamp,
    end: String,
    exit: Option<u8>,
    path: Vec<NodeIndex>,
    undo: Vec<NodeIndex>,
    left: Vec<NodeIndex>,
    waits: Vec<NodeIndex>,
    cleanup_failed: Vec<NodeIndex>,
    pages: Vec<PageSent>,
    clock: Clock,
    responses: Vec<(NodeIndex, Response)>,
}

/// What the clock of the recovery time did.
#[derive(Default)]
struct Clock {
    started: Option<Timestamp>,
    stopped: Option<(Timestamp, bool)>,
}

impl<'a> Seen<'a> {
    pub(super) fn of(
        plan: &'a Plan,
        world: &'a World,
        progress: &Progress,
        began: Timestamp,
    ) -> Seen<'a> {
        let mut seen = Seen {
            plan,
            world,
            began,
            end: String::new(),
            exit: None,
            path: Vec::new(),
            undo: Vec::new(),
            left: Vec::new(),
            waits: world.questions().map(|open| open.node).collect(),
            cleanup_failed: Vec::new(),
            pages: Vec::new(),
            clock: Clock::default(),
            responses: Vec::new(),
        };
        (seen.end, seen.exit) = match progress {
            Progress::Waiting => ("waiting".to_owned(), Some(3)),
            _ => ("stuck".to_owned(), None),
        };
        let mut policies = BTreeMap::new();
        let mut called = BTreeSet::new();
        for (at, fact) in world.tape() {
            seen.fact(*at, fact, &mut policies, &mut called);
        }
        seen
    }

    fn fact(
        &mut self,
        at: Timestamp,
        fact: &Fact,
        policies: &mut BTreeMap<NodeIndex, Option<String>>,
        called: &mut BTreeSet<(u32, Option<bool>, u32)>,
    ) {
        match fact {
            Fact::NodeStarted { node, .. } => self.path.push(*node),
            Fact::NodeUndone { node, .. } => self.undo.push(*node),
            Fact::UndoLeft { left } => self.left.push(left.node),
            Fact::QuestionOpened { question } => {
                policies.insert(question.node, question.policy.clone());
            }
            // The last level is called again and again.
            Fact::Paged { node, page, .. }
                if called.insert((page.id.question, None, page.level)) =>
            {
                let policy = policies.get(node).cloned().flatten();
                let about = name(self.plan, *node);
                self.pages.push(self.page(at, about, policy, page));
            }
            Fact::TargetPaged { missed, page } if called.insert((0, Some(*missed), page.level)) => {
                let targets = self.plan.targets.as_ref();
                let policy = targets.and_then(|targets| targets.rto.as_ref()?.page.clone());
                self.pages
                    .push(self.page(at, "rto".to_owned(), policy, page));
            }
            Fact::ResponseTaken {
                owner,
                response,
                by: None,
                ..
            } => self.responses.push((*owner, response.clone())),
            Fact::ClockStarted { at } => self.clock.started = Some(*at),
            Fact::ClockStopped { at, reached } => self.clock.stopped = Some((*at, *reached)),
            Fact::ClockResumed => self.clock.stopped = None,
            Fact::RunEnded {
                outcome,
                cleanup_failed,
            } => {
                self.end = RunState::from(*outcome).to_string();
                self.cleanup_failed.clone_from(cleanup_failed);
                self.exit = Some(exit(*outcome, !cleanup_failed.is_empty()));
            }
            _ => {}
        }
    }

    fn page(&self, at: Timestamp, about: String, policy: Option<String>, page: &Page) -> PageSent {
        PageSent {
            node: Some(about),
            policy,
            level: Some(page.level),
            to: Some(page.contacts.iter().map(|to| to.contact.clone()).collect()),
            after: Some(at.since(self.began)),
        }
    }

    /// Every difference from what is expected.
    pub(super) fn compare(&self, expect: &Expect) -> Vec<Mismatch> {
        let mut found = Found::default();
        if let Some(end) = &expect.end {
            found.differ("end", end.span, &end.value, &self.end);
        }
        if let Some(exit) = &expect.exit {
            let own = self
                .exit
                .map_or("none: it never ends".to_owned(), |exit| exit.to_string());
            found.differ("exit", exit.span, &exit.value.to_string(), &own);
        }
        let path = self.names(
            &self
                .path
                .iter()
                .copied()
                .filter(|at| !self.begins(*at))
                .collect::<Vec<_>>(),
        );
        found.list("path", expect.path.as_ref(), &path);
        found.list("undo", expect.undo.as_ref(), &self.names(&self.undo));
        found.list("left", expect.left.as_ref(), &self.names(&self.left));
        found.list("waits", expect.waits.as_ref(), &self.names(&self.waits));
        let cleanup = self.names(&self.cleanup_failed);
        found.list("cleanup_failed", expect.cleanup_failed.as_ref(), &cleanup);
        if let Some(includes) = &expect.includes {
            let mut left = path.iter();
            let missing = includes
                .value
                .iter()
                .find(|one| !left.any(|other| other == *one));
            if let Some(missing) = missing {
                found.add(
                    "includes",
                    includes.span,
                    format!("`{missing}` in its turn"),
                    listed(&path),
                );
            }
        }
        if let Some(excludes) = &expect.excludes
            && let Some(there) = excludes.value.iter().find(|one| path.contains(one))
        {
            found.add(
                "excludes",
                excludes.span,
                format!("`{there}` never begins"),
                "it began".to_owned(),
            );
        }
        if let Some(pages) = &expect.pages {
            found.pages(pages, &self.pages);
        }
        if let Some(rto) = &expect.rto {
            self.rto(rto, &mut found);
        }
        for (node, values) in &expect.outputs {
            self.outputs(node, values, &mut found);
        }
        found.0
    }

    /// Whether a node is only the beginning of a call.
    fn begins(&self, index: NodeIndex) -> bool {
        let node = self.plan.node(index);
        node.is_some_and(|node| matches!(node.action, Action::Call(CallPart::Begin)))
    }

    fn names(&self, nodes: &[NodeIndex]) -> Vec<String> {
        nodes.iter().map(|node| name(self.plan, *node)).collect()
    }

    fn rto(&self, expected: &RtoFigure, found: &mut Found) {
        let Some(started) = self.clock.started else {
            return found.add(
                "rto",
                expected.span,
                "the clock runs".to_owned(),
                "it never started".to_owned(),
            );
        };
        let (at, reached) = self.clock.stopped.unwrap_or((self.world.now(), false));
        let took = at.since(started);
        if let Some(expected_took) = expected.took {
            found.differ(
                "rto: took",
                expected.span,
                &expected_took.to_string(),
                &took.to_string(),
            );
        }
        let rto = self
            .plan
            .targets
            .as_ref()
            .and_then(|targets| targets.rto.as_ref());
        let within = rto.map_or(Millis(0), |rto| rto.within);
        if let Some(expected_met) = expected.met {
            let met = reached && took <= within;
            found.differ(
                "rto: met",
                expected.span,
                &expected_met.to_string(),
                &met.to_string(),
            );
        }
    }

    fn outputs(&self, node: &Spanned<String>, values: &BTreeMap<String, Value>, found: &mut Found) {
        let index = self.plan.find(&node.value);
        let own = index.and_then(|index| self.world.outputs(index));
        for (output, expected) in values {
            let shown = own.and_then(|own| own.get(output)).map(ToString::to_string);
            let shown = shown.unwrap_or_else(|| "no such output".to_owned());
            let expected = expected.to_string();
            if shown != expected {
                found.add(
                    "outputs",
                    node.span,
                    format!("{}.{output} = {expected}", node.value),
                    shown,
                );
            }
        }
    }

    /// Which parts of the runbook it came through.
    pub(super) fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::default();
        let began: BTreeSet<NodeIndex> = self.path.iter().copied().collect();
        for (index, node) in self.plan.indices().zip(&self.plan.nodes) {
            coverage.all_nodes.insert(node.id.clone());
            if began.contains(&index) {
                coverage.nodes.insert(node.id.clone());
            }
            for need in &node.needs {
                let edge = Edge::Before(name(self.plan, *need), node.id.clone());
                if began.contains(&index) && began.contains(need) {
                    coverage.edges.insert(edge.clone());
                }
                coverage.all_edges.insert(edge);
            }
            // What a call gets when it fails is said at its end.
            if !self.begins(index) {
                let ladder = node.on_fail.iter();
                coverage
                    .all_edges
                    .extend(ladder.filter_map(|it| self.edge(index, it)));
            }
        }
        let taken = self.responses.iter();
        coverage
            .edges
            .extend(taken.filter_map(|(owner, response)| self.edge(*owner, response)));
        coverage
            .edges
            .retain(|edge| coverage.all_edges.contains(edge));
        coverage
    }

    fn edge(&self, from: NodeIndex, response: &Response) -> Option<Edge> {
        let from = name(self.plan, from);
        match response {
            Response::Rewind { to, .. } => Some(Edge::Rewind(from, name(self.plan, *to))),
            Response::Escalate { policy, .. } => Some(Edge::Escalate(from, policy.clone())),
            Response::Rollback => Some(Edge::Rollback(from)),
            Response::Stop | Response::Continue => None,
        }
    }
}

/// What the command of a run exits with that ended like this.
fn exit(outcome: RunOutcome, cleanup_failed: bool) -> u8 {
    match outcome {
        RunOutcome::Succeeded if cleanup_failed => 1,
        RunOutcome::Succeeded => 0,
        RunOutcome::Failed => 1,
        RunOutcome::Cancelled => 130,
        RunOutcome::RolledBack => 4,
        RunOutcome::PartlyRolledBack => 5,
    }
}

#[derive(Default)]
struct Found(Vec<Mismatch>);

impl Found {
    fn add(&mut self, what: &'static str, span: Span, expected: String, found: String) {
        self.0.push(Mismatch {
            what,
            span,
            expected,
            found,
        });
    }

    fn differ(&mut self, what: &'static str, span: Span, expected: &str, found: &str) {
        if expected != found {
            self.add(what, span, expected.to_owned(), found.to_owned());
        }
    }

    fn list(
        &mut self,
        what: &'static str,
        expected: Option<&Spanned<Vec<String>>>,
        found: &[String],
    ) {
        if let Some(expected) = expected
            && expected.value != found
        {
            self.add(what, expected.span, listed(&expected.value), listed(found));
        }
    }

    fn pages(&mut self, expected: &Spanned<Vec<PageSent>>, found: &[PageSent]) {
        let fits = |(expected, found): (&PageSent, &PageSent)| {
            (expected.node.is_none() || expected.node == found.node)
                && (expected.policy.is_none() || expected.policy == found.policy)
                && (expected.level.is_none() || expected.level == found.level)
                && (expected.to.is_none() || expected.to == found.to)
                && (expected.after.is_none() || expected.after == found.after)
        };
        let all = expected.value.iter().zip(found).all(fits);
        if all && expected.value.len() == found.len() {
            return;
        }
        let shown = |pages: &[PageSent]| pages.iter().map(page).collect::<Vec<_>>();
        let (expected_pages, found) = (shown(&expected.value), shown(found));
        self.add(
            "pages",
            expected.span,
            listed(&expected_pages),
            listed(&found),
        );
    }
}

/// A page in words.
fn page(page: &PageSent) -> String {
    let mut words = Vec::new();
    words.extend(page.node.as_ref().map(|node| format!("about {node}")));
    words.extend(page.policy.as_ref().map(|policy| format!("by {policy}")));
    words.extend(page.level.map(|level| format!("level {level}")));
    words.extend(
        page.to
            .as_ref()
            .map(|to| format!("to {}", to.join(" and "))),
    );
    words.extend(page.after.map(|after| format!("after {after}")));
    words.join(" ")
}

fn listed(items: &[String]) -> String {
    match items {
        [] => "none".to_owned(),
        items => items.join(", "),
    }
}

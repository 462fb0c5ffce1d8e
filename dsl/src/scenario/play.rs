//! A scenario in virtual time: what it gives happens, and what came of it is compared with what it expects.

use super::compare::Seen;
use super::{Decide, Given, Said, Scenario, Tries, Try, What, name};
use crate::diagnostic::Diagnostic;
use crate::runbook::Spanned;
use crate::source::Span;
use piton_core::expr::{Expression, suggest};
use piton_core::id::{Actor, AttemptId, Purpose};
use piton_core::plan::{Action, AnswerType, Node, NodeIndex, Plan};
use piton_core::prove::{Choice, Fate, Point, Progress, World, assume, given, supposed};
use piton_core::record::{Answer, OutcomeStatus, Start};
use piton_core::run::{Outcome, Produced};
use piton_core::time::{Millis, Timestamp};
use piton_core::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A node that the runbook, in this mode, does not have.
const UNKNOWN_NODE: &str = "scenario::unknown-node";
/// Something that cannot happen at this node.
const CANNOT: &str = "scenario::cannot-happen";

/// When every scenario begins.
const BEGINS: Timestamp = Timestamp(1_767_236_400_000);

/// How long an attempt takes of which nothing else is said.
const TAKES: Millis = Millis(1_000);

/// How long people take of whom nothing else is said.
const ANSWERS_AFTER: Millis = Millis(60_000);

/// What came of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// How it differs from what was expected; nothing: it passed.
    pub mismatches: Vec<Mismatch>,
    /// Which parts of the runbook it came through.
    pub coverage: Coverage,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What is compared: the key of the expectation.
    pub what: &'static str,
    /// Where the expectation stands.
    pub span: Span,
    /// What was expected.
    pub expected: String,
    /// What came of it.
    pub found: String,
}

/// Which parts of a runbook scenarios came through, and which there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The nodes that began.
    pub nodes: BTreeSet<String>,
    /// The edges that were taken.
    pub edges: BTreeSet<Edge>,
    /// All nodes.
    pub all_nodes: BTreeSet<String>,
    /// All edges.
    pub all_edges: BTreeSet<Edge>,
}

/// A way from one node to another, or to people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edge {
    /// One comes before the other.
    Before(String, String),
    /// A failure goes back.
    Rewind(String, String),
    /// A failure is put to people, by this policy.
    Escalate(String, String),
    /// A failure takes everything back.
    Rollback(String),
}

impl std::fmt::Display for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Edge::Before(from, to) => write!(f, "{from} → {to}"),
            Edge::Rewind(from, to) => write!(f, "{from} rewinds to {to}"),
            Edge::Escalate(from, policy) => write!(f, "{from} escalates to {policy}"),
            Edge::Rollback(from) => write!(f, "{from} rolls back"),
        }
    }
}

impl Coverage {
    /// Adds what others came through.
    pub fn add(&mut self, other: Coverage) {
        self.nodes.extend(other.nodes);
        self.edges.extend(other.edges);
        self.all_nodes.extend(other.all_nodes);
        self.all_edges.extend(other.all_edges);
    }

    /// How much of it was come through, in percent: of nodes and edges together.
    #[must_use]
    pub fn percent(&self) -> u32 {
        let all = self.all_nodes.len() + self.all_edges.len();
        let taken = self.nodes.len() + self.edges.len();
        match all {
            0 => 100,
            all => u32::try_from(taken * 100 / all).unwrap_or(100),
        }
    }

    /// The edges that nothing took.
    pub fn untaken(&self) -> impl Iterator<Item = &Edge> {
        self.all_edges.difference(&self.edges)
    }
}

/// Plays a scenario of this plan.
///
/// # Errors
/// What the scenario names that the plan does not have, or gives that cannot happen.
pub fn play(plan: &Plan, scenario: &Scenario) -> Result<Played, Vec<Diagnostic>> {
    let mut player = Player::new(plan, scenario);
    player.names();
    if !player.found.is_empty() {
        return Err(player.found);
    }
    let mut assumed = assume(plan, &player.known()).plan;
    for given in scenario.given.iter().filter(|given| given.skipped) {
        if let Some(node) = plan
            .find(&given.node.value)
            .and_then(|index| assumed.nodes.get_mut(index.index()))
        {
            node.when = Expression::parse("false").ok();
        }
    }
    let by = Actor {
        name: "starter".to_owned(),
        account: "starter@here".to_owned(),
    };
    let start = Start {
        by,
        base: "/".to_owned(),
        work: "/work".to_owned(),
        file: String::new(),
        assumed: Vec::new(),
    };
    let mut world = World::new(Arc::new(assumed), start, BEGINS, true);
    let progress = loop {
        match world.advance() {
            Progress::At(point) => {
                let choice = player.choose(&world, &point);
                world.choose(choice);
            }
            end => break end,
        }
    };
    let seen = Seen::of(plan, &world, &progress, BEGINS);
    let mut mismatches = seen.compare(&scenario.expect);
    mismatches.extend(player.unheard(&world));
    Ok(Played {
        mismatches,
        coverage: seen.coverage(),
    })
}

/// Who makes happen what a scenario says.
struct Player<'a> {
    plan: &'a Plan,
    given: BTreeMap<NodeIndex, &'a Given>,
    decide: BTreeMap<NodeIndex, Vec<&'a Decide>>,
    scenario: &'a Scenario,
    tried: BTreeMap<(NodeIndex, What), usize>,
    tried_in_pass: BTreeMap<(NodeIndex, What, u32), usize>,
    asked: BTreeMap<NodeIndex, usize>,
    found: Vec<Diagnostic>,
}

impl<'a> Player<'a> {
    fn new(plan: &'a Plan, scenario: &'a Scenario) -> Player<'a> {
        Player {
            plan,
            given: BTreeMap::new(),
            decide: BTreeMap::new(),
            scenario,
            tried: BTreeMap::new(),
            tried_in_pass: BTreeMap::new(),
            asked: BTreeMap::new(),
            found: Vec::new(),
        }
    }

    /// Finds every node that is named.
    fn names(&mut self) {
        let scenario = self.scenario;
        for given in &scenario.given {
            if let Some(index) = self.find(&given.node) {
                self.possible(index, given);
                self.given.insert(index, given);
            }
        }
        for decide in &scenario.decide {
            if let Some(index) = self.find(&decide.node) {
                self.decide.entry(index).or_default().push(decide);
            }
            if let Some(Said::Rewind(to)) = &decide.answer {
                self.find(to);
            }
        }
        let expect = &scenario.expect;
        let lists = [
            &expect.path,
            &expect.includes,
            &expect.excludes,
            &expect.undo,
            &expect.left,
            &expect.waits,
            &expect.cleanup_failed,
        ];
        for list in lists.into_iter().flatten() {
            for value in &list.value {
                self.find(&Spanned {
                    value: value.clone(),
                    span: list.span,
                });
            }
        }
        for (node, _) in &expect.outputs {
            self.find(node);
        }
    }

    fn find(&mut self, node: &Spanned<String>) -> Option<NodeIndex> {
        let index = self.plan.find(&node.value);
        if index.is_none() {
            let known = self.plan.nodes.iter().map(|node| node.id.as_str());
            let meant = suggest(&node.value, known);
            let mode = match &self.plan.mode {
                Some(mode) => format!(" in the mode `{mode}`"),
                None => String::new(),
            };
            let diagnostic = Diagnostic::error(
                UNKNOWN_NODE,
                node.span,
                format!("there is no node `{}`{mode}", node.value),
                "not known",
            );
            self.found.push(match meant {
                Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
                None => diagnostic.help("nodes of a called runbook are named `CALL/NODE`"),
            });
        }
        index
    }

    /// Whether what is given can happen at this node.
    fn possible(&mut self, index: NodeIndex, given: &Given) {
        let Some(node) = self.plan.node(index) else {
            return;
        };
        let why = if given.skipped && node.when.is_none() {
            "has no `when`, so it is not skipped"
        } else if given.locked_out && node.lock.is_none() {
            "has no `lock`"
        } else if given.does.iter().any(|(what, _)| *what == What::Action) && !has_attempts(node) {
            "is not tried like a program: say what people answer under `decide`"
        } else {
            return;
        };
        self.found.push(Diagnostic::error(
            CANNOT,
            given.node.span,
            format!("`{}` {why}", node.id),
            "this cannot happen",
        ));
    }

    /// The nodes whose outputs the scenario gives.
    fn known(&self) -> BTreeSet<NodeIndex> {
        let gives = |tries: &Tries| {
            let says = |one: &Try| one.produced.is_some() || !one.outputs.is_empty();
            match tries {
                Tries::InOrder(list) => list.iter().any(says),
                Tries::ByPass(lists) => lists.iter().flatten().any(says),
            }
        };
        let given = self.given.iter().filter(|(_, given)| {
            let mut own = given.does.iter().filter(|(what, _)| *what == What::Action);
            own.any(|(_, tries)| gives(tries))
        });
        let answered = self.plan.indices().filter(|index| self.is_answered(*index));
        given.map(|(index, _)| *index).chain(answered).collect()
    }

    /// Whether every question of a node has an answer that is known: a given one, or its default.
    fn is_answered(&self, index: NodeIndex) -> bool {
        let Some(Node {
            action: Action::Manual(manual),
            ..
        }) = self.plan.node(index)
        else {
            return false;
        };
        let decisions = self.decide.get(&index).map_or(&[][..], Vec::as_slice);
        let values = decisions.iter().find_map(|decide| match &decide.answer {
            Some(Said::Answer(Answer::Done { answers, .. })) => Some(answers),
            _ => None,
        });
        manual.asks.iter().all(|ask| {
            values.is_some_and(|values| values.contains_key(&ask.name))
                || ask.default.is_some() && ask.from.is_none()
        })
    }

    fn choose(&mut self, world: &World, point: &Point) -> Choice {
        match point {
            Point::Lock(None) if self.scenario.locked_out => Choice::NotGot,
            Point::Lock(Some(node)) if self.given.get(node).is_some_and(|it| it.locked_out) => {
                Choice::NotGot
            }
            Point::Lock(_) => Choice::Got,
            Point::Attempt { attempt, .. } => self.attempt(world, *attempt),
            Point::Question { node, asks, .. } => {
                let at = self.asked.entry(*node).or_default();
                let decide = self.decide.get(node).and_then(|list| list.get(*at));
                match decide {
                    None => Choice::usual(*asks),
                    Some(decide) => {
                        *at += 1;
                        self.said(*node, decide)
                    }
                }
            }
        }
    }

    fn said(&self, node: NodeIndex, decide: &Decide) -> Choice {
        let answer = match &decide.answer {
            None => return Choice::Silence,
            Some(Said::Answer(answer)) => self.typed(node, answer.clone()),
            Some(Said::Rewind(to)) => match self.plan.find(&to.value) {
                Some(to) => Answer::Rewind { to },
                None => return Choice::Silence,
            },
        };
        if decide.by.is_empty() {
            return Choice::Says(answer, decide.after);
        }
        let after = decide.after.unwrap_or(ANSWERS_AFTER);
        let say = |by: &String| (after, by.clone(), answer.clone());
        Choice::Say(decide.by.iter().map(say).collect())
    }

    /// Answers of the types that the questions take, as if they had been typed.
    fn typed(&self, node: NodeIndex, mut answer: Answer) -> Answer {
        if let (Answer::Done { answers, .. }, Some(Action::Manual(manual))) =
            (&mut answer, self.plan.node(node).map(|node| &node.action))
        {
            for ask in &manual.asks {
                if let Some(value) = answers.get_mut(&ask.name) {
                    *value = of_type(ask.kind, value);
                }
            }
        }
        answer
    }

    fn attempt(&mut self, world: &World, attempt: AttemptId) -> Choice {
        let what = What::of(attempt.purpose);
        let count = |count: &mut usize| {
            *count += 1;
            *count - 1
        };
        let (node_index, pass) = (attempt.node, attempt.pass);
        let before = count(self.tried.entry((node_index, what)).or_default());
        let in_pass = count(
            self.tried_in_pass
                .entry((node_index, what, pass))
                .or_default(),
        );
        let Some(node) = world.plan().node(node_index) else {
            return Choice::Ends(Fate::Succeeds);
        };
        let given = self.given.get(&node_index);
        let tries = given.and_then(|given| given.does.iter().find(|(of, _)| *of == what));
        let one = tries.and_then(|(_, tries)| match tries {
            Tries::InOrder(list) => list.get(before).or(list.last()),
            Tries::ByPass(passes) => {
                let at = (pass as usize).saturating_sub(1);
                let list = passes.get(at).or(passes.last())?;
                list.get(in_pass).or(list.last())
            }
        });
        match one {
            Some(one) => does(node, attempt, one),
            None => self.usual(attempt),
        }
    }

    /// What an attempt does of which the scenario says nothing.
    fn usual(&self, attempt: AttemptId) -> Choice {
        let Purpose::Choices(place) = attempt.purpose else {
            return Choice::Ends(Fate::Succeeds);
        };
        // Whatever is answered is among the choices.
        let Some(Action::Manual(manual)) = self.plan.node(attempt.node).map(|node| &node.action)
        else {
            return Choice::Ends(Fate::Succeeds);
        };
        let Some(ask) = manual.asks.get(place as usize) else {
            return Choice::Ends(Fate::Succeeds);
        };
        let decisions = self
            .decide
            .get(&attempt.node)
            .map_or(&[][..], Vec::as_slice);
        let answers = decisions.iter().filter_map(|decide| match &decide.answer {
            Some(Said::Answer(Answer::Done { answers, .. })) => answers.get(&ask.name),
            _ => None,
        });
        let answers: Vec<_> = answers.map(Value::to_json).collect();
        if answers.is_empty() {
            return Choice::Ends(Fate::Succeeds);
        }
        let produced = Produced {
            exit_code: Some(0),
            stdout: serde_json::to_string(&answers).ok(),
            ..Produced::default()
        };
        Choice::Produced(Box::new(Outcome::succeeded(produced)), TAKES)
    }

    /// Answers that nobody asked for, and those that did not count.
    fn unheard(&self, world: &World) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        for (index, decisions) in &self.decide {
            let asked = self.asked.get(index).copied().unwrap_or_default();
            for decide in decisions.iter().skip(asked) {
                mismatches.push(Mismatch {
                    what: "decide",
                    span: decide.node.span,
                    expected: format!("a question at `{}`", decide.node.value),
                    found: match asked {
                        0 => "nobody is asked there".to_owned(),
                        1 => "one question there".to_owned(),
                        asked => format!("{asked} questions there"),
                    },
                });
            }
        }
        for (index, why) in &world.refused {
            let span = self
                .decide
                .get(index)
                .and_then(|list| list.first())
                .map_or(self.scenario.name.span, |decide| decide.node.span);
            mismatches.push(Mismatch {
                what: "decide",
                span,
                expected: format!("an answer at `{}` that counts", name(self.plan, *index)),
                found: why.to_string(),
            });
        }
        mismatches
    }
}

/// Whether a node's action is tried, rather than done by people or by the engine.
fn has_attempts(node: &Node) -> bool {
    !matches!(
        node.action,
        Action::Approve(_) | Action::Manual(_) | Action::Wait(_) | Action::Call(_)
    )
}

fn of_type(kind: AnswerType, value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Timestamp(at) => at.to_string(),
        other => serde_json::to_string(&other.to_json()).unwrap_or_default(),
    };
    kind.read(&text).unwrap_or_else(|| value.clone())
}

/// What an attempt does that the scenario tells of.
fn does(node: &Node, attempt: AttemptId, one: &Try) -> Choice {
    let takes = one.takes.unwrap_or(TAKES);
    if let Some(produced) = &one.produced {
        return Choice::Produced(Box::new(outcome(node, attempt, one, produced)), takes);
    }
    match one.ends.unwrap_or(Fate::Succeeds) {
        Fate::TimesOut => Choice::Ends(Fate::TimesOut),
        Fate::Succeeds => {
            let result = given(node, attempt, one.outputs.clone());
            Choice::Supposed(Box::new(result), takes)
        }
        fate => {
            let mut result = supposed(node, attempt, fate);
            if let Some(message) = &one.message {
                result.message.clone_from(message);
            }
            Choice::Supposed(Box::new(result), takes)
        }
    }
}

/// What the runtime would report of an action that saw this.
fn outcome(node: &Node, attempt: AttemptId, one: &Try, produced: &Produced) -> Outcome {
    let status = match one.ends {
        Some(Fate::Succeeds) => OutcomeStatus::Succeeded,
        Some(Fate::Fails) => OutcomeStatus::Failed,
        Some(Fate::TimesOut) => OutcomeStatus::TimedOut,
        Some(Fate::Unknown) => OutcomeStatus::Unknown,
        None if went_well(node, attempt, produced) => OutcomeStatus::Succeeded,
        None => OutcomeStatus::Failed,
    };
    let message = match (&one.message, status) {
        (Some(message), _) => message.clone(),
        (None, OutcomeStatus::Succeeded) => String::new(),
        (None, _) => match (&produced.response, produced.exit_code) {
            (Some(response), _) => format!("the answer was {}", response.status),
            (None, Some(code)) => format!("it exited with {code}"),
            (None, None) => "it failed".to_owned(),
        },
    };
    Outcome {
        status,
        message,
        produced: produced.clone(),
    }
}

fn went_well(node: &Node, attempt: AttemptId, produced: &Produced) -> bool {
    if let Some(response) = &produced.response {
        let expected = match (&node.action, attempt.purpose) {
            (Action::Http(http), Purpose::Do) => http.status.as_slice(),
            _ => &[],
        };
        return match expected {
            [] => (200..300).contains(&response.status),
            expected => expected.contains(&response.status),
        };
    }
    produced.exit_code.is_none_or(|code| code == 0)
}

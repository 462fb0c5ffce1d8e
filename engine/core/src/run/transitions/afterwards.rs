//! Taking back a run that is over, by another run: its plan.

use super::{View, back, undo};
use crate::expr::{ExprError, Template};
use crate::plan::{
    Action, Exec, Http, HttpBody, Interrupted, Manual, Node, NodeIndex, NodeKind, Plan, Response,
    Run, Sql, WorldEffect,
};
use crate::record::{
    Bound, Inputs, Planned, RenderedAction, RenderedBody, RenderedHttp, UndoEntry, WhyAsk,
};
use crate::run::shape::Shape;
use crate::run::state::{State, Undoing};
use crate::text::Text;
use std::collections::BTreeSet;

/// Why there is no plan that takes a run back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NothingToUndo {
    /// It is not over.
    #[error("the run is not over; `piton cancel --rollback` takes back what it did")]
    NotOver,
    /// Nothing that it did is left.
    #[error(
        "there is nothing to undo: the run did nothing that is left, or it was taken back before"
    )]
    Nothing,
    /// What an undo is given cannot be worked out any more.
    #[error("the undo of `{node}` cannot be worked out: {reason}; undo it by hand")]
    Unknown {
        /// Whose undo.
        node: String,
        /// Why.
        reason: String,
    },
}

/// The plan of a run that takes this one back.
pub(in crate::run) fn plan(
    plan: &Plan,
    shape: &Shape,
    state: &State,
) -> Result<Plan, NothingToUndo> {
    if state.over.is_none() {
        return Err(NothingToUndo::NotOver);
    }
    let view = View {
        plan,
        shape,
        state,
        now: state.now,
    };
    let all: BTreeSet<NodeIndex> = plan.indices().collect();
    let entries = back::entries(view, &all);
    let mut made = Plan::new(&plan.runbook);
    made.title = Some(format!("Takes back {}", state.run));
    made.owner.clone_from(&plan.owner);
    made.secrets.clone_from(&plan.secrets);
    made.contacts.clone_from(&plan.contacts);
    made.escalations.clone_from(&plan.escalations);
    made.page.clone_from(&plan.page);
    made.lock.clone_from(&plan.lock);
    made.params.clone_from(&plan.params);
    made.undoes = Some(state.run.clone());
    // People are asked before anything is undone.
    for (index, why) in asked(view, &entries) {
        let node = question(view, index, &why);
        push(&mut made, node);
    }
    for entry in entries {
        if entry.planned == Planned::Run {
            take_back(view, &mut made, &entry)?;
        }
    }
    if made.nodes.is_empty() {
        return Err(NothingToUndo::Nothing);
    }
    Ok(made)
}

/// What is asked about, and why: what cannot be undone unasked, and what was left before.
fn asked(view: View<'_>, entries: &[UndoEntry]) -> Vec<(NodeIndex, String)> {
    let unasked = entries.iter().filter_map(|entry| {
        let why = match entry.planned {
            Planned::Run => return None,
            Planned::Ask(WhyAsk::Irreversible) => "nothing takes it back",
            Planned::Ask(WhyAsk::Unstated) => "the runbook does not say how it is taken back",
            Planned::Ask(WhyAsk::HalfDone) => "it was started and did not succeed",
            Planned::Ask(WhyAsk::Assumed) => "it was done outside the run",
        };
        Some((entry.node, why.to_owned()))
    });
    let left = view.state.left.iter().filter_map(|left| {
        let state = view.state.node(left.node)?;
        let is_left = state.undo == Undoing::Left && state.pass == left.pass;
        is_left.then(|| (left.node, format!("it was left before: {}", left.why)))
    });
    unasked.chain(left).collect()
}

fn question(view: View<'_>, index: NodeIndex, why: &str) -> Node {
    let name = view.name(index);
    let instructions = format!(
        "Take `{name}` of {} back by hand, or make sure that there is nothing to take back: {why}.",
        view.state.run
    );
    let manual = Manual {
        instructions: Some(Template::literal(&instructions)),
        checklist: Vec::new(),
        asks: Vec::new(),
        by: Vec::new(),
        expires: None,
        page: None,
    };
    step(view, &name, Action::Manual(manual))
}

/// Steps that run a node's undo: one, or one for each item.
fn take_back(view: View<'_>, made: &mut Plan, entry: &UndoEntry) -> Result<(), NothingToUndo> {
    let name = view.name(entry.node);
    let unknown = |reason: String| NothingToUndo::Unknown {
        node: name.clone(),
        reason,
    };
    let Some((node, state)) = view.node(entry.node) else {
        return Ok(());
    };
    let inputs = undo::inputs(view, entry.node, node, state, true).map_err(unknown)?;
    let one = |made: &mut Plan, name: &str, inputs: &Inputs| {
        let mut step =
            undo_step(view, made, name, inputs).map_err(|error| unknown(error.message))?;
        if let Some(undo) = undo::of(node) {
            step.timeout = undo.timeout;
            step.retry = undo.retry;
        }
        push(made, step);
        Ok(())
    };
    match &inputs.action {
        RenderedAction::Each(items) => items
            .iter()
            .try_for_each(|item| one(made, &format!("{name}/{}", item.key), &item.inputs)),
        _ => one(made, &name, &inputs),
    }
}

fn undo_step(
    view: View<'_>,
    made: &mut Plan,
    name: &str,
    inputs: &Inputs,
) -> Result<Node, ExprError> {
    let mut node = step(view, name, action(made, &inputs.action)?);
    node.interrupted = match &inputs.target {
        Some(check) => Interrupted::Probe(action(made, check)?),
        None => Interrupted::Ask,
    };
    for (name, text) in &inputs.env {
        node.env.insert(name.clone(), Template::of_text(text)?);
    }
    node.dir = inputs.dir.as_ref().map(Template::of_text).transpose()?;
    Ok(node)
}

fn step(view: View<'_>, name: &str, action: Action) -> Node {
    let effect = WorldEffect::Abandoned(format!("takes back `{name}` of {}", view.state.run));
    let mut node = Node::new(name, NodeKind::Step, action, effect);
    node.title = Some(format!("Take back {name}"));
    // Nobody but a person knows what a failed undo means; without a policy they are asked and not paged.
    node.on_fail = vec![Response::Escalate {
        policy: view.plan.page.clone().unwrap_or_default(),
        expires: None,
    }];
    node
}

/// One after another.
fn push(made: &mut Plan, mut node: Node) {
    let last = made.nodes.len().checked_sub(1);
    node.needs = last
        .and_then(|last| u32::try_from(last).ok())
        .map(NodeIndex)
        .into_iter()
        .collect();
    made.nodes.push(node);
}

/// A rendered action as the plan of another run says it.
fn action(made: &mut Plan, rendered: &RenderedAction) -> Result<Action, ExprError> {
    Ok(match rendered {
        RenderedAction::Exec { argv } => Action::Exec(Exec {
            argv: argv
                .iter()
                .map(Template::of_text)
                .collect::<Result<_, _>>()?,
        }),
        RenderedAction::Sql {
            on,
            text,
            script,
            read_only,
            bind,
        } => Action::Sql(Sql {
            on: Template::of_text(on)?,
            text: Template::literal(text),
            script: *script,
            read_only: *read_only,
            bind: bind
                .iter()
                .map(|bound| bound_value(made, bound))
                .collect::<Result<_, _>>()?,
        }),
        RenderedAction::Http(request) => Action::Http(http(request)?),
        RenderedAction::Run { script, shell } => Action::Run(Run {
            script: script.clone(),
            shell: shell.clone(),
        }),
        // The language lets nothing else undo a step; a plan that says otherwise is refused rather than half done.
        _ => {
            let message = "only `run`, `exec`, `sql` and `http` can take something back";
            return Err(ExprError::new(0..0, message));
        }
    })
}

/// The same request under a name of the new run's own: what took the step back before, if something did, did not
/// end well.
fn http(request: &RenderedHttp) -> Result<Http, ExprError> {
    let header = |(name, text): (&String, &Text)| Ok((name.clone(), Template::of_text(text)?));
    let body = request
        .body
        .as_ref()
        .map(|body| -> Result<HttpBody, ExprError> {
            Ok(match body {
                RenderedBody::Text(text) => HttpBody::Text(Template::of_text(text)?),
                RenderedBody::Json(text) => HttpBody::Json(Template::of_text(text)?),
            })
        });
    Ok(Http {
        url: Template::of_text(&request.url)?,
        method: request.method,
        headers: request
            .headers
            .iter()
            .map(header)
            .collect::<Result<_, _>>()?,
        body: body.transpose()?,
        status: request.status.clone(),
    })
}

/// A bound value keeps its type as a parameter of the new plan.
fn bound_value(made: &mut Plan, bound: &Bound) -> Result<Template, ExprError> {
    match bound {
        Bound::Text(text) => Template::of_text(text),
        Bound::Value(value) => {
            let name = format!("bound_{}", made.params.len());
            made.params.insert(name.clone(), value.clone());
            Template::parse(&format!("${{{{ params.{name} }}}}"))
        }
    }
}

//! Steps and gates as they stand in the plan.

use super::actions::{action, expression, list, looking, named, probe, template, templates};
use super::{Result, unchecked};
use crate::lint::needs_of;
use crate::runbook::{self, Effect, Runbook, Sourced, Spanned};
use piton_core::expr::Template;
use piton_core::plan::{
    Action, Escalation, FailWhen, ForEach, Interrupted, LOCK_TIMEOUT, Lock, Node, NodeIndex,
    NodeKind, Response, Target, Undo, Until, Within, WorldEffect,
};
use piton_core::time::Millis;
use std::collections::BTreeMap;

/// The places of nodes by their names, the first of each.
type Places<'a> = BTreeMap<&'a str, usize>;

/// All nodes, in the order of the file.
pub(super) fn all(runbook: &Runbook) -> Result<Vec<Node>> {
    let mut places = Places::new();
    for (index, node) in runbook.nodes.iter().enumerate() {
        places.entry(node.id.value.as_str()).or_insert(index);
    }
    let shared_env = templates(&runbook.env, "environment")?;
    let escalations = super::people::escalations(runbook)?;
    let shared_responses = match &runbook.on_fail {
        Some(written) => responses(written, &places, &escalations, "`on_fail`")?,
        None => vec![Response::Stop],
    };
    let shared = Shared {
        runbook,
        places: &places,
        env: &shared_env,
        responses: &shared_responses,
        escalations: &escalations,
    };
    (0..runbook.nodes.len())
        .map(|index| shared.node(index))
        .collect()
}

/// What is said once for all nodes.
struct Shared<'a> {
    runbook: &'a Runbook,
    places: &'a Places<'a>,
    env: &'a BTreeMap<String, Template>,
    responses: &'a [Response],
    escalations: &'a BTreeMap<String, Escalation>,
}

impl Shared<'_> {
    fn node(&self, index: usize) -> Result<Node> {
        let runbook = self.runbook;
        let Some(node) = runbook.nodes.get(index) else {
            return Err(unchecked("node"));
        };
        let what = format!("{} `{}`", node.keyword(), node.id.value);
        let mut action = action(&node.actions, &what)?;
        inherit_page(&mut action, node.page.as_ref());
        let timeout = self.timeout(node, &action);
        let effect = effect(node, &action, timeout, &what)?;
        if matches!(effect, WorldEffect::None) {
            action = looking(action);
        }
        let mut planned = Node::new(&node.id.value, node.kind, action, effect);
        planned.interrupted = interrupted(node, &planned, &what)?;
        planned.title = text(node.title.as_ref());
        planned.doc = text(node.doc.as_ref());
        planned.needs = self.needs(index, &what)?;
        planned.when = expression(node.when.as_ref());
        planned.env = self.env.clone();
        planned.env.extend(templates(&node.env, &what)?);
        planned.dir = template(node.dir.as_ref().or(runbook.dir.as_ref()));
        planned.outputs = named(&node.outputs, &what)?;
        planned.timeout = timeout;
        planned.retry = node.retry.unwrap_or_default();
        planned.idempotent = node.idempotent;
        planned.on_fail = self.on_fail(node, &what)?;
        planned.until = until(node, &what)?;
        planned.success = expression(node.success.as_ref());
        planned.capture = optional(node.capture.as_ref(), &what)?;
        planned.target = target(node, &what)?;
        planned.confirm = template(node.confirm.as_ref());
        planned.page = word(node.page.as_ref());
        planned.never_skip = node.never_skip;
        planned.valid_for = length(node.valid_for.as_ref());
        planned.within = self.within(node, &what)?;
        planned.lock = lock(node.lock.as_deref(), node.lock_timeout.as_ref(), &what)?;
        planned.evidence = list(node.evidence.as_deref().unwrap_or_default(), &what)?;
        planned.for_each = node.for_each.as_ref().map(|items| ForEach {
            items: items.value.clone(),
            key: expression(node.for_each_key.as_ref()),
        });
        planned.finally = node.finally;
        Ok(planned)
    }

    fn needs(&self, index: usize, what: &str) -> Result<Vec<NodeIndex>> {
        let find = |name: &str| self.places.get(name).copied();
        needs_of(&self.runbook.nodes, index, find)
            .into_iter()
            .map(|need| place(need.node).ok_or_else(|| unchecked(what)))
            .collect()
    }

    /// The node's own time limit, else the runbook's. A limit for work says nothing about how long people may take,
    /// or about a time that is waited for.
    fn timeout(&self, node: &runbook::Node, action: &Action) -> Option<Millis> {
        let own = length(node.timeout.as_ref());
        match action {
            Action::Approve(_) | Action::Manual(_) | Action::Wait(_) | Action::Call(_) => own,
            Action::Run(_)
            | Action::Exec(_)
            | Action::Sql(_)
            | Action::Http(_)
            | Action::Checks(_)
            | Action::Notify(_) => own.or(length(self.runbook.timeout.as_ref())),
        }
    }

    fn on_fail(&self, node: &runbook::Node, what: &str) -> Result<Vec<Response>> {
        match &node.on_fail {
            Some(written) => responses(written, self.places, self.escalations, what),
            // What happens when work fails says nothing about tidying up afterwards: nothing waits or goes back then.
            None if node.finally => Ok(vec![Response::Stop]),
            None => Ok(self.responses.to_vec()),
        }
    }

    fn within(&self, node: &runbook::Node, what: &str) -> Result<Option<Within>> {
        let (Some(length), Some(of)) = (&node.within, &node.of) else {
            return Ok(None);
        };
        let of = find(self.places, &of.value, what)?;
        let length = length.value;
        Ok(Some(Within { length, of }))
    }
}

/// A place in the plan; `None` for one that no plan has room for.
fn place(index: usize) -> Option<NodeIndex> {
    u32::try_from(index).ok().map(NodeIndex)
}

fn find(places: &Places<'_>, name: &str, what: &str) -> Result<NodeIndex> {
    places
        .get(name)
        .and_then(|index| place(*index))
        .ok_or_else(|| unchecked(what))
}

fn text(text: Option<&Sourced<String>>) -> Option<String> {
    text.map(|text| text.value.clone())
}

/// Who is called while people are waited for is said where they are asked, or for the whole node.
fn inherit_page(action: &mut Action, page: Option<&Spanned<String>>) {
    let own = match action {
        Action::Approve(approve) => &mut approve.page,
        Action::Manual(manual) => &mut manual.page,
        _ => return,
    };
    if own.is_none() {
        *own = word(page);
    }
}

fn word(word: Option<&Spanned<String>>) -> Option<String> {
    word.map(|word| word.value.clone())
}

fn length(length: Option<&Spanned<Millis>>) -> Option<Millis> {
    length.map(|length| length.value)
}

fn optional(written: Option<&runbook::Probe>, what: &str) -> Result<Option<Action>> {
    written.map(|written| probe(written, what)).transpose()
}

fn responses(
    written: &[Spanned<runbook::Response>],
    places: &Places<'_>,
    escalations: &BTreeMap<String, Escalation>,
    what: &str,
) -> Result<Vec<Response>> {
    let one = |(place, response): (usize, &Spanned<runbook::Response>)| {
        Ok(match &response.value {
            runbook::Response::Stop => Response::Stop,
            runbook::Response::Continue => Response::Continue,
            runbook::Response::Rollback => Response::Rollback,
            runbook::Response::Rewind { to, times } => Response::Rewind {
                to: find(places, &to.value, what)?,
                times: *times,
            },
            runbook::Response::Escalate { policy, expires } => Response::Escalate {
                policy: policy.value.clone(),
                expires: expires.or_else(|| {
                    // What comes next is taken when everybody was called and had their time.
                    let policy = escalations.get(&policy.value)?;
                    (place + 1 < written.len()).then(|| policy.whole_time())
                }),
            },
        })
    };
    written.iter().enumerate().map(one).collect()
}

/// Locks with the time they are waited for; an empty list is none.
pub(super) fn lock(
    names: Option<&[Option<Sourced<Template>>]>,
    timeout: Option<&Spanned<Millis>>,
    what: &str,
) -> Result<Option<Lock>> {
    let names = list(names.unwrap_or_default(), what)?;
    Ok((!names.is_empty()).then(|| Lock {
        names,
        timeout: length(timeout).unwrap_or(LOCK_TIMEOUT),
    }))
}

fn until(node: &runbook::Node, what: &str) -> Result<Option<Until>> {
    let Some(condition) = expression(node.until.as_ref()) else {
        return Ok(None);
    };
    Ok(Some(Until {
        condition,
        every: length(node.every.as_ref()).ok_or_else(|| unchecked(what))?,
        fail_when: node
            .fail_when
            .as_ref()
            .map(|written| fail_when(written, what))
            .transpose()?,
        hold_for: length(node.hold_for.as_ref()),
        consecutive: node
            .consecutive
            .as_ref()
            .map_or(1, |consecutive| consecutive.value),
    }))
}

fn fail_when(written: &runbook::FailWhen, what: &str) -> Result<FailWhen> {
    Ok(match written {
        runbook::FailWhen::True(condition) => FailWhen::True(condition.value.clone()),
        runbook::FailWhen::Line { file, matches, .. } => FailWhen::Line {
            file: template(file.as_ref()).ok_or_else(|| unchecked(what))?,
            matches: text(matches.as_ref()).ok_or_else(|| unchecked(what))?,
        },
    })
}

fn target(node: &runbook::Node, what: &str) -> Result<Option<Target>> {
    let Some(written) = &node.target else {
        return Ok(None);
    };
    Ok(Some(Target {
        probe: optional(written.probe.as_ref(), what)?.ok_or_else(|| unchecked(what))?,
        expect: expression(written.expect.as_ref()),
    }))
}

fn effect(
    node: &runbook::Node,
    action: &Action,
    timeout: Option<Millis>,
    what: &str,
) -> Result<WorldEffect> {
    if node.kind == NodeKind::Gate {
        return Ok(WorldEffect::None);
    }
    Ok(match node.effects.as_slice() {
        [] => unstated(action),
        [(_, effect)] => match effect {
            Effect::None => WorldEffect::None,
            Effect::Abandoned(why) => WorldEffect::Abandoned(why.value.clone()),
            Effect::Irreversible(why) => WorldEffect::Irreversible(why.value.clone()),
            Effect::Undo(written) => WorldEffect::Undo(undo(written, timeout, what)?),
            Effect::Unreadable => return Err(unchecked(what)),
        },
        _ => return Err(unchecked(what)),
    })
}

/// What an action leaves behind of which nothing is said.
fn unstated(action: &Action) -> WorldEffect {
    match action {
        Action::Notify(_) => WorldEffect::Abandoned("a message that was sent".to_owned()),
        Action::Wait(_) | Action::Call(_) => WorldEffect::None,
        Action::Run(_)
        | Action::Exec(_)
        | Action::Sql(_)
        | Action::Http(_)
        | Action::Checks(_)
        | Action::Approve(_)
        | Action::Manual(_) => WorldEffect::Unstated,
    }
}

fn undo(written: &runbook::Undo, timeout: Option<Millis>, what: &str) -> Result<Undo> {
    Ok(Undo {
        action: action(&written.actions, what)?,
        env: templates(&written.env, what)?,
        timeout: written.timeout.or(timeout),
        after: written.after.unwrap_or_default(),
        retry: written.retry.unwrap_or_default(),
        check: optional(written.check.as_ref(), what)?,
    })
}

/// What an unknown outcome gets: what is written, else what is safe.
fn interrupted(node: &runbook::Node, planned: &Node, what: &str) -> Result<Interrupted> {
    match &node.interrupted {
        Some(runbook::Interrupted::Ask) => return Ok(Interrupted::Ask),
        Some(runbook::Interrupted::Rerun) => return Ok(Interrupted::Rerun),
        Some(runbook::Interrupted::Fail) => return Ok(Interrupted::Fail),
        Some(runbook::Interrupted::Probe(written)) => {
            return Ok(Interrupted::Probe(probe(written, what)?));
        }
        None => {}
    }
    Ok(match (&planned.effect, &planned.action) {
        // Waiting and calling do nothing themselves; and people are rather told twice than not at all.
        (WorldEffect::None, _) | (_, Action::Wait(_) | Action::Call(_) | Action::Notify(_)) => {
            Interrupted::Rerun
        }
        // Nobody is waited for when the run is over.
        _ if node.finally => Interrupted::Fail,
        _ => Interrupted::Ask,
    })
}

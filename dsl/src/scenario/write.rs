//! What `piton prove` found, as a scenario that can be kept.

use super::{What, name};
use piton_core::id::Purpose;
use piton_core::plan::{NodeIndex, Plan};
use piton_core::prove::{Ending, Fate, Fault, Hold, Step};
use piton_core::record::Answer;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A scenario in which these steps happen, with what the run came to then.
#[must_use]
pub fn write(
    plan: &Plan,
    title: &str,
    params: &BTreeMap<String, String>,
    steps: &[Step],
    ending: Ending,
) -> String {
    let mut out = format!("- scenario: {}\n", quoted(title));
    if let Some(mode) = &plan.mode {
        let _ = writeln!(out, "  mode: {mode}");
    }
    if !params.is_empty() {
        out.push_str("  params:\n");
        for (name, value) in params {
            let _ = writeln!(out, "    {name}: {}", quoted(value));
        }
    }
    if steps.contains(&Step::NotGot(None)) {
        out.push_str("  lock: never\n");
    }
    given(&mut out, plan, steps);
    decide(&mut out, plan, steps);
    let _ = writeln!(out, "  expect:\n    end: {}", end(ending));
    out
}

/// What `end` is called that this is.
fn end(ending: Ending) -> &'static str {
    match ending {
        Ending::Succeeded => "succeeded",
        Ending::RolledBack => "rolled back",
        Ending::RolledBackInPart => "partly rolled back",
        Ending::FailedClean
        | Ending::StoppedAsStated
        | Ending::StoppedByDecision
        | Ending::Fault(Fault::HalfDone) => "failed",
        Ending::WaitingPaged | Ending::WaitingUncalled | Ending::Fault(Fault::NobodyTold) => {
            "waiting"
        }
        Ending::Fault(Fault::Stuck) => "stuck",
    }
}

fn given(out: &mut String, plan: &Plan, steps: &[Step]) {
    let mut nodes: BTreeMap<NodeIndex, Vec<String>> = BTreeMap::new();
    let mut at: BTreeMap<(NodeIndex, What), Vec<&Step>> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Ends { node, purpose, .. } => {
                at.entry((*node, What::of(*purpose)))
                    .or_default()
                    .push(step);
            }
            Step::NotGot(Some(node)) => {
                nodes
                    .entry(*node)
                    .or_default()
                    .push("lock: never".to_owned());
            }
            Step::Skipped(node) => {
                nodes
                    .entry(*node)
                    .or_default()
                    .push("skipped: true".to_owned());
            }
            Step::NotGot(None) | Step::Says { .. } => {}
        }
    }
    for ((node, what), steps) in at {
        let tries = tries(&steps);
        let entry = match what {
            What::Action => tries,
            what => format!("{}: {{{tries}}}", what.key()),
        };
        nodes.entry(node).or_default().push(entry);
    }
    if nodes.is_empty() {
        return;
    }
    out.push_str("  given:\n");
    for (node, entries) in nodes {
        let _ = writeln!(out, "    {}: {{{}}}", name(plan, node), entries.join(", "));
    }
}

/// What attempts do, as `tries` or `passes`.
fn tries(steps: &[&Step]) -> String {
    let mut passes: Vec<(Vec<&str>, bool)> = Vec::new();
    let mut over_all = true;
    for step in steps {
        let Step::Ends {
            pass,
            item,
            fate,
            hold,
            ..
        } = step
        else {
            continue;
        };
        let at = (*pass as usize).saturating_sub(1);
        over_all &= at == 0 && *hold != Hold::Pass;
        while passes.len() <= at {
            passes.push((vec!["succeeds"], false));
        }
        if let Some((tries, always)) = passes.get_mut(at) {
            let before = item.unwrap_or_default() as usize;
            tries.pop();
            tries.resize(before.max(tries.len()), "succeeds");
            tries.push(word(*fate));
            if *hold == Hold::Once {
                tries.push("succeeds");
            }
            *always = *hold == Hold::Always;
        }
    }
    if let ([(only, _)], true) = (passes.as_slice(), over_all) {
        return format!("tries: [{}]", only.join(", "));
    }
    if passes.last().is_some_and(|(_, always)| !always) {
        passes.push((vec!["succeeds"], false));
    }
    let lists: Vec<_> = passes
        .iter()
        .map(|(tries, _)| format!("[{}]", tries.join(", ")))
        .collect();
    format!("passes: [{}]", lists.join(", "))
}

/// The word of a scenario for how an attempt ends.
#[must_use]
pub(super) fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Succeeds => "succeeds",
        Fate::Fails => "fails",
        Fate::TimesOut => "times out",
        Fate::Unknown => "unknown",
    }
}

fn decide(out: &mut String, plan: &Plan, steps: &[Step]) {
    let mut answers = Vec::new();
    for step in steps {
        if let Step::Says { node, answer, .. } = step {
            let answer = answer.as_ref().map_or("nothing", said);
            answers.push(format!(
                "    - {{node: {}, answer: {answer}}}\n",
                name(plan, *node)
            ));
        }
    }
    if !answers.is_empty() {
        out.push_str("  decide:\n");
        out.extend(answers);
    }
}

/// The word of a scenario for an answer.
pub(super) fn said(answer: &Answer) -> &'static str {
    match answer {
        Answer::Approve => "approve",
        Answer::Reject => "reject",
        Answer::Succeeded { .. } => "succeeded",
        Answer::DidNotHappen => "did-not-happen",
        Answer::Failed => "failed",
        Answer::Done { .. } => "done",
        Answer::Confirm { .. } => "confirm",
        Answer::Retry => "retry",
        Answer::Skip { .. } => "skip",
        Answer::Rewind { .. } => "rewind",
        Answer::Rollback => "rollback",
        Answer::Stop => "stop",
        Answer::UndoneByHand => "undone-by-hand",
        Answer::AbandonUndo => "abandon-undo",
    }
}

/// A text as a YAML scalar.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '/');
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(plain);
    match safe {
        true => text.to_owned(),
        false => serde_json::to_string(text).unwrap_or_default(),
    }
}

/// What went wrong, in words.
#[must_use]
pub fn told(plan: &Plan, step: &Step) -> String {
    match step {
        Step::Ends {
            node,
            pass,
            purpose,
            item,
            fate,
            hold,
        } => {
            let what = match purpose {
                Purpose::Do | Purpose::Check(_) => String::new(),
                Purpose::Undo => "the undo of ".to_owned(),
                Purpose::UndoCheck => "the check of the undo of ".to_owned(),
                Purpose::Probe => "the probe of ".to_owned(),
                Purpose::Capture => "the capture of ".to_owned(),
                Purpose::Target(_) | Purpose::Recheck => "the look at the target of ".to_owned(),
                Purpose::Choices(_) => "what gives the choices of ".to_owned(),
            };
            let item = item.map_or_else(String::new, |item| format!(", item {}", item + 1));
            let pass = match pass {
                1 => String::new(),
                pass => format!(", pass {pass}"),
            };
            let ends = match fate {
                Fate::Succeeds => "succeeds",
                Fate::Fails => "fails",
                Fate::TimesOut => "runs out of time",
                Fate::Unknown => "is not heard of again",
            };
            let hold = match hold {
                Hold::Once => " once",
                Hold::Pass => " each time in this pass",
                Hold::Always => " each time",
            };
            format!("{what}`{}`{item}{pass} {ends}{hold}", name(plan, *node))
        }
        Step::Says { node, answer, .. } => match answer {
            Some(answer) => format!(
                "somebody answers `{}` at `{}`",
                said(answer),
                name(plan, *node)
            ),
            None => format!("nobody answers at `{}`", name(plan, *node)),
        },
        Step::NotGot(Some(node)) => format!("`{}` does not get its locks", name(plan, *node)),
        Step::NotGot(None) => "the run does not get its locks".to_owned(),
        Step::Skipped(node) => format!("`{}` is skipped: its `when` is false", name(plan, *node)),
    }
}

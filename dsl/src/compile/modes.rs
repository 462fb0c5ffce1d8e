//! A mode: the same runbook with fewer nodes and other defaults.

use super::{CompileError, Params};
use crate::lint::sites;
use crate::lint::{left_out, needs_of};
use crate::runbook::{Mode, Runbook, Spanned};
use piton_core::expr::suggest;
use std::collections::{BTreeMap, BTreeSet};

/// The runbook as it is in a mode.
pub(super) fn apply(
    runbook: &Runbook,
    mode: &str,
    given: &Params,
) -> Result<Runbook, Vec<CompileError>> {
    let mode = find(runbook, mode).map_err(|error| vec![error])?;
    let mut errors: Vec<_> = mode
        .set
        .iter()
        .filter(|(name, _)| given.contains_key(&name.value))
        .map(|(name, _)| CompileError::SetByMode {
            mode: mode.id.value.clone(),
            name: name.value.clone(),
        })
        .collect();
    errors.extend(
        left_out(runbook, mode)
            .into_iter()
            .map(|use_of| CompileError::LeftOut {
                mode: mode.id.value.clone(),
                node: use_of.node.to_owned(),
                uses: use_of.how.words(),
                left_out: use_of.left_out.to_owned(),
            }),
    );
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut reduced = runbook.clone();
    for (name, value) in &mode.set {
        let params = reduced.params.iter_mut();
        for param in params.filter(|param| param.name.value == name.value) {
            param.default.clone_from(value);
        }
    }
    if let (Some(own), Some(rto)) = (
        &mode.rto,
        reduced.targets.as_mut().and_then(|it| it.rto.as_mut()),
    ) {
        // What the mode does not say is as the runbook says.
        rto.from = own.from.clone().or(rto.from.take());
        rto.to = own.to.clone().or(rto.to.take());
    }
    if let Some(only) = &mode.only {
        keep(runbook, &mut reduced, only);
        forget_secrets(&mut reduced);
    }
    Ok(reduced)
}

/// Takes out the secrets that nothing uses any more: a drill cannot reach production with what it does not have.
fn forget_secrets(reduced: &mut Runbook) {
    let mut used: BTreeSet<String> = BTreeSet::new();
    for reference in sites::of(reduced)
        .iter()
        .flat_map(|site| site.expression.references())
    {
        match reference.path.as_slice() {
            [root, name, ..] if root == "secrets" => _ = used.insert(name.clone()),
            // `secrets` by itself may mean any of them.
            [root] if root == "secrets" => return,
            _ => {}
        }
    }
    let kept = |name: &str| used.contains(name);
    reduced.secrets.retain(|secret| kept(&secret.name.value));
}

/// The mode of this name.
fn find<'a>(runbook: &'a Runbook, name: &str) -> Result<&'a Mode, CompileError> {
    let found = runbook.modes.iter().find(|mode| mode.id.value == name);
    found.ok_or_else(|| {
        let names = || runbook.modes.iter().map(|mode| mode.id.value.as_str());
        let hint = match suggest(name, names()) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None if runbook.modes.is_empty() => "; this runbook has none".to_owned(),
            None => {
                let names: Vec<_> = names().map(|name| format!("`{name}`")).collect();
                format!("; there are {}", names.join(", "))
            }
        };
        CompileError::UnknownMode {
            name: name.to_owned(),
            hint,
        }
    })
}

/// Leaves out every node that is not named. What waited for one of them waits for what that one waited for.
fn keep(runbook: &Runbook, reduced: &mut Runbook, only: &[Spanned<String>]) {
    let only: BTreeSet<&str> = only.iter().map(|name| name.value.as_str()).collect();
    let mut places = BTreeMap::new();
    for (index, node) in runbook.nodes.iter().enumerate() {
        places.entry(node.id.value.as_str()).or_insert(index);
    }
    let find = |name: &str| places.get(name).copied();
    let needs: Vec<Vec<usize>> = (0..runbook.nodes.len())
        .map(|index| {
            let needs = needs_of(&runbook.nodes, index, find);
            needs.iter().map(|need| need.node).collect()
        })
        .collect();
    let name_of = |index: usize| runbook.nodes.get(index).map(|node| node.id.value.as_str());
    let is_kept = |index: usize| name_of(index).is_some_and(|name| only.contains(name));
    for (index, node) in reduced.nodes.iter_mut().enumerate() {
        let span = node.id.span;
        let kept = behind(index, &needs, is_kept);
        let named = kept.into_iter().filter_map(name_of).map(|name| Spanned {
            value: name.to_owned(),
            span,
        });
        node.needs = Some(named.collect());
    }
    reduced
        .nodes
        .retain(|node| only.contains(node.id.value.as_str()));
}

/// The kept nodes that one waits for, through those that are left out, in the order of the file.
fn behind(index: usize, needs: &[Vec<usize>], is_kept: impl Fn(usize) -> bool) -> BTreeSet<usize> {
    let of = |index: usize| needs.get(index).cloned().unwrap_or_default();
    let (mut kept, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open = of(index);
    while let Some(need) = open.pop() {
        if is_kept(need) {
            kept.insert(need);
        } else if seen.insert(need) {
            open.extend(of(need));
        }
    }
    kept
}

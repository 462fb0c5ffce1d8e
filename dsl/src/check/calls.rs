//! Following calls: each called file is read and checked once, however often it is called.

use super::{Called, one};
use crate::diagnostic::Diagnostic;
use crate::lint::rules::{call_endless, call_unreadable};
use crate::loader::Loader;
use crate::runbook::{Runbook, Sourced};
use crate::source::SourceFile;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How deep calls may go: the runbook that is run is the first.
const DEEPEST: usize = 16;

/// How many nodes a plan may have, called ones included.
pub(crate) const MOST_NODES: usize = 100_000;

/// What is known of the files that were called so far.
pub(super) struct Calls<'a> {
    loader: &'a dyn Loader,
    /// The names of the files on the way from the first one to the one that is looked at.
    trail: Vec<String>,
    /// Files that were looked at, by name.
    known: BTreeMap<String, Known>,
    /// The same with their findings, in the order in which they were done.
    pub(super) files: Vec<Called>,
}

/// What became of a called file.
#[derive(Clone)]
struct Known {
    /// `None` when it has errors.
    runbook: Option<Arc<Runbook>>,
    errors: usize,
    /// How many nodes it has, with those it calls.
    nodes: usize,
}

impl<'a> Calls<'a> {
    pub(super) fn new(loader: &'a dyn Loader, first: &SourceFile) -> Calls<'a> {
        Calls {
            loader,
            trail: vec![first.name.clone()],
            known: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    /// Looks at all that a runbook calls, and puts it into [`Runbook::called`]. Returns how many nodes it has with
    /// those it calls.
    pub(super) fn follow(
        &mut self,
        file: &SourceFile,
        runbook: &mut Runbook,
        found: &mut Vec<Diagnostic>,
    ) -> usize {
        let mut called = BTreeMap::new();
        let mut nodes = runbook.nodes.len();
        let mut sizes = BTreeMap::new();
        for path in paths(runbook) {
            if !called.contains_key(&path.value) {
                match self.look(file, path) {
                    Ok((runbook, size)) => {
                        sizes.insert(path.value.clone(), size);
                        called.insert(path.value.clone(), runbook);
                    }
                    Err(diagnostic) => {
                        found.push(*diagnostic);
                        continue;
                    }
                }
            }
            // The node itself counts already; its beginning is one more.
            let more = sizes.get(&path.value).copied().unwrap_or(0) + 1;
            if nodes <= MOST_NODES && nodes.saturating_add(more) > MOST_NODES {
                found.push(call_endless::too_many(path, MOST_NODES));
            }
            nodes = nodes.saturating_add(more);
        }
        runbook.called = called;
        nodes
    }

    /// The runbook at this path, with how many nodes it has.
    fn look(
        &mut self,
        from: &SourceFile,
        path: &Sourced<String>,
    ) -> Result<(Arc<Runbook>, usize), Box<Diagnostic>> {
        let file = self
            .loader
            .load(from, &path.value)
            .map_err(|error| Box::new(call_unreadable::missing(path, &error)))?;
        if let Some(at) = self.trail.iter().position(|name| *name == file.name) {
            let circle = self.trail.get(at..).unwrap_or_default();
            return Err(Box::new(call_endless::circle(path, circle)));
        }
        if self.trail.len() >= DEEPEST {
            return Err(Box::new(call_endless::too_deep(path, DEEPEST)));
        }
        let known = match self.known.get(&file.name) {
            Some(known) => known.clone(),
            None => self.read(file.clone()),
        };
        match known.runbook {
            Some(runbook) => Ok((runbook, known.nodes)),
            None => {
                let error = call_unreadable::broken(path, &file.name, known.errors);
                Err(Box::new(error))
            }
        }
    }

    /// Checks a file that was not looked at yet.
    fn read(&mut self, file: SourceFile) -> Known {
        self.trail.push(file.name.clone());
        let (runbook, diagnostics, nodes) = one(&file, Some(self));
        self.trail.pop();
        let known = Known {
            errors: diagnostics.iter().filter(|found| found.is_error()).count(),
            runbook: runbook.map(Arc::new),
            nodes,
        };
        self.known.insert(file.name.clone(), known.clone());
        self.files.push(Called { file, diagnostics });
        known
    }
}

/// The files that a runbook calls, as it writes them.
fn paths(runbook: &Runbook) -> impl Iterator<Item = &Sourced<String>> {
    let calls = runbook.nodes.iter().filter_map(|node| node.call());
    calls.filter_map(|call| call.runbook.as_ref())
}

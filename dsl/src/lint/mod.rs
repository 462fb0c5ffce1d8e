//! The rules: what is wrong with a runbook that can be read.
//!
//! [`catalogue`] lists every code once, with its page and the function that looks for it. A rule is one file in
//! `rules`, and the comment at its top is the page that `piton explain CODE` prints. Rules ask the `Context`,
//! which is worked out once: the `graph` of steps, every expression with its `sites` and what each name in it
//! means (`scope`).

pub(crate) mod before;
pub mod catalogue;
pub(crate) mod embedded;
pub(crate) mod find;
mod graph;
mod ladder;
mod longest;
pub(crate) mod plain_query;
pub(crate) mod queries;
pub(crate) mod rules;
mod scope;
pub(crate) mod sites;
mod words;

use crate::diagnostic::Diagnostic;
use crate::fix::Fix;
use crate::runbook::{Param, Runbook, Spanned};
use embedded::Embedded;
use graph::Graph;
use piton_core::expr::{suggest, suggest_surely};
use queries::Query;
use scope::Resolution;
use sites::Site;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use graph::needs_of;
pub(crate) use rules::mode_dropped_output::left_out;

/// How many known names are compared with unknown ones for a file.
const MAX_COMPARISONS: usize = 100_000;

/// What rules look at.
pub(crate) struct Context<'a> {
    pub(crate) runbook: &'a Runbook,
    /// Nodes, by their names, the first of each.
    nodes: BTreeMap<&'a str, usize>,
    /// Parameters, by their names.
    params: BTreeMap<&'a str, &'a Param>,
    /// The names of secrets.
    secrets: BTreeSet<&'a str>,
    /// Declared outputs, by the places of their nodes.
    outputs: BTreeSet<(usize, &'a str)>,
    pub(crate) graph: Graph,
    /// The scripts, programs and SQL.
    pub(crate) embedded: &'a Embedded<'a>,
    /// All SQL, that in scripts included.
    queries: Vec<Query<'a>>,
    /// Every expression.
    pub(crate) sites: Vec<Site<'a>>,
    /// Every path of names in the expressions, with what it means.
    pub(crate) references: Vec<Reference>,
    /// How many more known names may be compared with unknown ones: looking for what was meant must not cost more
    /// than reading the file.
    comparisons: Cell<usize>,
    /// Whether something was wrong already before the rules looked.
    pub(crate) has_errors: bool,
}

/// A path of names in an expression.
pub(crate) struct Reference {
    /// The site, by its place in [`Context::sites`].
    pub(crate) site: usize,
    pub(crate) reference: piton_core::expr::Reference,
    pub(crate) resolution: Resolution,
}

impl<'a> Context<'a> {
    fn new(runbook: &'a Runbook, embedded: &'a Embedded<'a>, has_errors: bool) -> Context<'a> {
        let mut nodes = BTreeMap::new();
        for (index, node) in runbook.nodes.iter().enumerate() {
            nodes.entry(node.id.value.as_str()).or_insert(index);
        }
        let graph = Graph::new(runbook, &nodes);
        let sites = sites::of(runbook);
        let mut context = Context {
            runbook,
            nodes,
            params: runbook
                .params
                .iter()
                .map(|param| (param.name.value.as_str(), param))
                .collect(),
            secrets: runbook
                .secrets
                .iter()
                .map(|secret| secret.name.value.as_str())
                .collect(),
            outputs: outputs_of(runbook),
            graph,
            embedded,
            queries: queries::of(embedded),
            sites,
            references: Vec::new(),
            comparisons: Cell::new(MAX_COMPARISONS),
            has_errors,
        };
        context.references = context.resolve_all();
        context
    }

    fn resolve_all(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        for (index, site) in self.sites.iter().enumerate() {
            for reference in site.expression.references() {
                let resolution = self.resolve(site, &reference.path, true);
                found.push(Reference {
                    site: index,
                    reference,
                    resolution,
                });
            }
        }
        found
    }

    /// The known name that was probably meant, if there is one and there were not too many to look for already.
    pub(crate) fn suggest<'n>(
        &self,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> Option<String> {
        self.may_compare(known.clone().count())?;
        suggest(name, known)
    }

    /// Writes the known name that was meant, where there is no doubt about it.
    pub(crate) fn rename<'n>(
        &self,
        name: &Spanned<String>,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> Option<Fix> {
        let meant = self.surely(&name.value, known)?;
        Fix::rename(name.span, &name.value, &meant)
    }

    /// The known name that was meant without a doubt.
    pub(crate) fn surely<'n>(
        &self,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> Option<String> {
        self.may_compare(known.clone().count())?;
        suggest_surely(name, known)
    }

    /// Takes so many comparisons from those that are left.
    fn may_compare(&self, count: usize) -> Option<()> {
        let left = self.comparisons.get().checked_sub(count)?;
        self.comparisons.set(left);
        Some(())
    }

    /// The node of this name, the first one when there are several.
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.nodes.get(id).copied()
    }
}

/// Every declared output.
fn outputs_of(runbook: &Runbook) -> BTreeSet<(usize, &str)> {
    let nodes = runbook.nodes.iter().enumerate();
    nodes
        .flat_map(|(index, node)| {
            let outputs = node.outputs.iter().map(|(name, _)| name);
            let called = node.call().and_then(|call| runbook.called_by(call));
            let of_call = called.into_iter().flat_map(|called| &called.outputs);
            let names = outputs
                .chain(node.asks().map(|(name, _)| name))
                .chain(of_call.map(|(name, _)| name));
            names.map(move |name| (index, name.value.as_str()))
        })
        .collect()
}

/// Looks for everything that the rules know of. `diagnostics` holds what was found before, and gets the rest.
pub fn lint(runbook: &Runbook, diagnostics: &mut Vec<Diagnostic>) {
    let has_errors = diagnostics.iter().any(Diagnostic::is_error);
    let embedded = embedded::of(runbook);
    let mut context = Context::new(runbook, &embedded, has_errors);
    for rule in catalogue::RULES {
        if let Some(run) = rule.run {
            run(&context, diagnostics);
            context.has_errors = context.has_errors || diagnostics.iter().any(Diagnostic::is_error);
        }
    }
}

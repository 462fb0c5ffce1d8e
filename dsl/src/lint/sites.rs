//! Every place where an expression stands.

use crate::node::Scalar;
use crate::runbook::{Action, Effect, Interrupted, Node, Runbook, Sourced, Sql, WrittenAction};
use crate::source::Span;
use piton_core::expr::{Expression, Template};

/// An expression, and where it stands.
pub(crate) struct Site<'a> {
    /// The node it belongs to; `None` for the runbook's own keys.
    pub(crate) node: Option<usize>,
    /// Under which key.
    pub(crate) place: Place,
    /// What results there are to speak of.
    pub(crate) results: Results,
    pub(crate) expression: &'a Expression,
    source: &'a Scalar,
    offset: usize,
}

/// The key under which an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    When,
    Env,
    Dir,
    Argv,
    Database,
    Bind,
    /// The output at this place of the node's outputs.
    Output(usize),
    Expect,
}

/// What an action leaves for `outputs` and `expect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Results {
    /// Nothing: the expression is evaluated before the action, or the action has no result.
    None,
    /// `exit_code`, `stdout`, `json`, `value`, `output`.
    Process,
    /// `rows`, `value`.
    Rows,
    /// Nobody knows, because the action is not a proper one.
    Unknown,
}

impl Site<'_> {
    /// The bytes of the file that this part of the expression's text came from.
    pub(crate) fn span(&self, range: &piton_core::expr::Range) -> Span {
        self.source
            .source_span(range.start + self.offset..range.end + self.offset)
    }
}

/// All of them, in the order of the file's blocks.
pub(crate) fn of(runbook: &Runbook) -> Vec<Site<'_>> {
    let mut found = Finder {
        sites: Vec::new(),
        node: None,
    };
    found.templates(Place::Database, &runbook.database);
    found.templates(
        Place::Env,
        runbook.env.iter().filter_map(|(_, value)| value.as_ref()),
    );
    found.templates(Place::Dir, &runbook.dir);
    for (index, node) in runbook.nodes.iter().enumerate() {
        found.node = Some(index);
        found.node(node);
    }
    found.sites
}

struct Finder<'a> {
    sites: Vec<Site<'a>>,
    node: Option<usize>,
}

impl<'a> Finder<'a> {
    fn templates(
        &mut self,
        place: Place,
        templates: impl IntoIterator<Item = &'a Sourced<Template>>,
    ) {
        for template in templates {
            for (offset, expression) in template.value.expressions() {
                self.sites.push(Site {
                    node: self.node,
                    place,
                    results: Results::None,
                    expression,
                    source: &template.source,
                    offset,
                });
            }
        }
    }

    fn expression(&mut self, place: Place, results: Results, expression: &'a Sourced<Expression>) {
        self.sites.push(Site {
            node: self.node,
            place,
            results,
            expression: &expression.value,
            source: &expression.source,
            offset: 0,
        });
    }

    fn node(&mut self, node: &'a Node) {
        if let Some(when) = &node.when {
            self.expression(Place::When, Results::None, when);
        }
        self.templates(
            Place::Env,
            node.env.iter().filter_map(|(_, value)| value.as_ref()),
        );
        self.templates(Place::Dir, &node.dir);
        self.templates(Place::Database, &node.database);
        self.actions(&node.actions);
        let results = results_of(&node.actions);
        for (number, (_, output)) in node.outputs.iter().enumerate() {
            if let Some(output) = output {
                self.expression(Place::Output(number), results, output);
            }
        }
        for (_, effect) in &node.effects {
            if let Effect::Undo(undo) = effect {
                self.templates(
                    Place::Env,
                    undo.env.iter().filter_map(|(_, value)| value.as_ref()),
                );
                self.actions(&undo.actions);
            }
        }
        if let Some(Interrupted::Probe(probe)) = &node.interrupted {
            self.actions(&probe.actions);
        }
    }

    fn actions(&mut self, actions: &'a [WrittenAction]) {
        for action in actions.iter().filter_map(|written| written.action.as_ref()) {
            match action {
                Action::Exec { argv } => self.templates(Place::Argv, argv.iter().flatten()),
                Action::Sql(sql) => self.sql(sql),
                Action::Checks(checks) => {
                    for check in checks {
                        self.actions(&check.probes);
                        if let Some(expect) = &check.expect {
                            self.expression(Place::Expect, results_of(&check.probes), expect);
                        }
                    }
                }
                Action::Run { .. } | Action::Approve { .. } => {}
            }
        }
    }

    fn sql(&mut self, sql: &'a Sql) {
        // One that is not its own stands at the node or the runbook, and is found there.
        if sql.own {
            self.templates(Place::Database, &sql.on);
        }
        self.templates(Place::Bind, sql.bind.iter().flatten());
    }
}

fn results_of(actions: &[WrittenAction]) -> Results {
    match actions {
        [only] => match only.keyword {
            "run" | "exec" => Results::Process,
            "sql" => Results::Rows,
            _ => Results::None,
        },
        _ => Results::Unknown,
    }
}

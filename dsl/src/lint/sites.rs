//! Every place where an expression stands.

use crate::node::Scalar;
use crate::runbook::{
    Action, Channel, FailWhen, Http, Manual, Node, ParamType, Probe, Runbook, Sourced, Sql, Undo,
    Wait, WrittenAction,
};
use crate::source::Span;
use piton_core::expr::{Expression, Template};

/// An expression, and where it stands.
pub(crate) struct Site<'a> {
    /// The node it belongs to; `None` for the runbook's own keys.
    pub(crate) node: Option<usize>,
    /// Under which key.
    pub(crate) place: Place,
    /// What names it sees beside those of the runbook.
    pub(crate) names: Names,
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
    /// The text of SQL.
    SqlText,
    Bind,
    /// A part of a request to a web server.
    Request,
    /// The output at this place of the node's outputs.
    Output(usize),
    Expect,
    Until,
    FailWhen,
    FailFile,
    Success,
    Validate,
    /// What people are shown: instructions, a message, a proposed answer, what has to be typed.
    People,
    /// The time that is waited for.
    WaitUntil,
    Lock,
    /// A file that is kept.
    Evidence,
    ForEach,
    ForEachKey,
    /// A parameter for another runbook.
    With,
    /// How a contact is reached.
    Channel,
    /// What was lost in a run.
    Achieved,
    /// What a runbook that calls this one gets.
    RunbookOutput,
}

/// Which names an expression sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// What the action left.
    pub(crate) results: Results,
    /// What `capture` left; `None` where there is no such name.
    pub(crate) capture: Option<Results>,
    /// Whether it belongs to an `undo`, which runs when the node has been done.
    pub(crate) undo: bool,
    /// Whether there are `item` and `key`.
    pub(crate) items: bool,
    /// Whether `value` is an answer, and of which type; the inner `None`: nobody knows.
    pub(crate) answer: Option<Option<ParamType>>,
    /// How far it sees.
    pub(crate) reach: Reach,
}

/// How far an expression sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everything that a node sees.
    Node,
    /// Everything but the node, of which there is none.
    Run,
    /// Only parameters and what is known of the run when it starts.
    Start,
    /// Only parameters, secrets and what is known of the run when it starts.
    Contact,
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
    /// `status`, `body`, `json`, `headers`, `value`.
    Answer,
    /// Nobody knows, because the action is not a proper one.
    Unknown,
}

impl Site<'_> {
    /// The whole text that the expression stands in.
    pub(crate) fn text(&self) -> &str {
        &self.source.text
    }

    /// Where the expression begins in that text.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

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
        names: Names {
            results: Results::None,
            capture: None,
            undo: false,
            items: false,
            answer: None,
            reach: Reach::Node,
        },
    };
    found.templates(Place::Database, &runbook.database);
    found.templates(
        Place::Env,
        runbook.env.iter().filter_map(|(_, value)| value.as_ref()),
    );
    found.templates(Place::Dir, &runbook.dir);
    found.runbook(runbook);
    for (index, node) in runbook.nodes.iter().enumerate() {
        found.node = Some(index);
        found.node(node);
    }
    found.sites
}

struct Finder<'a> {
    sites: Vec<Site<'a>>,
    node: Option<usize>,
    /// What the next expressions see.
    names: Names,
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
                    names: self.names,
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
            names: Names {
                results,
                ..self.names
            },
            expression: &expression.value,
            source: &expression.source,
            offset: 0,
        });
    }

    fn expressions(
        &mut self,
        place: Place,
        results: Results,
        expressions: impl IntoIterator<Item = &'a Sourced<Expression>>,
    ) {
        for expression in expressions {
            self.expression(place, results, expression);
        }
    }

    /// Expressions that see other names than those around them.
    fn seeing(&mut self, names: Names, find: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.names, names);
        find(self);
        self.names = outer;
    }

    fn reaching(&mut self, reach: Reach, find: impl FnOnce(&mut Self)) {
        let names = Names {
            reach,
            ..self.names
        };
        self.seeing(names, find);
    }

    /// What the runbook says of itself, and no node inherits.
    fn runbook(&mut self, runbook: &'a Runbook) {
        self.reaching(Reach::Start, |this| {
            this.templates(Place::Lock, runbook.lock.iter().flatten().flatten());
        });
        self.reaching(Reach::Contact, |this| {
            for channel in runbook.contacts.iter().flat_map(|contact| &contact.via) {
                match channel {
                    Channel::Webhook(url) => this.templates(Place::Channel, [url]),
                    Channel::Command(argv) => {
                        this.templates(Place::Channel, argv.iter().flatten());
                    }
                }
            }
        });
        self.reaching(Reach::Run, |this| {
            let rpo = runbook.targets.as_ref().and_then(|it| it.rpo.as_ref());
            let achieved = rpo.and_then(|rpo| rpo.achieved.as_ref());
            this.expressions(Place::Achieved, Results::None, achieved);
            let outputs = runbook.outputs.iter().filter_map(|(_, it)| it.as_ref());
            this.expressions(Place::RunbookOutput, Results::None, outputs);
        });
    }

    fn node(&mut self, node: &'a Node) {
        self.expressions(Place::When, Results::None, &node.when);
        self.expressions(Place::ForEach, Results::None, &node.for_each);
        self.templates(Place::Lock, node.lock.iter().flatten().flatten());
        self.templates(Place::People, &node.confirm);
        if let Some(target) = &node.target {
            self.probe(target.probe.as_ref());
            let results = target
                .probe
                .as_ref()
                .map_or(Results::Unknown, results_of_probe);
            self.expressions(Place::Expect, results, &target.expect);
        }
        self.probe(node.capture.as_ref());
        let names = Names {
            items: node.for_each.is_some(),
            ..self.names
        };
        self.seeing(names, |this| this.node_of_item(node));
    }

    /// What is done for each item, where there are items.
    fn node_of_item(&mut self, node: &'a Node) {
        self.expressions(Place::ForEachKey, Results::None, &node.for_each_key);
        self.templates(
            Place::Env,
            node.env.iter().filter_map(|(_, value)| value.as_ref()),
        );
        self.templates(Place::Dir, &node.dir);
        self.templates(Place::Database, &node.database);
        self.templates(Place::Evidence, node.evidence.iter().flatten().flatten());
        self.actions(&node.actions);
        let results = results_of(&node.actions);
        self.expressions(Place::Success, results, &node.success);
        self.expressions(Place::Until, results, &node.until);
        match &node.fail_when {
            Some(FailWhen::True(condition)) => {
                self.expression(Place::FailWhen, results, condition);
            }
            Some(FailWhen::Line { file, .. }) => self.templates(Place::FailFile, file),
            None => {}
        }
        for (number, (_, output)) in node.outputs.iter().enumerate() {
            self.expressions(Place::Output(number), results, output);
        }
        let capture = node.capture.as_ref().map(results_of_probe);
        let names = Names {
            capture,
            undo: true,
            ..self.names
        };
        for undo in node.undos() {
            self.seeing(names, |this| this.undo(undo));
        }
        if let Some(crate::runbook::Interrupted::Probe(probe)) = &node.interrupted {
            self.probe(Some(probe));
        }
    }

    fn undo(&mut self, undo: &'a Undo) {
        self.templates(
            Place::Env,
            undo.env.iter().filter_map(|(_, value)| value.as_ref()),
        );
        self.actions(&undo.actions);
        self.probe(undo.check.as_ref());
    }

    fn probe(&mut self, probe: Option<&'a Probe>) {
        if let Some(probe) = probe {
            self.actions(&probe.actions);
        }
    }

    fn actions(&mut self, actions: &'a [WrittenAction]) {
        for action in actions.iter().filter_map(|written| written.action.as_ref()) {
            match action {
                Action::Exec { argv } => self.templates(Place::Argv, argv.iter().flatten()),
                Action::Sql(sql) => self.sql(sql),
                Action::Http(request) => self.http(request),
                Action::Checks(checks) => {
                    for check in checks {
                        self.actions(&check.probes);
                        let results = results_of(&check.probes);
                        self.expressions(Place::Expect, results, &check.expect);
                    }
                }
                Action::Manual(manual) => self.manual(manual),
                Action::Notify(notify) => self.templates(Place::People, &notify.message),
                Action::Wait(Wait::Until(time)) => {
                    self.expression(Place::WaitUntil, Results::None, time);
                }
                Action::Call(call) => {
                    let with = call.with.iter().filter_map(|(_, value)| value.as_ref());
                    self.templates(Place::With, with);
                }
                Action::Run { .. } | Action::Approve(_) | Action::Wait(Wait::For(_)) => {}
            }
        }
    }

    fn manual(&mut self, manual: &'a Manual) {
        self.templates(Place::People, &manual.instructions);
        self.templates(Place::People, manual.checklist.iter().flatten());
        for ask in manual.asks.iter().filter_map(|(_, ask)| ask.as_ref()) {
            self.probe(ask.from.as_ref());
            self.templates(Place::People, &ask.default);
            let names = Names {
                answer: Some(ask.kind),
                ..self.names
            };
            self.seeing(names, |this| {
                this.expressions(Place::Validate, Results::None, &ask.validate);
            });
        }
    }

    fn http(&mut self, request: &'a Http) {
        self.templates(Place::Request, &request.url);
        let headers = request.headers.iter().filter_map(|(_, it)| it.as_ref());
        self.templates(Place::Request, headers);
        self.templates(Place::Request, &request.body);
        self.templates(Place::Request, &request.json);
    }

    fn sql(&mut self, sql: &'a Sql) {
        // One that is not its own stands at the node or the runbook, and is found there.
        if sql.own {
            self.templates(Place::Database, &sql.on);
        }
        self.templates(Place::SqlText, &sql.text);
        self.templates(Place::Bind, sql.bind.iter().flatten());
    }
}

fn results_of(actions: &[WrittenAction]) -> Results {
    match actions {
        [only] => match only.keyword {
            "run" | "exec" => Results::Process,
            "sql" => Results::Rows,
            "http" => Results::Answer,
            _ => Results::None,
        },
        _ => Results::Unknown,
    }
}

fn results_of_probe(probe: &Probe) -> Results {
    results_of(&probe.actions)
}

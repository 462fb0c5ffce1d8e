//! From a scenario file to its scenarios, with every mistake at its place.

use super::keys;
use super::value::value_of;
use super::{Decide, Expect, Given, PageSent, RtoFigure, Said, Scenario, Suite, Tries, Try, What};
use crate::diagnostic::Diagnostic;
use crate::node::{Entry, Node};
use crate::runbook::Spanned;
use crate::source::{SourceFile, Span};
use crate::syntax;
use piton_core::prove::Fate;
use piton_core::record::{Answer, HttpResponse};
use piton_core::run::Produced;
use piton_core::value::Value;
use std::collections::BTreeMap;

/// A key that scenarios do not have.
pub(super) const UNKNOWN_KEY: &str = "scenario::unknown-key";
/// A value that is not what its key takes.
pub(super) const BAD_VALUE: &str = "scenario::bad-value";
/// Something that has to be said and is not.
pub(super) const MISSING_KEY: &str = "scenario::missing-key";
/// Two scenarios of one name.
pub(super) const SAME_NAME: &str = "scenario::same-name";

/// Reads a scenario file, which is YAML. The scenarios are there as far as they could be read.
#[must_use]
pub fn read(file: &SourceFile) -> (Suite, Vec<Diagnostic>) {
    let parsed = syntax::yaml::parse(&file.text);
    let mut reader = Reader {
        found: parsed.diagnostics,
    };
    let mut suite = Suite::default();
    if let Some(root) = &parsed.root {
        suite.scenarios = reader.suite(root);
    }
    reader.names(&suite);
    (suite, reader.found)
}

/// Reads, and keeps what is wrong. Its simple values are in `shapes`.
pub(super) struct Reader {
    pub(super) found: Vec<Diagnostic>,
}

impl Reader {
    fn suite(&mut self, root: &Node) -> Vec<Scenario> {
        let list = match root.as_list() {
            Some(list) => list,
            None => match root
                .get("scenarios")
                .and_then(|entry| entry.value.as_list())
            {
                Some(list) => list,
                None => {
                    self.wrong(root, "a list of scenarios");
                    return Vec::new();
                }
            },
        };
        list.iter().filter_map(|item| self.scenario(item)).collect()
    }

    fn names(&mut self, suite: &Suite) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for Scenario { name, .. } in &suite.scenarios {
            match seen.get(name.value.as_str()) {
                Some(first) => self.found.push(
                    Diagnostic::error(
                        SAME_NAME,
                        name.span,
                        format!("there are two scenarios `{}`", name.value),
                        "again",
                    )
                    .label(*first, "first")
                    .help("give each a name of its own: reports tell them apart by it"),
                ),
                None => {
                    seen.insert(&name.value, name.span);
                }
            }
        }
    }

    fn scenario(&mut self, node: &Node) -> Option<Scenario> {
        let entries = self.block(node, &keys::SCENARIO)?;
        let Some(named) = node.get("scenario") else {
            self.found.push(
                Diagnostic::error(MISSING_KEY, node.span, "a scenario has no name", "unnamed")
                    .help("begin it with `scenario: what it shows`"),
            );
            return None;
        };
        let mut scenario = Scenario {
            name: self.text(&named.value)?,
            mode: None,
            params: BTreeMap::new(),
            locked_out: false,
            given: Vec::new(),
            decide: Vec::new(),
            expect: Expect::default(),
        };
        for Entry { key, value } in entries {
            match key.text.as_str() {
                "mode" => scenario.mode = self.text(value),
                "params" => scenario.params = self.params(value),
                "lock" => scenario.locked_out = self.never(value),
                "given" => {
                    for entry in self.map(value) {
                        scenario.given.extend(self.given(entry));
                    }
                }
                "decide" => {
                    for item in self.list(value) {
                        scenario.decide.extend(self.decision(item));
                    }
                }
                "expect" => scenario.expect = self.expect(value).unwrap_or_default(),
                _ => {}
            }
        }
        Some(scenario)
    }

    fn params(&mut self, node: &Node) -> BTreeMap<String, Spanned<String>> {
        let mut params = BTreeMap::new();
        for Entry { key, value } in self.map(node) {
            if let Some(text) = self.text(value) {
                params.insert(key.text.clone(), text);
            }
        }
        params
    }

    fn given(&mut self, entry: &Entry) -> Option<Given> {
        let mut given = Given {
            node: Spanned {
                value: entry.key.text.clone(),
                span: entry.key.span,
            },
            skipped: false,
            locked_out: false,
            does: Vec::new(),
        };
        if let Some(scalar) = entry.value.as_scalar()
            && scalar.text == "skipped"
        {
            given.skipped = true;
            return Some(given);
        }
        if entry.value.as_map().is_some() {
            given.skipped = match entry.value.get("skipped") {
                Some(skipped) => self.truth(&skipped.value).unwrap_or_default(),
                None => false,
            };
            given.locked_out = match entry.value.get("lock") {
                Some(lock) => self.never(&lock.value),
                None => false,
            };
            for what in [
                What::Undo,
                What::UndoCheck,
                What::Probe,
                What::Capture,
                What::Target,
                What::Choices,
            ] {
                if let Some(entry) = entry.value.get(what.key())
                    && let Some(tries) = self.tries(&entry.value)
                {
                    given.does.push((what, tries));
                }
            }
        }
        if let Some(tries) = self.tries(&entry.value) {
            given.does.push((What::Action, tries));
        }
        Some(given)
    }

    /// What attempts do: a word, a list of tries, or a block. `None` if a block says nothing of attempts.
    fn tries(&mut self, node: &Node) -> Option<Tries> {
        if let Some(list) = node.as_list() {
            return Some(Tries::InOrder(self.in_order(list)));
        }
        let Some(entries) = node.as_map() else {
            return Some(Tries::InOrder(vec![self.one(node)?]));
        };
        self.block(node, &keys::GIVEN);
        if let Some(passes) = node.get("passes") {
            let mut all = Vec::new();
            for pass in self.list(&passes.value) {
                all.push(match pass.as_list() {
                    Some(list) => self.in_order(list),
                    None => self.one(pass).into_iter().collect(),
                });
            }
            return Some(Tries::ByPass(all));
        }
        if let Some(tries) = node.get("tries") {
            let list = self.list(&tries.value);
            return Some(Tries::InOrder(self.in_order(list)));
        }
        let own = |entry: &Entry| {
            let others = [
                "undo",
                "undo_check",
                "probe",
                "capture",
                "target",
                "choices",
                "skipped",
                "lock",
            ];
            !others.contains(&entry.key.text.as_str())
        };
        let says = entries.iter().any(own);
        says.then(|| self.one(node))
            .flatten()
            .map(|one| Tries::InOrder(vec![one]))
    }

    fn in_order(&mut self, list: &[Node]) -> Vec<Try> {
        list.iter().filter_map(|node| self.one(node)).collect()
    }

    fn one(&mut self, node: &Node) -> Option<Try> {
        if node.as_scalar().is_some() {
            return Some(Try {
                ends: self.fate(node),
                ..Try::default()
            });
        }
        let entries = self.block(node, &keys::GIVEN)?;
        let mut one = Try::default();
        let mut produced = Produced::default();
        let mut seen = false;
        for Entry { key, value } in entries {
            match key.text.as_str() {
                "ends" => one.ends = self.fate(value),
                "takes" => one.takes = self.duration(value),
                "message" => one.message = self.text(value).map(|text| text.value),
                "outputs" => one.outputs = self.values(value),
                "stdout" | "json" | "rows" | "status" | "exit_code" => {
                    seen = true;
                    self.saw(&key.text, value, &mut produced);
                }
                _ => {}
            }
        }
        if seen {
            settle(&mut produced);
            one.produced = Some(Box::new(produced));
        }
        Some(one)
    }

    /// A part of what an action saw.
    fn saw(&mut self, key: &str, node: &Node, produced: &mut Produced) {
        match key {
            "stdout" => produced.stdout = self.text(node).map(|text| text.value),
            "json" => {
                let json = value_of(node).to_json();
                produced.stdout = serde_json::to_string(&json).ok();
            }
            "rows" => {
                let rows: Vec<Value> = self.list(node).iter().map(value_of).collect();
                produced.first = rows.first().and_then(|row| match row {
                    Value::Map(columns) => columns.values().next().cloned(),
                    other => Some(other.clone()),
                });
                produced.rows = Some(rows);
            }
            "status" => {
                let status = self
                    .number(node)
                    .and_then(|number| u16::try_from(number).ok());
                produced.response = Some(Box::new(HttpResponse {
                    status: status.unwrap_or_default(),
                    headers: BTreeMap::new(),
                    body: String::new(),
                    body_cut: false,
                }));
            }
            _ => produced.exit_code = self.number(node),
        }
    }

    fn fate(&mut self, node: &Node) -> Option<Fate> {
        let text = self.text(node)?;
        let fates = [Fate::Succeeds, Fate::Fails, Fate::TimesOut, Fate::Unknown];
        let found = fates
            .into_iter()
            .find(|fate| super::write::word(*fate) == text.value);
        if found.is_none() {
            self.not_one_of(&text, &fates.map(super::write::word), "how an attempt ends");
        }
        found
    }

    fn decision(&mut self, node: &Node) -> Option<Decide> {
        let entries = self.block(node, &keys::DECIDE)?;
        let about = match node.get("node") {
            Some(entry) => self.text(&entry.value)?,
            None => {
                self.missing(node, "node", "which node the question is about");
                return None;
            }
        };
        let word = match node.get("answer") {
            Some(entry) => self.text(&entry.value)?,
            None => {
                self.missing(node, "answer", "what is answered");
                return None;
            }
        };
        let mut decide = Decide {
            node: about,
            answer: None,
            by: Vec::new(),
            after: None,
        };
        let (mut values, mut typed, mut to) = (BTreeMap::new(), String::new(), None);
        for Entry { key, value } in entries {
            match key.text.as_str() {
                "by" => decide.by = self.texts(value),
                "after" => decide.after = self.duration(value),
                "values" => values = self.values(value),
                "typed" => typed = self.text(value).map(|text| text.value).unwrap_or_default(),
                "to" => to = self.text(value),
                _ => {}
            }
        }
        if word.value == "nothing" {
            return Some(decide);
        }
        decide.answer = Some(self.said(node, &word, values, typed, to)?);
        Some(decide)
    }

    fn said(
        &mut self,
        node: &Node,
        word: &Spanned<String>,
        values: BTreeMap<String, Value>,
        typed: String,
        to: Option<Spanned<String>>,
    ) -> Option<Said> {
        let answer = match word.value.as_str() {
            "approve" => Answer::Approve,
            "reject" => Answer::Reject,
            "done" => Answer::Done {
                answers: values,
                ticked: 0,
            },
            "failed" => Answer::Failed,
            "confirm" => Answer::Confirm { typed },
            "succeeded" => Answer::Succeeded {
                outputs: values,
                evidence: None,
            },
            "did-not-happen" => Answer::DidNotHappen,
            "retry" => Answer::Retry,
            "skip" => Answer::Skip { outputs: values },
            "rollback" => Answer::Rollback,
            "stop" => Answer::Stop,
            "undone-by-hand" => Answer::UndoneByHand,
            "abandon-undo" => Answer::AbandonUndo,
            "rewind" => {
                if to.is_none() {
                    self.missing(node, "to", "which node `rewind` goes back to");
                }
                return to.map(Said::Rewind);
            }
            _ => {
                const WORDS: [&str; 15] = [
                    "approve",
                    "reject",
                    "done",
                    "failed",
                    "confirm",
                    "succeeded",
                    "did-not-happen",
                    "retry",
                    "skip",
                    "rewind",
                    "rollback",
                    "stop",
                    "undone-by-hand",
                    "abandon-undo",
                    "nothing",
                ];
                self.not_one_of(word, &WORDS, "an answer");
                return None;
            }
        };
        Some(Said::Answer(answer))
    }

    fn expect(&mut self, node: &Node) -> Option<Expect> {
        let entries = self.block(node, &keys::EXPECT)?;
        let mut expect = Expect::default();
        for Entry { key, value } in entries {
            match key.text.as_str() {
                "end" => expect.end = self.end(value),
                "exit" => {
                    expect.exit = self.number(value).and_then(|number| {
                        let value_of_exit = u8::try_from(number).ok();
                        value_of_exit.map(|exit| Spanned {
                            value: exit,
                            span: value.span,
                        })
                    });
                }
                "path" => expect.path = self.nodes(value),
                "includes" => expect.includes = self.nodes(value),
                "excludes" => expect.excludes = self.nodes(value),
                "undo" => expect.undo = self.nodes(value),
                "left" => expect.left = self.nodes(value),
                "waits" => expect.waits = self.nodes(value),
                "cleanup_failed" => expect.cleanup_failed = self.nodes(value),
                "pages" => {
                    let pages = self.list(value).iter();
                    expect.pages = Some(Spanned {
                        value: pages.filter_map(|page| self.page(page)).collect(),
                        span: value.span,
                    });
                }
                "rto" => expect.rto = self.rto(value),
                "outputs" => {
                    for Entry { key, value } in self.map(value) {
                        let name = Spanned {
                            value: key.text.clone(),
                            span: key.span,
                        };
                        let values = self.values(value);
                        expect.outputs.push((name, values));
                    }
                }
                _ => {}
            }
        }
        Some(expect)
    }

    fn end(&mut self, node: &Node) -> Option<Spanned<String>> {
        const ENDS: [&str; 6] = [
            "succeeded",
            "failed",
            "rolled back",
            "partly rolled back",
            "waiting",
            "stuck",
        ];
        let text = self.text(node)?;
        if !ENDS.contains(&text.value.as_str()) {
            self.not_one_of(&text, &ENDS, "how a run ends");
        }
        Some(text)
    }

    fn page(&mut self, node: &Node) -> Option<PageSent> {
        let entries = self.block(node, &keys::PAGE)?;
        let mut page = PageSent::default();
        for Entry { key, value } in entries {
            match key.text.as_str() {
                "node" => page.node = self.text(value).map(|text| text.value),
                "policy" => page.policy = self.text(value).map(|text| text.value),
                "level" => {
                    page.level = self
                        .number(value)
                        .and_then(|number| u32::try_from(number).ok());
                }
                "to" => page.to = Some(self.texts(value)),
                "after" => page.after = self.duration(value),
                _ => {}
            }
        }
        Some(page)
    }

    fn rto(&mut self, node: &Node) -> Option<RtoFigure> {
        let entries = self.block(node, &keys::RTO)?;
        let mut figure = RtoFigure {
            span: node.span,
            ..RtoFigure::default()
        };
        for Entry { key, value } in entries {
            match key.text.as_str() {
                "took" => figure.took = self.duration(value),
                "met" => figure.met = self.truth(value),
                _ => {}
            }
        }
        Some(figure)
    }

    fn nodes(&mut self, node: &Node) -> Option<Spanned<Vec<String>>> {
        let value = self.texts(node);
        Some(Spanned {
            value,
            span: node.span,
        })
    }
}

/// What was given as the text of an answer belongs to its body.
fn settle(produced: &mut Produced) {
    if let Some(response) = &mut produced.response {
        response.body = produced.stdout.take().unwrap_or_default();
    } else if produced.rows.is_none() {
        produced.exit_code.get_or_insert(0);
        produced.stdout.get_or_insert_with(String::new);
    }
}

//! Statements and blocks: from the shape of Piton's own language to the one tree of both syntaxes.

use pest::iterators::Pair;

use super::grammar::Rule;
use super::map::{MapBuilder, Part};
use super::value::{as_duration, spelled_unit, unreadable};
use super::{Reader, place, shorten};
use crate::diagnostic::Diagnostic;
use crate::fix::Fix;
use crate::node::{Entry, Kind, Node, Scalar, Style};
use crate::schema::{BLOCKS, NamedBlock, Shape};
use crate::source::Span;

/// What a missing `{ … }` is explained for.
fn is_block_word(word: &str) -> bool {
    word == "runbook" || BLOCKS.iter().any(|block| block.keyword == word)
}

/// How a block with this word, and this name if it takes one, is written.
fn block_form(word: &str, name: &str) -> String {
    let unnamed = |block: &&NamedBlock| block.keyword == word && block.shape == Shape::Unnamed;
    if BLOCKS.iter().any(|block| unnamed(&block)) {
        return format!("write `{word} {{ … }}`");
    }
    format!("write `{word} {name} {{ … }}`")
}

/// Whether a block of this kind is collected under its plural in the block `within`.
fn is_collected(block: &NamedBlock, within: Option<&str>) -> bool {
    !block.plain_in.iter().any(|plain| Some(*plain) == within)
}

impl<'a> Reader<'a> {
    /// The file's one block, `runbook NAME { … }`, with what stands wrongly outside it.
    pub(super) fn file(&mut self, file: Pair<'a, Rule>) -> Option<Node> {
        self.braces(&file);
        let mut map = MapBuilder::default();
        let mut span: Option<Span> = None;
        let mut outside: Vec<Pair<'a, Rule>> = Vec::new();
        for pair in file.into_inner() {
            let here = place(&pair);
            match pair.as_rule() {
                Rule::junk => self.junk(here),
                Rule::open_comment => self.open_comment(here),
                Rule::stray | Rule::EOI => {}
                rule if rule.is_comment() => {}
                Rule::block if keyword(&pair) == "runbook" => {
                    if let Some(first) = span {
                        self.second_runbook(first, here);
                    } else {
                        span = Some(here);
                        self.runbook(pair, &mut map);
                    }
                }
                _ => outside.push(pair),
            }
        }
        let first = outside.first().map(place);
        let anything = span.or(first);
        if span.is_none() {
            self.no_runbook(first);
            if let Some(first) = first {
                let key = Scalar::verbatim("runbook", Style::Plain, first.before());
                let value = unreadable(first.before());
                map.add(Entry { key, value }, &mut self.findings);
            }
        } else if let Some(first) = first
            && !self.damage.braces
        {
            self.outside_runbook(first);
        }
        outside.reverse();
        while let Some(pair) = outside.pop() {
            self.statement(pair, &mut map, Some("runbook"));
            outside.extend(std::mem::take(&mut self.spilled).into_iter().rev());
        }
        Some(map.finish(anything?))
    }

    fn no_runbook(&mut self, first: Option<Span>) {
        let at = first.map(Span::before).unwrap_or_default();
        self.error(
            "syntax::no-runbook",
            at,
            "the file has no `runbook NAME { … }` block",
            "everything in the file stands in it",
            "begin the file with `runbook NAME {` and end it with `}`",
        );
    }

    fn second_runbook(&mut self, first: Span, second: Span) {
        let word = |span: Span| Span::new(span.start, span.start + "runbook".len());
        let diagnostic = Diagnostic::error(
            "syntax::second-runbook",
            word(second),
            "a file holds one runbook",
            "a second one",
        )
        .label(word(first), "the first one")
        .help("move it to a file of its own");
        self.findings.add(diagnostic);
    }

    fn outside_runbook(&mut self, first: Span) {
        let text = self.text.get(first.range()).unwrap_or_default();
        let message = format!("`{}` stands outside the `runbook` block", shorten(text));
        let first = Span::new(first.start, first.start + shorten_len(text));
        let help = "move it between the braces of `runbook NAME { … }`";
        self.error("syntax::outside-runbook", first, message, "", help);
    }

    fn runbook(&mut self, block: Pair<'a, Rule>, map: &mut MapBuilder) {
        let Some((key, name, body)) = self.header(block, true) else {
            return;
        };
        map.add(Entry { key, value: name }, &mut self.findings);
        self.statements(body, map, Some("runbook"));
    }

    /// The statements of a block. Where a `}` is missing somewhere, those that are indented no further than the line
    /// that opens the block are handed to an outer one, so that the later passes do not find them in the wrong place.
    fn statements(&mut self, body: Pair<'a, Rule>, map: &mut MapBuilder, within: Option<&str>) {
        let outermost = within == Some("runbook");
        let indent = self.lines.indent(place(&body).start);
        let mut outgoing = Vec::new();
        let mut queue = Vec::new();
        for pair in body.into_inner() {
            let mut next = Some(pair);
            while let Some(pair) = next {
                let spills = self.damage.unclosed
                    && !outermost
                    && pair.as_rule() != Rule::unclosed
                    && self
                        .lines
                        .own_indent(place(&pair).start)
                        .is_some_and(|own| own <= indent);
                if spills {
                    outgoing.push(pair);
                } else {
                    self.statement(pair, map, within);
                    queue.extend(std::mem::take(&mut self.spilled).into_iter().rev());
                }
                next = queue.pop();
            }
        }
        self.spilled.extend(outgoing);
    }

    /// The keyword, the name and the body of a block. A missing name is reported where one is needed.
    fn header(
        &mut self,
        block: Pair<'a, Rule>,
        needs_name: bool,
    ) -> Option<(Scalar, Node, Pair<'a, Rule>)> {
        let mut parts = block.into_inner();
        let key = self.key(&parts.next()?);
        let mut name: Option<Node> = None;
        for part in parts {
            let here = place(&part);
            match part.as_rule() {
                Rule::body => {
                    let name = name.unwrap_or_else(|| {
                        if needs_name {
                            self.missing_name(&key);
                        }
                        unreadable(key.span.after())
                    });
                    return Some((key, name, part));
                }
                Rule::string | Rule::word if name.is_none() => name = Some(self.name(&part)),
                _ => {
                    let message = format!("`{}` has more than one name", key.text);
                    let help = "a name is one word with dashes, or a text in quotes";
                    self.error("syntax::unexpected", here, message, "", help);
                }
            }
        }
        None
    }

    fn name(&mut self, pair: &Pair<'a, Rule>) -> Node {
        Node::scalar(match pair.as_rule() {
            Rule::string => self.string(pair),
            _ => Scalar::verbatim(pair.as_str(), Style::Plain, place(pair)),
        })
    }

    fn needless_name(&mut self, key: &Scalar, name: &Scalar) {
        let message = format!("a `{}` has no name", key.text);
        let help = format!("write `{} {{ … }}`", key.text);
        self.error("syntax::unexpected", name.span, message, "", help);
    }

    fn missing_name(&mut self, key: &Scalar) {
        let message = format!("this `{}` has no name", key.text);
        let help = format!("write `{} NAME {{ … }}`", key.text);
        self.error("syntax::missing-name", key.span, message, "", help);
    }

    /// A block in braces as a value. `within` is the word before it.
    pub(super) fn body(&mut self, body: Pair<'a, Rule>, within: Option<&str>) -> Node {
        let span = place(&body);
        let mut map = MapBuilder::default();
        self.statements(body, &mut map, within);
        let list = BLOCKS
            .iter()
            .any(|block| block.shape != Shape::Map && Some(block.plural) == within);
        if !list || (map.items.is_empty() && !map.entries.is_empty()) {
            return map.finish(span);
        }
        if let Some(entry) = map.entries.first() {
            let message = format!("`{}` does not belong here", entry.key.text);
            let help = format!(
                "`{}` holds only blocks of one kind",
                within.unwrap_or_default()
            );
            self.error("syntax::unexpected", entry.key.span, message, "", help);
        }
        Node {
            span,
            kind: Kind::List(map.items),
        }
    }

    fn statement(&mut self, pair: Pair<'a, Rule>, map: &mut MapBuilder, within: Option<&str>) {
        let span = place(&pair);
        match pair.as_rule() {
            Rule::block => self.block(pair, map, within),
            Rule::assignment => self.assignment(pair, map),
            Rule::wrong_sign => self.wrong_sign(pair, map),
            Rule::no_sign => self.no_sign(pair, map),
            Rule::lone => self.lone(pair, map),
            Rule::junk => self.junk(span),
            Rule::open_comment => self.open_comment(span),
            _ => {}
        }
    }

    fn block(&mut self, pair: Pair<'a, Rule>, map: &mut MapBuilder, within: Option<&str>) {
        let span = place(&pair);
        let word = keyword(&pair);
        let collected = BLOCKS
            .iter()
            .find(|block| block.keyword == word && is_collected(block, within));
        let named = collected.is_some_and(|block| block.shape != Shape::Unnamed);
        let Some((key, name, body)) = self.header(pair, named) else {
            return;
        };
        let Some(collected) = collected else {
            let body = self.body(body, Some(&key.text));
            let Kind::Scalar(name) = name.kind else {
                map.add(Entry { key, value: body }, &mut self.findings);
                return;
            };
            // A word that the language does not know with a name: left to the schema to refuse, once for all of them.
            match map.part(&key.text, key.span, span, false) {
                Some(Part::Map(named)) => {
                    let entry = Entry {
                        key: name,
                        value: body,
                    };
                    named.add(entry, &mut self.findings);
                }
                _ => self.repeated(map, &key),
            }
            return;
        };
        if collected.shape != Shape::Map {
            let mut item = MapBuilder::default();
            let word = key.clone();
            if collected.shape == Shape::List {
                item.add(Entry { key, value: name }, &mut self.findings);
            } else if let Kind::Scalar(name) = name.kind {
                self.needless_name(&key, &name);
            }
            self.statements(body, &mut item, Some(collected.keyword));
            let item = item.finish(span);
            if within == Some(collected.plural) {
                map.items.push(item);
                return;
            }
            match map.part(collected.plural, word.span, span, true) {
                Some(Part::List(items)) => items.push(item),
                _ => self.repeated_part(map, &word, collected.plural),
            }
            return;
        }
        let value = self.body(body, Some(collected.keyword));
        let Kind::Scalar(name) = name.kind else {
            return;
        };
        let entry = Entry { key: name, value };
        if within == Some(collected.plural) {
            map.add(entry, &mut self.findings);
            return;
        }
        match map.part(collected.plural, key.span, span, false) {
            Some(Part::Map(named)) => named.add(entry, &mut self.findings),
            _ => self.repeated_part(map, &key, collected.plural),
        }
    }

    fn repeated(&mut self, map: &MapBuilder, key: &Scalar) {
        let first = map.place(&key.text).and_then(|at| map.entries.get(at));
        let first = first.map(|entry| entry.key.span).unwrap_or_default();
        self.findings
            .add(crate::syntax::duplicate_key(&key.text, key.span, first));
    }

    /// A `param` block where `params = …` stands already.
    fn repeated_part(&mut self, map: &MapBuilder, key: &Scalar, under: &str) {
        let mut implied = key.clone();
        implied.text = under.to_string();
        self.repeated(map, &implied);
    }

    fn key(&mut self, pair: &Pair<'a, Rule>) -> Scalar {
        match pair.as_rule() {
            Rule::string => self.string(pair),
            _ => Scalar::verbatim(pair.as_str(), Style::Plain, place(pair)),
        }
    }

    fn assignment(&mut self, pair: Pair<'a, Rule>, map: &mut MapBuilder) {
        let mut parts = pair.into_inner();
        if let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            self.assign(map, key, value, parts.next());
        }
    }

    /// Adds `key = value`, and says what is wrong with what follows the value on its line.
    pub(super) fn assign(
        &mut self,
        map: &mut MapBuilder,
        key: Pair<'a, Rule>,
        value: Pair<'a, Rule>,
        trailing: Option<Pair<'a, Rule>>,
    ) {
        let key = self.key(&key);
        let written = place(&value);
        let mut node = match (value.as_rule(), &trailing) {
            (Rule::missing, None) => {
                self.missing_value(&key);
                unreadable(written)
            }
            // What stands there is explained as a whole below.
            (Rule::missing, Some(_)) => unreadable(written),
            (Rule::word, Some(_)) => unreadable(written),
            (Rule::body, _) => self.body(value, Some(&key.text)),
            _ => self.value(value),
        };
        if let Some(trailing) = trailing {
            let rest = place(&trailing);
            self.trailing(&key, written, rest);
            node = unreadable(written.to(rest));
        }
        map.add(Entry { key, value: node }, &mut self.findings);
    }

    fn missing_value(&mut self, key: &Scalar) {
        let message = format!("`{}` has no value", key.text);
        let help = format!("write the value on the same line: `{} = \"…\"`", key.text);
        self.error("syntax::missing-value", key.span, message, "", help);
    }

    fn trailing(&mut self, key: &Scalar, value: Span, rest: Span) {
        self.last_bad = Some(rest);
        let text = self.text;
        let first = text.get(value.range()).unwrap_or_default();
        let after = text.get(rest.range()).unwrap_or_default();
        let whole = text.get(value.start..rest.end).unwrap_or_default();
        let key = &key.text;
        let mut words = after.split_whitespace();
        let unit = words.next().filter(|_| !first.is_empty());
        if let Some(unit) = unit.and_then(spelled_unit)
            && let Some(duration) = as_duration(&format!("{first}{unit}"))
            && words.next().is_none()
        {
            self.error(
                "syntax::bad-value",
                value.to(rest),
                format!("`{}` is not a duration", shorten(whole)),
                "",
                format!("write `{duration}`"),
            );
            return;
        }
        let operator = [
            "==", "!=", "<", ">", "+", "-", "*", "/", "&&", "||", "?", "!", ".",
        ];
        if operator.iter().any(|sign| after.starts_with(sign)) && !first.is_empty() {
            self.error(
                "syntax::bad-value",
                value.to(rest),
                "an expression stands in quotes",
                "",
                format!("write `{key} = \"{}\"`", shorten(whole).replace('"', "'")),
            );
            return;
        }
        let shown = shorten(after);
        if first.is_empty() {
            let help = format!("write a text in double quotes: `{key} = \"{shown}\"`");
            let message = format!("`{shown}` is not a value");
            self.error("syntax::bad-value", rest, message, "", help);
            return;
        }
        let help = if after.starts_with([']', ')']) {
            "remove it, or look for the bracket that should have been opened before it".to_string()
        } else if first.starts_with(['"', '[', '{']) || after.starts_with('"') {
            "several values make a list, with commas: `[a, b]`; another statement begins with `name =`"
                .to_string()
        } else {
            format!(
                "write a text with spaces in double quotes: `{key} = \"{}\"`",
                shorten(whole).replace('"', "\\\"")
            )
        };
        let message = format!("`{shown}` is too much after the value of `{key}`");
        self.error("syntax::unexpected", rest, message, "", help);
    }

    /// Writes `=` for a sign, with a blank on the sides where there is none.
    fn equals_sign(&self, at: Span) -> Fix {
        let before = self.text.get(..at.start).unwrap_or_default();
        let after = self.text.get(at.end..).unwrap_or_default();
        let blank = |is_there: bool| if is_there { "" } else { " " };
        let left = blank(before.ends_with([' ', '\t']));
        let right = blank(after.starts_with([' ', '\t']));
        Fix::new("write `=`", at, format!("{left}={right}"))
    }

    /// `key == value`, `key: value`.
    fn wrong_sign(&mut self, pair: Pair<'a, Rule>, map: &mut MapBuilder) {
        let mut parts = pair.into_inner();
        let (Some(key), Some(sign), Some(value)) = (parts.next(), parts.next(), parts.next())
        else {
            return;
        };
        let at = place(&sign);
        self.error(
            "syntax::wrong-sign",
            at,
            format!("a value is set with `=`, not with `{}`", sign.as_str()),
            "",
            format!("write `{} = …`", key.as_str()),
        );
        // `+=` may have been meant to add to something.
        if value.as_rule() != Rule::missing && sign.as_str() != "+=" {
            let fix = self.equals_sign(at);
            self.findings.mend_last(fix);
        }
        // One mistake a statement: the value may be missing or followed by more.
        let key = self.key(&key);
        let node = match (value.as_rule(), parts.next()) {
            (Rule::missing, _) => unreadable(place(&value)),
            (_, Some(rest)) => unreadable(place(&value).to(place(&rest))),
            (Rule::body, None) => self.body(value, Some(&key.text)),
            (_, None) => self.value(value),
        };
        self.last_bad = Some(node.span);
        map.add(Entry { key, value: node }, &mut self.findings);
    }

    /// `key value`, or a block without braces.
    fn no_sign(&mut self, pair: Pair<'a, Rule>, map: &mut MapBuilder) {
        let span = place(&pair);
        let mut parts = pair.into_inner();
        let (Some(key), Some(value)) = (parts.next(), parts.next()) else {
            return;
        };
        self.last_bad = Some(span);
        let written = place(&value);
        let shown = shorten(value.as_str());
        if is_block_word(key.as_str()) {
            self.error(
                "syntax::missing-block",
                place(&key).to(written),
                format!("`{} {shown}` has no block", key.as_str()),
                "",
                block_form(key.as_str(), &shown),
            );
            return;
        }
        let rest = parts.next();
        if rest.is_some() && value.as_rule() == Rule::word {
            let text = self.text.get(span.range()).unwrap_or_default();
            let message = format!("`{}` is neither `name = value` nor a block", shorten(text));
            let help =
                "write `name = value`, or a block as `name { … }`; a comment begins with `#`";
            self.error("syntax::unexpected", span, message, "not understood", help);
            return;
        }
        self.error(
            "syntax::missing-sign",
            place(&key).after(),
            format!("`=` is missing after `{}`", key.as_str()),
            "",
            format!("write `{} = {shown}`", key.as_str()),
        );
        let key = self.key(&key);
        let value = match rest {
            Some(rest) => unreadable(written.to(place(&rest))),
            None => self.value(value),
        };
        map.add(Entry { key, value }, &mut self.findings);
    }

    /// A word alone on its line.
    fn lone(&mut self, pair: Pair<'a, Rule>, map: &mut MapBuilder) {
        let span = place(&pair);
        let Some(key) = pair.into_inner().next() else {
            return;
        };
        let key = self.key(&key);
        self.last_bad = Some(span);
        let before = self.text.get(..span.start).unwrap_or_default();
        if before.trim_end_matches([' ', '\t']).ends_with(',') {
            let message = format!("`{}` follows a comma and has no value", key.text);
            let help = "write `name = value`; several values make a list: `[a, b]`";
            self.error("syntax::missing-value", span, message, "", help);
            return;
        }
        let message = format!("`{}` has neither a value nor a block", shorten(&key.text));
        let (code, help) = if is_block_word(&key.text) {
            ("syntax::missing-block", block_form(&key.text, "NAME"))
        } else {
            let help = format!("write `{0} = value` or `{0} {{ … }}`", shorten(&key.text));
            ("syntax::missing-value", help)
        };
        self.error(code, span, message, "", help);
        if !is_block_word(&key.text) && map.place(&key.text).is_none() {
            let value = unreadable(span);
            map.add(Entry { key, value }, &mut self.findings);
        }
    }
}

/// The first word of a block.
fn keyword<'i>(block: &Pair<'i, Rule>) -> &'i str {
    let first = block.clone().into_inner().next();
    first.map_or("", |first| first.as_str())
}

/// How many bytes of a text are on its first line.
fn shorten_len(text: &str) -> usize {
    text.lines().next().unwrap_or_default().trim_end().len()
}

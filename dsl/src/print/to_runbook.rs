//! A [`Document`] of YAML as one of Piton's own language: entries of plural keys become blocks with names, and what
//! the schema knows as a call is written as one.

use super::document::{Above, Body, Document, Head, Item, Spelling, Token, Value};
use crate::node::Style;
use crate::schema::{ALL, BLOCKS, NamedBlock, Shape, Takes};
use crate::syntax::runbook::{is_exact, is_name};

/// The same document for the other syntax; `None` when it does not say what the runbook is called.
pub(super) fn convert(document: Document) -> Option<Document> {
    let mut items = document.body.items;
    let at = items
        .iter()
        .position(|item| matches!(&item.head, Head::Key(key) if key.text == "runbook"))?;
    let named = items.remove(at);
    let (Head::Key(word), Value::Token(name)) = (named.head, named.value) else {
        return None;
    };
    let statements = statements(items, Some("runbook"), true);
    let mut end = statements.rest;
    end.extend(document.body.end);
    let body = Body {
        items: statements.items,
        opened: named.behind,
        end,
        one_line: false,
    };
    let head = Head::Block(free(word, Style::Plain), Some(free(name, Style::Plain)));
    let mut file = Item::new(head, Value::Map(body));
    file.above = named.above;
    file.blank = named.blank;
    // A document's first line has no place in this syntax.
    file.above.retain(|above| above.comment != "---");
    Some(Document {
        body: Body {
            items: vec![file],
            ..Body::default()
        },
    })
}

fn free(token: Token, style: Style) -> Token {
    Token {
        text: token.text,
        style,
        spelling: Spelling::Free,
    }
}

/// Statements, and comments that came behind the last of them.
struct Statements {
    items: Vec<Item>,
    rest: Vec<Above>,
}

fn is_plain_in(block: &NamedBlock, within: Option<&str>) -> bool {
    block.plain_in.iter().any(|plain| Some(*plain) == within)
}

/// Entries of a map as statements. `spaced` puts blank lines between groups and between steps.
fn statements(entries: Vec<Item>, within: Option<&str>, spaced: bool) -> Statements {
    let mut out = Statements {
        items: Vec::new(),
        rest: Vec::new(),
    };
    for mut entry in entries {
        let mut above = std::mem::take(&mut out.rest);
        above.append(&mut entry.above);
        entry.above = above;
        let Head::Key(key) = &entry.head else {
            out.items.push(item(entry, None));
            continue;
        };
        let group = BLOCKS
            .iter()
            .find(|block| block.plural == key.text && !is_plain_in(block, within))
            .filter(|block| is_group(block, &entry.value));
        match group {
            Some(block) if block.plural == "checks" => out.items.push(wrapped(entry, block)),
            Some(block) => spread(entry, block, spaced, &mut out),
            None => out.items.push(item(entry, within)),
        }
    }
    out
}

/// Whether all that stands under a plural key can be written as blocks.
pub(super) fn is_group(block: &NamedBlock, value: &Value) -> bool {
    let map = |item: &Item| matches!(item.value, Value::Map(_));
    match (block.shape, value) {
        (Shape::Map, Value::Map(body)) => !body.items.is_empty() && body.items.iter().all(map),
        (Shape::Unnamed, Value::List(body)) => !body.items.is_empty() && body.items.iter().all(map),
        (Shape::List, Value::List(body)) => {
            !body.items.is_empty() && body.items.iter().all(|item| keyword(block, item).is_some())
        }
        _ => false,
    }
}

/// The word with which an item of a list is written as a block.
fn keyword(group: &NamedBlock, item: &Item) -> Option<&'static NamedBlock> {
    let Value::Map(body) = &item.value else {
        return None;
    };
    let first = body.items.first()?;
    let (Head::Key(key), Value::Token(name)) = (&first.head, &first.value) else {
        return None;
    };
    if name.is_nothing() || name.style == Style::Block {
        return None;
    }
    BLOCKS
        .iter()
        .find(|block| block.plural == group.plural && block.keyword == key.text)
}

/// `checks` as a block of `check` blocks.
fn wrapped(entry: Item, block: &NamedBlock) -> Item {
    let word = Token::free(block.plural, Style::Plain);
    let Item { value, .. } = &entry;
    let Some(group) = value.body().cloned() else {
        return entry;
    };
    let items = group
        .items
        .into_iter()
        .map(|item| one(item, block))
        .collect();
    let body = Body { items, ..group };
    Item::new(Head::Block(word, None), Value::Map(body)).like(&entry)
}

/// What stands under a plural key as blocks of its own.
fn spread(entry: Item, block: &NamedBlock, spaced: bool, out: &mut Statements) {
    let (Value::List(group) | Value::Map(group)) = entry.value else {
        return;
    };
    let mut above = entry.above;
    above.extend(group.opened.into_iter().map(|comment| Above {
        comment,
        blank: false,
    }));
    let count = group.items.len();
    for (at, item) in group.items.into_iter().enumerate() {
        let mut item = one(item, block);
        if at == 0 {
            let first_blank = entry.blank || spaced;
            item.blank &= !above.is_empty() || !item.above.is_empty();
            above.append(&mut item.above);
            match above.first_mut() {
                Some(first) => first.blank |= first_blank,
                None => item.blank |= first_blank,
            }
            item.above = std::mem::take(&mut above);
        } else if spaced && block.plural == "steps" {
            item.set_apart();
        }
        if at + 1 == count {
            item.behind.extend(entry.behind.iter().cloned());
        }
        out.items.push(item);
    }
    out.rest = group.end;
}

/// One item under a plural key as a block.
fn one(entry: Item, group: &NamedBlock) -> Item {
    let block = keyword(group, &entry).unwrap_or(group_block(group));
    let word = Token::free(block.keyword, Style::Plain);
    let Item {
        above,
        blank,
        head,
        value,
        behind,
    } = entry;
    let Value::Map(mut body) = value else {
        return Item {
            above,
            blank,
            head,
            value,
            behind,
        };
    };
    let mut above = above;
    let name = match (block.shape, head) {
        (Shape::Map, Head::Key(name)) => Some(free(name, Style::Plain)),
        (Shape::List, _) => {
            let mut first = body.items.remove(0);
            above.append(&mut first.above);
            let mut opened = std::mem::take(&mut body.opened);
            opened.append(&mut first.behind);
            body.opened = opened;
            match first.value {
                Value::Token(name) => Some(free(name, Style::Plain)),
                _ => None,
            }
        }
        _ => None,
    };
    Item {
        above,
        blank,
        head: Head::Block(word, name),
        value: Value::Map(inner(body, Some(block.keyword))),
        behind,
    }
}

fn group_block(group: &NamedBlock) -> &'static NamedBlock {
    BLOCKS
        .iter()
        .find(|block| block.keyword == group.keyword)
        .unwrap_or(&BLOCKS[0])
}

/// The entries of a block as its statements.
fn inner(body: Body, within: Option<&str>) -> Body {
    let statements = statements(body.items, within, false);
    let mut end = statements.rest;
    end.extend(body.end);
    Body {
        items: statements.items,
        opened: body.opened,
        end,
        one_line: body.one_line,
    }
}

/// An entry that is no group.
fn item(entry: Item, within: Option<&str>) -> Item {
    let Item {
        above,
        blank,
        head,
        value,
        behind,
    } = entry;
    let Head::Key(key) = head else {
        return Item {
            above,
            blank,
            head: Head::None,
            value: plain_value(value, ""),
            behind,
        };
    };
    let word = free(key, Style::Plain);
    let value = plain_value(value, &word.text);
    let taken = BLOCKS
        .iter()
        .any(|block| block.keyword == word.text && !is_plain_in(block, within));
    let head = match &value {
        Value::Map(_) if !taken => Head::Block(word, None),
        _ => Head::Key(word),
    };
    Item {
        above,
        blank,
        head,
        value,
        behind,
    }
}

/// A value under `key`, or in the list under it.
fn plain_value(value: Value, key: &str) -> Value {
    match value {
        Value::Token(token) => Value::Token(token_of(token, key)),
        Value::List(body) => {
            let items = body.items.into_iter().map(|entry| {
                let value = plain_value(entry.value, key);
                Item { value, ..entry }
            });
            Value::List(Body {
                items: items.collect(),
                ..body
            })
        }
        Value::Map(body) => match call(&body, key) {
            Some(Takes::Block(_)) => word_block(body),
            Some(_) => called(body),
            None => Value::Map(inner(body, Some(key).filter(|key| !key.is_empty()))),
        },
        other => other,
    }
}

fn token_of(token: Token, key: &str) -> Token {
    let style = match token.style {
        Style::Block => Style::Block,
        _ if words(key).any(|word| word == token.text) => Style::Plain,
        Style::Plain if is_value(&token) => Style::Plain,
        _ => Style::Quoted,
    };
    free(token, style)
}

/// Whether a word without quotes means more than its letters.
fn is_value(token: &Token) -> bool {
    token.is_nothing()
        || matches!(token.text.as_str(), "true" | "false")
        || (is_exact(&token.text)
            && !token
                .text
                .starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// What the keys of this name take, in the whole schema.
fn keys(name: &str) -> impl Iterator<Item = &'static Takes> {
    ALL.iter()
        .filter_map(move |block| block.key(name).map(|key| &key.takes))
}

/// The words that the schema has for a key.
fn words(key: &str) -> impl Iterator<Item = &'static str> {
    fn collect(takes: &'static Takes, found: &mut Vec<&'static str>) {
        match takes {
            Takes::OneOf(words) => found.extend(*words),
            Takes::List(of) | Takes::OneOrList(of) => collect(of, found),
            Takes::Either(forms) => forms.iter().for_each(|form| collect(form, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    keys(key).for_each(|takes| collect(takes, &mut found));
    found.into_iter()
}

/// What the call takes that a map under this key is, if it is one.
fn call(body: &Body, key: &str) -> Option<&'static Takes> {
    fn find(takes: &'static Takes, word: &str) -> Option<&'static Takes> {
        match takes {
            Takes::Call(name, of) if *name == word => Some(*of),
            Takes::List(of) | Takes::OneOrList(of) => find(of, word),
            Takes::Either(forms) => forms.iter().find_map(|form| find(form, word)),
            _ => None,
        }
    }
    let first = body.items.first()?;
    let Head::Key(word) = &first.head else {
        return None;
    };
    let found = keys(key).find_map(|takes| find(takes, &word.text))?;
    let block = matches!(found, Takes::Block(_));
    let fits = match &first.value {
        Value::Map(_) => block && body.items.len() == 1,
        Value::Token(token) => !block && !token.is_nothing(),
        _ => false,
    };
    (fits && is_name(&word.text)).then_some(found)
}

/// `abandoned("why")`.
fn called(mut body: Body) -> Value {
    let word = match body.items.first_mut() {
        Some(first) => match std::mem::replace(&mut first.head, Head::None) {
            Head::Key(word) => free(word, Style::Plain),
            _ => Token::free("", Style::Plain),
        },
        None => Token::free("", Style::Plain),
    };
    let items = body.items.into_iter().map(|entry| item(entry, None));
    let items = items.map(|item| match item.head {
        Head::Block(word, None) => Item {
            head: Head::Key(word),
            ..item
        },
        _ => item,
    });
    let mut body = Body {
        items: items.collect(),
        ..body
    };
    body.one_line = !body.has_comments();
    Value::Call(word, body)
}

/// `probe { … }`.
fn word_block(mut body: Body) -> Value {
    let alone = !body.has_comments();
    match body.items.pop() {
        Some(Item {
            above,
            head: Head::Key(word),
            value: Value::Map(of),
            behind,
            ..
        }) => {
            let mut of = inner(of, Some(&word.text));
            let mut opened = body.opened;
            opened.extend(above.into_iter().map(|above| above.comment));
            opened.append(&mut of.opened);
            of.opened = opened;
            of.end.extend(behind.into_iter().map(|comment| Above {
                comment,
                blank: false,
            }));
            of.end.append(&mut body.end);
            of.one_line &= alone;
            Value::Word(free(word, Style::Plain), of)
        }
        _ => Value::Map(body),
    }
}

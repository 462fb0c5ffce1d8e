//! A [`Document`] of Piton's own language as one of YAML: blocks with names become entries of their plural key.

use super::document::{Above, Body, Comment, Document, Head, Item, Spelling, Token, Value};
use super::to_runbook::is_group;
use crate::node::Style;
use crate::schema::{BLOCKS, NamedBlock, Shape};

/// The same document for the other syntax; `None` when it is not one runbook.
pub(super) fn convert(document: Document) -> Option<Document> {
    let mut items = document.body.items.into_iter();
    let (Some(file), None) = (items.next(), items.next()) else {
        return None;
    };
    let (Head::Block(word, Some(name)), Value::Map(inner)) = (file.head, file.value) else {
        return None;
    };
    let mut first = Item::new(Head::Key(free(word)), Value::Token(free(name)));
    first.above = above(file.above);
    first.blank = file.blank;
    first.behind = inner.opened.into_iter().flat_map(comment).collect();
    let mut body = Body {
        items: vec![first],
        ..Body::default()
    };
    body.items
        .extend(entries(inner.items, Some("runbook"), false));
    space(&mut body);
    body.end = above(inner.end);
    body.end.extend(
        file.behind
            .into_iter()
            .flat_map(comment)
            .map(|comment| Above {
                comment,
                blank: false,
            }),
    );
    body.end.extend(above(document.body.end));
    // In the other syntax these come first in their block, where no blank line is kept.
    if let (1, Some(first)) = (body.items.len(), body.end.first_mut()) {
        first.blank = false;
    }
    Some(Document { body })
}

/// Blank lines between groups and between steps, as the other direction makes them too.
fn space(body: &mut Body) {
    for item in &mut body.items {
        let plural = match &item.head {
            Head::Key(key) => BLOCKS.iter().find(|block| block.plural == key.text),
            _ => None,
        };
        let apart = |block: &&NamedBlock| block.plural != "checks" && is_group(block, &item.value);
        let Some(plural) = plural.filter(apart) else {
            continue;
        };
        let (Value::List(group) | Value::Map(group)) = &mut item.value else {
            continue;
        };
        item.blank = true;
        if plural.plural == "steps" {
            group.items.iter_mut().skip(1).for_each(Item::set_apart);
        }
    }
}

/// A token whose spelling is chosen anew.
fn free(token: Token) -> Token {
    let style = match token.style {
        Style::Block if !token.text.contains('\n') => Style::Quoted,
        style => style,
    };
    Token {
        text: token.text,
        style,
        spelling: Spelling::Free,
    }
}

/// A comment as comments of YAML, one a line.
fn comment(comment: Comment) -> Vec<Comment> {
    let mark = |text: &str| match text {
        "" => "#".to_owned(),
        text => format!("# {text}"),
    };
    if comment.starts_with('#') {
        return vec![comment];
    }
    if let Some(text) = comment.strip_prefix("//") {
        return vec![format!("#{text}")];
    }
    let inner = comment.strip_prefix("/*").unwrap_or(&comment);
    let inner = inner.strip_suffix("*/").unwrap_or(inner);
    inner.trim().lines().map(|line| mark(line.trim())).collect()
}

fn above(above: Vec<Above>) -> Vec<Above> {
    let mut out = Vec::new();
    for one in above {
        let mut blank = one.blank;
        let mut lines = comment(one.comment);
        if lines.is_empty() {
            lines.push("#".to_owned());
        }
        for comment in lines {
            out.push(Above { comment, blank });
            blank = false;
        }
    }
    out
}

fn body(inner: Body, convert: impl FnOnce(Vec<Item>) -> Vec<Item>) -> Body {
    Body {
        items: convert(inner.items),
        opened: inner.opened.into_iter().flat_map(comment).collect(),
        end: above(inner.end),
        one_line: inner.one_line,
    }
}

fn collected(word: &Token, within: Option<&str>) -> Option<&'static NamedBlock> {
    BLOCKS.iter().find(|block| {
        block.keyword == word.text && !block.plain_in.iter().any(|plain| Some(*plain) == within)
    })
}

/// Statements as the entries of a map. Groups that come to be in a block of several lines take several lines too.
fn entries(items: Vec<Item>, within: Option<&str>, one_line: bool) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::new();
    for item in items {
        let Item {
            above: comments,
            blank,
            head,
            value: inner,
            behind,
        } = item;
        let dressed = |head, value| Item {
            above: above(comments),
            blank,
            head,
            value,
            behind: behind.into_iter().flat_map(comment).collect(),
        };
        match (head, inner) {
            (Head::Block(word, name), Value::Map(inner)) => {
                match (collected(&word, within), name) {
                    (Some(block), name) => {
                        let item = dressed(Head::None, Value::Token(Token::free("", Style::Plain)));
                        let item = named(block, word, name, inner, item);
                        if within == Some(block.plural) {
                            out.push(item);
                        } else {
                            let list = block.shape != Shape::Map;
                            join(&mut out, block.plural, list, one_line, item);
                        }
                    }
                    (None, None) => {
                        let value = block(inner, &word.text);
                        out.push(dressed(Head::Key(free(word)), value));
                    }
                    (None, Some(name)) => {
                        let value = block(inner, &word.text);
                        let item = dressed(Head::Key(free(name)), value);
                        join(&mut out, &word.text, false, one_line, item);
                    }
                }
            }
            (Head::Key(key), inner) => {
                let value = value(inner, Some(&key.text));
                out.push(dressed(Head::Key(free(key)), value));
            }
            (_, inner) => out.push(dressed(Head::None, value(inner, None))),
        }
    }
    out
}

/// A block that is collected under its plural, as an item of that.
fn named(block: &NamedBlock, word: Token, name: Option<Token>, inner: Body, item: Item) -> Item {
    let one_line = inner.one_line;
    let mut body = body(inner, |items| entries(items, Some(block.keyword), one_line));
    match (block.shape, name) {
        (Shape::Map, Some(name)) => Item {
            head: Head::Key(free(name)),
            value: Value::Map(body),
            ..item
        },
        (Shape::List, Some(name)) => {
            let mut first = Item::new(Head::Key(free(word)), Value::Token(free(name)));
            first.behind = std::mem::take(&mut body.opened);
            body.items.insert(0, first);
            Item {
                value: Value::Map(body),
                ..item
            }
        }
        _ => Item {
            value: Value::Map(body),
            ..item
        },
    }
}

/// Adds an item under a plural key, which comes where the first of its items does.
fn join(out: &mut Vec<Item>, plural: &str, list: bool, one_line: bool, item: Item) {
    let key = |other: &&mut Item| matches!(&other.head, Head::Key(key) if key.text == plural);
    if let Some(group) = out.iter_mut().find(key)
        && let Value::List(body) | Value::Map(body) = &mut group.value
    {
        body.one_line &= is_short(&item);
        body.items.push(item);
        return;
    }
    let blank = item.above.first().map_or(item.blank, |above| above.blank);
    let body = Body {
        one_line: one_line && is_short(&item),
        items: vec![item],
        ..Body::default()
    };
    let value = if list {
        Value::List(body)
    } else {
        Value::Map(body)
    };
    let mut group = Item::new(Head::Key(Token::free(plural, Style::Plain)), value);
    group.blank = blank;
    out.push(group);
}

/// Whether it stands on one line.
fn is_short(item: &Item) -> bool {
    item.value.body().is_none_or(|body| body.one_line)
}

/// The block of a word: a list or a map by name for `checks { check … }`, else a map.
fn block(inner: Body, word: &str) -> Value {
    let plural = BLOCKS.iter().find(|block| block.plural == word);
    let list = plural.is_some_and(|block| block.shape != Shape::Map)
        && inner.items.iter().all(|item| {
            matches!(&item.head, Head::Block(key, _) if collected(key, Some(word)).is_some_and(|block| block.plural == word))
        });
    let one_line = inner.one_line;
    let body = body(inner, |items| entries(items, Some(word), one_line));
    if list {
        Value::List(body)
    } else {
        Value::Map(body)
    }
}

fn value(value: Value, key: Option<&str>) -> Value {
    match value {
        Value::Token(token) => Value::Token(free(token)),
        Value::List(inner) => {
            let one_line = inner.one_line;
            Value::List(body(inner, |items| entries(items, None, one_line)))
        }
        Value::Map(inner) => block(inner, key.unwrap_or_default()),
        Value::Call(word, inner) => {
            let one_line = inner.one_line;
            let mut inner = body(inner, |items| entries(items, None, one_line));
            for item in &mut inner.items {
                if matches!(item.head, Head::None) {
                    item.head = Head::Key(free(word.clone()));
                }
            }
            inner.one_line = one_line;
            Value::Map(inner)
        }
        Value::Word(word, inner) => {
            let one_line = inner.one_line;
            let value = block(inner, &word.text);
            let mut body = Body {
                items: vec![Item::new(Head::Key(free(word)), value)],
                ..Body::default()
            };
            body.one_line = one_line;
            Value::Map(body)
        }
    }
}

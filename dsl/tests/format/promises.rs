//! What formatting and converting promise, put so that it can be tried on any text.

use piton_dsl::node::{Entry, Kind, Node, Style};
use piton_dsl::print::{self, Refused};
use piton_dsl::schema::BLOCKS;
use piton_dsl::source::{SourceFile, Syntax};
use piton_dsl::syntax;
use piton_dsl::{Params, check, compile};

/// The tree of a text without mistakes.
pub(crate) fn tree(name: &str, text: &str) -> Option<Node> {
    let parsed = syntax::parse(&SourceFile::new(name, text));
    parsed.diagnostics.is_empty().then_some(parsed.root)?
}

/// A name of a file in the other syntax.
pub(crate) fn other(name: &str) -> &'static str {
    match Syntax::of(name) {
        Syntax::Runbook => "t.runbook.yaml",
        Syntax::Yaml => "t.runbook",
    }
}

/// Everything that formatting promises for this text. Whether it was formatted at all.
pub(crate) fn format_holds(name: &str, text: &str) -> bool {
    let file = SourceFile::new(name, text);
    let Some(before) = tree(name, text) else {
        assert!(matches!(print::format(&file), Err(Refused::Mistakes(found)) if !found.is_empty()));
        return false;
    };
    if before.as_map().is_none() {
        assert!(matches!(print::format(&file), Err(Refused::Unsayable(_))));
        return false;
    }
    let once = print::format(&file).unwrap_or_else(|why| panic!("{why:?}\n{text}"));
    let after = tree(name, &once).unwrap_or_else(|| panic!("{text}\n-----\n{once}"));
    assert_eq!(said(&before), said(&after), "{text}\n-----\n{once}");
    let twice = print::format(&SourceFile::new(name, once.as_str())).expect("formatted again");
    assert_eq!(once, twice, "formatting again changes it:\n{text}");
    owners_stay(name, text, name, &once);
    layout_is_clean(name, &once, &after);
    true
}

/// Everything that converting promises for this text. Whether it was converted.
pub(crate) fn convert_holds(name: &str, text: &str) -> bool {
    let convert = |name: &str, text: &str| print::convert(&SourceFile::new(name, text));
    let there = match convert(name, text) {
        Ok(there) => there,
        Err(Refused::Changed(found)) => panic!("{found:?}\n{text}"),
        Err(_) => return false,
    };
    let away = other(name);
    let back =
        convert(away, &there).unwrap_or_else(|why| panic!("{why:?}\n{text}\n-----\n{there}"));
    let again =
        convert(name, &back).unwrap_or_else(|why| panic!("{why:?}\n{there}\n-----\n{back}"));
    assert_eq!(
        there, again,
        "a second conversion changes more:\n{text}\n-----\n{back}"
    );
    for (name, text) in [(away, &there), (name, &back)] {
        let formatted = print::format(&SourceFile::new(name, text.as_str()));
        assert_eq!(formatted.as_ref(), Ok(text), "its layout is not ours");
    }
    let (before, after) = (tree(name, text), tree(away, &there));
    let (before, after) = (before.expect("a tree"), after.expect("a tree"));
    assert!(
        before.same_as(&after) || has_nothing(&before),
        "{text}\n-----\n{there}"
    );
    owners_stay(name, text, away, &there);
    same_meaning(name, text, away, &there);
    true
}

/// What a file means is the same in both syntaxes: what `check` finds, and the plan.
fn same_meaning(name: &str, text: &str, away: &str, there: &str) {
    let (before, after) = (
        check(&SourceFile::new(name, text)),
        check(&SourceFile::new(away, there)),
    );
    let codes = |checked: &piton_dsl::Checked| {
        let mut codes: Vec<_> = checked.diagnostics.iter().map(|found| found.code).collect();
        codes.sort_unstable();
        codes
    };
    assert_eq!(codes(&before), codes(&after), "{text}\n-----\n{there}");
    if let (Some(before), Some(after)) = (before.runbook, after.runbook) {
        let plan = |runbook| compile(runbook, &Params::new()).map(|plan| plan.digest());
        let (before, after) = (plan(&before), plan(&after));
        assert_eq!(
            format!("{before:?}"),
            format!("{after:?}"),
            "{text}\n-----\n{there}"
        );
    }
}

fn has_nothing(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) => is_nothing(&scalar.text, scalar.style),
        Kind::List(items) => items.iter().any(has_nothing),
        Kind::Map(entries) => entries.iter().any(|entry| has_nothing(&entry.value)),
        Kind::Unreadable => false,
    }
}

fn is_nothing(text: &str, style: Style) -> bool {
    style == Style::Plain && matches!(text, "" | "~" | "null")
}

/// A tree as text: order and quoting count.
fn said(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(scalar) => format!("{:?} {:?}", scalar.style, scalar.text),
        Kind::List(items) => format!(
            "[{}]",
            items.iter().map(said).collect::<Vec<_>>().join(", ")
        ),
        Kind::Map(entries) => {
            let entry = |entry: &piton_dsl::node::Entry| {
                format!("{:?}: {}", entry.key.text, said(&entry.value))
            };
            format!(
                "{{{}}}",
                entries.iter().map(entry).collect::<Vec<_>>().join(", ")
            )
        }
        Kind::Unreadable => "unreadable".to_owned(),
    }
}

/// A key or a value that stands in the file: its place, and whether it is a key with a single value behind it.
struct Leaf {
    start: usize,
    end: usize,
    key: bool,
    /// Whether it is a text of several lines, before whose first line YAML may have a comment, or the word of a named block.
    block: bool,
}

/// The keys and values of a file in order, without the plural keys, which one syntax only implies.
fn leaves(node: &Node, text: &str, found: &mut Vec<Leaf>) {
    match &node.kind {
        Kind::Scalar(scalar) => {
            // What is absent in one syntax is a word in the other.
            if !is_nothing(&scalar.text, scalar.style) {
                found.push(Leaf {
                    start: scalar.span.start,
                    end: scalar.span.end,
                    key: false,
                    block: scalar.style == Style::Block,
                });
            }
        }
        Kind::List(items) => items.iter().for_each(|item| leaves(item, text, found)),
        Kind::Map(entries) => {
            for entry in entries {
                let plural = BLOCKS.iter().any(|block| block.plural == entry.key.text);
                if !(plural && entry.value.as_scalar().is_none()) {
                    found.push(Leaf {
                        start: entry.key.span.start,
                        end: entry.key.span.end,
                        key: entry.value.as_scalar().is_some(),
                        block: is_named(entry, text),
                    });
                }
                leaves(&entry.value, text, found);
            }
        }
        Kind::Unreadable => {}
    }
}

/// Whether it is the word of a block with a name behind it, which is a key of its own in the other syntax: what stands
/// above both belongs to both.
fn is_named(entry: &Entry, text: &str) -> bool {
    let inner = entry.value.as_map().and_then(<[_]>::first);
    let between = inner.and_then(|inner| text.get(entry.key.span.end..inner.key.span.start));
    between.is_some_and(|between| between.trim_matches([' ', '\t']).is_empty())
}

/// Where everything begins that is written down, with what is empty, in the order of the tree.
fn starts(node: &Node, found: &mut Vec<usize>) {
    match &node.kind {
        Kind::List(items) if !items.is_empty() => {
            items.iter().for_each(|item| starts(item, found));
        }
        Kind::Map(entries) if !entries.is_empty() => {
            for entry in entries {
                // A plural key, which one syntax only implies, has no place of its own.
                if !BLOCKS.iter().any(|block| block.plural == entry.key.text) {
                    found.push(entry.key.span.start);
                }
                starts(&entry.value, found);
            }
        }
        _ => found.push(node.span.start),
    }
}

/// Where lists and maps in brackets begin and end.
fn brackets(node: &Node, text: &str, found: &mut Vec<(usize, usize)>) {
    if text[..node.span.end].ends_with(['}', ']']) {
        found.push((node.span.start, node.span.end));
    }
    match &node.kind {
        Kind::List(items) => items.iter().for_each(|item| brackets(item, text, found)),
        Kind::Map(entries) => {
            for entry in entries {
                brackets(&entry.value, text, found);
            }
        }
        Kind::Scalar(_) | Kind::Unreadable => {}
    }
}

/// Every comment: what it says, and how many keys and values stand before it, at least and at most. One between a key
/// and its single value belongs to both, and may stand before or behind them as well.
/// Where blocks of one kind stand apart, or the name comes late, the other syntax has them in another order, and only
/// the order of the comments counts.
fn owned(name: &str, text: &str) -> (Vec<(String, usize, usize)>, bool) {
    let root = tree(name, text).expect("a tree");
    let mut found = Vec::new();
    leaves(&root, text, &mut found);
    let first = root.as_map().and_then(<[_]>::first);
    let mut places = Vec::new();
    starts(&root, &mut places);
    let in_order = places.is_sorted() && first.is_some_and(|first| first.key.text == "runbook");
    let mut containers = Vec::new();
    brackets(&root, text, &mut containers);
    found.sort_by_key(|leaf| leaf.start);
    let mut comments = Vec::new();
    let mut at = 0;
    for number in 0..=found.len() {
        let until = found.get(number).map_or(text.len(), |leaf| leaf.start);
        let held = number.checked_sub(1).and_then(|before| found.get(before));
        let room = usize::from(held.is_some_and(|leaf| leaf.key));
        let ahead = usize::from(found.get(number).is_some_and(|leaf| leaf.block));
        while let Some((start, end)) = comment(name, text, at, until) {
            // Behind a block, it belongs to the block, and may stand anywhere in it.
            let before = text[..start].trim_end_matches([' ', '\t', ',']).len();
            let opened = containers.iter().find(|place| place.1 == before);
            let least = opened.map_or(number - room, |place| {
                found.iter().filter(|leaf| leaf.start < place.0).count()
            });
            for line in words(&text[start..end]) {
                comments.push((line, least, number + room.max(ahead)));
            }
            at = end;
        }
        at = found.get(number).map_or(at, |leaf| leaf.end);
    }
    (comments, in_order)
}

/// The next comment between two places with nothing but signs in between.
fn comment(name: &str, text: &str, from: usize, until: usize) -> Option<(usize, usize)> {
    let gap = text.get(from..until.max(from))?;
    let marks: &[&str] = match Syntax::of(name) {
        Syntax::Runbook => &["#", "//", "/*"],
        Syntax::Yaml => &["#"],
    };
    let (at, mark) = marks
        .iter()
        .filter_map(|mark| Some((gap.find(mark)?, *mark)))
        .min()?;
    let start = from + at;
    let rest = &text[start..];
    let length = match mark {
        "/*" => rest.find("*/").map_or(rest.len(), |end| end + 2),
        _ => rest.find('\n').unwrap_or(rest.len()),
    };
    Some((start, start + length))
}

/// What a comment says, a line each.
fn words(comment: &str) -> Vec<String> {
    let inner = match comment.strip_prefix("/*") {
        Some(inner) => inner.strip_suffix("*/").unwrap_or(inner),
        None => comment
            .strip_prefix("//")
            .or_else(|| comment.strip_prefix('#'))
            .unwrap_or(comment),
    };
    inner
        .trim()
        .split('\n')
        .map(|line| line.trim().to_owned())
        .collect()
}

fn owners_stay(name: &str, text: &str, after_name: &str, after: &str) {
    let ((before, in_order), (now, _)) = (owned(name, text), owned(after_name, after));
    let held = in_order || name == after_name;
    let same = before.len() == now.len()
        && before
            .iter()
            .zip(&now)
            .all(|(a, b)| a.0 == b.0 && (!held || (a.1 <= b.2 && b.1 <= a.2)));
    assert!(same, "{before:?}\n{now:?}\n{text}\n-----\n{after}");
}

/// No blanks at ends of lines outside of texts, one line end at the end, no two blank lines in a row.
fn layout_is_clean(name: &str, text: &str, root: &Node) {
    assert!(
        text.ends_with('\n') && !text.starts_with('\u{feff}'),
        "{text:?}"
    );
    let mut found = Vec::new();
    leaves(root, text, &mut found);
    let inside = |at: usize| found.iter().any(|leaf| leaf.start <= at && at <= leaf.end);
    let mut at = 0;
    let mut blank = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches('\n');
        // To YAML, what Unicode calls white space besides these is text.
        let trimmed = match name.ends_with(".yaml") {
            true => bare.trim_end_matches([' ', '\t', '\r']),
            false => bare.trim_end(),
        };
        if !inside(at + trimmed.len()) {
            assert_eq!(bare, trimmed, "{text}");
            assert!(!(blank && bare.is_empty()), "two blank lines:\n{text}");
        }
        blank = bare.is_empty();
        at += line.len();
    }
}

//! The reference of the language as one Markdown page, made from the schema.
//!
//! What no table knows (what an expression may name, which decisions there are) stands in Markdown beside this file.
//! A test compares the page with `docs/reference.md`.

use crate::schema::{ALL, Block, Key, NOT_FOR_GATES, Takes};
use piton_core::expr::function_examples;

const HEAD: &str = include_str!("reference/head.md");
const EXPRESSIONS: &str = include_str!("reference/expressions.md");
const SQL: &str = include_str!("reference/sql.md");
const DECISIONS: &str = include_str!("reference/decisions.md");

/// The whole page.
#[must_use]
pub fn reference() -> String {
    let blocks: Vec<String> = (0..ALL.len()).filter_map(block).collect();
    let functions: String = function_examples()
        .map(|(name, example)| format!("| `{example}` | {} |\n", function(name)))
        .collect();
    format!(
        "{HEAD}\n{}\n{}\n{SQL}\n{DECISIONS}",
        blocks.join("\n"),
        EXPRESSIONS.replace("{{functions}}\n", &functions)
    )
}

/// What a function does, for its row in the table.
fn function(name: &str) -> &'static str {
    match name {
        "size" => "how many items, entries or letters",
        "contains" => "whether the part is in the text",
        "startsWith" => "whether the text begins with it",
        "endsWith" => "whether the text ends with it",
        "lowerAscii" => "the letters A to Z in lower case",
        "upperAscii" => "the letters a to z in upper case",
        "trim" => "without blanks and line ends around it",
        "split" => "a list of the pieces between",
        "join" => "the texts of a list as one; without an argument, nothing stands between them",
        "replace" => "every place of the first text becomes the second",
        "string" => "a number, truth value, length of time or time as text",
        "int" => "text, a float (cut off) or a time (seconds since 1970) as a whole number",
        "double" => "text or a whole number as a float",
        "bool" => "the text `true` or `false` as a truth value",
        "duration" => "text as a length of time",
        "timestamp" => "text (RFC 3339), or seconds since 1970, as a time",
        "min" => "the least of several, or of a list",
        "max" => "the greatest of several, or of a list",
        "abs" => "a number without its sign",
        "format" => {
            "a time as text, in UTC: `%Y` `%m` `%d` `%H` `%M` `%S` `%F` `%T` and others of `strftime`"
        }
        "getHours" => "a length of time in whole hours",
        "getMinutes" => "a length of time in whole minutes",
        "getSeconds" => "a length of time in whole seconds",
        "ident" => "a name as SQL quotes it; only in the text of `sql`, as `${{ ident(x) }}`",
        _ => "",
    }
}

/// The part about a block: its keys that are not described further up, and where the others are.
fn block(place: usize) -> Option<String> {
    let (before, block) = (ALL.get(..place)?, ALL.get(place)?);
    let mut text = format!("### {}\n\n{}\n", title(block), block.doc);
    let mut elsewhere: Vec<(&Block, Vec<String>)> = Vec::new();
    for key in block.keys.iter().filter(|key| is_for(block, key)) {
        let first = before
            .iter()
            .find(|other| other.keys.iter().any(|same| std::ptr::eq(*same, *key)));
        let Some(first) = first else {
            text.push_str(&self::key(key));
            continue;
        };
        let name = format!("`{}`", key.name);
        match elsewhere
            .iter_mut()
            .find(|(other, _)| std::ptr::eq(*other, *first))
        {
            Some((_, names)) => names.push(name),
            None => elsewhere.push((first, vec![name])),
        }
    }
    for (first, names) in elsewhere {
        text.push_str(&format!("\nAs in {}: {}.\n", link(first), names.join(", ")));
    }
    Some(text)
}

fn is_for(block: &Block, key: &Key) -> bool {
    block.keyword != "gate" || !NOT_FOR_GATES.contains(&key.name)
}

fn key(key: &Key) -> String {
    let must = if key.required { ", required" } else { "" };
    let takes = match key.takes {
        // The name of the block itself; a rewind names another one.
        Takes::NodeName if key.doc.contains("name:") => "a name".to_owned(),
        ref what => takes(what),
    };
    let default = key
        .default
        .map(|value| format!(", else `{value}`"))
        .unwrap_or_default();
    // The remark about where it stands in the tree is for those who read the schema.
    let short = |example: &'static str| example.split("   # under").next().unwrap_or(example);
    format!(
        "\n**`{}`**: {}{must}{default}. {}\n\n```text\n{}\n{}\n```\n",
        key.name,
        takes,
        key.doc,
        short(key.example),
        key.yaml
    )
}

/// What a key takes, with links to the blocks.
fn takes(what: &Takes) -> String {
    match what {
        Takes::Duration => "a length of time".to_owned(),
        Takes::Backoff => "a length of time, or a range of two".to_owned(),
        Takes::Percent => "a percentage".to_owned(),
        Takes::Template => "a template".to_owned(),
        Takes::Code => "text as it stands".to_owned(),
        Takes::List(Takes::Text) => "a list of texts".to_owned(),
        Takes::List(Takes::Template) => "a list of templates".to_owned(),
        Takes::List(of) => format!("a list, of each {}", takes(of)),
        Takes::OneOrList(of) => format!("{}, or a list of such", takes(of)),
        Takes::MapOf(Takes::Block(block)) => format!("{} by name", link(block)),
        Takes::MapOf(of) => format!("names, each with {}", takes(of)),
        Takes::Block(block) => format!("a block, {}", link(block)),
        Takes::Blocks(blocks) => {
            let links: Vec<String> = blocks.iter().map(|block| link(block)).collect();
            format!("a list of {}", links.join(" and "))
        }
        Takes::Either(forms) => {
            let forms: Vec<String> = forms.iter().map(takes).collect();
            forms.join(", or ")
        }
        Takes::OneOf([word]) => format!("`{word}`"),
        Takes::Call(word, of) => match ALL.iter().find(|block| block.keyword == *word) {
            Some(block) if parent(block).is_none() => link(block),
            _ => format!("`{word}` with {}", takes(of)),
        },
        other => other.to_string(),
    }
}

/// What a block is called in its heading: its keyword, and where it stands if there are several of this keyword.
fn title(block: &Block) -> String {
    let keyword = block.keyword;
    let several = ALL.iter().filter(|other| other.keyword == keyword).count() > 1;
    match parent(block).filter(|_| several) {
        Some(of) => format!("`{keyword}` of `{of}`"),
        None => format!("`{keyword}`"),
    }
}

fn link(block: &Block) -> String {
    format!("[{}](#{})", title(block), anchor(block))
}

/// The name of a block among all blocks, as links have it.
pub(crate) fn anchor(block: &Block) -> String {
    title(block).replace('`', "").replace(' ', "-")
}

/// Where a block stands: the key that takes it, or the block of that key if both have the same name.
fn parent(block: &Block) -> Option<&'static str> {
    ALL.iter().find_map(|outer| {
        let key = outer.keys.iter().find(|key| contains(&key.takes, block))?;
        Some(if key.name == block.keyword {
            outer.keyword
        } else {
            key.name
        })
    })
}

fn contains(takes: &Takes, block: &Block) -> bool {
    match takes {
        Takes::Block(inner) => std::ptr::eq(*inner, block),
        Takes::Blocks(blocks) => blocks.iter().any(|inner| std::ptr::eq(*inner, block)),
        Takes::List(of) | Takes::OneOrList(of) | Takes::MapOf(of) | Takes::Call(_, of) => {
            contains(of, block)
        }
        Takes::Either(forms) => forms.iter().any(|form| contains(form, block)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_described() {
        for (name, _) in function_examples() {
            assert!(!function(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn every_block_has_a_heading_of_its_own() {
        let page = reference();
        for block in ALL {
            let heading = format!("### {}\n", title(block));
            assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        }
    }
}

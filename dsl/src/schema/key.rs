//! What the schema is made of.

use std::fmt;

/// A block: a named set of keys.
#[derive(Debug)]
pub struct Block {
    /// The word it is written with.
    pub keyword: &'static str,
    /// One line about it.
    pub doc: &'static str,
    /// Its keys, in the order a reader would want them.
    pub keys: &'static [&'static Key],
}

impl Block {
    /// The key of this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name).copied()
    }
}

/// A key of a block.
#[derive(Debug)]
pub struct Key {
    /// The word it is written with.
    pub name: &'static str,
    /// What may stand after it.
    pub takes: Takes,
    /// Whether the block cannot do without it.
    pub required: bool,
    /// What holds when it is not written, as it would be written.
    pub default: Option<&'static str>,
    /// One line about it.
    pub doc: &'static str,
    /// How it is written in a `.runbook` file.
    pub example: &'static str,
    /// How it is written in a `.runbook.yaml` file.
    pub yaml: &'static str,
}

/// What a key takes.
#[derive(Debug)]
pub enum Takes {
    /// Text, as it stands.
    Text,
    /// The name of a node: lower-case letters, digits and dashes.
    NodeName,
    /// The name of a thing that expressions use: lower-case letters, digits and underscores.
    Identifier,
    /// `true` or `false`.
    Bool,
    /// A whole number, at least the given one.
    Count(u32),
    /// The status of an HTTP answer.
    HttpStatus,
    /// A length of time.
    Duration,
    /// A length of time, or a range of two.
    Backoff,
    /// A part of a hundred, such as `80%`.
    Percent,
    /// An expression.
    Expression,
    /// Text in which `${{ }}` may stand.
    Template,
    /// Code for another program, taken verbatim.
    Code,
    /// A single value whose type another key gives.
    Value,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list.
    List(&'static Takes),
    /// A list, or one entry by itself.
    OneOrList(&'static Takes),
    /// Entries by name.
    MapOf(&'static Takes),
    /// A block.
    Block(&'static Block),
    /// A list of blocks.
    Blocks(&'static [&'static Block]),
    /// One of several forms.
    Either(&'static [Takes]),
    /// A word with one thing after it: `abandoned("why")`, in YAML `{abandoned: why}`.
    Call(&'static str, &'static Takes),
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Takes::Text => f.write_str("text"),
            Takes::NodeName => f.write_str("the name of a step or gate"),
            Takes::Identifier => f.write_str("a name"),
            Takes::Bool => f.write_str("`true` or `false`"),
            Takes::Count(0) => f.write_str("a whole number"),
            Takes::Count(least) => write!(f, "a whole number from {least}"),
            Takes::HttpStatus => f.write_str("a status from 100 to 599"),
            Takes::Duration => f.write_str("a length of time, such as 30s, 10m or 1h30m"),
            Takes::Backoff => f.write_str("a length of time, or a range of two such as 2s..30s"),
            Takes::Percent => f.write_str("a percentage, such as 80%"),
            Takes::Expression => f.write_str("an expression"),
            Takes::Template => f.write_str("text, in which `${{ }}` may stand"),
            Takes::Code => f.write_str("text"),
            Takes::Value => f.write_str("a single value"),
            Takes::OneOf(words) => write_choices(f, words.iter().map(|word| format!("`{word}`"))),
            Takes::List(of) => write!(f, "a list of {}", plural(of)),
            Takes::OneOrList(of) => write!(f, "{of}, or a list of {}", plural(of)),
            Takes::MapOf(of) => write!(f, "names, each with {of}"),
            Takes::Block(block) => write!(f, "a block of {}", names(block)),
            Takes::Blocks(blocks) => {
                f.write_str("a list of ")?;
                write_choices(
                    f,
                    blocks
                        .iter()
                        .map(|block| format!("`{}` blocks", block.keyword)),
                )
            }
            Takes::Either(forms) => write_choices(f, forms.iter().flat_map(forms_of)),
            Takes::Call(word, Takes::Block(block)) => write!(f, "`{word}` with {}", names(block)),
            Takes::Call(word, of) => write!(f, "`{word}` with {of}"),
        }
    }
}

/// What several of one kind are called.
fn plural(of: &Takes) -> &'static str {
    match of {
        Takes::NodeName => "names of steps and gates",
        Takes::Text | Takes::Code | Takes::Template => "texts",
        Takes::Expression => "expressions",
        Takes::Duration | Takes::Backoff => "lengths of time",
        Takes::HttpStatus => "statuses from 100 to 599",
        Takes::Value => "single values",
        _ => "such",
    }
}

/// The forms that one of several forms has itself.
fn forms_of(form: &Takes) -> Vec<String> {
    match form {
        Takes::OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect(),
        other => vec![other.to_string()],
    }
}

fn names(block: &Block) -> String {
    let names: Vec<_> = block
        .keys
        .iter()
        .map(|key| format!("`{}`", key.name))
        .collect();
    names.join(", ")
}

fn write_choices(f: &mut fmt::Formatter<'_>, choices: impl Iterator<Item = String>) -> fmt::Result {
    let choices: Vec<_> = choices.collect();
    match choices.split_last() {
        None => Ok(()),
        Some((last, [])) => f.write_str(last),
        Some((last, rest)) => write!(f, "{} or {last}", rest.join(", ")),
    }
}

/// A block of which there may be several, usually written with a name, and where it goes in the tree.
#[derive(Debug)]
pub struct NamedBlock {
    /// The word before the name.
    pub keyword: &'static str,
    /// The key that holds all such blocks.
    pub plural: &'static str,
    /// How that key holds them.
    pub shape: Shape,
    /// Blocks in which the word is an ordinary key instead.
    pub plain_in: &'static [&'static str],
}

/// How a plural key holds its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// By name: `params: {backup: {…}}`.
    Map,
    /// As a list in reading order, each with its keyword and name first: `steps: [{step: fetch, …}]`.
    List,
    /// As a list in reading order; the blocks have no names: `levels: [{page: […]}]`.
    Unnamed,
}

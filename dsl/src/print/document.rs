//! What a file is made of when its layout counts: entries with their comments, in the order they were written.
//!
//! Unlike [`crate::node::Node`], it tells a block from an assignment, knows what stood on one line, and keeps comments
//! with what they belong to. Both syntaxes are read to it and written from it.

use crate::node::Style;

/// A whole file.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    /// What stands in it: in Piton's own language one block, in YAML the entries of the file's map.
    pub(super) body: Body,
}

/// What stands between two brackets, or what is indented alike.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    pub(super) items: Vec<Item>,
    /// Comments on the line of the opening bracket, or of the key whose value this is.
    pub(super) opened: Vec<Comment>,
    /// Comments behind the last item.
    pub(super) end: Vec<Above>,
    /// Whether all of it stood on one line. Never true when there are comments in it.
    pub(super) one_line: bool,
}

/// An entry of a map, an item of a list, a statement.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Comments on lines of their own above it.
    pub(super) above: Vec<Above>,
    /// Whether a blank line stands right before it, or between it and its comments.
    pub(super) blank: bool,
    pub(super) head: Head,
    pub(super) value: Value,
    /// Comments on its last line.
    pub(super) behind: Vec<Comment>,
}

/// What stands before a value.
#[derive(Clone, Debug)]
pub(super) enum Head {
    /// Nothing: an item of a list.
    None,
    /// `key = value`, `key: value`.
    Key(Token),
    /// `word { … }`, `word name { … }`; not in YAML.
    Block(Token, Option<Token>),
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Token(Token),
    List(Body),
    Map(Body),
    /// `word(value, key = value)`; not in YAML.
    Call(Token, Body),
    /// `word { … }` as a value; not in YAML.
    Word(Token, Body),
}

/// One text, number or word.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// What it says.
    pub(super) text: String,
    pub(super) style: Style,
    /// How it is spelled, as far as that is settled.
    pub(super) spelling: Spelling,
}

/// How a token is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As the syntax likes it best.
    Free,
    /// As it was.
    AsWritten(String),
    /// The lines of a block of YAML without their indentation, and its first line without the indentation's number.
    Block { header: String, lines: Vec<String> },
    /// A text between `"""` on lines of their own.
    Raw,
}

/// A comment as it was written, its mark included.
pub(super) type Comment = String;

/// A comment on lines of its own.
#[derive(Clone, Debug)]
pub(super) struct Above {
    pub(super) comment: Comment,
    /// Whether a blank line stands above it.
    pub(super) blank: bool,
}

impl Token {
    /// A token whose spelling the writer chooses.
    pub(super) fn free(text: impl Into<String>, style: Style) -> Token {
        Token {
            text: text.into(),
            style,
            spelling: Spelling::Free,
        }
    }

    /// Whether it is a value that is not there: `null`, `~`, nothing.
    pub(super) fn is_nothing(&self) -> bool {
        self.style == Style::Plain && matches!(self.text.as_str(), "" | "~" | "null")
    }
}

impl Item {
    /// An item without comments.
    pub(super) fn new(head: Head, value: Value) -> Item {
        Item {
            above: Vec::new(),
            blank: false,
            head,
            value,
            behind: Vec::new(),
        }
    }

    /// Puts a blank line above it and its comments.
    pub(super) fn set_apart(&mut self) {
        match self.above.first_mut() {
            Some(first) => first.blank = true,
            None => self.blank = true,
        }
    }

    /// The same, with the comments and the blank line of another.
    pub(super) fn like(mut self, other: &Item) -> Item {
        self.above.clone_from(&other.above);
        self.blank = other.blank;
        self.behind.clone_from(&other.behind);
        self
    }
}

impl Value {
    /// What stands in its brackets.
    pub(super) fn body(&self) -> Option<&Body> {
        match self {
            Value::Token(_) => None,
            Value::List(body) | Value::Map(body) | Value::Call(_, body) | Value::Word(_, body) => {
                Some(body)
            }
        }
    }
}

impl Body {
    /// Whether there is a comment anywhere in it.
    pub(super) fn has_comments(&self) -> bool {
        !self.opened.is_empty()
            || !self.end.is_empty()
            || self.items.iter().any(|item| {
                !item.above.is_empty()
                    || !item.behind.is_empty()
                    || item.value.body().is_some_and(Body::has_comments)
            })
    }

    /// Adds a comment behind the last item, or on the opening line when nothing else is in between.
    pub(super) fn comment_behind(&mut self, comment: Comment) {
        match self.items.last_mut() {
            None if self.end.is_empty() => self.opened.push(comment),
            Some(last) if self.end.is_empty() => last.behind.push(comment),
            _ => self.end.push(Above {
                comment,
                blank: false,
            }),
        }
    }
}

/// Every comment of a body in the order of the file.
pub(super) fn comments(body: &Body) -> Vec<&Comment> {
    fn collect<'d>(body: &'d Body, found: &mut Vec<&'d Comment>) {
        found.extend(&body.opened);
        for item in &body.items {
            found.extend(item.above.iter().map(|above| &above.comment));
            if let Some(inner) = item.value.body() {
                collect(inner, found);
            }
            found.extend(&item.behind);
        }
        found.extend(body.end.iter().map(|above| &above.comment));
    }
    let mut found = Vec::new();
    collect(body, &mut found);
    found
}

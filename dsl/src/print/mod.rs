//! Runbooks as text: [`format()`] gives a file its layout, [`convert`] writes it in the other syntax.
//!
//! A file is read to a `Document`, which keeps its comments, and written from there. What comes out is read again and
//! compared with what went in, so that neither can change what a runbook means or lose a comment: where the writer
//! does not get it right, the file is refused.

mod comments;
mod document;
mod read_runbook;
mod read_yaml;
mod same;
mod spell;
mod to_runbook;
mod to_yaml;
mod width;
mod write_runbook;
mod write_yaml;

use crate::diagnostic::Diagnostic;
use crate::node::Node;
use crate::source::{SourceFile, Span, Syntax};
use crate::syntax;
use document::Document;

/// Why a file was not written anew. It is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has mistakes of syntax, and what it means is not known.
    Mistakes(Vec<Diagnostic>),
    /// What stands here cannot be said in the other syntax.
    Unsayable(Diagnostic),
    /// What was written did not say the same. A fault of ours; the place is where it begins to differ.
    Changed(Diagnostic),
}

impl Refused {
    /// What there is to say about the file.
    #[must_use]
    pub fn diagnostics(self) -> Vec<Diagnostic> {
        match self {
            Refused::Mistakes(found) => found,
            Refused::Unsayable(found) | Refused::Changed(found) => vec![found],
        }
    }
}

/// The text of a file in our layout. What it means, every comment and every text in it stay as they are.
///
/// # Errors
///
/// When the file has mistakes of syntax.
pub fn format(file: &SourceFile) -> Result<String, Refused> {
    let (document, root) = read(file)?;
    let text = finish(write(&document, file.syntax));
    let (after, tree) = reread(&text, file.syntax).ok_or_else(|| changed(Span::default()))?;
    if let Some(place) = same::difference(&root, &tree) {
        return Err(changed(place));
    }
    let comments = |document: &Document| same::said(&document::comments(&document.body));
    if comments(&document) != comments(&after) {
        return Err(changed(Span::default()));
    }
    Ok(text)
}

/// The text of a file in the other syntax: what it means stays, and so do the comments, their order and what they
/// belong to.
///
/// # Errors
///
/// When the file has mistakes of syntax, or says what the other syntax cannot.
pub fn convert(file: &SourceFile) -> Result<String, Refused> {
    let away = match file.syntax {
        Syntax::Runbook => "converted.runbook.yaml",
        Syntax::Yaml => "converted.runbook",
    };
    let mut there = convert_once(file)?;
    // What just fits on a line in one syntax may not in the other. Lines are only ever taken apart, so this ends.
    for _ in 0..syntax::MAX_DEPTH {
        let back = convert_once(&SourceFile::new(away, there.as_str()))?;
        let again = convert_once(&SourceFile::new(file.name.clone(), back))?;
        if again == there {
            break;
        }
        there = again;
    }
    Ok(there)
}

fn convert_once(file: &SourceFile) -> Result<String, Refused> {
    let (_, root) = read(file)?;
    let formatted = SourceFile::new(file.name.clone(), format(file)?);
    let (document, _) = read(&formatted)?;
    let owned = |comments: Vec<&String>| comments.into_iter().cloned().collect::<Vec<_>>();
    let comments = owned(document::comments(&document.body));
    let (target, converted) = match file.syntax {
        Syntax::Runbook => (Syntax::Yaml, to_yaml::convert(document)),
        Syntax::Yaml => (Syntax::Runbook, to_runbook::convert(document)),
    };
    let Some(converted) = converted else {
        return Err(no_name(root.span.before(), target));
    };
    let text = finish(write(&converted, target));
    let (after, tree) =
        reread(&text, target).ok_or_else(|| unsayable(root.span.before(), target))?;
    if let Some(place) = same::difference_of_files(&root, &tree) {
        return Err(unsayable(place, target));
    }
    let before: Vec<_> = comments.iter().collect();
    if same::said(&before) != same::said(&document::comments(&after.body)) {
        return Err(comments_move(
            file,
            &before,
            &document::comments(&after.body),
            target,
        ));
    }
    Ok(text)
}

/// Reads a file that has to be without mistakes.
fn read(file: &SourceFile) -> Result<(Document, Node), Refused> {
    let parsed = syntax::parse(file);
    if parsed.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(Refused::Mistakes(parsed.diagnostics));
    }
    let document = parsed.root.as_ref().and_then(|root| match file.syntax {
        Syntax::Runbook => read_runbook::read(&file.text),
        Syntax::Yaml => read_yaml::read(&file.text, root),
    });
    match (document, parsed.root) {
        (Some(document), Some(root)) => Ok((document, root)),
        _ => Err(Refused::Unsayable(
            Diagnostic::error(
                "syntax::not-a-map",
                Span::default(),
                "a runbook is a map of keys and values; this file holds something else",
                "",
            )
            .help("begin it with `runbook: NAME`"),
        )),
    }
}

/// Reads what was written; `None` when it has mistakes.
fn reread(text: &str, syntax: Syntax) -> Option<(Document, Node)> {
    let name = match syntax {
        Syntax::Runbook => "written.runbook",
        Syntax::Yaml => "written.runbook.yaml",
    };
    read(&SourceFile::new(name, text)).ok()
}

fn write(document: &Document, syntax: Syntax) -> String {
    match syntax {
        Syntax::Runbook => write_runbook::write(document),
        Syntax::Yaml => write_yaml::write(document),
    }
}

/// A file ends with one line end. What stands in a text at its end stays.
fn finish(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn changed(place: Span) -> Refused {
    Refused::Changed(
        Diagnostic::error(
            "syntax::layout-not-kept",
            place,
            "the layout of this file cannot be changed without changing what it says",
            "it begins to differ here",
        )
        .help("the file is as it was; this is a fault of piton: please report it with the file"),
    )
}

/// What a syntax is called.
fn called(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Runbook => "a .runbook file",
        Syntax::Yaml => "YAML",
    }
}

fn no_name(place: Span, target: Syntax) -> Refused {
    Refused::Unsayable(
        Diagnostic::error(
            "syntax::no-single-name",
            place,
            format!(
                "without one name for the runbook it cannot be written as {}",
                called(target)
            ),
            "",
        )
        .help("write `runbook: NAME` once, with a single word as the name"),
    )
}

fn unsayable(place: Span, target: Syntax) -> Refused {
    Refused::Unsayable(
        Diagnostic::error(
            "syntax::unsayable",
            place,
            format!("this cannot be said in {}", called(target)),
            "",
        )
        .help("`piton check` says whether it belongs here at all"),
    )
}

/// What is collected under one key in YAML stands apart in the file, with comments in between.
fn comments_move(
    file: &SourceFile,
    before: &[&String],
    after: &[&String],
    target: Syntax,
) -> Refused {
    let (before, after) = (same::said(before), same::said(after));
    let first = before.iter().zip(&after).find(|(a, b)| a != b);
    let text = first.map_or("", |(text, _)| text.as_str());
    let at = file.text.find(text).unwrap_or_default();
    let place = Span::new(at, at + text.len());
    Refused::Unsayable(
        Diagnostic::error(
            "syntax::comments-move",
            place,
            format!("in {} the comments of this file would stand in another order", called(target)),
            "this one would move",
        )
        .help("put blocks of one kind (`param`, `secret`, `contact`, `step`) next to each other, and one comment on a line"),
    )
}

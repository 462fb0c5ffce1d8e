//! From text to [`Node`]s, in either syntax.
//!
//! Start at [`parse`]. [`runbook`] reads Piton's own language, [`yaml`] reads YAML; both report every mistake of a
//! file in one pass and still return the tree of what they could read.

mod align;
mod codes;
mod findings;
pub mod runbook;
mod scan;
pub(crate) mod text;
pub mod yaml;

pub use codes::{CODES, CodePage};
pub(crate) use scan::hash_comments;

use crate::diagnostic::Diagnostic;
use crate::node::Node;
use crate::source::{SourceFile, Span, Syntax};

/// What became of a file's text.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The file's one map; `None` when nothing of it could be read, which `diagnostics` then explains.
    pub root: Option<Node>,
    /// What is wrong with the syntax, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file in its syntax. Never panics, and takes time and memory in proportion to the file, which may not be
/// larger than [`MAX_BYTES`].
pub fn parse(file: &SourceFile) -> Parsed {
    match file.syntax {
        Syntax::Runbook => runbook::parse(&file.text),
        Syntax::Yaml => yaml::parse(&file.text),
    }
}

/// The largest file that is read, in bytes: 16 MiB.
pub const MAX_BYTES: usize = 16 << 20;

/// How deep brackets, blocks and indentation may nest.
pub const MAX_DEPTH: usize = 64;

/// How many diagnostics are kept for a file.
pub const MAX_DIAGNOSTICS: usize = 100;

fn too_large(text: &str) -> Option<Diagnostic> {
    (text.len() > MAX_BYTES).then(|| {
        Diagnostic::error(
            "syntax::too-large",
            Span::default(),
            format!(
                "the file has {} bytes; a runbook may have {MAX_BYTES}",
                text.len()
            ),
            "",
        )
        .help("keep large data in files of its own and give the runbook their paths")
    })
}

fn duplicate_key(key: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error(
        "syntax::duplicate-key",
        second,
        format!("`{key}` is given twice"),
        "given again here",
    )
    .label(first, "given first here")
    .help("keep one of them")
}

//! The shell scripts of a file, for programs that know more about them.

use crate::lint::embedded::{self, Runner};
use crate::lower::lower;
use crate::node::Scalar;
use crate::source::SourceFile;
use crate::syntax;

/// A script, and what runs it.
#[derive(Clone, Debug)]
pub struct Script {
    /// The shell whose language it is in: `sh`, `bash`, `dash`, `ksh` or another one's name.
    pub shell: String,
    /// Its text, which knows where each part of it stands in the file.
    pub source: Scalar,
}

/// Every shell script of a file, in the order of its nodes. Those in other languages are left out, and so is what
/// cannot be read.
#[must_use]
pub fn scripts(file: &SourceFile) -> Vec<Script> {
    let parsed = syntax::parse(file);
    let Some(runbook) = parsed
        .root
        .and_then(|root| lower(&root, file.syntax, &mut Vec::new()))
    else {
        return Vec::new();
    };
    let codes = embedded::of(&runbook).codes;
    let scripts = codes.into_iter().filter_map(|code| {
        let shell = match code.runner {
            Runner::Default => "sh",
            Runner::Chosen { shell, .. } => shell,
            Runner::None => return None,
        };
        Some(Script {
            shell: shell.to_owned(),
            source: code.text?.clone(),
        })
    });
    scripts.collect()
}

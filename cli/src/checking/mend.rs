//! `piton check --fix`: makes the fixes of findings, again and again until none is left.

use crate::checking::look::{Looked, look};
use crate::checking::settings::CheckSettings;
use crate::failure::Failure;
use crate::rewrite;
use crate::runbook::{self, Settings};
use piton_dsl::fix::apply;
use piton_dsl::source::SourceFile;
use similar::TextDiff;
use std::collections::BTreeMap;
use std::path::Path;

/// How often a file is looked at again. A fix may bring to light what another can mend.
const ROUNDS: usize = 10;

/// What was mended in one file.
#[derive(Debug)]
pub struct Mended {
    /// The file as it is now.
    pub source: SourceFile,
    /// Each fix on a line: where the finding was, its code, and what was done.
    pub made: Vec<String>,
    /// The change as a unified diff.
    pub diff: String,
}

/// Works out what the fixes of a file's findings make of it; `None` when there is nothing to mend. Findings that the
/// settings leave out are not mended.
///
/// # Errors
/// When it cannot be read.
pub fn mend(path: &Path, settings: Option<&CheckSettings>) -> Result<Option<Mended>, Failure> {
    let Ok(before) = runbook::read(path)? else {
        return Ok(None);
    };
    let (mut source, mut made) = (before.clone(), Vec::new());
    for _ in 0..ROUNDS {
        let looked = look(Ok(source.clone()), &BTreeMap::new(), &Settings::default())?;
        let Some(Looked { mut found, .. }) = looked.into_iter().next() else {
            break;
        };
        if let Some(settings) = settings {
            settings.apply(&mut found);
        }
        let fixed = apply(&source.text, &found);
        if fixed.text == *source.text {
            break;
        }
        for index in fixed.made {
            let Some(finding) = found.get(index) else {
                continue;
            };
            let (line, column) = source.position(finding.span().start);
            let title = finding.fix.as_ref().map_or("", |fix| fix.title.as_str());
            made.push(format!(
                "{}:{line}:{column}: {title} [{}]",
                source.name, finding.code
            ));
        }
        source = SourceFile::new(source.name, fixed.text);
    }
    if made.is_empty() {
        return Ok(None);
    }
    let diff = diff(&before, &source);
    Ok(Some(Mended { source, made, diff }))
}

/// Writes a mended file in the place of the one that was read.
///
/// # Errors
/// When it cannot be written; then the file is as it was.
pub fn write(path: &Path, mended: &Mended) -> Result<(), Failure> {
    rewrite::replace(path, mended.source.text.as_bytes())
}

fn diff(before: &SourceFile, after: &SourceFile) -> String {
    TextDiff::from_lines(before.text.as_ref(), after.text.as_ref())
        .unified_diff()
        .header(&format!("a/{}", before.name), &format!("b/{}", after.name))
        .to_string()
}

//! What an edited runbook changes, as JSON.

use piton_core::id::RunId;
use piton_core::run::{Revised, Revision, Whole};
use serde::Serialize;
use std::path::Path;

/// What `--json` writes.
#[derive(Serialize)]
pub struct Compared<'a> {
    run: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Whether anything would change.
    differs: bool,
    /// Whether `--replan` would take it over now.
    adoptable: bool,
    /// Why the run takes over nothing now, whatever it is.
    refused: Option<String>,
    nodes: &'a [Revised],
    whole: &'a [Whole],
    asked_again: &'a [String],
}

/// What a file would change.
pub fn compared<'a>(run: &'a RunId, file: &Path, revision: &'a Revision) -> Compared<'a> {
    Compared {
        file: Some(file.display().to_string()),
        ..taken(run, revision)
    }
}

/// What was taken over.
pub fn taken<'a>(run: &'a RunId, revision: &'a Revision) -> Compared<'a> {
    let refused = revision.refused.as_ref().map(ToString::to_string);
    Compared {
        run: &run.0,
        file: None,
        differs: !revision.is_empty(),
        adoptable: refused.is_none() && revision.blocked().is_empty(),
        refused,
        nodes: &revision.nodes,
        whole: &revision.whole,
        asked_again: &revision.asked_again,
    }
}

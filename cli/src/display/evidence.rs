//! The files that were kept with a run: which, of what, and where the copies are.

use crate::display::clean::one_line;
use crate::display::style::{Line, Style};
use piton_core::id::AttemptId;
use piton_core::record::{Evidence, Kept};
use piton_core::view::{AttemptView, RunView};
use piton_runtime::store::RunDirectory;
use serde_json::Value;
use std::path::PathBuf;

/// A line for each file, below a heading; none for a run of which nothing was to be kept.
#[must_use]
pub fn lines(view: &RunView, directory: &RunDirectory) -> Vec<Line> {
    let mut lines = Vec::new();
    for node in &view.nodes {
        for attempt in &node.attempts {
            for evidence in &attempt.evidence {
                let what = format!("  {} {}", node.id, attempt.id);
                lines.push(line(&what, attempt, evidence, directory));
            }
        }
    }
    if !lines.is_empty() {
        lines.insert(0, Line::new().and("evidence"));
    }
    lines
}

fn line(what: &str, attempt: &AttemptView, evidence: &Evidence, directory: &RunDirectory) -> Line {
    let file = one_line(&evidence.file);
    let line = Line::new().with(Style::Dim, format!("{what}  ")).and(file);
    let Some(kept) = &evidence.kept else {
        return line.with(Style::Bad, format!("  {}", one_line(&evidence.why)));
    };
    let size = match kept.end_of {
        None => size(kept.bytes),
        Some(whole) => format!("the last {} of {}", size(kept.bytes), size(whole)),
    };
    let sha256: String = kept.sha256.short();
    let path = path(attempt, kept, directory).unwrap_or_default();
    let path = one_line(&path.display().to_string());
    line.with(Style::Dim, format!("  {size}, SHA-256 {sha256}…  {path}"))
}

fn path(attempt: &AttemptView, kept: &Kept, directory: &RunDirectory) -> Option<PathBuf> {
    let id: AttemptId = attempt.id.parse().ok()?;
    Some(directory.evidence(id).join(&kept.name))
}

/// Puts the path of each copy into a run as JSON.
pub fn write_paths(run: &mut Value, view: &RunView, directory: &RunDirectory) {
    for (at, node) in view.nodes.iter().enumerate() {
        for (number, attempt) in node.attempts.iter().enumerate() {
            for (place, evidence) in attempt.evidence.iter().enumerate() {
                let pointer = format!("/nodes/{at}/attempts/{number}/evidence/{place}/kept");
                let path = evidence
                    .kept
                    .as_ref()
                    .and_then(|kept| path(attempt, kept, directory));
                if let (Some(Value::Object(kept)), Some(path)) = (run.pointer_mut(&pointer), path) {
                    let path = path.display().to_string();
                    kept.insert("path".to_owned(), Value::String(path));
                }
            }
        }
    }
}

fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    match bytes {
        0..KIB => format!("{bytes} bytes"),
        KIB..1_048_576 => format!("{} KiB", bytes / KIB),
        _ => format!("{} MiB", bytes / KIB / KIB),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_the_unit_that_fits() {
        for (bytes, said) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (2048, "2 KiB"),
            (16 << 20, "16 MiB"),
        ] {
            assert_eq!(size(bytes), said);
        }
    }
}

//! `piton check`: every mistake in runbooks, each at its place.

use crate::display::style;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runbook::{self, Beside, Settings};
use clap::{Args, ValueEnum};
use piton_dsl::diagnostic::{Diagnostic, Severity};
use piton_dsl::source::SourceFile;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// What `piton check` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton check restore.runbook
  piton check runbooks/                     every runbook under a folder
  piton check --format json *.runbook.yaml  for other programs

Exits 0 when there is no error, 1 when there is one, 2 when a file cannot be read.")]
pub struct Check {
    /// Runbooks, or folders with *.runbook, *.runbook.yaml and *.runbook.yml files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How findings are written
    #[arg(long, value_enum, default_value_t = Format::Pretty)]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Let warnings count as errors
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    settings: Settings,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With the piece of source each is about
    Pretty,
    /// One JSON array
    Json,
}

/// A finding as `--format json` writes it. Lines and columns count from 1, columns in characters.
#[derive(Debug, Serialize)]
struct Finding {
    code: &'static str,
    severity: &'static str,
    message: String,
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    help: Option<String>,
}

#[derive(Default)]
struct Tally {
    files: usize,
    errors: usize,
    warnings: usize,
    unread: usize,
}

impl Check {
    /// Does it.
    ///
    /// # Errors
    /// When the output cannot be written or the settings contradict each other.
    pub fn execute(self) -> Result<Exit, Failure> {
        let json = self.json || self.format == Format::Json;
        let values = self.settings.values()?;
        let colour = style::colour(&io::stdout());
        let (mut tally, mut findings) = (Tally::default(), Vec::new());
        let (files, unwalked) = expand(&self.files);
        for failure in unwalked {
            tally.unread += 1;
            output::note(&failure.to_string());
        }
        // What is called is looked at with its callers, and reported once.
        let mut reported: BTreeSet<PathBuf> = files.iter().map(|path| real(path)).collect();
        for path in files {
            tally.files += 1;
            let (own, called) = match look(&path, &values, &self.settings) {
                Ok(looked) => looked,
                Err(failure) => {
                    tally.unread += 1;
                    output::note(&failure.to_string());
                    continue;
                }
            };
            let called = called.into_iter().filter(|(source, _)| {
                let is_new = reported.insert(real(Path::new(&source.name)));
                tally.files += usize::from(is_new);
                is_new
            });
            let looked: Vec<_> = std::iter::once(own).chain(called).collect();
            for (source, diagnostics) in looked {
                tally.errors += diagnostics.iter().filter(|found| found.is_error()).count();
                tally.warnings += diagnostics
                    .iter()
                    .filter(|found| found.severity == Severity::Warning)
                    .count();
                for diagnostic in diagnostics {
                    if json {
                        findings.push(finding(diagnostic, &source));
                    } else {
                        output::line(&runbook::pretty(diagnostic, &source, colour))?;
                    }
                }
            }
        }
        if json {
            output::json(&findings)?;
        } else {
            output::line(&summary(&tally))?;
        }
        let counted = tally.errors + if self.strict { tally.warnings } else { 0 };
        Ok(runbook::exit(counted, tally.unread))
    }
}

/// A file and what there is to say about it.
type Looked = (SourceFile, Vec<Diagnostic>);

/// The file that a path leads to, so that two ways to it are one.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// All that there is to say about a file and about those it calls; binding parameters too, when some are given or a
/// mode is.
fn look(
    path: &Path,
    values: &BTreeMap<String, String>,
    settings: &Settings,
) -> Result<(Looked, Vec<Looked>), Failure> {
    let source = match runbook::read(path)? {
        Ok(source) => source,
        Err((source, diagnostic)) => return Ok(((source, vec![diagnostic]), Vec::new())),
    };
    let checked = piton_dsl::check_with(&source, &Beside);
    let called = checked.called.into_iter();
    let called = called.map(|called| (called.file, called.diagnostics));
    let diagnostics = checked.diagnostics;
    if let (Some(runbook), false) = (
        &checked.runbook,
        settings.is_empty() || diagnostics.iter().any(Diagnostic::is_error),
    ) {
        // What is given with --set is not part of the file, and so no finding about it.
        piton_dsl::compile_mode(runbook, values, settings.mode())
            .map_err(|errors| runbook::unbound(&source.name, &errors))?;
    }
    Ok(((source, diagnostics), called.collect()))
}

fn finding(diagnostic: Diagnostic, source: &SourceFile) -> Finding {
    let span = diagnostic.span();
    let (line, column) = source.position(span.start);
    let (end_line, end_column) = source.position(span.end);
    Finding {
        code: diagnostic.code,
        severity: diagnostic.severity.word(),
        message: diagnostic.message,
        file: source.name.clone(),
        line,
        column,
        end_line,
        end_column,
        help: diagnostic.help,
    }
}

fn summary(tally: &Tally) -> String {
    let count = |number: usize, word: &str| match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    };
    let files = count(tally.files, "file");
    if tally.files == 0 && tally.unread == 0 {
        return "no runbook found: names end in .runbook, .runbook.yaml or .runbook.yml".to_owned();
    }
    let mut parts = vec![match (tally.errors, tally.warnings) {
        (0, 0) if tally.unread == 0 => return format!("✓ {files} checked, nothing to say"),
        (0, 0) => format!("{files} looked at"),
        (0, warnings) => format!("✓ {files} checked, {}", count(warnings, "warning")),
        (errors, 0) => format!("✗ {files} checked, {}", count(errors, "error")),
        (errors, warnings) => {
            format!(
                "✗ {files} checked, {}, {}",
                count(errors, "error"),
                count(warnings, "warning")
            )
        }
    }];
    if tally.unread > 0 {
        parts.push(format!(
            "{} not be read",
            count(tally.unread, "path") + " could"
        ));
    }
    if tally.errors + tally.warnings > 0 {
        parts.push("`piton explain CODE` says more about a rule".to_owned());
    }
    parts.join("; ")
}

/// The files that paths stand for: themselves, or every runbook under a folder in order of name. A folder that is
/// a link to another is not followed, so the walk ends.
fn expand(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Failure>) {
    let (mut files, mut failures) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            walk(path, &mut files, &mut failures);
        } else {
            files.push(path.clone());
        }
    }
    (files, failures)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, failures: &mut Vec<Failure>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let text = format!(
                "{} cannot be read: {}",
                folder.display(),
                runbook::reason(&error)
            );
            failures.push(Failure::usage(text));
            return;
        }
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && !name.starts_with('.') {
            walk(&path, files, failures);
        } else if !is_folder
            && [".runbook", ".runbook.yaml", ".runbook.yml"]
                .iter()
                .any(|end| name.ends_with(end))
        {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts() {
        let tally = |files, errors, warnings, unread| {
            summary(&Tally {
                files,
                errors,
                warnings,
                unread,
            })
        };
        assert_eq!(tally(2, 0, 0, 0), "✓ 2 files checked, nothing to say");
        assert!(tally(1, 1, 2, 0).starts_with("✗ 1 file checked, 1 error, 2 warnings; "));
        assert_eq!(
            tally(1, 0, 0, 1),
            "1 file looked at; 1 path could not be read"
        );
        assert!(tally(0, 0, 0, 0).starts_with("no runbook found"));
    }

    #[test]
    fn a_folder_stands_for_the_runbooks_in_it() {
        let folder = std::env::temp_dir().join(format!("piton-check-{}", std::process::id()));
        for name in [
            "b.runbook.yaml",
            "a.runbook",
            "sub/c.runbook.yml",
            "readme.md",
            ".git/d.runbook",
        ] {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let (files, failures) = expand(std::slice::from_ref(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
        let names: Vec<_> = files
            .iter()
            .map(|path| path.strip_prefix(&folder).unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            ["a.runbook", "b.runbook.yaml", "sub/c.runbook.yml"].map(PathBuf::from)
        );
        assert!(failures.is_empty());
    }
}

//! `piton fmt`: one layout for runbooks, whoever wrote them.

use crate::display::style;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::rewrite;
use crate::runbook;
use clap::Args;
use piton_dsl::print;
use piton_dsl::source::SourceFile;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What `piton fmt` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton fmt restore.runbook          give it its layout, in place
  piton fmt --check runbooks/        name the files whose layout differs
  piton fmt --diff *.runbook.yaml    show what would change
  piton fmt - < restore.runbook      from standard input to standard output

Comments, texts and what a runbook means stay as they are. A file with mistakes of syntax is left alone.

Exits 0 when all is well, 1 when --check or --diff found a difference, 2 when a file cannot be read or has mistakes.")]
pub struct Fmt {
    /// Runbooks, or folders with *.runbook, *.runbook.yaml and *.runbook.yml files; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Change nothing; name the files that would change
    #[arg(long, conflicts_with = "diff")]
    check: bool,
    /// Change nothing; show what would change
    #[arg(long)]
    diff: bool,
    /// Read standard input as YAML; without it, as a .runbook file
    #[arg(long)]
    yaml: bool,
}

#[derive(Default)]
struct Tally {
    files: usize,
    changed: usize,
    refused: usize,
}

impl Fmt {
    /// Does it.
    ///
    /// # Errors
    /// When a file cannot be written, or the output cannot.
    pub fn execute(self) -> Result<Exit, Failure> {
        let (input, paths): (Vec<_>, Vec<_>) = self
            .files
            .iter()
            .cloned()
            .partition(|path| path == Path::new("-"));
        if !input.is_empty() {
            if !paths.is_empty() {
                return Err(Failure::usage(
                    "`-` stands alone: standard input or files, not both",
                ));
            }
            return self.input();
        }
        let mut tally = Tally::default();
        let (files, unwalked) = crate::checking::files::expand(&paths);
        for failure in unwalked {
            tally.refused += 1;
            output::note(&failure.to_string());
        }
        for path in files {
            tally.files += 1;
            if let Err(failure) = self.file(&path, &mut tally) {
                tally.refused += 1;
                output::note(&failure.to_string());
            }
        }
        output::note(&self.summary(&tally));
        Ok(self.exit(&tally))
    }

    fn exit(&self, tally: &Tally) -> Exit {
        match (tally.refused, tally.changed) {
            (1.., _) => Exit::Usage,
            (0, 1..) if self.check || self.diff => Exit::Failed,
            _ => Exit::Success,
        }
    }

    fn file(&self, path: &Path, tally: &mut Tally) -> Result<(), Failure> {
        let source = match runbook::read(path)? {
            Ok(source) => source,
            Err((source, found)) => return Err(refused(vec![found], &source)),
        };
        let text = formatted(&source)?;
        if *text == *source.text {
            return Ok(());
        }
        tally.changed += 1;
        if self.diff {
            return output::text(&unified(&source.name, &source.text, &text));
        }
        if self.check {
            return output::line(&source.name);
        }
        rewrite::replace(path, text.as_bytes())?;
        output::line(&source.name)
    }

    /// Standard input to standard output.
    fn input(&self) -> Result<Exit, Failure> {
        let mut bytes = Vec::new();
        io::stdin()
            .take(piton_dsl::syntax::MAX_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
        let name = if self.yaml { "<stdin>.yaml" } else { "<stdin>" };
        let source = SourceFile::from_bytes(name, &bytes)
            .map_err(|found| refused(vec![found], &SourceFile::lossy(name, &bytes)))?;
        let text = formatted(&source)?;
        let same = *text == *source.text;
        if self.diff && !same {
            output::text(&unified(&source.name, &source.text, &text))?;
        } else if self.check && !same {
            output::line(&source.name)?;
        } else if !self.check && !self.diff {
            output::text(&text)?;
        }
        Ok(if same || !(self.check || self.diff) {
            Exit::Success
        } else {
            Exit::Failed
        })
    }

    fn summary(&self, tally: &Tally) -> String {
        let count = |number: usize| match number {
            1 => "1 file".to_owned(),
            _ => format!("{number} files"),
        };
        if tally.files == 0 && tally.refused == 0 {
            return "no runbook found: names end in .runbook, .runbook.yaml or .runbook.yml"
                .to_owned();
        }
        let would = if self.check || self.diff {
            "would change"
        } else {
            "changed"
        };
        let mut parts = vec![format!(
            "{} of {} {would}",
            tally.changed,
            count(tally.files)
        )];
        if tally.refused > 0 {
            parts.push(format!("{} left alone", count(tally.refused)));
        }
        parts.join("; ")
    }
}

/// The file in its layout.
fn formatted(source: &SourceFile) -> Result<String, Failure> {
    print::format(source).map_err(|why| refused(why.diagnostics(), source))
}

/// Why a file is left alone, for standard error.
pub fn refused(found: Vec<piton_dsl::diagnostic::Diagnostic>, source: &SourceFile) -> Failure {
    let colour = style::colour(&io::stderr());
    for diagnostic in found {
        output::note(&runbook::pretty(diagnostic, source, colour));
    }
    Failure::usage(format!("{} is left as it is", source.name))
}

/// What changes, as `diff -u` writes it.
fn unified(name: &str, before: &str, after: &str) -> String {
    similar::TextDiff::from_lines(before, after)
        .unified_diff()
        .header(name, &format!("{name} (formatted)"))
        .to_string()
}

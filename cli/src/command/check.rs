//! `piton check`: every mistake in runbooks, each at its place.

use crate::checking::files::{expand, real};
use crate::checking::format::{Format, Reported};
use crate::checking::look::{Looked, look, look_at};
use crate::checking::settings::{AllSettings, CheckSettings, shown};
use crate::checking::{changed, mend, parallel};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runbook::{self, Settings};
use crate::shellcheck::Shellcheck;
use clap::Args;
use piton_dsl::diagnostic::Severity;
use piton_dsl::source::SourceFile;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What `piton check` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton check restore.runbook
  piton check runbooks/                     every runbook under a folder
  piton check --fix --diff runbooks/        what --fix would change
  piton check --changed-since origin/main   what a branch may have broken
  piton check --format json *.runbook.yaml  for other programs

A comment `# piton: allow(CODE) why` leaves a warning out where it stands; `piton.toml` says how warnings count.

Exits 0 when there is no error, 1 when there is one, 2 when a file cannot be read.")]
pub struct Check {
    /// Runbooks, or folders with *.runbook, *.runbook.yaml and *.runbook.yml files [default: the folder you are in,
    /// with --changed-since]
    #[arg(required_unless_present = "changed_since")]
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
    /// Mend in the files what can be mended without a doubt, then say what is left
    #[arg(long)]
    fix: bool,
    /// With --fix: change nothing, only show what would be changed
    #[arg(long, requires = "fix")]
    diff: bool,
    /// Do not ask shellcheck about scripts, if it is installed
    #[arg(long)]
    no_shellcheck: bool,
    /// Only runbooks that were changed since this git revision, and those that call them
    #[arg(long, value_name = "REV")]
    changed_since: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Default)]
struct Tally {
    files: usize,
    errors: usize,
    warnings: usize,
    /// Findings that make the check fail.
    counted: usize,
    unread: usize,
    fixable: usize,
}

/// What is done to files, and what is known of them so far.
struct Work<'a> {
    check: &'a Check,
    format: Format,
    settings: AllSettings,
    values: BTreeMap<String, String>,
    unread: Vec<String>,
    reported: Vec<Reported>,
}

impl Check {
    /// Does it.
    ///
    /// # Errors
    /// When the output or a mended file cannot be written, the settings contradict each other, or git cannot tell what
    /// was changed.
    pub fn execute(mut self) -> Result<Exit, Failure> {
        if self.files.is_empty() {
            self.files.push(PathBuf::from("."));
        }
        let format = if self.json { Format::Json } else { self.format };
        let (mut files, unwalked) = expand(&self.files);
        let mut work = Work {
            check: &self,
            format,
            settings: AllSettings::default(),
            values: self.settings.values()?,
            unread: Vec::new(),
            reported: Vec::new(),
        };
        unwalked.iter().for_each(|failure| work.not_read(failure));
        if let Some(revision) = &self.changed_since {
            files = changed::since(revision, &self.files, files)?;
        }
        let mended = work.mend(&files)?;
        work.check(&files, mended)?;
        work.finish()
    }
}

impl Work<'_> {
    fn not_read(&mut self, failure: &Failure) {
        output::note(&failure.to_string());
        self.unread.push(failure.message.clone());
    }

    /// Mends the files, if that is asked for. Returns those that are only to be shown as they would be.
    fn mend(&mut self, files: &[PathBuf]) -> Result<BTreeMap<PathBuf, SourceFile>, Failure> {
        let mut shown = BTreeMap::new();
        for path in files.iter().filter(|_| self.check.fix) {
            let settings = self.settings.of(path)?;
            // That a file cannot be read is told when it is checked.
            let Ok(Some(mended)) = mend::mend(path, settings.as_deref()) else {
                continue;
            };
            if self.check.diff {
                self.tell(mended.diff.trim_end())?;
                shown.insert(path.clone(), mended.source);
                continue;
            }
            mend::write(path, &mended)?;
            for line in &mended.made {
                self.tell(&format!("mended {line}"))?;
            }
        }
        Ok(shown)
    }

    /// Tells people something, beside what goes to other programs.
    fn tell(&self, text: &str) -> Result<(), Failure> {
        if self.format.is_for_people() {
            return output::line(text);
        }
        output::note(text);
        Ok(())
    }

    /// Checks the files; those in `instead` as they stand there.
    fn check(
        &mut self,
        files: &[PathBuf],
        mut instead: BTreeMap<PathBuf, SourceFile>,
    ) -> Result<(), Failure> {
        let shellcheck = match self.check.no_shellcheck {
            true => Shellcheck::off(),
            false => Shellcheck::default(),
        };
        // What is called is looked at with its callers, and reported once.
        let mut known: Option<BTreeSet<PathBuf>> = None;
        let mut is_new = |name: &str| {
            let known = known.get_or_insert_with(|| files.iter().map(|path| real(path)).collect());
            known.insert(real(Path::new(name)))
        };
        let jobs: Vec<_> = files
            .iter()
            .map(|path| (path, instead.remove(path)))
            .collect();
        let (settings, values) = (&self.check.settings, self.values.clone());
        let work = |(path, instead): &(&PathBuf, Option<SourceFile>)| {
            let looked = match instead {
                Some(source) => look(Ok(source.clone()), &values, settings),
                None => look_at(path, &values, settings),
            };
            let own = looked.as_ref().ok().and_then(|looked| looked.first());
            let asked = own.map(|own| shellcheck.ask(&own.source));
            (looked, asked)
        };
        parallel::in_order(&jobs, work, |(looked, mut asked)| {
            let looked = match looked {
                Ok(looked) => looked,
                Err(failure) => {
                    self.not_read(&failure);
                    return Ok(());
                }
            };
            for (index, mut one) in looked.into_iter().enumerate() {
                if index == 0 || is_new(&one.source.name) {
                    let settings = self.settings.of(Path::new(&one.source.name))?;
                    let asked = asked.take().filter(|_| index == 0);
                    let asked = asked.unwrap_or_else(|| shellcheck.ask(&one.source));
                    asked.add(&one.source, settings.as_deref(), &mut one.found);
                    self.report(one, settings.as_deref());
                }
            }
            Ok(())
        })
    }

    /// Keeps what was found in a file, as the settings of its folder let it count.
    fn report(&mut self, mut looked: Looked, settings: Option<&CheckSettings>) {
        let mut strict = self.check.strict;
        if let Some(settings) = settings {
            settings.apply(&mut looked.found);
            strict = strict || settings.strict;
        }
        if looked.found.is_empty() {
            // Nobody will look at its text again.
            looked.source = SourceFile::new(looked.source.name, "");
        }
        self.reported.push(Reported { looked, strict });
    }

    fn finish(self) -> Result<Exit, Failure> {
        let mut tally = Tally {
            files: self.reported.len() + self.unread.len(),
            unread: self.unread.len(),
            ..Tally::default()
        };
        self.reported.iter().for_each(|one| tally.add(one));
        self.format.write(self.reported, &self.unread)?;
        if self.format.is_for_people() {
            let mut text = summary(&tally, self.check.changed_since.as_deref());
            let used: Vec<String> = self.settings.used.iter().map(|path| shown(path)).collect();
            if !used.is_empty() {
                text.push_str(&format!("; by {}", used.join(", ")));
            }
            output::line(&text)?;
        }
        Ok(runbook::exit(tally.counted, tally.unread))
    }
}

impl Tally {
    fn add(&mut self, one: &Reported) {
        for finding in &one.looked.found {
            self.errors += usize::from(finding.is_error());
            self.warnings += usize::from(finding.severity == Severity::Warning);
            self.counted += usize::from(one.counts(finding));
            self.fixable += usize::from(finding.fix.is_some());
        }
    }
}

/// The last line for people.
fn summary(tally: &Tally, revision: Option<&str>) -> String {
    let count = |number: usize, word: &str| match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    };
    let files = count(tally.files, "file");
    if let (Some(revision), 0) = (revision, tally.files) {
        return format!("✓ no runbook was changed since {revision}");
    }
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
    if tally.fixable > 0 {
        parts.push(format!("--fix mends {} of these", tally.fixable));
    }
    if tally.errors + tally.warnings > 0 {
        parts.push("`piton explain CODE` says more about a rule".to_owned());
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts() {
        let tally = |files, errors, warnings, unread| {
            let tally = Tally {
                files,
                errors,
                warnings,
                unread,
                ..Tally::default()
            };
            summary(&tally, None)
        };
        assert_eq!(tally(2, 0, 0, 0), "✓ 2 files checked, nothing to say");
        assert!(tally(1, 1, 2, 0).starts_with("✗ 1 file checked, 1 error, 2 warnings; "));
        assert_eq!(
            tally(1, 0, 0, 1),
            "1 file looked at; 1 path could not be read"
        );
        assert!(tally(0, 0, 0, 0).starts_with("no runbook found"));
        let none = summary(&Tally::default(), Some("v1"));
        assert_eq!(none, "✓ no runbook was changed since v1");
    }
}

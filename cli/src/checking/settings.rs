//! `piton.toml`: how findings count in a folder and those below it.

use crate::checking::files::real;
use crate::failure::Failure;
use crate::runbook;
use piton_core::expr::suggest;
use piton_dsl::diagnostic::{Diagnostic, Severity};
use piton_dsl::source::SourceFile;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// What the file is called.
const NAME: &str = "piton.toml";

/// What a rule's findings count as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Off,
    Warning,
    Error,
}

/// One `piton.toml`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CheckSettings {
    /// Where it is.
    pub path: PathBuf,
    /// Whether warnings count as errors.
    pub strict: bool,
    /// Levels by code.
    rules: BTreeMap<String, Level>,
    /// Levels by family: all codes that begin with it and `::`.
    families: BTreeMap<String, Level>,
}

impl CheckSettings {
    /// Lets what was found count as the settings say. Errors stay errors.
    pub fn apply(&self, found: &mut Vec<Diagnostic>) {
        found.retain_mut(|diagnostic| {
            let level = self.level(diagnostic.code);
            match level.filter(|_| !diagnostic.is_error()) {
                Some(Level::Off) => return false,
                Some(Level::Warning) => diagnostic.severity = Severity::Warning,
                Some(Level::Error) => diagnostic.severity = Severity::Error,
                None => {}
            }
            true
        });
    }

    /// Whether they say how findings with this code count.
    #[must_use]
    pub fn names(&self, code: &str) -> bool {
        self.level(code).is_some()
    }

    /// The level of a code: its own, else that of its family.
    fn level(&self, code: &str) -> Option<Level> {
        let family = || code.split_once("::").map(|(family, _)| family);
        let own = self.rules.get(code);
        own.or_else(|| self.families.get(family()?)).copied()
    }
}

/// The settings of every folder, each file read once.
#[derive(Debug, Default)]
pub struct AllSettings {
    known: BTreeMap<PathBuf, Option<Rc<CheckSettings>>>,
    /// The files that were used, in the order in which they were met.
    pub used: Vec<PathBuf>,
}

impl AllSettings {
    /// The settings for a runbook: of the `piton.toml` beside it, or in the nearest folder above it, up to the root of
    /// the repository. Outside of a repository only the one beside it counts.
    ///
    /// # Errors
    /// When the file cannot be read, or says what cannot be.
    pub fn of(&mut self, runbook: &Path) -> Result<Option<Rc<CheckSettings>>, Failure> {
        let file = real(runbook);
        let folder = file.parent().unwrap_or(Path::new("/")).to_path_buf();
        if let Some(known) = self.known.get(&folder) {
            return Ok(known.clone());
        }
        let found = match find(&folder) {
            Some(path) => Some(self.read(&path)?),
            None => None,
        };
        self.known.insert(folder, found.clone());
        Ok(found)
    }

    fn read(&mut self, path: &Path) -> Result<Rc<CheckSettings>, Failure> {
        let read = self.known.values().flatten();
        if let Some(known) = read.into_iter().find(|known| known.path == path) {
            return Ok(Rc::clone(known));
        }
        let settings = Rc::new(read_file(path)?);
        self.used.push(path.to_path_buf());
        Ok(settings)
    }
}

/// The file that counts in this folder.
fn find(folder: &Path) -> Option<PathBuf> {
    let is_root = |folder: &Path| folder.join(".git").exists();
    let in_repository = folder.ancestors().any(is_root);
    for folder in folder.ancestors() {
        let path = folder.join(NAME);
        if path.is_file() {
            return Some(path);
        }
        if !in_repository || is_root(folder) {
            return None;
        }
    }
    None
}

fn read_file(path: &Path) -> Result<CheckSettings, Failure> {
    let name = shown(path);
    let text = std::fs::read_to_string(path).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
            _ => runbook::reason(&error),
        };
        Failure::usage(format!("{name} cannot be read: {why}"))
    })?;
    let mut reader = Reader {
        source: SourceFile::new(name, text.as_str()),
        wrong: Vec::new(),
    };
    let mut settings = reader.settings(&text);
    settings.path = path.to_path_buf();
    let wrong = reader.wrong();
    if wrong.is_empty() {
        return Ok(settings);
    }
    let failure = Failure::usage(wrong.join("\n       "));
    Err(failure.help("nothing was checked, because nobody knows what is to count; mend it first"))
}

/// A path as it is short to read: from here, where it is below.
#[must_use]
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().map(|here| real(&here));
    let below = here
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    below
        .unwrap_or_else(|| path.to_path_buf())
        .display()
        .to_string()
}

/// Reads one file, and collects all that is wrong with it.
struct Reader {
    source: SourceFile,
    /// Where, and what.
    wrong: Vec<(usize, String)>,
}

impl Reader {
    /// What is wrong, in the order of the file.
    fn wrong(mut self) -> Vec<String> {
        self.wrong.sort();
        self.wrong.into_iter().map(|(_, what)| what).collect()
    }

    fn settings(&mut self, text: &str) -> CheckSettings {
        let mut settings = CheckSettings::default();
        let root = match DeTable::parse(text) {
            Ok(root) => root,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                self.report(at, error.message(), None);
                return settings;
            }
        };
        for (key, value) in root.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("check", DeValue::Table(table)) => self.check(table, &mut settings),
                ("rules", DeValue::Table(table)) => self.rules(table, &mut settings),
                (name @ ("check" | "rules"), _) => {
                    let message = format!("`{name}` is a table: write `[{name}]`");
                    self.report(key.span().start, &message, None);
                }
                _ => self.unknown(key, &["check", "rules"]),
            }
        }
        settings
    }

    fn check(&mut self, table: &DeTable<'_>, settings: &mut CheckSettings) {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("strict", DeValue::Boolean(strict)) => settings.strict = *strict,
                ("strict", _) => {
                    self.report(value.span().start, "`strict` is `true` or `false`", None);
                }
                _ => self.unknown(key, &["strict"]),
            }
        }
    }

    fn rules(&mut self, table: &DeTable<'_>, settings: &mut CheckSettings) {
        for (key, value) in table {
            let code = key.get_ref().as_ref();
            let level = match value.get_ref().as_str() {
                Some("off") => Level::Off,
                Some("warning") => Level::Warning,
                Some("error") => Level::Error,
                other => {
                    let meant = other.and_then(|word| suggest(word, ["off", "warning", "error"]));
                    let message = format!("`{code}` is \"off\", \"warning\" or \"error\"");
                    self.report(value.span().start, &message, meant);
                    continue;
                }
            };
            match code.strip_suffix("::*") {
                Some(family) if families().any(|known| known == family) => {
                    settings.families.insert(family.to_owned(), level);
                }
                Some(family) => {
                    let meant = suggest(family, families()).map(|meant| format!("{meant}::*"));
                    let message = format!("there are no rules `{code}`");
                    self.report(key.span().start, &message, meant);
                }
                None => self.rule(key, level, settings),
            }
        }
    }

    fn rule(&mut self, key: &Spanned<DeString<'_>>, level: Level, settings: &mut CheckSettings) {
        let code = key.get_ref().as_ref();
        let severity = piton_dsl::explain(code).map(|page| page.severity);
        match severity {
            Some(Severity::Error) if level != Level::Error => {
                let message = format!(
                    "`{code}` cannot be less than an error: with what it finds the runbook does not run"
                );
                self.report(key.span().start, &message, None);
            }
            None if !piton_dsl::allow::is_foreign(code) => {
                let known = piton_dsl::catalogue().iter().map(|page| page.code);
                let meant = suggest(code, known);
                self.report(
                    key.span().start,
                    &format!("there is no rule `{code}`"),
                    meant,
                );
            }
            _ => {
                settings.rules.insert(code.to_owned(), level);
            }
        }
    }

    fn unknown(&mut self, key: &Spanned<DeString<'_>>, known: &[&str]) {
        let name = key.get_ref().as_ref();
        let meant = suggest(name, known.iter().copied());
        let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("there is no `{name}` here, only {}", names.join(" and "));
        self.report(key.span().start, &message, meant);
    }

    fn report(&mut self, at: usize, message: &str, meant: Option<String>) {
        let (line, column) = self.source.position(at);
        let meant = meant.map(|meant| format!("; did you mean `{meant}`?"));
        let what = format!(
            "{}:{line}:{column}: {message}{}",
            self.source.name,
            meant.unwrap_or_default()
        );
        self.wrong.push((at, what));
    }
}

/// The first parts of all codes.
fn families() -> impl Iterator<Item = &'static str> {
    let own = piton_dsl::catalogue().iter();
    let own = own.filter_map(|page| page.code.split_once("::").map(|(family, _)| family));
    own.chain(["shellcheck"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use piton_dsl::source::Span;

    fn read(text: &str) -> (CheckSettings, Vec<String>) {
        let mut reader = Reader {
            source: SourceFile::new("piton.toml", text),
            wrong: Vec::new(),
        };
        let settings = reader.settings(text);
        (settings, reader.wrong())
    }

    #[test]
    fn rules_count_as_the_file_says_and_errors_stay_errors() {
        let (settings, wrong) = read(
            "[check]\nstrict = true\n[rules]\n\"time::*\" = \"off\"\n\"time::no-timeout\" = \"error\"\n\"names::unused\" = \"off\"\n\"names::*\" = \"off\"\n\"shellcheck::SC2086\" = \"off\"\n",
        );
        assert_eq!(wrong, Vec::<String>::new());
        assert!(settings.strict);
        let at = Span::default();
        let mut found = vec![
            Diagnostic::warning("time::no-timeout", at, "", ""),
            Diagnostic::warning("time::no-expiry", at, "", ""),
            Diagnostic::warning("names::unused", at, "", ""),
            Diagnostic::error("names::unknown", at, "", ""),
            Diagnostic::warning("shellcheck::SC2086", at, "", ""),
            Diagnostic::warning("undo::half-done", at, "", ""),
        ];
        settings.apply(&mut found);
        let left: Vec<_> = found.iter().map(|it| (it.code, it.severity)).collect();
        assert_eq!(
            left,
            [
                ("time::no-timeout", Severity::Error),
                ("names::unknown", Severity::Error),
                ("undo::half-done", Severity::Warning)
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told_all_at_once_and_where() {
        let (_, wrong) = read(
            "chek = 1\n[check]\nstrikt = true\nstrict = 1\n[rules]\n\"time::no-timeuot\" = \"off\"\n\"tiem::*\" = \"off\"\n\"order::cycle\" = \"off\"\n\"names::unused\" = \"of\"\n",
        );
        assert_eq!(
            wrong,
            [
                "piton.toml:1:1: there is no `chek` here, only `check` and `rules`; did you mean `check`?",
                "piton.toml:3:1: there is no `strikt` here, only `strict`; did you mean `strict`?",
                "piton.toml:4:10: `strict` is `true` or `false`",
                "piton.toml:6:1: there is no rule `time::no-timeuot`; did you mean `time::no-timeout`?",
                "piton.toml:7:1: there are no rules `tiem::*`; did you mean `time::*`?",
                "piton.toml:8:1: `order::cycle` cannot be less than an error: with what it finds the runbook does not run",
                "piton.toml:9:19: `names::unused` is \"off\", \"warning\" or \"error\"; did you mean `off`?",
            ]
            .map(str::to_owned)
            .into_iter()
            .collect::<Vec<_>>()
        );
        let (_, wrong) = read("rules = 1\n[check\n");
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].starts_with("piton.toml:2:"), "{wrong:?}");
    }
}

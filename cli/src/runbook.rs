//! From a runbook's file to its plan, with every mistake printed on the way.

use crate::display::style;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use clap::Args;
use miette::{GraphicalReportHandler, GraphicalTheme};
use piton_core::plan::Plan;
use piton_dsl::diagnostic::Diagnostic;
use piton_dsl::report::Report;
use piton_dsl::runbook::Runbook;
use piton_dsl::source::SourceFile;
use piton_dsl::{LoadError, Loader};
use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

/// What is said on the command line of how a runbook is to run: its mode and its parameters.
#[derive(Args, Clone, Debug, Default)]
pub struct Settings {
    /// Run it the way that one of its modes says
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Give a parameter its value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
}

/// Reads `NAME=VALUE`.
///
/// # Errors
/// When it is written another way.
pub fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

impl Settings {
    /// The values by name.
    ///
    /// # Errors
    /// When a parameter is given twice with different values.
    pub fn values(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut values = BTreeMap::new();
        for (name, value) in &self.set {
            if let Some(before) = values.insert(name.clone(), value.clone())
                && before != *value
            {
                return Err(Failure::usage(format!(
                    "the parameter `{name}` is given twice: `{before}` and `{value}`"
                )));
            }
        }
        Ok(values)
    }

    /// The mode; `None` for the whole runbook as it stands.
    #[must_use]
    pub fn mode(&self) -> Option<&str> {
        self.mode.as_deref()
    }

    /// Whether neither a parameter nor a mode is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.mode.is_none()
    }
}

/// A plan and the file it was made from.
#[derive(Debug)]
pub struct Loaded {
    /// The plan.
    pub plan: Plan,
    /// The file as it was named.
    pub file: String,
    /// The directory of the file, absolute: where relative paths in it start from.
    pub base: PathBuf,
}

/// Reads a file whatever bytes it has; that it is not UTF-8 is a diagnostic of `check`, not a reason not to look.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Result<SourceFile, (SourceFile, Diagnostic)>, Failure> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let failure = Failure::usage(format!("{name} cannot be read: {}", reason(&error)));
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.help("is it another directory? `ls *.runbook*` lists runbooks here")
            }
            io::ErrorKind::PermissionDenied => {
                failure.help(format!("`ls -l {name}` shows who may read it"))
            }
            _ => failure,
        }
    })?;
    Ok(SourceFile::from_bytes(name.as_str(), &bytes)
        .map_err(|found| (SourceFile::lossy(name.as_str(), &bytes), found)))
}

/// Reads the files that runbooks call, each beside the one that calls it. Only reads: nothing in them is done.
#[derive(Clone, Copy, Debug)]
pub struct Beside;

impl Loader for Beside {
    fn load(&self, from: &SourceFile, path: &str) -> Result<SourceFile, LoadError> {
        let caller = Path::new(&from.name);
        let folder = caller.parent().unwrap_or(Path::new(""));
        let path = normal(&folder.join(path));
        if path == normal(caller) {
            return Ok(from.clone());
        }
        let name = path.display().to_string();
        let unreadable = |why: String| LoadError::Unreadable {
            name: name.clone(),
            why,
        };
        let read = std::fs::metadata(&path).and_then(|about| {
            // A pipe or a device might never end.
            about.is_file().then(|| std::fs::read(&path)).transpose()
        });
        match read {
            Ok(Some(bytes)) => SourceFile::from_bytes(name.as_str(), &bytes)
                .map_err(|found| unreadable(found.message)),
            Ok(None) => Err(unreadable("it is no file".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(LoadError::Missing(name)),
            Err(error) => Err(unreadable(reason(&error))),
        }
    }
}

/// A path without `.` and, where that can be known from the path alone, without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            (Component::ParentDir, Some(Component::RootDir)) => {}
            _ => parts.push(part),
        }
    }
    parts.into_iter().collect()
}

/// What an I/O error says, without the number of it.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// The plan of a runbook that checks clean, with its parameters bound. Errors go to standard error.
///
/// # Errors
/// When the file cannot be read, has errors, or its parameters cannot be bound.
pub fn load_plan(path: &Path, settings: &Settings) -> Result<Loaded, Failure> {
    let values = settings.values()?;
    let name = path.display().to_string();
    let runbook = load_runbook(path)?;
    let plan = piton_dsl::compile_mode(&runbook, &values, settings.mode())
        .map_err(|errors| unbound(&name, &errors))?;
    Ok(Loaded {
        plan,
        file: name,
        base: base_of(path)?,
    })
}

/// A runbook that checks clean. Errors go to standard error.
///
/// # Errors
/// When the file cannot be read, or has errors.
pub fn load_runbook(path: &Path) -> Result<Runbook, Failure> {
    let (source, found) = match read(path)? {
        Ok(source) => {
            let checked = piton_dsl::check_with(&source, &Beside);
            // Who calls a file with errors has an error itself, and is not to be told of it twice in the count.
            for called in checked.called {
                print(&called.file, called.diagnostics);
            }
            let errors = print(&source, checked.diagnostics);
            match checked.runbook {
                Some(runbook) if errors == 0 => return Ok(runbook),
                _ => (source, errors),
            }
        }
        Err((source, diagnostic)) => {
            let errors = print(&source, vec![diagnostic]);
            (source, errors)
        }
    };
    let errors = if found == 1 {
        "1 error".to_owned()
    } else {
        format!("{found} errors")
    };
    Err(
        Failure::usage(format!("{} has {errors}; nothing was started", source.name)).help(format!(
            "mend the file, then `piton check {}` shows what is left",
            source.name
        )),
    )
}

/// Why parameters cannot be bound.
#[must_use]
pub fn unbound(name: &str, errors: &[piton_dsl::CompileError]) -> Failure {
    let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Failure::usage(format!("{name}: {}", all.join("\n       "))).help(format!(
        "`piton plan {name} --set NAME=VALUE` shows what a run would do, without starting one"
    ))
}

fn base_of(path: &Path) -> Result<PathBuf, Failure> {
    let absolute = std::fs::canonicalize(path).map_err(|error| {
        Failure::usage(format!(
            "{} cannot be found: {}",
            path.display(),
            reason(&error)
        ))
    })?;
    Ok(absolute.parent().unwrap_or(Path::new("/")).to_path_buf())
}

/// Prints the errors to standard error; returns how many there are. Warnings are for `check`: who runs a runbook in
/// the night can do nothing about them.
fn print(source: &SourceFile, diagnostics: Vec<Diagnostic>) -> usize {
    let colour = style::colour(&io::stderr());
    let mut errors = 0;
    for diagnostic in diagnostics.into_iter().filter(Diagnostic::is_error) {
        errors += 1;
        output::note(&pretty(diagnostic, source, colour));
    }
    errors
}

/// Lines longer than this are not shown whole: nobody reads them, and the reporter cannot point into them.
const LONGEST_LINE: usize = 2000;

/// How many characters of a long line are shown on each side of a place.
const AROUND: usize = 40;

/// A diagnostic as a report with the piece of source it is about.
#[must_use]
pub fn pretty(diagnostic: Diagnostic, source: &SourceFile, colour: bool) -> String {
    if has_long_line(&diagnostic, source) {
        return brief(&diagnostic, source);
    }
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let short = brief(&diagnostic, source);
    let report = Report::new(diagnostic, source);
    let mut out = String::new();
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(100)
        .with_links(false);
    match handler.render_report(&mut out, &report) {
        Ok(()) => out,
        Err(_) => short,
    }
}

/// Whether a line that a report would show is too long: those of the labels and those next to them.
fn has_long_line(diagnostic: &Diagnostic, source: &SourceFile) -> bool {
    let text = source.text.as_bytes();
    let first = diagnostic
        .labels
        .iter()
        .map(|label| label.span.start)
        .min()
        .unwrap_or(0);
    let last = diagnostic
        .labels
        .iter()
        .map(|label| label.span.end)
        .max()
        .unwrap_or(0);
    let newline = |byte: &u8| *byte == b'\n';
    let before = text.get(..first.min(text.len())).unwrap_or_default();
    let start = before.iter().rposition(newline).unwrap_or(0);
    let start = before
        .get(..start)
        .unwrap_or_default()
        .iter()
        .rposition(newline)
        .unwrap_or(0);
    let after = last.min(text.len());
    let end = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.iter()
            .position(newline)
            .map_or(text.len(), |at| from + at + 1)
    };
    let shown = text.get(start..end(end(after))).unwrap_or_default();
    shown.split(newline).any(|line| line.len() > LONGEST_LINE)
}

/// A diagnostic on a few lines, with what stands around its place.
fn brief(diagnostic: &Diagnostic, source: &SourceFile) -> String {
    let span = diagnostic.span();
    let (line, column) = source.position(span.start);
    let text = &source.text;
    let before = text.get(..span.start).unwrap_or_default();
    let before: String = before
        .chars()
        .rev()
        .take_while(|c| *c != '\n')
        .take(AROUND)
        .collect();
    let before: String = before.chars().rev().collect();
    let after = text.get(span.start..).unwrap_or_default();
    let after: String = after
        .chars()
        .take_while(|c| *c != '\n')
        .take(AROUND)
        .collect();
    let place = crate::display::clean::clean(&format!("{before}{after}"), false);
    let pointer = " ".repeat(style::width(&crate::display::clean::clean(&before, false)));
    let mut out = format!(
        "{}\n\n  {}: {}\n   at {}:{line}:{column}\n     {place}\n     {pointer}^\n",
        diagnostic.code,
        diagnostic.severity.word(),
        diagnostic.message,
        source.name
    );
    if let Some(help) = &diagnostic.help {
        out.push_str(&format!("  help: {help}\n"));
    }
    out
}

/// How a check of files ends.
#[must_use]
pub fn exit(errors: usize, unread: usize) -> Exit {
    match (errors, unread) {
        (0, 0) => Exit::Success,
        (_, 0) => Exit::Failed,
        _ => Exit::Usage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_very_long_line_is_shown_without_the_line() {
        let text = format!("title = \"{}\" efect = 1\nnext\n", "x".repeat(300_000));
        let source = SourceFile::new("long.runbook", text.as_str());
        let start = text.find("efect").unwrap();
        for span in [(start, start + 5), (text.len() - 2, text.len() - 1)] {
            let span = piton_dsl::source::Span::new(span.0, span.1);
            let diagnostic = Diagnostic::error("keys::unknown", span, "no such key", "here");
            let shown = pretty(diagnostic, &source, false);
            assert!(shown.len() < 1000, "{}", shown.len());
            assert!(shown.contains("long.runbook:"), "{shown}");
        }
        let short = SourceFile::new("short.runbook", "efect = 1\n");
        let span = piton_dsl::source::Span::new(0, 5);
        let diagnostic = Diagnostic::error("keys::unknown", span, "no such key", "here");
        assert!(pretty(diagnostic, &short, false).contains("╭─[short.runbook:1:1]"));
    }

    #[test]
    fn a_called_file_is_found_beside_its_caller_under_one_name() {
        let folder = std::env::temp_dir().join(format!("piton-beside-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("lib")).unwrap();
        std::fs::write(folder.join("lib/b.runbook"), "runbook b {}").unwrap();
        std::fs::write(folder.join("binary.runbook"), b"\xff").unwrap();
        let at = |path: &str| folder.join(path).display().to_string();
        let from = SourceFile::new(at("lib/a.runbook"), "");
        let load = |path: &str| Beside.load(&from, path).map(|file| file.name);
        let found = [
            load("b.runbook"),
            load("../lib/./b.runbook"),
            load("a.runbook"),
            load("gone.runbook"),
            load("../lib"),
            load("../binary.runbook"),
        ];
        std::fs::remove_dir_all(&folder).unwrap();
        let [plain, around, itself, gone, no_file, binary] = found;
        assert_eq!(plain, Ok(at("lib/b.runbook")));
        assert_eq!(around, plain);
        assert_eq!(itself, Ok(at("lib/a.runbook")));
        assert_eq!(gone, Err(LoadError::Missing(at("lib/gone.runbook"))));
        assert!(matches!(no_file, Err(LoadError::Unreadable { .. })));
        assert!(matches!(binary, Err(LoadError::Unreadable { .. })));
        assert_eq!(
            normal(Path::new("../../a/./b/../c")),
            Path::new("../../a/c")
        );
        assert_eq!(normal(Path::new("/../a")), Path::new("/a"));
    }

    #[test]
    fn a_setting_has_a_name_and_a_value() {
        assert_eq!(setting("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(setting("a="), Ok(("a".to_owned(), String::new())));
        assert!(setting("=b").is_err());
        assert!(setting("a").is_err());
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let set = |pairs: &[(&str, &str)]| Settings {
            mode: None,
            set: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        assert!(set(&[("a", "1"), ("a", "2")]).values().is_err());
        assert_eq!(
            set(&[("a", "1"), ("a", "1")])
                .values()
                .map(|values| values.len())
                .unwrap_or(0),
            1
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_worse_than_a_mistake() {
        assert_eq!(exit(0, 0), Exit::Success);
        assert_eq!(exit(3, 0), Exit::Failed);
        assert_eq!(exit(3, 1), Exit::Usage);
    }
}

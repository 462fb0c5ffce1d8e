//! How findings are written down, one format a file.

mod github;
mod json;
mod junit;
mod pretty;
mod sarif;
mod short;

use crate::checking::look::Looked;
use crate::display::style;
use crate::failure::Failure;
use crate::output;
use clap::ValueEnum;
use piton_dsl::diagnostic::{Diagnostic, Severity};
use std::io;

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// With the piece of source each is about
    Pretty,
    /// One line each, as compilers do
    Short,
    /// One JSON array
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// `JUnit` XML: a suite a file, a case a rule
    Junit,
}

impl Format {
    /// Whether people read it, so that a summary stands below it.
    #[must_use]
    pub fn is_for_people(self) -> bool {
        matches!(self, Format::Pretty | Format::Short)
    }

    /// Writes what was found to standard output. `unread` says why files could not be read.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(self, all: Vec<Reported>, unread: &[String]) -> Result<(), Failure> {
        match self {
            Format::Pretty => {
                let colour = style::colour(&io::stdout());
                let reports = all.into_iter();
                reports
                    .flat_map(|one| pretty::reports(one, colour))
                    .try_for_each(|report| output::line(&report))
            }
            Format::Short => output::text(&short::lines(&all)),
            Format::Json => output::json(&json::findings(&all)),
            Format::Sarif => output::json(&sarif::log(&all, unread)),
            Format::Github => output::text(&github::commands(&all)),
            Format::Junit => output::text(&junit::report(&all, unread)),
        }
    }
}

/// A file with what was found, as it counts.
#[derive(Debug)]
pub struct Reported {
    /// The file and what was found.
    pub looked: Looked,
    /// Whether warnings count as errors in it.
    pub strict: bool,
}

impl Reported {
    /// Whether a finding makes the check fail.
    #[must_use]
    pub fn counts(&self, finding: &Diagnostic) -> bool {
        finding.is_error() || (self.strict && finding.severity == Severity::Warning)
    }
}

/// A finding on one line, with what to do about it.
fn sentence(finding: &Diagnostic) -> String {
    match &finding.help {
        Some(help) => format!("{}\nhelp: {help}", finding.message),
        None => finding.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use piton_dsl::fix::Fix;
    use piton_dsl::source::{SourceFile, Span};

    /// A file with an error that has a fix and a second place, a warning, and one without anything.
    fn sample() -> Vec<Reported> {
        let text = "runbook a {\n  title = \"é𝄞\" timeuot = 5m\n  step s { run = \"<&>\" }\n}\n";
        let source = SourceFile::new("sub dir/a.runbook", text);
        let at = |what: &str| {
            let start = text.find(what).unwrap();
            Span::new(start, start + what.len())
        };
        let error = Diagnostic::error("keys::unknown", at("timeuot"), "100%: no, `timeuot`", "")
            .label(at("title"), "<the other>")
            .help("did you mean `timeout`?\nperhaps")
            .fix(Fix::rename(at("timeuot"), "timeuot", "timeout"));
        let warning =
            Diagnostic::warning("time::no-timeout", at("step"), "no \"end\" & <more>", "");
        let advice = Diagnostic::new("names::unused", Severity::Advice, "take it out");
        let found = vec![error, warning, advice];
        let clean = SourceFile::new("b.runbook", "");
        vec![
            Reported {
                looked: Looked { source, found },
                strict: false,
            },
            Reported {
                looked: Looked {
                    source: clean,
                    found: Vec::new(),
                },
                strict: false,
            },
        ]
    }

    /// Compares with a file beside this one; `PITON_WRITE_SNAPSHOTS` set to anything writes it anew.
    fn compare(name: &str, text: &str) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = folder.join("src/checking/format/expected").join(name);
        if std::env::var_os("PITON_WRITE_SNAPSHOTS").is_some() {
            std::fs::write(&path, text).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, expected, "{name}");
    }

    #[test]
    fn every_format_is_as_it_was() {
        let unread = ["c.runbook cannot be read: permission denied".to_owned()];
        let all = sample();
        compare("short.txt", &short::lines(&all));
        compare("github.txt", &github::commands(&all));
        compare("junit.xml", &junit::report(&all, &unread));
        let json = serde_json::to_string_pretty(&json::findings(&all)).unwrap();
        compare("findings.json", &(json + "\n"));
        let sarif = serde_json::to_string_pretty(&sarif::log(&all, &unread)).unwrap();
        let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
        compare(
            "log.sarif",
            &(sarif.replace(&version, "\"VERSION\"") + "\n"),
        );
        let pretty: String = all
            .into_iter()
            .flat_map(|one| pretty::reports(one, false))
            .collect();
        compare("pretty.txt", &pretty);
    }
}

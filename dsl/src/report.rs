//! A [`Diagnostic`] together with its file, in the form that miette prints.

use std::fmt;
use std::sync::Arc;

use miette::{LabeledSpan, NamedSource, SourceCode};

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::SourceFile;

/// A diagnostic that carries the file it is about. Print it with miette's handler: `miette::Report::new(report)`.
#[derive(Debug)]
pub struct Report {
    diagnostic: Diagnostic,
    source: NamedSource<Arc<str>>,
    length: usize,
}

impl Report {
    /// Joins a diagnostic with the file it was found in. The file's text is shared, not copied.
    pub fn new(diagnostic: Diagnostic, file: &SourceFile) -> Report {
        Report {
            diagnostic,
            source: NamedSource::new(&file.name, Arc::clone(&file.text)),
            length: file.text.len(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Advice => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.diagnostic.labels.is_empty() {
            return None;
        }
        let length = self.length;
        let labels = self.diagnostic.labels.iter().enumerate();
        Some(Box::new(labels.map(move |(at, label)| {
            // A place outside the text would make miette refuse to show any source at all.
            let start = label.span.start.min(length);
            let end = label.span.end.clamp(start, length);
            let text = (!label.text.is_empty()).then(|| label.text.clone());
            if at == 0 {
                LabeledSpan::new_primary_with_span(text, (start, end - start))
            } else {
                LabeledSpan::new_with_span(text, (start, end - start))
            }
        })))
    }
}

#[cfg(test)]
mod tests {
    use miette::Diagnostic as _;

    use super::*;
    use crate::source::Span;

    #[test]
    fn a_report_carries_all_that_the_diagnostic_says() {
        let file = SourceFile::new("a.runbook", "one\ntwo\n");
        let diagnostic = Diagnostic::error("syntax::unexpected", Span::new(4, 7), "no", "here")
            .label(Span::new(0, 99), "")
            .help("write three");
        let report = Report::new(diagnostic, &file);
        assert_eq!(report.to_string(), "no");
        let code = report.code().map(|code| code.to_string());
        assert_eq!(code.as_deref(), Some("syntax::unexpected"));
        let help = report.help().map(|help| help.to_string());
        assert_eq!(help.as_deref(), Some("write three"));
        let labels: Vec<LabeledSpan> = report.labels().into_iter().flatten().collect();
        assert_eq!(labels.len(), 2);
        assert!(labels[0].primary());
        assert_eq!((labels[0].offset(), labels[0].len()), (4, 3));
        assert_eq!(labels[0].label(), Some("here"));
        // A place outside the file is cut to it, so that the source is still shown.
        assert_eq!((labels[1].offset(), labels[1].len()), (0, 8));
        assert_eq!(labels[1].label(), None);
        let source = report.source_code().expect("the file");
        let shown = source.read_span(labels[0].inner(), 0, 0).expect("its text");
        assert_eq!(shown.name(), Some("a.runbook"));
        assert_eq!(shown.data(), b"two");
    }
}

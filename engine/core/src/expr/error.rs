//! What is wrong with an expression, and where.

use super::Range;

/// What is wrong with an expression or a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// Where, in bytes of the text that was parsed. Always on character boundaries; empty at the end of the text.
    pub span: Range,
    /// What.
    pub message: String,
    /// What to write instead, if that is known.
    pub help: Option<String>,
}

impl ExprError {
    pub(crate) fn new(span: Range, message: impl Into<String>) -> ExprError {
        ExprError {
            span,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> ExprError {
        self.help = Some(help.into());
        self
    }

    /// Adds ``did you mean `x`?`` if there is something to suggest.
    pub(super) fn suggest(mut self, name: Option<String>) -> ExprError {
        if let Some(name) = name {
            self.help = Some(format!("did you mean `{name}`?"));
        }
        self
    }

    /// The same error in a text in which the expression begins at `offset`.
    pub(super) fn moved(mut self, offset: usize) -> ExprError {
        self.span = self.span.start + offset..self.span.end + offset;
        self
    }
}

/// What is wrong, before it is known where: what functions and operators report.
#[derive(Debug)]
pub(super) struct Fault {
    message: String,
    help: Option<String>,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Fault {
        Fault {
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Fault {
        self.help = Some(help.into());
        self
    }

    pub(super) fn at(self, span: Range) -> ExprError {
        ExprError {
            span,
            message: self.message,
            help: self.help,
        }
    }
}

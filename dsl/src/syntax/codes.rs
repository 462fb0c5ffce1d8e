//! The pages that `piton explain CODE` prints for mistakes of syntax.

/// One code and what there is to know about it.
#[derive(Clone, Copy, Debug)]
pub struct CodePage {
    /// The code as it stands in diagnostics.
    pub code: &'static str,
    /// One line.
    pub summary: &'static str,
    /// The page, in Markdown.
    pub page: &'static str,
}

/// Every code that reading a file can give.
pub const CODES: &[CodePage] = &[];

//! # An allowance that nothing needs
//!
//! ## What it does
//! Finds codes in `# piton: allow(…)` that leave nothing out: not on the line of the comment, not on the line below it,
//! and, above a block, nowhere in the block. Looked for only in files without errors.
//!
//! ## Why it is bad
//! It stays when things change, and hides the next finding of that kind, which nobody has looked at.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   # piton: allow(time::no-timeout) the report ends itself after an hour
//!   step report {
//!     run    = "./report.sh"
//!     effect = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step report {
//!     run    = "./report.sh"
//!     effect = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::allow::Allow;
use crate::diagnostic::Diagnostic;
use crate::fix::Fix;
use crate::source::{SourceFile, Span};

/// The code of this rule.
pub const CODE: &str = "allow::unused";

/// The code at `index` of a comment; `all` says that the comment has no other use either.
pub(crate) fn report(file: &SourceFile, allow: &Allow, index: usize, all: bool) -> Diagnostic {
    let code = allow.codes.get(index);
    let span = code.map_or(allow.span, |code| code.span);
    let name = code.map_or("", |code| code.text.as_str());
    let message = format!("this allows `{name}`, and there is nothing to allow");
    let fix = if all {
        whole(file, allow)
    } else {
        part(allow, index)
    };
    Diagnostic::warning(CODE, span, message, "not needed")
        .help("take it out")
        .fix(fix)
}

/// Takes the comment out, with its line if nothing else stands there.
fn whole(file: &SourceFile, allow: &Allow) -> Option<Fix> {
    let before = file.text.get(..allow.span.start)?;
    let after = file.text.get(allow.span.end..)?;
    let kept = before.trim_end_matches([' ', '\t']);
    let line_end = match after.strip_prefix('\r').unwrap_or(after) {
        rest if rest.starts_with('\n') => after.len() - rest.len() + 1,
        _ => 0,
    };
    let end = allow.span.end + if allow.is_alone { line_end } else { 0 };
    let span = Span::new(kept.len(), end);
    Some(Fix::new("take the comment out", span, ""))
}

/// Takes one code out of several.
fn part(allow: &Allow, index: usize) -> Option<Fix> {
    let own = allow.codes.get(index)?.span;
    let span = match (index.checked_sub(1), allow.codes.get(index + 1)) {
        (Some(before), _) => Span::new(allow.codes.get(before)?.span.end, own.end),
        (None, Some(next)) => Span::new(own.start, next.span.start),
        (None, None) => return None,
    };
    Some(Fix::new("take the code out", span, ""))
}

//! Each finding with the piece of source it is about.

use super::Reported;
use crate::runbook;

/// The report of each finding.
pub(super) fn reports(one: Reported, colour: bool) -> impl Iterator<Item = String> {
    let source = one.looked.source;
    let found = one.looked.found.into_iter();
    found.map(move |finding| runbook::pretty(finding, &source, colour))
}

//! The `retry` block.

use super::Lowering;
use super::fields::Fields;
use super::values::default_backoff;
use crate::schema::{BACKOFF, RETRY, RETRY_KEY, TIMES};
use piton_core::plan::Retry;

impl Lowering<'_> {
    pub(super) fn retry(&mut self, fields: &Fields<'_>) -> Option<Retry> {
        let node = fields.get(&RETRY_KEY)?;
        let fields = self.fields(&RETRY, Some(&RETRY_KEY), node, node.span.before())?;
        let times = self.count(&TIMES, &fields);
        let (backoff, longest) = self
            .backoff(&BACKOFF, &fields)
            .unwrap_or(default_backoff(&BACKOFF));
        Some(Retry {
            times: times?,
            backoff,
            longest,
        })
    }
}

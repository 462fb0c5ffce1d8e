//! The `retry` block.

use super::Lowering;
use super::fields::Fields;
use super::values::default_backoff;
use crate::schema::{BACKOFF, Key, RETRY, TIMES};
use piton_core::plan::Retry;

impl Lowering<'_> {
    pub(super) fn retry(&mut self, key: &'static Key, fields: &Fields<'_>) -> Option<Retry> {
        let node = fields.get(key)?;
        let fields = self.fields(&RETRY, Some(key), node, node.span.before())?;
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

//! Traces: what a run did, as spans that are sent to a collector of OpenTelemetry over HTTP.
//!
//! Spans are made from records, with the records' own times, and their ids follow from names ([`ids`]): a run that was
//! driven by several engines is one trace, and a span that is sent twice is the same span. `trace` makes spans of
//! records, `otlp` writes them down, and [`Collector`] sends them. Which ones are still to be sent, the driver knows.

mod collector;
pub mod ids;
mod otlp;
mod settings;
mod trace;

pub use collector::Collector;
pub(crate) use trace::Trace;

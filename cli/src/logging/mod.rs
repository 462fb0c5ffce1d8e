//! What is written on standard error besides results: what `piton` says to people, and what the engine does as far as
//! `PITON_LOG` asks for it. As text, or as one JSON object a line for programs that collect logs.

mod lines;

use clap::ValueEnum;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What is logged as JSON when `PITON_LOG` asks for nothing: who collects logs wants to know what went wrong.
const LINES_BY_DEFAULT: &str = "warn";

/// How standard error is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people
    #[default]
    Plain,
    /// One JSON object a line, with the run, the node and the attempt where they are known
    Json,
}

/// Whether standard error is lines of JSON.
static LINES: AtomicBool = AtomicBool::new(false);

/// Begins to log, as far as `PITON_LOG` asks for it: `PITON_LOG=piton_runtime=debug`. Without it nothing is logged as
/// text, since what people need to know is said by the commands.
pub fn begin(format: LogFormat) {
    let lines = format == LogFormat::Json;
    LINES.store(lines, Ordering::Relaxed);
    let wanted = std::env::var("PITON_LOG").unwrap_or_default();
    let wanted = match (wanted.is_empty(), lines) {
        (true, false) => return,
        (true, true) => LINES_BY_DEFAULT,
        (false, _) => &wanted,
    };
    let filter = match EnvFilter::try_new(wanted) {
        Ok(filter) => filter,
        Err(error) => {
            return crate::output::note(&format!(
                "PITON_LOG=`{wanted}` is no filter and is passed over: {error}"
            ));
        }
    };
    let registry = tracing_subscriber::registry().with(filter);
    // One that is there already logs as well.
    let _ = if lines {
        registry.with(lines::Lines).try_init()
    } else {
        let text = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        registry.with(text).try_init()
    };
}

/// Whether what is said on standard error has to be a line of JSON.
#[must_use]
pub fn is_json() -> bool {
    LINES.load(Ordering::Relaxed)
}

/// What `piton` says to people, as a line of JSON.
#[must_use]
pub fn said(text: &str) -> String {
    let level = match text {
        text if text.starts_with("error:") => Level::ERROR,
        text if text.starts_with("warning:") => Level::WARN,
        _ => Level::INFO,
    };
    lines::line(level, "piton", [("message".to_owned(), text.into())])
}

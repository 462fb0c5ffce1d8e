//! # A compressed file judged by its size
//!
//! ## What it does
//! Finds `test -s` (`[ -s … ]`) on compressed files, where nothing else looks into them.
//!
//! ## Why it is bad
//! Nothing at all, compressed, has a size too: 20 bytes with `gzip`. The check passes when the dump in front of the
//! compressor has failed.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   gate backed-up {
//!     run     = "test -s /backups/shop.sql.gz"
//!     timeout = 1m
//!     on_fail = [stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   gate backed-up {
//!     run     = "gzip -dc /backups/shop.sql.gz | tail -n 5 | grep -q 'PostgreSQL database dump complete'"
//!     timeout = 1m
//!     on_fail = [stop]
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::words::resolved;
use crate::shell::Invocation;

/// The code of this rule.
pub const CODE: &str = "shell::size-of-archive";

/// How compressed files end.
const ENDINGS: [&str; 8] = [".gz", ".tgz", ".zst", ".xz", ".bz2", ".lz4", ".br", ".gpg"];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in context.embedded.running(&["test", "[", "[["]) {
        let mut commands = code.script.commands();
        if commands.any(|command| command.invocation().is_some_and(|it| looks_inside(&it))) {
            continue;
        }
        for command in code.script.commands() {
            let Some(test) = command
                .invocation()
                .filter(|it| matches!(it.program, "test" | "[" | "[["))
            else {
                continue;
            };
            for pair in test.arguments.windows(2) {
                let [option, file] = pair else { continue };
                let path = resolved(context.runbook, code, &file.text);
                if option.text == "-s" && ENDINGS.iter().any(|ending| path.ends_with(ending)) {
                    found.push(
                        Diagnostic::warning(
                            CODE,
                            file.span,
                            "a compressed file of nothing is not empty, so this passes when there was nothing to compress",
                            "never empty",
                        )
                        .help("look into it: `gzip -dc FILE | tail` for the end of a dump, or `pg_restore --list`"),
                    );
                }
            }
        }
    }
}

/// Whether a command reads what a compressed file has in it.
fn looks_inside(it: &Invocation<'_>) -> bool {
    let unpacks = ["decompress", "test", "stdout", "list"];
    match it.program {
        "gzip" | "pigz" | "zstd" | "xz" | "bzip2" | "lz4" | "brotli" => it.has(&unpacks, "dtlc"),
        "gunzip" | "zcat" | "zgrep" | "zstdcat" | "xzcat" | "bzcat" | "unxz" | "unzstd" | "gpg"
        | "pg_restore" => true,
        "tar" => it.has(&["list", "get", "extract", "compare"], "txd"),
        _ => false,
    }
}

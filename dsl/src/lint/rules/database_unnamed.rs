//! # Which database, nobody says
//!
//! ## What it does
//! Finds `psql`, `pg_dump` and `pg_restore` that name no database and no user, where the environment in the runbook names
//! none either (`PGDATABASE`, `PGSERVICE`, `PGUSER`).
//!
//! ## Why it is bad
//! `psql` and `pg_dump` then take the database that is called like the account they run as: another one for each colleague,
//! and another one in CI. `pg_restore` takes none, writes its SQL to standard output, and succeeds.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step load {
//!     run          = "psql -X -v ON_ERROR_STOP=1 -f migrations/0007.up.sql"
//!     irreversible = "the tables are changed"
//!     timeout      = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   secret database_url { env = "DATABASE_URL" }
//!   step load {
//!     env          { DATABASE_URL = "${{ secrets.database_url }}" }
//!     run          = "psql -X -v ON_ERROR_STOP=1 -d \"$DATABASE_URL\" -f migrations/0007.up.sql"
//!     irreversible = "the tables are changed"
//!     timeout      = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::embedded::Code;
use crate::runbook::Runbook;
use crate::shell::{Command, Invocation};

/// The code of this rule.
pub const CODE: &str = "postgres::database-unnamed";

/// What names a database, a user or a service in the environment.
const NAMES: [&str; 4] = ["PGDATABASE", "PGSERVICE", "PGSERVICEFILE", "PGUSER"];

/// The programs that connect.
const PROGRAMS: [&str; 3] = ["psql", "pg_dump", "pg_restore"];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in context.embedded.running(&PROGRAMS) {
        if is_in_environment(context.runbook, code) {
            continue;
        }
        for command in code.script.commands() {
            let Some(it) = command.invocation().filter(|it| is_here(it)) else {
                continue;
            };
            let Some(message) = unnamed(&it, command) else {
                continue;
            };
            found.push(
                Diagnostic::warning(CODE, it.word.span, message, "which database?")
                    .help("name it: -d with a name or a URL, or PGDATABASE and its like in `env`"),
            );
        }
    }
}

/// Whether it runs on this machine as this account: what another one has in its environment, nobody knows here.
fn is_here(it: &Invocation<'_>) -> bool {
    let known = [
        "timeout", "nice", "ionice", "time", "command", "exec", "nohup", "chronic",
    ];
    it.through.iter().all(|program| known.contains(program))
}

/// What happens without a name.
fn unnamed(it: &Invocation<'_>, command: &Command) -> Option<&'static str> {
    let named = |operands: usize| {
        it.has(&["dbname", "username", "help", "version"], "")
            || !it.values("dbname", 'd').is_empty()
            || !it.values("username", 'U').is_empty()
            || it.has(&[], "V?")
            || beside_options(it) > operands
    };
    match it.program {
        "psql" => {
            let connects = |text: &str| text.contains("\\c ") || text.contains("\\connect");
            let itself = it.has(&["list"], "l")
                || command.redirects.iter().any(|it| connects(&it.body))
                || it.arguments.iter().any(|word| connects(&word.text));
            let message =
                "this connects to the database that is called like the account it runs as";
            (!named(0) && !itself).then_some(message)
        }
        "pg_dump" => {
            let message = "this dumps the database that is called like the account it runs as";
            (!named(0)).then_some(message)
        }
        "pg_restore" => {
            let writes = it.has(&["list", "file"], "lf") || !command.redirects.is_empty();
            let message =
                "without a database this restores nothing: it writes SQL to standard output";
            (!named(usize::MAX) && !writes).then_some(message)
        }
        _ => None,
    }
}

/// How many arguments are neither options nor their values.
fn beside_options(it: &Invocation<'_>) -> usize {
    let with_value = match it.program {
        "psql" => "cdfhpUvLoFRPT",
        _ => "deEfFhjnNpStTUZ",
    };
    let mut count = 0;
    let mut words = it.arguments.iter().map(|word| word.text.as_str());
    while let Some(text) = words.next() {
        if let Some(long) = text.strip_prefix("--") {
            let is_flag = long.is_empty()
                || long.contains('=')
                || long.starts_with("no-")
                || ![
                    "command", "file", "host", "port", "set", "variable", "output", "pset",
                    "schema", "table", "format", "jobs", "encoding",
                ]
                .contains(&long);
            if !is_flag {
                words.next();
            }
        } else if let Some(letters) = text.strip_prefix('-') {
            // The value of the first letter that has one is the rest of the word, or the next word.
            let value = letters.find(|c| with_value.contains(c));
            if value.is_some_and(|at| at + 1 == letters.len()) {
                words.next();
            }
        } else {
            count += 1;
        }
    }
    count
}

/// Whether the environment names one, as far as the runbook sets it.
fn is_in_environment(runbook: &Runbook, code: &Code<'_>) -> bool {
    let set = |name: &str| code.text.is_some_and(|text| text.text.contains(name));
    NAMES
        .iter()
        .any(|name| code.variable(runbook, name).is_some() || set(name))
}

//! # A dump on a new server, without its roles
//!
//! ## What it does
//! Finds a dump that is loaded into a server which the runbook makes itself (`initdb`, `pg_createcluster`, `docker run
//! postgres`), where nothing in the runbook makes roles, and nothing says to leave owners out.
//!
//! ## Why it is bad
//! Roles belong to the server, and a dump of one database has none. Every `OWNER TO` and `GRANT` fails for lack of its
//! role; `psql` goes on after each of them and ends well, with tables that the application may not read.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step server {
//!     run     = "pg_createcluster 16 restored --start"
//!     effect  = abandoned("a server more")
//!     timeout = 5m
//!   }
//!   step load {
//!     run     = "pg_restore --exit-on-error --dbname=shop /srv/newest.dump"
//!     effect  = abandoned("only the restored copy has it")
//!     timeout = 40m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step server {
//!     run     = "pg_createcluster 16 restored --start"
//!     effect  = abandoned("a server more")
//!     timeout = 5m
//!   }
//!   step roles {
//!     run     = "psql -X -v ON_ERROR_STOP=1 -d postgres -f /srv/globals.sql"
//!     effect  = abandoned("only the restored copy has them")
//!     timeout = 5m
//!   }
//!   step load {
//!     run     = "pg_restore --exit-on-error --dbname=shop /srv/newest.dump"
//!     effect  = abandoned("only the restored copy has it")
//!     timeout = 40m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::embedded::{Code, Purpose};
use crate::shell::{Command, Invocation, Pipeline};

/// The code of this rule.
pub const CODE: &str = "postgres::roles-missing";

/// The programs that make a server.
const MAKING: [&str; 6] = [
    "initdb",
    "pg_createcluster",
    "pg_ctl",
    "pg_ctlcluster",
    "docker",
    "podman",
];

/// What names roles in scripts, SQL and the names of files, in lower case.
const ROLES: [&str; 7] = [
    "pg_dumpall",
    "globals",
    "roles",
    "create role",
    "create user",
    "createuser",
    "create group",
];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let made = context.embedded.running(&MAKING);
    let mut made = made.filter(|code| code.purpose == Purpose::Action);
    if !made.any(|code| code.script.commands().any(makes)) || has_roles(context) {
        return;
    }
    for code in context.embedded.running(&["pg_restore", "psql"]) {
        let loads = |pipeline: &Pipeline| {
            let mut commands = pipeline.commands.iter().enumerate();
            commands.find_map(|(place, command)| {
                let before = pipeline.commands.get(..place).unwrap_or_default();
                loads(command, before).then(|| command.span())
            })
        };
        for span in code.script.pipelines.iter().filter_map(loads) {
            found.push(
                Diagnostic::warning(
                    CODE,
                    span,
                    "the server is new, and has none of the roles that this dump gives things to",
                    "whose tables?",
                )
                .help("load what pg_dumpall --globals-only wrote first, or leave owners and grants out: --no-owner --no-privileges"),
            );
        }
    }
}

/// Whether a command makes a server.
fn makes(command: &Command) -> bool {
    command.invocation().is_some_and(|it| {
        let mut operands = it.operands().map(|word| word.text.as_str());
        match it.program {
            "initdb" | "pg_createcluster" => true,
            "pg_ctl" => operands.any(|word| matches!(word, "init" | "initdb")),
            "docker" | "podman" => {
                operands.next() == Some("run") && operands.any(|word| image(word) == "postgres")
            }
            _ => false,
        }
    })
}

/// The name of an image without its registry and its tag.
fn image(word: &str) -> &str {
    let name = word.rsplit('/').next().unwrap_or(word);
    name.split(':').next().unwrap_or(name)
}

/// Whether a command loads a dump with what it says of owners; `before` are the commands of its pipe in front of it.
fn loads(command: &Command, before: &[Command]) -> bool {
    let Some(it) = command.invocation() else {
        return false;
    };
    match it.program {
        "pg_restore" => {
            let connects = !it.values("dbname", 'd').is_empty();
            let only = it.has(
                &["no-owner", "data-only", "schema", "table", "list"],
                "Oantl",
            );
            connects && !only
        }
        "psql" => reads_dump(command, &it, before),
        _ => false,
    }
}

/// Whether `psql` reads a dump, by the name of a file or by what unpacks it.
fn reads_dump(command: &Command, psql: &Invocation<'_>, before: &[Command]) -> bool {
    let is_dump = |text: &str| {
        let text = text.to_ascii_lowercase();
        ["dump", "backup", ".sql.gz", ".sql.zst"]
            .iter()
            .any(|part| text.contains(part))
    };
    let mut given = psql.values("file", 'f').into_iter();
    let mut read = command.redirects.iter().filter(|it| it.operator == "<");
    let mut words = before.iter().flat_map(|command| &command.words);
    given.any(|(text, _)| is_dump(text))
        || read.any(|it| is_dump(&it.target.text))
        || words.any(|word| is_dump(&word.text))
}

/// Whether anything makes roles, or reads them from a file that is named like that.
fn has_roles(context: &Context<'_>) -> bool {
    let names = |text: &str| {
        let text = text.to_ascii_lowercase();
        ROLES.iter().any(|name| text.contains(name))
    };
    let said = |code: &Code<'_>| match code.text {
        Some(text) => names(&text.text),
        None => code
            .script
            .commands()
            .any(|it| it.words.iter().any(|word| names(&word.text))),
    };
    context.embedded.codes.iter().any(said)
        || context.queries().iter().any(|query| names(query.text))
        || context.runbook.nodes.iter().any(|node| node.is_call())
}

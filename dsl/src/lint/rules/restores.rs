//! Which commands fill a folder with a copy of a server, for the rules about that.

use crate::shell::{Invocation, Word};

/// The programs that [`filled`] and [`restores`] know.
pub(super) const PROGRAMS: [&str; 5] = ["wal-g", "wal-e", "pg_basebackup", "barman", "pgbackrest"];

/// The folder that a command fills with a copy of a whole server, where it names one.
pub(super) fn filled<'a>(it: &Invocation<'a>) -> Option<&'a Word> {
    match it.program {
        "wal-g" | "wal-e" => {
            let mut operands = it.operands().skip_while(|word| word.text != "backup-fetch");
            operands.nth(1)
        }
        "pg_basebackup" => {
            let values = it.values("pgdata", 'D').into_iter();
            values.map(|(_, word)| word).find(|word| word.text != "-")
        }
        "barman" if matches!(first(it), Some("recover" | "restore")) => {
            it.operands().skip(3).find(|word| is_path(&word.text))
        }
        "pgbackrest" if restores(it) && !it.has(&["delta", "force"], "") => it
            .values("pg1-path", '\0')
            .into_iter()
            .map(|(_, word)| word)
            .next(),
        _ => None,
    }
}

/// Whether a command restores a whole server.
pub(super) fn restores(it: &Invocation<'_>) -> bool {
    match it.program {
        "pgbackrest" => it.operands().any(|word| word.text == "restore"),
        "pg_basebackup" | "wal-g" | "wal-e" | "barman" => filled(it).is_some(),
        _ => false,
    }
}

fn first<'a>(it: &Invocation<'a>) -> Option<&'a str> {
    it.operands().next().map(|word| word.text.as_str())
}

fn is_path(text: &str) -> bool {
    text.contains('/') || text.starts_with('$')
}

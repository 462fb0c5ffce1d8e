//! Two procedures as documents describe them, with their mistakes written in: each is found at its line, and the
//! corrected files have none.

use piton_dsl::check;
use piton_dsl::source::SourceFile;

const GUESTGUARD: &str = include_str!("fixtures/seeds/guestguard.bad.runbook");
const MANA: &str = include_str!("fixtures/seeds/mana.bad.runbook");

/// Each finding of a file: its line, what stands there, and the code.
fn found(name: &str, text: &str) -> Vec<(usize, String, &'static str)> {
    let file = SourceFile::new(name, text);
    let mut found: Vec<_> = check(&file)
        .diagnostics
        .iter()
        .map(|it| {
            let (line, _) = file.position(it.span().start);
            let source = text.lines().nth(line - 1).unwrap_or_default();
            (line, source.trim().to_owned(), it.code)
        })
        .collect();
    found.sort();
    found
}

/// Checks that a file has exactly these findings: the line by how it begins, and its codes in order.
fn has(name: &str, text: &str, expected: &[(&str, &[&str])]) {
    let mut wanted = Vec::new();
    for (begins, codes) in expected {
        let lines: Vec<_> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| line.trim().starts_with(begins))
            .collect();
        assert_eq!(lines.len(), 1, "{begins} is one line of {name}");
        for code in *codes {
            let (at, line) = lines[0];
            wanted.push((at + 1, line.trim().to_owned(), *code));
        }
    }
    wanted.sort();
    assert_eq!(found(name, text), wanted, "{name}");
}

#[test]
fn a_restore_of_postgres_as_documents_tell_it() {
    has(
        "guestguard.bad.runbook",
        GUESTGUARD,
        &[
            ("database = ", &["code::placeholder"]),
            ("targets {", &["time::over-rto"]),
            // The failure is lost, and so is its message.
            (
                "run    = \"wal-g backup-list",
                &["shell::error-hidden", "shell::pipe-failure-lost"],
            ),
            // One folder, used before, and by the next try again.
            ("wal-g backup-fetch ", &["postgres::used-directory"]),
            // The copy archives into production's archive, and follows whatever timeline was left there.
            (
                "restore_command = ",
                &["postgres::copy-archives", "postgres::timeline-unsaid"],
            ),
            // And nobody looked whether the backups reach the moment.
            (
                "recovery_target_time = ",
                &["postgres::recovery-pauses", "postgres::target-unchecked"],
            ),
            // The old data is dropped by a way back that fails while anybody is connected.
            (
                "run = \"dropdb",
                &["postgres::drop-in-use", "postgres::undo-of-restore"],
            ),
            // Debian has it elsewhere.
            ("grep '^port' ", &["postgres::config-elsewhere"]),
            ("tail -f ", &["shell::never-ends"]),
            ("until  = ", &["postgres::wait-in-vain"]),
            ("env     { GG_DATABASE_URL", &["secrets::literal"]),
            // Twelve errors, and the loop succeeds.
            (
                "psql -f ",
                &[
                    "postgres::database-unnamed",
                    "shell::break-hides-failure",
                    "shell::psql-goes-on",
                ],
            ),
            ("kubectl logs -f ", &["shell::never-ends"]),
            ("run     = \"curl ", &["shell::curl-without-fail"]),
            // A drill that scales production.
            ("env     { CLUSTER", &["mode::reaches-production"]),
        ],
    );
}

#[test]
fn backups_and_recovery_as_documents_tell_them() {
    has(
        "mana.bad.runbook",
        MANA,
        &[
            ("contact engineer", &["people::placeholder"]),
            (
                "level { page = [\"engineer\"] }",
                &["people::no-ack-within"],
            ),
            ("targets {", &["time::over-rto"]),
            ("run    = \"#!/bin/bash", &["shell::all-comment"]),
            ("pg_dump ", &["shell::pipe-failure-lost"]),
            ("find ", &["shell::prune-by-age"]),
            ("aws s3 cp ", &["code::placeholder"]),
            // Twenty bytes are a size too.
            (
                "run    = \"test -s ",
                &["postgres::backup-elsewhere", "shell::size-of-archive"],
            ),
            ("run    = \"psql ", &["postgres::server-side-copy"]),
            (
                "sql          = \"DELETE FROM auth.jwks\"",
                &["safety::no-gate"],
            ),
            (
                "psql -c \"DROP DATABASE",
                &[
                    "postgres::database-unnamed",
                    "postgres::drop-in-use",
                    "safety::no-gate",
                ],
            ),
            ("psql -c \"CREATE DATABASE", &["postgres::database-unnamed"]),
            // Nine roles are missing, and so is the file: it was written to another folder.
            (
                "gunzip -c ",
                &[
                    "postgres::backup-elsewhere",
                    "postgres::roles-missing",
                    "shell::pipe-failure-lost",
                    "shell::psql-goes-on",
                ],
            ),
            (
                "irreversible = \"the old data is gone\"",
                &["safety::verified-too-late"],
            ),
            ("sql = \"SELECT COUNT(*)", &["gate::cannot-fail"]),
            ("run     = \"curl ", &["shell::curl-without-fail"]),
            (
                "run          = \"pg_restore --target-time",
                &["postgres::database-unnamed", "postgres::pg-restore-misused"],
            ),
            (
                "sql          = \"INSERT INTO auth.users",
                &["postgres::other-database"],
            ),
        ],
    );
}

#[test]
fn what_is_meant_has_nothing_to_report() {
    for (name, text) in [
        (
            "guestguard.good.runbook",
            include_str!("fixtures/seeds/guestguard.good.runbook"),
        ),
        (
            "mana.good.runbook",
            include_str!("fixtures/seeds/mana.good.runbook"),
        ),
    ] {
        assert_eq!(found(name, text), [], "{name}");
    }
}

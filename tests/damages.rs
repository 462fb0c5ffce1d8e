//! What can be wrong with a restored GuestGuard database: for each of the 28 checks of `verify.runbook` a damage that it
//! finds and, where that is possible, no other does.

use crate::support::history::{DATABASE, Until};
use crate::support::site::Site;
use crate::support::top;
use std::collections::BTreeSet;

/// The tables that there have to be.
const TABLES: [&str; 13] = [
    "access_logs",
    "email_verification_tokens",
    "events",
    "guests",
    "notifications",
    "password_reset_tokens",
    "refresh_tokens",
    "rsvps",
    "schema_migrations",
    "subscriptions",
    "tokens",
    "unsubscribes",
    "users",
];

/// Who refers to whom: the table, its column, the table it refers to, and what else a row without a parent needs.
const REFERENCES: [(&str, &str, &str, &str, &str); 10] = [
    ("events", "host_id", "users", "title", "'lost'"),
    ("guests", "event_id", "events", "name", "'lost'"),
    ("tokens", "guest_id", "guests", "token_hash", "'lost'"),
    ("access_logs", "token_id", "tokens", "ip", "'10.0.0.9'"),
    ("rsvps", "guest_id", "guests", "answer", "'yes'"),
    ("notifications", "guest_id", "guests", "channel", "'email'"),
    (
        "email_verification_tokens",
        "user_id",
        "users",
        "token_hash, expires_at",
        "'lost', now()",
    ),
    (
        "password_reset_tokens",
        "user_id",
        "users",
        "token_hash, expires_at",
        "'lost', now()",
    ),
    (
        "refresh_tokens",
        "user_id",
        "users",
        "family, token_hash, expires_at",
        "gen_random_uuid(), 'lost', now()",
    ),
    (
        "subscriptions",
        "user_id",
        "users",
        "tier, status",
        "'pro', 'canceled'",
    ),
];

const MIGRATIONS: &str = "every migration is in the ledger";
const EMAILS: &str = "no two live users with one e-mail address";
const GRANTING: &str = "no user with two subscriptions that grant";
const FOREIGN_KEYS: &str = "every foreign key is enforced";
const ROWS: &str = "there are users and events";

fn table(name: &str) -> String {
    format!("table {name}")
}

fn orphans(table: &str) -> String {
    let name = match table {
        "events" => "no event without its host",
        "guests" => "no guest without an event",
        "tokens" => "no token without a guest",
        "access_logs" => "no access log without a token",
        "rsvps" => "no answer without a guest",
        "notifications" => "no notification without a guest",
        "email_verification_tokens" => "no e-mail verification without a user",
        "password_reset_tokens" => "no password reset without a user",
        "refresh_tokens" => "no refresh token without a user",
        "subscriptions" => "no subscription without a user",
        other => panic!("nothing in {other} refers to anything"),
    };
    name.to_owned()
}

/// A damage: the SQL that does it, the check that finds it, and others that cannot help finding it too.
struct Damage {
    sql: String,
    found_by: String,
    also_by: Vec<String>,
}

fn damages() -> Vec<Damage> {
    let mut damages: Vec<Damage> = TABLES.iter().map(|name| gone(name)).collect();
    for (child, column, _, others, values) in REFERENCES {
        damages.push(Damage {
            sql: format!(
                "set session_replication_role = replica; \
                 insert into {child} ({column}, {others}) values (gen_random_uuid(), {values})"
            ),
            found_by: orphans(child),
            also_by: Vec::new(),
        });
    }
    let more = [
        (
            MIGRATIONS,
            "delete from schema_migrations where version = 4",
        ),
        (
            EMAILS,
            "drop index users_email_live_key; insert into users (email) select upper(email) from users limit 1",
        ),
        (
            GRANTING,
            "drop index subscriptions_one_granting; insert into subscriptions (user_id, tier, status) \
             select user_id, 'business', 'trialing' from subscriptions where status = 'active' limit 1",
        ),
        (ROWS, "delete from events"),
        (
            FOREIGN_KEYS,
            "alter table tokens drop constraint fk03_tokens_guest; alter table tokens add constraint fk03_tokens_guest \
             foreign key (guest_id) references guests (id) on delete cascade not valid",
        ),
    ];
    damages.extend(more.map(|(check, sql)| Damage {
        sql: sql.to_owned(),
        found_by: check.to_owned(),
        also_by: Vec::new(),
    }));
    damages
}

/// A table that is not there is missed by whatever looks into it too.
fn gone(name: &str) -> Damage {
    let mut also_by: Vec<String> = REFERENCES
        .iter()
        .filter(|(child, _, parent, ..)| *child == name || *parent == name)
        .map(|(child, ..)| orphans(child))
        .collect();
    let others = [
        ("schema_migrations", MIGRATIONS),
        ("users", EMAILS),
        ("users", ROWS),
        ("events", ROWS),
        ("subscriptions", GRANTING),
    ];
    let others = others.iter().filter(|(table, _)| *table == name);
    also_by.extend(others.map(|(_, check)| (*check).to_owned()));
    Damage {
        // Renamed, so that its constraints and indexes are not missed as well.
        sql: format!("alter table {name} rename to {name}_gone"),
        found_by: table(name),
        also_by,
    }
}

/// The names of the checks of `verify.runbook` that do not hold; one that cannot be asked does not hold.
fn failing(site: &Site, database: &str) -> Vec<String> {
    let database = format!(
        "database=postgres:///{database}?host={}&port={}&user=postgres",
        site.primary.sockets.display(),
        site.primary.port
    );
    let words = [
        "run",
        "verify.runbook",
        "--set",
        &database,
        "--set",
        "version=6",
    ];
    let ended = site.run(words).without_panic();
    let run = site.place.json(["show", "last", "--json"]);
    let checks = run["nodes"][0]["checks"].as_array().expect("checks");
    assert_eq!(checks.len(), 28);
    let failed = checks.iter().filter(|check| check["passed"] == false);
    let mut failed: Vec<String> = failed
        .map(|check| check["name"].as_str().expect("a name").to_owned())
        .collect();
    failed.sort();
    assert_eq!(ended.code, Some(i32::from(!failed.is_empty())), "{ended:?}");
    failed
}

/// A site at this point, its primary running, with the runbook in its folder.
fn site(until: Until) -> Site {
    let site = Site::after(until);
    let runbook = top().join("runbooks/guestguard/verify.runbook");
    std::fs::copy(runbook, site.place.dir.join("verify.runbook")).expect("the runbook");
    site.primary.start();
    site
}

#[test]
fn each_damage_is_found_by_its_own_check() {
    let site = site(Until::LastGood);
    let cluster = &site.primary;
    let nothing = Vec::<String>::new();
    assert_eq!(failing(&site, DATABASE), nothing, "nothing is wrong yet");
    let damages = damages();
    let found_by: BTreeSet<&str> = damages.iter().map(|it| it.found_by.as_str()).collect();
    assert_eq!(found_by.len(), 28, "one for each check");
    for (number, damage) in damages.iter().enumerate() {
        let database = format!("damaged_{number}");
        cluster.psql(
            "postgres",
            &format!("create database {database} template {DATABASE}"),
        );
        cluster.psql(&database, &damage.sql);
        let mut expected = damage.also_by.clone();
        expected.push(damage.found_by.clone());
        expected.sort();
        assert_eq!(failing(&site, &database), expected, "{}", damage.sql);
        cluster.psql("postgres", &format!("drop database {database}"));
    }
}

#[test]
fn a_backup_of_the_bad_migration_does_not_pass() {
    let site = site(Until::Noticed);
    assert_eq!(
        failing(&site, DATABASE),
        [FOREIGN_KEYS.to_owned(), orphans("tokens")]
    );
}

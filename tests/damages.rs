//! What can be wrong with a restored GuestGuard database: 28 checks, and for each a damage that it finds and, where
//! that is possible, no other does.

use crate::support::history::{DATABASE, Until};
use crate::support::postgres::Cluster;
use crate::support::site::Site;
use std::fmt::Write as _;

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

const MIGRATIONS: &str = "all migrations are recorded";
const EMAILS: &str = "no two live users have one e-mail address";
const GRANTING: &str = "nobody has two granting subscriptions";
const INDEXES: &str = "all indexes are valid";
const FOREIGN_KEYS: &str = "all foreign keys are in force";

fn table(name: &str) -> String {
    format!("there is a table {name}")
}

fn orphans(table: &str) -> String {
    format!("no orphans in {table}")
}

/// Each check: its name, and a query that gives one truth value.
fn checks() -> Vec<(String, String)> {
    let mut checks: Vec<(String, String)> = Vec::new();
    for name in TABLES {
        checks.push((
            table(name),
            format!("select to_regclass('public.{name}') is not null"),
        ));
    }
    for (child, column, parent, ..) in REFERENCES {
        let query = format!(
            "select count(*) = 0 from {child} c left join {parent} p on p.id = c.{column} where p.id is null"
        );
        checks.push((orphans(child), query));
    }
    let more = [
        (
            MIGRATIONS,
            "select count(*) = 6 and min(version) = 1 and max(version) = 6 from schema_migrations",
        ),
        (
            EMAILS,
            "select count(*) = 0 from (select 1 from users where deleted_at is null group by lower(email) having count(*) > 1) d",
        ),
        (
            GRANTING,
            "select count(*) = 0 from (select 1 from subscriptions where status in ('active', 'trialing', 'past_due') \
             group by user_id having count(*) > 1) d",
        ),
        (
            INDEXES,
            "select count(*) = 0 from pg_index where not (indisvalid and indisready)",
        ),
        (
            FOREIGN_KEYS,
            "select count(*) = 10 from pg_constraint where contype = 'f' and convalidated and conname ~ '^fk[0-9]'",
        ),
    ];
    checks.extend(more.map(|(name, query)| (name.to_owned(), query.to_owned())));
    checks
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
        (
            INDEXES,
            "update pg_index set indisvalid = false where indexrelid = 'users_email_live_key'::regclass",
        ),
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

/// The names of the checks that do not hold; one that cannot be asked does not hold.
fn failing(cluster: &Cluster, database: &str) -> Vec<String> {
    let mut sql = String::from(
        "create function pg_temp.holds(query text) returns boolean language plpgsql as $$ declare answer boolean; \
         begin execute query into answer; return coalesce(answer, false); exception when others then return false; end $$; \
         select name from (values ",
    );
    for (at, (name, query)) in checks().iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}('{name}', $q${query}$q$)");
    }
    sql.push_str(") as c (name, query) where not pg_temp.holds(query)");
    cluster
        .psql(database, &sql)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_damage_is_found_by_its_own_check() {
    let site = Site::after(Until::LastGood);
    let cluster = &site.primary;
    cluster.start();
    assert_eq!(checks().len(), 28);
    assert_eq!(
        failing(cluster, DATABASE),
        Vec::<String>::new(),
        "nothing is wrong yet"
    );
    let damages = damages();
    assert_eq!(damages.len(), 28);
    for (number, damage) in damages.iter().enumerate() {
        let database = format!("damaged_{number}");
        cluster.psql(
            "postgres",
            &format!("create database {database} template {DATABASE}"),
        );
        cluster.psql(&database, &damage.sql);
        let mut found = failing(cluster, &database);
        let mut expected = damage.also_by.clone();
        expected.push(damage.found_by.clone());
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{}", damage.sql);
        cluster.psql("postgres", &format!("drop database {database}"));
    }
}

#[test]
fn a_backup_of_the_bad_migration_does_not_pass() {
    let site = Site::after(Until::Noticed);
    site.primary.start();
    let mut found = failing(&site.primary, DATABASE);
    found.sort();
    assert_eq!(found, [FOREIGN_KEYS.to_owned(), orphans("tokens")]);
}

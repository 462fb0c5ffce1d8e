//! Rules about restores of whole servers, and about which database is meant.

use crate::body::found;

const CLEAN: [&str; 0] = [];

/// What is found about a step with this script, in which `BASE` and `PASS` are folders.
fn script(text: &str) -> Vec<String> {
    let lines: String = text.lines().map(|line| format!("   {line}\n")).collect();
    found(&format!(
        " param base {{ default = \"/srv\" }}\n step s {{\n  env {{ BASE = \"${{{{ params.base }}}}/data\", PASS = \"${{{{ params.base }}}}/${{{{ string(node.pass) }}}}\" }}\n  run = \"\"\"\n{lines}  \"\"\"\n  effect = abandoned(\"x\")\n }}"
    ))
    .into_iter()
    .filter(|it| !it.starts_with("names::unused") && !it.starts_with("safety::"))
    .collect()
}

#[test]
fn a_folder_is_new_in_each_pass_or_looked_after() {
    let code = "postgres::used-directory";
    for (text, place) in [
        ("wal-g backup-fetch /srv/data LATEST", "/srv/data"),
        (
            "wal-g --config x.yaml backup-fetch \"$BASE\" LATEST",
            "\"$BASE\"",
        ),
        ("pg_basebackup -D \"$BASE/x\" -X stream", "\"$BASE/x\""),
        ("pg_basebackup --pgdata=/srv/data", "--pgdata=/srv/data"),
        (
            "INTO=/srv/x\nwal-g backup-fetch \"$INTO\" LATEST",
            "\"$INTO\"",
        ),
        ("barman recover shop latest /srv/data", "/srv/data"),
        (
            "pgbackrest --stanza=shop --pg1-path=/srv/data restore",
            "--pg1-path=/srv/data",
        ),
        ("wal-g backup-fetch data LATEST", "data"),
        (
            "rm -rf /srv/other\nwal-g backup-fetch /srv/data LATEST",
            "/srv/data",
        ),
        (
            "mkdir -p /srv/data\nwal-g backup-fetch /srv/data LATEST",
            "/srv/data",
        ),
    ] {
        assert_eq!(script(text), [format!("{code} [{place}]")], "{text}");
    }
    for text in [
        "wal-g backup-fetch \"$PASS/data\" LATEST",
        "wal-g backup-fetch \"$PITON_WORK/data\" LATEST",
        "INTO=$(mktemp -d)\nwal-g backup-fetch \"$INTO\" LATEST",
        "rm -rf \"$BASE\"\nwal-g backup-fetch \"$BASE\" LATEST",
        "rm -rf /srv/data/*\nwal-g backup-fetch /srv/data LATEST",
        "mkdir /srv/data\nwal-g backup-fetch /srv/data LATEST",
        "mv /srv/data \"/srv/old-$PITON_RUN\"\nwal-g backup-fetch /srv/data LATEST",
        "test -z \"$(ls -A \"$BASE\")\"\nwal-g backup-fetch \"$BASE\" LATEST",
        "pgbackrest --stanza=shop --delta --pg1-path=/srv/data restore",
        "pgbackrest --stanza=shop restore",
        "pg_basebackup -D - -F tar > x.tar",
        "cd \"$PITON_WORK\"\nwal-g backup-fetch data LATEST",
        "wal-g backup-list",
    ] {
        assert_eq!(script(text), CLEAN, "{text}");
    }
    let gate = " gate empty { run = \"test ! -e /srv/data\", on_fail = [stop] }\n step s { exec = [\"wal-g\", \"backup-fetch\", \"/srv/data\", \"LATEST\"], effect = abandoned(\"x\") }";
    assert_eq!(found(gate), CLEAN, "a gate has looked");
    let own = " dir = \"${{ run.work }}\"\n step s { exec = [\"wal-g\", \"backup-fetch\", \"data\", \"LATEST\"], effect = abandoned(\"x\") }";
    assert_eq!(found(own), CLEAN, "the folder of the run");
}

#[test]
fn files_are_not_taken_back_by_dropping_a_database() {
    let undo = |action: &str, undo: &str| {
        found(&format!(
            " database = \"postgres:///postgres\"\n step s {{ run = \"{action}\", undo {{ {undo} }} }}"
        ))
    };
    let fetch = "wal-g backup-fetch \\\"$PITON_WORK/data\\\" LATEST";
    assert_eq!(
        undo(fetch, "run = \"createdb shop\""),
        ["postgres::undo-of-restore [createdb shop]"]
    );
    assert_eq!(
        undo(fetch, "sql = \"drop database shop with (force)\""),
        ["postgres::undo-of-restore [drop database shop with (force)]"]
    );
    assert_eq!(
        undo(fetch, "run = \"rm -rf \\\"$PITON_WORK/data\\\"\""),
        CLEAN
    );
    assert_eq!(
        undo("createdb shop", "run = \"dropdb --force shop\""),
        CLEAN
    );
}

#[test]
fn debian_keeps_settings_in_etc() {
    let code = "postgres::config-elsewhere";
    for (text, place) in [
        (
            "cat /var/lib/postgresql/15/main/postgresql.conf",
            "/var/lib/postgresql/15/main/postgresql.conf",
        ),
        (
            "D=/var/lib/postgresql/9.6/main\necho x >> \"$D/pg_hba.conf\"",
            "\"$D/pg_hba.conf\"",
        ),
    ] {
        assert_eq!(script(text), [format!("{code} [{place}]")], "{text}");
    }
    for text in [
        "cat /var/lib/postgresql/data/postgresql.conf",
        "cat /var/lib/postgresql/15/main/postgresql.auto.conf",
        "cat /etc/postgresql/15/main/postgresql.conf",
        "cat /var/lib/postgresql/15/main/postgresql.conf.d/x",
    ] {
        assert_eq!(script(text), CLEAN, "{text}");
    }
}

#[test]
fn a_database_is_named_somewhere() {
    let code = "postgres::database-unnamed";
    for (text, program) in [
        ("psql -c 'select 1'", "psql"),
        ("psql -XAtc 'select 1' -h /run/postgresql", "psql"),
        ("timeout 5 psql --command 'select 1'", "psql"),
        ("pg_dump --file=x.sql", "pg_dump"),
        ("pg_dump -Fc -f x.dump", "pg_dump"),
        ("pg_restore --no-owner x.dump", "pg_restore"),
    ] {
        assert_eq!(script(text), [format!("{code} [{program}]")], "{text}");
    }
    for text in [
        "psql shop -c 'select 1'",
        "psql -c 'select 1' shop",
        "psql -XAtc 'select 1' \"$URL\"",
        "psql -U postgres -c 'select 1'",
        "psql --dbname=shop -c 'select 1'",
        "psql -l",
        "psql --version",
        "psql -c '\\connect shop'",
        "sudo -u postgres psql -c 'select 1'",
        "kubectl exec pg-0 -- psql -c 'select 1'",
        "PGDATABASE=shop psql -c 'select 1'",
        "export PGSERVICE=shop\npsql -c 'select 1'",
        "pg_dump shop > x.sql",
        "pg_dump --help",
        "pg_restore --list x.dump",
        "pg_restore -l x.dump",
        "pg_restore x.dump > x.sql",
        "pg_restore -f x.sql x.dump",
        "pg_restore -d shop x.dump",
    ] {
        assert_eq!(script(text), CLEAN, "{text}");
    }
    let env = " env { PGDATABASE = \"shop\" }\n step s { exec = [\"psql\", \"-c\", \"select 1\"], effect = none }";
    assert_eq!(found(env), CLEAN);
}

#[test]
fn a_database_is_named_in_the_environment_of_whatever_connects() {
    let psql = r#"exec = ["psql", "-c", "select 1"]"#;
    let unnamed = ["postgres::database-unnamed [\"psql\"]"];
    let step = |own: &str| found(&format!(" step s {{ {own} {psql}, effect = none }}"));
    assert_eq!(step(""), unnamed);
    assert_eq!(step("env { PGDATABASE = \"shop\" },"), CLEAN);
    assert_eq!(step("env { PGHOST = \"db-1\" },"), unnamed);
    // What looks has the environment of its step: the probe of `target`, `capture` and `checks`.
    let target = |env: &str| {
        found(&format!(
            " step s {{ {env} run = \"true\", effect = none, target {{ probe {{ {psql} }}, expect = \"true\" }} }}"
        ))
    };
    assert_eq!(target(""), unnamed);
    assert_eq!(target("env { PGDATABASE = \"shop\" },"), CLEAN);
    let undo = |env: &str| {
        found(&format!(
            " step s {{ run = \"true\", undo {{ {env} {psql} }} }}"
        ))
    };
    assert_eq!(undo(""), unnamed);
    assert_eq!(undo("env { PGDATABASE = \"shop\" },"), CLEAN);
}

#[test]
fn roles_come_before_the_dump_on_a_new_server() {
    let code = "postgres::roles-missing";
    let with = |server: &str, load: &str| -> Vec<String> {
        let all = script(&format!("{server}\n{load}"));
        all.into_iter().filter(|it| it.starts_with(code)).collect()
    };
    let restore = "pg_restore -d shop /srv/x.dump";
    for server in [
        "initdb -D \"$PASS\"",
        "sudo -u postgres pg_ctl init -D \"$PASS\"",
        "docker run -d --name db -p 5433:5432 docker.io/library/postgres:16",
    ] {
        assert_eq!(
            with(server, restore),
            [format!("{code} [{restore}]")],
            "{server}"
        );
    }
    for load in [
        "zcat /srv/x.sql.gz | psql -v ON_ERROR_STOP=1 shop",
        "psql -v ON_ERROR_STOP=1 -d shop < /srv/shop.dump",
        "psql -v ON_ERROR_STOP=1 -d shop -f /backups/shop.sql",
    ] {
        assert_eq!(with("initdb -D \"$PASS\"", load).len(), 1, "{load}");
    }
    for (server, load) in [
        ("createdb shop", restore),
        ("docker run --rm alpine true", restore),
        ("docker exec postgres true", restore),
        (
            "initdb -D x\npsql -d postgres -c 'create role shop'",
            restore,
        ),
        ("initdb -D x\npsql -d postgres -f globals.sql", restore),
        ("initdb -D x", "pg_restore -O -d shop /srv/x.dump"),
        ("initdb -D x", "pg_restore --list /srv/x.dump"),
        (
            "initdb -D x",
            "psql -v ON_ERROR_STOP=1 -d shop -f migrations/1.sql",
        ),
    ] {
        assert_eq!(with(server, load), CLEAN, "{server}: {load}");
    }
}

#[test]
fn a_moment_is_looked_at_before_anything_is_restored_to_it() {
    let code = "postgres::target-unchecked";
    let with = |before: &str, script: &str| -> Vec<String> {
        let all = found(&format!(
            " {before}\n step s {{ run = \"{script}\", effect = abandoned(\"x\") }}"
        ));
        all.into_iter().filter(|it| it.starts_with(code)).collect()
    };
    let set = "echo recovery_target_time = 'x' >> y";
    let gate = "gate g { run = \"./reachable\", on_fail = [stop] }";
    assert_eq!(with("", set), [format!("{code} [recovery_target_time]")]);
    for script in [
        "echo recovery_target_lsn=0/3 >> y",
        "pgbackrest --stanza=a --type=lsn --target=0/3 restore",
        "barman recover --target-time x a b /srv/c",
    ] {
        assert_eq!(with("", script).len(), 1, "{script}");
        assert_eq!(with(gate, script), CLEAN, "{script}");
    }
    assert_eq!(
        with("step t { run = \"true\", effect = none }", set).len(),
        1
    );
    for script in [
        "echo recovery_target_name = 'x' >> y",
        "echo recovery_target = 'immediate' >> y",
        "# recovery_target_time = 'x'",
        "pgbackrest --stanza=a restore",
        "barman recover a b /srv/c",
    ] {
        assert_eq!(with("", script), CLEAN, "{script}");
    }
}

#[test]
fn dumps_are_read_where_they_are_written() {
    let code = "postgres::backup-elsewhere";
    let with = |write: &str, read: &str| -> Vec<String> {
        let all = script(&format!("{write}\n{read}"));
        all.into_iter().filter(|it| it.starts_with(code)).collect()
    };
    let dump = "pg_dump -d shop -f \"/b/shop/shop-$(date +%F).sql\"";
    for read in [
        "psql -v ON_ERROR_STOP=1 -d shop -f /b/shop/latest.sql",
        "psql -v ON_ERROR_STOP=1 -d shop -f /b/shop-7.sql",
        "test -e /b/shop/latest.sql",
        "psql -v ON_ERROR_STOP=1 -d shop < /old/shop-1.sql",
    ] {
        let path = read.split(' ').next_back().unwrap_or_default();
        assert_eq!(with(dump, read), [format!("{code} [{path}]")], "{read}");
    }
    for (write, read) in [
        (
            dump,
            "psql -v ON_ERROR_STOP=1 -d shop -f /b/shop/shop-7.sql",
        ),
        (
            dump,
            "psql -v ON_ERROR_STOP=1 -d shop -f /b/shop/other.dump",
        ),
        (
            dump,
            "psql -v ON_ERROR_STOP=1 -d shop -f /srv/migration.sql",
        ),
        (
            dump,
            "psql -v ON_ERROR_STOP=1 -d shop -f \"$PASS/shop-7.sql\"",
        ),
        (dump, "ls /b/shop/latest.sql"),
        (dump, "ssh backup test -e /b/shop/latest.sql"),
        (dump, "cp x /b/shop/latest.sql\ntest -e /b/shop/latest.sql"),
        ("pg_dump -d shop > /b/x.sql", "test -e /b/x.sql"),
        ("pg_dump -d shop > \"$NOWHERE/x.sql\"", "test -e /b/y.sql"),
        (
            "pg_dump -d shop > \"/b/$(date +%F)/x.sql\"",
            "test -e /b/y.sql",
        ),
        ("true", "test -e /b/y.sql"),
    ] {
        assert_eq!(with(write, read), CLEAN, "{write}: {read}");
    }
    let whole = with("pg_dump -d shop > /b/x.sql", "test -e /b/y.sql");
    assert_eq!(whole, [format!("{code} [/b/y.sql]")]);
}

#[test]
fn the_size_of_what_is_compressed_says_nothing() {
    let code = "shell::size-of-archive";
    for (text, place) in [
        ("test -s /b/x.sql.gz", "/b/x.sql.gz"),
        (
            "F=/b/x.tar.zst\nif [ ! -s \"$F\" ]; then exit 1; fi",
            "\"$F\"",
        ),
        ("[[ -s x.dump.gpg ]]", "x.dump.gpg"),
    ] {
        assert_eq!(script(text), [format!("{code} [{place}]")], "{text}");
    }
    for text in [
        "test -s /b/x.sql",
        "test -e /b/x.sql.gz",
        "test -s /b/x.sql.gz && gzip -t /b/x.sql.gz",
        "test -s /b/x.tgz\ntar -tzf /b/x.tgz > /dev/null",
    ] {
        assert_eq!(script(text), CLEAN, "{text}");
    }
}

//! Rules about scripts, programs and SQL: what they see, and what they leave in peace.

use crate::body::found;
use piton_dsl::check;
use piton_dsl::source::SourceFile;

/// The same for a step with this script.
fn script(text: &str) -> Vec<String> {
    let lines: String = text.lines().map(|line| format!("   {line}\n")).collect();
    found(&format!(
        " step s {{\n  run = \"\"\"\n{lines}  \"\"\"\n  effect = none\n }}"
    ))
}

/// Checks that each script has no finding.
fn clean(scripts: &[&str]) {
    for text in scripts {
        assert_eq!(script(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn only_failures_that_matter_are_lost_in_pipes() {
    let code = "shell::pipe-failure-lost";
    for (text, first) in [
        ("pg_dump shop | gzip > x.gz", "pg_dump shop"),
        ("wal-g backup-list | tail -n 1", "wal-g backup-list"),
        ("x=$(./list.sh | tail -n 1)", "./list.sh"),
        (
            "sudo -u postgres pg_dump shop | gzip",
            "sudo -u postgres pg_dump shop",
        ),
        ("cat x | ./filter | sort", "./filter"),
        (
            "if kubectl get pods | wc -l; then :; fi",
            "kubectl get pods",
        ),
        ("kubectl get pods | grep -c Running", "kubectl get pods"),
        (
            "for f in a b; do\n ./dump \"$f\" | gzip > \"$f.gz\"\ndone",
            "./dump \"$f\"",
        ),
    ] {
        assert_eq!(script(text), [format!("{code} [{first}]")], "{text}");
    }
    clean(&[
        "df -Pk / | awk 'NR == 2 { print $4 }'",
        "echo \"$x | y\"",
        "kubectl get pods | grep Running",
        "set -o pipefail\npg_dump shop | gzip",
        "set -euo pipefail\npg_dump shop | gzip",
        "# pg_dump shop | gzip\ntrue",
        "cat <<EOF\npg_dump shop | gzip\nEOF",
        "./a || ./b",
    ]);
    let own = |shell: &str| {
        found(&format!(
            " step s {{ run = \"pg_dump shop | gzip\", shell = [{shell}], effect = none }}"
        ))
    };
    let lost = [format!("{code} [pg_dump shop]")];
    assert_eq!(own("\"bash\", \"-euo\", \"pipefail\", \"-c\""), [""; 0]);
    assert_eq!(own("\"bash\", \"-o\", \"pipefail\", \"-ec\""), [""; 0]);
    assert_eq!(own("\"bash\", \"-euc\""), lost);
    assert_eq!(own("\"python3\", \"-c\""), [""; 0]);
    let program = |argv: &str| found(&format!(" step s {{ exec = [{argv}], effect = none }}"));
    assert_eq!(program("\"sh\", \"-c\", \"pg_dump shop | gzip\""), lost);
    assert_eq!(program("\"echo\", \"pg_dump shop | gzip\""), [""; 0]);
}

#[test]
fn requests_are_fine_when_somebody_looks_at_what_they_give() {
    for text in [
        "curl -s http://x",
        "curl -o f http://x > /dev/null",
        "sudo curl http://x",
    ] {
        assert_eq!(script(text), ["shell::curl-without-fail [curl]"], "{text}");
    }
    clean(&[
        "curl -fsS http://x",
        "curl --fail-with-body http://x",
        "test \"$(curl -s -o /dev/null -w '%{http_code}' http://x)\" = 200",
        "curl -s http://x | grep -q ready",
        "if curl -sf http://x; then :; fi",
        "curl --version",
        "curl -T x sftp://host/x",
        "echo curl http://x",
    ]);
    let judged = " gate g { checks { check \"up\" { run = \"curl -s http://x\", expect = \"stdout == 'ok'\" } } on_fail = [stop] }";
    assert_eq!(found(judged), [""; 0]);
    let unjudged = judged.replace(", expect = \"stdout == 'ok'\"", "");
    assert_eq!(found(&unjudged), ["shell::curl-without-fail [curl]"]);
}

#[test]
fn commands_that_go_on_may_be_ended_by_others() {
    for text in [
        "tail -f x.log",
        "tail -F -n 3 x.log",
        "kubectl logs -f deployment/x",
        "kubectl logs deployment/x --follow --tail=20",
        "docker compose logs -f x",
        "journalctl -fu x",
        "watch date",
        "kubectl get pods -w",
        "tail -f x.log | tee y",
    ] {
        assert_eq!(script(text).len(), 1, "{text}");
        assert!(script(text)[0].starts_with("shell::never-ends"), "{text}");
    }
    clean(&[
        "tail -n 20 x.log",
        "timeout 30 tail -f x.log",
        "tail -f x.log &",
        "tail -f x.log | grep -m 1 ready",
        "tail -f x.log | sed '/ready/q'",
        "tail --pid=7 -f x.log",
        "kubectl apply -f x.yaml",
        "kubectl logs --follow=false x",
        "docker build -f Dockerfile .",
        "tail file",
    ]);
}

#[test]
fn scripts_of_psql_have_to_stop_at_an_error() {
    for text in [
        "psql -d shop -f x.sql",
        "psql shop < x.sql",
        "cat x.sql | psql shop",
        "psql -d shop <<EOF\nselect 1;\nEOF",
        "psql -U app -1 --file=x.sql",
        "kubectl exec -i pg-0 -- psql shop < x.sql",
        "{ echo 'begin;'; cat x; } | psql shop",
    ] {
        assert_eq!(script(text), ["shell::psql-goes-on [psql]"], "{text}");
    }
    clean(&[
        "psql -v ON_ERROR_STOP=1 -f x.sql shop",
        "psql --set=ON_ERROR_STOP=on shop < x.sql",
        "psql shop <<EOF\n\\set ON_ERROR_STOP on\nselect 1;\nEOF",
        "psql -d shop -c 'select 1'",
        "psql -l",
        "echo 'select 1' > x.sql",
    ]);
}

#[test]
fn places_are_mapped_in_both_syntaxes() {
    let yaml = "runbook: a\ntimeout: 5m\nsteps:\n  - step: s\n    effect: none\n    run: |\n      true\n      pg_dump shop |\n        gzip > x\n";
    let file = SourceFile::new("a.runbook.yaml", yaml);
    let found = check(&file).diagnostics;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(file.position(found[0].span().start), (8, 7));
    assert_eq!(file.slice(found[0].span()), "pg_dump shop");
    let escaped = found_in(
        "runbook a { timeout = 5m step s { run = \"echo \\\"x\\\" && curl http://x\", effect = none } }",
    );
    assert_eq!(escaped, ["shell::curl-without-fail [curl]"]);
}

fn found_in(text: &str) -> Vec<String> {
    let file = SourceFile::new("a.runbook", text);
    let diagnostics = check(&file).diagnostics;
    diagnostics
        .iter()
        .map(|it| format!("{} [{}]", it.code, file.slice(it.span())))
        .collect()
}

#[test]
fn recoveries_may_be_configured_in_several_places() {
    let body = |recovery: &str, more: &str| {
        found(&format!(
            " step s {{ run = \"printf '%s' '{recovery}' >> x.conf\", effect = none }}\n {more}"
        ))
    };
    let target = "recovery_target_name = now";
    assert_eq!(
        body(target, ""),
        ["postgres::recovery-pauses [recovery_target_name]"]
    );
    assert_eq!(body("recovery_target_timeline = 3", ""), [""; 0]);
    assert_eq!(
        body("recovery_target_name = x, recovery_target_action = y", ""),
        [""; 0]
    );
    let promotes = "step p { exec = [\"pg_ctl\", \"promote\", \"-D\", \"x\"], effect = none }";
    assert_eq!(body(target, promotes), [""; 0]);
    let command = "restore_command = x, recovery_target_timeline = y";
    assert_eq!(
        body(command, ""),
        ["postgres::copy-archives [restore_command]"]
    );
    let off = "step o { run = \"echo archive_mode=off >> x.conf\", effect = none }";
    assert_eq!(body(command, off), [""; 0]);
    assert_eq!(script("# restore_command = x\ntrue"), [""; 0]);
}

#[test]
fn what_is_destroyed_is_guarded_by_any_gate_before_it() {
    let step = |text: &str, more: &str| {
        found(&format!(
            " param folder {{ default = \"x\" }}\n step s {{ env {{ FOLDER = \"${{{{ params.folder }}}}\" }} run = \"{text}\", irreversible = \"gone\"{more} }}"
        ))
    };
    for text in [
        "rm -rf \\\"$FOLDER/x\\\"",
        "rm -r /var/lib/postgresql/data",
        "dropdb --force shop",
        "psql -d shop -c 'drop table users'",
        "psql -d shop -c 'delete from users; commit'",
        "kubectl delete deployment/x",
        "mkfs.ext4 /dev/sdb1",
        "redis-cli FLUSHALL",
    ] {
        let found = step(text, "");
        assert!(
            found.len() == 1 && found[0].starts_with("safety::no-gate"),
            "{text}: {found:?}"
        );
        assert_eq!(step(text, ", confirm = \"yes\""), [""; 0], "{text}");
    }
    for text in [
        "rm -rf \\\"$PITON_WORK/x\\\"",
        "rm x",
        "rm -rf ./build",
        "psql -d shop -c 'delete from users where id = 7'",
        "psql -d shop -c \\\"select 'drop table x'\\\"",
        "kubectl delete pod/x",
    ] {
        assert_eq!(
            step(text, ", env { X = \"1\" }").len(),
            1,
            "one `env` too many"
        );
        assert_eq!(step(text, ""), [""; 0], "{text}");
    }
    let gate = " gate g { run = \"./whole\", on_fail = [stop] }\n step s { run = \"dropdb -f x\", irreversible = \"gone\" }";
    assert_eq!(found(gate), [""; 0]);
    let beside = gate.replace("step s {", "step s { needs = [],");
    assert_eq!(found(&beside), ["safety::no-gate [dropdb -f x]"]);
}

#[test]
fn checks_that_look_can_fail() {
    let gate = |action: &str| {
        found(&format!(
            " database = \"sqlite:x\"\n gate g {{ {action}, on_fail = [stop] }}"
        ))
    };
    for action in [
        "run = \"true\"",
        "run = \"./check || true\"",
        "run = \"./check; ./more || :\"",
        "exec = [\"true\"]",
        "sql = \"select count(*) from users\"",
        "checks { check \"a\" { run = \"./x\", expect = \"true\" } }",
    ] {
        let found = gate(action);
        assert!(
            found.len() == 1 && found[0].starts_with("gate::cannot-fail"),
            "{action}: {found:?}"
        );
    }
    for action in [
        "run = \"./check\"",
        "run = \"./check || exit 1\"",
        "run = \"./check && true\"",
        "run = \"./clean || true\\n./check\"",
        "run = \"! true\"",
        "sql = \"select 1\"",
        "sql = \"select 1 / count(*) from users\"",
        "sql = \"select count(*) from users\", until = \"value > 0\", every = 1s",
        "checks { check \"a\" { run = \"true\", expect = \"run.starter == 'x'\" } }",
    ] {
        assert_eq!(gate(action), [""; 0], "{action}");
    }
}

#[test]
fn only_sql_that_no_database_reads_is_refused() {
    let sql = |database: &str, text: &str| {
        found(&format!(
            " database = \"{database}\"\n step s {{ sql = \"{text}\", effect = none }}"
        ))
    };
    for (text, at) in [
        ("selct 1", "selct"),
        ("select (1", "("),
        ("select 1)", ")"),
        ("select 'x", "x"),
        ("select * from", "m"),
        ("insert into users values (1, 'a', now()", "("),
    ] {
        for database in ["postgres:///x", "sqlite:x", "${{ params.x }}"] {
            let found: Vec<_> = sql(database, text)
                .into_iter()
                .filter(|it| !it.starts_with("names::"))
                .collect();
            assert_eq!(
                found,
                [format!("sql::unreadable [{at}]")],
                "{database}: {text}"
            );
        }
    }
    for text in [
        "vacuum (analyze, verbose) users",
        "select pg_promote(true, 120)",
        "pragma integrity_check",
        "reindex table users",
        "select count(*) filter (where a) over (partition by b) from c",
        "select a #>> '{x,y}' from b where c @> d and e ~* 'f'",
        "do $$ begin perform 1; end $$",
        "alter system set archive_mode = off",
        "security label on table x is 'y'",
        "select * from generate_series(1, $1::int) as w(v)",
        "explain (analyze, buffers) select 1",
        "table users",
        "create index concurrently if not exists i on t using gin (x jsonb_path_ops)",
        "select 'a''b', e'it\\\\'s', \\\"q(\\\"",
        "select 1; select 2;",
        "",
    ] {
        let found = sql("postgres:///x", text);
        assert!(
            found.iter().all(|it| !it.starts_with("sql::")),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn sums_name_the_path() {
    let file = SourceFile::new(
        "a.runbook",
        r#"runbook a {
  timeout = 10m
  targets { rto { within = 30m, from = "go", to = "up" } }
  gate go { approve { by = ["ann"], not_starter = true, expires = 2h }, on_fail = [stop] }
  step fetch { run = "./fetch", effect = none, retry { times = 1, backoff = 1m } }
  step short { run = "./short", effect = none, needs = ["go"], timeout = 1s }
  step look { manual { instructions = "look" }, effect = none, needs = ["fetch", "short"] }
  step up { run = "./up", effect = none }
  step after { run = "./after", effect = none, timeout = 9h }
}
"#,
    );
    let found = check(&file).diagnostics;
    let messages: Vec<_> = found
        .iter()
        .map(|it| (it.code, it.message.as_str()))
        .collect();
    assert_eq!(
        messages,
        [(
            "time::over-rto",
            "the steps under this clock may take 31m, and 30m is the target: `fetch` 21m + `up` 10m, and `look`, \
             which nothing limits"
        )]
    );
}

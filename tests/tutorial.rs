//! docs/tutorial.md from its first command to its last, on a database that the reader might have.

use crate::prose::{Line, blocks};
use crate::support::account::{account, piton};
use crate::support::history::Until;
use crate::support::postgres::{SUPERUSER, pg_bin};
use crate::support::site::Site;
use crate::support::{Ended, top};

#[test]
fn the_tutorial_runs_as_it_is_written() {
    let text = std::fs::read_to_string(top().join("docs/tutorial.md")).expect("the tutorial");
    let site = Site::after(Until::LastGood);
    site.primary.start();
    site.primary.psql("postgres", "create database shop");
    site.primary.psql(
        "shop",
        "create table customers(id int primary key, name text);
         create table orders(id int primary key, customer int references customers);
         insert into customers select i, 'customer ' || i from generate_series(1, 100) i;
         insert into orders select i, 1 + i % 100 from generate_series(1, 1000) i",
    );
    let files = blocks(&text, "runbook");
    let [backup, drill] = files.as_slice() else {
        panic!("the tutorial has two files to save")
    };
    // The reader adds the check of their own beside the first one.
    let own = blocks(&text, "text");
    let drill = drill.replacen(
        "    checks {\n",
        &format!("    checks {{\n{}", own.concat()),
        1,
    );
    assert!(drill.contains("no order lost its customer"), "{drill}");
    let folder = site.place.dir.join("drill");
    account().folder(&folder);
    account().file(&folder.join("backup.runbook"), backup);
    account().file(&folder.join("drill.runbook"), &drill);

    let url = format!(
        "postgresql:///shop?host={}&port={}&user={SUPERUSER}",
        site.primary.sockets.display(),
        site.primary.port
    );
    let mut script = format!(
        "export DATABASE_URL='{url}' PATH=\"$PATH:{}:{}\"\nset +e\n",
        piton().parent().expect("a folder").display(),
        pg_bin().display()
    );
    let mut count = 0;
    for line in blocks(&text, "sh").iter().flat_map(|block| block.lines()) {
        let line = line.replace("mkdir drill", "mkdir -p drill");
        let Line { command, code } = Line::read(&line);
        script.push_str(&format!(
            "{command}\ncode=$?; test $code = {code} || {{ echo \"exit code $code: {count}\" >&2; exit 99; }}\n"
        ));
        count += 1;
    }
    assert!(count >= 12, "only {count} commands were found");
    let output = site.shell(&script).output().expect("bash");
    let ended = Ended::from(output).without_panic().expect(0);
    ended.says("RTO met");
    let log = site.place.read("drill/RESTORE_DRILL_LOG.md");
    let outcomes: Vec<&str> = log
        .lines()
        .filter_map(|row| row.split('|').nth(3).map(str::trim))
        .collect();
    assert_eq!(outcomes, ["succeeded", "succeeded", "failed"], "{log}");
    assert_eq!(
        site.primary.psql("shop", "select count(*) from orders"),
        "1000"
    );
}

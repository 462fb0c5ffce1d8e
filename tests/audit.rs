//! `piton audit`: the record holds, or the broken one is named.

use crate::support::Place;

#[test]
fn an_untouched_journal_is_accepted_and_a_changed_byte_is_named() {
    let place = Place::new();
    let file = place.file(
        "two.runbook",
        "runbook two {\n  timeout = 1m\n  step a { run = \"echo a\" effect = none }\n  step b { run = \"echo b\" effect = none }\n}\n",
    );
    place.run(["run".as_ref(), file.as_os_str()]).expect(0);
    place.run(["audit", "last"]).expect(0);
    let store = rusqlite::Connection::open(place.dir.join("store.db")).expect("the store");
    let bodies: Vec<(i64, String)> = store
        .prepare("select seq, body from record order by seq")
        .expect("the table of records")
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("records");
    assert!(bodies.len() > 6, "{bodies:?}");
    for (seq, body) in bodies {
        let mut bytes = body.clone().into_bytes();
        let at = bytes.len() / 2;
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        let put = |text: &str| {
            store
                .execute("update record set body = ?1 where seq = ?2", (text, seq))
                .expect("a writable store");
        };
        put(&changed);
        let ended = place.run(["audit", "last"]).expect(1);
        assert!(
            ended.stdout.contains(&format!("record {seq} "))
                || ended.stderr.contains(&format!("record {seq} ")),
            "it names record {seq}: {ended:?}"
        );
        put(&body);
    }
    place.run(["audit", "last"]).expect(0);
    store
        .execute(
            "delete from record where seq = (select max(seq) from record)",
            [],
        )
        .expect("a writable store");
    place.run(["audit", "last"]).expect(1);
}

//! A healthy standby is promoted instead of a restore.

use super::{answers_one, begins, command, site};
use crate::support::Ended;
use crate::support::history::{DATABASE, Until, heartbeat};
use crate::support::operator::Operator;
use crate::support::until;

#[test]
fn a_healthy_standby_is_promoted_instead() {
    let mut site = site(Until::LastGood);
    let standby = site.standby();
    let last = heartbeat(&site.primary);
    let ids = "select max(id) from monitoring.heartbeat";
    until("the standby is up to date", || {
        standby.psql(DATABASE, ids) == site.primary.psql(DATABASE, ids)
    });
    let url = |user: &str| {
        format!(
            "postgres:///{DATABASE}?host={}&port={}&user={user}",
            standby.sockets.display(),
            standby.port
        )
    };
    site.place
        .settings
        .push(("GG_STANDBY_URL".into(), url("postgres").into()));
    let application = site.url(standby.port);
    for (name, value) in &mut site.place.settings {
        if name == "GG_DATABASE_URL" {
            *value = application.clone().into();
        }
    }
    let connection = format!(
        "standby=host={} port={} user=postgres",
        standby.sockets.display(),
        standby.port
    );
    // While the primary answers there is nothing to promote.
    site.run(command(&site, "promote-standby", &[]))
        .expect(1)
        .says("the primary answers");
    site.primary.crash();
    let restore = site.run(begins(&site, &[&connection]));
    restore
        .expect(1)
        .says("the standby is healthy")
        .says("promote-standby.runbook");
    assert!(
        !site
            .calls()
            .iter()
            .any(|call| call.contains("backup-fetch") || call.contains("scale"))
    );
    // A corruption is on the standby too.
    let corruption = [
        "situation=corruption",
        "failed_at=2038-01-01T00:00:00Z",
        &connection,
    ];
    site.run(begins(&site, &corruption)).expect(3);
    site.run(["cancel", "last", "--as", "cto"]).expect(0);

    let mut operator = Operator::default()
        .at("go", &["approve", "--as", "cto"])
        .at("fence", &["done", "--all", "--as", "infra-lead"])
        .at("open-the-site", &["done"])
        .at("build-standby", &["done", "--all", "--as", "infra-lead"]);
    let mut ended: Ended = site.run(command(&site, "promote-standby", &[]));
    while ended.code == Some(3) {
        answers_one(&site, &mut operator);
        ended = site.run(["resume", "last"]).without_panic();
    }
    ended.expect(0).says("RTO met").says("RPO met");
    assert_eq!(operator.left(), 0);
    assert_eq!(standby.psql(DATABASE, "select pg_is_in_recovery()"), "f");
    assert_eq!(site.secret(), site.url(standby.port));
    assert_eq!(site.replicas("guestguard-api"), "2");
    let status = site.api.posted("/hooks/status").join("\n");
    assert!(status.contains(&last[..19]), "{status}");
}

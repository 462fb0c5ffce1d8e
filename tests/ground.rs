//! The ground that the restores are tested on holds: clusters, their archive, and the programs that stand in.

use crate::support::account::account;
use crate::support::api::{SECRET, TEST_PASSWORD, TEST_USER, ask};
use crate::support::history::{DATABASE, LAST_GOOD, Until, history};
use crate::support::postgres::{Archive, Cluster, done};
use crate::support::site::Site;
use crate::support::standins::programs;
use crate::support::{Ended, Place, until};
use serde_json::Value;
use std::process::{Command, Stdio};

/// A place for clusters, with an archive.
struct Ground {
    place: Place,
    archive: Archive,
}

impl Ground {
    fn new() -> Ground {
        let place = Place::new();
        account().owns(&place.dir);
        let folder = place.dir.join("archive");
        account().folder(&folder);
        let archive = Archive {
            folder,
            programs: programs().to_owned(),
            log: place.dir.join("calls"),
        };
        Ground { place, archive }
    }

    fn wal_g(&self, arguments: &[&str]) -> Ended {
        let mut command = account().command("wal-g");
        self.archive.environment(&mut command);
        command.args(arguments).current_dir(&self.place.dir);
        Ended::from(command.output().expect("wal-g"))
    }

    fn list(&self) -> Value {
        let list = self.wal_g(&["backup-list", "--json", "--detail"]).expect(0);
        serde_json::from_str(&list.stdout).unwrap_or_else(|error| panic!("{error}: {list:?}"))
    }
}

#[test]
fn a_cluster_archives_and_is_restored_to_a_point_in_time() {
    let ground = Ground::new();
    let archive = Some(ground.archive.clone());
    let primary = Cluster::new(&ground.place.dir.join("primary"), archive);
    primary.start();
    primary.psql("postgres", "create table note (text text)");
    let name = primary.back_up();
    primary.psql("postgres", "insert into note values ('kept')");
    let moment = primary.now();
    primary.psql("postgres", "insert into note values ('too late')");
    primary.archive_all();
    primary.stop();
    assert!(!primary.runs());

    let list = ground.list();
    assert_eq!(list[0]["backup_name"], name.as_str(), "{list}");
    let finished = list[0]["finish_time"].as_str().expect("a time");
    assert!(finished < moment.as_str(), "{finished} is before {moment}");
    assert!(list[0]["start_lsn"].as_u64() < list[0]["finish_lsn"].as_u64());

    let folder = ground.place.dir.join("restored");
    account().folder(&folder);
    let data = folder.join("data");
    let fetch = ["backup-fetch", &data.to_string_lossy(), "LATEST"];
    ground.wal_g(&fetch).expect(0);
    ground.wal_g(&fetch).expect(1).says("must be empty");
    done(
        account()
            .command(crate::support::postgres::pg_bin().join("pg_verifybackup"))
            .arg("-n")
            .arg(&data),
    );
    let port = crate::support::postgres::free_port();
    let restored = Cluster::at(&folder, port, Some(ground.archive.clone()));
    restored.configure(&format!("port = {port}"));
    restored.configure(&format!(
        "unix_socket_directories = '{}'",
        restored.sockets.display()
    ));
    restored.configure("archive_mode = off");
    restored.configure("restore_command = 'wal-g wal-fetch \"%f\" \"%p\"'");
    // The server reads its configuration before it knows what `Z` is.
    let target = moment.replace('Z', "+00");
    restored.configure(&format!("recovery_target_time = '{target}'"));
    account().file(&data.join("recovery.signal"), "");
    restored.start();
    until("recovery is at its target", || {
        restored.psql("postgres", "select pg_get_wal_replay_pause_state()") == "paused"
    });
    assert_eq!(restored.psql("postgres", "select text from note"), "kept");
    assert!(restored.log().contains("pausing at the end of recovery"));
    restored.crash();
    assert!(!restored.runs());
}

#[test]
fn wal_g_says_what_is_not_there() {
    let ground = Ground::new();
    assert_eq!(ground.list(), Value::Array(Vec::new()));
    ground
        .wal_g(&["wal-fetch", "000000010000000000000001", "here"])
        .expect(74);
    ground
        .wal_g(&["backup-fetch", "there", "base_000000010000000000000001"])
        .expect(1)
        .says("does not exist");
    let pushed = ground.place.file("segment", "one");
    ground
        .wal_g(&["wal-push", &pushed.to_string_lossy()])
        .expect(0);
    ground
        .wal_g(&["wal-push", &pushed.to_string_lossy()])
        .expect(0);
    ground.place.file("segment", "another");
    ground
        .wal_g(&["wal-push", &pushed.to_string_lossy()])
        .expect(1)
        .says("with other contents");
    ground.wal_g(&["wal-fetch", "segment", "fetched"]).expect(0);
    assert_eq!(ground.place.read("fetched"), "one");
    std::fs::remove_dir_all(&ground.archive.folder).expect("the archive");
    ground
        .wal_g(&["backup-list"])
        .expect(1)
        .says("no such folder");
    assert_eq!(
        ground.place.read("calls").lines().next(),
        Some("wal-g backup-list --json --detail")
    );
}

#[test]
fn kubectl_keeps_replicas_and_secrets() {
    let place = Place::new();
    let deployment = place.dir.join("kubectl/deployments/api");
    std::fs::create_dir_all(&deployment).expect("a folder");
    std::fs::write(deployment.join("replicas"), "2\n").expect("a file");
    let shell = |script: &str| {
        let mut command = Command::new("bash");
        command
            .args([
                "-c",
                &format!(
                    "set -o pipefail; kubectl() {{ {}/kubectl \"$@\"; }}; {script}",
                    programs().display()
                ),
            ])
            .env("STANDIN_STATE", &place.dir)
            .env("STANDIN_LOG", place.dir.join("calls"))
            .stdin(Stdio::null());
        Ended::from(command.output().expect("bash"))
    };
    let replicas = "kubectl get deployment/api -n web -o jsonpath={.spec.replicas}";
    assert_eq!(shell(replicas).expect(0).stdout, "2");
    let logs = shell("kubectl logs deployment/api --all-pods --prefix --tail=20").expect(0);
    assert_eq!(logs.stdout.matches("http server starting").count(), 2);
    assert_eq!(logs.stdout.matches("billing enabled via stripe").count(), 2);
    let one = shell("kubectl logs deployment/api")
        .expect(0)
        .says("Found 2 pods");
    assert_eq!(one.stdout.matches("http server starting").count(), 1);
    shell("kubectl scale deployment/api --replicas=0").expect(0);
    assert_eq!(shell(replicas).expect(0).stdout, "0");
    shell("kubectl scale deployment/other --replicas=1")
        .expect(1)
        .says("\"other\" not found");
    shell("kubectl get deployment/api --no-such-flag").expect(1);
    let secret = "printf %s 'postgres://u:p@h/d' | kubectl create secret generic db --from-file=url=/dev/stdin --dry-run=client -o yaml | kubectl apply -f -";
    shell(secret).expect(0).says("secret/db configured");
    assert_eq!(place.read("kubectl/secrets/db/url"), "postgres://u:p@h/d");
    let read = shell("kubectl get secret db -o jsonpath={.data.url} | base64 -d").expect(0);
    assert_eq!(read.stdout, "postgres://u:p@h/d");
    assert!(
        !place.read("calls").contains("u:p"),
        "{}",
        place.read("calls")
    );
    shell("kubectl exec pod-0 -- true")
        .expect(1)
        .says("\"pod-0\" not found");
    std::fs::create_dir_all(place.dir.join("kubectl/pods")).expect("a folder");
    place.file("kubectl/pods/pod-0", "WORD=within\n");
    assert_eq!(
        shell("kubectl exec pod-0 -- sh -c 'echo $WORD'")
            .expect(0)
            .stdout,
        "within\n"
    );
}

#[test]
fn the_history_is_in_order_and_its_damage_is_there() {
    let history = history();
    let moments = [
        &history.old.finished,
        &history.at_version_5,
        &history.good.finished,
        &history.last_good,
        &history.before_damage,
        &history.damaged,
        &history.late.finished,
        &history.noticed,
        &history.last,
    ];
    assert!(moments.is_sorted(), "{history:?}");
    let orphans =
        "select count(*) from tokens t left join guests g on g.id = t.guest_id where g.id is null";
    let site = Site::after(Until::LastGood);
    site.primary.start();
    assert_eq!(site.primary.psql(DATABASE, orphans), "0");
    let version = "select max(version) from schema_migrations";
    assert_eq!(site.primary.psql(DATABASE, version), "6");
    let site = Site::after(Until::Noticed);
    site.primary.start();
    assert_ne!(site.primary.psql(DATABASE, orphans), "0");
    // Its archive is a copy: what one site adds is not in another.
    site.primary.back_up();
    let backups = |site: &Site| {
        let list = site.archive.folder.join("basebackups_005");
        let files = std::fs::read_dir(list).expect("backups").flatten();
        files.filter(|file| file.path().is_dir()).count()
    };
    assert_eq!(backups(&site), 4);
    assert_eq!(backups(&Site::after(Until::Noticed)), 3);
}

#[test]
fn the_application_answers_from_the_database_of_its_secret() {
    let site = Site::after(Until::LastGood);
    let asked =
        |method, path: &str, token: &str, body: &str| ask(&site.api, method, path, token, body);
    assert_eq!(asked("GET", "/dashboard", "", "").0, 503);
    site.maintenance(false);
    assert_eq!(asked("GET", "/dashboard", "", "").0, 200);
    assert_eq!(
        asked("GET", "/health", "", "").0,
        500,
        "the primary is down"
    );
    site.primary.start();
    assert_eq!(asked("GET", "/health", "", "").0, 200);
    let wrong = format!(r#"{{"email": "{TEST_USER}", "password": "guess"}}"#);
    assert_eq!(asked("POST", "/auth/login", "", &wrong).0, 401);
    let right = wrong.replace("guess", TEST_PASSWORD);
    let (status, body) = asked("POST", "/auth/login", "", &right);
    assert_eq!(status, 200);
    let token = body["access_token"].as_str().expect("a token");
    assert_eq!(asked("GET", "/events", "someone-else", "").0, 401);
    let (status, body) = asked("GET", "/events", token, "");
    assert_eq!((status, &body[0]["title"]), (200, &LAST_GOOD.into()));
    let (status, body) = asked("POST", "/events", token, r#"{"title": "O'Brien's"}"#);
    assert_eq!((status, &body["title"]), (201, &"O'Brien's".into()));
    let path = format!("/events/{}", body["id"].as_str().expect("an id"));
    assert_eq!(asked("DELETE", &path, token, "").0, 204);
    assert_eq!(asked("DELETE", &path, token, "").0, 404);
    site.api.breaks(true);
    assert_eq!(asked("GET", "/health", "", "").0, 500);
    site.api.breaks(false);
    asked("POST", "/hooks/pager", "", "page");
    assert_eq!(site.api.posted("/hooks/pager"), ["page"]);
    // Another process changes the secret and the replicas, as a restore does.
    let url = site.url(site.port);
    let secret = format!(
        "printf %s '{url}' | kubectl create secret generic {SECRET} --from-file=GG_DATABASE_URL=/dev/stdin --dry-run=client -o yaml | kubectl apply -f -"
    );
    done(site.shell(&secret));
    assert_eq!(site.secret(), url);
    assert_eq!(
        asked("GET", "/health", "", "").0,
        500,
        "nothing is restored yet"
    );
    done(site.shell("kubectl scale deployment/guestguard-api --replicas=0"));
    assert_eq!(site.replicas("guestguard-api"), "0");
    assert_eq!(asked("GET", "/health", "", "").0, 503);
    assert!(site.calls().iter().all(|call| call.starts_with("kubectl ")));
}

#[test]
fn a_standby_follows_and_can_be_promoted() {
    let site = Site::after(Until::LastGood);
    let standby = site.standby();
    let last = crate::support::history::heartbeat(&site.primary);
    until("the standby is up to date", || {
        standby.psql(DATABASE, "select max(id) from monitoring.heartbeat")
            == site
                .primary
                .psql(DATABASE, "select max(id) from monitoring.heartbeat")
    });
    assert!(last > history().last_good);
    site.primary.crash();
    assert_eq!(standby.psql(DATABASE, "select pg_promote()"), "t");
}

#[test]
fn a_standin_waits_and_fails_when_told() {
    let site = Site::after(Until::LastGood);
    site.run(["runs"]).expect(0);
    site.tell_standin("wal-g/fail-backup-list", "AccessDenied");
    let list = || Ended::from(site.shell("wal-g backup-list").output().expect("wal-g"));
    list().expect(1).says("AccessDenied");
    site.untell_standin("wal-g/fail-backup-list");
    list().expect(0).says(&history().good.name);
    site.tell_standin("wal-g/hold-backup-list", "");
    let mut held = site.shell("wal-g backup-list").spawn().expect("wal-g");
    until("it was asked", || site.calls().len() == 3);
    assert!(held.try_wait().expect("a child").is_none());
    site.untell_standin("wal-g/hold-backup-list");
    assert!(held.wait().expect("a child").success());
}

/// For trials by hand: `cargo test -p piton --release --test e2e -- --ignored --nocapture a_site_to_try`.
#[test]
#[ignore = "waits for a person"]
fn a_site_to_try_things_on() {
    let site = Site::after(Until::Noticed);
    println!("{:#?}", history());
    println!("{}", site.place.dir.display());
    println!("restored server: port {}", site.port);
    println!("API: {}", site.api.url(""));
    println!("{}", site.exports());
    println!("primary: not started; over when there is a file `over` in the folder");
    while !site.place.dir.join("over").exists() {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

//! The ground that the restores are tested on holds: clusters, their archive, and the programs that stand in.

use crate::support::account::{account, piton};
use crate::support::postgres::{Archive, Cluster, done};
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
    restored.crash();
    assert!(!restored.runs());
}

#[test]
fn piton_runs_as_the_account_that_clusters_belong_to() {
    let version = done(account().command(piton()).arg("--version"));
    assert!(version.stdout.starts_with("piton "), "{version:?}");
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
    assert_eq!(
        shell("kubectl exec pod-0 -- echo within").expect(0).stdout,
        "within\n"
    );
}

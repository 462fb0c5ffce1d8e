//! Encrypted connections, and what is verified of a server.

use super::cluster::{Cluster, give};
use super::{done, first, limited, query, request};
use crate::driver::support::on_runtime;
use piton_core::record::OutcomeStatus::{Failed, TimedOut};
use piton_core::value::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn openssl(dir: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.args(arguments.split_whitespace()).current_dir(dir);
    let made = command.output().unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// Makes an authority `NAME.crt`.
fn authority(dir: &Path, name: &str) {
    openssl(
        dir,
        &format!(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt"
        ),
    );
}

/// A server that lets in only those who come encrypted, and asks for a password, with a certificate for `localhost`.
fn encrypted() -> Cluster {
    Cluster::with("ssl=on password_encryption=scram-sha-256", |data| {
        authority(data, "ours");
        authority(data, "theirs");
        openssl(
            data,
            "req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr",
        );
        std::fs::write(data.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
        openssl(
            data,
            "x509 -req -in server.csr -CA ours.crt -CAkey ours.key -CAcreateserial -days 2 -extfile names -out server.crt",
        );
        for file in ["server.key", "server.crt"] {
            let file = data.join(file);
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            give(&file);
        }
        let hba = "local all all trust\nhostssl all all all scram-sha-256\n";
        std::fs::write(data.join("pg_hba.conf"), hba).unwrap();
    })
}

#[test]
fn a_server_is_verified_as_far_as_sslmode_asks_for() {
    on_runtime(async {
        let server = encrypted();
        let socket = format!(
            "postgresql://owner@/postgres?host={}&port={}",
            server.dir.display(),
            server.port
        );
        let made = query(&socket, "create role app login password 'hunter2hunter2'").await;
        assert_eq!(made.message, "");
        let data = server.dir.join("data");
        let url = |host: &str, rest: &str| {
            format!(
                "postgresql://app:hunter2hunter2@{host}:{}/postgres?{rest}",
                server.port
            )
        };
        let ours = format!("sslrootcert={}", data.join("ours.crt").display());
        let theirs = format!("sslrootcert={}", data.join("theirs.crt").display());
        let encrypted = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        for (host, rest) in [
            ("127.0.0.1", String::new()),
            ("127.0.0.1", "sslmode=require".to_owned()),
            (
                "127.0.0.1",
                "sslmode=require&channel_binding=require".to_owned(),
            ),
            ("127.0.0.1", format!("sslmode=verify-ca&{ours}")),
            ("localhost", format!("sslmode=verify-full&{ours}")),
        ] {
            let outcome = query(&url(host, &rest), encrypted).await;
            assert_eq!(first(outcome), Value::Bool(true), "{host} {rest}");
        }
        for (host, rest, why) in [
            (
                "127.0.0.1",
                format!("sslmode=verify-full&{ours}"),
                "certificate",
            ),
            (
                "localhost",
                format!("sslmode=verify-full&{theirs}"),
                "certificate",
            ),
            (
                "localhost",
                format!("sslmode=verify-ca&{theirs}"),
                "certificate",
            ),
            (
                "localhost",
                format!("sslmode=require&{theirs}"),
                "certificate",
            ),
            ("localhost", "sslmode=verify-full".to_owned(), "certificate"),
            (
                "localhost",
                "sslmode=verify-full&sslrootcert=/nowhere.pem".to_owned(),
                "/nowhere.pem",
            ),
            ("127.0.0.1", "sslmode=disable".to_owned(), "no encryption"),
        ] {
            let outcome = query(&url(host, &rest), "select 1").await;
            assert_eq!(outcome.status, Failed, "{host} {rest}");
            assert!(
                outcome.message.contains(why),
                "{host} {rest}: {}",
                outcome.message
            );
            assert!(!outcome.message.contains("hunter2"), "{}", outcome.message);
        }
        // The request to end it goes the same way.
        let late = done(limited(
            request(
                &url("localhost", &format!("sslmode=verify-full&{ours}")),
                "select pg_sleep(60)",
            ),
            2_000,
        ))
        .await;
        assert_eq!(late.status, TimedOut, "{}", late.message);
        assert_eq!(late.message, "ran longer than 2s and was ended");
        let plain = Cluster::start();
        let refused = query(&format!("{}?sslmode=require", plain.url()), "select 1").await;
        assert!(
            refused.message.contains("does not support TLS"),
            "{}",
            refused.message
        );
    });
}

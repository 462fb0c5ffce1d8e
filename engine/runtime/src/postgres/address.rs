//! Where a Postgres is, from its URL.

use super::tls::{self, Verify};
use std::path::Path;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long one address is tried, unless the URL or the node's timeout says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Where servers of this machine have their sockets.
const SOCKETS: &str = "/var/run/postgresql";

/// A Postgres server and a database on it.
#[derive(Clone, Debug)]
pub struct Address {
    config: Config,
    verify: Verify,
    /// A file of certificates that are trusted instead of the machine's.
    root_certificates: Option<String>,
}

impl Address {
    /// Reads a URL as libpq does, `sslmode=verify-ca`, `verify-full` and `sslrootcert` with it.
    ///
    /// # Errors
    /// What is wrong with it. The URL itself is not repeated: a password may be in it.
    pub fn parse(url: &str) -> Result<Address, String> {
        let wrong = |why: &str| {
            format!(
                "the database's address cannot be read: {why}; write it as postgresql://USER@HOST:PORT/DATABASE"
            )
        };
        let (start, query) = url.split_once('?').unwrap_or((url, ""));
        let mut verify = Verify::Nothing;
        let mut root_certificates = None;
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", "verify-ca")) => {
                    verify = Verify::Authority;
                    kept.push("sslmode=require");
                }
                Some(("sslmode", "verify-full")) => {
                    verify = Verify::AuthorityAndName;
                    kept.push("sslmode=require");
                }
                Some(("sslmode", "allow")) => kept.push("sslmode=prefer"),
                Some(("sslrootcert", path)) => {
                    root_certificates = Some(decoded(path).ok_or_else(|| wrong("sslrootcert"))?);
                }
                _ => kept.push(pair),
            }
        }
        let mut text = start.to_owned();
        if !kept.is_empty() {
            text.push('?');
            text.push_str(&kept.join("&"));
        }
        // What the library says names the setting and not its value.
        let mut config: Config = text
            .parse()
            .map_err(|error: tokio_postgres::Error| wrong(&super::cause(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            // As with libpq: a server on this machine.
            match Path::new(SOCKETS).is_dir() {
                true => config.host_path(SOCKETS),
                false => config.host("localhost"),
            };
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if !kept.iter().any(|pair| pair.starts_with("keepalives")) {
            // A server that is gone without a word is noticed within two minutes rather than two hours.
            config.keepalives_idle(Duration::from_secs(60));
            config.keepalives_interval(Duration::from_secs(10));
            config.keepalives_retries(6);
        }
        if config.get_user().is_none() {
            config.user(user());
        }
        if config.get_hostaddrs().is_empty()
            && config
                .get_hosts()
                .iter()
                .all(|host| matches!(host, Host::Unix(_)))
        {
            // A socket of this machine is not encrypted, as with libpq.
            config.ssl_mode(SslMode::Disable);
        }
        // As with libpq, a file of certificates is there to be used.
        if root_certificates.is_some() && verify == Verify::Nothing {
            verify = Verify::Authority;
        }
        Ok(Address {
            config,
            verify,
            root_certificates,
        })
    }

    /// How to connect, under this name.
    pub(crate) fn config(&self, name: &str) -> Config {
        let mut config = self.config.clone();
        config.application_name(name);
        config
    }

    /// How long it may take until some server has let us in.
    pub(crate) fn patience(&self) -> Duration {
        let one = self.config.get_connect_timeout().copied();
        let hosts = u32::try_from(self.config.get_hosts().len()).unwrap_or(u32::MAX);
        one.unwrap_or(CONNECT_TIMEOUT).saturating_mul(hosts.max(1))
    }

    /// Who connects.
    pub(crate) fn user(&self) -> Option<&str> {
        self.config.get_user()
    }

    /// Connects with this password.
    pub(crate) fn set_password(&mut self, password: &str) {
        self.config.password(password);
    }

    /// What a password file knows it by, for each of its servers: host, port, database, user.
    pub(crate) fn keys(&self) -> impl Iterator<Item = [String; 4]> + '_ {
        let ports = self.config.get_ports();
        let user = self.config.get_user().unwrap_or_default();
        let database = self.config.get_dbname().unwrap_or(user);
        self.config
            .get_hosts()
            .iter()
            .enumerate()
            .map(move |(at, host)| {
                let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
                let host = match host {
                    Host::Tcp(name) => name.clone(),
                    // As with libpq, a server of this machine is called so.
                    Host::Unix(_) => "localhost".to_owned(),
                };
                [host, port.to_string(), database.to_owned(), user.to_owned()]
            })
    }

    /// The password, if there is one.
    pub(crate) fn password(&self) -> Option<String> {
        let password = self.config.get_password()?;
        Some(String::from_utf8_lossy(password).into_owned())
    }

    /// How connections are encrypted.
    ///
    /// # Errors
    /// Which certificates cannot be read.
    pub(crate) fn tls(&self) -> Result<MakeRustlsConnect, String> {
        tls::connector(self.verify, self.root_certificates.as_deref())
    }

    /// Where it is, for people: hosts, ports and the database, never a password.
    pub(crate) fn shown(&self) -> String {
        let ports = self.config.get_ports();
        let hosts = self
            .config
            .get_hosts()
            .iter()
            .enumerate()
            .map(|(at, host)| {
                let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
                match host {
                    Host::Tcp(name) => format!("{name}:{port}"),
                    Host::Unix(path) => format!("{}:{port}", path.display()),
                }
            });
        let hosts: Vec<_> = hosts.collect();
        let database = self.config.get_dbname().or(self.config.get_user());
        format!("{}/{}", hosts.join(","), database.unwrap_or_default())
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Address) -> bool {
        self.config == other.config
            && self.verify == other.verify
            && self.root_certificates == other.root_certificates
    }
}

impl Eq for Address {}

/// Who works here, which is who connects if the URL names nobody.
fn user() -> String {
    let named = ["PGUSER", "USER", "LOGNAME"].into_iter();
    named
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "postgres".to_owned())
}

/// Takes `%41` for `A`.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_is_is_shown_without_a_password() {
        let shown = |url| Address::parse(url).map(|address| address.shown());
        assert_eq!(
            shown("postgres://me:hunter2@db.internal:5433/shop?sslmode=verify-full"),
            Ok("db.internal:5433/shop".to_owned())
        );
        assert_eq!(
            shown("postgresql:///shop?host=/run/pg&port=5499&user=me"),
            Ok("/run/pg:5499/shop".to_owned())
        );
        assert_eq!(
            shown("postgresql://a,b:6000/shop"),
            Ok("a:5432,b:6000/shop".to_owned())
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for url in [
            "postgres://me:hunter2@db:notaport/shop",
            "postgres://me:hunter2@db/shop?sslmode=sometimes",
            "postgres://me:hunter2@db/shop?nonsense=hunter2",
        ] {
            let error = Address::parse(url).expect_err(url);
            assert!(!error.contains("hunter2"), "{error}");
            assert!(error.contains("postgresql://"), "{error}");
        }
    }

    #[test]
    fn how_the_server_is_verified_is_read_as_libpq_reads_it() {
        let verify = |query: &str| {
            Address::parse(&format!("postgres://db/shop{query}"))
                .map(|address| (address.verify, address.config.get_ssl_mode()))
                .expect(query)
        };
        assert_eq!(verify(""), (Verify::Nothing, SslMode::Prefer));
        assert_eq!(
            verify("?sslmode=disable"),
            (Verify::Nothing, SslMode::Disable)
        );
        assert_eq!(
            verify("?sslmode=require"),
            (Verify::Nothing, SslMode::Require)
        );
        assert_eq!(
            verify("?sslmode=require&sslrootcert=%2Fca.pem"),
            (Verify::Authority, SslMode::Require)
        );
        assert_eq!(
            verify("?sslmode=verify-full"),
            (Verify::AuthorityAndName, SslMode::Require)
        );
    }
}

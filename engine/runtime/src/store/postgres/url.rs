//! The address of a team's store: a Postgres URL that never shows its password.

use crate::postgres::{Address, password};
use piton_core::digest::Digest;
use std::ffi::OsString;
use std::fmt;

/// Where a store on Postgres is. Neither `Display` nor `Debug` shows its password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    text: String,
    address: Address,
}

impl PostgresUrl {
    /// Reads a URL as libpq does. A password that it does not have is taken from `$PGPASSWORD`, else from the
    /// password file: `passfile=` in the URL, `$PGPASSFILE`, or `~/.pgpass`.
    ///
    /// # Errors
    /// What is wrong with it. The URL itself is not repeated: a password may be in it.
    pub fn parse(
        url: &str,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<PostgresUrl, String> {
        let (text, passfile) = password::without_passfile(url);
        let mut address = Address::parse(&text)?;
        if address.password().is_none()
            && let Some(found) = password::find(&address, passfile.as_deref(), environment)
        {
            address.set_password(&found);
        }
        Ok(PostgresUrl {
            text: url.to_owned(),
            address,
        })
    }

    /// The URL as it was given: with its password, if it has one. For handing it to a process of ours, by its
    /// environment and nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whether there is a password in the text of the URL.
    #[must_use]
    pub fn holds_password(&self) -> bool {
        Address::parse(&password::without_passfile(&self.text).0)
            .is_ok_and(|address| address.password().is_some())
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// What a store has in common with itself under other users and settings: host, port and database.
    #[must_use]
    pub fn name(&self) -> String {
        Digest::of(&[self.address.shown().as_bytes()]).short()
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address.user() {
            Some(user) => write!(f, "postgres://{user}@{}", self.address.shown()),
            None => write!(f, "postgres://{}", self.address.shown()),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

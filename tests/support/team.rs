//! A team's store: a Postgres server of the test's own, and hosts that share what is in it.

use super::postgres::Cluster;
use super::{Ended, Place};

/// The password of the store's role. It must not be seen anywhere.
pub const PASSWORD: &str = "hunter2-canary";

/// A server with a store in it for a role of its own.
pub struct Team {
    pub cluster: Cluster,
    /// Its folder, and the first host's.
    pub a: Place,
}

impl Team {
    pub fn new() -> Team {
        let mut a = Place::new();
        let cluster = Cluster::new(&a.dir.join("cluster"), None);
        cluster.start();
        cluster.psql(
            "postgres",
            &format!("create role team login password '{PASSWORD}'; create schema piton authorization team"),
        );
        host(&mut a, "a", cluster.port);
        Team { cluster, a }
    }

    /// Another host of the same store.
    pub fn another(&self, name: &str) -> Place {
        Team::behind(name, self.cluster.port)
    }

    /// A host that finds the store behind this port.
    pub fn behind(name: &str, port: u16) -> Place {
        let mut place = Place::new();
        host(&mut place, name, port);
        place
    }
}

/// Makes a place a host of the store.
fn host(place: &mut Place, name: &str, port: u16) {
    finds(place, &format!("127.0.0.1:{port}"), "");
    place.settings.push(("PITON_HOST".to_owned(), name.into()));
}

/// From now on the place finds the store at these addresses, with these options in the URL.
pub fn finds(place: &mut Place, addresses: &str, options: &str) {
    let url = format!("postgres://team:{PASSWORD}@{addresses}/postgres{options}");
    place.settings.push(("PITON_STORE".to_owned(), url.into()));
}

/// Nothing that a command prints has the password.
#[track_caller]
pub fn clean(ended: Ended) -> Ended {
    assert!(!ended.stdout.contains(PASSWORD), "{ended:?}");
    assert!(!ended.stderr.contains(PASSWORD), "{ended:?}");
    ended
}

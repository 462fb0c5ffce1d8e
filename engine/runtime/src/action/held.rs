//! Attempts that could not begin because something of the machine is missing: a shell, a secret.
//!
//! That is nobody's failure: the step did not fail, it was not tried. The attempt stays as it was recorded, the
//! engine leaves with an error that names what is missing, and `piton resume` begins it when that is there.

/// Why an attempt could not begin. Provably nothing of it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held(pub String);

/// Why a process cannot be described to the keeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Something is missing that people can put there.
    Held(Held),
    /// It would never work.
    Hopeless(String),
}

impl From<crate::secrets::SecretError> for Held {
    fn from(error: crate::secrets::SecretError) -> Held {
        Held(error.to_string())
    }
}

impl From<crate::secrets::SecretError> for Obstacle {
    fn from(error: crate::secrets::SecretError) -> Obstacle {
        Obstacle::Held(error.into())
    }
}

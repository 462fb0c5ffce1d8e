//! `exec`: a program with its arguments; no shell reads them.

use crate::secrets::{SecretError, Secrets};
use piton_core::text::Text;

/// The argv with its secrets in it. A secret in an argument can be seen by other users of the host for as long as
/// the program runs; the lint says so, and `env` is the place for it.
///
/// # Errors
/// When a secret was not resolved before.
pub fn argv(argv: &[Text], secrets: &Secrets) -> Result<Vec<String>, SecretError> {
    argv.iter()
        .map(|argument| secrets.reveal(argument))
        .collect()
}

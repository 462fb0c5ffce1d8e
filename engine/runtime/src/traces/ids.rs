//! The ids of traces and spans. They follow from names by SHA-256, so that whoever knows a run's id can look its trace
//! up: the id of the trace is the beginning of `printf %s RUN | sha256sum`.

use piton_core::id::{AttemptId, RunId};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The id of a run's trace, in hexadecimal.
#[must_use]
pub fn of_trace(run: &RunId) -> String {
    hexadecimal(&run.0, 16)
}

/// The id of a run's span.
#[must_use]
pub fn of_run(run: &RunId) -> String {
    hexadecimal(&format!("{run}/run"), 8)
}

/// The id of the span of a node's pass.
#[must_use]
pub fn of_node(run: &RunId, node: &str, pass: u32) -> String {
    hexadecimal(&format!("{run}/{node}/{pass}"), 8)
}

/// The id of the span of the undo of a node's pass.
#[must_use]
pub fn of_undo(run: &RunId, node: &str, pass: u32) -> String {
    hexadecimal(&format!("{run}/{node}/{pass}/undo"), 8)
}

/// The id of the span of an attempt.
#[must_use]
pub fn of_attempt(run: &RunId, attempt: AttemptId) -> String {
    hexadecimal(&format!("{run}/{attempt}"), 8)
}

fn hexadecimal(name: &str, bytes: usize) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let mut text = String::with_capacity(2 * bytes);
    for byte in digest.iter().take(bytes) {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_names() {
        let run = RunId("restore-7k3fq".to_owned());
        // printf %s restore-7k3fq | sha256sum
        assert_eq!(of_trace(&run), "548d122bfa73c8e7bcb80b54b99ba3a2");
        let all = [
            of_run(&run),
            of_node(&run, "a", 1),
            of_node(&run, "a", 2),
            of_undo(&run, "a", 1),
            of_attempt(&run, "n0.p1.a1".parse().unwrap()),
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert!(all.iter().all(|id| id.len() == 16), "{all:?}");
    }
}

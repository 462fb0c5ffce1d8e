//! Ids for new runs.

use piton_core::id::RunId;
use uuid::Uuid;

/// Crockford's base 32: no letter that can be taken for a digit, no `u` that makes words.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How much of the runbook's name goes into an id.
const NAME_LIMIT: usize = 40;

/// How many random characters follow it.
const SUFFIX_LENGTH: u32 = 5;

/// A new id for a run of this runbook: its name and five random characters, short enough to be said on the
/// telephone. Two runs of a store get the same once in some tens of millions of times;
/// [`create`](super::Store::create) says so, and the caller takes another.
#[must_use]
pub fn new_run_id(runbook: &str) -> RunId {
    // The low 62 bits of a version 7 UUID are random.
    let (_, random) = Uuid::now_v7().as_u64_pair();
    run_id(runbook, random)
}

fn run_id(runbook: &str, random: u64) -> RunId {
    let name: String = runbook
        .chars()
        .take(NAME_LIMIT)
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    // An id that begins with a dash would read as an option.
    let name = name.trim_start_matches('-');
    let mut id = format!("{}-", if name.is_empty() { "run" } else { name });
    for place in 0..SUFFIX_LENGTH {
        let digit = usize::try_from((random >> (5 * place)) & 31).unwrap_or(0);
        id.extend(ALPHABET.get(digit).map(|byte| char::from(*byte)));
    }
    RunId(id)
}

/// Whether a text may be the id of a run: it is also a directory's name.
pub(crate) fn is_run_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=100).contains(&id.len()) && !id.starts_with(['.', '-']) && id.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_runbooks_name_and_five_characters() {
        assert_eq!(run_id("restore-drill", 0).0, "restore-drill-00000");
        assert_eq!(
            run_id("restore-drill", 31 + (10 << 5)).0,
            "restore-drill-za000"
        );
        assert_eq!(run_id("", u64::MAX).0, "run-zzzzz");
        assert_eq!(run_id("Ä/../b", 0).0, "b-00000");
        assert_eq!(run_id(&"x".repeat(300), 0).0.len(), 46);
    }

    #[test]
    fn new_ids_differ_and_are_valid() {
        let ids: std::collections::BTreeSet<_> = (0..200).map(|_| new_run_id("drill")).collect();
        assert!(ids.len() >= 199, "{}", ids.len());
        assert!(ids.iter().all(|id| is_run_id(&id.0)));
    }

    #[test]
    fn what_is_not_a_plain_file_name_is_not_an_id() {
        let long = "x".repeat(101);
        for bad in [
            "",
            ".",
            "..",
            ".hidden",
            "-x",
            "a/b",
            "a b",
            "ä",
            "a\0",
            long.as_str(),
        ] {
            assert!(!is_run_id(bad), "{bad}");
        }
    }
}

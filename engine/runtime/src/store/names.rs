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

/// What follows the id of a run in the id of one that takes it back; behind that, from the second on, a number.
const TAKES_BACK: &str = "-rollback";

/// The id of the `number`th run that takes this one back, from 1. The first has a fixed id, so that there cannot be two
/// at once.
#[must_use]
pub fn rollback_run_id(run: &RunId, number: u32) -> RunId {
    RunId(match number {
        1 => format!("{run}{TAKES_BACK}"),
        number => format!("{run}{TAKES_BACK}-{number}"),
    })
}

/// The run that one of this id takes back, if it is one that does.
pub(crate) fn taken_back(id: &RunId) -> Option<RunId> {
    let unnumbered = match id.0.rsplit_once('-') {
        Some((before, number)) if before.ends_with(TAKES_BACK) && number.parse::<u32>().is_ok() => {
            before
        }
        _ => &id.0,
    };
    let run = unnumbered.strip_suffix(TAKES_BACK)?;
    (!run.is_empty()).then(|| RunId(run.to_owned()))
}

/// Whether a run of the other id takes this one back.
pub(crate) fn is_taken_back_by(run: &RunId, other: &RunId) -> bool {
    taken_back(other).as_ref() == Some(run)
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

    #[test]
    fn a_run_is_known_by_the_ids_of_those_that_take_it_back() {
        let run = RunId("drill-00000".to_owned());
        for number in [1, 2, 99] {
            let other = rollback_run_id(&run, number);
            assert_eq!(taken_back(&other), Some(run.clone()), "{other}");
        }
        for other in [
            "drill-00000",
            "drill-00000-rollback-x",
            "-rollback",
            "drill-rollback2",
        ] {
            assert_eq!(taken_back(&RunId(other.to_owned())), None, "{other}");
        }
        let again = rollback_run_id(&rollback_run_id(&run, 1), 1);
        assert_eq!(taken_back(&again), Some(rollback_run_id(&run, 1)));
    }
}

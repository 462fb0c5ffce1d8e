//! The environment that a step's process gets.
//!
//! A short list from the engine's own environment, so that a step does the same from every terminal and does not
//! depend on, or leak, what happens to be set there: [`PASSED_ON`] and the `LC_` variables. Everything else,
//! credentials of clouds and databases (`AWS_…`, `PGPASSWORD`) included, is given to a step only by its `env`.
//! Then what the run says about itself:
//!
//! | Variable | Is |
//! |---|---|
//! | `PITON_RUN` | the run's id |
//! | `PITON_NODE` | the node's name |
//! | `PITON_ATTEMPT` | the attempt's id, or that of a check in it; of an undo `n4.p1.undo1` |
//! | `PITON_PASS` | the node's pass, from 1 |
//! | `PITON_FENCE` | grows with each engine that takes the run over; give it to what can refuse an older one |
//! | `PITON_WORK` | a directory of the run's own, kept from step to step |
//! | `PITON_OUTPUT` | a file for `name=value` lines, which become `output.name` in the node's `outputs`; not read of an undo, a capture or a target |

use std::collections::BTreeMap;
use std::ffi::OsString;

/// The variables that are passed on from the engine's environment.
pub const PASSED_ON: [&str; 9] = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TERM", "TMPDIR", "SHELL",
];

/// What of an environment is passed on to steps. A variable that is not UTF-8 text is left out.
#[must_use]
pub fn passed_on(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> BTreeMap<String, String> {
    environment
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| PASSED_ON.contains(&name.as_str()) || name.starts_with("LC_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_passed_on() {
        let given = [
            "PATH",
            "LC_ALL",
            "AWS_SECRET_ACCESS_KEY",
            "PGPASSWORD",
            "PITON_STORE",
            "HOME",
            "LANGUAGE",
        ]
        .map(|name| (OsString::from(name), OsString::from("x")));
        let names: Vec<_> = passed_on(given).into_keys().collect();
        assert_eq!(names, ["HOME", "LC_ALL", "PATH"]);
    }
}

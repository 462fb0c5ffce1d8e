//! What an engine and a keeper say to each other: frames of a length (four bytes, big-endian) and a JSON message.
//!
//! A keeper may be older or newer than the engine that finds it, so the first message of each side carries
//! [`PROTOCOL`], and fields are only ever added, with a default.

use super::outcome::Ended;
use piton_core::id::AttemptId;
use piton_core::time::Millis;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The version of the messages.
pub(crate) const PROTOCOL: u32 = 1;

/// No message is longer: 64 MiB, far more than an environment and a script may be.
pub(crate) const LONGEST_FRAME: usize = 64 * 1024 * 1024;

/// A process to be started for an attempt.
#[derive(Clone, Serialize, Deserialize)]
pub struct Launch {
    /// The attempt. It is started once, however often it is asked for.
    pub attempt: AttemptId,
    /// Whether the attempt was found in the journal, so that it may have been started before, rather than recorded
    /// a moment ago by this same engine. Decides what is believed when the machine has restarted in between.
    pub resumed: bool,
    /// The program, looked up on the `PATH` of `env`, and its arguments.
    pub argv: Vec<String>,
    /// The whole environment. The keeper adds `PITON_RUN`, `PITON_ATTEMPT` and `PITON_FENCE`.
    pub env: BTreeMap<String, String>,
    /// The directory to start in.
    pub dir: PathBuf,
    /// What to write to standard input; without it standard input is empty.
    pub stdin: Option<Vec<u8>>,
    /// How long from now until all that the attempt started is ended. Counts while the machine sleeps.
    pub deadline_in: Option<Millis>,
    /// How long after TERM follows KILL.
    pub grace: Millis,
    /// Texts that must not reach the log: see [`crate::mask::Masker`].
    pub secrets: Vec<String>,
    /// The file mode creation mask of the process; without it the one of the engine.
    pub umask: Option<u32>,
}

impl Launch {
    /// How long after TERM follows KILL, unless the launch says otherwise.
    pub const GRACE: Millis = Millis(10_000);

    /// A launch of this program in this directory, with an empty environment and no limits.
    #[must_use]
    pub fn new(attempt: AttemptId, argv: Vec<String>, dir: impl Into<PathBuf>) -> Launch {
        Launch {
            attempt,
            resumed: false,
            argv,
            env: BTreeMap::new(),
            dir: dir.into(),
            stdin: None,
            deadline_in: None,
            grace: Launch::GRACE,
            secrets: Vec::new(),
            umask: None,
        }
    }
}

impl fmt::Debug for Launch {
    /// Without the environment, the input and the secrets, which must not get into a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("attempt", &self.attempt)
            .field("resumed", &self.resumed)
            .field("argv", &self.argv)
            .field("dir", &self.dir)
            .field("deadline_in", &self.deadline_in)
            .finish_non_exhaustive()
    }
}

/// What a keeper knows of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// It runs under this keeper.
    Running,
    /// It has ended.
    Ended(Ended),
    /// An earlier keeper started it and is gone; asking for it to be started or watched tells what became of it.
    LeftOver,
}

/// From an engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// First of all: who speaks.
    Hello { protocol: u32, fence: u64 },
    /// Start this, unless it was started before; either way its end will be told.
    Start(Launch),
    /// Do not start it, but tell its end if it was started.
    Watch {
        attempt: AttemptId,
        deadline_in: Option<Millis>,
        grace: Millis,
    },
    /// End all that the attempt started.
    Stop { attempt: AttemptId },
    /// The run is over: go as soon as nothing is left to hold.
    Shutdown,
}

/// From a keeper.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The hello was accepted.
    Welcome {
        protocol: u32,
        pid: i32,
        known: Vec<(AttemptId, Known)>,
    },
    /// The hello was not accepted, or no longer is; the connection ends.
    Refused { reason: Refusal },
    /// An attempt has ended.
    Ended { attempt: AttemptId, ended: Ended },
}

/// Why a keeper does not talk to an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    /// A newer engine has taken the run over.
    Fenced { newest: u64 },
    /// It speaks another version.
    Protocol { speaks: u32 },
    /// Another keeper holds the lock: connect to that one.
    NotTheKeeper,
    /// It could not start.
    Broken { message: String },
}

/// A message as a frame.
pub(crate) fn frame(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    // Writing JSON into memory fails only for maps with keys that are not texts, which no message has; an empty
    // frame is refused by the other side.
    if serde_json::to_writer(&mut bytes, message).is_err() {
        bytes.truncate(4);
    }
    let length = u32::try_from(bytes.len().saturating_sub(4)).unwrap_or(u32::MAX);
    if let Some(head) = bytes.first_chunk_mut::<4>() {
        *head = length.to_be_bytes();
    }
    bytes
}

/// A message that cannot be one.
#[derive(Debug, thiserror::Error)]
#[error("a message that is not one of this protocol: {0}")]
pub(crate) struct BadFrame(String);

/// Received bytes, taken apart into messages.
#[derive(Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    start: usize,
}

impl Frames {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one.
    pub(crate) fn next<M: DeserializeOwned>(&mut self) -> Result<Option<M>, BadFrame> {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let Some((head, body)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*head) as usize;
        if length > LONGEST_FRAME {
            return Err(BadFrame(format!("it would be {length} bytes long")));
        }
        let Some(body) = body.get(..length) else {
            return Ok(None);
        };
        let message = serde_json::from_slice(body).map_err(|error| BadFrame(error.to_string()))?;
        self.start += 4 + length;
        // Keep what is left from growing behind a long message.
        if self.start > 256 * 1024 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use piton_core::id::Purpose;
    use piton_core::plan::NodeIndex;

    #[test]
    fn messages_come_out_of_any_cut_of_the_bytes() {
        let attempt = AttemptId {
            node: NodeIndex(1),
            pass: 1,
            purpose: Purpose::Do,
            number: 1,
        };
        let mut bytes = frame(&Request::Hello {
            protocol: PROTOCOL,
            fence: 7,
        });
        bytes.extend(frame(&Request::Stop { attempt }));
        for cut in 0..bytes.len() {
            let mut frames = Frames::default();
            let mut got = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                frames.push(part);
                while let Some(message) = frames.next::<Request>().expect("well formed") {
                    got.push(message);
                }
            }
            assert!(
                matches!(
                    got.as_slice(),
                    [Request::Hello { fence: 7, .. }, Request::Stop { .. }]
                ),
                "{cut}: {got:?}"
            );
        }
    }

    #[test]
    fn noise_is_refused() {
        for noise in [&b"\xff\xff\xff\xff"[..], b"\0\0\0\x02{}", b"\0\0\0\0"] {
            let mut frames = Frames::default();
            frames.push(noise);
            assert!(frames.next::<Request>().is_err(), "{noise:?}");
        }
    }
}

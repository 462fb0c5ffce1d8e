//! How an attempt ended, in memory, on the wire and as the end of a line of the keeper's log.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How.
    pub status: Status,
    /// Whether standard output was longer than what is kept of it.
    #[serde(default)]
    pub stdout_cut: bool,
    /// Whether output was lost because it could not be written, for example on a full disk.
    #[serde(default)]
    pub output_lost: bool,
}

/// How the main process of an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It exited with this code.
    Exited(i32),
    /// A signal that the keeper did not send ended it.
    Signalled(i32),
    /// Its time was up; all that it started was ended.
    TimedOut,
    /// It was told to stop; all that it started was ended.
    Stopped,
    /// Provably none of its code ran. The message says what was missing.
    NotStarted {
        /// The error of the operating system, 0 where there is none.
        errno: i32,
        /// What happened, for people: "there is no program `pg_ctl` on PATH".
        message: String,
    },
    /// It had started, and nobody knows how it ended. The message says why.
    Unknown(String),
}

impl Status {
    /// Whether it was not started because nothing could be written down, which has to come first. It can be started
    /// when there is room.
    #[must_use]
    pub fn wants_room(&self) -> bool {
        use rustix::io::Errno;
        let full = [Errno::NOSPC, Errno::DQUOT, Errno::ROFS].map(Errno::raw_os_error);
        matches!(self, Status::NotStarted { errno, .. } if full.contains(errno))
    }
}

impl Ended {
    /// An end without remarks about the output.
    #[must_use]
    pub fn with(status: Status) -> Ended {
        Ended {
            status,
            stdout_cut: false,
            output_lost: false,
        }
    }

    /// Reads what [`fmt::Display`] writes.
    pub(crate) fn parse(text: &str) -> Option<Ended> {
        let (status, message) = text.split_once(" | ").unwrap_or((text, ""));
        let mut words = status.split(' ');
        let first = words.next()?;
        let (kind, number) = match first.split_once(':') {
            Some((kind, number)) => (kind, number.parse::<i32>().ok()?),
            None => (first, 0),
        };
        let status = match kind {
            "exited" => Status::Exited(number),
            "signalled" => Status::Signalled(number),
            "timed-out" => Status::TimedOut,
            "stopped" => Status::Stopped,
            "nostart" => Status::NotStarted {
                errno: number,
                message: message.to_owned(),
            },
            "unknown" => Status::Unknown(message.to_owned()),
            _ => return None,
        };
        let mut ended = Ended::with(status);
        for word in words {
            match word {
                "cut" => ended.stdout_cut = true,
                "lost" => ended.output_lost = true,
                _ => return None,
            }
        }
        Some(ended)
    }
}

impl fmt::Display for Ended {
    /// One line: `exited:0`, `exited:0 cut`, `nostart:2 | there is no program …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = match &self.status {
            Status::Exited(code) => return write!(f, "exited:{code}{}", self.remarks()),
            Status::Signalled(signal) => return write!(f, "signalled:{signal}{}", self.remarks()),
            Status::TimedOut => return write!(f, "timed-out{}", self.remarks()),
            Status::Stopped => return write!(f, "stopped{}", self.remarks()),
            Status::NotStarted { errno, message } => {
                write!(f, "nostart:{errno}{}", self.remarks())?;
                message
            }
            Status::Unknown(message) => {
                write!(f, "unknown{}", self.remarks())?;
                message
            }
        };
        write!(f, " | {}", message.replace(['\n', '\r'], " "))
    }
}

impl Ended {
    fn remarks(&self) -> &'static str {
        match (self.stdout_cut, self.output_lost) {
            (false, false) => "",
            (true, false) => " cut",
            (false, true) => " lost",
            (true, true) => " cut lost",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_reads_back_as_written() {
        let statuses = [
            Status::Exited(0),
            Status::Exited(255),
            Status::Signalled(9),
            Status::TimedOut,
            Status::Stopped,
            Status::NotStarted {
                errno: 2,
                message: "there is no program `a | b` on PATH".into(),
            },
            Status::Unknown("the keeper died".into()),
        ];
        for status in statuses {
            for (stdout_cut, output_lost) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                let ended = Ended {
                    status: status.clone(),
                    stdout_cut,
                    output_lost,
                };
                assert_eq!(Ended::parse(&ended.to_string()), Some(ended));
            }
        }
        for bad in ["", "exited:", "exited:x", "ended", "exited:0 wild"] {
            assert_eq!(Ended::parse(bad), None, "{bad}");
        }
    }
}

//! The `P` line, which the child writes before it executes its program.

use piton_core::id::AttemptId;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::getpid;
use std::os::fd::BorrowedFd;

/// The `P` line, as far as it can be written before there is a child.
pub(super) struct StartNote {
    line: [u8; 128],
    length: usize,
}

impl StartNote {
    pub(super) fn new(attempt: AttemptId) -> StartNote {
        let mut note = StartNote {
            line: [0; 128],
            length: 0,
        };
        note.push(format!("P {attempt} ").as_bytes());
        note
    }

    /// Runs in the child before it executes its program: system calls only.
    pub(super) fn write(&mut self, log: BorrowedFd<'_>) -> Result<(), Errno> {
        let mut stat = [0u8; 1024];
        let file = rustix::fs::open(
            c"/proc/self/stat",
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let length = rustix::io::read(&file, &mut stat)?;
        let Some(start_time) = stat.get(..length).and_then(start_time_field) else {
            return Err(Errno::BADMSG);
        };
        let mut digits = [0u8; 20];
        self.push(decimal(
            getpid().as_raw_nonzero().get().unsigned_abs().into(),
            &mut digits,
        ));
        self.push(b" ");
        self.push(start_time);
        self.push(b"\n");
        let line = self.line.get(..self.length).unwrap_or_default();
        if rustix::io::write(log, line)? == line.len() {
            Ok(())
        } else {
            Err(Errno::NOSPC)
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(room) = self.line.get_mut(self.length..end) {
            room.copy_from_slice(bytes);
            self.length = end;
        }
    }
}

/// Field 22 of `/proc/PID/stat`, counted from behind the name, which may contain anything.
fn start_time_field(stat: &[u8]) -> Option<&[u8]> {
    let after = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(after + 2..)?.split(|&byte| byte == b' ').nth(19)
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut first = digits.len();
    for (at, place) in digits.iter_mut().enumerate().rev() {
        *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        first = at;
        if number == 0 {
            break;
        }
    }
    digits.get(first..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for number in [0, 7, 10, 4_194_304, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
        }
    }

    #[test]
    fn the_start_time_is_that_of_the_process_table() {
        let stat = std::fs::read("/proc/self/stat").expect("linux");
        let own = crate::keeper::process::Process::of(std::process::id().cast_signed())
            .expect("this process");
        assert_eq!(
            start_time_field(&stat),
            Some(own.start_time.to_string().as_bytes())
        );
    }
}

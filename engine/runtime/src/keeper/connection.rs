//! A connection of the keeper to an engine.

use super::protocol::{BadFrame, Frames, Reply, Request, frame};
use rustix::buffer::spare_capacity;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub(crate) struct Connection {
    stream: OwnedFd,
    frames: Frames,
    unsent: Vec<u8>,
    /// The engine's fence, once it said hello.
    pub(crate) fence: Option<u64>,
    open: bool,
}

impl Connection {
    /// Of a connected socket, which must not block.
    pub(crate) fn new(stream: OwnedFd) -> Connection {
        Connection {
            stream,
            frames: Frames::default(),
            unsent: Vec::new(),
            fence: None,
            open: true,
        }
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(crate) fn wants_to_send(&self) -> bool {
        !self.unsent.is_empty()
    }

    pub(crate) fn close(&mut self) {
        self.open = false;
    }

    /// Reads what has come.
    pub(crate) fn receive(&mut self) {
        let mut chunk = Vec::with_capacity(64 * 1024);
        loop {
            chunk.clear();
            match rustix::io::read(&self.stream, spare_capacity(&mut chunk)) {
                Ok(0) => self.open = false,
                Ok(count) => {
                    self.frames.push(&chunk);
                    if count == chunk.capacity() {
                        continue;
                    }
                }
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::AGAIN) => {}
                Err(_) => self.open = false,
            }
            return;
        }
    }

    /// The next request that has come whole.
    pub(crate) fn next(&mut self) -> Result<Option<Request>, BadFrame> {
        self.frames.next()
    }

    /// Sends a reply, as far as that goes now.
    pub(crate) fn send(&mut self, reply: &Reply) {
        self.unsent.extend(frame(reply));
        self.flush();
    }

    /// Sends what is left to be sent, as far as that goes now.
    pub(crate) fn flush(&mut self) {
        while !self.unsent.is_empty() && self.open {
            match rustix::io::write(&self.stream, &self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return,
                Err(_) => self.open = false,
            }
        }
    }
}

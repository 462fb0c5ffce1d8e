//! `piton serve` as a test's own process.

use super::{Place, SOON, kill};
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// A `piton serve`, ended with the test.
pub struct Server {
    child: Child,
    lines: Receiver<String>,
    pub said: Vec<String>,
}

impl Server {
    /// Starts one and waits until it serves.
    pub fn start(place: &Place, settings: &[(&str, &str)], arguments: &[&str]) -> Server {
        let mut command = place.piton(["serve"]);
        command.args(arguments).envs(settings.iter().copied());
        let mut child = command.spawn().expect("piton starts");
        let stderr = child.stderr.take().expect("a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let said = Vec::new();
        let mut server = Server { child, lines, said };
        server.says("serves");
        server
    }

    /// Waits for a line with this in it.
    #[track_caller]
    pub fn says(&mut self, what: &str) {
        let end = Instant::now() + 4 * SOON;
        while !self.said.iter().any(|line| line.contains(what)) {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.said.push(line),
                Err(_) => panic!("it never said `{what}`: {:#?}", self.said),
            }
        }
    }

    pub fn signal(&self, signal: &str) {
        kill(self.child.id(), signal);
    }

    /// Kills it, as a machine's lack of memory does.
    pub fn kill(&mut self) {
        self.child.kill().expect("our child");
        self.child.wait().expect("our child");
    }

    /// Tells it to end, and waits for that.
    pub fn end(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().expect("our child").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Draws a frame of lines at the bottom of the terminal and redraws it in place; what is printed above it stays.

use crate::display::style::Line;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{self, Write};

/// A terminal with a frame on it. Typed characters are not echoed while it lives, since they would land in the
/// middle of the frame; dropping it gives the terminal back as it was found.
pub struct Painter {
    drawn: usize,
    last: Vec<String>,
    found: Option<Termios>,
}

impl Painter {
    /// Takes the terminal over.
    #[must_use]
    pub fn new() -> Painter {
        let mut painter = Painter {
            drawn: 0,
            last: Vec::new(),
            found: None,
        };
        painter.take();
        painter
    }

    /// Turns echo and line editing off; again after the process was stopped and goes on.
    pub fn take(&mut self) {
        let stdin = io::stdin();
        let Ok(found) = tcgetattr(&stdin) else { return };
        let mut quiet = found.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON);
        if tcsetattr(&stdin, OptionalActions::Now, &quiet).is_ok() && self.found.is_none() {
            self.found = Some(found);
        }
        self.last.clear();
    }

    /// Columns and rows of the terminal.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        match tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                (size.ws_col.into(), size.ws_row.into())
            }
            _ => (80, 24),
        }
    }

    /// Puts these lines in place of the frame that is there. `above` is printed over it and scrolls away as
    /// ordinary output does.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn paint(&mut self, above: &[String], frame: &[Line], colour: bool) -> io::Result<()> {
        let (columns, rows) = self.size();
        // One row is left free: a frame as high as the screen would scroll at each redraw. When there is not
        // room for all, what asks and what is newest stands at the end.
        let room = rows.saturating_sub(1).max(1);
        let hidden = frame.len().saturating_sub(room);
        let lines: Vec<String> = frame
            .iter()
            .skip(hidden)
            .map(|line| line.cut(columns.saturating_sub(1)).render(colour))
            .collect();
        if above.is_empty() && lines == self.last {
            return Ok(());
        }
        let text = redraw(self.drawn, above, &lines);
        self.drawn = lines.len();
        self.last = lines;
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Leaves the frame where it is as ordinary output; the next one is drawn below.
    pub fn keep(&mut self) {
        self.drawn = 0;
        self.last.clear();
    }

    /// Redraws everything at the next paint: the window changed.
    pub fn invalidate(&mut self) {
        self.last.clear();
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        if let Some(found) = &self.found {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, found);
        }
        let mut out = io::stdout().lock();
        let _ = out.write_all(b"\x1b[?25h").and_then(|()| out.flush());
    }
}

/// What to send to a terminal that shows a frame of `drawn` lines, the cursor below it: the cursor hidden while
/// lines are written, each cleared first, and what is left of a longer frame cleared after.
fn redraw(drawn: usize, above: &[String], lines: &[String]) -> String {
    let mut text = String::from("\x1b[?25l");
    if drawn > 0 {
        text.push_str(&format!("\x1b[{drawn}A"));
    }
    text.push('\r');
    for line in above.iter().chain(lines) {
        text.push_str("\x1b[2K");
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("\x1b[J\x1b[?25h");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_drawn_over_the_one_before() {
        let lines = ["one".to_owned(), "two".to_owned()];
        assert_eq!(
            redraw(0, &[], &lines),
            "\x1b[?25l\r\x1b[2Kone\r\n\x1b[2Ktwo\r\n\x1b[J\x1b[?25h"
        );
        let again = redraw(2, &["log".to_owned()], &lines[..1]);
        assert_eq!(
            again,
            "\x1b[?25l\x1b[2A\r\x1b[2Klog\r\n\x1b[2Kone\r\n\x1b[J\x1b[?25h"
        );
    }
}

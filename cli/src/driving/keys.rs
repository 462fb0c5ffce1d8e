//! What is typed at a question. The terminal neither echoes nor edits while a frame is on it, so this does both.

use std::io::{self, Read};
use tokio::sync::mpsc::UnboundedReceiver;

/// What keys made of the line that is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// The line changed.
    Edited,
    /// Enter: this is the line.
    Line(String),
}

/// A line that is being typed.
#[derive(Debug, Default)]
pub struct Editor {
    line: String,
}

/// More than this is not an answer.
const LONGEST: usize = 200;

impl Editor {
    /// What is typed so far.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Forgets what was typed.
    pub fn clear(&mut self) {
        self.line.clear();
    }

    /// Takes in bytes as the terminal sends them.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Key> {
        let mut keys = Vec::new();
        let text = String::from_utf8_lossy(bytes);
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            match char {
                '\r' | '\n' => keys.push(Key::Line(std::mem::take(&mut self.line))),
                '\u{8}' | '\u{7f}' => {
                    self.line.pop();
                }
                '\u{15}' => self.line.clear(),
                // An arrow or function key: the rest of what came is its sequence.
                '\u{1b}' => {
                    let begins = chars.next() == Some('[');
                    while begins
                        && chars
                            .next()
                            .is_some_and(|c| !('\x40'..='\x7e').contains(&c))
                    {}
                }
                c if c.is_control() => {}
                c if self.line.len() < LONGEST => self.line.push(c),
                _ => {}
            }
        }
        keys.push(Key::Edited);
        keys
    }
}

/// The keyboard.
pub struct Keys {
    bytes: UnboundedReceiver<Vec<u8>>,
}

impl Keys {
    /// Listens to standard input, on a thread of its own that ends with the process: a read of a terminal can be
    /// waited for, not called off.
    #[must_use]
    pub fn new() -> Option<Keys> {
        let (sender, bytes) = tokio::sync::mpsc::unbounded_channel();
        let listen = move || {
            let mut buffer = [0; 256];
            loop {
                match io::stdin().read(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) | Ok(0) => return,
                    Ok(count) => {
                        let read = buffer.get(..count).unwrap_or_default().to_vec();
                        if sender.send(read).is_err() {
                            return;
                        }
                    }
                }
            }
        };
        std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(listen)
            .ok()
            .map(|_| Keys { bytes })
    }

    /// The bytes of the next keys; `None` when the keyboard is gone.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.bytes.recv().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_one_expects() {
        let mut editor = Editor::default();
        assert_eq!(editor.take(b"yx\x7f"), [Key::Edited]);
        assert_eq!(editor.line(), "y");
        editor.take(b"\x1b[A\x1b[1;5D\x02");
        assert_eq!(editor.line(), "y");
        assert_eq!(
            editor.take(b"es\nn"),
            [Key::Line("yes".to_owned()), Key::Edited]
        );
        assert_eq!(editor.line(), "n");
        editor.take(b"\x15");
        assert_eq!(editor.line(), "");
        editor.take(&[b'x'; 1000]);
        assert_eq!(editor.line().len(), LONGEST);
    }
}

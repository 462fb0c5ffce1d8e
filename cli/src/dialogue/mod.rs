//! Asking a person at a terminal, one line after the other, until there is an answer. The live view and the commands
//! that answer ask in the same words.

mod menu;
mod stage;
mod terminal;

pub use stage::{Dialogue, Said};
pub use terminal::{confirmed, is_interactive, on_terminal};

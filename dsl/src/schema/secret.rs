//! Keys of a secret.

use super::key::{Block, Key, Takes};

/// A secret.
pub static SECRET: Block = Block {
    keyword: "secret",
    doc: "A value that is read when it is used and never written down. Exactly one source.",
    keys: &[&SECRET_ENV, &SECRET_FILE, &SECRET_COMMAND],
};

/// From the environment.
pub static SECRET_ENV: Key = Key {
    name: "env",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "The environment variable of the engine that holds it.",
    example: "env = \"DATABASE_URL\"",
    yaml: "env: DATABASE_URL",
};

/// From a file.
pub static SECRET_FILE: Key = Key {
    name: "file",
    takes: Takes::Text,
    required: false,
    default: None,
    doc: "The file that holds it.",
    example: "file = \"/run/secrets/token\"",
    yaml: "file: /run/secrets/token",
};

/// From a program.
pub static SECRET_COMMAND: Key = Key {
    name: "command",
    takes: Takes::List(&Takes::Text),
    required: false,
    default: None,
    doc: "The program, with its arguments, that prints it.",
    example: "command = [\"pass\", \"show\", \"db\"]",
    yaml: "command: [pass, show, db]",
};

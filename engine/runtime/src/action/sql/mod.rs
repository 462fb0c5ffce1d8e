//! `sql`: SQLite databases, inside the engine.
//!
//! - `sqlite:PATH` names the database; PATH is relative to the node's directory.
//! - A *query* is one statement. Its rows are kept, up to [`ROW_LIMIT`]. The database has to exist.
//! - A *script* is many statements in one transaction (`begin immediate`): they all count, or none does. The
//!   database is created if it is not there. Leading `pragma` and `attach` statements run before the transaction
//!   begins. A script that has `begin`, `commit`, `rollback`, `vacuum` or `detach` statements looks after its
//!   transactions itself and is run as it is, up to its first error.
//! - `$1`, `$2` … (or `?1`, `?2` …) stand for the values of `bind`. Types are kept; booleans are 1 and 0, lengths
//!   of time and instants are text, lists and maps are JSON.

mod connection;
mod statements;
mod values;

pub use connection::{Database, Request, execute};
pub use values::bind_value;

/// How many rows of a query are kept. A query that gives more fails: it should count or limit them itself.
pub const ROW_LIMIT: usize = 10_000;

/// How much text the rows of a query may have together, in bytes.
pub const ROW_BYTES_LIMIT: usize = 16 * 1024 * 1024;

//! Actions: what an attempt does in the world. An attempt always has an outcome and never an error.
//!
//! [`attempt::execute`] is where to start. `run` and `exec` are held by the run's keeper and outlive the engine;
//! `sql` runs inside the engine and ends with it; `checks` are several of these. `approve` is done by people and
//! never gets here.

pub mod attempt;
pub mod checks;
pub mod environment;
pub mod exec;
pub mod held;
pub mod output_file;
pub mod process;
pub mod run;
pub mod sql;
pub mod stop;

//! Actions: what an attempt does in the world. An attempt always has an outcome and never an error.
//!
//! [`attempt::execute`] is where to start. `run` and `exec` are held by the run's keeper and outlive the engine;
//! `sql` and `http` run inside the engine and end with it, and so does `notify`; `checks` are several of these. `approve` and
//! `manual` are done by people, and a `wait` by time: they never get here.

pub mod attempt;
pub mod checks;
pub mod environment;
pub mod evidence;
pub mod exec;
pub mod held;
mod http;
pub mod notify;
pub mod output_file;
pub mod process;
pub mod run;
pub mod sql;
pub mod stop;
pub mod watch;

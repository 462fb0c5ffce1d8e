//! `piton plan`: what a run would do, without doing any of it.

mod back;
mod command;
mod json;
mod node;
mod order;
mod targets;
mod text;

pub use command::PlanCommand;
pub use order::{order, point_of_no_return};

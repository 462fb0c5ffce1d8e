//! The commands, one a file: what it takes, and what it does with it.

pub mod ack;
pub mod answer;
pub mod approve;
pub mod attend;
pub mod audit;
pub mod cancel;
pub mod check;
pub mod completions;
pub mod decide;
pub mod doctor;
pub mod done;
pub mod explain;
pub mod graph;
pub mod keeper;
pub mod lock;
pub mod logs;
pub mod plan;
pub mod prove;
pub mod reject;
pub mod resume;
pub mod rollback;
pub mod run;
pub mod runs;
pub mod show;
pub mod take;
pub mod test;

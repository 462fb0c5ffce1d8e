//! End-to-end tests: the built `piton`, real processes, real files. One binary, one module a promise.
//!
//! A fault that shows here and not in the simulator (`engine/core/tests`) means that a seam is in the wrong place.

mod audit;
mod back;
mod canary;
mod check;
mod check_changed;
mod check_fix;
mod ci;
mod commands;
mod damages;
mod databases;
mod decisions;
mod escalation;
mod evidence;
mod examples;
mod ground;
mod guestguard;
mod hosts;
mod hosts_postgres;
mod killed;
mod large;
mod layout;
mod limits;
mod locks;
mod logging;
mod monitoring;
mod people;
mod postgres_store;
mod proof;
mod prose;
mod prune;
mod recovery;
mod replan;
mod resources;
mod runbooks;
mod secrets;
mod servers;
mod shellcheck;
mod support;
mod targets;
mod terminal;
mod torture;
mod traces;
mod tutorial;
mod ways;

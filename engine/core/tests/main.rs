//! What the core promises, as seen from outside.

mod expr;
mod journal;
mod promises;
mod rules;
mod scale;
mod view;
mod world;

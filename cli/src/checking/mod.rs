//! What `piton check` is made of: which files there are ([`files`], [`changed`]), what is said about each ([`look`]
//! with the [`settings`] of its folder, by all cores: [`parallel`]), what is mended ([`mend`]), and how it is written
//! down ([`mod@format`]).

pub mod changed;
pub mod files;
pub mod format;
pub mod look;
pub mod mend;
pub mod parallel;
pub mod settings;

//! Files that are kept with a run, as evidence of what an attempt did.

use crate::digest::Digest;
use serde::{Deserialize, Serialize};

/// A file that was to be kept when an attempt ended, and what became of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The file as the runbook names it, worked out.
    pub file: String,
    /// The copy, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// Why there is none, for people; empty if there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A copy of a file. Secrets in it are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What the copy is called in the attempt's directory of evidence.
    pub name: String,
    /// How large it is, in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    /// How large the file was, in bytes, when only the end of it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of: Option<u64>,
}

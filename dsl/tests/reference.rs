//! The reference in `docs/` is the one that the schema gives.

use std::path::PathBuf;

/// Set to anything, it makes the test write the page instead of comparing it.
const WRITE: &str = "PITON_WRITE_REFERENCE";

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "a test reads what stands in the repository"
)]
fn the_reference_is_what_the_schema_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/reference.md");
    let page = piton_dsl::reference::reference();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &page).expect("a writable repository");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = page
        .lines()
        .zip(written.lines())
        .position(|(made, found)| made != found);
    assert!(
        page == written,
        "docs/reference.md is stale, first in line {:?}; write it anew: {WRITE}=1 cargo test --release -p piton-dsl reference",
        differs.map(|line| line + 1)
    );
}

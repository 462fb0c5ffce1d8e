//! The pages of the rules in `docs/rules/` are those that `piton explain` prints.

use piton_dsl::rule_pages::rule_pages;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Set to anything, it makes the test write the pages instead of comparing them.
const WRITE: &str = "PITON_WRITE_REFERENCE";

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "a test reads what stands in the repository"
)]
fn the_pages_in_the_docs_are_those_of_the_rules() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/rules");
    let again = format!("write them anew: {WRITE}=1 cargo test --release -p piton-dsl rule_pages");
    let pages = rule_pages();
    let names: BTreeSet<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    let entries = || std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let others =
        || entries().filter(|entry| !names.contains(entry.file_name().to_string_lossy().as_ref()));
    if std::env::var_os(WRITE).is_some() {
        std::fs::create_dir_all(&folder).expect("a writable repository");
        for page in &pages {
            std::fs::write(folder.join(&page.name), &page.text).expect("a writable repository");
        }
        for entry in others() {
            std::fs::remove_file(entry.path()).expect("a writable repository");
        }
    }
    for page in &pages {
        let written = std::fs::read_to_string(folder.join(&page.name)).unwrap_or_default();
        assert!(
            written == page.text,
            "docs/rules/{} is stale; {again}",
            page.name
        );
    }
    assert_eq!(others().count(), 0, "a page of no rule; {again}");
}

#[test]
fn every_rule_is_on_a_page_and_in_the_index() {
    let pages = rule_pages();
    for rule in piton_dsl::catalogue() {
        let (family, _) = rule.code.split_once("::").expect("a family");
        let link = format!(
            "[`{}`]({family}.md#{})",
            rule.code,
            rule.code.replace(':', "")
        );
        assert_eq!(pages[0].text.matches(&link).count(), 1, "{link}");
        let file = pages
            .iter()
            .find(|page| page.name == format!("{family}.md"));
        let heading = format!("\n## `{}`\n", rule.code);
        assert_eq!(file.map(|it| it.text.matches(&heading).count()), Some(1));
    }
}

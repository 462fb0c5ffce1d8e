//! The manual pages of all rules as Markdown files, one a family, with an index: `docs/rules/`.
//!
//! They are made from what `piton explain` prints; a test compares them.

use crate::lint::catalogue::{Page, catalogue};
use std::collections::BTreeMap;

/// A file of `docs/rules/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// All of them, the index first.
#[must_use]
pub fn rule_pages() -> Vec<RuleFile> {
    let mut families: BTreeMap<&str, Vec<&Page>> = BTreeMap::new();
    for page in catalogue() {
        let (family, _) = page.code.split_once("::").unwrap_or((page.code, ""));
        families.entry(family).or_default().push(page);
    }
    let index = RuleFile {
        name: "README.md".to_owned(),
        text: index(&families),
    };
    let files = families.iter().map(|(family, pages)| RuleFile {
        name: format!("{family}.md"),
        text: file(family, pages),
    });
    std::iter::once(index).chain(files).collect()
}

fn index(families: &BTreeMap<&str, Vec<&Page>>) -> String {
    let mut text = String::from(
        "# Rules\n\n\
         What `piton check` finds. Each page is what `piton explain CODE` prints.\n\n\
         An error keeps the runbook from running. A warning does not; a comment `# piton: allow(CODE) why` above it, or \
         at the end of its line, leaves it out, and `piton.toml` says how warnings count.\n",
    );
    for (family, pages) in families {
        text.push_str(&format!(
            "\n## [{family}]({family}.md)\n\n| Code | | |\n|---|---|---|\n"
        ));
        for page in pages {
            let anchor: String = page.code.replace(':', "");
            text.push_str(&format!(
                "| [`{}`]({family}.md#{anchor}) | {} | {} |\n",
                page.code,
                page.severity.word(),
                page.summary.replace('|', "\\|")
            ));
        }
    }
    text
}

fn file(family: &str, pages: &[&Page]) -> String {
    let mut text = format!("# Rules: {family}\n");
    for page in pages {
        text.push_str(&format!(
            "\n## `{}`\n\n{}: {}.\n\n{}\n",
            page.code,
            page.severity.word(),
            page.summary,
            below(&page.text).trim()
        ));
    }
    text
}

/// A page without its title, its headings a level lower.
fn below(page: &str) -> String {
    let (mut in_code, mut out) = (false, String::with_capacity(page.len()));
    for line in page.lines() {
        let is_fence = line.starts_with("```");
        in_code = in_code != is_fence;
        if !in_code && line.starts_with("# ") {
            continue;
        }
        if !in_code && line.starts_with("## ") {
            // A blank line below each heading, as Markdown is best read.
            out.push('#');
            out.push_str(line);
            out.push('\n');
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_lowered_outside_of_code_only() {
        let page = "# A title\n\n## What it does\nIt.\n```runbook\n# a comment\n## two\n```\n";
        assert_eq!(
            below(page).trim(),
            "### What it does\n\nIt.\n```runbook\n# a comment\n## two\n```"
        );
    }
}

//! What is found in a runbook, given as what stands in its braces.

use piton_dsl::diagnostic::Diagnostic;
use piton_dsl::source::SourceFile;

fn check(body: &str) -> (SourceFile, Vec<Diagnostic>) {
    let text = format!("runbook a {{\n timeout = 5m\n{body}\n}}");
    let file = SourceFile::new("a.runbook", text);
    let found = piton_dsl::check(&file).diagnostics;
    (file, found)
}

/// Each finding: `code [source it points to]`.
pub(crate) fn found(body: &str) -> Vec<String> {
    let (file, found) = check(body);
    let said = found
        .iter()
        .map(|it| format!("{} [{}]", it.code, file.slice(it.span())));
    said.collect()
}

/// What the findings' help says.
pub(crate) fn help(body: &str) -> Vec<String> {
    let (_, found) = check(body);
    found.into_iter().filter_map(|it| it.help).collect()
}

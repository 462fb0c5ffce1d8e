//! What a node does, as people read it. Secrets are names here: a plan knows nothing else.

use piton_core::plan::{Action, Approve, Check, Node, WorldEffect};

/// The word for the kind of action, as it is written in a runbook.
#[must_use]
pub fn word(action: &Action) -> &'static str {
    match action {
        Action::Run(_) => "run",
        Action::Exec(_) => "exec",
        Action::Sql(_) => "sql",
        Action::Checks(_) => "checks",
        Action::Approve(_) => "approve",
    }
}

/// The lines of what is done: the script, the program with its arguments, the SQL, the checks, who approves.
#[must_use]
pub fn lines(action: &Action) -> Vec<String> {
    match action {
        Action::Run(run) => {
            let mut lines = body(&run.script);
            if let Some(shell) = &run.shell {
                lines.insert(0, format!("# {}", shell.join(" ")));
            }
            lines
        }
        Action::Exec(exec) => {
            vec![
                exec.argv
                    .iter()
                    .map(|argument| quoted(argument.text()))
                    .collect::<Vec<_>>()
                    .join(" "),
            ]
        }
        Action::Sql(sql) => {
            let mut lines = vec![format!("on {}", sql.on.text())];
            lines.extend(body(&sql.text));
            let bound = sql.bind.iter().enumerate();
            lines.extend(bound.map(|(at, value)| format!("${} = {}", at + 1, value.text())));
            lines
        }
        Action::Checks(checks) => checks.iter().flat_map(check).collect(),
        Action::Approve(approve) => vec![approvers(approve)],
    }
}

fn check(check: &Check) -> Vec<String> {
    let what = lines(&check.probe).join("; ");
    let expect = check
        .expect
        .as_ref()
        .map(|expect| format!("  expects {}", expect.text()));
    vec![format!(
        "{}: {what}{}",
        check.name,
        expect.unwrap_or_default()
    )]
}

/// Who may approve, and how: `by cto or on-call-lead, 2 people, not the starter, within 30m`.
#[must_use]
pub fn approvers(approve: &Approve) -> String {
    let mut parts = vec![match approve.by.as_slice() {
        [] => "by anybody".to_owned(),
        [one] => format!("by {one}"),
        many => format!("by {}", many.join(" or ")),
    }];
    if approve.count > 1 {
        parts.push(format!("{} people", approve.count));
    }
    if approve.not_starter {
        parts.push("not the one who started the run".to_owned());
    }
    if let Some(expires) = approve.expires {
        parts.push(format!("within {expires}"));
    }
    parts.join(", ")
}

/// What a node leaves in the world, in a few words.
#[must_use]
pub fn effect(node: &Node) -> Option<String> {
    match &node.effect {
        WorldEffect::None => None,
        WorldEffect::Undo(undo) => Some(format!(
            "undone by {}: {}",
            word(&undo.action),
            lines(&undo.action).join("; ")
        )),
        WorldEffect::Abandoned(why) => Some(format!("abandoned: {why}")),
        WorldEffect::Irreversible(why) => Some(format!("irreversible: {why}")),
        WorldEffect::Unstated => Some("effect not stated: treated as irreversible".to_owned()),
    }
}

/// Whether nothing takes the node back.
#[must_use]
pub fn is_final(node: &Node) -> bool {
    matches!(
        node.effect,
        WorldEffect::Irreversible(_) | WorldEffect::Unstated
    )
}

/// The lines of a script without its common indentation and the empty lines around it.
fn body(text: &str) -> Vec<String> {
    let text = text.trim_matches('\n').trim_end();
    let indented = text.lines().filter(|line| !line.trim().is_empty());
    let common = indented
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0);
    text.lines()
        .map(|line| line.get(common..).unwrap_or("").to_owned())
        .collect()
}

/// An argument as it would be typed in a shell; what `${{ }}` gives counts as one word.
fn quoted(argument: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !argument.is_empty() && argument.chars().all(harmless) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_as_a_shell_needs_it() {
        assert_eq!(quoted("--file=a.db"), "--file=a.db");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_script_loses_the_indentation_of_its_block() {
        assert_eq!(
            body("\n    cp a b\n      && true\n\n    sync\n"),
            ["cp a b", "  && true", "", "sync"]
        );
        assert_eq!(body(""), Vec::<String>::new());
    }

    #[test]
    fn who_may_approve_reads_as_a_sentence() {
        let by = vec!["cto".to_owned(), "on-call-lead".to_owned()];
        let approve = Approve {
            by,
            count: 2,
            not_starter: true,
            expires: Some(piton_core::time::Millis(1_800_000)),
        };
        assert_eq!(
            approvers(&approve),
            "by cto or on-call-lead, 2 people, not the one who started the run, within 30m"
        );
    }
}

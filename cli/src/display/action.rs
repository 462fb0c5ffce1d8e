//! What a node does, as people read it. Secrets are names here: a plan knows nothing else.

use crate::display::clean::one_line;
use piton_core::plan::{
    Action, Approve, Ask, CallPart, Check, Http, HttpBody, Manual, Node, Plan, Response, UndoAfter,
    Wait, WorldEffect,
};

/// The word for the kind of action, as it is written in a runbook.
#[must_use]
pub fn word(action: &Action) -> &'static str {
    match action {
        Action::Run(_) => "run",
        Action::Exec(_) => "exec",
        Action::Sql(_) => "sql",
        Action::Http(_) => "http",
        Action::Checks(_) => "checks",
        Action::Approve(_) => "approve",
        Action::Manual(_) => "manual",
        Action::Notify(_) => "notify",
        Action::Wait(_) => "wait",
        Action::Call(_) => "call",
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
            lines.extend(body(sql.text.text()));
            let bound = sql.bind.iter().enumerate();
            lines.extend(bound.map(|(at, value)| format!("${} = {}", at + 1, value.text())));
            lines
        }
        Action::Http(request) => http(request),
        Action::Checks(checks) => checks.iter().flat_map(check).collect(),
        Action::Approve(approve) => vec![approvers(approve)],
        Action::Manual(manual) => self::manual(manual),
        Action::Notify(notify) => {
            let message = one_line(notify.message.text());
            vec![format!("tells {}: {message}", notify.to.join(", "))]
        }
        Action::Wait(Wait::For(length)) => vec![format!("for {length}")],
        Action::Wait(Wait::Until(time)) => vec![format!("until {}", time.text())],
        Action::Call(CallPart::Begin) => vec!["the called runbook begins".to_owned()],
        Action::Call(CallPart::End) => vec!["the called runbook is done".to_owned()],
    }
}

/// The request, its headers and what it sends.
fn http(request: &Http) -> Vec<String> {
    let mut first = format!(
        "{} {}",
        request.method.as_str(),
        one_line(request.url.text())
    );
    if !request.status.is_empty() {
        let statuses: Vec<_> = request.status.iter().map(ToString::to_string).collect();
        first.push_str(&format!(", expecting {}", statuses.join(" or ")));
    }
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| format!("{name}: {}", one_line(value.text())));
    let sent = request.body.iter().flat_map(|sent| match sent {
        HttpBody::Text(text) | HttpBody::Json(text) => body(text.text()),
    });
    [first].into_iter().chain(headers).chain(sent).collect()
}

/// Instructions, what has to be ticked off, and what is asked.
fn manual(manual: &Manual) -> Vec<String> {
    let mut lines: Vec<String> = manual
        .instructions
        .iter()
        .flat_map(|text| body(text.text()))
        .collect();
    let checklist = manual.checklist.iter();
    lines.extend(checklist.map(|entry| format!("[ ] {}", one_line(entry.text()))));
    lines.extend(manual.asks.iter().map(ask));
    let anybody = manual.by.is_empty();
    if !anybody {
        lines.push(by(&manual.by));
    }
    lines
}

fn ask(ask: &Ask) -> String {
    let mut line = format!("asks {}: {}", ask.name, ask.kind.describe());
    if let Some(help) = &ask.help {
        line.push_str(&format!(", {}", one_line(help)));
    }
    if let Some(from) = &ask.from {
        let from = lines(from).join("; ");
        line.push_str(&format!(", one of what this gives: {from}"));
    }
    if let Some(validate) = &ask.validate {
        line.push_str(&format!(", with {}", validate.text()));
    }
    if let Some(default) = &ask.default {
        line.push_str(&format!(", else {}", default.text()));
    }
    line
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
    let mut parts = vec![by(&approve.by)];
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

/// Who may answer: `by cto or on-call-lead`.
#[must_use]
pub fn by(names: &[String]) -> String {
    match names {
        [] => "by anybody".to_owned(),
        [one] => format!("by {one}"),
        many => format!("by {}", many.join(" or ")),
    }
}

/// A response to failure as it is written in a runbook: ``rewind to `fetch`, at most twice``.
#[must_use]
pub fn response(plan: &Plan, response: &Response) -> String {
    match response {
        Response::Stop => "stop".to_owned(),
        Response::Continue => "continue".to_owned(),
        Response::Rollback => "rollback".to_owned(),
        Response::Rewind { to, times } => {
            let to = plan.node(*to).map_or("?", |node| node.id.as_str());
            match times {
                1 => format!("rewind to `{to}`, once"),
                2 => format!("rewind to `{to}`, at most twice"),
                times => format!("rewind to `{to}`, at most {times} times"),
            }
        }
        Response::Escalate { policy, expires } => match expires {
            Some(expires) => format!("escalate to `{policy}` for {expires}"),
            None => format!("escalate to `{policy}`"),
        },
    }
}

/// What a node leaves in the world, in a few words.
#[must_use]
pub fn effect(node: &Node) -> Option<String> {
    match &node.effect {
        WorldEffect::None => None,
        WorldEffect::Undo(undo) => Some(format!(
            "undone by {}: {}{}",
            word(&undo.action),
            lines(&undo.action).join("; "),
            match undo.after {
                UndoAfter::Succeeded => "",
                UndoAfter::Started => " (also when it did not succeed)",
            }
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
            page: None,
        };
        assert_eq!(
            approvers(&approve),
            "by cto or on-call-lead, 2 people, not the one who started the run, within 30m"
        );
    }
}

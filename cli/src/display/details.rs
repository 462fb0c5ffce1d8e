//! What is known of a node beyond its line: attempts that did not go well, earlier passes, outputs, checks, items,
//! locks, decisions and pages.

use crate::clock;
use crate::display::clean::one_line;
use crate::display::plain::answer_text;
use crate::display::style::{Line, Style};
use crate::display::{node, question};
use piton_core::id::Purpose;
use piton_core::plan::Plan;
use piton_core::time::Timestamp;
use piton_core::value::Value;
use piton_core::view::{
    AttemptView, LockView, NodeStanding, NodeView, PassView, QuestionView, ResponseKind,
    ResponseView,
};
use std::collections::BTreeMap;

/// The lines below a node's own. What an open question asks stands at the end of the report.
#[must_use]
pub fn node(plan: &Plan, node: &NodeView, now: Timestamp) -> Vec<Line> {
    let mut lines: Vec<Line> = node
        .passes
        .iter()
        .flat_map(|pass| self::pass(node, pass, now))
        .collect();
    lines.extend(attempts(node, node.pass, now));
    if let Some(lock) = &node.lock {
        lines.push(self::lock(lock, "      ", now));
    }
    lines.extend(node.target.iter().map(|target| match target {
        Ok(found) => dim("      target ").and(one_line(found)),
        Err(why) => dim("      target ").with(Style::Bad, one_line(why)),
    }));
    lines.extend(captured(node));
    lines.extend(items(node, now));
    lines.extend(outputs(&node.outputs));
    lines.extend(node::checks(&node.checks));
    let of_this_pass = |one: &&QuestionView| one.pass == node.pass;
    let questions = node.earlier_questions.iter().chain(&node.question);
    lines.extend(
        questions
            .filter(of_this_pass)
            .flat_map(|one| decided(plan, one, now)),
    );
    let responses = node.responses.iter();
    let taken = responses.filter(|response| response.pass == node.pass);
    lines.extend(taken.map(|response| self::response(node, response, now)));
    lines
}

fn dim(text: impl Into<String>) -> Line {
    Line::new().with(Style::Dim, text)
}

/// What an earlier pass came to: `pass 1  failed, undone`.
fn pass(node: &NodeView, pass: &PassView, now: Timestamp) -> Vec<Line> {
    let mut words = vec![match pass.settled {
        Some(NodeStanding::Succeeded) => "succeeded",
        Some(NodeStanding::Skipped) => "skipped",
        Some(NodeStanding::Failed) => "failed",
        _ => "not decided",
    }];
    match pass.state {
        NodeStanding::Undone => words.push("undone"),
        NodeStanding::Left => words.push("left"),
        _ => {}
    }
    let why = Some(one_line(&pass.message)).filter(|why| !why.is_empty());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let mut lines = vec![dim(format!(
        "      pass {}  {}{why}",
        pass.pass,
        words.join(", ")
    ))];
    let attempts = node.attempts.iter();
    let tries = attempts.filter(|attempt| attempt.pass == pass.pass);
    lines.extend(
        tries
            .filter(|attempt| attempt.purpose == Purpose::Do || attempt.purpose.is_back())
            .map(|attempt| self::attempt(attempt, "        ", now)),
    );
    let responses = node.responses.iter();
    let taken = responses.filter(|response| response.pass == pass.pass);
    lines.extend(taken.map(|response| dim("  ").then(self::response(node, response, now))));
    lines
}

/// The attempts of the present pass, unless one did it all and well.
fn attempts(node: &NodeView, pass: u32, now: Timestamp) -> Vec<Line> {
    let all: Vec<&AttemptView> = node
        .attempts
        .iter()
        .filter(|attempt| attempt.pass == pass)
        .collect();
    let well = node.state == NodeStanding::Succeeded && node.tries().count() <= 1;
    let looks = all
        .iter()
        .filter(|attempt| attempt.met == Some(false))
        .count();
    let mut lines: Vec<Line> = all
        .iter()
        .filter(|attempt| !well || attempt.purpose.is_back())
        // The looks of an `until` at which it was not there are counted, not listed.
        .filter(|attempt| attempt.met != Some(false))
        .filter(|attempt| attempt.item.is_none() || !ended_well(attempt))
        .map(|attempt| self::attempt(attempt, "      ", now))
        .collect();
    if looks > 0 {
        lines.push(dim(format!(
            "      {looks} looks at which it was not there yet"
        )));
    }
    lines
}

fn ended_well(attempt: &AttemptView) -> bool {
    attempt.status == Some(piton_core::record::OutcomeStatus::Succeeded)
}

fn attempt(attempt: &AttemptView, indentation: &str, now: Timestamp) -> Line {
    let words = match attempt.status {
        None => format!("runs since {}", clock::near(attempt.started, now)),
        Some(status) => {
            let took = attempt.ended.unwrap_or(now).since(attempt.started);
            let why = if attempt.message.is_empty() {
                String::new()
            } else {
                format!(": {}", one_line(&attempt.message))
            };
            format!(
                "{} after {}{why}",
                node::ended_word(status),
                clock::length(took)
            )
        }
    };
    dim(format!("{indentation}{}  {words}", attempt.id))
}

/// Locks, and whether they are held: ``lock `db`  held since 03:10:00``.
#[must_use]
pub fn lock(lock: &LockView, indentation: &str, now: Timestamp) -> Line {
    let names: Vec<String> = lock.names.iter().map(|name| format!("`{name}`")).collect();
    let names = one_line(&names.join(", "));
    let line = dim(format!("{indentation}lock ")).and(names);
    match (lock.taken, lock.released) {
        (None, None) => line.with(
            Style::Asks,
            format!("  waited for until {}", clock::near(lock.until, now)),
        ),
        (None, Some(_)) => line.with(Style::Bad, "  not taken"),
        (Some(taken), None) => line.with(
            Style::Live,
            format!("  held since {}", clock::near(taken, now)),
        ),
        (Some(_), Some(_)) => line.with(Style::Dim, "  was held"),
    }
}

/// What was there before, short.
fn captured(node: &NodeView) -> Option<Line> {
    let produced = node.captured.as_ref()?;
    let text = match (&produced.rows, &produced.stdout) {
        (Some(rows), _) if rows.len() != 1 => format!("{} rows", rows.len()),
        (Some(rows), _) => rows.first().map(shown).unwrap_or_default(),
        (None, Some(text)) => text.trim().to_owned(),
        (None, None) => match &produced.response {
            Some(response) => format!("status {}: {}", response.status, response.body.trim()),
            None => String::new(),
        },
    };
    Some(dim("      before ").and(short(&one_line(&text))))
}

/// The items of a node, those that are not done by name.
fn items(node: &NodeView, now: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    for item in &node.items {
        let (sign, look, when) = match (item.done, item.undone) {
            (_, Some(undone)) => (
                "↶",
                Style::Dim,
                format!("undone {}", clock::near(undone, now)),
            ),
            (Some(done), None) => ("✓", Style::Good, format!("done {}", clock::near(done, now))),
            (None, None) => ("·", Style::Dim, "not done".to_owned()),
        };
        lines.push(
            Line::new()
                .and("      ")
                .with(look, sign)
                .and(format!(" {}", one_line(&item.key)))
                .with(Style::Dim, format!("  {when}")),
        );
    }
    lines
}

fn outputs(outputs: &BTreeMap<String, Value>) -> Vec<Line> {
    let line = |(name, value): (&String, &Value)| {
        dim("      output ").and(format!("{name} = {}", one_line(&shown(value))))
    };
    outputs.iter().map(line).collect()
}

fn shown(value: &Value) -> String {
    value.to_json().to_string()
}

/// The beginning of a long text.
fn short(text: &str) -> String {
    const LONGEST: usize = 120;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

/// Who said what to a question, who was paged about it, and how it was closed.
fn decided(plan: &Plan, question: &QuestionView, now: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    if question.is_open() {
        let what = question::summary(plan, question.index, &question.kind);
        lines.push(Line::new().with(Style::Asks, format!("      {what}")));
        lines.push(dim(format!("      shown {}", question.shown)));
    } else if !question.pages.is_empty() {
        let paged: Vec<String> = question
            .pages
            .iter()
            .map(|page| format!("{} (level {})", page.contacts.join(", "), page.level))
            .collect();
        lines.push(dim(format!("      paged {}", paged.join(", then "))));
    }
    for answer in &question.answers {
        let note = answer
            .note
            .as_deref()
            .map(|note| format!(": {}", one_line(note)))
            .unwrap_or_default();
        let text = format!(
            "      {} {} {}{note}",
            clock::near(answer.at, now),
            answer.by,
            answer_text(plan, &answer.answer)
        );
        lines.push(dim(text));
    }
    let closed = question.closed.iter();
    lines.extend(closed.map(|closed| dim(format!("      {}", one_line(closed)))));
    lines
}

/// What was done about a failure, and by whom.
fn response(node: &NodeView, response: &ResponseView, now: Timestamp) -> Line {
    let what = match &response.kind {
        ResponseKind::Stop => "the run stopped".to_owned(),
        ResponseKind::Continue => "the run went on all the same".to_owned(),
        ResponseKind::Rollback => "rollback of the run".to_owned(),
        ResponseKind::Escalate { policy, .. } => format!("escalated to `{policy}`"),
        ResponseKind::Rewind { to, count, times } => match times {
            Some(times) => format!("rewind to `{to}` ({count} of {times})"),
            None => format!("rewind to `{to}`"),
        },
    };
    let owner = if response.owner == node.id {
        String::new()
    } else {
        format!(", by the ladder of `{}`", response.owner)
    };
    let by = response.by.as_ref().map(|by| format!(", decided by {by}"));
    dim(format!(
        "      {} {what}{owner}{}",
        clock::near(response.at, now),
        by.unwrap_or_default()
    ))
}

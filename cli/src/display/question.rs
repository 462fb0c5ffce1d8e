//! What a person is asked, who may answer, who is called meanwhile, and who has it.

use crate::clock;
use crate::display::action;
use crate::display::clean::one_line;
use crate::display::style::{Line, Style};
use piton_core::id::Actor;
use piton_core::plan::{Node, NodeIndex, Plan, WorldEffect};
use piton_core::record::{AskView, QuestionKind, ShownTarget, WhyAsk};
use piton_core::time::Timestamp;
use piton_core::view::{HeldView, PageView, QuestionView};

/// What is asked, in a few words.
#[must_use]
pub fn summary(plan: &Plan, index: NodeIndex, kind: &QuestionKind) -> String {
    match kind {
        QuestionKind::Approve { terms, .. } => {
            format!("waits for approval {}", action::approvers(terms))
        }
        QuestionKind::Interrupted {
            why,
            host: Some(host),
            ..
        } => format!(
            "runs on host {host}, as far as is known: is it over, and did it happen? {}",
            one_line(why)
        ),
        QuestionKind::Interrupted { why, .. } => format!("did it happen? {}", one_line(why)),
        QuestionKind::Manual {
            checklist,
            asks,
            by,
            ..
        } => {
            let what = match (checklist.len(), asks.len()) {
                (0, 0) => "is to be done".to_owned(),
                (0, 1) => "asks 1 question, to be answered".to_owned(),
                (0, asks) => format!("asks {asks} questions, to be answered"),
                (ticks, 0) => format!("is to be done, {ticks} to tick off,"),
                (ticks, asks) => {
                    format!("is to be done, {ticks} to tick off and {asks} to answer,")
                }
            };
            format!("{what} {}", action::by(by))
        }
        QuestionKind::Confirm { expected, .. } => {
            format!("starts when somebody types `{}`", one_line(expected))
        }
        QuestionKind::Failed { message } => format!("what now? {}", one_line(message)),
        QuestionKind::Undo { why } => {
            format!("is to be undone: {}", reason(plan.node(index), *why))
        }
        QuestionKind::UndoFailed { message } => {
            format!("its undo failed, what now? {}", one_line(message))
        }
    }
}

/// Why somebody is asked about an undo.
#[must_use]
pub fn reason(node: Option<&Node>, why: WhyAsk) -> String {
    match why {
        WhyAsk::Irreversible => match node.map(|node| &node.effect) {
            Some(WorldEffect::Irreversible(because)) => {
                format!("nothing takes it back ({})", one_line(because))
            }
            _ => "nothing takes it back".to_owned(),
        },
        WhyAsk::Unstated => "the runbook does not say how it is taken back".to_owned(),
        WhyAsk::HalfDone => {
            "it was started and did not succeed: nobody knows how far it came".to_owned()
        }
        WhyAsk::Assumed => "it was done outside this run".to_owned(),
    }
}

/// Everything that is asked and about what: instructions, what to tick off, questions with their choices, the targets.
/// Without indentation.
#[must_use]
pub fn asked(plan: &Plan, question: &QuestionView) -> Vec<Line> {
    let summary = summary(plan, question.index, &question.kind);
    let mut lines = vec![Line::new().with(Style::Asks, summary)];
    match &question.kind {
        QuestionKind::Approve { targets, .. } => {
            lines.extend(targets.iter().map(|shown| target(plan, shown)));
        }
        QuestionKind::Confirm { target: shown, .. } => {
            lines.extend(shown.iter().map(|shown| target(plan, shown)));
        }
        QuestionKind::Interrupted { attempt, host, .. } => {
            if let Some(host) = host {
                let host = one_line(host);
                lines.push(Line::new().and(format!(
                    "only answer when nothing of it runs on {host} any more; if all of {host} is dead: piton hosts dead {host}"
                )));
            }
            lines.push(Line::new().with(Style::Dim, format!("attempt {attempt}")));
        }
        QuestionKind::Manual {
            instructions,
            checklist,
            asks,
            ..
        } => {
            let text = instructions.as_ref().map(piton_core::text::Text::shown);
            let text = text.unwrap_or_default();
            let rows = text.trim().lines();
            lines.extend(rows.map(|row| Line::new().and(one_line(row))));
            lines.extend(
                checklist
                    .iter()
                    .map(|entry| Line::new().and(format!("[ ] {}", one_line(&entry.shown())))),
            );
            lines.extend(asks.iter().flat_map(ask));
        }
        QuestionKind::Failed { .. }
        | QuestionKind::Undo { .. }
        | QuestionKind::UndoFailed { .. } => {}
    }
    lines
}

fn target(plan: &Plan, shown: &ShownTarget) -> Line {
    let id = plan.node(shown.node).map_or("?", |node| node.id.as_str());
    let line = Line::new()
        .with(Style::Dim, "about to change, by ")
        .and(id)
        .with(Style::Dim, ": ");
    match &shown.found {
        Ok(found) => line.with(Style::Strong, one_line(found)),
        Err(why) => line.with(Style::Bad, format!("cannot be read: {}", one_line(why))),
    }
}

/// How many choices are shown at most.
const CHOICES: usize = 20;

fn ask(ask: &AskView) -> Vec<Line> {
    let mut about = vec![ask.kind.describe().to_owned()];
    about.extend(
        ask.validate
            .iter()
            .map(|text| format!("with {}", one_line(text))),
    );
    let default = ask.default.as_ref();
    about.extend(default.map(|value| format!("else {}", one_line(&value.to_json().to_string()))));
    let head = Line::new()
        .with(Style::Strong, ask.name.clone())
        .and(match &ask.help {
            Some(help) => format!("  {}", one_line(help)),
            None => String::new(),
        })
        .with(Style::Dim, format!("  {}", about.join(", ")));
    let mut lines = vec![head];
    let choices = ask.choices.as_deref().unwrap_or_default();
    for (at, (value, beside)) in choices.iter().enumerate().take(CHOICES) {
        let value = match value.to_json() {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let (value, beside) = (one_line(&value), one_row(beside));
        let row = if beside.is_empty() || beside.starts_with(&value) {
            if beside.is_empty() { value } else { beside }
        } else {
            format!("{value}  {beside}")
        };
        lines.push(Line::new().and(format!("  {:>2}  {row}", at + 1)));
    }
    if choices.len() > CHOICES {
        let more = choices.len() - CHOICES;
        lines.push(Line::new().with(Style::Dim, format!("  … and {more} more")));
    }
    lines
}

/// Since when it is asked and until when, who is called and who has it. Without indentation.
#[must_use]
pub fn waiting(question: &QuestionView, now: Timestamp) -> Vec<Line> {
    let asked = clock::running(now.since(question.opened));
    let mut since = format!("since {} ({asked})", clock::near(question.opened, now));
    if let Some(expires) = question.expires {
        let left = clock::running(expires.since(now));
        since.push_str(&format!(
            ", until {} (in {left})",
            clock::near(expires, now)
        ));
    }
    let mut lines = vec![Line::new().with(Style::Dim, since)];
    lines.extend(question.pages.iter().map(|page| paged(page, now)));
    match (&question.policy, question.pages.last()) {
        (Some(_), Some(page)) => {
            let next = page.next.filter(|_| question.held_at(now).is_none());
            lines.extend(next.map(|next| {
                let text = format!("the next page goes out at {}", clock::near(next, now));
                Line::new().with(Style::Dim, text)
            }));
        }
        (Some(policy), None) => {
            let text = format!("escalation `{policy}`: nobody was paged yet");
            lines.push(Line::new().with(Style::Dim, text));
        }
        (None, _) => {
            lines.push(Line::new().with(Style::Dim, "nobody is paged: it has no escalation"));
        }
    }
    lines.extend(question.held.as_ref().map(|held| self::held(held, now)));
    lines
}

/// A call for people, and what became of it: `paged infra-lead (level 1) at 03:10:00, reached`.
fn paged(page: &PageView, now: Timestamp) -> Line {
    let line = Line::new()
        .with(Style::Dim, "paged ")
        .and(page.contacts.join(", "))
        .with(
            Style::Dim,
            format!(" (level {}) at {}", page.level, clock::near(page.at, now)),
        );
    match &page.deliveries {
        None => line.with(Style::Dim, ", on its way"),
        Some(deliveries) => {
            let failed = deliveries.iter().filter_map(|delivery| {
                let why = delivery.failed.as_deref()?;
                Some(format!("{}: {}", delivery.contact, one_line(why)))
            });
            let failed: Vec<String> = failed.collect();
            if failed.is_empty() {
                line.with(Style::Dim, ", reached")
            } else {
                line.with(Style::Bad, format!(", not reached: {}", failed.join("; ")))
            }
        }
    }
}

/// Who has it: `acknowledged by ann until 03:40:00`.
fn held(held: &HeldView, now: Timestamp) -> Line {
    let over = if held.until > now { "" } else { " (over)" };
    let (until, by) = (clock::near(held.until, now), &held.by);
    let text = if held.taken {
        format!("taken by {by} until {until}{over}: only they decide it")
    } else {
        format!("acknowledged by {by} until {until}{over}")
    };
    Line::new().with(
        if over.is_empty() {
            Style::Live
        } else {
            Style::Dim
        },
        text,
    )
}

/// What stands below a question while it is answered.
pub struct Prompt<'a> {
    /// Who answers.
    pub actor: &'a Actor,
    /// What was wrong with what was typed before; empty if nothing was.
    pub said: &'a str,
    /// What is asked right now, where a question is answered in several lines.
    pub rows: &'a [String],
    /// What can be typed.
    pub hint: &'a str,
    /// What is typed so far.
    pub input: &'a str,
}

/// The rows that ask: what about, who may answer and until when, and what to type. The last row is where one types.
#[must_use]
pub fn prompt(
    plan: &Plan,
    question: &QuestionView,
    prompt: &Prompt<'_>,
    now: Timestamp,
) -> Vec<Line> {
    let node = plan.node(question.index);
    let id = node.map_or("", |node| node.id.as_str());
    let title = node.and_then(|node| node.title.as_deref()).map(one_line);
    let head = Line::new()
        .with(Style::Asks, "? ")
        .with(Style::Strong, title.unwrap_or_else(|| id.to_owned()))
        .with(Style::Dim, format!("  {id}"));
    let mut lines = vec![Line::new(), head];
    // Choices and what to tick off come one after another, in the rows of the dialogue.
    let asked: Vec<Line> = match &question.kind {
        QuestionKind::Manual { instructions, .. } => {
            let text = instructions.as_ref().map(piton_core::text::Text::shown);
            let text = text.unwrap_or_default();
            let rows = text
                .trim()
                .lines()
                .map(|row| Line::new().and(one_line(row)));
            rows.collect()
        }
        _ => asked(plan, question),
    };
    let indented = |line: Line| Line::new().and("  ").then(line);
    lines.extend(asked.into_iter().map(indented));
    if let Some(expires) = question.expires {
        let left = clock::running(expires.since(now));
        lines.push(Line::new().with(
            Style::Dim,
            format!("  until {} (in {left})", clock::near(expires, now)),
        ));
    }
    let held = question.held_at(now).map(|held| self::held(held, now));
    lines.extend(held.map(indented));
    let rows = prompt.rows.iter();
    lines.extend(rows.map(|row| Line::new().and(format!("  {}", one_row(row)))));
    if !prompt.said.is_empty() {
        lines.push(
            Line::new()
                .and("  ")
                .with(Style::Bad, one_line(prompt.said)),
        );
    }
    lines.push(Line::new().with(Style::Dim, format!("  {}", prompt.hint)));
    lines.push(
        Line::new()
            .and(format!("  as {}", prompt.actor.name))
            .with(Style::Asks, " › ")
            .and(prompt.input)
            .with(Style::Asks, "▏"),
    );
    lines
}

/// A row with its indentation, safe to show.
fn one_row(row: &str) -> String {
    crate::display::clean::clean(&row.replace(['\n', '\r'], " "), false)
}

/// What an approval lets happen, or what the node does that the question is about.
#[must_use]
pub fn details(plan: &Plan, question: &QuestionView) -> Vec<Line> {
    let Some(node) = plan.node(question.index) else {
        return Vec::new();
    };
    let mut lines = vec![Line::new().with(Style::Strong, format!("About {}", node.id))];
    let doc = node.doc.iter().flat_map(|doc| doc.lines());
    lines.extend(doc.map(|line| Line::new().and(format!("  {}", one_line(line)))));
    lines.extend(plan.params.iter().map(|(name, value)| {
        let value = serde_json::to_string(value).unwrap_or_default();
        Line::new()
            .with(Style::Dim, "  param ")
            .and(format!("{name} = {value}"))
    }));
    let asked = asked(plan, question).into_iter();
    lines.extend(asked.map(|line| Line::new().and("  ").then(line)));
    if let QuestionKind::Approve { .. } = &question.kind {
        lines.push(Line::new().and("  Once approved, this follows:"));
        let next = follows(plan, question.index);
        lines.extend(
            next.into_iter()
                .filter_map(|index| plan.node(index))
                .map(follow),
        );
    } else {
        let what = action::lines(&node.action).into_iter();
        lines.extend(what.map(|text| Line::new().and(format!("    {text}"))));
        let effect = action::effect(node).into_iter();
        lines.extend(effect.map(|text| Line::new().with(Style::Dim, format!("    {text}"))));
    }
    lines.push(Line::new().with(
        Style::Dim,
        format!("  digest of what is shown: {}", question.shown),
    ));
    lines
}

fn follow(next: &Node) -> Line {
    let what = action::lines(&next.action)
        .first()
        .map(|text| one_line(text))
        .unwrap_or_default();
    let line = Line::new()
        .and(format!("    {}", next.id))
        .with(Style::Dim, format!("  {what}"));
    if action::is_final(next) {
        line.with(Style::Bad, "  cannot be taken back")
    } else {
        line
    }
}

/// All nodes that depend on this one, in reading order.
fn follows(plan: &Plan, start: NodeIndex) -> Vec<NodeIndex> {
    let mut reached = std::collections::BTreeSet::from([start]);
    for index in crate::command::plan::order(plan) {
        if plan
            .node(index)
            .is_some_and(|node| node.needs.iter().any(|need| reached.contains(need)))
        {
            reached.insert(index);
        }
    }
    reached.remove(&start);
    reached.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{asks, at, plan, question};
    use piton_core::plan::AnswerType;
    use piton_core::record::Delivery;
    use piton_core::text::Text;
    use piton_core::value::Value;

    fn text(lines: &[Line]) -> Vec<String> {
        lines.iter().map(Line::plain).collect()
    }

    fn ana() -> Actor {
        Actor {
            name: "ana".to_owned(),
            account: "ana@host".to_owned(),
        }
    }

    #[test]
    fn a_question_says_what_who_and_until_when() {
        let plan = plan(&["backup", "?go", "restore"]);
        let mut question = question(1);
        question.expires = Some(at(65_000));
        let actor = ana();
        let shown = Prompt {
            actor: &actor,
            said: "",
            rows: &[],
            hint: "yes, no",
            input: "ye",
        };
        let text = text(&prompt(&plan, &question, &shown, at(5000)));
        assert!(
            text.iter().any(|line| line.starts_with("? go")),
            "{text:#?}"
        );
        assert!(
            text.iter().any(|line| line.contains("by anybody")),
            "{text:#?}"
        );
        assert!(
            text.iter().any(|line| line.contains("(in 1m00s)")),
            "{text:#?}"
        );
        assert!(text.contains(&"  yes, no".to_owned()), "{text:#?}");
        assert!(text.last().unwrap().ends_with("› ye▏"), "{text:#?}");
        let details = self::text(&details(&plan, &question));
        assert!(
            details.iter().any(|line| line.contains("restore")),
            "{details:#?}"
        );
        assert!(
            !details.iter().any(|line| line.contains("    backup")),
            "{details:#?}"
        );
    }

    #[test]
    fn a_question_says_who_is_called_and_who_has_it() {
        let mut question = question(0);
        let all = text(&waiting(&question, at(60_000)));
        assert!(all[0].ends_with("(1m00s)"), "{all:#?}");
        assert_eq!(all[1], "nobody is paged: it has no escalation");
        question.policy = Some("infra".to_owned());
        let failed = |failed: Option<&str>| Delivery {
            contact: "lead".to_owned(),
            failed: failed.map(str::to_owned),
        };
        let page = |number: u32, deliveries| PageView {
            id: format!("q1.{number}"),
            level: number,
            contacts: vec!["lead".to_owned()],
            at: at(0),
            next: Some(at(900_000)),
            deliveries,
        };
        question.pages = vec![
            page(1, Some(vec![failed(Some("exit code 1"))])),
            page(2, Some(vec![failed(None)])),
            page(3, None),
        ];
        let all = text(&waiting(&question, at(0)));
        let time = clock::time(at(0));
        assert_eq!(
            all[1..4],
            [
                format!("paged lead (level 1) at {time}, not reached: lead: exit code 1"),
                format!("paged lead (level 2) at {time}, reached"),
                format!("paged lead (level 3) at {time}, on its way"),
            ]
        );
        assert!(all[4].starts_with("the next page goes out at"), "{all:#?}");
        question.held = Some(HeldView {
            by: ana(),
            at: at(0),
            until: at(5000),
            taken: true,
        });
        let all = text(&waiting(&question, at(0)));
        assert!(
            !all.iter().any(|line| line.contains("next page")),
            "{all:#?}"
        );
        assert!(all.last().unwrap().starts_with("taken by ana"), "{all:#?}");
        let all = text(&waiting(&question, at(6000)));
        assert!(all.last().unwrap().contains("(over)"), "{all:#?}");
    }

    #[test]
    fn what_is_asked_is_shown_with_its_choices() {
        let plan = plan(&["pick"]);
        let value = |text: &str| Value::String(text.to_owned());
        let kind = QuestionKind::Manual {
            instructions: Some(Text::literal("Pick the backup.\nNot the newest.")),
            checklist: vec![Text::literal("traffic is stopped")],
            asks: vec![AskView {
                name: "backup".to_owned(),
                kind: AnswerType::String,
                help: Some("which one".to_owned()),
                choices: Some(vec![
                    (value("b1"), "b1  2 GB".to_owned()),
                    (value("b2"), String::new()),
                ]),
                validate: Some("value != ''".to_owned()),
                default: Some(value("b1")),
            }],
            by: vec!["dba".to_owned()],
        };
        assert_eq!(
            text(&asked(&plan, &asks(0, "pick", kind))),
            [
                "is to be done, 1 to tick off and 1 to answer, by dba",
                "Pick the backup.",
                "Not the newest.",
                "[ ] traffic is stopped",
                "backup  which one  text, with value != '', else \"b1\"",
                "   1  b1  2 GB",
                "   2  b2",
            ]
        );
        let target = ShownTarget {
            node: NodeIndex(0),
            found: Ok("prod-db 7421".to_owned()),
        };
        let kind = QuestionKind::Confirm {
            expected: "prod".to_owned(),
            target: Some(target),
        };
        assert_eq!(
            text(&asked(&plan, &asks(0, "pick", kind))),
            [
                "starts when somebody types `prod`",
                "about to change, by pick: prod-db 7421"
            ]
        );
    }
}

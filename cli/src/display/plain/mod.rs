//! A run where nobody watches: one line for each thing that happens, in the order it is written down.

mod back;
mod node;
mod people;
mod targets;

pub use back::back_words;
pub use people::{answer_text, answer_words};

use crate::clock;
use crate::display::clean::{clean, one_line};
use crate::display::style::{self, Line, Style};
use piton_core::plan::{NodeIndex, Plan};
use piton_core::record::Fact;
use piton_core::time::Timestamp;
use piton_core::view::{NodeStanding, NodeView, RunView};

/// The lines of a fact; none for what is only of interest in the journal. `view` has it taken in already.
#[must_use]
pub fn lines(plan: &Plan, view: &RunView, fact: &Fact, at: Timestamp) -> Vec<Line> {
    let say = Say { plan, view, at };
    match fact {
        Fact::AttemptStarted { attempt, item, .. } => {
            say.attempt(*attempt, *item).into_iter().collect()
        }
        Fact::AttemptEnded { attempt, result } => say.attempted(*attempt, result),
        Fact::QuestionOpened { question } => vec![say.opened(question)],
        Fact::Answered {
            node,
            by,
            answer,
            note,
            ..
        } => {
            let answer = answer_text(plan, answer);
            let text = format!("{by} {answer}{}", because(note.as_deref()));
            vec![say.line("●", Style::Asks, *node, text)]
        }
        Fact::QuestionExpired { node, .. } => {
            vec![say.line("!", Style::Bad, *node, "the question expired")]
        }
        Fact::QuestionVoided { node, reason, .. } => {
            let text = format!("is no longer asked: {}", one_line(reason));
            vec![say.line("○", Style::Dim, *node, text)]
        }
        Fact::Paged { node, page, .. } => vec![say.paged(*node, page)],
        Fact::ClockStarted { .. }
        | Fact::ClockStopped { .. }
        | Fact::ClockResumed
        | Fact::LossMeasured { .. }
        | Fact::TargetPaged { .. }
        | Fact::TargetAcknowledged { .. } => say.targets(fact),
        Fact::PageEnded { page, deliveries } if page.is_of_clock() => {
            say.not_reached("rto", deliveries)
        }
        Fact::PageEnded { page, deliveries } => say.delivered(page.question, deliveries),
        Fact::Acknowledged {
            node, by, until, ..
        } => {
            let text = format!("acknowledged by {by} until {}", clock::near(*until, at));
            vec![say.line("●", Style::Live, *node, text)]
        }
        Fact::Taken {
            node, by, until, ..
        } => {
            let until = clock::near(*until, at);
            let text = format!("taken by {by} until {until}: only they decide it");
            vec![say.line("●", Style::Live, *node, text)]
        }
        Fact::ResponseTaken { .. }
        | Fact::UndoPlanned { .. }
        | Fact::UndoStarted { .. }
        | Fact::UndoRetryScheduled { .. }
        | Fact::ItemUndone { .. }
        | Fact::NodeUndone { .. }
        | Fact::NothingToUndo { .. }
        | Fact::UndoWanted { .. }
        | Fact::UndoLeft { .. }
        | Fact::UndoFailed { .. }
        | Fact::UndoStopped { .. }
        | Fact::Rewound { .. } => say.back(fact),
        Fact::CancelRequested {
            by,
            reason,
            rollback,
        } => {
            let what = if *rollback { "with rollback, " } else { "" };
            let text = format!("{what}by {by}{}", because(reason.as_deref()));
            vec![say.run("■", Style::Bad, "cancel", text)]
        }
        Fact::CancelRefused { by, because } => {
            let text = format!("by {by}, refused: {}", one_line(because));
            vec![say.run("■", Style::Asks, "cancel", text)]
        }
        Fact::Replanned { by, reason, .. } => {
            let text = format!(
                "an edited runbook taken over by {by}{}",
                because(reason.as_deref())
            );
            vec![say.run("●", Style::Strong, "plan", text)]
        }
        Fact::FinallyBegan { .. } => {
            let text = "what runs however the run ends begins";
            vec![say.run("●", Style::Strong, "finally", text.to_owned())]
        }
        Fact::RunCreated { .. } | Fact::LateResult { .. } | Fact::RunEnded { .. } => Vec::new(),
        Fact::NodeStarted { .. }
        | Fact::NodeSkipped { .. }
        | Fact::NodeAssumed { .. }
        | Fact::NodeSucceeded { .. }
        | Fact::NodeFailed { .. }
        | Fact::NodeReopened { .. }
        | Fact::GateReopened { .. }
        | Fact::StopRequested { .. }
        | Fact::AttemptElsewhere { .. }
        | Fact::AttemptReached { .. }
        | Fact::RetryScheduled { .. }
        | Fact::LookScheduled { .. }
        | Fact::ItemDone { .. }
        | Fact::LockRequested { .. }
        | Fact::LockTaken { .. }
        | Fact::LockExpired { .. } => say.node(fact),
    }
}

/// Names of locks.
fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    one_line(&names.join(", "))
}

fn because(reason: Option<&str>) -> String {
    reason
        .map(|reason| format!(": {}", one_line(reason)))
        .unwrap_or_default()
}

/// What the lines of one fact are made from.
struct Say<'a> {
    plan: &'a Plan,
    view: &'a RunView,
    at: Timestamp,
}

impl Say<'_> {
    fn id(&self, index: NodeIndex) -> &str {
        self.plan.node(index).map_or("?", |node| node.id.as_str())
    }

    fn line(&self, sign: &str, look: Style, node: NodeIndex, rest: impl Into<String>) -> Line {
        self.run(sign, look, self.id(node), rest.into())
    }

    fn run(&self, sign: &str, look: Style, what: &str, rest: String) -> Line {
        let line = Line::new()
            .with(Style::Dim, clock::time(self.at))
            .and(" ")
            .with(look, sign)
            .and(" ")
            .with(Style::Strong, what);
        line.and(if rest.is_empty() {
            String::new()
        } else {
            format!("  {rest}")
        })
    }

    fn key(&self, node: NodeIndex, item: u32) -> String {
        let node = self.view.node(node);
        let item = node.and_then(|node| node.items.get(item as usize));
        item.map(|item| one_line(&item.key)).unwrap_or_default()
    }
}

/// The first lines when an engine takes a run: which it is, how far it got, and what is under way.
#[must_use]
pub fn opening(plan: &Plan, view: &RunView, at: Timestamp) -> Vec<Line> {
    let title = plan
        .title
        .as_deref()
        .map(|title| format!("  {}", one_line(title)))
        .unwrap_or_default();
    let settled =
        |node: &&NodeView| matches!(node.state, NodeStanding::Succeeded | NodeStanding::Skipped);
    let done = view.nodes.iter().filter(settled).count();
    let far = if done > 0 {
        format!("  goes on, {done} of {} nodes done", view.nodes.len())
    } else {
        String::new()
    };
    let time = clock::time(at);
    let head = |sign: &str, look| {
        Line::new()
            .with(Style::Dim, time.clone())
            .and(" ")
            .with(look, sign)
            .and(" ")
    };
    let mut lines = vec![
        head("●", Style::Strong)
            .with(Style::Strong, view.id.clone())
            .and(title)
            .with(Style::Dim, far),
    ];
    let awaited = view.lock.iter().filter(|lock| lock.is_awaited());
    lines.extend(awaited.map(|lock| {
        let until = clock::near(lock.until, at);
        let text = format!("  asks for {} until {until}", quoted(&lock.names));
        head("◷", Style::Live).with(Style::Strong, "lock").and(text)
    }));
    lines.extend(view.back.iter().map(|back| {
        let (done, all) = back.progress();
        let far = back
            .undo
            .as_ref()
            .map(|_| format!(", {done} of {all} undone"));
        let text = back_words(back) + &far.unwrap_or_default();
        head("↶", Style::Live).with(Style::Strong, text)
    }));
    for node in &view.nodes {
        let (sign, look) = crate::display::node::sign(node.state);
        let text = match node.state {
            NodeStanding::Running => "",
            NodeStanding::Asking => "  waits for a person",
            NodeStanding::Waiting => "  waits",
            NodeStanding::Retrying => "  is tried again",
            NodeStanding::Undoing => "  is being undone",
            NodeStanding::Pending
            | NodeStanding::Succeeded
            | NodeStanding::Skipped
            | NodeStanding::Failed
            | NodeStanding::Voided
            | NodeStanding::Undone
            | NodeStanding::UndoFailed
            | NodeStanding::Left => continue,
        };
        lines.push(
            head(sign, look)
                .with(Style::Strong, node.id.clone())
                .and(text),
        );
    }
    lines
}

fn took(view: &RunView, node: NodeIndex) -> String {
    let node = view.nodes.get(node.index());
    let span = node.and_then(|node| Some(node.ended?.since(node.started?)));
    span.map(clock::length).unwrap_or_default()
}

/// A line that a step printed, behind the step's name.
#[must_use]
pub fn printed(id: &str, text: &str, colour: bool) -> String {
    let prefix = Line::new()
        .with(Style::Dim, format!("         {} │ ", style::pad(id, 0)))
        .render(colour);
    format!("{prefix}{}", clean(text, colour))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, plan, view};
    use piton_core::id::Actor;
    use piton_core::plan::{Escalation, Level, Response};
    use piton_core::record::{
        Answer, Inputs, Page, PageId, Planned, Question, QuestionKind, Record, RenderedAction,
        RenderedContact, UndoEntry,
    };
    use piton_core::time::Millis;

    #[test]
    fn an_event_is_a_line() {
        let (plan, mut view) = (plan(&["backup", "?go"]), view(&["backup", "?go"]));
        view.nodes[0].started = Some(at(0));
        view.nodes[0].ended = Some(at(1234));
        let done = Fact::NodeSucceeded {
            node: NodeIndex(0),
            pass: 1,
            outputs: Default::default(),
        };
        let text = lines(&plan, &view, &done, at(1234))[0].plain();
        assert_eq!(text, format!("{} ✓ backup  1.2s", clock::time(at(1234))));
        let by = piton_core::id::Actor {
            name: "cto".to_owned(),
            account: "cto@host".to_owned(),
        };
        let note = Some("after\nthe call".to_owned());
        let shown = piton_core::digest::Digest::ZERO;
        let answered = Fact::Answered {
            node: NodeIndex(1),
            pass: 1,
            by,
            answer: Answer::Reject,
            note,
            shown,
        };
        let text = lines(&plan, &view, &answered, at(0))[0].plain();
        assert!(
            text.ends_with("● go  cto (cto@host) rejected: after the call"),
            "{text}"
        );
    }

    #[test]
    fn an_engine_says_what_it_takes_over() {
        let names = ["backup", "copy", "?go"];
        let (plan, mut view) = (plan(&names), view(&names));
        let text = |view: &RunView| {
            opening(&plan, view, at(0))
                .iter()
                .map(|line| line.plain()[9..].to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(text(&view), ["● test-00000"]);
        view.nodes[0].state = NodeStanding::Succeeded;
        view.nodes[1].state = NodeStanding::Running;
        assert_eq!(
            text(&view),
            ["● test-00000  goes on, 1 of 3 nodes done", "▶ copy"]
        );
    }

    #[test]
    fn what_a_step_prints_stands_behind_its_name() {
        assert_eq!(
            printed("backup", "50 %\x1b[K", false),
            "         backup │ 50 %"
        );
    }

    /// The lines that these facts give, each a second after the one before, without their times.
    fn told(plan: &Plan, mut view: RunView, facts: &[Fact]) -> Vec<String> {
        let mut all = Vec::new();
        for (number, fact) in (1..).zip(facts) {
            let head = view.head;
            let record = Record::seal(head.seq + 1, at(number * 1000), head.hash, fact);
            view.apply(&record).unwrap();
            let lines = lines(plan, &view, fact, record.at);
            all.extend(lines.iter().map(|line| line.plain()[9..].to_owned()));
        }
        all
    }

    fn ann() -> Actor {
        Actor {
            name: "ann".to_owned(),
            account: "ann".to_owned(),
        }
    }

    #[test]
    fn a_way_back_is_told_step_by_step() {
        let names = ["fetch", "check"];
        let node = NodeIndex;
        let inputs = || Inputs::of(RenderedAction::Exec { argv: vec![] });
        let entry = |at| UndoEntry {
            node: node(at),
            pass: 1,
            planned: Planned::Run,
        };
        let facts = [
            Fact::NodeSucceeded {
                node: node(0),
                pass: 1,
                outputs: Default::default(),
            },
            Fact::NodeFailed {
                node: node(1),
                pass: 1,
                message: "3 orphans".to_owned(),
            },
            Fact::ResponseTaken {
                node: node(1),
                pass: 1,
                owner: node(1),
                rung: Some(0),
                response: Response::Rewind {
                    to: node(0),
                    times: 2,
                },
                by: None,
            },
            Fact::UndoPlanned {
                entries: vec![entry(1), entry(0)],
            },
            Fact::UndoStarted {
                node: node(1),
                pass: 1,
                inputs: inputs(),
            },
            Fact::NodeUndone {
                node: node(1),
                pass: 1,
                by: Some(ann()),
            },
            Fact::Rewound {
                to: node(0),
                nodes: vec![node(0), node(1)],
            },
        ];
        assert_eq!(
            told(&plan(&names), view(&names), &facts),
            [
                "✓ fetch",
                "✗ check  3 orphans",
                "↶ check  rewinding to `fetch` (1 of 2): 2 nodes",
                "↶ undo  2 nodes are undone, the last one first",
                "↶ undo  1 of 2: `check`",
                "↶ check  undone by hand, says ann",
                "↻ fetch  goes on from here, with 2 nodes",
            ]
        );
    }

    #[test]
    fn who_is_called_and_who_deals_with_it_is_told() {
        let names = ["fetch"];
        let mut plan = plan(&names);
        let level = |contact: &str| Level {
            page: vec![contact.to_owned()],
            ack_within: Some(Millis(60_000)),
        };
        let infra = Escalation {
            levels: vec![level("lead"), level("cto")],
            decide_within: Millis(60_000),
        };
        plan.escalations.insert("infra".to_owned(), infra);
        let page = |number: u32| Fact::Paged {
            node: NodeIndex(0),
            pass: 1,
            page: Page {
                id: PageId {
                    question: 1,
                    number,
                },
                level: number,
                contacts: vec![RenderedContact {
                    contact: "lead".to_owned(),
                    name: None,
                    via: vec![],
                }],
                message: String::new(),
                next: Some(at(60_000)),
            },
        };
        let question = Question {
            node: NodeIndex(0),
            pass: 1,
            kind: QuestionKind::Failed {
                message: "exit code 1".to_owned(),
            },
            shown: piton_core::digest::Digest::ZERO,
            expires: None,
            number: 1,
            policy: Some("infra".to_owned()),
        };
        let acknowledged = Fact::Acknowledged {
            node: NodeIndex(0),
            pass: 1,
            by: ann(),
            until: at(60_000),
        };
        let facts = [
            Fact::QuestionOpened { question },
            page(1),
            page(2),
            acknowledged,
        ];
        let time = clock::time(at(60_000));
        assert_eq!(
            told(&plan, view(&names), &facts),
            [
                "? fetch  what now? exit code 1".to_owned(),
                format!("» fetch  paged lead (level 1); level 2 at {time}"),
                format!("» fetch  paged lead (level 2); again at {time}"),
                format!("● fetch  acknowledged by ann until {time}"),
            ]
        );
    }
}

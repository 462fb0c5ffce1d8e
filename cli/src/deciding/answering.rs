//! What the commands take that answer a question, and the decision that it makes.

use super::handing::{Handing, hand_in};
use crate::actor::As;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::digest::Digest;
use piton_core::id::RunId;
use piton_core::plan::NodeIndex;
use piton_core::record::Answer;
use piton_core::run::{Decision, Event};
use piton_core::view::{QuestionView, RunView};

/// What every command takes that answers the question which is open at a node.
#[derive(Args, Debug)]
pub struct Answering {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// The node whose question is answered; may be left out when only one is open
    node: Option<String>,
    #[command(flatten)]
    saying: Saying,
}

/// Who answers, what they say about it, and how it is handed in.
#[derive(Args, Clone, Debug)]
pub struct Saying {
    /// Who answers.
    #[command(flatten)]
    pub who: As,
    /// What there is to say about it; kept with the decision
    #[arg(long)]
    pub note: Option<String>,
    /// Decide only if this is still what is shown: the digest that `piton show` prints
    #[arg(long, value_name = "DIGEST")]
    pub shown: Option<Digest>,
    /// How it is handed in.
    #[command(flatten)]
    pub handing: Handing,
}

impl Answering {
    /// Hands the answer in.
    ///
    /// # Errors
    /// When there is no such run or node, or the decision is refused.
    pub fn hand_in(self, answer: Answer, store: Option<&str>) -> Result<Exit, Failure> {
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(Some(&self.run)).await?;
            let (_, view) = session.view(&run).await?;
            let node = which(&view, self.node.as_deref())?;
            self.saying
                .hand_in(&session, &run, &view, node, answer)
                .await
        })
    }
}

impl Saying {
    /// The decision about a node, for the question that is open there. What was shown is what `--shown` says, else
    /// what the question shows now.
    #[must_use]
    pub fn decision(&self, view: &RunView, node: NodeIndex, answer: Answer) -> Event {
        let question = view
            .nodes
            .get(node.index())
            .and_then(|node| node.question.as_ref());
        let shown = self
            .shown
            .or(question.map(|question| question.shown))
            .unwrap_or(Digest::ZERO);
        Event::Decide(Decision {
            node,
            by: self.who.actor(),
            answer,
            note: self.note.clone(),
            shown,
        })
    }

    /// Hands the answer to a node's question in.
    ///
    /// # Errors
    /// When the store fails, or the decision is refused.
    pub async fn hand_in(
        &self,
        session: &Session,
        run: &RunId,
        view: &RunView,
        node: NodeIndex,
        answer: Answer,
    ) -> Result<Exit, Failure> {
        let event = self.decision(view, node, answer);
        hand_in(session, run, &event, &self.who.actor(), &self.handing).await
    }
}

/// The node that is meant: the one that is named, or the one whose question is the only open one.
///
/// # Errors
/// When the run has no such node, or none is named and not exactly one question is open.
pub fn which(view: &RunView, node: Option<&str>) -> Result<NodeIndex, Failure> {
    let Some(id) = node else {
        return the_open_one(view);
    };
    if let Some(at) = view.nodes.iter().position(|one| one.id == id) {
        return Ok(NodeIndex(u32::try_from(at).unwrap_or(u32::MAX)));
    }
    let failure = Failure::usage(format!("run {} has no node `{id}`", view.id));
    let near = piton_core::expr::suggest(id, view.nodes.iter().map(|one| one.id.as_str()));
    Err(match near {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help(format!("`piton show {}` lists its nodes", view.id)),
    })
}

fn the_open_one(view: &RunView) -> Result<NodeIndex, Failure> {
    match view.questions.as_slice() {
        [one] => Ok(one.index),
        [] => Err(Failure::new(format!(
            "no question is open in run {}; nothing was changed",
            view.id
        ))
        .help(format!("`piton show {}` tells how it stands", view.id))),
        many => {
            let names: Vec<&str> = many.iter().map(|question| question.node.as_str()).collect();
            Err(Failure::usage(format!(
                "{} questions are open in run {}: {}; say which node is meant",
                many.len(),
                view.id,
                names.join(", ")
            ))
            .help(format!("`piton show {}` tells what each asks", view.id)))
        }
    }
}

/// The question that is open at a node.
#[must_use]
pub fn open_question(view: &RunView, node: NodeIndex) -> Option<&QuestionView> {
    view.questions
        .iter()
        .find(|question| question.index == node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{question, view};

    #[test]
    fn a_node_may_be_left_out_when_one_question_is_open() {
        let mut view = view(&["backup", "?go", "?again"]);
        assert!(
            which(&view, None)
                .unwrap_err()
                .message
                .contains("no question")
        );
        view.questions.push(question(1));
        assert_eq!(which(&view, None).ok(), Some(NodeIndex(1)));
        assert_eq!(which(&view, Some("backup")).ok(), Some(NodeIndex(0)));
        let mut other = question(2);
        other.node = "again".to_owned();
        view.questions.push(other);
        let failure = which(&view, None).unwrap_err();
        assert!(failure.message.contains("go, again"), "{failure}");
        assert_eq!(failure.exit, Exit::Usage);
    }

    #[test]
    fn a_node_that_is_not_there_is_suggested() {
        let failure = which(&view(&["backup"]), Some("bakup")).unwrap_err();
        assert!(
            failure.to_string().contains("did you mean `backup`"),
            "{failure}"
        );
    }
}

//! `piton decide`: what becomes of a node that failed, was interrupted, or cannot be undone.

use crate::deciding::{Saying, which};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::outputs;
use crate::session::{Session, block_on};
use clap::{Args, ValueEnum};
use piton_core::plan::{NodeIndex, Plan};
use piton_core::record::Answer;
use piton_core::value::Value;
use piton_core::view::RunView;
use std::collections::BTreeMap;

/// What `piton decide` takes.
#[derive(Args, Debug)]
#[command(
    override_usage = "piton decide [OPTIONS] <RUN> [NODE] <DECISION>",
    after_help = "\
Of an attempt that was interrupted:
  succeeded            it happened, and well; with --output for each output that other nodes use
  did-not-happen       it did not happen, or is to be done again
  failed               it counts as failed
Of a node that failed:
  retry                try it again
  skip                 go on without it; with --output for each output that other nodes use
  succeeded            it is done after all
  rewind --to NODE     undo back to this node, and do it again from there
  rollback             undo everything and end the run
  stop                 end the run as it is
Of something that is to be undone:
  undone-by-hand       I took it back
  abandon-undo         leave it as it is
  did-not-happen       there is nothing to undo
  succeeded            it was done: undo it
  retry                undo it again
  stop                 undo nothing more

Examples:
  piton decide last fetch did-not-happen            do it again
  piton decide last fetch succeeded --output rows=3 --evidence \"the table has 3 rows\"
  piton decide last verified rewind --to choose-backup --note \"the backup was bad\"

Look at the world first: an interrupted attempt may have done all, some or nothing of its work.
Exits 0 when the decision counted, 1 when it was refused."
)]
pub struct Decide {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// The decision; before it the node, unless only one question is open
    #[arg(required = true, num_args = 1..=2, value_name = "DECISION")]
    what: Vec<String>,
    /// With `rewind`: the node to go back to
    #[arg(long, value_name = "NODE")]
    to: Option<String>,
    /// With `succeeded` or `skip`: an output that other nodes use; a value in JSON, or else text
    #[arg(long = "output", value_name = "NAME=VALUE", value_parser = outputs::pair)]
    outputs: Vec<(String, String)>,
    /// With `succeeded`: what shows it, a text or where it is found
    #[arg(long, value_name = "TEXT")]
    evidence: Option<String>,
    #[command(flatten)]
    saying: Saying,
}

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Word {
    Retry,
    Skip,
    Succeeded,
    DidNotHappen,
    Failed,
    Rewind,
    Rollback,
    Stop,
    UndoneByHand,
    AbandonUndo,
}

impl Word {
    fn read(text: &str) -> Result<Word, Failure> {
        if let Ok(word) = Word::from_str(text, false) {
            return Ok(word);
        }
        let failure = Failure::usage(format!("`{text}` is no decision"));
        let words: Vec<String> = Word::value_variants()
            .iter()
            .filter_map(|word| Some(word.to_possible_value()?.get_name().to_owned()))
            .collect();
        if matches!(text, "approve" | "reject" | "done" | "answer") {
            return Err(failure.help(format!("`piton {text} RUN NODE` is a command of its own")));
        }
        Err(
            match piton_core::expr::suggest(text, words.iter().map(String::as_str)) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help(format!("a decision is one of {}", words.join(", "))),
            },
        )
    }
}

impl Decide {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or node, or the decision is refused.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let (node, word) = match self.what.as_slice() {
            [word] => (None, word),
            [node, word] => (Some(node.as_str()), word),
            _ => return Err(Failure::usage("write it as RUN NODE DECISION")),
        };
        let word = Word::read(word)?;
        self.fits(word)?;
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(Some(&self.run)).await?;
            let (plan, view) = session.view(&run).await?;
            let node = which(&view, node)?;
            let answer = self.answer(word, &plan, &view, node)?;
            self.saying
                .hand_in(&session, &run, &view, node, answer)
                .await
        })
    }

    /// Whether the options belong to the decision.
    fn fits(&self, word: Word) -> Result<(), Failure> {
        let takes_outputs = matches!(word, Word::Succeeded | Word::Skip);
        if !takes_outputs && !self.outputs.is_empty() {
            return Err(
                Failure::usage("only a node that succeeded or is skipped has outputs")
                    .help("leave `--output` out, or say `succeeded` or `skip`"),
            );
        }
        if word != Word::Succeeded && self.evidence.is_some() {
            return Err(Failure::usage("evidence is for what succeeded")
                .help("say it with `--note`, which every decision takes"));
        }
        match (word == Word::Rewind, &self.to) {
            (true, None) => Err(Failure::usage("where is the run to go back to?")
                .help("name the node: `rewind --to NODE`")),
            (false, Some(_)) => Err(Failure::usage("only `rewind` goes back to a node")
                .help("leave `--to` out, or say `rewind`")),
            _ => Ok(()),
        }
    }

    fn answer(
        &self,
        word: Word,
        plan: &Plan,
        view: &RunView,
        node: NodeIndex,
    ) -> Result<Answer, Failure> {
        Ok(match word {
            Word::Retry => Answer::Retry,
            Word::Skip => Answer::Skip {
                outputs: self.values(plan, node)?,
            },
            Word::Succeeded => Answer::Succeeded {
                outputs: self.values(plan, node)?,
                evidence: self.evidence.clone(),
            },
            Word::DidNotHappen => Answer::DidNotHappen,
            Word::Failed => Answer::Failed,
            Word::Rewind => Answer::Rewind {
                to: which(view, self.to.as_deref())?,
            },
            Word::Rollback => Answer::Rollback,
            Word::Stop => Answer::Stop,
            Word::UndoneByHand => Answer::UndoneByHand,
            Word::AbandonUndo => Answer::AbandonUndo,
        })
    }

    /// The outputs that were given; which ones the node has is for the run to say.
    fn values(&self, plan: &Plan, node: NodeIndex) -> Result<BTreeMap<String, Value>, Failure> {
        self.outputs
            .iter()
            .map(|(name, text)| Ok((name.clone(), outputs::value(plan.node(node), name, text)?)))
            .collect::<Result<_, String>>()
            .map_err(Failure::usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parsed(arguments: &[&str]) -> Decide {
        let arguments = ["piton", "decide", "last"].iter().chain(arguments);
        match Cli::try_parse_from(arguments).unwrap().command {
            Command::Decide(decide) => decide,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_belong_to_decisions() {
        let fits = |arguments: &[&str]| {
            let decide = parsed(arguments);
            decide.fits(Word::read(decide.what.last().unwrap()).unwrap())
        };
        assert!(fits(&["fetch", "retry"]).is_ok());
        assert!(
            fits(&[
                "fetch",
                "succeeded",
                "--output",
                "a=1",
                "--evidence",
                "seen"
            ])
            .is_ok()
        );
        assert!(fits(&["fetch", "retry", "--output", "a=1"]).is_err());
        assert!(fits(&["fetch", "skip", "--evidence", "seen"]).is_err());
        assert!(fits(&["fetch", "rewind"]).is_err());
        assert!(fits(&["fetch", "rewind", "--to", "a"]).is_ok());
        assert!(fits(&["stop", "--to", "a"]).is_err());
    }

    #[test]
    fn a_word_that_is_no_decision_is_explained() {
        assert_eq!(Word::read("did-not-happen").ok(), Some(Word::DidNotHappen));
        let help = |text: &str| Word::read(text).unwrap_err().to_string();
        assert!(help("retyr").contains("did you mean `retry`"));
        assert!(help("approve").contains("piton approve"));
        assert!(help("zzz").contains("undone-by-hand"));
    }
}

//! `piton decide`: what became of an attempt that was interrupted, said by a person who looked.

use crate::deciding::Answering;
use crate::exit::Exit;
use crate::failure::Failure;
use clap::{Args, ValueEnum};
use piton_core::record::Answer;
use piton_core::value::Value;
use std::collections::BTreeMap;

/// What `piton decide` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton decide last fetch did-not-happen            do it again
  piton decide last fetch succeeded --output rows=3
  piton decide last fetch failed --note \"the volume is gone\"

Look at the world first: an interrupted attempt may have done all, some or nothing of its work.")]
pub struct Decide {
    #[command(flatten)]
    answering: Answering,
    /// What became of it
    #[arg(value_enum)]
    answer: Word,
    /// An output that other nodes use, when it succeeded; a value in JSON, or else text
    #[arg(long = "output", value_name = "NAME=VALUE", value_parser = output_value)]
    outputs: Vec<(String, Value)>,
}

/// What became of an interrupted attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Word {
    /// It happened, and well
    Succeeded,
    /// It did not happen, or is to be done again
    DidNotHappen,
    /// It counts as failed
    Failed,
}

fn output_value(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.trim().to_owned(), value))
}

impl Decide {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or node, or the decision is refused.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let outputs: BTreeMap<String, Value> = self.outputs.into_iter().collect();
        let answer = match self.answer {
            Word::Succeeded => Answer::Succeeded { outputs },
            _ if !outputs.is_empty() => {
                return Err(Failure::usage("only an attempt that succeeded has outputs")
                    .help("leave `--output` out, or say `succeeded`"));
            }
            Word::DidNotHappen => Answer::DidNotHappen,
            Word::Failed => Answer::Failed,
        };
        self.answering.hand_in(answer, store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_json_or_text() {
        assert_eq!(output_value("n=3"), Ok(("n".to_owned(), Value::Int(3))));
        assert_eq!(
            output_value("n=\"3\""),
            Ok(("n".to_owned(), Value::String("3".to_owned())))
        );
        assert_eq!(
            output_value("n=a=b"),
            Ok(("n".to_owned(), Value::String("a=b".to_owned())))
        );
        assert!(output_value("n").is_err());
    }
}

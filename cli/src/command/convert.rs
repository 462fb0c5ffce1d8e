//! `piton convert`: a runbook in the other syntax.

use crate::command::fmt::refused;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::rewrite;
use crate::runbook;
use clap::{Args, ValueEnum};
use piton_dsl::print;
use piton_dsl::source::Syntax;
use std::path::PathBuf;

/// What `piton convert` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton convert restore.runbook                          print it as YAML
  piton convert restore.runbook -o restore.runbook.yaml
  piton convert restore.runbook.yaml --to runbook

What the runbook means stays, and every comment keeps its text, its order and what it belongs to.

Exits 0 when it is done, 2 when the file cannot be read, has mistakes, or says what the other syntax cannot.")]
pub struct Convert {
    /// The runbook
    file: PathBuf,
    /// The syntax to write it in [default: the other one]
    #[arg(long, value_enum)]
    to: Option<To>,
    /// Where it is written; a file that is there already is left alone [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// Piton's own language
    Runbook,
    /// YAML
    Yaml,
}

impl Convert {
    /// Does it.
    ///
    /// # Errors
    /// When the file cannot be read or converted, or the result cannot be written.
    pub fn execute(self) -> Result<Exit, Failure> {
        let source = match runbook::read(&self.file)? {
            Ok(source) => source,
            Err((source, found)) => return Err(refused(vec![found], &source)),
        };
        let other = match source.syntax {
            Syntax::Runbook => To::Yaml,
            Syntax::Yaml => To::Runbook,
        };
        let to = self.to.unwrap_or(other);
        if let Some(output) = &self.output {
            let named = Syntax::of(&output.display().to_string());
            if (named == Syntax::Yaml) != (to == To::Yaml) {
                let name = output.display();
                return Err(
                    Failure::usage(format!("the name {name} says another syntax"))
                        .help("names end in .runbook, or in .runbook.yaml"),
                );
            }
        }
        let text = if to == other {
            print::convert(&source)
        } else {
            print::format(&source)
        };
        let text = text.map_err(|why| refused(why.diagnostics(), &source))?;
        match &self.output {
            None => output::text(&text)?,
            Some(path) => rewrite::new_file(path, text.as_bytes())?,
        }
        Ok(Exit::Success)
    }
}

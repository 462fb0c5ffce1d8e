//! `piton explain`: the manual page of a rule.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use clap::Args;
use serde::Serialize;

/// What `piton explain` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  piton explain                    every rule in a line\n  piton explain graph::cycle"
)]
pub struct Explain {
    /// The code that `piton check` prints; without one, all are listed
    code: Option<String>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// A rule as `--json` writes it.
#[derive(Serialize)]
struct Rule<'a> {
    code: &'a str,
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'a str>,
}

impl Explain {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such code.
    pub fn execute(self) -> Result<Exit, Failure> {
        match &self.code {
            Some(code) => self.page(code),
            None => self.list(),
        }?;
        Ok(Exit::Success)
    }

    fn page(&self, code: &str) -> Result<(), Failure> {
        if let Some(number) = code.strip_prefix("shellcheck::") {
            let line = format!(
                "shellcheck found this; https://www.shellcheck.net/wiki/{number} says what it means"
            );
            return match self.json {
                true => output::json(&Rule {
                    code,
                    summary: &line,
                    page: None,
                }),
                false => output::line(&line),
            };
        }
        let Some(page) = piton_dsl::explain(code) else {
            let codes: Vec<&str> = piton_dsl::catalogue()
                .iter()
                .map(|entry| entry.code)
                .collect();
            let failure = Failure::usage(format!("there is no rule `{code}`"));
            return Err(match piton_core::expr::suggest(code, codes) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help("`piton explain` lists all rules"),
            });
        };
        if self.json {
            return output::json(&Rule {
                code,
                summary: &page.summary,
                page: Some(&page.text),
            });
        }
        output::line(page.text.trim_end())
    }

    fn list(&self) -> Result<(), Failure> {
        let rules: Vec<(&str, &str)> = piton_dsl::catalogue()
            .iter()
            .map(|page| (page.code, page.summary.as_str()))
            .collect();
        if self.json {
            let rules: Vec<Rule> = rules
                .iter()
                .map(|(code, summary)| Rule {
                    code,
                    summary,
                    page: None,
                })
                .collect();
            return output::json(&rules);
        }
        let columns = rules.iter().map(|(code, _)| code.len()).max().unwrap_or(0);
        let text: String = rules
            .iter()
            .map(|(code, summary)| format!("{code:<columns$}  {summary}\n"))
            .collect();
        output::text(&text)
    }
}

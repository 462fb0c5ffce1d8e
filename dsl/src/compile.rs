//! From a runbook without errors and the parameters of a run to the plan.
//!
//! Everything that is said once for the whole runbook (environment, directory, time limit, responses, database) is
//! put into each node here, every default is filled in, and names in `needs` become places. Two runbooks that mean
//! the same, in whichever syntax, give equal plans.

mod nodes;
mod params;

use crate::runbook::Runbook;
use piton_core::plan::{PLAN_VERSION, Plan};
use std::collections::BTreeMap;

/// What was given for a run: texts by the names of parameters, as they were typed at `--set NAME=VALUE`.
pub type Params = BTreeMap<String, String>;

/// Why a run cannot start like this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A parameter without a default was not given.
    #[error(
        "the parameter `{name}` has no value; give it with --set {name}=VALUE, which takes {takes}{about}"
    )]
    Missing {
        /// Its name.
        name: String,
        /// What it takes.
        takes: String,
        /// What it is for, in brackets, or nothing.
        about: String,
    },
    /// A parameter was given that there is not.
    #[error("there is no parameter `{name}`{hint}")]
    Unknown {
        /// The name that was given.
        name: String,
        /// What was probably meant, or what there is.
        hint: String,
    },
    /// A value is not of its parameter's type.
    #[error(
        "`{given}` cannot be the parameter `{name}`: it takes {takes}; write --set {name}=VALUE"
    )]
    WrongType {
        /// The parameter.
        name: String,
        /// What was given.
        given: String,
        /// What it takes.
        takes: &'static str,
    },
    /// A value is not one of its parameter's choices.
    #[error("`{given}` is none of the choices of the parameter `{name}`: {choices}")]
    NotAChoice {
        /// The parameter.
        name: String,
        /// What was given.
        given: String,
        /// The choices.
        choices: String,
    },
    /// The runbook itself has errors.
    #[error(
        "the {what} of the runbook could not be read; `piton check` says what is wrong with it"
    )]
    Unchecked {
        /// The part.
        what: String,
    },
}

/// Makes the plan of a run.
///
/// # Errors
/// Everything that is wrong with the parameters, or the first part of a runbook that has errors.
pub fn compile(runbook: &Runbook, given: &Params) -> Result<Plan, Vec<CompileError>> {
    let params = params::bind(runbook, given)?;
    let nodes = nodes::all(runbook).map_err(|error| vec![error])?;
    let mut secrets = BTreeMap::new();
    for secret in &runbook.secrets {
        let name = &secret.name.value;
        let source = secret
            .source
            .clone()
            .ok_or_else(|| vec![unchecked(&format!("secret `{name}`"))])?;
        secrets.insert(name.clone(), source);
    }
    let text = |text: &Option<crate::runbook::Sourced<String>>| {
        text.as_ref().map(|text| text.value.clone())
    };
    Ok(Plan {
        version: PLAN_VERSION,
        runbook: runbook.name.value.clone(),
        title: text(&runbook.title),
        owner: text(&runbook.owner),
        parallel: runbook.parallel,
        params,
        secrets,
        nodes,
    })
}

/// The error for a part that lowering could not read.
fn unchecked(what: &str) -> CompileError {
    CompileError::Unchecked {
        what: what.to_owned(),
    }
}

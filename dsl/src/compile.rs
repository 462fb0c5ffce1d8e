//! From a runbook without errors and the parameters of a run to the plan.
//!
//! Everything that is said once for the whole runbook (environment, directory, time limit, responses, database) is
//! put into each node here, every default is filled in, and names in `needs` become places. Two runbooks that mean
//! the same, in whichever syntax, give equal plans.

mod actions;
mod call;
mod each;
mod known;
mod modes;
mod nodes;
mod params;
mod people;
mod rewrite;
mod targets;

use crate::runbook::Runbook;
use known::Known;
use piton_core::plan::{Action, CallPart, Plan, Response};
use std::collections::{BTreeMap, BTreeSet};

/// What comes of compiling a part.
type Result<T> = std::result::Result<T, CompileError>;

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
    /// A parameter was given that the mode sets.
    #[error(
        "the mode `{mode}` sets the parameter `{name}`; leave --set {name}=… out, or run without the mode"
    )]
    SetByMode {
        /// The mode.
        mode: String,
        /// The parameter.
        name: String,
    },
    /// A mode was asked for that there is not.
    #[error("there is no mode `{name}`{hint}")]
    UnknownMode {
        /// The name that was given.
        name: String,
        /// What was probably meant, or what there is.
        hint: String,
    },
    /// A node that a mode keeps needs something of one that it leaves out.
    #[error(
        "in the mode `{mode}`, `{node}` {uses} `{left_out}`, which the mode leaves out; add `{left_out}` to its `only`"
    )]
    LeftOut {
        /// The mode.
        mode: String,
        /// The node that is kept.
        node: String,
        /// How it needs the other.
        uses: &'static str,
        /// The node that is left out.
        left_out: String,
    },
    /// The clock of the targets starts or stops at a node that there is not.
    #[error(
        "{}the clock of `targets` {verb} at `{node}`, {}",
        mode.as_ref().map(|mode| format!("in the mode `{mode}` ")).unwrap_or_default(),
        match mode {
            Some(mode) => format!("which the mode leaves out; name another node in the `rto` of `mode {mode}`"),
            None => "and there is no such step or gate".to_owned(),
        }
    )]
    ClockEnd {
        /// The mode.
        mode: Option<String>,
        /// What it does there: `starts` or `stops`.
        verb: &'static str,
        /// The node.
        node: String,
    },
    /// The runbook was checked without the files that it calls.
    #[error(
        "`{call}` calls {file}, which was not read; check the runbook together with the files it calls"
    )]
    NotLoaded {
        /// The node.
        call: String,
        /// The file.
        file: String,
    },
    /// Something is wrong with a called runbook for the values that it is given.
    #[error("in {file}, called by `{call}`: {error}")]
    Called {
        /// The node that calls it.
        call: String,
        /// The file.
        file: String,
        /// What is wrong.
        error: Box<CompileError>,
    },
    /// The items of a call cannot be worked out.
    #[error("for_each of `{call}`: {what}")]
    Items {
        /// The node.
        call: String,
        /// What is wrong.
        what: String,
    },
    /// A called runbook and its caller say different things under one name.
    #[error(
        "the {kind} `{name}` is not the same in the runbook that `{call}` calls; make them equal, or rename one"
    )]
    Differs {
        /// The node.
        call: String,
        /// `contact` or `escalation`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Something in a called runbook has to be known before the run, and is not.
    #[error(
        "{what} in the runbook that `{call}` calls, `{template}`, is not known before the run; give its parameters values that are"
    )]
    NotKnown {
        /// The node.
        call: String,
        /// What it is.
        what: String,
        /// How it is written.
        template: String,
    },
    /// There are too many nodes.
    #[error(
        "with what `{call}` calls the plan has more than {most} steps and gates; split the runbook"
    )]
    TooLarge {
        /// The node.
        call: String,
        /// How many there may be.
        most: usize,
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

/// Makes the plan of a run of the whole runbook.
///
/// # Errors
/// As [`compile_mode`].
pub fn compile(runbook: &Runbook, given: &Params) -> std::result::Result<Plan, Vec<CompileError>> {
    compile_mode(runbook, given, None)
}

/// Makes the plan of a run in a mode; `None` for the whole runbook. The runbooks that are called come with it:
/// [`Runbook::called`].
///
/// # Errors
/// Everything that is wrong with the mode or the parameters, or the first thing of which the plan cannot be made.
pub fn compile_mode(
    runbook: &Runbook,
    given: &Params,
    mode: Option<&str>,
) -> std::result::Result<Plan, Vec<CompileError>> {
    let reduced = mode
        .map(|mode| modes::apply(runbook, mode, given))
        .transpose()?;
    let runbook = reduced.as_ref().unwrap_or(runbook);
    let params = params::bind(runbook, given)?;
    let known = Known {
        params: params.clone(),
        mode: mode.map(str::to_owned),
    };
    let plan = base(runbook).and_then(|mut plan| {
        plan.params = params;
        plan.mode.clone_from(&known.mode);
        let mut plan = call::expand(plan, runbook, &known)?;
        plan.targets = targets::targets(runbook, &plan)?;
        Ok(plan)
    });
    plan.map_err(|error| vec![error])
}

/// Takes away the responses to failures that a plan of this runbook has only because a run needs one: where nothing
/// says what becomes of a failure, it stops the run, and who proves a runbook wants to know that nobody said so.
pub fn as_written(runbook: &Runbook, plan: &mut Plan) {
    if runbook.on_fail.is_some() {
        return;
    }
    let silent = runbook
        .nodes
        .iter()
        .filter(|node| node.on_fail.is_none() && !node.finally);
    let silent: BTreeSet<&str> = silent.map(|node| node.id.value.as_str()).collect();
    for node in &mut plan.nodes {
        // A call that is done for each of a list ends once for each of them, too.
        let ends = matches!(node.action, Action::Call(CallPart::End));
        let own = match node.id.split_once('/') {
            Some((call, item)) if ends && !item.contains('/') => call,
            _ => node.id.as_str(),
        };
        if silent.contains(own) && node.on_fail == [Response::Stop] {
            node.on_fail.clear();
        }
    }
}

/// The plan without values for the parameters, each call as one node.
fn base(runbook: &Runbook) -> Result<Plan> {
    let mut plan = Plan::new(&runbook.name.value);
    for secret in &runbook.secrets {
        let name = &secret.name.value;
        let source = secret.source.clone();
        let source = source.ok_or_else(|| unchecked(&format!("secret `{name}`")))?;
        plan.secrets.insert(name.clone(), source);
    }
    let text = |text: &Option<crate::runbook::Sourced<String>>| {
        text.as_ref().map(|text| text.value.clone())
    };
    plan.title = text(&runbook.title);
    plan.owner = text(&runbook.owner);
    plan.parallel = runbook.parallel;
    plan.contacts = people::contacts(runbook)?;
    plan.escalations = people::escalations(runbook)?;
    plan.page = runbook.page.as_ref().map(|page| page.value.clone());
    plan.lock = nodes::lock(
        runbook.lock.as_deref(),
        runbook.lock_timeout.as_ref(),
        "`lock`",
    )?;
    plan.nodes = nodes::all(runbook)?;
    Ok(plan)
}

/// The error for a part that lowering could not read.
fn unchecked(what: &str) -> CompileError {
    CompileError::Unchecked {
        what: what.to_owned(),
    }
}

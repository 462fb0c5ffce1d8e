//! The plan of an edited runbook, with the mode and the parameters that a run has.

use crate::failure::Failure;
use crate::runbook::{load_runbook, unbound};
use clap::Args;
use piton_core::plan::Plan;
use piton_core::value::Value;
use piton_dsl::runbook::Runbook;
use std::collections::BTreeMap;
use std::path::Path;

/// Values for parameters that an edited runbook brings.
#[derive(Args, Clone, Debug, Default)]
pub struct Giving {
    /// With --diff or --replan: give a parameter that is new in the file its value; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = crate::runbook::setting)]
    set: Vec<(String, String)>,
}

impl Giving {
    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
}

/// The plan that this run would have if it were begun with this file.
///
/// # Errors
/// When the file does not check, or the run's parameters do not fit it.
pub fn edited(file: &Path, plan: &Plan, giving: &Giving) -> Result<Plan, Failure> {
    let runbook = load_runbook(file)?;
    let mode = plan.mode.as_deref();
    let mut values = kept(&runbook, plan);
    for (name, value) in &giving.set {
        if let Some(has) = plan.params.get(name) {
            return Err(Failure::usage(format!(
                "this run has the parameter `{name}` already, with the value `{has}`; a run keeps the values of its parameters"
            ))
            .help("leave `--set` out for it; a rewind or a new run is the way to another value"));
        }
        values.insert(name.clone(), value.clone());
    }
    piton_dsl::compile_mode(&runbook, &values, mode)
        .map_err(|errors| unbound(&file.display().to_string(), &errors))
}

/// The run's values for the parameters that the file still has. What the run's mode sets, it sets again.
fn kept(runbook: &Runbook, plan: &Plan) -> BTreeMap<String, String> {
    let mode = runbook
        .modes
        .iter()
        .find(|mode| Some(mode.id.value.as_str()) == plan.mode.as_deref());
    let set = |name: &str| {
        let mut set = mode.iter().flat_map(|mode| &mode.set);
        set.any(|(own, _)| own.value == name)
    };
    let names = runbook.params.iter().map(|param| &param.name.value);
    names
        .filter(|name| !set(name))
        .filter_map(|name| match plan.params.get(name)? {
            Value::Null => None,
            value => Some((name.clone(), value.to_string())),
        })
        .collect()
}

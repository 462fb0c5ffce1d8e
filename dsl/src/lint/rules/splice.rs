//! # A value put into code
//!
//! ## What it does
//! Finds `${{ }}` in the script of `run` and in the text of `sql`. In SQL, `${{ ident(x) }}` may stand where a name of
//! a table or a column does: `ident` quotes the name.
//!
//! ## Why it is bad
//! A value that is pasted into code becomes code: a name with a quote in it, or worse, runs as a command. Values
//! reach scripts as environment variables and SQL as bound parameters, where they stay values.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   param table { default = "users" }
//!   step report {
//!     run     = "./report.sh ${{ params.table }}"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   param table { default = "users" }
//!   step report {
//!     env { TABLE = "${{ params.table }}" }
//!     run     = "./report.sh \"$TABLE\""
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Action, Sourced, Sql, WrittenAction};
use crate::source::Syntax;
use piton_core::expr::{Expression, find_splices};

/// The code of this rule.
pub const CODE: &str = "code::splice";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let syntax = context.runbook.syntax;
    for node in &context.runbook.nodes {
        in_actions(&node.actions, syntax, found);
        for undo in node.undos() {
            in_actions(&undo.actions, syntax, found);
        }
        for (_, look) in node.looks() {
            in_actions(&look.actions, syntax, found);
        }
    }
}

fn in_actions(actions: &[WrittenAction], syntax: Syntax, found: &mut Vec<Diagnostic>) {
    for action in actions.iter().filter_map(|written| written.action.as_ref()) {
        match action {
            Action::Run { script, .. } => in_script(script, syntax, found),
            Action::Sql(sql) => in_sql(sql, syntax, found),
            Action::Checks(checks) => {
                for check in checks {
                    in_actions(&check.probes, syntax, found);
                }
            }
            Action::Exec { .. }
            | Action::Http(_)
            | Action::Approve(_)
            | Action::Manual(_)
            | Action::Notify(_)
            | Action::Wait(_)
            | Action::Call(_) => {}
        }
    }
}

/// The text of the expression in a splice.
fn inside(text: &str, splice: std::ops::Range<usize>) -> String {
    let splice = text.get(splice).unwrap_or_default();
    let inside = splice.strip_prefix("${{").unwrap_or(splice);
    inside
        .strip_suffix("}}")
        .unwrap_or(inside)
        .trim()
        .to_owned()
}

fn in_script(script: &Sourced<String>, syntax: Syntax, found: &mut Vec<Diagnostic>) {
    for splice in find_splices(&script.value) {
        let expression = inside(&script.value, splice.clone());
        let name = variable_name(&expression);
        let form = env_form(syntax, &[(name.clone(), expression)]);
        found.push(
            Diagnostic::error(
                CODE,
                script.source.source_span(splice),
                "a value put into a script would run as code",
                "not here",
            )
            .help(format!("write {form} beside it, and \"${name}\" here")),
        );
    }
}

fn in_sql(sql: &Sql, syntax: Syntax, found: &mut Vec<Diagnostic>) {
    let Some(text) = &sql.text else { return };
    let splices = find_splices(text.value.text());
    let values = splices.into_iter().filter_map(|splice| {
        let mut expressions = text.value.expressions();
        let (_, expression) = expressions.find(|(at, _)| splice.contains(at))?;
        (!expression.is_ident()).then_some((splice, expression))
    });
    for ((splice, expression), place) in values.zip(sql.bind.len() + 1..) {
        let help = if expression.idents().is_empty() {
            let before = text.value.text().get(..splice.start).unwrap_or_default();
            bound(expression, place, before.ends_with('\''), syntax)
        } else {
            "let `ident` stand by itself in the braces, with all of the name inside it".to_owned()
        };
        found.push(
            Diagnostic::error(
                CODE,
                text.source.source_span(splice),
                "a value put into SQL would run as code",
                "not here",
            )
            .help(help),
        );
    }
}

/// What to write instead of a value in SQL, which would be `$place` of the bound ones.
fn bound(expression: &Expression, place: usize, quoted: bool, syntax: Syntax) -> String {
    let expression = expression.text().trim();
    let value = quote(&format!("${{{{ {expression} }}}}"));
    let bind = match (place, syntax) {
        (1, Syntax::Runbook) => format!("bind = [{value}]"),
        (1, Syntax::Yaml) => format!("bind: [{value}]"),
        _ => format!("{value} as the {place}. entry of `bind`"),
    };
    let quotes = if quoted { ", without the quotes" } else { "" };
    format!(
        "write {bind} in a `sql` block, and ${place} here{quotes}; if it is the name of a table or a column, write \
         ${{{{ ident({expression}) }}}}"
    )
}

/// A name for an environment variable that holds an expression's value: its last name in capitals.
pub(crate) fn variable_name(expression: &str) -> String {
    /// What shells and programs already give a meaning to.
    const TAKEN: [&str; 12] = [
        "PATH", "HOME", "PWD", "USER", "SHELL", "IFS", "ENV", "LANG", "TERM", "TMPDIR", "HOSTNAME",
        "OLDPWD",
    ];
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let names: Vec<String> = expression
        .split(|c: char| !is_part(c))
        .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(|name| name.to_ascii_uppercase().replace('-', "_"))
        .filter(|name| !matches!(name.as_str(), "OUTPUTS" | "PARAMS" | "SECRETS" | "STEPS"))
        .collect();
    match names.as_slice() {
        [] => "VALUE".to_owned(),
        [.., of, last] if TAKEN.contains(&last.as_str()) => format!("{of}_{last}"),
        [.., last] if TAKEN.contains(&last.as_str()) => format!("THE_{last}"),
        [.., last] => last.clone(),
    }
}

/// An `env` with these variables and the expressions of their values.
pub(crate) fn env_form(syntax: Syntax, variables: &[(String, String)]) -> String {
    let entries: Vec<_> = variables
        .iter()
        .map(|(name, expression)| {
            let value = quote(&format!("${{{{ {expression} }}}}"));
            match syntax {
                Syntax::Runbook => format!("{name} = {value}"),
                Syntax::Yaml => format!("{name}: {value}"),
            }
        })
        .collect();
    match syntax {
        Syntax::Runbook => format!("env {{ {} }}", entries.join(", ")),
        Syntax::Yaml => format!("env: {{{}}}", entries.join(", ")),
    }
}

/// A text in quotes, the same in both syntaxes.
fn quote(text: &str) -> String {
    let escaped: String = text
        .chars()
        .flat_map(|c| match c {
            '"' | '\\' => vec!['\\', c],
            '\n' => vec![' '],
            c => vec![c],
        })
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_after_what_they_hold() {
        assert_eq!(variable_name("params.backup"), "BACKUP");
        assert_eq!(
            variable_name("steps.choose-backup.outputs.path"),
            "CHOOSE_BACKUP_PATH"
        );
        assert_eq!(variable_name("steps['a'].outputs.row_count"), "ROW_COUNT");
        assert_eq!(variable_name("1 + 2"), "VALUE");
        assert_eq!(variable_name("params.home"), "THE_HOME");
    }

    #[test]
    fn forms_are_quoted() {
        let variables = [("A".to_owned(), "x == \"y\"".to_owned())];
        assert_eq!(
            env_form(Syntax::Runbook, &variables),
            r#"env { A = "${{ x == \"y\" }}" }"#
        );
        assert_eq!(
            env_form(Syntax::Yaml, &variables),
            r#"env: {A: "${{ x == \"y\" }}"}"#
        );
    }
}

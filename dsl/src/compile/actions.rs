//! Actions and the values in them, as they stand in the plan.

use super::{Result, unchecked};
use crate::runbook::{self, Named, Sourced, Spanned, WrittenAction};
use piton_core::expr::{Expression, Template};
use piton_core::plan::{
    Action, Approve, Ask, CallPart, Check, Exec, Http, HttpBody, Manual, Notify, Run, Sql, Wait,
};
use piton_core::time::Millis;
use std::collections::BTreeMap;

pub(super) fn expression(expression: Option<&Sourced<Expression>>) -> Option<Expression> {
    expression.map(|expression| expression.value.clone())
}

pub(super) fn template(template: Option<&Sourced<Template>>) -> Option<Template> {
    template.map(|template| template.value.clone())
}

pub(super) fn named<T: Clone>(
    entries: &Named<Sourced<T>>,
    what: &str,
) -> Result<BTreeMap<String, T>> {
    let entry = |(name, value): &(Spanned<String>, Option<Sourced<T>>)| {
        let value = value.as_ref().ok_or_else(|| unchecked(what))?;
        Ok((name.value.clone(), value.value.clone()))
    };
    entries.iter().map(entry).collect()
}

pub(super) fn templates(
    entries: &Named<Sourced<Template>>,
    what: &str,
) -> Result<BTreeMap<String, Template>> {
    named(entries, what)
}

pub(super) fn list(entries: &[Option<Sourced<Template>>], what: &str) -> Result<Vec<Template>> {
    entries
        .iter()
        .map(|entry| template(entry.as_ref()).ok_or_else(|| unchecked(what)))
        .collect()
}

/// Names as they were written.
pub(super) fn words(words: &[Spanned<String>]) -> Vec<String> {
    words.iter().map(|word| word.value.clone()).collect()
}

fn length(length: Option<&Spanned<Millis>>) -> Option<Millis> {
    length.map(|length| length.value)
}

fn word(word: Option<&Spanned<String>>) -> Option<String> {
    word.map(|word| word.value.clone())
}

/// The action of a block that only looks.
pub(super) fn probe(written: &runbook::Probe, what: &str) -> Result<Action> {
    action(&written.actions, what).map(looking)
}

/// The only action of these. A call is none by itself: it becomes nodes of its own.
pub(super) fn action(written: &[WrittenAction], what: &str) -> Result<Action> {
    let [
        WrittenAction {
            action: Some(action),
            ..
        },
    ] = written
    else {
        return Err(unchecked(what));
    };
    Ok(match action {
        runbook::Action::Run { script, shell } => Action::Run(Run {
            script: script.value.clone(),
            shell: shell.clone(),
        }),
        runbook::Action::Exec { argv } => Action::Exec(Exec {
            argv: list(argv, what)?,
        }),
        runbook::Action::Sql(written) => Action::Sql(sql(written, what)?),
        runbook::Action::Http(written) => Action::Http(http(written, what)?),
        runbook::Action::Checks(checks) => Action::Checks(
            checks
                .iter()
                .map(|check| {
                    Ok(Check {
                        name: check.name.value.clone(),
                        probe: looking(self::action(&check.probes, what)?),
                        expect: expression(check.expect.as_ref()),
                    })
                })
                .collect::<Result<_>>()?,
        ),
        runbook::Action::Approve(approve) => Action::Approve(Approve {
            by: words(&approve.by),
            count: approve.count,
            not_starter: approve.not_starter,
            expires: length(approve.expires.as_ref()),
            page: word(approve.page.as_ref()),
        }),
        runbook::Action::Manual(written) => Action::Manual(manual(written, what)?),
        runbook::Action::Notify(notify) => Action::Notify(Notify {
            to: words(&notify.to),
            message: template(notify.message.as_ref()).ok_or_else(|| unchecked(what))?,
        }),
        runbook::Action::Wait(wait) => Action::Wait(match wait {
            runbook::Wait::For(length) => Wait::For(length.value),
            runbook::Wait::Until(time) => Wait::Until(time.value.clone()),
        }),
        // One node so far; what it calls is put in its place when all nodes are there.
        runbook::Action::Call(_) => Action::Call(CallPart::End),
    })
}

fn sql(written: &runbook::Sql, what: &str) -> Result<Sql> {
    let text = written.text.as_ref().ok_or_else(|| unchecked(what))?;
    Ok(Sql {
        on: template(written.on.as_ref()).ok_or_else(|| unchecked(what))?,
        text: text.value.clone(),
        script: written.script,
        // Whoever compiles what only looks says so there.
        read_only: false,
        bind: list(&written.bind, what)?,
    })
}

fn http(written: &runbook::Http, what: &str) -> Result<Http> {
    let text = template(written.body.as_ref()).map(HttpBody::Text);
    Ok(Http {
        url: template(written.url.as_ref()).ok_or_else(|| unchecked(what))?,
        method: written.method,
        headers: templates(&written.headers, what)?,
        body: text.or_else(|| template(written.json.as_ref()).map(HttpBody::Json)),
        status: written.status.clone(),
    })
}

fn manual(written: &runbook::Manual, what: &str) -> Result<Manual> {
    let asks = written.asks.iter().map(|(name, written)| {
        let written = written.as_ref().ok_or_else(|| unchecked(what))?;
        ask(&name.value, written, what)
    });
    Ok(Manual {
        instructions: template(written.instructions.as_ref()),
        checklist: list(&written.checklist, what)?,
        asks: asks.collect::<Result<_>>()?,
        by: words(&written.by),
        expires: length(written.expires.as_ref()),
        page: word(written.page.as_ref()),
    })
}

fn ask(name: &str, written: &runbook::Ask, what: &str) -> Result<Ask> {
    let from = written.from.as_ref().map(|from| probe(from, what));
    Ok(Ask {
        name: name.to_owned(),
        kind: written.kind.ok_or_else(|| unchecked(what))?,
        help: written.help.as_ref().map(|help| help.value.clone()),
        from: from.transpose()?.map(Box::new),
        columns: words(&written.columns),
        validate: expression(written.validate.as_ref()),
        default: template(written.default.as_ref()),
    })
}

/// The action as one of something that only looks: its SQL may not write.
pub(super) fn looking(mut action: Action) -> Action {
    match &mut action {
        Action::Sql(sql) => sql.read_only = true,
        Action::Checks(checks) => {
            for check in checks {
                check.probe = looking(check.probe.clone());
            }
        }
        Action::Run(_)
        | Action::Exec(_)
        | Action::Http(_)
        | Action::Approve(_)
        | Action::Manual(_)
        | Action::Notify(_)
        | Action::Wait(_)
        | Action::Call(_) => {}
    }
    action
}

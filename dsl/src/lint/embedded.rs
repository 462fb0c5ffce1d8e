//! Code in other languages: the shell scripts, programs and SQL of a runbook, each read once for all rules.

use super::find::contains;
use crate::fix::Fix;
use crate::node::Scalar;
use crate::runbook::{
    Action, Interrupted, Named, Node, Probe, Runbook, Sourced, Sql, WrittenAction,
};
use crate::shell::{self, Command, Invocation, Pipeline, Word};
use crate::source::Span;
use piton_core::expr::Template;
use std::collections::BTreeMap;

/// What a piece of code is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is the node's action.
    Action,
    /// It is one of the node's checks.
    Check,
    /// It takes the node back.
    Undo,
    /// It only looks: `capture`, a probe, choices.
    Look,
}

/// What runs a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// `sh`, with options that end the script at a failure, as far as it has them.
    Default,
    /// A shell that the author chose.
    Chosen {
        /// Its name.
        shell: &'static str,
        /// Whether it ends at a command that fails.
        errexit: bool,
        /// Whether a pipe fails with any of its commands.
        pipefail: bool,
    },
    /// No shell: a program with its arguments.
    None,
}

/// A script, or a program with its arguments.
#[derive(Debug)]
pub(crate) struct Code<'a> {
    /// The node, by its place.
    pub(crate) node: usize,
    /// What it is there for.
    pub(crate) purpose: Purpose,
    /// What runs it.
    pub(crate) runner: Runner,
    /// Whether an expression judges what came out of it.
    pub(crate) judged: bool,
    /// The text of a script; `None` for a program with its arguments.
    pub(crate) text: Option<&'a Scalar>,
    /// The script.
    pub(crate) script: shell::Script,
    /// The environment of its undo, which comes before that of the node.
    own_env: &'a [(crate::runbook::Spanned<String>, Option<Sourced<Template>>)],
}

/// SQL, and the node that it belongs to.
#[derive(Debug)]
pub(crate) struct Statement<'a> {
    /// The node, by its place.
    pub(crate) node: usize,
    /// What it is there for.
    pub(crate) purpose: Purpose,
    /// Whether an expression judges what it gives.
    pub(crate) judged: bool,
    /// The SQL.
    pub(crate) sql: &'a Sql,
}

/// All code of a runbook.
#[derive(Debug, Default)]
pub(crate) struct Embedded<'a> {
    pub(crate) codes: Vec<Code<'a>>,
    pub(crate) statements: Vec<Statement<'a>>,
    /// Arguments of programs.
    pub(crate) arguments: Vec<&'a Scalar>,
    /// For each program, the places of the code that runs it, in order.
    programs: BTreeMap<String, Vec<usize>>,
    /// The places of scripts that have something to do with the recovery of a Postgres server.
    recovering: Vec<usize>,
}

impl<'a> Embedded<'a> {
    /// The code that runs any of these programs, in order. Most runbooks have none, and then a rule about a program costs
    /// nothing.
    pub(crate) fn running(
        &self,
        programs: &[&str],
    ) -> impl Iterator<Item = &Code<'a>> + use<'_, 'a> {
        let of = programs.iter().filter_map(|name| self.programs.get(*name));
        let mut places: Vec<usize> = of.flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.codes.get(place))
    }

    /// The scripts that may set up a recovery, in order.
    pub(crate) fn recovering(&self) -> impl Iterator<Item = &Code<'a>> {
        let places = self.recovering.iter();
        places.filter_map(|place| self.codes.get(*place))
    }

    /// Notes what the code at this place runs, and is about.
    fn note(&mut self, place: usize) {
        let Some(code) = self.codes.get(place) else {
            return;
        };
        if code.text.is_some_and(|text| is_about_recovery(&text.text)) {
            self.recovering.push(place);
        }
        for program in code
            .script
            .commands()
            .filter_map(|it| Some(it.invocation()?.program))
        {
            match self.programs.get_mut(program) {
                Some(places) if places.last() == Some(&place) => {}
                Some(places) => places.push(place),
                None => {
                    self.programs.insert(program.to_owned(), vec![place]);
                }
            }
        }
    }
}

impl Code<'_> {
    /// Whether a command that fails ends it.
    pub(crate) fn ends_at_failure(&self) -> bool {
        match self.runner {
            Runner::Default | Runner::None => true,
            Runner::Chosen { errexit, .. } => errexit || self.sets('e', "errexit"),
        }
    }

    /// Whether a pipe fails with any of its commands, on every machine.
    pub(crate) fn pipes_fail(&self) -> bool {
        let chosen = matches!(self.runner, Runner::Chosen { pipefail: true, .. });
        chosen || self.sets('\0', "pipefail")
    }

    /// Writes options right behind the name of a program. Only in scripts: a list of arguments would need a form of
    /// each syntax.
    pub(crate) fn add_option(&self, program: &Invocation<'_>, options: &str) -> Option<Fix> {
        let text = self.text?;
        let word = program.word;
        // Somewhere in the file the word has to stand as it is read, or nobody knows what is behind it.
        let is_whole = !word.span.is_empty()
            && text.span.start <= word.span.start
            && word.span.end <= text.span.end;
        let behind = Span::at(word.span.end);
        is_whole.then(|| Fix::new(format!("write `{options}`"), behind, format!(" {options}")))
    }

    /// Whether the script turns an option of the shell on.
    fn sets(&self, letter: char, name: &str) -> bool {
        self.script.commands().any(|command| {
            let words = command.words.as_slice();
            let Some((set, options)) = words.split_first() else {
                return false;
            };
            set.text == "set"
                && options_have(options.iter().map(|it| it.text.as_str()), letter, name)
        })
    }

    /// The value of an environment variable as it is written at the undo, the node or the runbook.
    pub(crate) fn variable<'r>(
        &self,
        runbook: &'r Runbook,
        name: &str,
    ) -> Option<&'r Sourced<Template>>
    where
        Self: 'r,
    {
        let of = |named: &'r Named<Sourced<Template>>| {
            named
                .iter()
                .find(|(key, _)| key.value == name)
                .and_then(|(_, value)| value.as_ref())
        };
        let node = runbook.nodes.get(self.node)?;
        let undo = match self.own_env.is_empty() {
            true => None,
            false => node.undos().find_map(|undo| of(&undo.env)),
        };
        undo.or_else(|| of(&node.env)).or_else(|| of(&runbook.env))
    }
}

/// Whether options of a shell turn something on, by its letter or its name.
fn options_have<'w>(options: impl Iterator<Item = &'w str>, letter: char, name: &str) -> bool {
    let mut named = false;
    for option in options {
        if named && option == name {
            return true;
        }
        let letters = option.strip_prefix('-').filter(|it| !it.starts_with('-'));
        named = letters.is_some_and(|letters| letters.ends_with('o'));
        if letters.is_some_and(|letters| letters.contains(letter)) {
            return true;
        }
    }
    false
}

/// Whether any name may stand in a text that has to do with the recovery of a Postgres server.
fn is_about_recovery(text: &str) -> bool {
    text.contains(['_', '.'])
        && ["recovery_target", "restore_command", ".signal"]
            .iter()
            .any(|name| contains(text, name))
}

/// Shells whose language is read here.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];

/// What runs a script with this `shell`; `None` when it is no shell whose language is read here.
fn runner(shell: Option<&[String]>) -> Option<Runner> {
    let Some(shell) = shell else {
        return Some(Runner::Default);
    };
    let mut words = shell.iter().map(String::as_str);
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut program = base(words.next()?);
    if program == "env" {
        program = base(words.next()?);
    }
    let shell = SHELLS.into_iter().find(|shell| *shell == program)?;
    let options: Vec<_> = words.collect();
    Some(Runner::Chosen {
        shell,
        errexit: options_have(options.iter().copied(), 'e', "errexit"),
        pipefail: options_have(options.iter().copied(), '\0', "pipefail"),
    })
}

/// Reads all code of a runbook.
pub(crate) fn of(runbook: &Runbook) -> Embedded<'_> {
    let mut found = Finder {
        embedded: Embedded::default(),
        node: 0,
        own_env: &[],
        judged: false,
    };
    for (index, node) in runbook.nodes.iter().enumerate() {
        found.node = index;
        found.of_node(node);
    }
    found.embedded
}

struct Finder<'a> {
    embedded: Embedded<'a>,
    node: usize,
    own_env: &'a [(crate::runbook::Spanned<String>, Option<Sourced<Template>>)],
    judged: bool,
}

impl<'a> Finder<'a> {
    fn of_node(&mut self, node: &'a Node) {
        self.judged = node.until.is_some() || node.success.is_some() || !node.outputs.is_empty();
        self.actions(&node.actions, Purpose::Action);
        self.judged = false;
        self.look(node.capture.as_ref());
        self.look(node.target.as_ref().and_then(|it| it.probe.as_ref()));
        for (_, ask) in node.asks() {
            self.look(ask.as_ref().and_then(|ask| ask.from.as_ref()));
        }
        if let Some(Interrupted::Probe(probe)) = &node.interrupted {
            self.look(Some(probe));
        }
        for undo in node.undos() {
            self.own_env = &undo.env;
            self.actions(&undo.actions, Purpose::Undo);
            self.look(undo.check.as_ref());
            self.own_env = &[];
        }
    }

    fn look(&mut self, probe: Option<&'a Probe>) {
        if let Some(probe) = probe {
            self.actions(&probe.actions, Purpose::Look);
        }
    }

    fn actions(&mut self, actions: &'a [WrittenAction], purpose: Purpose) {
        for action in actions.iter().filter_map(|written| written.action.as_ref()) {
            match action {
                Action::Run { script, shell } => self.script(script, shell.as_deref(), purpose),
                Action::Exec { argv } => self.program(argv, purpose),
                Action::Sql(sql) => self.embedded.statements.push(Statement {
                    node: self.node,
                    purpose,
                    judged: self.judged,
                    sql,
                }),
                Action::Checks(checks) => {
                    for check in checks {
                        let purpose = match purpose {
                            Purpose::Action => Purpose::Check,
                            other => other,
                        };
                        self.judged = check.expect.is_some();
                        self.actions(&check.probes, purpose);
                        self.judged = false;
                    }
                }
                Action::Http(_)
                | Action::Approve(_)
                | Action::Manual(_)
                | Action::Notify(_)
                | Action::Wait(_)
                | Action::Call(_) => {}
            }
        }
    }

    fn script(&mut self, script: &'a Sourced<String>, shell: Option<&[String]>, purpose: Purpose) {
        if let Some(runner) = runner(shell) {
            let read = shell::read(&script.source);
            self.push(purpose, runner, Some(&script.source), read);
        }
    }

    fn program(&mut self, argv: &'a [Option<Sourced<Template>>], purpose: Purpose) {
        let arguments = argv.iter().flatten().map(|it| &it.source);
        self.embedded.arguments.extend(arguments);
        let words: Vec<Word> = argv
            .iter()
            .map(|argument| match argument {
                Some(argument) => Word {
                    text: argument.value.text().to_owned(),
                    quoted: true,
                    span: argument.source.span,
                },
                None => Word::default(),
            })
            .collect();
        // `exec = ["sh", "-c", SCRIPT]` is a script.
        let texts: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
        if let (Some((_, options)), Some(Some(last))) = (texts.split_last(), argv.last())
            && options
                .last()
                .is_some_and(|it| it.starts_with('-') && it.ends_with('c'))
            && let Some(runner) = runner(Some(options))
        {
            let read = shell::read(&last.source);
            self.push(purpose, runner, Some(&last.source), read);
            return;
        }
        let command = Command::of(words);
        let pipeline = Pipeline {
            commands: vec![command],
            ..Pipeline::default()
        };
        let script = shell::Script {
            pipelines: vec![pipeline],
            comments: Vec::new(),
        };
        self.push(purpose, Runner::None, None, script);
    }

    fn push(
        &mut self,
        purpose: Purpose,
        runner: Runner,
        text: Option<&'a Scalar>,
        script: shell::Script,
    ) {
        self.embedded.codes.push(Code {
            node: self.node,
            purpose,
            runner,
            judged: self.judged,
            text,
            script,
            own_env: self.own_env,
        });
        self.embedded.note(self.embedded.codes.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(shell: &[&str]) -> Option<Runner> {
        let shell: Vec<String> = shell.iter().map(|it| (*it).to_owned()).collect();
        runner(Some(&shell))
    }

    #[test]
    fn options_of_shells_are_known() {
        let is = |shell, errexit, pipefail| {
            Some(Runner::Chosen {
                shell,
                errexit,
                pipefail,
            })
        };
        assert_eq!(runner(None), Some(Runner::Default));
        assert_eq!(
            chosen(&["bash", "-euo", "pipefail", "-c"]),
            is("bash", true, true)
        );
        assert_eq!(chosen(&["/bin/bash", "-c"]), is("bash", false, false));
        assert_eq!(
            chosen(&["/usr/bin/env", "bash", "-ec"]),
            is("bash", true, false)
        );
        assert_eq!(
            chosen(&["sh", "-o", "errexit", "-c"]),
            is("sh", true, false)
        );
        assert_eq!(chosen(&["python3", "-c"]), None);
    }
}

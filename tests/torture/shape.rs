//! The runs that rounds are made of: small, and each of another form.

use super::ledger::Deed;
use crate::support::Chance;
use std::fmt::Write as _;
use std::path::Path;

/// The form of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One step after another.
    Chain,
    /// Steps side by side, and one that waits for all.
    Fan,
    /// A step that fails before it succeeds.
    Retry,
    /// People and checks in between.
    Gate,
    /// A gate that fails, and all is taken back.
    Undo,
    /// Cancelled while a step has daemons.
    Cancel,
    /// A step that runs out of time while it has daemons.
    TimeLimit,
}

/// A run to be played, and what has to come of it.
#[derive(Clone, Debug)]
pub struct Shape {
    pub form: Form,
    /// The runbook.
    pub text: String,
    /// What has to be done once.
    pub deeds: Vec<Deed>,
    /// What comes after what.
    pub order: Vec<(Deed, Deed)>,
    /// How the run ends, as the store has it.
    pub outcome: &'static str,
    /// What stands on the command lines of daemons that must not be alive at the end.
    pub daemons: Option<String>,
}

impl Shape {
    /// One that is drawn. `mark` is the program that writes to the ledger.
    pub fn draw(chance: &mut Chance, folder: &Path) -> Shape {
        let form = match chance.below(20) {
            0..=6 => Form::Chain,
            7..=9 => Form::Fan,
            10..=12 => Form::Retry,
            13..=14 => Form::Gate,
            15..=17 => Form::Undo,
            18 => Form::Cancel,
            _ => Form::TimeLimit,
        };
        let mut writer = Writer {
            chance,
            text: format!(
                "runbook torture {{\n  timeout = 2m\n  dir = \"{0}\"\n  env {{ LEDGER = \"{0}/ledger\" }}\n",
                folder.display()
            ),
            folder: folder.display().to_string(),
        };
        let mut shape = Shape {
            form,
            text: String::new(),
            deeds: Vec::new(),
            order: Vec::new(),
            outcome: "succeeded",
            daemons: None,
        };
        match form {
            Form::Chain => shape.chain(&mut writer),
            Form::Fan => shape.fan(&mut writer),
            Form::Retry => shape.retry(&mut writer),
            Form::Gate => shape.gate(&mut writer),
            Form::Undo => shape.undo(&mut writer),
            Form::Cancel => shape.stubborn(&mut writer, "cancelled", "10m"),
            Form::TimeLimit => shape.stubborn(&mut writer, "failed", "400ms"),
        }
        shape.text = writer.text + "}\n";
        shape
    }

    fn step(&mut self, writer: &mut Writer<'_>, name: &str, needs: Option<&[&str]>) {
        let needs = needs.map_or_else(String::new, |needs| format!("needs = {needs:?} "));
        let script = writer.deed();
        writer.line(&format!(
            "step {name} {{ {needs}run = \"{script}\" effect = abandoned(\"a test\") }}"
        ));
        self.deeds.push(Deed::of(name, false));
    }

    fn follows(&mut self, before: &str, after: &str) {
        let pair = (Deed::of(before, false), Deed::of(after, false));
        self.order.push(pair);
    }

    fn chain(&mut self, writer: &mut Writer<'_>) {
        for at in 0..4 + writer.chance.below(3) {
            self.step(writer, &format!("s{at}"), None);
            if at > 0 {
                self.follows(&format!("s{}", at - 1), &format!("s{at}"));
            }
        }
    }

    fn fan(&mut self, writer: &mut Writer<'_>) {
        self.step(writer, "first", None);
        let middle = ["a", "b", "c", "d"];
        for name in middle {
            self.step(writer, name, Some(&["first"]));
            self.follows("first", name);
            self.follows(name, "last");
        }
        self.step(writer, "last", Some(&middle));
    }

    fn retry(&mut self, writer: &mut Writer<'_>) {
        self.step(writer, "first", None);
        let failures = 1 + writer.chance.below(2);
        let (mark, sleep) = (writer.mark(), writer.sleep());
        writer.line(&format!(
            "step again {{ run = \"{mark} begin; sleep {sleep}; n=$(grep -c '^begin again ' $LEDGER); \
             if [ $n -le {failures} ]; then {mark} fail; exit 1; fi; {mark} end\" \
             retry {{ times = 5, backoff = 20ms..50ms }} effect = abandoned(\"a test\") }}"
        ));
        self.deeds.push(Deed::of("again", false));
        self.follows("first", "again");
        self.step(writer, "last", None);
        self.follows("again", "last");
    }

    fn gate(&mut self, writer: &mut Writer<'_>) {
        self.step(writer, "first", None);
        writer.line("gate go { approve { } on_fail = [stop] }");
        self.step(writer, "second", None);
        writer.line(
            "gate fine { checks { check \"it is\" { run = \"echo yes\" expect = \"value == 'yes'\" } } on_fail = [stop] }",
        );
        self.step(writer, "third", None);
        self.follows("first", "second");
        self.follows("second", "third");
    }

    fn undo(&mut self, writer: &mut Writer<'_>) {
        for name in ["a", "b", "c"] {
            let (script, back) = (writer.deed(), writer.deed());
            writer.line(&format!(
                "step {name} {{ run = \"{script}\" undo {{ run = \"{back}\" }} }}"
            ));
            self.deeds
                .extend([Deed::of(name, false), Deed::of(name, true)]);
        }
        writer.line(
            "gate fine { checks { check \"it is\" { run = \"echo no\" expect = \"value == 'yes'\" } } on_fail = [rollback] }",
        );
        for (earlier, later) in [("a", "b"), ("b", "c")] {
            self.follows(earlier, later);
            let pair = (Deed::of(later, true), Deed::of(earlier, true));
            self.order.push(pair);
        }
        self.order.push((Deed::of("c", false), Deed::of("c", true)));
        self.outcome = "rolled-back";
    }

    /// A step that does not end, and has daemons: in its group, in sessions of their own, without its environment.
    fn stubborn(&mut self, writer: &mut Writer<'_>, outcome: &'static str, limit: &str) {
        self.step(writer, "first", None);
        self.follows("first", "stubborn");
        let mark = writer.mark();
        // As a number of seconds it is on the command line of each daemon, and of nothing else on this machine.
        let seconds = format!(
            "{}{:06}",
            1000 + std::process::id() % 8000,
            writer.chance.below(1_000_000)
        );
        writer.line(&format!(
            "step stubborn {{ run = \"sleep {seconds} & setsid sleep {seconds} & \
             sh -c 'setsid sleep {seconds} >/dev/null 2>&1 </dev/null &' & \
             env -i $(command -v setsid) $(command -v sleep) {seconds} & \
             {mark} begin; sleep {seconds}; {mark} end\" \
             timeout = {limit} on_fail = [stop] effect = abandoned(\"a test\") }}"
        ));
        self.daemons = Some(format!("sleep {seconds}"));
        self.outcome = outcome;
    }
}

struct Writer<'c> {
    chance: &'c mut Chance,
    text: String,
    folder: String,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "  {line}");
    }

    fn mark(&self) -> String {
        format!("{}/mark", self.folder)
    }

    fn sleep(&mut self) -> String {
        format!("0.{:03}", 20 + self.chance.below(120))
    }

    /// A script with one effect.
    fn deed(&mut self) -> String {
        let (mark, sleep) = (self.mark(), self.sleep());
        format!("{mark} begin; sleep {sleep}; {mark} end")
    }
}

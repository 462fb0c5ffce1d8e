//! From words and operators to commands and pipelines.

use super::words::Token;
use super::{Command, Joint, Pipeline, Script, Word};

/// What is open around a command.
struct Frame {
    kind: Kind,
    /// The pipeline that it is a part of.
    outer: Pipeline,
    /// Whether the commands right here decide what comes next.
    condition: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Group,
    If,
    While,
    For,
    Case,
}

struct Grouper<'a> {
    script: &'a mut Script,
    frames: Vec<Frame>,
    /// How many of them are `for` loops.
    loops: usize,
    pipeline: Pipeline,
    command: Command,
    /// How the next pipeline is joined to the one before.
    joint: Joint,
    /// Whether words up to `do` or `in` are not commands.
    header: bool,
    /// Whether a pattern of `case` comes next.
    pattern: bool,
    substituted: bool,
}

/// Puts tokens together. `substituted`: they stand in `$(…)`.
pub(super) fn group(tokens: Vec<Token>, substituted: bool, script: &mut Script) {
    let mut grouper = Grouper {
        script,
        frames: Vec::new(),
        loops: 0,
        pipeline: Pipeline::default(),
        command: Command::default(),
        joint: Joint::End,
        header: false,
        pattern: false,
        substituted,
    };
    for token in tokens {
        grouper.token(token);
    }
    grouper.end(Joint::End);
    while !grouper.frames.is_empty() {
        grouper.close();
        grouper.end(Joint::End);
    }
}

impl Grouper<'_> {
    fn token(&mut self, token: Token) {
        match token {
            Token::Redirect(redirect) => self.command.redirects.push(redirect),
            Token::Operator(operator) => self.operator(operator),
            Token::Word(word) => self.word(word),
        }
    }

    fn at_start(&self) -> bool {
        self.command.words.is_empty()
            && self.command.assignments.is_empty()
            && !self.command.compound
    }

    fn word(&mut self, word: Word) {
        let reserved = !word.quoted && self.at_start();
        if self.pattern {
            if word.text == "esac" && !word.quoted {
                self.pattern = false;
                self.close();
            }
            return;
        }
        if self.header {
            let of_case = self.kind() == Some(Kind::Case);
            if word.text == "in" && of_case {
                (self.header, self.pattern) = (false, true);
            } else if word.text == "do" && !of_case {
                self.header = false;
            }
            return;
        }
        if reserved && self.reserved(&word.text) {
            return;
        }
        match assignment(&word) {
            Some(name) if self.command.words.is_empty() => {
                self.command.assignments.push((name, word));
            }
            _ => self.command.words.push(word),
        }
    }

    fn kind(&self) -> Option<Kind> {
        self.frames.last().map(|frame| frame.kind)
    }

    /// Whether it is a word of the language rather than a command, and then what it does.
    fn reserved(&mut self, word: &str) -> bool {
        match word {
            "if" => self.open(Kind::If, true),
            "while" | "until" => self.open(Kind::While, true),
            "for" | "select" => {
                self.open(Kind::For, false);
                self.header = true;
            }
            "case" => {
                self.open(Kind::Case, false);
                self.header = true;
            }
            "{" => self.open(Kind::Group, false),
            "elif" => self.decides(true),
            "then" | "else" | "do" => self.decides(false),
            "!" => self.pipeline.negated = true,
            "fi" | "done" | "esac" | "}" => self.close(),
            _ => return false,
        }
        true
    }

    fn decides(&mut self, condition: bool) {
        if let Some(frame) = self.frames.last_mut() {
            frame.condition = condition;
        }
    }

    fn open(&mut self, kind: Kind, condition: bool) {
        let mut outer = std::mem::take(&mut self.pipeline);
        outer.before = self.joint;
        self.joint = Joint::End;
        self.loops += usize::from(kind == Kind::For);
        self.frames.push(Frame {
            kind,
            outer,
            condition,
        });
    }

    /// Ends the innermost group, which becomes a command of the pipeline around it.
    fn close(&mut self) {
        self.end(Joint::End);
        if let Some(frame) = self.frames.pop() {
            self.loops -= usize::from(frame.kind == Kind::For);
            self.joint = frame.outer.before;
            self.pipeline = frame.outer;
            self.command.compound = true;
        }
    }

    fn operator(&mut self, operator: &'static str) {
        if self.header {
            // `for x in a b;` ends before `do`; the word of a `case` has none of these.
            return;
        }
        if self.pattern {
            if operator == ")" {
                self.pattern = false;
            }
            return;
        }
        match operator {
            "|" | "|&" => self.pipe(),
            "&&" => self.end(Joint::And),
            "||" => self.end(Joint::Or),
            "&" => {
                self.pipeline.background = true;
                self.end(Joint::End);
            }
            ";;" => {
                self.end(Joint::End);
                self.pattern = self.kind() == Some(Kind::Case);
            }
            "(" if self.at_start() => self.open(Kind::Group, false),
            // `name()`: what follows is its body.
            "(" => self.command = Command::default(),
            ")" if self.kind() == Some(Kind::Group) => self.close(),
            ")" => {}
            "\n" => {
                // A pipe, `&&` or `||` goes on in the next line.
                let goes_on = self.at_start()
                    && (!self.pipeline.commands.is_empty() || self.joint != Joint::End);
                if !goes_on {
                    self.end(Joint::End);
                }
            }
            _ => self.end(Joint::End),
        }
    }

    fn pipe(&mut self) {
        let command = std::mem::take(&mut self.command);
        self.pipeline.commands.push(command);
    }

    fn end(&mut self, after: Joint) {
        let command = std::mem::take(&mut self.command);
        let empty = command.words.is_empty()
            && command.assignments.is_empty()
            && command.redirects.is_empty()
            && !command.compound;
        let mut pipeline = std::mem::take(&mut self.pipeline);
        if !empty {
            pipeline.commands.push(command);
        }
        if pipeline.commands.is_empty() {
            self.joint = after;
            return;
        }
        pipeline.before = std::mem::replace(&mut self.joint, after);
        pipeline.after = after;
        pipeline.condition = self.frames.last().is_some_and(|frame| frame.condition);
        pipeline.in_for = self.loops > 0;
        pipeline.substituted = self.substituted;
        self.script.pipelines.push(pipeline);
    }
}

/// The name that a word sets, if it is `NAME=VALUE`.
fn assignment(word: &Word) -> Option<String> {
    let (name, _) = word.text.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(letters);
    is_name.then(|| name.to_owned())
}

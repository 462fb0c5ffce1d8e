//! Driving a run in a terminal: every node live, and questions asked where they arise.

use super::desk::Desk;
use super::keys::{Editor, Key, Keys};
use super::plain::refresh;
use super::signals::{Asked, Signals};
use super::watched::{Watched, Watcher};
use crate::clock;
use crate::dialogue::{Dialogue, Said};
use crate::display::frame::frame;
use crate::display::painter::Painter;
use crate::display::question::{self, Prompt};
use crate::display::style::{self, Line, Style};
use crate::failure::Failure;
use crate::session::Session;
use piton_core::id::RunId;
use piton_core::record::Answer;
use piton_core::view::QuestionView;
use piton_runtime::driver::{DriveEnd, DriveError, DriveOptions, Until};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often the frame is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// How long the second Ctrl-C may take.
const AGAIN_WITHIN: Duration = Duration::from_secs(5);

/// Drives the run in a terminal; `asks` when there is a keyboard too.
pub async fn drive(
    session: &Session,
    run: &RunId,
    until: Until,
    mut watcher: Watcher,
    desk: Desk<'_>,
    asks: bool,
) -> Result<Result<DriveEnd, DriveError>, Failure> {
    let watched = Rc::clone(&watcher.watched);
    let mut signals = Signals::listen()?;
    let (leave, stop) = watch::channel(false);
    let mut keys = if asks { Keys::new() } else { None };
    let mut screen = Screen::new(desk, Rc::clone(&watched), leave, keys.is_some());
    loop {
        let options = DriveOptions {
            stop: stop.clone(),
            die_after: super::die_after(),
            ..DriveOptions::until(until)
        };
        let driving = session.local.drive(run, options, &mut watcher);
        tokio::pin!(driving);
        let mut ticks = tokio::time::interval(DRAW_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let end = loop {
            tokio::select! {
                biased;
                end = &mut driving => break end,
                asked = signals.next() => screen.signal(asked).await?,
                typed = typed(&mut keys) => match typed {
                    Some(bytes) => screen.type_in(&bytes).await?,
                    None => keys = None,
                },
                _ = ticks.tick() => {
                    refresh(session, run, &watched).await?;
                    watched.borrow_mut().read_output();
                    screen.decide().await?;
                    screen.draw()?;
                }
            }
        };
        refresh(session, run, &watched).await?;
        screen.decide().await?;
        let Ok(end) = end else {
            screen.close()?;
            return Ok(end);
        };
        let open = watched.borrow().view.questions.clone();
        if end == DriveEnd::Waiting && screen.desk.approve_all(&open).await? > 0 {
            continue;
        }
        screen.close()?;
        return Ok(Ok(end));
    }
}

/// The next bytes from the keyboard; never, when there is none. `None` when it is gone.
async fn typed(keys: &mut Option<Keys>) -> Option<Vec<u8>> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

/// What is on the screen, and what the person does with it.
struct Screen<'a> {
    desk: Desk<'a>,
    watched: Rc<RefCell<Watched>>,
    leave: watch::Sender<bool>,
    painter: Painter,
    colour: bool,
    asks: bool,
    editor: Editor,
    /// The question that is on the screen, so that it is seen when another takes its place.
    asked: Option<QuestionView>,
    /// How far its answer is.
    dialogue: Option<Dialogue>,
    /// What was wrong with the last answer.
    said: String,
    above: Vec<String>,
    interrupted: Option<Instant>,
}

impl<'a> Screen<'a> {
    fn new(
        desk: Desk<'a>,
        watched: Rc<RefCell<Watched>>,
        leave: watch::Sender<bool>,
        asks: bool,
    ) -> Screen<'a> {
        Screen {
            desk,
            watched,
            leave,
            painter: Painter::new(),
            colour: style::colour(&io::stdout()),
            asks,
            editor: Editor::default(),
            asked: None,
            dialogue: None,
            said: String::new(),
            above: Vec::new(),
            interrupted: None,
        }
    }

    fn print(&mut self, line: &Line) {
        self.above.push(line.render(self.colour));
    }

    /// Tells why answers were refused, and hands in what `--yes` says.
    async fn decide(&mut self) -> Result<(), Failure> {
        for refusal in self.desk.refusals().await? {
            self.said = refusal.clone();
            if let Some(dialogue) = &mut self.dialogue {
                dialogue.again();
            }
            if self.asked.is_none() {
                self.print(&Line::new().with(Style::Bad, refusal));
            }
        }
        let open = self.watched.borrow().view.questions.clone();
        self.desk.approve_all(&open).await?;
        Ok(())
    }

    /// Looks what is to be asked now, and tells what was decided. Before each frame, so that a question is never on
    /// the screen without the place to answer it.
    fn look(&mut self) {
        let decided = std::mem::take(&mut self.watched.borrow_mut().decided);
        decided.iter().for_each(|line| self.print(line));
        let open = self.watched.borrow().view.questions.clone();
        let still =
            |question: &QuestionView| open.iter().find(|open| same(open, question)).cloned();
        if let Some(asked) = self.asked.take() {
            self.asked = still(&asked);
            if self.asked.is_none() {
                self.editor.clear();
                self.said.clear();
                self.dialogue = None;
            }
        }
        if self.asked.is_none() && self.asks {
            self.asked = open.first().cloned();
            let plan = Rc::clone(&self.watched);
            let plan = &plan.borrow().plan;
            let begun = |asked: &QuestionView| Dialogue::new(&asked.kind, plan, asked.index);
            self.dialogue = self.asked.as_ref().map(begun);
        }
    }

    async fn type_in(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for key in self.editor.take(bytes) {
            let Key::Line(text) = key else { continue };
            let Some(question) = self.asked.clone() else {
                continue;
            };
            self.said.clear();
            let Some(dialogue) = &mut self.dialogue else {
                continue;
            };
            match dialogue.take(&text) {
                Said::Answer(answer) => self.answer(&question, answer).await?,
                Said::Details => {
                    let plan = std::sync::Arc::clone(&self.watched.borrow().plan);
                    for line in question::details(&plan, &question) {
                        self.print(&line);
                    }
                }
                Said::Leave => {
                    self.leave.send_replace(true);
                }
                Said::Unclear(why) => self.said = why,
                Said::More => {}
            }
        }
        self.draw()
    }

    async fn answer(&mut self, question: &QuestionView, answer: Answer) -> Result<(), Failure> {
        self.desk.answer(question, answer, None).await
    }

    async fn signal(&mut self, asked: Asked) -> Result<(), Failure> {
        match asked {
            Asked::Leave => {
                self.leave.send_replace(true);
            }
            Asked::Redraw => {
                self.painter.take();
                self.painter.invalidate();
            }
            Asked::Interrupt => {
                if self
                    .interrupted
                    .is_some_and(|before| before.elapsed() < AGAIN_WITHIN)
                {
                    self.print(
                        &Line::new().with(Style::Bad, "■ cancelling: what runs is being ended"),
                    );
                    self.desk.cancel().await?;
                } else {
                    self.interrupted = Some(Instant::now());
                    let text = "Ctrl-C again within 5 s cancels the run; otherwise it goes on";
                    self.print(&Line::new().with(Style::Asks, text));
                }
            }
        }
        self.draw()
    }

    fn draw(&mut self) -> Result<(), Failure> {
        self.look();
        let lines = self.lines(self.asked.as_ref());
        let above = std::mem::take(&mut self.above);
        self.watched.borrow_mut().said.clear();
        self.painted(&above, &lines)
    }

    fn lines(&self, asked: Option<&QuestionView>) -> Vec<Line> {
        let watched = self.watched.borrow();
        let now = clock::now();
        let prompt = asked
            .zip(self.dialogue.as_ref())
            .map(|(question, dialogue)| {
                let shown = Prompt {
                    actor: self.desk.actor,
                    said: &self.said,
                    rows: &dialogue.rows(),
                    hint: &dialogue.hint(),
                    input: self.editor.line(),
                };
                question::prompt(&watched.plan, question, &shown, now)
            });
        let prompt = prompt.unwrap_or_default();
        let room = self.painter.size().1.saturating_sub(prompt.len() + 1);
        let mut lines = frame(&watched.view, now, &watched.last_output, room);
        lines.extend(prompt);
        lines
    }

    fn painted(&mut self, above: &[String], lines: &[Line]) -> Result<(), Failure> {
        match self.painter.paint(above, lines, self.colour) {
            Ok(()) => Ok(()),
            // The terminal is gone; a hang-up follows, or nobody looks. The run does not depend on it.
            Err(error) => {
                tracing::debug!(%error, "the terminal cannot be written");
                Ok(())
            }
        }
    }

    /// Draws the frame for the last time, without a question, and leaves it there.
    fn close(&mut self) -> Result<(), Failure> {
        self.asks = false;
        self.look();
        self.asked = None;
        let lines = self.lines(None);
        let above = std::mem::take(&mut self.above);
        self.painted(&above, &lines)?;
        self.painter.keep();
        Ok(())
    }
}

fn same(one: &QuestionView, other: &QuestionView) -> bool {
    one.index == other.index && one.shown == other.shown && one.opened == other.opened
}

//! Somebody who answers what a run asks, as it was agreed before.

use super::Ended;
use super::site::Site;
use std::collections::VecDeque;

/// What to answer: at a node, one answer each time it asks.
#[derive(Clone, Debug, Default)]
pub struct Operator {
    answers: VecDeque<(String, Vec<String>)>,
}

impl Operator {
    /// At this node: the command, and what comes behind the run and the node. Further answers for the same node are
    /// for its further passes.
    pub fn at(mut self, node: &str, command: &[&str]) -> Operator {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        self.answers.push_back((node.to_owned(), command));
        self
    }

    /// Answers until nothing is asked any more, and gives how the last command that drove the run ended: the one that
    /// began it, or `resume`. Fails when something is asked that there is no answer to.
    #[track_caller]
    pub fn sees_to(&mut self, site: &Site, began: Ended) -> Ended {
        let mut ended = began.without_panic();
        while ended.code == Some(3) {
            self.answers_one(site);
            ended = site.run(["resume", "last"]).without_panic();
        }
        ended
    }

    /// Answers what is asked now, and leaves the run where it is.
    #[track_caller]
    pub fn answers_one(&mut self, site: &Site) {
        let node = asking(site).expect("somebody is asked");
        let next = self.answers.iter().position(|(at, _)| *at == node);
        let Some((_, command)) = next.and_then(|next| self.answers.remove(next)) else {
            panic!("no answer at {node}: {}", site.run(["show", "last"]).stdout);
        };
        let (verb, rest) = command.split_first().expect("a command");
        let mut words = vec![verb.clone(), "last".to_owned(), node];
        words.extend_from_slice(rest);
        words.push("--no-resume".to_owned());
        site.run(&words).expect(0);
    }

    /// What there was no need to answer.
    pub fn left(&self) -> usize {
        self.answers.len()
    }
}

/// The node whose question is open.
pub fn asking(site: &Site) -> Option<String> {
    let run = site.place.json(["show", "last", "--json"]);
    let nodes = run["nodes"].as_array()?;
    let asks = nodes.iter().find(|node| !node["question"].is_null())?;
    asks["id"].as_str().map(str::to_owned)
}

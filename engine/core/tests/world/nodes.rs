//! Generated plans.

use super::draw::Draw;
use piton_core::plan::{AnswerType, Interrupted, Plan};
use piton_core::sim::plans::{NodeBuilder, PlanBuilder, gate, plan, step};
use piton_core::time::Millis;

/// How many bytes a node is made from.
pub const NODE_BYTES: usize = 48;

/// What a generated node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Step,
    Checks,
    Gate,
    Approve,
    Manual,
    Notify,
    Wait,
    Each,
    Until,
}

/// The plan: a node from each list of bytes, the last `finally` of which run when the run ends.
pub fn build(nodes: &[Vec<u8>], run: &mut Draw<'_>) -> Plan {
    let finally = run.of(&[0, 0, 1, 2]).min(nodes.len() / 2);
    let usual = nodes.len() - finally;
    let mut builder = shared(run);
    let mut ancestors: Vec<Vec<usize>> = Vec::new();
    let mut validity = true;
    for (at, bytes) in nodes.iter().enumerate() {
        let mut draw = Draw::new(bytes);
        let mut node = Sketch {
            at,
            first: if at < usual { 0 } else { usual },
            ancestors: &mut ancestors,
            draw: &mut draw,
        };
        let made = if at < usual {
            node.usual(&mut validity)
        } else {
            node.last()
        };
        builder = builder.node(made);
    }
    measured(builder, usual, run).build().unwrap()
}

/// Every other plan has a clock, which may start and stop at any of its usual nodes.
fn measured(builder: PlanBuilder, usual: usize, run: &mut Draw<'_>) -> PlanBuilder {
    if !run.once_in(2) {
        return builder;
    }
    let from = run.once_in(2).then(|| format!("n{}", run.below(usual)));
    let to = (!run.once_in(3)).then(|| format!("n{}", run.below(usual)));
    let at_risk = run.of(&[Some(Millis(2_000)), Some(Millis(9_000)), None]);
    let page = (!run.once_in(4)).then_some("pol");
    let within = Millis(run.of(&[10_000, 30_000]));
    builder
        .rto(within, (from.as_deref(), to.as_deref()), at_risk, page)
        .rpo(Millis(1_000), "duration('3s')")
}

fn shared(run: &mut Draw<'_>) -> PlanBuilder {
    let decide_within = Millis(run.of(&[3_000, 60_000]));
    let last = run.of(&[None, Some(Millis(7_000))]);
    let mut builder = plan("generated")
        .parallel(1 + run.below(4) as u32)
        .contact("ann", &["lead"])
        .contact("bob", &["lead", "dba"])
        .contact("cat", &[])
        .escalation(
            "pol",
            &[(&["ann"], Some(Millis(5_000))), (&["bob", "cat"], last)],
            decide_within,
        );
    if run.once_in(2) {
        builder = builder.page("pol");
    }
    if run.once_in(8) {
        builder = builder.lock(&["the-run"], Millis(20_000));
    }
    builder
}

/// A node in the making.
struct Sketch<'a, 'b> {
    at: usize,
    /// The first node that it may need.
    first: usize,
    ancestors: &'a mut Vec<Vec<usize>>,
    draw: &'a mut Draw<'b>,
}

impl Sketch<'_, '_> {
    /// A node that runs before the run ends.
    fn usual(&mut self, validity: &mut bool) -> NodeBuilder {
        let kind = self.kind();
        let needs = self.needs();
        let mut node = self.acts(kind);
        node = self.named(node, &needs);
        node = self.tries(node, kind);
        node = self.ladder(node);
        node = self.guards(node, kind, &needs, validity);
        node
    }

    /// A node that runs when the run ends: nobody is waited for there.
    fn last(&mut self) -> NodeBuilder {
        let kind = self
            .draw
            .of(&[Kind::Step, Kind::Notify, Kind::Gate, Kind::Wait]);
        let needs = self.needs();
        let node = self.acts(kind).finally();
        let node = self.named(node, &needs);
        self.tries(node, kind)
    }

    fn kind(&mut self) -> Kind {
        self.draw.of(&[
            Kind::Step,
            Kind::Step,
            Kind::Step,
            Kind::Step,
            Kind::Step,
            Kind::Step,
            Kind::Checks,
            Kind::Gate,
            Kind::Gate,
            Kind::Approve,
            Kind::Approve,
            Kind::Manual,
            Kind::Notify,
            Kind::Wait,
            Kind::Each,
            Kind::Until,
        ])
    }

    fn id(&self) -> String {
        format!("n{}", self.at)
    }

    /// Up to two nodes among those shortly before it.
    fn needs(&mut self) -> Vec<usize> {
        let mut needs = Vec::new();
        for _ in 0..2 {
            let back = self.draw.of(&[1, 0, 1, 2, 3]);
            if let Some(need) = self.at.checked_sub(back).filter(|need| *need >= self.first)
                && back > 0
                && !needs.contains(&need)
            {
                needs.push(need);
            }
        }
        let mut all: Vec<_> = needs
            .iter()
            .flat_map(|need| self.ancestors[*need].iter().copied())
            .chain(needs.iter().copied())
            .collect();
        all.sort_unstable();
        all.dedup();
        self.ancestors.push(all);
        needs
    }

    fn acts(&mut self, kind: Kind) -> NodeBuilder {
        let id = self.id();
        match kind {
            Kind::Step => self.effect(step(&id).output("x", "stdout")),
            Kind::Each => {
                let items = self
                    .draw
                    .of(&["['a']", "['a', 'b']", "['a', 'b', 'c']", "[]"]);
                let node = step(&id).script("echo").env("ITEM", "${{ item }}");
                self.effect(node.for_each(items))
            }
            Kind::Until => {
                let every = Millis(self.draw.of(&[1_000, 4_000]));
                let mut node = step(&id).until("value == true", every).looks();
                match self.draw.below(4) {
                    1 => node = node.consecutive(2),
                    2 => node = node.hold_for(Millis(3_000)),
                    3 => node = node.fail_when("value == 'dead'"),
                    _ => {}
                }
                node.timeout(Millis(self.draw.of(&[20_000, 40_000])))
            }
            Kind::Checks => gate(&id)
                .check("one", "a", None)
                .check("two", "b", Some("value == 0")),
            Kind::Gate => gate(&id).script("look"),
            Kind::Approve => {
                let by: &[&str] = self.draw.of(&[&[], &["ann", "bob"], &["lead"]]);
                let (count, not_starter) = (1 + self.draw.below(2) as u32, self.draw.once_in(2));
                let expires = self.draw.of(&[None, Some(5_000), Some(60_000)]).map(Millis);
                let node = gate(&id).approve(by).approval(|approve| {
                    (approve.count, approve.not_starter) = (count, not_starter);
                    approve.expires = expires;
                });
                self.paged(node)
            }
            Kind::Manual => {
                let mut node = step(&id).manual("do it").tick("first").looks();
                if self.draw.once_in(2) {
                    node = node.ask("x", AnswerType::String).validate("value != 'no'");
                    if self.draw.once_in(2) {
                        node = node.choices("list");
                    }
                }
                if self.draw.once_in(2) {
                    node = node.expires(Millis(15_000));
                }
                self.paged(node)
            }
            Kind::Notify => step(&id).notify(&["ann", "cat"], "it is going on"),
            Kind::Wait => step(&id).wait_for(Millis(self.draw.millis())).looks(),
        }
    }

    fn paged(&mut self, node: NodeBuilder) -> NodeBuilder {
        match self.draw.once_in(3) {
            true => node.page("pol"),
            false => node,
        }
    }

    /// What it leaves in the world.
    fn effect(&mut self, node: NodeBuilder) -> NodeBuilder {
        let mut node = match self.draw.below(10) {
            0..=4 => node.undo("back"),
            5 => node.undo("back").undo_after_started(),
            6 => return node.looks(),
            7 => return node,
            8 => return node.irreversible(),
            _ => return node.unstated(),
        };
        if self.draw.once_in(4) {
            node = node
                .capture("before")
                .undo_env("BEFORE", "${{ capture.stdout }}");
        }
        match self.draw.below(6) {
            1 => node = node.undo_retry(1, Millis(500)),
            2 => node = node.undo_check("test"),
            3 => node = node.undo_check("test").undo_retry(2, Millis(0)),
            4 => node = node.undo_timeout(Millis(5_000)),
            _ => {}
        }
        node
    }

    /// What it needs, and whether it is done at all.
    fn named(&mut self, node: NodeBuilder, needs: &[usize]) -> NodeBuilder {
        let names: Vec<_> = needs.iter().map(|need| format!("n{need}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let node = node.needs(&names);
        match (self.draw.below(8), needs.first()) {
            (5, Some(need)) => node.when(&format!("steps.n{need}.status == 'succeeded'")),
            (6, Some(need)) => node.env("FROM", &format!("${{{{ steps.n{need}.status }}}}")),
            (7, _) => node.when("false"),
            _ => node,
        }
    }

    fn tries(&mut self, node: NodeBuilder, kind: Kind) -> NodeBuilder {
        let times = self.draw.of(&[0, 0, 1, 2]);
        let backoff = Millis(self.draw.of(&[0, 500, 5_000]));
        let mut node = node.retry(times, backoff);
        if kind != Kind::Until
            && let Some(timeout) = self.draw.of(&[None, Some(2_000), Some(10_000)])
        {
            node = node.timeout(Millis(timeout));
        }
        if self.draw.once_in(4) {
            node = node.idempotent();
        }
        match self.draw.below(6) {
            1 => node.interrupted(Interrupted::Fail),
            2 => node.interrupted(Interrupted::Rerun),
            3 => node.probe("did it happen"),
            _ => node,
        }
    }

    fn ladder(&mut self, node: NodeBuilder) -> NodeBuilder {
        let mut node = node;
        for _ in 0..self.draw.of(&[0, 1, 2, 3, 2]) {
            node = match self.draw.below(10) {
                0..=3 => {
                    let known = &self.ancestors[self.at];
                    let to = known.get(self.draw.below(known.len() + 1));
                    let to = to.copied().unwrap_or(self.at);
                    node.rewind(&format!("n{to}"), 1 + self.draw.below(2) as u32)
                }
                4..=5 => {
                    let expires = self.draw.of(&[None, Some(4_000), Some(30_000)]);
                    node.escalate("pol", expires.map(Millis))
                }
                6 => node.go_on(),
                7..=8 => node.rollback(),
                _ => node.stop(),
            };
        }
        node
    }

    /// What has to hold when it starts.
    fn guards(
        &mut self,
        node: NodeBuilder,
        kind: Kind,
        needs: &[usize],
        validity: &mut bool,
    ) -> NodeBuilder {
        let mut node = node;
        let choice = self.draw.below(24);
        match (choice, kind) {
            (1 | 2, Kind::Step | Kind::Each) => node = node.lock(&["shared"], Millis(20_000)),
            (3 | 4, Kind::Step | Kind::Each) => node = node.confirm("prod"),
            (5 | 6, Kind::Step) => node = node.target("which", Some("value == 'prod'")),
            (7 | 8, Kind::Step) => node = node.target("which", None).confirm("prod"),
            (9, _) => node = node.never_skip(),
            // Two gates that are done again and again for each other would never come to an end.
            (10..=13, Kind::Checks | Kind::Gate | Kind::Approve) if *validity => {
                *validity = false;
                node = node.valid_for(Millis(15_000));
            }
            (14, _) => {
                if let Some(of) = needs.first() {
                    node = node.within(Millis(4_000), &format!("n{of}"));
                }
            }
            _ => {}
        }
        node
    }
}

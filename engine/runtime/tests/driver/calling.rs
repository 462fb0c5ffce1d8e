//! People who are told and called while a run is driven, and what they say.

use super::support::{SUCCEEDED, World, actor, die_when, on_runtime, until_lines};
use piton_core::expr::Template;
use piton_core::id::RunId;
use piton_core::plan::{Action, Channel, Contact, Escalation, Level, Notify, Plan};
use piton_core::record::{Answer, Delivery, Fact, OutcomeStatus};
use piton_core::run::{Decision, Event};
use piton_core::sim::plans::{PlanBuilder, gate, plan, step};
use piton_core::time::Millis;
use piton_runtime::driver::{Decided, DriveEnd, DriveOptions, Local, Until};
use serde_json::Value as Json;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// The plan with contacts who are told by these scripts.
fn with_contacts(plan: PlanBuilder, contacts: &[(&str, &str)]) -> Plan {
    let mut plan = plan.build().unwrap();
    for (name, script) in contacts {
        let argv = ["sh", "-c", script];
        let argv = argv.map(|word| Template::parse(word).unwrap()).to_vec();
        let contact = Contact {
            name: None,
            roles: Vec::new(),
            via: vec![Channel::Command(argv)],
        };
        plan.contacts.insert((*name).to_owned(), contact);
    }
    plan
}

fn tell(to: &[&str], message: &str) -> Action {
    Action::Notify(Notify {
        to: to.iter().map(|name| (*name).to_owned()).collect(),
        message: Template::parse(message).unwrap(),
    })
}

/// A gate that calls `lead` and then `cto`, this much later.
fn paging(scripts: &[(&str, &str)], ack_within: Option<Millis>) -> Plan {
    let nodes = plan("paging")
        .node(gate("go").approve(&[]))
        .node(step("a").needs(&["go"]));
    let mut plan = with_contacts(nodes, scripts);
    let level = |name: &str| Level {
        page: vec![name.to_owned()],
        ack_within,
    };
    let levels = match ack_within {
        Some(_) => vec![level("lead"), level("cto")],
        None => vec![level("lead")],
    };
    let escalation = Escalation {
        levels,
        decide_within: Millis(600_000),
    };
    plan.escalations.insert("infra".to_owned(), escalation);
    plan.page = Some("infra".to_owned());
    plan
}

fn lines(world: &World, file: &str) -> Vec<Json> {
    let text = world.text(file);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn deliveries(world: &World, run: &RunId) -> Vec<Delivery> {
    let facts = world.facts(run).await;
    let ends = facts.into_iter().filter_map(|fact| match fact {
        Fact::PageEnded { deliveries, .. } => Some(deliveries),
        _ => None,
    });
    ends.flatten().collect()
}

async fn approve(local: &Local, run: &RunId) -> Event {
    let state = local.run(run).await.unwrap();
    let question = state.questions().next().expect("no question is open");
    Event::Decide(Decision {
        node: question.node,
        by: actor("lead"),
        answer: Answer::Approve,
        note: None,
        shown: question.shown,
    })
}

#[test]
fn everybody_who_is_to_be_told_is_told() {
    on_runtime(async {
        let world = World::new();
        let nodes = plan("notify").node(step("tell").action(tell(&["lead", "cto"], "it is done")));
        let scripts = [("lead", "cat >> lead"), ("cto", "cat >> cto")];
        let run = world.submit_plan(with_contacts(nodes, &scripts)).await;
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        let expected = serde_json::json!({
            "key": format!("{run}/n0.p1.a1"), "run": run.0, "runbook": "notify", "node": "tell", "pass": 1,
            "message": "it is done",
        });
        assert_eq!(lines(&world, "lead"), std::slice::from_ref(&expected));
        assert_eq!(lines(&world, "cto"), [expected]);
    });
}

#[test]
fn a_notify_that_reached_not_everybody_fails_and_says_whom() {
    on_runtime(async {
        let world = World::new();
        let nodes = plan("notify").node(step("tell").action(tell(&["lead", "cto"], "done")));
        let scripts = [("lead", "echo busy >&2; exit 2"), ("cto", "true")];
        let run = world.submit_plan(with_contacts(nodes, &scripts)).await;
        world.drive(&run).await.unwrap();
        let results = world.results(&run).await;
        assert_eq!(results[0].status, OutcomeStatus::Failed);
        let message = &results[0].message;
        assert!(
            message.contains("`lead` was not reached") && message.contains("exit code 2: busy"),
            "{message}"
        );
        assert!(!message.contains("`cto`"), "{message}");
    });
}

#[test]
fn a_notify_that_its_engine_died_over_is_told_again_under_the_same_key() {
    on_runtime(async {
        let world = World::new();
        let nodes = plan("notify").node(step("tell").action(tell(&["lead"], "done")));
        let slow = "cat >> told; until [ -e go ]; do sleep 0.01; done";
        let run = world
            .submit_plan(with_contacts(nodes, &[("lead", slow)]))
            .await;
        die_when(&world.doomed(), &run, || world.text("told").contains('}')).await;
        std::fs::write(world.path("go"), "").unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        let told = lines(&world, "told");
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], told[1]);
        assert_eq!(world.results(&run).await.len(), 1, "it is one attempt");
    });
}

#[test]
fn a_page_goes_out_before_the_engine_leaves_and_is_written_down() {
    on_runtime(async {
        let world = World::new();
        let scripts = [("lead", "sleep 0.2; cat >> lead")];
        let run = world.submit_plan(paging(&scripts, None)).await;
        assert_eq!(world.drive(&run).await.unwrap(), DriveEnd::Waiting);
        let pages = lines(&world, "lead");
        assert_eq!(pages.len(), 1);
        let page = &pages[0];
        assert_eq!(page["key"], format!("{run}/q1.1"));
        assert_eq!(page["decide"], format!("piton show {run}"));
        assert_eq!(
            (&page["node"], &page["pass"], &page["level"]),
            (&"go".into(), &1.into(), &1.into())
        );
        let told = deliveries(&world, &run).await;
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].contact.as_str(), &told[0].failed), ("lead", &None));
        // The next engine does not call again.
        assert_eq!(world.drive(&run).await.unwrap(), DriveEnd::Waiting);
        assert_eq!(lines(&world, "lead").len(), 1);
    });
}

#[test]
fn a_page_that_its_engine_died_over_goes_out_again_under_the_same_key() {
    on_runtime(async {
        let world = World::new();
        let slow = "cat >> told; until [ -e go ]; do sleep 0.01; done";
        let run = world.submit_plan(paging(&[("lead", slow)], None)).await;
        die_when(&world.doomed(), &run, || world.text("told").contains('}')).await;
        std::fs::write(world.path("go"), "").unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), DriveEnd::Waiting);
        let told = lines(&world, "told");
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], told[1]);
    });
}

#[test]
fn a_page_that_fails_is_written_down_and_the_next_level_is_called_until_somebody_acknowledges() {
    on_runtime(async {
        let world = World::new();
        let scripts = [("lead", "exit 1"), ("cto", "cat >> cto")];
        let run = world.submit_plan(paging(&scripts, Some(Millis(30)))).await;
        let (engine, other) = (world.local(), world.local());
        let mut observer = ();
        let driving = engine.drive(&run, DriveOptions::until(Until::Over), &mut observer);
        let deciding = async {
            // The last level is called again and again.
            until_lines(&world.path("cto"), 2).await;
            let node = other
                .run(&run)
                .await
                .unwrap()
                .questions()
                .next()
                .unwrap()
                .node;
            let ack = Event::Acknowledge {
                node,
                by: actor("cto"),
            };
            let taken = other.decide(&run, &ack, "k1", PATIENCE).await.unwrap();
            assert!(
                matches!(&taken, Decided::Verdict(verdict) if verdict.accepted),
                "{taken:?}"
            );
            let take = Event::Take {
                node,
                by: actor("cto"),
                over: false,
            };
            let taken = other.decide(&run, &take, "k2", PATIENCE).await.unwrap();
            assert!(
                matches!(&taken, Decided::Verdict(verdict) if verdict.accepted),
                "{taken:?}"
            );
            let approve = approve(&other, &run).await;
            let refused = other.decide(&run, &approve, "k3", PATIENCE).await.unwrap();
            assert!(
                matches!(&refused, Decided::Verdict(verdict) if !verdict.accepted && verdict.message.contains("cto")),
                "{refused:?}"
            );
            let take = Event::Take {
                node,
                by: actor("lead"),
                over: true,
            };
            other.decide(&run, &take, "k4", PATIENCE).await.unwrap();
            other.decide(&run, &approve, "k5", PATIENCE).await.unwrap();
        };
        let (end, ()) = tokio::join!(driving, deciding);
        assert_eq!(end.unwrap(), SUCCEEDED);
        let told = deliveries(&world, &run).await;
        let lead = told.iter().find(|of| of.contact == "lead").unwrap();
        assert!(lead.failed.as_ref().unwrap().contains("exit code 1"));
        let keys: std::collections::BTreeSet<String> = lines(&world, "cto")
            .iter()
            .map(|page| page["key"].to_string())
            .collect();
        assert_eq!(
            keys.len(),
            lines(&world, "cto").len(),
            "each page has a key of its own"
        );
    });
}

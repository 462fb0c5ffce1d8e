//! `evidence`: files that are kept when an attempt ends.

use super::support::{FAILED, SUCCEEDED, World, die_when, on_runtime};
use super::web::{Reply, Web};
use piton_core::id::{AttemptId, RunId};
use piton_core::plan::{Action, Http, Method, SecretSource};
use piton_core::record::{AttemptResult, Evidence, Fact, OutcomeStatus};
use piton_core::sim::plans::{gate, plan, step};
use piton_core::time::Millis;
use piton_core::value::Value;
use piton_runtime::driver::{AuditError, DriveEnd};

/// The attempts that ended, with their results.
async fn ended(world: &World, run: &RunId) -> Vec<(AttemptId, AttemptResult)> {
    let facts = world.facts(run).await;
    let ended = |fact| match fact {
        Fact::AttemptEnded { attempt, result } => Some((attempt, result)),
        _ => None,
    };
    facts.into_iter().filter_map(ended).collect()
}

/// The text of a copy.
fn copy(world: &World, run: &RunId, attempt: AttemptId, evidence: &Evidence) -> String {
    let kept = evidence.kept.as_ref().unwrap();
    let directory = world.local().directory(run).evidence(attempt);
    std::fs::read_to_string(directory.join(&kept.name)).unwrap()
}

#[test]
fn each_attempt_keeps_its_files_well_or_not() {
    on_runtime(async {
        let world = World::new();
        std::fs::create_dir(world.path("sub")).unwrap();
        let (run, end) = world
            .run(
                plan("keeps")
                    .param("dir", Value::String("log".into()))
                    .node(
                        step("a")
                            .script(
                                "mkdir -p log; echo try >> log/a.log; [ $(wc -l < log/a.log) = 2 ]",
                            )
                            .retry(1, Millis(1))
                            .evidence("${{ params.dir }}/a.log")
                            .evidence("none.txt"),
                    ),
            )
            .await;
        assert_eq!(end, SUCCEEDED);
        let all = ended(&world, &run).await;
        let [(first, failed), (second, well)] = all.as_slice() else {
            panic!("{all:?}")
        };
        assert_eq!(failed.status, OutcomeStatus::Failed);
        assert_eq!(copy(&world, &run, *first, &failed.evidence[0]), "try\n");
        assert_eq!(copy(&world, &run, *second, &well.evidence[0]), "try\ntry\n");
        assert_eq!(well.evidence[0].file, "log/a.log");
        assert_eq!(well.evidence[1].kept, None);
        assert_eq!(well.evidence[1].why, "is not there");
        assert_eq!(world.local().audit(&run).await.unwrap().kept, 2);
    });
}

#[test]
fn a_kept_file_that_was_changed_is_found() {
    on_runtime(async {
        let world = World::new();
        let node = gate("g")
            .check("c", "echo seen > report; false", None)
            .evidence("report");
        let (run, end) = world.run(plan("keeps").node(node)).await;
        assert_eq!(end, FAILED);
        let all = ended(&world, &run).await;
        let directory = world.local().directory(&run).evidence(all[0].0);
        std::fs::write(directory.join("1-report"), "other\n").unwrap();
        let error = world.local().audit(&run).await.unwrap_err();
        assert!(matches!(error, AuditError::Evidence { kept: 1, .. }));
        let message = error.to_string();
        assert!(
            message.contains("1-report was changed") && message.contains("records of run"),
            "{message}"
        );
    });
}

#[test]
fn no_secret_gets_into_a_copy_not_even_one_that_only_an_engine_before_has_read() {
    on_runtime(async {
        let world = World::new();
        std::fs::write(world.path("token"), "hunter22").unwrap();
        let mut made = plan("keeps")
            .secret("token")
            .node(
                step("a")
                    .env("TOKEN", "${{ secrets.token }}")
                    .script("echo \"with $TOKEN\" > log"),
            )
            .node(
                step("b")
                    .needs(&["a"])
                    .script("touch began; until [ -e go ]; do sleep 0.01; done")
                    .evidence("log"),
            )
            .build()
            .unwrap();
        let source = SecretSource::File("token".to_owned());
        made.secrets.insert("token".to_owned(), source);
        let run = world.submit_plan(made).await;
        die_when(&world.doomed(), &run, || world.path("began").exists()).await;
        std::fs::write(world.path("go"), "").unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        let all = ended(&world, &run).await;
        let (attempt, result) = all.last().unwrap();
        assert_eq!(
            copy(&world, &run, *attempt, &result.evidence[0]),
            "with ***\n"
        );
    });
}

#[test]
fn a_look_at_which_it_was_not_there_yet_leaves_no_files() {
    on_runtime(async {
        let world = World::new();
        let node = step("a")
            .script("echo look >> log; wc -l < log")
            .until("value == 3", Millis(1))
            .evidence("log");
        let (run, end) = world.run(plan("keeps").node(node)).await;
        assert_eq!(end, SUCCEEDED);
        let all = ended(&world, &run).await;
        let kept: Vec<_> = all
            .iter()
            .map(|(_, result)| result.evidence.len())
            .collect();
        assert_eq!(kept, [0, 0, 1]);
        let (last, result) = &all[2];
        assert_eq!(
            copy(&world, &run, *last, &result.evidence[0]),
            "look\nlook\nlook\n"
        );
        let folder = world.local().directory(&run).evidence(*last);
        let folders = std::fs::read_dir(folder.parent().unwrap()).unwrap().count();
        assert_eq!(folders, 1);
    });
}

#[test]
fn what_died_with_its_engine_keeps_its_files_too() {
    on_runtime(async {
        let world = World::new();
        let web = Web::always(Reply::Hold(Vec::new()));
        std::fs::write(world.path("log"), "before\n").unwrap();
        let request = Http {
            url: piton_core::expr::Template::parse(&web.url("/")).unwrap(),
            method: Method::Post,
            headers: [].into(),
            body: None,
            status: Vec::new(),
        };
        let node = step("a").action(Action::Http(request)).evidence("log");
        let run = world.submit(plan("keeps").node(node)).await;
        die_when(&world.doomed(), &run, || web.seen().len() == 1).await;
        assert_eq!(world.drive(&run).await.unwrap(), DriveEnd::Waiting);
        let all = ended(&world, &run).await;
        assert_eq!(all[0].1.status, OutcomeStatus::Unknown);
        assert_eq!(
            copy(&world, &run, all[0].0, &all[0].1.evidence[0]),
            "before\n"
        );
    });
}

#[test]
fn each_item_keeps_its_own() {
    on_runtime(async {
        let world = World::new();
        let node = step("a")
            .for_each("['eu', 'us']")
            .exec(&["sh", "-c", "echo $0 > $0.log", "${{ item }}"])
            .evidence("${{ item }}.log");
        let (run, end) = world.run(plan("keeps").node(node)).await;
        assert_eq!(end, SUCCEEDED);
        let all = ended(&world, &run).await;
        let copies: Vec<_> = all
            .iter()
            .map(|(attempt, result)| copy(&world, &run, *attempt, &result.evidence[0]))
            .collect();
        assert_eq!(copies, ["eu\n", "us\n"]);
    });
}

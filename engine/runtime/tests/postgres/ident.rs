//! Names of tables that are put into SQL, on both kinds of databases.

use super::cluster::Cluster;
use super::{done, first, request};
use crate::driver::support::{FAILED, SUCCEEDED, World, on_runtime};
use piton_core::expr::Template;
use piton_core::plan::{Action, Sql};
use piton_core::sim::plans::{PlanBuilder, plan, step};
use piton_core::value::Value;
use piton_runtime::action::sql::Request;

/// A name that would end its quotes, and the statement, if it could.
const NAME: &str = "my \"best\" table\"; drop table other; --";

/// Makes a table of this name, and reads from it.
fn table(on: &str, name: &str) -> PlanBuilder {
    let sql = |text: &str, script| {
        Action::Sql(Sql {
            on: Template::parse(on).unwrap(),
            text: Template::parse(text).unwrap(),
            script,
            read_only: false,
            bind: Vec::new(),
        })
    };
    let made = "create table other (n int); create table ${{ ident(params.table) }} (n int); insert into ${{ ident(params.table) }} values (7)";
    let read = "select n from ${{ ident(params.table) }}";
    plan("named")
        .param("table", name.into())
        .node(step("make").action(sql(made, true)))
        .node(
            step("read")
                .needs(&["make"])
                .action(sql(read, false))
                .output("n", "value"),
        )
        .node(
            step("tell")
                .needs(&["read"])
                .env("N", "${{ steps.read.outputs.n }}")
                .script("echo \"$N\" > n"),
        )
}

#[test]
fn a_table_of_any_name_is_used_on_sqlite() {
    on_runtime(async {
        let world = World::new();
        let (_, end) = world.run(table("sqlite:x.db", NAME)).await;
        assert_eq!(end, SUCCEEDED);
        assert_eq!(world.text("n"), "7\n");
        let file = rusqlite::Connection::open(world.path("x.db")).unwrap();
        let mut tables = file
            .prepare("select name from sqlite_master order by name")
            .unwrap();
        let names: Result<Vec<String>, _> =
            tables.query_map([], |row| row.get(0)).unwrap().collect();
        assert_eq!(names.unwrap(), [NAME, "other"]);
        let (_, end) = world.run(table("sqlite:none.db", "a\0b")).await;
        assert_eq!(end, FAILED);
        assert!(!world.path("none.db").exists(), "nothing was sent");
    });
}

#[test]
fn a_table_of_any_name_is_used_on_postgres() {
    on_runtime(async {
        let server = Cluster::start();
        let world = World::new();
        let (_, end) = world.run(table(&server.url(), NAME)).await;
        assert_eq!(end, SUCCEEDED);
        assert_eq!(world.text("n"), "7\n");
        let named = "select array_agg(relname::text order by relname) from pg_class where relname in ($1, 'other')";
        let names = done(Request {
            bind: vec![NAME.into()],
            ..request(&server.url(), named)
        });
        let names = first(names.await);
        assert_eq!(names, Value::List(vec![NAME.into(), "other".into()]));
    });
}

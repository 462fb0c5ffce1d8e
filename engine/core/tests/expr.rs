//! Expressions and templates through their public face.

#![allow(
    clippy::unwrap_used,
    reason = "in a test, a panic is how a failure is reported"
)]

use piton_core::expr::{
    ExprError, Expression, Resolved, Scope, Template, Type, TypeResolved, TypeScope, find_splices,
};
use piton_core::record::Bound;
use piton_core::text::Piece;
use piton_core::time::{Millis, Timestamp};
use piton_core::value::Value;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A tree of names.
enum Names {
    Value(Value),
    Namespace(BTreeMap<&'static str, Names>),
}

impl Scope for Names {
    fn resolve(&self, path: &[String]) -> Resolved {
        match (self, path.split_first()) {
            (Names::Value(value), None) => Resolved::Value(value.clone()),
            (Names::Namespace(_), None) => Resolved::Namespace,
            (Names::Namespace(names), Some((first, rest))) => names
                .get(first.as_str())
                .map_or(Resolved::Unknown, |names| Scope::resolve(names, rest)),
            (Names::Value(_), Some(_)) => Resolved::Unknown,
        }
    }
}

impl TypeScope for Names {
    fn resolve(&self, path: &[String]) -> TypeResolved {
        match Scope::resolve(self, path) {
            // Outputs have no type before the run.
            Resolved::Value(_)
                if path
                    .first()
                    .is_some_and(|first| first == "steps" || first == "json") =>
            {
                TypeResolved::Type(Type::Any)
            }
            Resolved::Value(value) => TypeResolved::Type(Type::of(&value)),
            Resolved::Namespace => TypeResolved::Namespace,
            Resolved::Unknown => TypeResolved::Unknown {
                message: format!("there is no `{}`", path.join(".")),
                help: None,
            },
        }
    }
}

fn names<const N: usize>(names: [(&'static str, Names); N]) -> Names {
    Names::Namespace(BTreeMap::from(names))
}

fn json(text: &str) -> Value {
    Value::from_json(&serde_json::from_str(text).unwrap())
}

fn scope() -> Names {
    let value = |text: &str| Names::Value(json(text));
    names([
        (
            "params",
            names([
                ("n", value("7")),
                ("ratio", value("0.5")),
                ("name", value("\"héllo\"")),
                ("on", value("true")),
                ("none", value("null")),
                ("regions", value("[\"eu\", \"us\"]")),
                ("wait", Names::Value(Value::Duration(Millis(90_000)))),
                (
                    "at",
                    Names::Value(Value::Timestamp(Timestamp(1_700_000_000_000))),
                ),
            ]),
        ),
        (
            "secrets",
            names([("db_url", Names::Value(Value::Secret("db_url".into())))]),
        ),
        (
            "steps",
            names([
                (
                    "choose-backup",
                    names([
                        ("outputs", names([("x", value("5"))])),
                        ("status", value("\"succeeded\"")),
                    ]),
                ),
                ("a", names([("outputs", names([("y", value("3"))]))])),
            ]),
        ),
        (
            "rows",
            value("[{\"id\": 1, \"name\": \"ann\"}, {\"id\": 2, \"name\": null}]"),
        ),
        (
            "json",
            value("{\"a\": {\"b\": [10, 20]}, \"weird key\": 1}"),
        ),
        ("value", value("0")),
    ])
}

fn evaluate(text: &str) -> Result<Value, ExprError> {
    Expression::parse(text)?.evaluate(&scope())
}

#[track_caller]
fn gives(text: &str, expected: impl Into<Value>) {
    let expected = expected.into();
    match evaluate(text) {
        Ok(value) => assert_eq!(value, expected, "{text}"),
        Err(error) => panic!("{text}: {error} at {:?} ({:?})", error.span, error.help),
    }
    let expression = Expression::parse(text).unwrap();
    let found = expression
        .check(&scope())
        .unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    let actual = Type::of(&expected);
    // What is known of a list's items may be more before the run than what its value shows, and the reverse.
    let agrees = found == Type::Any
        || found == actual
        || matches!(
            (&found, &actual),
            (Type::List(_), Type::List(_)) | (Type::Map(_), Type::Map(_))
        );
    assert!(agrees, "{text}: checked as {found}, is {actual}");
}

#[track_caller]
fn fails(text: &str, at: &str, message: &str) {
    let error = evaluate(text).expect_err(text);
    assert_eq!(
        text.get(error.span.clone()),
        Some(at),
        "{text}: {error} at {:?}",
        error.span
    );
    assert!(error.message.contains(message), "{text}: {error}");
}

#[test]
fn arithmetic_keeps_types_and_precedence() {
    gives("1 + 2 * 3", 7);
    gives("(1 + 2) * 3", 9);
    gives("10 - 3 - 2", 5);
    gives("-7 / 2", -3);
    gives("-7 % 3", -1);
    gives("--7", 7);
    gives("-9223372036854775808", i64::MIN);
    gives("0xff", 255);
    gives("1.5 + .5", Value::Float(2.0));
    gives("1e3", Value::Float(1000.0));
    gives("'a' + \"b\"", "ab");
    gives("[1] + [2, 3,]", json("[1,2,3]"));
    gives("params.n-1", 6);
    fails(
        "9223372036854775807 + 1",
        "9223372036854775807 + 1",
        "64-bit",
    );
    fails(
        "-(-9223372036854775808)",
        "-(-9223372036854775808)",
        "64-bit",
    );
    fails("9223372036854775808", "9223372036854775808", "64 bits");
    fails("1 / 0", "1 / 0", "divides by zero");
    fails(
        "-9223372036854775808 % -1",
        "-9223372036854775808 % -1",
        "64-bit",
    );
    fails("1e308 * 10.0", "1e308 * 10.0", "too large");
    fails("1 + 1.0", "1 + 1.0", "`+` does not take an int and a float");
    fails(
        "'a' + 1",
        "'a' + 1",
        "`+` does not take a string and an int",
    );
}

#[test]
fn comparisons_mix_ints_and_floats_exactly() {
    gives("1 == 1.0", true);
    gives("1 < 1.5", true);
    gives("9007199254740993 == 9007199254740992.0", false);
    gives("9223372036854775807 < 9223372036854775808.0", true);
    gives("-1 > -1.5", true);
    gives("'a' < 'b' && true > false", true);
    gives("[1, 2.0] == [1.0, 2]", true);
    gives("params.none == null", true);
    gives("2 in [1, 2]", true);
    gives("'a' in json && !('z' in json)", true);
    fails("'a' < 1", "'a' < 1", "does not take");
}

#[test]
fn time_has_arithmetic() {
    gives("params.at + params.wait - params.at", Millis(90_000));
    gives(
        "duration('1h30m') - duration('30m') == duration('1h')",
        true,
    );
    gives(
        "timestamp('2026-01-01T00:00:00Z') + duration('1d')",
        "2026-01-02T00:00:00Z".parse::<Timestamp>().unwrap(),
    );
    gives("params.wait.getSeconds()", 90);
    gives("string(params.wait)", "1m30s");
    gives("params.at - params.wait < params.at", true);
    gives("format(params.at, '%Y%m')", "202311");
    gives("'drill-' + params.at.format('%F')", "drill-2023-11-14");
    fails(
        "format(params.at, 'since %Q')",
        "format(params.at, 'since %Q')",
        "no part `%Q`",
    );
    fails(
        "format(params.wait, '%Y')",
        "format(params.wait, '%Y')",
        "does not take",
    );
    gives("int(params.at)", 1_700_000_000);
    fails(
        "duration('1m') - duration('2m')",
        "duration('1m') - duration('2m')",
        "less than nothing",
    );
    fails(
        "timestamp(9223372036854775807)",
        "timestamp(9223372036854775807)",
        "years 1 to 9999",
    );
    fails(
        "timestamp('9999-12-31T23:59:59Z') + duration('1d')",
        "timestamp('9999-12-31T23:59:59Z') + duration('1d')",
        "years",
    );
}

#[test]
fn and_and_or_forgive_an_error_that_does_not_matter() {
    for text in [
        "false && 1 / 0 == 1",
        "1 / 0 == 1 && false",
        "!(true || 1 / 0 == 1)",
        "!(1 / 0 == 1 || true)",
    ] {
        gives(text, false);
    }
    fails("true && 1 / 0 == 1", "1 / 0", "zero");
    fails("1 / 0 == 1 || false", "1 / 0", "zero");
    fails("1 && true", "1", "true or false");
    gives("[0, 1].exists(x, 1 / x == 1)", true);
    gives("[0, 2].all(x, 4 / x == 1)", false);
    fails("[0, 1].all(x, 1 / x == 1)", "1 / x", "zero");
}

#[test]
fn names_members_and_nodes_with_dashes() {
    gives("steps.choose-backup.outputs.x", 5);
    gives("steps['choose-backup'].outputs['x']", 5);
    gives("steps.choose-backup.outputs.x-steps.a.outputs.y", 2);
    gives("steps . a . outputs . y", 3);
    gives("json.a.b[1] + json['weird key']", 21);
    gives("rows[0].name", "ann");
    gives("rows.map(r, r.id)", json("[1, 2]"));
    gives("has(steps.a.outputs.y) && !has(json.nothing)", true);
    fails(
        "params.nope",
        "params.nope",
        "`params.nope` has no value here",
    );
    fails("params", "params", "not a value by itself");
    fails("params['n' + 'o']", "'n' + 'o'", "has to be named");
    fails("rows[2]", "2", "no item 2 in a list of 2");
    fails("rows[-1]", "-1", "no item -1");
    fails("json.aa", "aa", "no key `aa`");
    fails("params.n.x", "x", "the int 7 has no members");
    let has = Expression::parse("has(steps.gone.outputs.x)").unwrap();
    assert_eq!(has.evaluate(&scope()), Ok(Value::Bool(false)));
}

#[test]
fn comprehensions_and_functions() {
    gives("[1, 2, 3].filter(x, x > 1).map(x, x * x)", json("[4, 9]"));
    gives("[1, 2, 3].map(x, x > 1, string(x)).join('-')", "2-3");
    gives(
        "[1, 2].exists_one(x, x == 2) && ![2, 2].exists_one(x, x == 2)",
        true,
    );
    gives("[[1], [2]].all(x, x.all(y, y > 0 && size(x) == 1))", true);
    gives("{'b': 1, 'a': 2}.map(k, k)", json("[\"a\", \"b\"]"));
    gives("params.name.size() + size(rows) + size({})", 7);
    gives(
        "'a,b'.split(',') == ['a', 'b'] && 'ab'.split('') == ['a', 'b']",
        true,
    );
    gives("' Ab '.trim().lowerAscii() + 'x'.upperAscii()", "abX");
    gives(
        "'hello'.startsWith('he') && 'hello'.endsWith('lo') && 'hello'.contains('ell')",
        true,
    );
    gives("'aXbX'.replace('X', '--')", "a--b--");
    gives("int('42') + int(3.9) + int(' -1\n')", 44);
    gives("double('0.5') + double(1)", Value::Float(1.5));
    gives("bool('true') ? 'y' : 'n'", "y");
    gives("false ? 1 : true ? 2 : 3", 2);
    gives("max(1, 2.5)", Value::Float(2.5));
    gives("min([3, 1, 2]) + abs(-4)", 5);
    gives(
        r#"'\n\t\\\'\x41\u00e9\U0001F600'"#,
        "\n\t\\'A\u{e9}\u{1f600}",
    );
    fails("min([])", "min([])", "does not take");
    fails("[1].join()", "[1].join()", "item 0 is an int");
    fails("int('x')", "int('x')", "does not read as an int");
}

#[test]
fn what_does_not_parse_says_what_was_expected_and_where() {
    for (text, at, message, help) in [
        ("", "", "there is no expression here", None),
        ("  ", "  ", "there is no expression here", None),
        ("1 ==", "", "expected a value after `==`", None),
        ("1 == )", ")", "closes nothing", Some("remove it")),
        (
            "(1 == )",
            ")",
            "expected a value after `==`, and `)` stands here",
            None,
        ),
        (
            "a = 1",
            "=",
            "expected an operator before `=`",
            Some("`==` compares"),
        ),
        (
            "a and b",
            "and",
            "expected an operator before `and`",
            Some("`&&` means and"),
        ),
        (
            "a & b",
            "&",
            "expected an operator before `&`",
            Some("`&&` means and"),
        ),
        (
            "not a",
            "a",
            "expected an operator before `a`",
            Some("`!` means not"),
        ),
        (
            "a ? b",
            "",
            "expected `:` and the other value",
            Some("a choice is written `condition ? value : other_value`"),
        ),
        (
            "{'a'}",
            "}",
            "expected `:` and a value after a key",
            Some("a map is written `{'key': value}`"),
        ),
        ("a.", "", "expected a name after `.`", None),
        ("steps.1", "1", "expected a name after `.`", None),
        (
            "x > 5m",
            "m",
            "expected an operator before `m`",
            Some("a length of time is written `duration('5m')`"),
        ),
        (
            "(1",
            "(",
            "this `(` is not closed",
            Some("close it with `)`"),
        ),
        ("[1)", ")", "does not close the `[`", Some("write `]` here")),
        ("'abc", "'abc", "this string is not closed", None),
        ("'a\\qb'", "\\q", "does not stand for a character", None),
        ("lenght(x)", "lenght", "there is no function `lenght`", None),
        (
            "siez(x)",
            "siez",
            "there is no function `siez`",
            Some("did you mean `size`?"),
        ),
        (
            "x.matches('a')",
            "matches",
            "there is no function `matches`",
            None,
        ),
        (
            "contains('a', 'b')",
            "contains",
            "not written in this form",
            Some("write `text.contains('part')`"),
        ),
        (
            "size(1, 2)",
            "size(1, 2)",
            "`size` does not take 2 arguments",
            Some("write `size(list)`"),
        ),
        (
            "'a'.contains()",
            "'a'.contains()",
            "`contains` does not take 0 arguments",
            None,
        ),
        ("has(x)", "x", "asks whether a member is there", None),
        (
            "xs.all(x)",
            "xs.all(x)",
            "`all` does not take 1 argument",
            None,
        ),
        ("xs.all(1, true)", "1", "this has to be a name", None),
        ("“a”", "“", "expected a value", Some("strings stand in")),
        ("1 2", "2", "expected an operator before `2`", None),
        ("é", "é", "expected a value", None),
    ] {
        let error = Expression::parse(text).expect_err(text);
        assert!(error.message.contains(message), "{text}: {error}");
        assert_eq!(
            text.get(error.span.clone()),
            Some(at),
            "{text}: {error} at {:?}",
            error.span
        );
        if let Some(help) = help {
            assert!(
                error
                    .help
                    .as_deref()
                    .is_some_and(|found| found.contains(help)),
                "{text}: {:?}",
                error.help
            );
        }
    }
}

#[test]
fn the_checker_reports_everything_at_its_place() {
    for (text, expected) in [
        (
            "params.n + 'x'",
            vec![("params.n + 'x'", "`+` does not take an int and a string")],
        ),
        (
            "params.nope || zip",
            vec![
                ("nope", "there is no `params.nope`"),
                ("zip", "there is no `zip`"),
            ],
        ),
        ("params.n == '7'", vec![("params.n == '7'", "never equal")]),
        (
            "params.n && true",
            vec![("params.n && true", "does not take an int and a bool")],
        ),
        ("params.name.foo", vec![("foo", "a string has no members")]),
        (
            "params.regions.name",
            vec![("name", "a list of string has no members")],
        ),
        ("params.regions['x']", vec![("'x'", "taken by an int")]),
        (
            "size(params.n)",
            vec![("size(params.n)", "`size` does not take an int")],
        ),
        (
            "params.regions.map(r, r + 1)",
            vec![("r + 1", "`+` does not take a string and an int")],
        ),
        ("[1].all(x, x)", vec![("x", "true or false")]),
        (
            "r == 1 && [1].all(r, r == 1)",
            vec![("r", "there is no `r`")],
        ),
        (
            "'a' in 'abc'",
            vec![("'a' in 'abc'", "`in` does not take a string and a string")],
        ),
        (
            "duration('5 minutes')",
            vec![("duration('5 minutes')", "not a length of time")],
        ),
        ("!params.n", vec![("params.n", "true or false")]),
        ("-params.name", vec![("params.name", "`-` takes a number")]),
        ("steps", vec![("steps", "not a value by itself")]),
        (
            "secrets.db_url == 'x'",
            vec![("secrets.db_url", "a secret can only be put into a text")],
        ),
        (
            "[secrets.db_url]",
            vec![("secrets.db_url", "a secret can only be put into a text")],
        ),
        (
            "size(secrets.db_url)",
            vec![("secrets.db_url", "a secret can only be put into a text")],
        ),
        (
            "secrets.db_url.x",
            vec![("secrets.db_url", "a secret can only be put into a text")],
        ),
    ] {
        let errors = Expression::parse(text)
            .unwrap()
            .check(&scope())
            .expect_err(text);
        let found: Vec<_> = errors
            .iter()
            .map(|error| &text[error.span.clone()])
            .collect();
        assert_eq!(
            found,
            expected.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
            "{text}: {errors:?}"
        );
        for (error, (_, message)) in errors.iter().zip(&expected) {
            assert!(error.message.contains(message), "{text}: {error}");
        }
    }
    let checked = |text: &str| {
        Expression::parse(text)
            .unwrap()
            .check(&scope())
            .unwrap()
            .to_string()
    };
    assert_eq!(checked("secrets.db_url"), "secret");
    assert_eq!(checked("steps.a.outputs.y + 1"), "int");
    assert_eq!(checked("steps.a.outputs.y + steps.a.outputs.y"), "any");
    assert_eq!(checked("params.regions.map(r, size(r))"), "list of int");
    assert_eq!(checked("rows[0].id"), "any");
    assert_eq!(checked("params.at - params.at"), "duration");
}

#[test]
fn references_are_the_paths_without_variables() {
    let text = "steps.choose-backup.outputs.x > 1 && rows.all(r, r.id in json['a'].b && params.n > rows[0].id)";
    let references = Expression::parse(text).unwrap().references();
    let paths: Vec<String> = references
        .iter()
        .map(|reference| reference.path.join("/"))
        .collect();
    assert_eq!(
        paths,
        [
            "steps/choose-backup/outputs/x",
            "rows",
            "json/a/b",
            "params/n",
            "rows"
        ]
    );
    let first = &references[0];
    assert_eq!(&text[first.span.clone()], "steps.choose-backup.outputs.x");
    let parts: Vec<&str> = first.spans.iter().map(|span| &text[span.clone()]).collect();
    assert_eq!(parts, ["steps", "choose-backup", "outputs", "x"]);
    assert_eq!(
        Expression::parse("steps['choose-backup'].outputs.x")
            .unwrap()
            .references()[0]
            .path,
        Expression::parse("steps.choose-backup.outputs.x")
            .unwrap()
            .references()[0]
            .path
    );
}

#[test]
fn secrets_go_into_templates_and_nowhere_else() {
    for text in [
        "secrets.db_url + 'x'",
        "[secrets.db_url]",
        "secrets.db_url == secrets.db_url",
        "string(secrets.db_url)",
        "secrets.db_url.x",
        "has(secrets.db_url.x)",
        "true ? secrets.db_url : 'x'",
    ] {
        fails(
            text,
            "secrets.db_url",
            "the secret `db_url` can only be put into a text",
        );
    }
    let template = Template::parse("url=${{ secrets.db_url }}!").unwrap();
    let text = template.render(&scope()).unwrap();
    assert_eq!(
        text.pieces,
        [
            Piece::Literal("url=".into()),
            Piece::Secret("db_url".into()),
            Piece::Literal("!".into())
        ]
    );
    assert_eq!(template.value(&scope()), Ok(Bound::Text(text)));
    let alone = Template::parse("${{secrets.db_url}}")
        .unwrap()
        .value(&scope())
        .unwrap();
    assert!(matches!(alone, Bound::Text(text) if text.shown() == "[secret db_url]"));
}

#[test]
fn templates_render_and_keep_a_lone_values_type() {
    let render = |text: &str| {
        Template::parse(text)
            .unwrap()
            .render(&scope())
            .map(|text| text.shown())
    };
    assert_eq!(
        render("a ${{ params.n }}/${{params.name}} z"),
        Ok("a 7/héllo z".into())
    );
    assert_eq!(
        render("${{ params.wait }} ${{ params.at }} ${{ params.regions }} ${{ 2.0 }}"),
        Ok(r#"1m30s 2023-11-14T22:13:20Z ["eu","us"] 2.0"#.into())
    );
    assert_eq!(
        render("$${{ x }} $ { ${{ {'a': {'b': '}}'}} }} }}"),
        Ok(r#"${{ x }} $ { {"a":{"b":"}}"}} }}"#.into())
    );
    assert_eq!(render(""), Ok(String::new()));
    let null = render("x ${{ params.none }}").unwrap_err();
    assert_eq!((null.span, null.message.contains("null")), (6..17, true));
    let value = |text: &str| Template::parse(text).unwrap().value(&scope());
    assert_eq!(value("${{ params.n }}"), Ok(Bound::Value(Value::Int(7))));
    assert_eq!(value("${{ params.none }}"), Ok(Bound::Value(Value::Null)));
    assert_eq!(
        value(" ${{ params.n }}"),
        Ok(Bound::Value(Value::String(" 7".into())))
    );
    assert_eq!(value("7"), Ok(Bound::Value(Value::String("7".into()))));
    for (text, span, message) in [
        ("é ${{ 1 + }}", 11..11, "expected a value after `+`"),
        ("a ${{ b", 2..5, "not closed"),
        ("a ${{ }} b", 2..8, "no expression"),
        ("a ${{ 'x }} b", 2..5, "not closed"),
    ] {
        let error = Template::parse(text).unwrap_err();
        assert!(error.message.contains(message), "{text}: {error}");
        assert_eq!(error.span, span, "{text}");
    }
    let error = Template::parse("ab ${{ 1 / 0 }}")
        .unwrap()
        .render(&scope())
        .unwrap_err();
    assert_eq!(error.span, 7..12);
    let template = Template::parse("${{ a }} ${{b}}").unwrap();
    let found: Vec<_> = template
        .expressions()
        .map(|(at, it)| (at, it.text()))
        .collect();
    assert_eq!(found, [(3, " a "), (12, "b")]);
    assert_eq!(
        find_splices("a ${{ b }} $${{ c }} ${{ '}}' }} ${{ d"),
        [2..10, 21..32, 33..38]
    );
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the test measures that nothing takes long"
)]
fn hostile_texts_end_soon_with_an_error_on_a_small_stack() {
    let long = 10_000;
    let texts = [
        "(".repeat(65) + "1" + &")".repeat(65),
        "[".repeat(100_000),
        "[".repeat(30_000) + &"]".repeat(30_000),
        "1".to_owned() + &"+1".repeat(long),
        "true".to_owned() + &"&&true".repeat(8_000),
        "!".repeat(60_000) + "true",
        "-".repeat(60_000) + "1",
        "a".to_owned() + &".b".repeat(30_000),
        "a".to_owned() + &"[0]".repeat(20_000),
        "a".to_owned() + &".trim()".repeat(9_000),
        "true?1:".repeat(9_000) + "1",
        "steps.a".to_owned() + &"-".repeat(60_000),
        "f".repeat(60_000) + "(1)",
        "f".repeat(30_000) + " " + &"g".repeat(30_000),
        "'".to_owned() + &"x".repeat(70_000) + "'",
        "(".repeat(64) + "1 +" + &")".repeat(64),
        "[a ? {'x': ".repeat(32) + "1" + &"} : ]".repeat(32),
        "(1 + ".repeat(64) + &")".repeat(64),
        "f(f(".repeat(32) + &"))".repeat(32),
    ];
    let deep_but_fine = [
        ("(".repeat(64) + "1" + &")".repeat(64), Value::Int(1)),
        (
            "[".repeat(30) + "1" + &"]".repeat(30) + &"[0]".repeat(30),
            Value::Int(1),
        ),
        ("1".to_owned() + &"+1".repeat(190), Value::Int(191)),
        ("!".repeat(180) + "true", Value::Bool(true)),
        (
            "true?".to_owned() + &"1:true?".repeat(150) + "1:2",
            Value::Int(1),
        ),
        (
            "[1].all(x,".repeat(60) + "true" + &")".repeat(60),
            Value::Bool(true),
        ),
        (
            "1 + (".repeat(60) + "1 + 1 + 1" + &")".repeat(60),
            Value::Int(63),
        ),
        (
            "{'k': ".repeat(32)
                + "size(["
                + &"{'k': ".repeat(30)
                + "1"
                + &"}".repeat(30)
                + "])"
                + &"}".repeat(32)
                + &"['k']".repeat(32),
            Value::Int(1),
        ),
        (
            "[".repeat(60) + "'a'" + &"].map(x, [x])".repeat(60) + "[0]" + ".size() == 1",
            Value::Bool(true),
        ),
        (
            "has(json.a) && [1].all(a, ".repeat(40) + "true" + &")".repeat(40),
            Value::Bool(true),
        ),
        (
            "true && (".repeat(60) + "!!true" + &")".repeat(60),
            Value::Bool(true),
        ),
    ];
    let work = move || {
        for text in &texts {
            let start = Instant::now();
            let error = Expression::parse(text).expect_err("too deep or too long");
            assert!(text.get(error.span.clone()).is_some(), "{error}");
            assert!(
                error.message.len() < 600,
                "a message repeats {} bytes",
                error.message.len()
            );
            assert!(
                start.elapsed() < Duration::from_secs(2),
                "{} took {:?}",
                &text[..20],
                start.elapsed()
            );
        }
        for (text, expected) in deep_but_fine {
            let expression =
                Expression::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(expression.check(&scope()).is_ok(), "{text}");
            assert_eq!(expression.evaluate(&scope()), Ok(expected), "{text}");
            assert!(
                !expression
                    .references()
                    .iter()
                    .any(|reference| reference.path.is_empty())
            );
        }
    };
    // Three quarters of what a test's or a runtime's thread has.
    std::thread::Builder::new()
        .stack_size(1536 * 1024)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn an_evaluation_has_a_budget() {
    let hundred = format!("[{}]", vec!["1"; 100].join(","));
    let nested = format!("{hundred}.all(a, {hundred}.all(b, {hundred}.all(c, true)))");
    let error = evaluate(&nested).unwrap_err();
    assert!(error.message.contains("500000 steps"), "{error}");
    let bytes = format!(
        "{hundred}.map(a, 'x').join('{}').replace('y', '{}').size() > 0",
        "y".repeat(9_000),
        "z".repeat(9_000)
    );
    let error = evaluate(&bytes).unwrap_err();
    assert!(
        error.message.contains("longer than an expression may make"),
        "{error}"
    );
    let doubled = format!(
        "[{}].map(s, s + s + s + s)",
        vec![format!("'{}'", "x".repeat(600)); 100].join(",")
    );
    assert!(evaluate(&doubled).is_ok());
    // Running out is not an error that `||` forgives.
    let error = evaluate(&format!("{nested} || true")).unwrap_err();
    assert!(error.message.contains("steps"), "{error}");
    let many = format!(
        "{hundred}.map(a, {hundred}).all(x, x.all(y, has(steps.a.outputs.y) && has(params.wide)))"
    );
    assert_eq!(evaluate(&many), Ok(Value::Bool(false)));
    let long = evaluate(&format!("params.{}", "x".repeat(60_000))).unwrap_err();
    assert!(long.message.len() < 600);
    let deep = "[".repeat(50) + &"]".repeat(50);
    assert!(
        evaluate(&deep)
            .unwrap_err()
            .message
            .contains("nested more than")
    );
}

#[test]
fn stored_forms_read_back() {
    let expression = Expression::parse(" steps.a-b.outputs.x == 'y' ").unwrap();
    let stored = serde_json::to_string(&expression).unwrap();
    assert_eq!(stored, r#"" steps.a-b.outputs.x == 'y' ""#);
    assert_eq!(
        serde_json::from_str::<Expression>(&stored).unwrap(),
        expression
    );
    assert!(
        serde_json::from_str::<Expression>("\"1 +\"")
            .unwrap_err()
            .to_string()
            .contains("expected a value")
    );
    let template = Template::parse("a ${{ b }}").unwrap();
    assert_eq!(
        serde_json::from_str::<Template>(&serde_json::to_string(&template).unwrap()).unwrap(),
        template
    );
}

/// Texts that mostly parse.
fn expression_text() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "0",
        "-3",
        "2.5",
        "'é'",
        "\"\"",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "params.n",
        "params.name",
        "params.none",
        "params.wait",
        "params.at",
        "rows",
        "json",
        "json.a.b",
        "steps.choose-backup.outputs.x",
        "steps.nope.outputs",
        "secrets.db_url",
        "params",
        "9223372036854775807",
        "x",
        "duration('1h')",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operator = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||",
        ]);
        let function = prop::sample::select(vec![
            "size",
            "string",
            "int",
            "double",
            "bool",
            "duration",
            "timestamp",
            "min",
            "max",
            "abs",
        ]);
        let method = prop::sample::select(vec![
            "trim()",
            "split(',')",
            "join()",
            "size()",
            "lowerAscii()",
            "a",
            "name",
        ]);
        let comprehension =
            prop::sample::select(vec!["all", "exists", "exists_one", "filter", "map"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("!{a}")),
            inner.clone().prop_map(|a| format!("-{a}")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a}) ? ({b}) : {c}")),
            (function, inner.clone()).prop_map(|(name, a)| format!("{name}({a})")),
            (inner.clone(), method).prop_map(|(a, method)| format!("({a}).{method}")),
            (inner.clone(), comprehension, inner.clone())
                .prop_map(|(a, kind, b)| format!("({a}).{kind}(x, {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{{'k': {a}, 'l': {b}}}")),
        ]
    })
}

#[track_caller]
fn in_text(text: &str, span: &std::ops::Range<usize>) {
    assert!(text.get(span.clone()).is_some(), "{span:?} in {text:?}");
}

/// Everything that can be asked of a text; nothing may panic, and every span has to be one of the text.
fn ask_everything(text: &str) -> bool {
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(error) => {
            in_text(text, &error.span);
            return false;
        }
    };
    for reference in expression.references() {
        in_text(text, &reference.span);
        assert_eq!(reference.path.len(), reference.spans.len());
        reference.spans.iter().for_each(|span| in_text(text, span));
    }
    let checked = expression.check(&scope());
    if let Err(errors) = &checked {
        errors.iter().for_each(|error| in_text(text, &error.span));
    }
    match expression.evaluate(&scope()) {
        Ok(value) => {
            let stored = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&stored).unwrap(), value);
            // What the checker promised holds, items of lists and maps aside.
            if let Ok(found) = checked {
                let actual = Type::of(&value);
                let same_kind = matches!(
                    (&found, &actual),
                    (Type::List(_), Type::List(_)) | (Type::Map(_), Type::Map(_))
                );
                assert!(
                    found == Type::Any || same_kind || found == actual,
                    "{text}: {found} and {actual}"
                );
            }
        }
        Err(error) => in_text(text, &error.span),
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn generated_expressions_parse_and_never_panic(text in expression_text()) {
        prop_assert!(ask_everything(&text), "{text}: {:?}", Expression::parse(&text));
        // In parentheses, with space around, it means the same.
        let wrapped = Expression::parse(&format!(" ( {text} ) ")).unwrap().evaluate(&scope());
        let plain = Expression::parse(&text).unwrap().evaluate(&scope());
        prop_assert_eq!(wrapped.map_err(|error| error.message), plain.map_err(|error| error.message));
    }

    #[test]
    fn any_text_is_answered(text in ".{0,60}") {
        ask_everything(&text);
        if let Err(error) = Template::parse(&text) {
            in_text(&text, &error.span);
        }
        find_splices(&text).iter().for_each(|span| in_text(&text, span));
    }

    #[test]
    fn texts_of_tokens_are_answered(tokens in prop::collection::vec(prop::sample::select(vec![
        "(", ")", "[", "]", "{", "}", "'", "\"", "\\", "${{", "}}", "$", "a", "steps.", ".", ",", ":", "?", "-", "+", "&&",
        "&", "=", "==", "!", "1", "2.5", " ", "in", "é", "true", "has(", "x.map(", "'s'", "\n", "5m",
    ]), 0..25)) {
        let text = tokens.concat();
        ask_everything(&text);
        if let Err(error) = Template::parse(&text) {
            in_text(&text, &error.span);
        }
        find_splices(&text).iter().for_each(|span| in_text(&text, span));
    }

    #[test]
    fn a_literal_template_gives_its_text_back(text in r#"([$]|[{]|[}]|[$][{][{]|a|'|"|\\|é){0,12}"#) {
        let template = Template::literal(&text);
        prop_assert!(template.is_literal());
        prop_assert_eq!(template.render(&scope()).unwrap().shown(), text.clone());
        let again = Template::parse(template.text()).unwrap();
        prop_assert!(again.is_literal());
        prop_assert_eq!(again.render(&scope()).unwrap().shown(), text);
        prop_assert!(find_splices(template.text()).is_empty());
    }
}

#[test]
fn ident_quotes_a_name_and_refuses_what_is_none() {
    let ident = |name: &str| {
        let template = Template::parse("${{ ident(x) }}").expect("a template");
        let scope = Names::Namespace([("x", Names::Value(Value::from(name)))].into());
        template.render(&scope).map(|text| text.shown())
    };
    assert_eq!(ident("users"), Ok("\"users\"".to_owned()));
    assert_eq!(
        ident("a\"; drop b --"),
        Ok("\"a\"\"; drop b --\"".to_owned())
    );
    for name in ["", "a\0b", &"n".repeat(64)] {
        let error = ident(name).expect_err(name);
        assert!(error.message.contains("identifier"), "{error}");
    }
    let expression = |text: &str| Expression::parse(text).expect(text);
    assert!(expression("(ident(a))").is_ident());
    assert!(!expression("ident(a) + ''").is_ident());
    assert_eq!(expression("'' + ident(a)").idents().first(), Some(&(5..13)));
}

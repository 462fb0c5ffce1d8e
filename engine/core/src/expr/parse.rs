//! Text to syntax tree.

use super::ast::{
    Binary, Call, Comprehension, ComprehensionKind, DEEPEST, Field, Kind, Node, Operator,
};
use super::functions::{self, Function};
use super::{ExprError, Range, syntax_error};
use crate::value::Value;
use pest::Parser;
use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};
use std::sync::LazyLock;

/// What the derive of pest makes of the grammar.
#[allow(missing_docs, reason = "the derive of pest writes none")]
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "expr/expression.pest"]
    pub(super) struct Grammar;
}

pub(super) use grammar::Rule;

/// The longest text that is parsed, in bytes.
const LONGEST: usize = 64 * 1024;

static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::or))
        .op(left(Rule::and))
        .op(left(Rule::equal)
            | left(Rule::not_equal)
            | left(Rule::less)
            | left(Rule::less_or_equal)
            | left(Rule::greater)
            | left(Rule::greater_or_equal)
            | left(Rule::contained_in))
        .op(left(Rule::add) | left(Rule::subtract))
        .op(left(Rule::multiply) | left(Rule::divide) | left(Rule::remainder))
});

type Parsed = Result<Node, ExprError>;

/// Reads an expression.
pub(super) fn parse(text: &str) -> Parsed {
    if text.len() > LONGEST {
        let message = format!(
            "this expression is {} bytes long, and the most is {LONGEST}",
            text.len()
        );
        return Err(ExprError::new(0..0, message));
    }
    if let Some(path) = plain_path(text) {
        return path;
    }
    by_grammar(text)
}

/// Reads an expression as the grammar says.
fn by_grammar(text: &str) -> Parsed {
    syntax_error::check_brackets(text)?;
    let mut pairs = grammar::Grammar::parse(Rule::whole, text)
        .map_err(|error| syntax_error::worded(text, &error))?;
    match pairs.next() {
        Some(pair) => expression(pair),
        None => Err(unexpected(0..0)),
    }
}

/// Reads a path of plain names, which is what most expressions are, to the tree that the grammar gives for it. `None`
/// for anything else.
fn plain_path(text: &str) -> Option<Parsed> {
    const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
    let is_name = |name: &str| {
        let mut letters = name.bytes();
        let first = letters.next();
        first.is_some_and(|letter| letter.is_ascii_alphabetic() || letter == b'_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
    };
    // A dash belongs to the name of a node, and is no last letter.
    let is_node = |name: &str| {
        name.split('-').next().is_some_and(is_name)
            && !name.ends_with('-')
            && name
                .bytes()
                .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'-'))
    };
    let start = text.len() - text.trim_start_matches(BLANKS).len();
    let mut names = text.trim_matches(BLANKS).split('.');
    let root = names.next().filter(|root| is_name(root))?;
    if matches!(root, "true" | "false" | "null" | "in") {
        return None;
    }
    let mut end = start + root.len();
    let mut path = node(Kind::Name(root.to_owned()), start..end);
    for (index, name) in names.enumerate() {
        if !(is_name(name) || index == 0 && root == "steps" && is_node(name)) {
            return None;
        }
        let name_span = end + 1..end + 1 + name.len();
        end = name_span.end;
        path = path.and_then(|of| {
            let name = name.to_owned();
            node(
                Kind::Field(Box::new(Field {
                    of,
                    name,
                    name_span,
                })),
                start..end,
            )
        });
    }
    Some(path)
}

/// The grammar and this file disagree. Not reachable while they agree, and an error rather than a panic if not.
fn unexpected(span: Range) -> ExprError {
    ExprError::new(span, "this cannot be read as an expression")
}

/// Where a pair stands. Its rule may have looked past white space for something optional, which is not part of it.
fn span_of(pair: &Pair<Rule>) -> Range {
    let start = pair.as_span().start();
    start
        ..start
            + pair
                .as_str()
                .trim_end_matches([' ', '\t', '\n', '\r'])
                .len()
}

/// A node over its parts, unless the tree gets too deep to be walked.
fn node(kind: Kind, span: Range) -> Parsed {
    let mut made = Node {
        kind,
        span,
        depth: 1,
    };
    made.depth += made
        .children()
        .iter()
        .map(|child| child.depth)
        .max()
        .unwrap_or(0);
    if made.depth > DEEPEST {
        let message = format!("this expression is nested more than {DEEPEST} operators deep");
        return Err(ExprError::new(made.span, message)
            .help("work out a part of it as an output of a step, or use a list and `in`, `all` or `exists`"));
    }
    Ok(made)
}

fn expression(pair: Pair<Rule>) -> Parsed {
    let mut parts = pair
        .into_inner()
        .filter(|part| part.as_rule() == Rule::chain)
        .map(chain)
        .collect::<Result<Vec<_>, _>>()?;
    let end = parts.last().map_or(0, |last| last.span.end);
    let mut result = parts.pop().ok_or_else(|| unexpected(0..0))?;
    // `a ? b : c ? d : e` reads `a ? b : (c ? d : e)`.
    while let (Some(then), Some(condition)) = (parts.pop(), parts.pop()) {
        let span = condition.span.start..end;
        result = node(Kind::Conditional(Box::new([condition, then, result])), span)?;
    }
    Ok(result)
}

fn chain(pair: Pair<Rule>) -> Parsed {
    let mut parts = pair.clone().into_inner();
    if let (Some(only), None) = (parts.next(), parts.next()) {
        return term(only);
    }
    PRECEDENCE
        .map_primary(term)
        .map_infix(|left: Parsed, sign: Pair<Rule>, right: Parsed| {
            let (left, right) = (left?, right?);
            let span = left.span.start..right.span.end;
            let operator = operator(sign.as_rule()).ok_or_else(|| unexpected(span_of(&sign)))?;
            node(
                Kind::Binary(Box::new(Binary {
                    operator,
                    left,
                    right,
                })),
                span,
            )
        })
        .parse(pair.into_inner())
}

fn operator(rule: Rule) -> Option<Operator> {
    Some(match rule {
        Rule::or => Operator::Or,
        Rule::and => Operator::And,
        Rule::equal => Operator::Equal,
        Rule::not_equal => Operator::NotEqual,
        Rule::less => Operator::Less,
        Rule::less_or_equal => Operator::LessOrEqual,
        Rule::greater => Operator::Greater,
        Rule::greater_or_equal => Operator::GreaterOrEqual,
        Rule::contained_in => Operator::In,
        Rule::add => Operator::Add,
        Rule::subtract => Operator::Subtract,
        Rule::multiply => Operator::Multiply,
        Rule::divide => Operator::Divide,
        Rule::remainder => Operator::Remainder,
        _ => return None,
    })
}

fn term(pair: Pair<Rule>) -> Parsed {
    let mut signs = Vec::new();
    let mut parts = pair.into_inner().peekable();
    while let Some(sign) = parts.next_if(|part| matches!(part.as_rule(), Rule::not | Rule::negate))
    {
        signs.push(sign);
    }
    let first = parts.next().ok_or_else(|| unexpected(0..0))?;
    let is_number = matches!(first.as_rule(), Rule::integer | Rule::float);
    let mut result = match signs.pop() {
        // The sign belongs to the number, or else the smallest int could not be written.
        Some(sign) if sign.as_rule() == Rule::negate && is_number && parts.peek().is_none() => {
            number(&first, span_of(&sign).start, true)?
        }
        sign => {
            signs.extend(sign);
            atom(first)?
        }
    };
    for part in parts {
        result = postfix(result, part)?;
    }
    for sign in signs.into_iter().rev() {
        let span = span_of(&sign).start..result.span.end;
        let of = Box::new(result);
        result = node(
            if sign.as_rule() == Rule::not {
                Kind::Not(of)
            } else {
                Kind::Negate(of)
            },
            span,
        )?;
    }
    Ok(result)
}

fn atom(pair: Pair<Rule>) -> Parsed {
    let span = span_of(&pair);
    match pair.as_rule() {
        Rule::integer | Rule::float => number(&pair, span.start, false),
        Rule::string => node(
            Kind::Literal(Value::String(string(pair.as_str(), span.start)?)),
            span,
        ),
        Rule::constant => {
            let value = match pair.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::Null,
            };
            node(Kind::Literal(value), span)
        }
        Rule::node => node_path(pair),
        Rule::name => name(pair),
        Rule::list => list(pair),
        Rule::map => map(pair),
        Rule::parentheses => parentheses(pair),
        _ => Err(unexpected(span)),
    }
}

// One function each, so that the frames of nested brackets stay small.

fn node_path(pair: Pair<Rule>) -> Parsed {
    let span = span_of(&pair);
    let mut parts = pair.into_inner();
    let (Some(steps), Some(name)) = (parts.next(), parts.next()) else {
        return Err(unexpected(span));
    };
    let of = node(Kind::Name(steps.as_str().to_owned()), span_of(&steps))?;
    let (name_span, name) = (span_of(&name), name.as_str().to_owned());
    node(
        Kind::Field(Box::new(Field {
            of,
            name,
            name_span,
        })),
        span,
    )
}

fn name(pair: Pair<Rule>) -> Parsed {
    let span = span_of(&pair);
    let mut parts = pair.into_inner();
    let name = parts.next().ok_or_else(|| unexpected(span))?;
    match parts.next() {
        Some(arguments) => call(None, &name, arguments),
        None => node(Kind::Name(name.as_str().to_owned()), span_of(&name)),
    }
}

fn list(pair: Pair<Rule>) -> Parsed {
    let span = span_of(&pair);
    node(
        Kind::List(
            pair.into_inner()
                .map(expression)
                .collect::<Result<_, _>>()?,
        ),
        span,
    )
}

fn map(pair: Pair<Rule>) -> Parsed {
    let span = span_of(&pair);
    node(
        Kind::Map(pair.into_inner().map(entry).collect::<Result<_, _>>()?),
        span,
    )
}

fn entry(pair: Pair<Rule>) -> Result<(Node, Node), ExprError> {
    let span = span_of(&pair);
    let mut parts = pair
        .into_inner()
        .filter(|part| part.as_rule() == Rule::expression);
    let (Some(key), Some(value)) = (parts.next(), parts.next()) else {
        return Err(unexpected(span));
    };
    Ok((expression(key)?, expression(value)?))
}

fn parentheses(pair: Pair<Rule>) -> Parsed {
    let span = span_of(&pair);
    let inner = pair
        .into_inner()
        .next()
        .ok_or_else(|| unexpected(span.clone()))?;
    Ok(Node {
        span,
        ..expression(inner)?
    })
}

fn postfix(of: Node, pair: Pair<Rule>) -> Parsed {
    let span = of.span.start..span_of(&pair).end;
    let is_index = pair.as_rule() == Rule::index;
    let mut parts = pair.into_inner();
    let first = parts.next().ok_or_else(|| unexpected(span.clone()))?;
    if is_index {
        return node(Kind::Index(Box::new((of, expression(first)?))), span);
    }
    match parts.next() {
        Some(arguments) => call(Some(of), &first, arguments),
        None => {
            let (name_span, name) = (span_of(&first), first.as_str().to_owned());
            node(
                Kind::Field(Box::new(Field {
                    of,
                    name,
                    name_span,
                })),
                span,
            )
        }
    }
}

fn call(receiver: Option<Node>, name: &Pair<Rule>, arguments: Pair<Rule>) -> Parsed {
    let name_span = span_of(name);
    let start = receiver
        .as_ref()
        .map_or(name_span.start, |receiver| receiver.span.start);
    let span = start..span_of(&arguments).end;
    let mut arguments = arguments
        .into_inner()
        .map(expression)
        .collect::<Result<Vec<_>, _>>()?;
    match (receiver, ComprehensionKind::find(name.as_str())) {
        (Some(over), Some(kind)) => comprehension(kind, over, name, arguments, span),
        (None, Some(_)) => Err(ExprError::new(
            name_span,
            format!(
                "`{0}` is written after a list: `list.{0}(x, …)`",
                name.as_str()
            ),
        )),
        (None, None) if name.as_str() == "has" => has(arguments, span),
        (receiver, None) => {
            let is_method = receiver.is_some();
            let function =
                Function::find(name.as_str(), is_method).map_err(|fault| fault.at(name_span))?;
            arguments.splice(0..0, receiver);
            function
                .check_count(arguments.len(), is_method)
                .map_err(|fault| fault.at(span.clone()))?;
            node(
                Kind::Call(Box::new(Call {
                    function,
                    arguments,
                })),
                span,
            )
        }
    }
}

fn has(arguments: Vec<Node>, span: Range) -> Parsed {
    let help = "write `has(steps.fetch.outputs.path)`";
    let mut arguments = arguments.into_iter();
    let (Some(of), None) = (arguments.next(), arguments.next()) else {
        return Err(ExprError::new(span, "`has` takes one argument").help(help));
    };
    let is_member = match &of.kind {
        Kind::Field(_) => true,
        Kind::Index(parts) => matches!(parts.1.kind, Kind::Literal(Value::String(_))),
        _ => false,
    };
    if !is_member {
        return Err(ExprError::new(
            of.span,
            "`has` asks whether a member is there, and this is not one",
        )
        .help(help));
    }
    node(Kind::Has(Box::new(of)), span)
}

fn comprehension(
    kind: ComprehensionKind,
    over: Node,
    name: &Pair<Rule>,
    arguments: Vec<Node>,
    span: Range,
) -> Parsed {
    let usage = format!(
        "write `list.{}(x, …)`: a name for each item, then what to work out with it",
        name.as_str()
    );
    let count = arguments.len();
    let mut arguments = arguments.into_iter();
    let (variable, second, third, None) = (
        arguments.next(),
        arguments.next(),
        arguments.next(),
        arguments.next(),
    ) else {
        return Err(functions::wrong_count(name.as_str(), count)
            .at(span)
            .help(usage));
    };
    let (Some(variable), Some(second)) = (variable, second) else {
        return Err(functions::wrong_count(name.as_str(), count)
            .at(span)
            .help(usage));
    };
    let (filter, body) = match third {
        Some(body) if kind == ComprehensionKind::Map => (Some(second), body),
        Some(_) => {
            return Err(functions::wrong_count(name.as_str(), count)
                .at(span)
                .help(usage));
        }
        None => (None, second),
    };
    let Kind::Name(variable_name) = variable.kind else {
        return Err(
            ExprError::new(variable.span, "this has to be a name for each item").help(usage),
        );
    };
    if variable_name == "steps" {
        // After `steps.` a dash belongs to the name, which would be wrong for a variable.
        return Err(
            ExprError::new(variable.span, "an item cannot be named `steps`")
                .help("choose another name"),
        );
    }
    let it = Comprehension {
        kind,
        over,
        variable: variable_name,
        filter,
        body,
    };
    node(Kind::Comprehension(Box::new(it)), span)
}

/// A number, whose span begins at `start`, where its sign stands if it has one.
fn number(pair: &Pair<Rule>, start: usize, negative: bool) -> Parsed {
    let (span, text) = (start..span_of(pair).end, pair.as_str());
    let sign = if negative { "-" } else { "" };
    if pair.as_rule() == Rule::float {
        let value = format!("{sign}{text}")
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite());
        let value = value
            .ok_or_else(|| ExprError::new(span.clone(), "this number is too large for a float"))?;
        return node(Kind::Literal(Value::Float(value)), span);
    }
    let value = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(&format!("{sign}{digits}"), 16),
        None => format!("{sign}{text}").parse(),
    };
    let value = value.map_err(|_| {
        ExprError::new(span.clone(), "this number does not fit into 64 bits")
            .help("write it as a float: `1e20`")
    })?;
    node(Kind::Literal(Value::Int(value)), span)
}

/// What a string literal with its quotes stands for.
fn string(source: &str, offset: usize) -> Result<String, ExprError> {
    let inside = source.get(1..source.len().saturating_sub(1)).unwrap_or("");
    let mut result = String::with_capacity(inside.len());
    let mut rest = inside.char_indices();
    while let Some((at, letter)) = rest.next() {
        if letter != '\\' {
            result.push(letter);
            continue;
        }
        let escaped = rest.next().map_or(' ', |(_, letter)| letter);
        let digits = |count: usize, rest: &mut std::str::CharIndices| {
            let digits: String = rest
                .by_ref()
                .take(count)
                .map(|(_, letter)| letter)
                .collect();
            let is_hex =
                digits.len() == count && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            u32::from_str_radix(&digits, 16)
                .ok()
                .filter(|_| is_hex)
                .and_then(char::from_u32)
        };
        let decoded = match escaped {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            'a' => Some('\x07'),
            'b' => Some('\x08'),
            'f' => Some('\x0c'),
            'v' => Some('\x0b'),
            '\\' | '\'' | '"' | '`' | '?' => Some(escaped),
            'x' => digits(2, &mut rest),
            'u' => digits(4, &mut rest),
            'U' => digits(8, &mut rest),
            _ => None,
        };
        let Some(decoded) = decoded else {
            // The quotes are one byte each, so positions inside are one less than in the source.
            let start = offset + 1 + at;
            let span = start..start + 1 + escaped.len_utf8();
            return Err(ExprError::new(span, format!("`\\{escaped}` does not stand for a character"))
                .help("write `\\\\` for a backslash; known are \\n \\t \\r \\' \\\" \\\\ \\xHH \\uHHHH \\UHHHHHHHH"));
        };
        result.push(decoded);
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_are_what_the_grammar_says() {
        let deep = format!("a{}", ".b".repeat(DEEPEST as usize));
        let deeper = format!("{deep}.c");
        let plain = [
            "a",
            "_",
            " params.service\n",
            "steps.fetch.outputs.path",
            "steps.a-b--c.status",
            "steps",
            "int.inner",
            "truely.false.in.null",
            deep.get(..deep.len() - 2).unwrap(),
            &deep,
            &deeper,
        ];
        for text in plain {
            let path = plain_path(text).expect(text);
            assert_eq!(
                format!("{path:?}"),
                format!("{:?}", by_grammar(text)),
                "{text}"
            );
        }
        for text in [
            "",
            " ",
            "true",
            "null.a",
            "in",
            "a.",
            ".a",
            "a..b",
            "a-b.c",
            "a. b",
            "steps.a-",
            "steps.-a",
            "steps.a-b.c-d",
            "a.1",
            "1.a",
            "é",
            "f(x)",
            "a == b",
        ] {
            assert!(plain_path(text).is_none(), "{text}");
        }
    }
}

//! The syntax tree.

use super::Range;
use super::functions::Function;
use crate::value::Value;

/// How deep a tree may be. Everything that walks a tree recurses, so this bounds the stack it takes.
pub(super) const DEEPEST: u32 = 200;

/// A node of the tree, with the stretch of text it was read from.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) span: Range,
    /// 1 for a leaf, else one more than the deepest child.
    pub(super) depth: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Literal(Value),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// A name that stands alone: the root of a path, or a comprehension's variable.
    Name(String),
    Field(Box<Field>),
    Index(Box<(Node, Node)>),
    Call(Box<Call>),
    Comprehension(Box<Comprehension>),
    /// `has(a.b)`: the field it asks about.
    Has(Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Box<Binary>),
    Conditional(Box<[Node; 3]>),
}

/// `of.name`
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) of: Node,
    pub(super) name: String,
    pub(super) name_span: Range,
}

/// `name(arguments)`, or `receiver.name(arguments)`, where the receiver is the first of `arguments`.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) arguments: Vec<Node>,
}

/// `list.all(variable, body)` and its relatives.
#[derive(Clone, Debug)]
pub(super) struct Comprehension {
    pub(super) kind: ComprehensionKind,
    pub(super) over: Node,
    pub(super) variable: String,
    /// Only of `map` with three arguments: which items to take.
    pub(super) filter: Option<Node>,
    pub(super) body: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ComprehensionKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl ComprehensionKind {
    pub(super) const NAMES: [(&'static str, ComprehensionKind); 5] = [
        ("all", ComprehensionKind::All),
        ("exists", ComprehensionKind::Exists),
        ("exists_one", ComprehensionKind::ExistsOne),
        ("filter", ComprehensionKind::Filter),
        ("map", ComprehensionKind::Map),
    ];

    pub(super) fn find(name: &str) -> Option<ComprehensionKind> {
        Self::NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| *kind)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Binary {
    pub(super) operator: Operator,
    pub(super) left: Node,
    pub(super) right: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    /// As it is written.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Operator::Or => "||",
            Operator::And => "&&",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::In => "in",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
        }
    }
}

impl Node {
    /// The parts of this node, in the order of the text.
    pub(super) fn children(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Literal(_) | Kind::Name(_) => Vec::new(),
            Kind::List(items) => items.iter().collect(),
            Kind::Map(entries) => entries
                .iter()
                .flat_map(|(key, value)| [key, value])
                .collect(),
            Kind::Field(field) => vec![&field.of],
            Kind::Index(parts) => vec![&parts.0, &parts.1],
            Kind::Call(call) => call.arguments.iter().collect(),
            Kind::Comprehension(it) => [Some(&it.over), it.filter.as_ref(), Some(&it.body)]
                .into_iter()
                .flatten()
                .collect(),
            Kind::Has(of) | Kind::Not(of) | Kind::Negate(of) => vec![of],
            Kind::Binary(binary) => vec![&binary.left, &binary.right],
            Kind::Conditional(parts) => parts.iter().collect(),
        }
    }
}

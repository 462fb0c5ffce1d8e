//! Reading single values.

use super::Lowering;
use super::fields::Fields;
use crate::lint::rules::{bad_name, invalid_expression, wrong_type};
use crate::node::{Kind, Node, Scalar, Style};
use crate::runbook::{Named, Sourced, Spanned};
use crate::schema::{Key, Takes};
use piton_core::expr::{Expression, Template};
use piton_core::time::Millis;

/// Whether a scalar says that there is no value.
fn is_nothing(scalar: &Scalar) -> bool {
    scalar.style == Style::Plain && matches!(scalar.text.as_str(), "" | "~" | "null")
}

impl Lowering<'_> {
    pub(super) fn wrong_type(&mut self, key: &'static Key, node: &Node) {
        if !node.is_unreadable() {
            let report = wrong_type::report(key, node, self.syntax);
            self.report(report);
        }
    }

    /// The scalar that a key takes.
    pub(super) fn scalar<'n>(&mut self, key: &'static Key, node: &'n Node) -> Option<&'n Scalar> {
        match node.as_scalar() {
            Some(scalar) if !is_nothing(scalar) => Some(scalar),
            _ => {
                self.wrong_type(key, node);
                None
            }
        }
    }

    /// The scalar of a key, read by `read`; where that gives nothing, the type is wrong.
    fn read<T>(
        &mut self,
        key: &'static Key,
        node: &Node,
        read: impl FnOnce(&Scalar) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let scalar = self.scalar(key, node)?;
        let value = read(scalar);
        if value.is_none() {
            self.wrong_type(key, node);
        }
        Some(Spanned {
            value: value?,
            span: scalar.span,
        })
    }

    pub(super) fn text(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<Sourced<String>> {
        self.text_of(key, fields.get(key)?)
    }

    pub(super) fn text_of(&mut self, key: &'static Key, node: &Node) -> Option<Sourced<String>> {
        let scalar = self.scalar(key, node)?;
        Some(Sourced {
            value: scalar.text.clone(),
            source: scalar.clone(),
        })
    }

    pub(super) fn boolean(&mut self, key: &'static Key, fields: &Fields<'_>) -> Option<bool> {
        let read = self.read(key, fields.get(key)?, |scalar| {
            if scalar.style == Style::Plain {
                scalar.text.parse().ok()
            } else {
                None
            }
        })?;
        Some(read.value)
    }

    pub(super) fn count(&mut self, key: &'static Key, fields: &Fields<'_>) -> Option<u32> {
        let Takes::Count(least) = key.takes else {
            return None;
        };
        let read = self.read(key, fields.get(key)?, |scalar| {
            let number: Option<u32> = scalar.text.parse().ok();
            number.filter(|number| scalar.style == Style::Plain && *number >= least)
        })?;
        Some(read.value)
    }

    pub(super) fn duration(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<Spanned<Millis>> {
        self.duration_of(key, fields.get(key)?)
    }

    pub(super) fn duration_of(
        &mut self,
        key: &'static Key,
        node: &Node,
    ) -> Option<Spanned<Millis>> {
        self.read(key, node, |scalar| {
            // A time limit of nothing is never what is meant.
            scalar
                .text
                .trim()
                .parse()
                .ok()
                .filter(|length: &Millis| length.0 > 0)
        })
    }

    /// A length of time, or a range of two.
    pub(super) fn backoff(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<(Millis, Millis)> {
        let read = self.read(key, fields.get(key)?, |scalar| {
            parse_backoff(scalar.text.trim())
        })?;
        Some(read.value)
    }

    pub(super) fn template(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<Sourced<Template>> {
        self.template_of(key, fields.get(key)?)
    }

    pub(super) fn template_of(
        &mut self,
        key: &'static Key,
        node: &Node,
    ) -> Option<Sourced<Template>> {
        let scalar = self.scalar(key, node)?;
        match Template::parse(&scalar.text) {
            Ok(value) => Some(Sourced {
                value,
                source: scalar.clone(),
            }),
            Err(error) => {
                self.report(invalid_expression::report(scalar, &error));
                None
            }
        }
    }

    pub(super) fn expression(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<Sourced<Expression>> {
        self.expression_of(key, fields.get(key)?)
    }

    pub(super) fn expression_of(
        &mut self,
        key: &'static Key,
        node: &Node,
    ) -> Option<Sourced<Expression>> {
        let scalar = self.scalar(key, node)?;
        match Expression::parse(&scalar.text) {
            Ok(value) => Some(Sourced {
                value,
                source: scalar.clone(),
            }),
            Err(error) => {
                self.report(invalid_expression::in_expression(scalar, &error));
                None
            }
        }
    }

    /// Entries by name; each name is checked by `valid`, each value read by `read`.
    pub(super) fn named<T>(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
        kind: bad_name::Kind,
        mut read: impl FnMut(&mut Self, &'static Key, &Node) -> Option<T>,
    ) -> Named<T> {
        let Some(node) = fields.get(key) else {
            return Vec::new();
        };
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type(key, node);
            return Vec::new();
        };
        entries
            .iter()
            .map(|entry| {
                let name = self.name(kind, &entry.key);
                (name, read(self, key, &entry.value))
            })
            .collect()
    }

    pub(super) fn templates(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Named<Sourced<Template>> {
        self.named(key, fields, bad_name::Kind::Variable, Self::template_of)
    }

    /// A name, which is reported and kept as it is when it is not a proper one.
    pub(super) fn name(&mut self, kind: bad_name::Kind, scalar: &Scalar) -> Spanned<String> {
        if let Some(report) = bad_name::check(kind, scalar) {
            self.report(report);
        }
        Spanned {
            value: scalar.text.clone(),
            span: scalar.span,
        }
    }

    /// The items of a list; a single value counts as a list of one where the key allows that.
    pub(super) fn items<'n>(&mut self, key: &'static Key, node: &'n Node) -> Option<&'n [Node]> {
        match &node.kind {
            Kind::List(items) => Some(items),
            Kind::Scalar(scalar)
                if matches!(key.takes, Takes::OneOrList(_)) && !is_nothing(scalar) =>
            {
                Some(std::slice::from_ref(node))
            }
            _ => {
                self.wrong_type(key, node);
                None
            }
        }
    }

    /// A list of single values; items of other kinds are reported and left out.
    pub(super) fn scalars<'n>(
        &mut self,
        key: &'static Key,
        fields: &Fields<'n>,
    ) -> Option<Vec<&'n Scalar>> {
        let items = self.items(key, fields.get(key)?)?;
        Some(
            items
                .iter()
                .filter_map(|item| self.scalar(key, item))
                .collect(),
        )
    }

    /// A list of templates, each `None` when it could not be read.
    pub(super) fn template_list(
        &mut self,
        key: &'static Key,
        node: &Node,
    ) -> Option<Vec<Option<Sourced<Template>>>> {
        let items = self.items(key, node)?;
        Some(
            items
                .iter()
                .map(|item| self.template_of(key, item))
                .collect(),
        )
    }

    /// A text that is a name of something else: of a node, a contact, a policy.
    pub(super) fn word(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<Spanned<String>> {
        self.word_of(key, fields.get(key)?)
    }

    pub(super) fn word_of(&mut self, key: &'static Key, node: &Node) -> Option<Spanned<String>> {
        self.read(key, node, |scalar| Some(scalar.text.clone()))
    }

    /// A list of such names; what is none is reported and left out.
    pub(super) fn words(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<Vec<Spanned<String>>> {
        let items = self.items(key, fields.get(key)?)?;
        let words = items.iter().filter_map(|item| self.word_of(key, item));
        Some(words.collect())
    }

    /// One of a few words, by what `read` makes of it.
    pub(super) fn choice<T>(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let read = self.read(key, fields.get(key)?, |scalar| read(&scalar.text))?;
        Some(read.value)
    }

    /// A whole number with its place.
    pub(super) fn number(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<Spanned<u32>> {
        let span = fields.get(key)?.span;
        let value = self.count(key, fields)?;
        Some(Spanned { value, span })
    }

    /// More than nothing, and no more than all, of a hundred.
    pub(super) fn percent(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<Spanned<f64>> {
        self.read(key, fields.get(key)?, |scalar| {
            let number: f64 = scalar.text.trim().strip_suffix('%')?.parse().ok()?;
            (number > 0.0 && number <= 100.0).then_some(number)
        })
    }

    /// A list of templates under a key, each `None` when it could not be read.
    pub(super) fn texts(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<Vec<Option<Sourced<Template>>>> {
        self.template_list(key, fields.get(key)?)
    }
}

/// `2s`, or `2s..30s`.
fn parse_backoff(text: &str) -> Option<(Millis, Millis)> {
    match text.split_once("..") {
        None => {
            let wait = text.parse().ok()?;
            Some((wait, wait))
        }
        Some((first, longest)) => {
            let (first, longest): (Millis, Millis) =
                (first.trim().parse().ok()?, longest.trim().parse().ok()?);
            (first <= longest).then_some((first, longest))
        }
    }
}

/// The default of a key, read as a range of waits.
pub(super) fn default_backoff(key: &Key) -> (Millis, Millis) {
    key.default.and_then(parse_backoff).unwrap_or_default()
}

/// The default of a key, read as a number.
pub(super) fn default_count(key: &Key) -> u32 {
    key.default.and_then(|text| text.parse().ok()).unwrap_or(1)
}

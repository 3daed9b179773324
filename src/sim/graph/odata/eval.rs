//! Evaluates a `$filter` on one message. Text compares without case, as in Exchange.
use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::ast::{Expr, Func, Op, Value};
use super::prop::{Kind, Prop, Set};

/// What the evaluator needs of a message; cheap properties must not build the rest.
pub(in crate::sim::graph) trait Row {
    /// A text or choice property.
    fn text(&self, prop: Prop) -> Option<Cow<'_, str>>;
    /// A date property.
    fn date(&self, prop: Prop) -> Option<DateTime<Utc>>;
    /// A yes/no property.
    fn flag(&self, prop: Prop) -> Option<bool>;
    /// The members of a collection as (name, address); strings have no address.
    fn members(&self, set: Set) -> Vec<(Cow<'_, str>, Cow<'_, str>)>;
}

type Member<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Whether `row` satisfies `expr`.
pub(in crate::sim::graph) fn matches(expr: &Expr, row: &dyn Row) -> bool {
    eval(expr, row, None)
}

fn eval(expr: &Expr, row: &dyn Row, each: Option<&Member<'_>>) -> bool {
    match expr {
        Expr::And(a, b) => eval(a, row, each) && eval(b, row, each),
        Expr::Or(a, b) => eval(a, row, each) || eval(b, row, each),
        Expr::Not(a) => !eval(a, row, each),
        Expr::Compare(prop, op, value) => compare(*prop, *op, value, row, each),
        Expr::Call(func, prop, needle) => {
            let text = text_of(*prop, row, each).unwrap_or_default().to_lowercase();
            match func {
                Func::Contains => text.contains(needle.as_str()),
                Func::StartsWith => text.starts_with(needle.as_str()),
                Func::EndsWith => text.ends_with(needle.as_str()),
            }
        }
        Expr::Any(set, None) => !row.members(*set).is_empty(),
        Expr::Any(set, Some(inner)) => row.members(*set).iter().any(|m| eval(inner, row, Some(m))),
        Expr::All(set, inner) => row.members(*set).iter().all(|m| eval(inner, row, Some(m))),
    }
}

fn text_of<'a>(prop: Prop, row: &'a dyn Row, each: Option<&'a Member<'_>>) -> Option<Cow<'a, str>> {
    match each {
        Some((name, _)) if matches!(prop, Prop::Each | Prop::EachName) => Some(Cow::Borrowed(name)),
        Some((_, address)) if prop == Prop::EachAddress => Some(Cow::Borrowed(address)),
        _ => row.text(prop),
    }
}

fn compare(prop: Prop, op: Op, value: &Value, row: &dyn Row, each: Option<&Member<'_>>) -> bool {
    match prop.kind() {
        Kind::Date => match (row.date(prop), value) {
            (Some(have), Value::Date(want)) => ordered(op, &have, want),
            (have, Value::Null) => nullness(op, have.is_none()),
            _ => op == Op::Ne,
        },
        Kind::Bool => match (row.flag(prop), value) {
            (Some(have), Value::Bool(want)) => ordered(op, &have, want),
            (have, Value::Null) => nullness(op, have.is_none()),
            _ => op == Op::Ne,
        },
        Kind::Text | Kind::Choice(_) => match (text_of(prop, row, each), value) {
            (Some(have), Value::Text(want)) => ordered(op, &have.to_lowercase().as_str(), &want.as_str()),
            (have, Value::Null) => nullness(op, have.is_none()),
            _ => op == Op::Ne,
        },
    }
}

fn ordered<T: PartialOrd>(op: Op, have: &T, want: &T) -> bool {
    match op {
        Op::Eq => have == want,
        Op::Ne => have != want,
        Op::Gt => have > want,
        Op::Ge => have >= want,
        Op::Lt => have < want,
        Op::Le => have <= want,
    }
}

fn nullness(op: Op, absent: bool) -> bool {
    match op {
        Op::Eq | Op::Ge | Op::Le => absent,
        Op::Ne => !absent,
        Op::Gt | Op::Lt => false,
    }
}

//! What a parsed `$filter` is.
use chrono::{DateTime, Utc};

use super::prop::{Prop, Set};

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::graph) enum Op {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// A text function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::graph) enum Func {
    Contains,
    StartsWith,
    EndsWith,
}

/// A literal, already of the property's type; texts are lower-cased because Exchange compares without case.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sim::graph) enum Value {
    Text(String),
    Date(DateTime<Utc>),
    Bool(bool),
    Null,
}

/// One node of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sim::graph) enum Expr {
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Compare(Prop, Op, Value),
    Call(Func, Prop, String),
    Any(Set, Option<Box<Expr>>),
    All(Set, Box<Expr>),
}

/// Bounds on `receivedDateTime` that every match satisfies (both ends included).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sim::graph) struct Window {
    pub(in crate::sim::graph) from: Option<DateTime<Utc>>,
    pub(in crate::sim::graph) to: Option<DateTime<Utc>>,
}

impl Window {
    /// What satisfies both.
    pub(in crate::sim::graph) fn and(self, other: Self) -> Self {
        Self {
            from: self.from.max(other.from),
            to: match (self.to, other.to) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        }
    }
}

impl Expr {
    /// The bounds that the top-level ANDs put on `receivedDateTime`.
    pub(in crate::sim::graph) fn window(&self) -> Window {
        match self {
            Self::And(a, b) => a.window().and(b.window()),
            Self::Compare(Prop::Received, Op::Ge | Op::Gt, Value::Date(at)) => {
                Window { from: Some(*at), to: None }
            }
            Self::Compare(Prop::Received, Op::Le | Op::Lt, Value::Date(at)) => {
                Window { from: None, to: Some(*at) }
            }
            Self::Compare(Prop::Received, Op::Eq, Value::Date(at)) => {
                Window { from: Some(*at), to: Some(*at) }
            }
            Self::Compare(..)
            | Self::Or(..)
            | Self::Not(_)
            | Self::Call(..)
            | Self::Any(..)
            | Self::All(..) => Window::default(),
        }
    }
}

/// A filter and the property paths in the order in which it names them (for the `InefficientFilter` rule).
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sim::graph) struct Filter {
    pub(in crate::sim::graph) expr: Expr,
    pub(in crate::sim::graph) paths: Vec<String>,
}

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

/// A filter and the property paths in the order in which it names them (for the `InefficientFilter` rule).
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sim::graph) struct Filter {
    pub(in crate::sim::graph) expr: Expr,
    pub(in crate::sim::graph) paths: Vec<String>,
}

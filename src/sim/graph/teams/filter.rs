//! The little of `$filter` that Teams understands: comparisons joined by `and`.
use chrono::{DateTime, Utc};

use super::super::error::GraphError;

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clause<'a> {
    pub(super) property: &'a str,
    pub(super) op: &'a str,
    pub(super) value: &'a str,
}

impl Clause<'_> {
    /// The value as a moment; quoted dates are none.
    pub(super) fn moment(&self) -> Result<DateTime<Utc>, GraphError> {
        DateTime::parse_from_rfc3339(self.value)
            .map(|at| at.to_utc())
            .map_err(|_| GraphError::bad_request("Invalid filter clause"))
    }

    /// The value as a text.
    pub(super) fn text(&self) -> Result<String, GraphError> {
        let inner = self.value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        inner
            .map(|text| text.replace("''", "'"))
            .ok_or_else(|| GraphError::bad_request("Invalid filter clause"))
    }
}

/// Takes a filter apart.
pub(super) fn clauses(text: &str) -> Result<Vec<Clause<'_>>, GraphError> {
    let one = |part| {
        let mut words = str::trim(part).splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some(property), Some(op @ ("eq" | "ne" | "gt" | "ge" | "lt" | "le")), Some(value)) => {
                Ok(Clause { property, op, value: value.trim() })
            }
            _ => Err(GraphError::bad_request("Invalid filter clause")),
        }
    };
    text.split(" and ").map(one).collect()
}

/// Refuses an operator that a property does not take.
pub(super) fn not_allowed(clause: &Clause<'_>) -> GraphError {
    let kind = match clause.op {
        "eq" => "Equal",
        "ne" => "NotEqual",
        "gt" => "GreaterThan",
        "ge" => "GreaterThanOrEqual",
        "lt" => "LessThan",
        _ => "LessThanOrEqual",
    };
    GraphError::bad_request(format!(
        "The entity property '{}' and operationKind '{kind}' is not allowed in $filter query.",
        clause.property
    ))
}

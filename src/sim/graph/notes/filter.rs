//! The little of `$filter` and `$orderby` that OneNote's lists are asked with: comparisons joined by `and`, `contains` over
//! names in lower case. Worked on the JSON of an entity with all that it has.

use chrono::DateTime;
use serde_json::Value;
use std::cmp::Ordering;

use super::errors::bad;
use crate::sim::graph::error::GraphError;

fn syntax() -> GraphError {
    bad("20128", "The OData query contains a syntax error.")
}

/// One comparison.
#[derive(Debug)]
struct Clause {
    path: String,
    lower: bool,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Contains(String),
    Is(Ordering, bool, Literal),
    Not(Literal),
}

#[derive(Debug)]
enum Literal {
    Text(String),
    Flag(bool),
    Moment(i64),
}

/// A filter that was read.
#[derive(Debug, Default)]
pub(super) struct Filter(Vec<Clause>);

impl Filter {
    pub(super) fn parse(text: &str, known: impl Fn(&str) -> bool) -> Result<Self, GraphError> {
        let mut clauses = Vec::new();
        for part in conjuncts(text) {
            let clause = clause(part.trim()).ok_or_else(syntax)?;
            if !known(&clause.path) {
                return Err(bad("20127", "The query names an unknown property."));
            }
            clauses.push(clause);
        }
        Ok(Self(clauses))
    }

    pub(super) fn holds(&self, entity: &Value) -> bool {
        self.0.iter().all(|clause| clause.holds(entity))
    }
}

impl Clause {
    fn holds(&self, entity: &Value) -> bool {
        let value = property(entity, &self.path);
        let text = value.as_str().unwrap_or_default();
        let text = if self.lower { text.to_lowercase() } else { text.to_owned() };
        match &self.test {
            Test::Contains(part) => text.contains(part),
            Test::Is(order, or_equal, literal) => {
                let found = literal.compare(value, &text);
                found == Some(*order) || (*or_equal && found == Some(Ordering::Equal))
            }
            Test::Not(literal) => literal.compare(value, &text).is_some_and(|order| order != Ordering::Equal),
        }
    }
}

impl Literal {
    fn compare(&self, value: &Value, text: &str) -> Option<Ordering> {
        match self {
            Self::Text(wanted) => Some(text.cmp(wanted)),
            Self::Flag(wanted) => Some(value.as_bool()?.cmp(wanted)),
            Self::Moment(wanted) => {
                Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis().cmp(wanted))
            }
        }
    }
}

/// A property by its path, `parentNotebook/id`.
pub(super) fn property<'a>(entity: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(entity, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// Splits at `and` outside of literals.
fn conjuncts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        quoted ^= c == '\'';
        if !quoted && at >= start && text.get(at..).is_some_and(|rest| rest.starts_with(" and ")) {
            parts.push(text.get(start..at).unwrap_or_default());
            start = at + 5;
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

fn clause(text: &str) -> Option<Clause> {
    if let Some(inner) = text.strip_prefix("contains(").and_then(|rest| rest.strip_suffix(')')) {
        let (path, value) = inner.split_once(',')?;
        let (path, lower) = lowered(path.trim());
        let Literal::Text(part) = literal(value.trim())? else { return None };
        return Some(Clause { path, lower, test: Test::Contains(part) });
    }
    let mut words = text.splitn(3, ' ');
    let (path, op, value) = (words.next()?, words.next()?, literal(words.next()?.trim())?);
    let test = match op {
        "eq" => Test::Is(Ordering::Equal, true, value),
        "ne" => Test::Not(value),
        "gt" => Test::Is(Ordering::Greater, false, value),
        "ge" => Test::Is(Ordering::Greater, true, value),
        "lt" => Test::Is(Ordering::Less, false, value),
        "le" => Test::Is(Ordering::Less, true, value),
        _ => return None,
    };
    let (path, lower) = lowered(path);
    Some(Clause { path, lower, test })
}

fn lowered(path: &str) -> (String, bool) {
    match path.strip_prefix("tolower(").and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => (inner.to_owned(), true),
        None => (path.to_owned(), false),
    }
}

fn literal(text: &str) -> Option<Literal> {
    if let Some(inner) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        let open = inner.replace("''", "").contains('\'');
        return (!open).then(|| Literal::Text(inner.replace("''", "'")));
    }
    match text {
        "true" => Some(Literal::Flag(true)),
        "false" => Some(Literal::Flag(false)),
        _ => DateTime::parse_from_rfc3339(text).ok().map(|at| Literal::Moment(at.timestamp_millis())),
    }
}

/// Sorts by `$orderby`: properties in turn, each with its direction.
pub(super) fn sort(
    rows: &mut [(usize, Value)],
    order: &str,
    known: impl Fn(&str) -> bool,
) -> Result<(), GraphError> {
    let mut keys = Vec::new();
    for part in order.split(',') {
        let (path, direction) = part.trim().split_once(' ').unwrap_or((part.trim(), "asc"));
        if !known(path) {
            return Err(bad("20127", "The query names an unknown property."));
        }
        keys.push((path, direction.trim() == "desc"));
    }
    let text = |row: &Value, path: &str| property(row, path).as_str().unwrap_or_default().to_lowercase();
    rows.sort_by(|(_, a), (_, b)| {
        keys.iter().fold(Ordering::Equal, |order, (path, down)| {
            let one = text(a, path).cmp(&text(b, path));
            order.then(if *down { one.reverse() } else { one })
        })
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn clauses_hold_as_they_say_and_literals_stay_whole() {
        let page = json!({"title": "It's and 'done'", "lastModifiedDateTime": "2026-03-02T10:00:00Z",
            "parentNotebook": {"id": "1-a"}, "isDefault": true});
        for (filter, expected) in [
            ("contains(tolower(title),'it''s and')", true),
            ("contains(title,'it''s')", false),
            ("parentNotebook/id eq '1-a' and isDefault eq true", true),
            ("lastModifiedDateTime ge 2026-03-02T10:00:00Z", true),
            ("lastModifiedDateTime gt 2026-03-02T10:00:00Z", false),
            ("tolower(title) ne 'x'", true),
        ] {
            assert_eq!(Filter::parse(filter, |_| true).unwrap().holds(&page), expected, "{filter}");
        }
        for odd in ["title eq 'it's'", "title", "title like 'x'", "contains(title)", "title eq x"] {
            assert!(Filter::parse(odd, |_| true).is_err(), "{odd}");
        }
        assert_eq!(Filter::parse("x eq 'y'", |_| false).unwrap_err().code, "20127");
    }
}

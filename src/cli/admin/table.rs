//! JSON as people read it.

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

/// Rows under headings, in columns as wide as their widest cell.
pub(super) fn table(rows: &[Value], columns: &[&str]) -> String {
    let headings = columns.iter().map(|name| name.to_uppercase()).collect();
    let cells = |row: &Value| columns.iter().map(|name| cell(row.get(*name))).collect();
    let lines: Vec<Vec<String>> = std::iter::once(headings).chain(rows.iter().map(cells)).collect();
    let width = |index: usize| {
        lines.iter().filter_map(|line| line.get(index)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let text = lines.iter().map(|line| {
        let padded = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    text.collect::<Vec<_>>().join("\n")
}

/// The members of an object, one a line.
pub(super) fn members(object: &Value) -> String {
    let all = object.as_object().into_iter().flatten();
    all.map(|(name, value)| format!("{name}: {}", cell(Some(value)))).collect::<Vec<_>>().join("\n")
}

/// The rows of `list`, whose member `name` is in milliseconds, with a moment there.
pub(super) fn moments(object: &Value, list: &str, name: &str) -> Vec<Value> {
    let mut rows = object.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    for row in &mut rows {
        let time = row.get(name).and_then(Value::as_i64).and_then(DateTime::from_timestamp_millis);
        if let (Some(time), Some(member)) = (time, row.get_mut(name)) {
            *member = Value::from(time.to_rfc3339_opts(SecondsFormat::Millis, true));
        }
    }
    rows
}

/// Control characters would move the cursor; clients choose their names themselves.
fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(" "),
        Some(other) => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_line_up_and_nothing_moves_the_cursor() {
        let rows = [json!({ "a": "메일", "b": 2 }), json!({ "a": "x\u{1b}[2J", "c": null })];
        assert_eq!(table(&rows, &["a", "b"]), "A     B\n메일    2\nx[2J");
    }

    #[test]
    fn moments_are_readable() {
        let flow = json!({ "steps": [{ "at": 1_800_000_000_000_i64, "step": "token" }] });
        assert_eq!(moments(&flow, "steps", "at")[0]["at"], "2027-01-15T08:00:00.000Z");
    }
}

//! How often an event repeats, as callers write it, in Graph's words (`patternedRecurrence`).
//!
//! # Shape
//! `KIND[:DETAIL] [every N] [until DATE | count N]`: `daily count 10`, `weekdays`, `weekly:mon,wed until 2026-06-30`,
//! `weekly every 2`, `monthly:15`, `monthly:last-fri`, `yearly`. Without detail the first day of the event decides.

use crate::tools::error::ToolError;
use chrono::{Datelike, NaiveDate, Weekday};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

/// For the schema of tools.
pub(super) const HELP: &str = "Repeats: daily, weekdays, weekly:mon,wed, monthly:15, monthly:last-fri or yearly; then, if \
wanted, `every 2` and `until 2026-06-30` or `count 10`";

const DAYS: [(&str, &str, Weekday); 7] = [
    ("mon", "monday", Weekday::Mon),
    ("tue", "tuesday", Weekday::Tue),
    ("wed", "wednesday", Weekday::Wed),
    ("thu", "thursday", Weekday::Thu),
    ("fri", "friday", Weekday::Fri),
    ("sat", "saturday", Weekday::Sat),
    ("sun", "sunday", Weekday::Sun),
];
const INDEXES: [&str; 5] = ["first", "second", "third", "fourth", "last"];
/// Largest interval and number of occurrences that Exchange takes.
const MAX_INTERVAL: u32 = 99;
const MAX_COUNT: u32 = 999;

/// Reads `text` for an event whose first day is `first`, in `zone`.
pub(super) fn parse(text: &str, first: NaiveDate, zone: Tz) -> Result<Value, ToolError> {
    let lower = text.trim().to_lowercase().replace(", ", ",");
    let mut words = lower.split_whitespace();
    let head = words.next().unwrap_or_default();
    let (kind, detail) = head.split_once(':').unwrap_or((head, ""));
    let mut pattern = pattern(kind, detail, first)?;
    let mut range = members(json!({
        "type": "noEnd", "startDate": first.to_string(), "recurrenceTimeZone": zone.name(),
    }));
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        match word {
            "every" => {
                pattern.insert("interval".to_owned(), json!(number("every", value, MAX_INTERVAL)?));
            }
            "until" | "count" if range.get("type") != Some(&json!("noEnd")) => {
                return Err(wrong("give either `until` or `count`, once"));
            }
            "until" => {
                let day: NaiveDate =
                    value.parse().map_err(|_| wrong("`until` takes a date such as 2026-06-30"))?;
                if day < first {
                    return Err(wrong("`until` lies before the first day of the event"));
                }
                range.insert("type".to_owned(), json!("endDate"));
                range.insert("endDate".to_owned(), json!(day.to_string()));
            }
            "count" => {
                range.insert("type".to_owned(), json!("numbered"));
                range.insert("numberOfOccurrences".to_owned(), json!(number("count", value, MAX_COUNT)?));
            }
            _ => return Err(wrong("after the pattern come only `every N`, `until DATE` and `count N`")),
        }
    }
    Ok(json!({"pattern": pattern, "range": range}))
}

fn pattern(kind: &str, detail: &str, first: NaiveDate) -> Result<Map<String, Value>, ToolError> {
    let own = || name(first.weekday());
    let plain = |kind: &str| members(json!({"type": kind, "interval": 1}));
    let out = match (kind, detail) {
        ("daily", "") => plain("daily"),
        ("weekdays", "") => return pattern("weekly", "mon,tue,wed,thu,fri", first),
        ("weekly", detail) => {
            let days: Vec<&str> = match detail {
                "" => vec![own()],
                days => days.split(',').map(day).collect::<Result<_, _>>()?,
            };
            let mut out = plain("weekly");
            out.insert("daysOfWeek".to_owned(), json!(days));
            out.insert("firstDayOfWeek".to_owned(), json!("monday"));
            out
        }
        ("monthly", "") => monthly(first.day()),
        ("monthly", detail) => match detail.parse::<u32>() {
            Ok(day @ 1..=31) => monthly(day),
            Ok(_) => return Err(wrong("days of a month are 1 to 31")),
            Err(_) => {
                let (index, name) = detail.split_once('-').unwrap_or_default();
                if !INDEXES.contains(&index) {
                    return Err(wrong("`monthly` takes a day such as monthly:15, or monthly:last-fri"));
                }
                let mut out = plain("relativeMonthly");
                out.insert("daysOfWeek".to_owned(), json!([day(name)?]));
                out.insert("index".to_owned(), json!(index));
                out
            }
        },
        ("yearly", "") => {
            let mut out = plain("absoluteYearly");
            out.insert("dayOfMonth".to_owned(), json!(first.day()));
            out.insert("month".to_owned(), json!(first.month()));
            out
        }
        _ => return Err(wrong("it starts with daily, weekdays, weekly, monthly or yearly")),
    };
    Ok(out)
}

fn monthly(day: u32) -> Map<String, Value> {
    members(json!({"type": "absoluteMonthly", "interval": 1, "dayOfMonth": day}))
}

fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

fn name(day: Weekday) -> &'static str {
    DAYS.iter().find(|(.., known)| *known == day).map_or("monday", |(_, name, _)| name)
}

fn day(text: &str) -> Result<&'static str, ToolError> {
    let known = DAYS.iter().find(|(short, long, _)| text == *short || text == *long);
    known.map(|(_, long, _)| *long).ok_or_else(|| wrong("days are mon, tue, wed, thu, fri, sat, sun"))
}

fn number(name: &str, text: &str, most: u32) -> Result<u32, ToolError> {
    let number = text.parse::<u32>().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| wrong(&format!("`{name}` takes a number from 1 to {most}")))
}

fn wrong(why: &str) -> ToolError {
    ToolError::invalid("recurrence", format!("`recurrence` cannot be read: {why}. {HELP}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::calendar::recurrence::words;

    #[test]
    fn what_is_written_is_what_is_repeated() {
        let first = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
        for (text, said) in [
            ("daily count 10", "every day, 10 times"),
            ("Weekly:Mon, Wed until 2026-06-30", "every week on monday, wednesday, until 2026-06-30"),
            ("weekly every 2", "every 2 weeks on thursday"),
            ("weekdays", "every week on monday, tuesday, wednesday, thursday, friday"),
            ("monthly:15", "every month on day 15"),
            ("monthly:last-fri", "every month on the last friday"),
            ("yearly", "every year on March 5"),
        ] {
            let json = parse(text, first, Tz::Asia__Seoul).unwrap();
            assert_eq!(json["range"]["recurrenceTimeZone"], "Asia/Seoul");
            assert_eq!(
                words(&serde_json::from_str(&json.to_string()).unwrap()),
                format!("{said} (Asia/Seoul)"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let first = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
        for (text, part) in [
            ("", "starts with"),
            ("hourly", "starts with"),
            ("weekly:mon,xyz", "days are"),
            ("monthly:32", "1 to 31"),
            ("monthly:fifth-mon", "monthly:15"),
            ("daily every 0", "1 to 99"),
            ("daily count", "1 to 999"),
            ("daily until soon", "2026-06-30"),
            ("daily until 2020-01-01", "before"),
            ("daily until 2026-06-30 count 3", "either"),
            ("daily for ever", "after the pattern"),
        ] {
            let refused = parse(text, first, Tz::UTC).unwrap_err().public;
            assert!(refused.contains(part) && refused.contains("`recurrence`"), "{text}: {refused}");
        }
    }
}

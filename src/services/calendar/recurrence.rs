//! Series in words: `patternedRecurrence` of Graph for people.

use crate::graph::page::Text;
use serde::Deserialize;

/// A recurrence as Graph writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Repeats<'a> {
    #[serde(borrow)]
    pattern: Pattern<'a>,
    #[serde(borrow)]
    range: Range<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Pattern<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    interval: i64,
    month: i64,
    day_of_month: i64,
    #[serde(borrow)]
    days_of_week: Vec<Text<'a>>,
    #[serde(borrow)]
    index: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Range<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    end_date: Text<'a>,
    number_of_occurrences: i64,
    #[serde(borrow)]
    recurrence_time_zone: Text<'a>,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// E.g. `every 2 weeks on monday, wednesday, until 2026-06-30 (Korea Standard Time)`.
pub(super) fn words(repeats: &Repeats<'_>) -> String {
    let Repeats { pattern, range } = repeats;
    let every = |unit: &str| match pattern.interval {
        ..=1 => format!("every {unit}"),
        n => format!("every {n} {unit}s"),
    };
    let days = pattern.days_of_week.iter().map(|day| &**day).collect::<Vec<_>>().join(", ");
    let month = usize::try_from(pattern.month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("");
    let how = match &*pattern.kind {
        "daily" => every("day"),
        "weekly" => format!("{} on {days}", every("week")),
        "absoluteMonthly" => format!("{} on day {}", every("month"), pattern.day_of_month),
        "relativeMonthly" => format!("{} on the {} {days}", every("month"), &*pattern.index),
        "absoluteYearly" => format!("{} on {month} {}", every("year"), pattern.day_of_month),
        "relativeYearly" => format!("{} on the {} {days} of {month}", every("year"), &*pattern.index),
        other => other.to_owned(),
    };
    let until = match &*range.kind {
        "endDate" => format!(", until {}", &*range.end_date),
        "numbered" => format!(", {} times", range.number_of_occurrences),
        _ => String::new(),
    };
    let zone = match &*range.recurrence_time_zone {
        "" => String::new(),
        zone => format!(" ({zone})"),
    };
    format!("{how}{until}{zone}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pattern_reads_as_a_sentence() {
        for (json, said) in [
            (
                r#"{"pattern":{"type":"daily","interval":1},"range":{"type":"numbered","numberOfOccurrences":10}}"#,
                "every day, 10 times",
            ),
            (
                r#"{"pattern":{"type":"weekly","interval":2,"daysOfWeek":["monday","wednesday"]},"range":{"type":"endDate","endDate":"2026-06-30","recurrenceTimeZone":"Korea Standard Time"}}"#,
                "every 2 weeks on monday, wednesday, until 2026-06-30 (Korea Standard Time)",
            ),
            (
                r#"{"pattern":{"type":"absoluteMonthly","interval":1,"dayOfMonth":15},"range":{"type":"noEnd"}}"#,
                "every month on day 15",
            ),
            (
                r#"{"pattern":{"type":"relativeMonthly","interval":1,"index":"last","daysOfWeek":["friday"]},"range":{}}"#,
                "every month on the last friday",
            ),
            (
                r#"{"pattern":{"type":"absoluteYearly","interval":1,"month":5,"dayOfMonth":8},"range":null}"#,
                "every year on May 8",
            ),
            (
                r#"{"pattern":{"type":"relativeYearly","interval":1,"month":13,"index":"first","daysOfWeek":["monday"]}}"#,
                "every year on the first monday of ",
            ),
        ] {
            let json = json.replace(",\"range\":null", "");
            assert_eq!(words(&serde_json::from_str(&json).unwrap()), said);
        }
    }
}

//! What a reading of a plain-language request asks of `query_email`.

use crate::planner::{Importance, Organizations, Party, Reading, Scope};
use crate::services::asked::Wanted;
use crate::tools::tool::Args;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::json;

/// Without a period, words and people are looked for in so many days, and what is unread in all of them.
const DAYS_OF_WORDS: u32 = 365;
const DAYS_OF_UNREAD: u32 = 3_650;
/// Hits where one thing is meant, but not the latest.
const OF_ONE: usize = 5;
const MAX_LIMIT: usize = 200;

/// Arguments of `query_email`, and what of the reading they leave out or add.
pub(super) struct Asked {
    pub(super) args: Args,
    pub(super) notes: Vec<String>,
}

/// `now` and `zone` decide which end of a period is still to come: mail is not searched for there.
pub(super) fn asked(reading: &Reading, organizations: &Organizations, now: DateTime<Utc>, zone: Tz) -> Asked {
    let (mut wanted, mut notes) = (Wanted::default(), Vec::new());
    period(reading, now, zone, &mut wanted, &mut notes);
    people(reading, organizations, &mut wanted, &mut notes);
    wanted.put_some("subject_contains", reading.subject.clone());
    if !reading.words.is_empty() {
        let kind = if reading.scope == Scope::More { "or_keywords" } else { "and_keywords" };
        wanted.put("keyword_filter", json!({ kind: reading.words }));
    }
    if reading.unread {
        wanted.put("unread_only", true);
    }
    wanted.put_some("has_attachments", reading.attachments);
    let importance = reading.importance.map(|importance| match importance {
        Importance::High => "high",
        Importance::Low => "low",
    });
    wanted.put_some("importance", importance);
    if reading.oldest_first {
        wanted.put("order", "oldest");
    }
    let few = reading.scope == Scope::One && !reading.outermost && reading.limit.is_none();
    if few {
        wanted.put("limit", OF_ONE);
    } else {
        wanted.put_limit(reading, MAX_LIMIT);
    }
    Asked { args: wanted.args(), notes }
}

fn period(reading: &Reading, now: DateTime<Utc>, zone: Tz, wanted: &mut Wanted, notes: &mut Vec<String>) {
    let tomorrow = now.with_timezone(&zone).date_naive() + TimeDelta::days(1);
    let Some(mut period) = reading.period else {
        let days = if reading.unread {
            DAYS_OF_UNREAD
        } else if reading.has_matter() {
            DAYS_OF_WORDS
        } else {
            // What query_email takes by itself.
            return;
        };
        wanted.put("days_back", days);
        notes.push(format!("No period was named: the last {days} days."));
        return;
    };
    // "This week" ends in the future.
    period.end = period.end.filter(|end| *end <= tomorrow.and_time(NaiveTime::MIN));
    wanted.put_period("start_date", "end_date", Some(&period));
    if period.start.is_none() {
        wanted.put("days_back", DAYS_OF_WORDS);
        notes.push(format!("No beginning was named: {DAYS_OF_WORDS} days before the end."));
    }
}

/// `query_email` takes one sender, or one recipient, or several people in both directions.
fn people(reading: &Reading, organizations: &Organizations, wanted: &mut Wanted, notes: &mut Vec<String>) {
    let addresses = |parties: &[Party]| -> Vec<String> {
        let of = |party: &Party| match party {
            Party::Name(text) | Party::Address(text) => vec![text.clone()],
            Party::Organization(code) => organizations.participants(code),
        };
        parties.iter().flat_map(of).take(20).collect()
    };
    let (from, to, with) = (addresses(&reading.from), addresses(&reading.to), addresses(&reading.with));
    let mut folder = reading.folder.map(crate::planner::Folder::name);
    match (from.as_slice(), to.as_slice(), with.as_slice()) {
        ([], [], []) => {}
        ([one], [], []) => {
            wanted.put("sender_address", one.as_str());
        }
        ([], [one], []) => {
            wanted.put("recipient_address", one.as_str());
        }
        ([], _, []) => {
            wanted.put("conversation_with", to);
            folder = folder.or(Some("sent"));
        }
        ([], _, _) => {
            wanted.put("conversation_with", with.into_iter().chain(to).take(20).collect::<Vec<_>>());
        }
        ([_, _, ..], _, _) => {
            wanted.put("conversation_with", from);
            notes.push(
                "Mail to these people is among it: several senders are searched for in both directions."
                    .to_owned(),
            );
        }
        ([one], _, _) => {
            wanted.put("sender_address", one.as_str());
            let left_out: Vec<String> = to.into_iter().chain(with).collect();
            notes.push(format!("Only the sender is searched for, not {}.", left_out.join(", ")));
        }
    }
    wanted.put_some("folder", folder);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::{Area, Background, read};
    use serde_json::Value;

    fn args(request: &str) -> Value {
        let now = "2026-03-18T05:20:00Z".parse().unwrap();
        let organizations = Organizations::built_in();
        let zone = Tz::Asia__Seoul;
        let background =
            Background { now, zone, organizations: &organizations, home: Some(Area::Mail), only_home: false };
        Value::Object(asked(&read(request, background), &organizations, now, zone).args)
    }

    #[test]
    fn requests_become_filters() {
        for (request, expected) in [
            (
                "unread mail from last week",
                json!({"start_date": "2026-03-09", "end_date": "2026-03-15", "unread_only": true}),
            ),
            ("mail this week", json!({"start_date": "2026-03-16"})),
            (
                "emails from Bob about the contract",
                json!({"days_back": 365, "sender_address": "Bob", "keyword_filter": {"and_keywords": ["contract"]}}),
            ),
            ("KR에서 온 메일", json!({"days_back": 365, "sender_address": "krs.co.kr"})),
            (
                "mail from KR and DNV",
                json!({"days_back": 365, "conversation_with": ["krs.co.kr", "dnv.com"]}),
            ),
            ("DNV와 주고받은 메일", json!({"days_back": 365, "conversation_with": ["dnv.com"]})),
            ("김민지에게 보낸 메일", json!({"days_back": 365, "recipient_address": "김민지"})),
            ("내가 보낸 메일 10개", json!({"folder": "sent", "limit": 10})),
            (
                "mail about crane or hull",
                json!({"days_back": 365, "keyword_filter": {"or_keywords": ["crane", "hull"]}}),
            ),
            ("the latest email from Bob", json!({"days_back": 365, "sender_address": "Bob", "limit": 1})),
            ("find the email from Bob", json!({"days_back": 365, "sender_address": "Bob", "limit": 5})),
            (
                "important mail without attachments until March 5",
                json!({"end_date": "2026-03-05", "days_back": 365, "importance": "high", "has_attachments": false}),
            ),
            ("제목이 \"회의 안내\"인 메일", json!({"days_back": 365, "subject_contains": "회의 안내"})),
            ("mail since yesterday 3pm", json!({"start_date": "2026-03-17T15:00"})),
            ("oldest emails first", json!({"order": "oldest"})),
        ] {
            assert_eq!(args(request), expected, "{request}");
        }
    }
}

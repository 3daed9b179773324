//! Plain-language requests to the calendar: events of a period, free time, rooms, calendars.

use super::Desk;
use crate::planner::{Area, Intent, Party, Reading};
use crate::services::asked::{Wanted, is_for, mentions, named, read};
use crate::services::time::{instant, local_text};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::plan::{Plan, Planner};
use async_trait::async_trait;
use chrono::TimeDelta;
use std::sync::Arc;

/// Events that are counted or looked through.
const MANY: usize = 200;
/// Days before an end without a beginning.
const DAYS: i64 = 30;

/// The planner.
pub(super) struct CalendarPlanner {
    pub(super) desk: Arc<Desk>,
}

impl CalendarPlanner {
    /// What is looked for in subject, place and people.
    fn words(&self, reading: &Reading) -> Option<String> {
        let people = reading.people().map(|party| named(&self.desk.deps, party));
        let words = reading.subject.iter().chain(&reading.words).cloned();
        let all: Vec<String> = words.chain(people).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    fn events(&self, reading: &Reading, now: &str) -> Plan {
        let mut wanted = Wanted::default();
        wanted.put_period("start_date", "end_date", reading.period.as_ref());
        let is_next = reading.outermost && reading.period.is_none();
        if is_next {
            wanted.put("start_date", now);
        }
        if let Some(period) = reading.period.filter(|period| period.start.is_none())
            && let Some(last) = period.last_day()
        {
            wanted.put("start_date", (last - TimeDelta::days(DAYS)).to_string());
        }
        wanted.put_some("search_query", self.words(reading));
        match reading.intent {
            Intent::Count | Intent::Analyze => wanted.put("limit", MANY),
            Intent::Search | Intent::List => wanted.put_limit(reading, MANY),
        };
        wanted.plan("calendar_list_events", reading, "")
    }

    /// When people are free: those with an address, the user always.
    fn free(reading: &Reading) -> Plan {
        let addresses: Vec<String> = reading
            .people()
            .filter_map(|party| match party {
                Party::Address(address) if address.contains('@') => Some(address.clone()),
                Party::Address(_) | Party::Name(_) | Party::Organization(_) => None,
            })
            .collect();
        let others: Vec<&str> = reading
            .people()
            .map(Party::text)
            .filter(|text| !addresses.iter().any(|known| known == text))
            .collect();
        let note = if others.is_empty() {
            String::new()
        } else {
            format!("Times of {} are not looked at: that takes a mail address.", others.join(", "))
        };
        let mut wanted = Wanted::default();
        // Somebody's time, or a time that suits both.
        if !addresses.is_empty() && reading.intent == Intent::List {
            wanted.put_period("start", "end", reading.period.as_ref());
            wanted.put("people", addresses);
            return wanted.plan("calendar_get_schedule", reading, &note);
        }
        wanted.put_period("window_start", "window_end", reading.period.as_ref());
        if !addresses.is_empty() {
            wanted.put("attendees", addresses);
        }
        wanted.plan("calendar_find_times", reading, &note)
    }
}

#[async_trait]
impl Planner for CalendarPlanner {
    async fn plan(&self, context: &CallContext, request: &str) -> Result<Option<Plan>, ToolError> {
        let deps = &self.desk.deps;
        let (reading, zone) = read(deps, &self.desk.zones, context, request, Area::Calendar).await;
        if mentions(request, &["room", "rooms", "회의실"]) && !reading.change {
            let mut wanted = Wanted::default();
            let words: Vec<&str> = reading
                .words
                .iter()
                .map(String::as_str)
                .filter(|word| !mentions(word, &["room", "rooms", "회의실", "free", "available"]))
                .collect();
            if !words.is_empty() {
                wanted.put("text", words.join(" "));
            }
            return Ok(Some(wanted.plan("calendar_find_rooms", &reading, "")));
        }
        if !is_for(&reading, Area::Calendar) {
            return Ok(None);
        }
        if mentions(request, &["calendars"])
            || mentions(request, &["캘린더", "달력"]) && mentions(request, &["목록", "리스트"])
        {
            return Ok(Some(Wanted::default().plan("calendar_list_calendars", &reading, "")));
        }
        if reading.free {
            return Ok(Some(Self::free(&reading)));
        }
        let now = local_text(instant(deps.clock.now()), zone);
        Ok(Some(self.events(&reading, &now)))
    }

    fn examples(&self) -> [&'static str; 3] {
        ["What meetings do I have tomorrow?", "다음 주 일정 보여줘", "When am I free on Thursday afternoon?"]
    }
}

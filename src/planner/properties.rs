//! A wish put into words, in either language, is read as the wish that it was; and periods are what arithmetic says.

use super::*;
use chrono::{Days, NaiveDate, NaiveDateTime};
use proptest::prelude::*;

/// What somebody wants of their mail, in the parts that both languages have.
#[derive(Clone, Debug)]
struct Wish {
    unread: bool,
    attachments: bool,
    important: bool,
    from: Option<usize>,
    days: Option<(NaiveDate, NaiveDate)>,
    quoted: Option<&'static str>,
    limit: Option<usize>,
}

/// A person in English, and in Korean with the particle.
const PEOPLE: [(&str, &str, &str); 4] =
    [("Bob", "밥", "이"), ("Carol", "김민지", "가"), ("Daniel", "박서준", "이"), ("Erin", "이지은", "이")];
const QUOTED: [&str; 4] = ["hull survey", "계약서 초안", "Q4-plan", "3월 보고"];
const NOW: &str = "2026-11-21T00:00:00Z";

fn day() -> impl Strategy<Value = NaiveDate> {
    let first = NaiveDate::from_ymd_opt(2015, 1, 1).unwrap();
    (0_u64..4_300).prop_map(move |days| first + Days::new(days))
}

prop_compose! {
    fn wish()(
        unread in any::<bool>(), attachments in any::<bool>(), important in any::<bool>(),
        from in proptest::option::of(0..PEOPLE.len()),
        days in proptest::option::of((day(), 0_u64..400)),
        quoted in proptest::option::of(proptest::sample::select(QUOTED.to_vec())),
        limit in proptest::option::of(2_usize..50),
    ) -> Wish {
        let days = days.map(|(first, more)| (first, first + Days::new(more)));
        Wish { unread, attachments, important, from, days, quoted, limit }
    }
}

impl Wish {
    fn english(&self) -> String {
        let mut parts = vec!["show".to_owned()];
        parts.extend(self.limit.map(|limit| format!("the top {limit}")));
        parts.extend(self.important.then(|| "important".to_owned()));
        parts.extend(self.unread.then(|| "unread".to_owned()));
        parts.push("emails".to_owned());
        parts.extend(self.attachments.then(|| "with attachments".to_owned()));
        parts.extend(self.from.map(|at| format!("from {}", PEOPLE[at].0)));
        parts.extend(self.quoted.map(|text| format!("about \"{text}\"")));
        parts.extend(self.days.map(|(first, last)| format!("between {first} and {last}")));
        parts.join(" ")
    }

    fn korean(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.days.map(|(first, last)| format!("{first}부터 {last}까지")));
        parts.extend(self.from.map(|at| format!("{}{} 보낸", PEOPLE[at].1, PEOPLE[at].2)));
        parts.extend(self.quoted.map(|text| format!("\"{text}\"")));
        parts.extend(self.important.then(|| "중요한".to_owned()));
        parts.extend(self.unread.then(|| "안 읽은".to_owned()));
        parts.extend(self.attachments.then(|| "첨부파일 있는".to_owned()));
        parts.push("메일".to_owned());
        parts.extend(self.limit.map(|limit| format!("{limit}개")));
        parts.push("보여줘".to_owned());
        parts.join(" ")
    }

    /// Whether a reading is this wish, all of it and nothing else.
    fn is(&self, reading: &Reading, name: impl Fn(usize) -> &'static str) -> bool {
        let from: Vec<Party> = self.from.iter().map(|at| Party::Name(name(*at).to_owned())).collect();
        let midnight = |day: NaiveDate| day.and_hms_opt(0, 0, 0);
        let period = self
            .days
            .map(|(first, last)| Period { start: midnight(first), end: midnight(last + Days::new(1)) });
        reading.area == Some(Area::Mail)
            && (reading.unread, reading.attachments) == (self.unread, self.attachments.then_some(true))
            && reading.importance == self.important.then_some(Importance::High)
            && (&reading.from, reading.period, reading.limit) == (&from, period, self.limit)
            && reading.words.iter().map(String::as_str).eq(self.quoted)
            && reading.to.is_empty()
            && reading.with.is_empty()
            && reading.subject.is_none()
            && reading.folder.is_none()
    }
}

fn reading(text: &str, now: &str) -> Reading {
    let organizations = Organizations::built_in();
    let now = now.parse().unwrap();
    read(text, Background { now, zone: Tz::UTC, organizations: &organizations, home: None, only_home: false })
}

fn bounds(text: &str, now: &str) -> (Option<NaiveDateTime>, Option<NaiveDateTime>) {
    reading(text, now).period.map_or((None, None), |period| (period.start, period.end))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_wish_in_english_is_read_as_it_was_meant(wish in wish()) {
        let (text, read) = (wish.english(), reading(&wish.english(), NOW));
        prop_assert!(wish.is(&read, |at| PEOPLE[at].0), "{}: {:?}", text, read);
    }

    #[test]
    fn a_wish_in_korean_is_read_as_it_was_meant(wish in wish()) {
        let (text, read) = (wish.korean(), reading(&wish.korean(), NOW));
        prop_assert!(wish.is(&read, |at| PEOPLE[at].1), "{}: {:?}", text, read);
    }

    #[test]
    fn what_is_told_names_every_part_of_the_wish(wish in wish()) {
        // A Korean word makes the request a Korean one.
        let wish = Wish { quoted: wish.quoted.filter(|text| text.is_ascii()), ..wish };
        let told = explain(&reading(&wish.english(), NOW));
        for (is_wished, part) in [
            (wish.unread, "unread".to_owned()),
            (wish.attachments, "with attachments".to_owned()),
            (wish.important, "of high importance".to_owned()),
            (wish.from.is_some(), format!("from {}", wish.from.map_or("", |at| PEOPLE[at].0))),
            (wish.quoted.is_some(), format!("\"{}\"", wish.quoted.unwrap_or_default())),
            (wish.limit.is_some(), format!("at most {}", wish.limit.unwrap_or_default())),
            (wish.days.is_some(), wish.days.map_or_else(String::new, |(first, _)| first.to_string())),
        ] {
            prop_assert!(!is_wished || told.contains(&part), "{}: {}", part, told);
        }
    }

    #[test]
    fn a_longer_look_back_begins_earlier_and_both_languages_agree(n in 1_u32..400, more in 1_u32..400) {
        let (short, long) = (bounds(&format!("mail of the last {n} days"), NOW), bounds(&format!("mail of the last {} days", n + more), NOW));
        prop_assert!(long.0 < short.0 && long.1 == short.1, "{:?} {:?}", short, long);
        prop_assert_eq!(bounds(&format!("최근 {n}일 메일"), NOW), short);
        let today: NaiveDateTime = "2026-11-21T00:00:00".parse().unwrap();
        prop_assert_eq!(short.0, today.checked_sub_days(Days::new(u64::from(n))));
    }

    #[test]
    fn a_day_later_means_a_day_later(
        shift in 0_u64..3_000,
        phrase in proptest::sample::select(vec!["mail of today", "어제 메일", "mail of the last 9 days", "모레 일정", "events in the next 4 days", "그제 메일", "mail of 3 days ago"]),
    ) {
        let at = |days: u64| {
            let now = NOW.parse::<DateTime<Utc>>().unwrap() + Days::new(days);
            bounds(phrase, &now.to_rfc3339())
        };
        let moved = |time: Option<NaiveDateTime>| time.and_then(|time| time.checked_add_days(Days::new(shift)));
        let (start, end) = at(0);
        prop_assert!(start.is_some());
        prop_assert_eq!(at(shift), (moved(start), moved(end)));
    }

    #[test]
    fn later_bounds_are_later_periods(one in day(), other in day()) {
        let (first, last) = (one.min(other), one.max(other));
        for (before, after) in [
            (format!("mail since {first}"), format!("mail since {last}")),
            (format!("{first} 이후 메일"), format!("{last} 이후 메일")),
        ] {
            prop_assert!(bounds(&before, NOW).0 <= bounds(&after, NOW).0, "{} {}", before, after);
        }
        let (before, after) = (bounds(&format!("mail until {first}"), NOW), bounds(&format!("mail until {last}"), NOW));
        prop_assert!(before.1.is_some() && before.1 <= after.1);
        // Said the wrong way round it is no empty period.
        let (start, end) = bounds(&format!("mail between {last} and {first}"), NOW);
        prop_assert!(start.zip(end).is_none_or(|(start, end)| start < end));
    }
}

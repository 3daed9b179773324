//! What holds for every request.

use super::*;
use proptest::prelude::*;

fn at(text: &str, now: &str, zone: Tz) -> Reading {
    let organizations = Organizations::built_in();
    let now = now.parse().unwrap();
    read(text, Background { now, zone, organizations: &organizations, home: None, only_home: false })
}

fn days(text: &str, now: &str, zone: Tz) -> (String, String) {
    let period = at(text, now, zone).period.unwrap_or_else(|| panic!("no period in {text:?}"));
    (period.start_text().unwrap_or_default(), period.end_text().unwrap_or_default())
}

#[test]
fn days_are_those_of_the_zone() {
    // Still the 17th in UTC, the 18th in Seoul.
    let now = "2026-03-17T16:00:00Z";
    assert_eq!(days("mail of today", now, Tz::Asia__Seoul).0, "2026-03-18");
    assert_eq!(days("mail of today", now, Tz::UTC).0, "2026-03-17");
    assert_eq!(days("오늘 메일", now, Tz::America__New_York).0, "2026-03-17");
}

#[test]
fn weeks_months_and_years_turn_where_they_should() {
    let seoul = Tz::Asia__Seoul;
    for (text, now, start, end) in [
        // Monday and Sunday.
        ("mail this week", "2026-03-16T00:00:00Z", "2026-03-16", "2026-03-22"),
        ("mail this week", "2026-03-22T05:00:00Z", "2026-03-16", "2026-03-22"),
        ("지난주 메일", "2026-03-22T05:00:00Z", "2026-03-09", "2026-03-15"),
        ("mail last month", "2026-01-15T00:00:00Z", "2025-12-01", "2025-12-31"),
        ("지난달 메일", "2024-03-31T00:00:00Z", "2024-02-01", "2024-02-29"),
        ("최근 한 달 메일", "2026-03-31T00:00:00Z", "2026-02-28", "2026-03-31"),
        ("mail last quarter", "2026-02-01T00:00:00Z", "2025-10-01", "2025-12-31"),
        ("mail in the last 10 days", "2026-01-05T00:00:00Z", "2025-12-26", "2026-01-05"),
        ("mail of December 30", "2026-01-05T00:00:00Z", "2025-12-30", "2025-12-30"),
        ("meetings on January 2", "2026-12-28T00:00:00Z", "2027-01-02", "2027-01-02"),
        ("mail of February 29", "2026-03-05T00:00:00Z", "", ""),
        ("2024년 2월 29일 메일", "2026-03-05T00:00:00Z", "2024-02-29", "2024-02-29"),
        ("12월 28일부터 1월 3일까지 메일", "2026-01-10T00:00:00Z", "2025-12-28", "2026-01-03"),
        ("mail last Monday", "2026-03-16T00:00:00Z", "2026-03-09", "2026-03-09"),
        ("mail since Monday", "2026-03-16T00:00:00Z", "2026-03-16", ""),
    ] {
        if start.is_empty() && end.is_empty() {
            // There is no such day: nothing is made up.
            assert_eq!(at(text, now, seoul).period, None, "{text}");
            continue;
        }
        assert_eq!(days(text, now, seoul), (start.to_owned(), end.to_owned()), "{text}");
    }
}

#[test]
fn what_was_understood_is_told_in_the_language_of_the_request() {
    let now = "2026-03-18T05:20:00Z";
    let english = explain(&at("find unread mail from Bob about \"hull survey\" last week", now, Tz::UTC));
    assert_eq!(
        english,
        "Understood: Search mail, unread, from Bob, with \"hull survey\", from 2026-03-09 to 2026-03-15."
    );
    let korean = explain(&at("지난주 김민지가 보낸 예산 메일 5개 보여줘", now, Tz::UTC));
    assert_eq!(
        korean,
        "이해한 내용: 메일 목록, 보낸 사람 김민지, 낱말 \"예산\", 기간 2026-03-09~2026-03-15, 최대 5개."
    );
    let long = explain(&at(&"hull ".repeat(2_000), now, Tz::UTC));
    assert!(long.contains("only its beginning was read"), "{long}");
}

#[test]
fn a_word_that_stands_for_nothing_is_told_and_not_searched_for() {
    let read = at("mail from Null about null and rust", "2026-03-18T05:20:00Z", Tz::UTC);
    assert_eq!((read.words, read.from), (vec!["rust".to_owned()], Vec::new()));
    assert_eq!(read.unused, ["null", "Null"]);
}

#[test]
fn a_hostile_text_is_bounded_and_read_all_the_same() {
    let now = "2026-03-18T05:20:00Z";
    for piece in [
        "from ",
        "\"",
        "3월 ",
        "last ",
        "2-",
        "과장",
        "(((",
        "내일 오후 ",
        "1/1/",
        "a@",
        "\u{1F600}",
        "\u{202E}x ",
        "제목 ",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        let reading = at(&text, now, Tz::Asia__Seoul);
        assert!(reading.is_cut && reading.words.len() <= 20 && reading.from.len() <= 20, "{piece}");
        assert!(explain(&reading).len() < 10_000, "{piece}");
    }
    let big = "9".repeat(400);
    for text in [
        format!("last {big} days"),
        format!("{big}월 {big}일"),
        format!("최근 {big}일"),
        "last 999999999 years".to_owned(),
    ] {
        assert_eq!(at(&text, now, Tz::UTC).period, None, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in "\\PC{0,80}") {
        let reading = at(&text, "2026-03-18T05:20:00Z", Tz::Asia__Seoul);
        let _ = explain(&reading);
    }

    #[test]
    fn no_row_of_known_words_breaks_it(
        parts in proptest::collection::vec(prop_oneof![
            Just("last"), Just("next"), Just("3"), Just("31"), Just("2026"), Just("월"), Just("일"), Just("주"), Just("전"),
            Just("부터"), Just("까지"), Just("오후"), Just("시"), Just("from"), Just("to"), Just("March"), Just("Q4"), Just("half"),
            Just("of"), Just("ago"), Just("week"), Just("years"), Just("between"), Just("-"), Just("/"), Just(":"), Just("KR"),
            Just("Bob's"), Just("mail"), Just("회의"), Just("제목에"), Just("subject"), Just("with"), Just("29"), Just("지난"), Just("최근"),
        ], 0..14),
        spaced in any::<bool>(),
        now in 0_i64..4_000_000_000,
    ) {
        let text = parts.join(if spaced { " " } else { "" });
        let now = DateTime::from_timestamp(now, 0).unwrap().to_rfc3339();
        let reading = at(&text, &now, Tz::America__Sao_Paulo);
        if let Some(Period { start: Some(start), end: Some(end) }) = reading.period {
            prop_assert!(start < end);
        }
        let _ = explain(&reading);
    }
}

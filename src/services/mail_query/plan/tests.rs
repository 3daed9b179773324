use super::*;
use crate::services::mail_query::args::KeywordFilter;

fn window() -> Window {
    // 1 to 2 November in Seoul.
    Window {
        start: "2026-10-31T15:00:00Z".parse().unwrap(),
        end: Some("2026-11-02T15:00:00Z".parse().unwrap()),
    }
}

fn made(filters: &Filters) -> Plan {
    plan(filters, window(), None, &[], false).unwrap()
}

fn url(filters: &Filters) -> String {
    let plan = made(filters);
    let target = match plan.engine {
        Engine::Filter => plan.filter_target(&window(), 10),
        Engine::Search => plan.search_target(&window(), 10),
        Engine::GraphSearch => panic!("not a listing"),
    };
    percent_encoding::percent_decode_str(&target.build()).decode_utf8().unwrap().into_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "filters are optional")]
fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

#[test]
fn dates_sender_and_flags_are_one_filter_with_the_time_first() {
    let filters = Filters {
        sender_address: text("kim@fabrikam.example"),
        unread_only: true,
        has_attachments: Some(true),
        importance: text("high"),
        ..Filters::default()
    };
    assert_eq!(
        url(&filters),
        format!(
            "/me/messages?$select={LIST_SELECT}&$top=10&$filter=receivedDateTime ge 2026-10-31T15:00:00Z and \
             receivedDateTime lt 2026-11-02T15:00:00Z and from/emailAddress/address eq 'kim@fabrikam.example' and \
             isRead eq false and hasAttachments eq true and importance eq 'high'&$orderby=receivedDateTime desc"
        )
    );
    assert!(url(&Filters { order: Order::Oldest, ..Filters::default() }).ends_with("receivedDateTime asc"));
}

#[test]
fn words_and_people_are_one_search_over_whole_utc_days() {
    for (filters, kql) in [
        (Filters { keyword: text("계약서"), ..Filters::default() }, "계약서*"),
        (Filters { subject_contains: text("Q3 report"), ..Filters::default() }, "subject:\\\"Q3 report*\\\""),
        (Filters { sender_address: text("fabrikam"), ..Filters::default() }, "from:\\\"fabrikam\\\""),
        (
            Filters {
                conversation_with: vec!["a@x.example".to_owned(), "Kim".to_owned()],
                ..Filters::default()
            },
            "(participants:\\\"a@x.example\\\" OR participants:\\\"Kim\\\")",
        ),
        (
            Filters {
                keyword_filter: KeywordFilter {
                    and_keywords: vec!["one".to_owned()],
                    or_keywords: vec!["two".to_owned(), "three".to_owned()],
                    not_keywords: vec!["four".to_owned()],
                },
                has_attachments: Some(false),
                ..Filters::default()
            },
            "one* AND (two* OR three*) AND hasAttachments:false AND NOT four*",
        ),
    ] {
        let url = url(&filters);
        let expected = format!("$search=\"received>=2026-10-31 AND received<2026-11-03 AND {kql}\"");
        assert!(url.ends_with(&expected), "{url}");
        assert!(!url.contains("$filter") && !url.contains("$orderby"), "{url}");
    }
}

#[test]
fn mail_to_somebody_is_looked_for_in_sent_items() {
    let url = url(&Filters { recipient_address: text("lee@x.example"), ..Filters::default() });
    assert!(url.starts_with("/me/mailFolders/sentitems/messages?"), "{url}");
    assert!(url.contains("ccRecipients") && url.contains("recipients:\\\"lee@x.example\\\""), "{url}");
}

#[test]
fn hostile_filters_stay_data() {
    for hostile in
        ["' or 1 eq 1 or 'a'@x.y", "a'@x.example", "\\'@x.example", "%27@x.example", "a&$top=999@x.y"]
    {
        let filters = Filters { sender_address: text(hostile), ..Filters::default() };
        let plan = made(&filters);
        let target = match plan.engine {
            Engine::Filter => plan.filter_target(&window(), 10).build(),
            Engine::Search | Engine::GraphSearch => plan.search_target(&window(), 10).build(),
        };
        assert_eq!(
            target.matches("&$").count(),
            if plan.engine == Engine::Filter { 3 } else { 2 },
            "{target}"
        );
        if plan.engine == Engine::Filter {
            let decoded = percent_encoding::percent_decode_str(&target).decode_utf8().unwrap();
            assert_eq!(decoded.matches('\'').count() % 2, 0, "{decoded}");
        }
    }
    let search = url(&Filters { keyword: text("x\" OR received>=1900-01-01 OR \"y"), ..Filters::default() });
    assert!(search.ends_with("AND \\\"x OR received>=1900-01-01 OR y*\\\"\""), "{search}");
}

#[test]
fn two_people_filters_are_refused() {
    let filters = Filters {
        sender_address: text("a@x.example"),
        conversation_with: vec!["b@x.example".to_owned()],
        ..Filters::default()
    };
    let error = plan(&filters, window(), None, &[], false).unwrap_err();
    assert!(error.public.contains("`sender_address` and `conversation_with`"), "{}", error.public);
}

#[test]
fn short_korean_words_bring_a_declared_pass_over_the_window() {
    let scan = |word: &str| made(&Filters { keyword: text(word), ..Filters::default() }).scan;
    assert!(
        scan("견적").is_some_and(|post| post.names().contains(&"keywords in subject, sender and preview"))
    );
    assert!(scan("계약서").is_none() && scan("ab").is_none());
}

#[test]
fn relevance_needs_words_and_words_need_letters() {
    let relevance = Filters { order: Order::Relevance, ..Filters::default() };
    assert!(plan(&relevance, window(), None, &[], false).is_err());
    let words = Filters { keyword: text("budget"), ..relevance };
    assert_eq!(made(&words).engine, Engine::GraphSearch);
    let empty = Filters { keyword: text("\"\"*"), ..Filters::default() };
    assert!(plan(&empty, window(), None, &[], false).unwrap_err().public.contains("letter"));
}

//! Plans of every service: the tool and the arguments that plain requests become, and that both are there.

use crate::domain::clock::{SharedClock, TestClock};
use crate::domain::ids::{ClientId, GrantId, UserKey};
use crate::domain::scope::ScopeSet;
use crate::domain::write_mark::WriteMark;
use crate::graph::testing::FakeGraph;
use crate::services::testing::deps;
use crate::services::{all, m365};
use crate::tools::context::{CallContext, Caller};
use crate::tools::outlet::Outlet;
use crate::tools::plan::Plan;
use crate::tools::schema::prepare;
use crate::tools::tool::Service;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Saturday, 21 November 2026, 09:00 in Seoul.
const NOW: i64 = 1_795_219_200_000;

/// Every service, and the bundles of them. Planning asks Graph for nothing but the zone, which this bearer may not read.
fn services() -> Vec<Arc<dyn Service>> {
    let services = all(&deps(FakeGraph::new(|_, _| unreachable!("planning asks nothing of Graph"))));
    let clock: SharedClock = Arc::new(TestClock::at(NOW));
    let bundles = m365::all(&services, &Arc::default(), &clock);
    services.into_iter().chain(bundles).collect()
}

fn service<'a>(services: &'a [Arc<dyn Service>], name: &str) -> &'a dyn Service {
    services.iter().find(|service| service.info().name.as_str() == name).unwrap().as_ref()
}

fn context() -> CallContext {
    CallContext {
        caller: Caller {
            user: UserKey::new("t", "alice"),
            client: ClientId::new("c"),
            grant: GrantId::new("g"),
            scopes: ScopeSet::parse("User.Read"),
        },
        deadline: Instant::now() + Duration::from_secs(20),
        outlet: Outlet::default(),
        mailbox: None,
        mark: WriteMark::default(),
    }
}

async fn plan(service: &dyn Service, request: &str) -> Option<Plan> {
    let plan = service.planner().unwrap().plan(&context(), request).await.unwrap()?;
    assert!(!plan.understood.is_empty());
    // One of the service's tools, with arguments that it takes.
    let tool = service.tools().iter().find(|tool| tool.spec().name == plan.tool);
    let spec = tool.unwrap_or_else(|| panic!("{} has no {}", service.info().name, plan.tool)).spec();
    let prepared = prepare(spec, Value::Object(plan.arguments.clone()));
    let prepared = prepared.unwrap_or_else(|error| panic!("{request}: {}", error.public));
    assert_eq!(prepared.args, plan.arguments, "{request}: arguments that need no repair");
    assert_eq!(prepared.warnings, Vec::<String>::new(), "{request}");
    // Nothing but reading is planned. Of the one tool that does both, its listing.
    let lists = plan
        .arguments
        .get("action")
        .and_then(Value::as_str)
        .is_some_and(|action| action.starts_with("list_"));
    assert!(spec.annotations.read_only || lists, "{request}: {}", plan.tool);
    Some(plan)
}

async fn check(name: &str, table: &[(&str, &str, Value)]) {
    let services = services();
    let service = service(&services, name);
    for (request, tool, arguments) in table {
        let plan = plan(service, request).await.unwrap_or_else(|| panic!("{request}: nothing is planned"));
        assert_eq!((plan.tool, Value::Object(plan.arguments)), (*tool, arguments.clone()), "{request}");
    }
}

async fn declines(name: &str, requests: &[&str]) {
    let services = services();
    for request in requests {
        let plan = plan(service(&services, name), request).await;
        assert!(plan.is_none(), "{name}: {request}: {plan:?}");
    }
}

#[tokio::test]
async fn every_example_of_every_service_plans() {
    let services = services();
    let mut planners = HashSet::new();
    for service in &services {
        let Some(planner) = service.planner() else { continue };
        planners.insert(service.info().name.to_string());
        let examples = planner.examples();
        for example in examples {
            assert!(plan(service.as_ref(), example).await.is_some(), "{}: {example}", service.info().name);
        }
        assert!(examples.iter().any(|example| !example.is_ascii()), "one of them is Korean");
    }
    for name in
        ["mail-query", "calendar", "teams", "onenote", "onedrive", "m365", "m365-daily", "m365-search"]
    {
        assert!(planners.contains(name), "{name}");
    }
}

#[tokio::test]
async fn no_service_plans_a_change_or_chatter() {
    for name in ["mail-query", "calendar", "teams", "onenote", "onedrive", "m365"] {
        declines(
            name,
            &[
                "Send an email to Bob saying hi",
                "delete all my files",
                "book a meeting with Bob tomorrow",
                "밥에게 메일 보내줘",
                "내일 회의 취소해줘",
                "노트 만들어줘",
                "hello",
                "what can you do?",
                "xyzzy plugh",
                "쀍뷁 쀍뷁",
                "",
                "   ",
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn a_service_leaves_to_others_what_is_theirs() {
    declines(
        "mail-query",
        &["What meetings do I have tomorrow?", "원노트에서 회의록 찾아줘", "my recent files"],
    )
    .await;
    declines("calendar", &["unread mail", "팀즈 채팅 목록"]).await;
    declines("teams", &["unread mail", "다음 주 일정"]).await;
    declines("onedrive", &["unread mail", "my notebooks"]).await;
    declines("onenote", &["unread mail", "내 파일 목록"]).await;
}

#[tokio::test]
async fn mail_is_planned() {
    check(
        "mail-query",
        &[
            (
                "Show unread mail from last week",
                "query_email",
                json!({"start_date": "2026-11-09", "end_date": "2026-11-15", "unread_only": true}),
            ),
            (
                "김민지가 보낸 예산 관련 메일 찾아줘",
                "query_email",
                json!({"days_back": 365, "sender_address": "김민지", "keyword_filter": {"and_keywords": ["예산"]}}),
            ),
            ("what did Alice send me about the lease?", "query_email", json!({
                "days_back": 365, "sender_address": "Alice", "keyword_filter": {"and_keywords": ["lease"]}})),
            ("메일 몇 개 왔어?", "simple_query", json!({"query": "메일 몇 개 왔어?"})),
            ("summarize my mail of today", "simple_query", json!({"query": "summarize my mail of today"})),
            ("list my mail folders", "list_mail_folders", json!({})),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_calendar_is_planned() {
    check(
        "calendar",
        &[
            ("meetings tomorrow", "calendar_list_events", json!({"start_date": "2026-11-22", "end_date": "2026-11-22"})),
            ("다음 주 일정", "calendar_list_events", json!({"start_date": "2026-11-23", "end_date": "2026-11-29"})),
            ("what is on Friday?", "calendar_list_events", json!({"start_date": "2026-11-27", "end_date": "2026-11-27"})),
            (
                "meetings with Bob about budget next week",
                "calendar_list_events",
                json!({"start_date": "2026-11-23", "end_date": "2026-11-29", "search_query": "budget Bob"}),
            ),
            (
                "when is my next meeting",
                "calendar_list_events",
                json!({"start_date": "2026-11-21T09:00:00+09:00", "limit": 1}),
            ),
            ("how many meetings next month", "calendar_list_events", json!({
                "start_date": "2026-12-01", "end_date": "2026-12-31", "limit": 200})),
            (
                "내일 오후 3시 일정",
                "calendar_list_events",
                json!({"start_date": "2026-11-22T15:00", "end_date": "2026-11-22T16:00"}),
            ),
            ("when am I free on Thursday afternoon?", "calendar_find_times", json!({
                "window_start": "2026-11-26T12:00", "window_end": "2026-11-26T18:00"})),
            ("is bob@contoso.example free tomorrow?", "calendar_get_schedule", json!({
                "start": "2026-11-22", "end": "2026-11-22", "people": ["bob@contoso.example"]})),
            ("find a free slot with bob@contoso.example tomorrow", "calendar_find_times", json!({
                "window_start": "2026-11-22", "window_end": "2026-11-22", "attendees": ["bob@contoso.example"]})),
            ("다음 주 비는 시간", "calendar_find_times", json!({"window_start": "2026-11-23", "window_end": "2026-11-29"})),
            ("list my calendars", "calendar_list_calendars", json!({})),
            ("회의실 찾아줘", "calendar_find_rooms", json!({})),
        ],
    )
    .await;
    let services = services();
    let plan = plan(service(&services, "calendar"), "is Bob free tomorrow?").await.unwrap();
    assert!(plan.understood.contains("Bob") && plan.understood.contains("address"), "{}", plan.understood);
}

#[tokio::test]
async fn teams_is_planned() {
    check(
        "teams",
        &[
            ("show my chats", "teams_list_chats", json!({})),
            ("unread chats", "teams_list_chats", json!({"unread_only": true})),
            ("최근 채팅방 5개", "teams_list_chats", json!({"limit": 5})),
            (
                "chats of last week",
                "teams_get_chats_by_date",
                json!({"start_date": "2026-11-09", "end_date": "2026-11-15"}),
            ),
            ("팀즈에서 배포 관련 메시지 찾아줘", "teams_search_messages", json!({"keyword": "배포"})),
            (
                "search Teams for \"release notes\" from Bob since Monday",
                "teams_search_messages",
                json!({"keyword": "\"release notes\"", "from": "Bob", "since": "2026-11-16"}),
            ),
            (
                "What did Bob say in Teams yesterday?",
                "teams_search_messages",
                json!({
                "from": "Bob", "since": "2026-11-20", "before": "2026-11-20"}),
            ),
            ("show my chat with Carol", "teams_get_chat_messages", json!({"recipient_name": "Carol"})),
            ("밥이랑 한 채팅 보여줘", "teams_get_chat_messages", json!({"recipient_name": "밥"})),
            ("list my teams", "teams_list_teams", json!({})),
            ("is Bob available?", "teams_get_presence", json!({"people": ["Bob"]})),
        ],
    )
    .await;
}

#[tokio::test]
async fn notes_are_planned() {
    check(
        "onenote",
        &[
            ("list my notebooks", "onenote_list_notebooks", json!({})),
            ("원노트에서 회의록 찾아줘", "onenote_search", json!({"text": "회의록"})),
            (
                "find my notes about \"site visit\" since March",
                "onenote_search",
                json!({
                "text": "\"site visit\"", "since": "2026-03-01"}),
            ),
            (
                "notes from yesterday",
                "manage_sections_and_pages",
                json!({"action": "list_pages", "modified_since": "2026-11-20"}),
            ),
            ("최근 노트 3개", "manage_sections_and_pages", json!({"action": "list_pages", "limit": 3})),
        ],
    )
    .await;
}

#[tokio::test]
async fn files_are_planned() {
    check(
        "onedrive",
        &[
            ("list my files", "list_files", json!({})),
            ("my recent files", "list_files", json!({"view": "recent"})),
            ("원드라이브에서 제안서 파일 찾아줘", "list_files", json!({"search": "제안서"})),
            ("find budget.xlsx", "list_files", json!({"search": "budget.xlsx"})),
            (
                "find the spreadsheet about the budget",
                "list_files",
                json!({"search": "budget", "type": "xlsx"}),
            ),
            (
                "pdf files from last week",
                "list_files",
                json!({
                "view": "recent", "type": "pdf", "modified_since": "2026-11-09"}),
            ),
            ("documents shared with me", "list_files", json!({"view": "shared"})),
            ("예산 엑셀 파일 찾아줘", "list_files", json!({"search": "예산", "type": "xlsx"})),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_bundle_asks_the_service_that_is_meant() {
    check(
        "m365",
        &[
            ("unread emails", "query_email", json!({"days_back": 3650, "unread_only": true})),
            (
                "내일 회의",
                "calendar_list_events",
                json!({"start_date": "2026-11-22", "end_date": "2026-11-22"}),
            ),
            ("팀즈 채팅 목록", "teams_list_chats", json!({})),
            ("my notebooks", "onenote_list_notebooks", json!({})),
            ("내 파일 목록", "list_files", json!({})),
            ("anything from Bob?", "query_email", json!({"days_back": 365, "sender_address": "Bob"})),
            ("search for the hull survey", "search", json!({"query": "hull survey"})),
        ],
    )
    .await;
    // A tool that a preset does not have is not planned; its search is.
    check("m365-search", &[("emails about the hull survey", "search", json!({"query": "hull survey"}))])
        .await;
    declines("m365-search", &["unread emails"]).await;
}

#[test]
fn no_bundle_has_a_name_twice_whatever_is_behind_it() {
    let services = services();
    assert!(services.iter().any(|service| service.info().name.as_str() == "iacs"));
    let bundle = service(&services, "m365");
    let mut seen = HashSet::new();
    for tool in bundle.tools() {
        assert!(seen.insert(tool.spec().name), "{}", tool.spec().name);
    }
    // Both services have it: the first one lends it, and its switches hold.
    assert_eq!(bundle.home_of("simple_query").as_str(), "mail-query");
    assert_eq!(bundle.home_of("query_with_llm_params").as_str(), "iacs");
    let mut seen = HashSet::new();
    for prompt in bundle.prompts() {
        assert!(seen.insert(prompt.spec().name), "{}", prompt.spec().name);
    }
}

use super::client::GraphClient;
use super::encode::Target;
use super::error::{Fault, GraphError};
use super::request::{Asker, Request};
use super::testing::{FakeGraph, FakeTokens, OpenGate, json, raw};
use crate::domain::ids::UserKey;
use crate::domain::mailbox::Mailbox;
use crate::domain::write_mark::WriteMark;
use crate::ports::graph::TransportError;
use crate::ports::tokens::TokenError;
use http::Method;
use serde_json::json as value;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Rig {
    graph: Arc<FakeGraph>,
    tokens: Arc<FakeTokens>,
    gate: Arc<OpenGate>,
    client: GraphClient,
    user: UserKey,
}

fn rig(graph: Arc<FakeGraph>) -> Rig {
    rig_with(graph, FakeTokens::default())
}

fn rig_with(graph: Arc<FakeGraph>, tokens: FakeTokens) -> Rig {
    let (tokens, gate) = (Arc::new(tokens), Arc::new(OpenGate::default()));
    let client = GraphClient::new(graph.clone(), tokens.clone(), gate.clone());
    Rig { graph, tokens, gate, client, user: UserKey::new("t", "alice") }
}

impl Rig {
    async fn get(&self, seconds: u64) -> Result<super::client::Answer, GraphError> {
        let asker = Asker {
            user: &self.user,
            mailbox: None,
            deadline: Instant::now() + Duration::from_secs(seconds),
            mark: None,
        };
        self.client.send(asker, Request::outlook(Target::new("/me/messages")).html_bodies()).await
    }
}

#[tokio::test]
async fn every_attempt_is_decorated_and_admitted() {
    let rig = rig(FakeGraph::new(|_, n| {
        if n == 0 { raw(503, &[("retry-after", "0")], b"") } else { json(200, &value!({})) }
    }));
    rig.get(30).await.unwrap();
    let seen = rig.graph.seen.lock();
    let header = |n: usize, name: &str| {
        seen[n].headers.iter().find(|(key, _)| *key == name).map(|(_, v)| v.clone()).unwrap_or_default()
    };
    assert_eq!(header(0, "prefer"), "IdType=\"ImmutableId\", outlook.body-content-type=\"html\"");
    assert!(header(0, "user-agent").starts_with("NONISV|"));
    assert_eq!(header(0, "return-client-request-id"), "true");
    let (first, second) = (header(0, "client-request-id"), header(1, "client-request-id"));
    assert_eq!(uuid::Uuid::parse_str(&first).unwrap().get_version_num(), 7);
    assert_ne!(first, second);
    assert_eq!(*rig.gate.admissions.lock(), 2);
}

#[tokio::test]
async fn a_short_throttle_is_waited_out_and_told_to_the_gate() {
    let rig = rig(FakeGraph::new(|_, n| {
        if n == 0 { raw(429, &[("retry-after", "0.01")], b"") } else { json(200, &value!({})) }
    }));
    rig.get(30).await.unwrap();
    assert_eq!(*rig.gate.penalties.lock(), [Duration::from_millis(10)]);
}

#[tokio::test]
async fn a_throttle_longer_than_the_call_is_answered_at_once() {
    let rig = rig(FakeGraph::new(|_, _| raw(429, &[("retry-after", "120")], b"")));
    let error = rig.get(20).await.unwrap_err();
    let GraphError::Throttled { retry_after, request_id } = error else { panic!("{error:?}") };
    assert_eq!((retry_after, request_id.as_deref()), (Duration::from_mins(2), Some("req-1")));
    assert_eq!(rig.graph.seen.lock().len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_then_the_person_is_asked() {
    let rig = rig(FakeGraph::new(|request, _| {
        if request.token.expose().ends_with("-1") { raw(401, &[], b"") } else { json(200, &value!({})) }
    }));
    rig.get(20).await.unwrap();
    assert_eq!(*rig.tokens.renewals.lock(), [1]);

    // What the first renewal brought had ended with the one before it: another replica got it earlier.
    let rig = self::rig(FakeGraph::new(|request, _| {
        if request.token.expose().ends_with("-3") { json(200, &value!({})) } else { raw(401, &[], b"") }
    }));
    rig.get(20).await.unwrap();
    assert_eq!(*rig.tokens.renewals.lock(), [1, 2]);

    let rig = self::rig(FakeGraph::new(|_, _| raw(401, &[], b"")));
    let error = rig.get(20).await.unwrap_err();
    assert!(matches!(error, GraphError::Refused { fault: Fault::AuthExpired, .. }), "{error:?}");
    assert_eq!((rig.tokens.renewals.lock().len(), rig.graph.seen.lock().len()), (2, 3));
}

#[tokio::test]
async fn a_permission_granted_at_another_replica_is_found() {
    let tokens = || FakeTokens { elsewhere: 1, ..FakeTokens::default() };
    let rig = rig_with(
        FakeGraph::new(|request, _| {
            if request.token.expose().ends_with("-1") { raw(403, &[], b"") } else { json(200, &value!({})) }
        }),
        tokens(),
    );
    rig.get(20).await.unwrap();
    assert!(rig.tokens.renewals.lock().is_empty(), "Entra need not be asked");

    let rig = rig_with(FakeGraph::new(|_, _| raw(403, &[], b"")), tokens());
    let error = rig.get(20).await.unwrap_err();
    assert!(matches!(error, GraphError::Refused { fault: Fault::MissingPermission, .. }), "{error:?}");
    assert_eq!(rig.graph.seen.lock().len(), 2, "one more look, not a loop");
}

#[tokio::test]
async fn without_a_token_graph_is_not_asked() {
    let rig = rig_with(
        FakeGraph::new(|_, _| json(200, &value!({}))),
        FakeTokens { dead: true, ..FakeTokens::default() },
    );
    assert!(matches!(rig.get(20).await, Err(GraphError::Token(TokenError::SignInRequired))));
    assert!(rig.graph.seen.lock().is_empty());
}

#[tokio::test]
async fn refusals_are_never_repeated() {
    for status in [400, 403, 404, 409, 412, 500] {
        let rig = rig(FakeGraph::new(move |_, _| raw(status, &[], b"<html>")));
        rig.get(20).await.unwrap_err();
        assert_eq!(rig.graph.seen.lock().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_question_too_long_for_an_address_is_not_taken_for_an_outage() {
    let rig = rig(FakeGraph::new(|_, _| json(200, &value!({}))));
    let asker = Asker {
        user: &rig.user,
        mailbox: None,
        deadline: Instant::now() + Duration::from_secs(20),
        mark: None,
    };
    let long = Target::new("/me/messages").with("$search", &"\u{acc4}".repeat(5000));
    let error = rig.client.send(asker, Request::outlook(long)).await.unwrap_err();
    assert!(matches!(error, GraphError::Refused { fault: Fault::InternalQuery, .. }), "{error:?}");
    assert!(rig.graph.seen.lock().is_empty());
}

#[tokio::test]
async fn a_broken_connection_is_tried_again() {
    let rig = rig(FakeGraph::new(|_, n| {
        if n == 0 { Err(TransportError::Broken("reset".to_owned())) } else { json(200, &value!({})) }
    }));
    rig.get(20).await.unwrap();
}

/// What a call that is broken off is told rests on it: a preview that took too long has done nothing.
#[tokio::test]
async fn what_writes_leaves_a_mark_before_it_is_sent_and_what_reads_leaves_none() {
    let mark = WriteMark::default();
    let at_graph = mark.clone();
    let rig = rig(FakeGraph::new(move |request, _| {
        let writes = request.method == Method::POST && request.target == "/me/messages";
        assert_eq!(at_graph.is_set(), writes, "{} {}", request.method, request.target);
        json(200, &value!({}))
    }));
    let asker = Asker {
        user: &rig.user,
        mailbox: None,
        deadline: Instant::now() + Duration::from_secs(30),
        mark: Some(&mark),
    };
    let body = || bytes::Bytes::from_static(b"{}");
    rig.client.send(asker, Request::outlook(Target::new("/me/messages"))).await.unwrap();
    rig.client.send(asker, Request::query(Target::new("/search/query"), body())).await.unwrap();
    let write = Request::write(Method::POST, Target::new("/me/messages"), Some(body()));
    rig.client.send(asker, write).await.unwrap();
}

/// Sends a write to a Graph that answers so; the outcome and how often it was asked.
async fn write(
    request: Request,
    answer: impl Fn(usize) -> super::testing::Reply + Send + Sync + 'static,
) -> (Result<super::client::Answer, GraphError>, usize) {
    let rig = rig(FakeGraph::new(move |_, n| answer(n)));
    let asker = Asker {
        user: &rig.user,
        mailbox: None,
        deadline: Instant::now() + Duration::from_secs(30),
        mark: None,
    };
    let outcome = rig.client.send(asker, request).await;
    let asked = rig.graph.seen.lock().len();
    (outcome, asked)
}

#[tokio::test]
async fn a_write_is_not_sent_again_when_nobody_knows_whether_it_happened() {
    let target = || Target::new("/me/events/x");
    let post = || Request::write(Method::POST, target(), Some(bytes::Bytes::from_static(b"{}")));
    let patch = || Request::write(Method::PATCH, target(), None).if_match("W/\"1\"");
    let put = || Request::write(Method::PUT, target(), None).if_match("W/\"1\"");
    for request in [post(), patch(), put()] {
        let silent: [fn() -> super::testing::Reply; 4] = [
            || raw(504, &[], b""),
            || raw(503, &[("retry-after", "0")], b""),
            || Err(TransportError::Timeout),
            || Err(TransportError::Broken("reset".to_owned())),
        ];
        for broken in silent {
            let (outcome, asked) = write(request.clone(), move |_| broken()).await;
            assert!(matches!(outcome, Err(GraphError::OutcomeUnknown { .. })), "{outcome:?}");
            assert_eq!(asked, 1);
        }
        // A throttled request was not executed.
        let throttled = |n: usize| {
            if n == 0 { raw(429, &[("retry-after", "0.01")], b"") } else { raw(202, &[], b"") }
        };
        let (outcome, asked) = write(request, throttled).await;
        assert_eq!((outcome.is_ok(), asked), (true, 2));
    }
    let once = |n: usize| if n == 0 { raw(503, &[("retry-after", "0")], b"") } else { raw(201, &[], b"{}") };
    assert_eq!(write(post().repeatable(), once).await.1, 2, "Graph knows it by its transaction id");
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_reason_to_write_again() {
    let cut = || raw(201, &[], b"{\"id\":\"AA");
    let target = || Target::new("/me/messages");
    let body = || Some(bytes::Bytes::from_static(b"{}"));
    for (request, is_unknown) in [
        (Request::write(Method::POST, target(), body()), true),
        (Request::write(Method::PATCH, target(), body()).if_match("W/\"1\""), true),
        (Request::write(Method::POST, target(), body()).repeatable(), false),
        (Request::write(Method::PUT, target(), body()), false),
        (Request::outlook(target()), false),
    ] {
        let answer = write(request, move |_| cut()).await.0.unwrap();
        let read = answer.view::<serde_json::Value>();
        assert_eq!(matches!(read, Err(GraphError::OutcomeUnknown { .. })), is_unknown, "{read:?}");
        assert_eq!(matches!(read, Err(GraphError::Malformed(_))), !is_unknown, "{read:?}");
    }
}

#[tokio::test]
async fn a_file_that_must_be_new_is_sent_once_and_says_what_it_holds() {
    let put = || Request::files_write(Method::PUT, "/me/drive/x", Some(bytes::Bytes::from_static(b"a")));
    let lost = |n: usize| if n == 0 { raw(503, &[("retry-after", "0")], b"") } else { raw(200, &[], b"{}") };
    let (outcome, asked) = write(put().once(), lost).await;
    assert!(matches!(outcome, Err(GraphError::OutcomeUnknown { .. })), "{outcome:?}");
    assert_eq!(asked, 1, "the second time it would meet its own file");
    assert_eq!(write(put(), lost).await.1, 2);

    let rig = rig(FakeGraph::new(|_, _| raw(200, &[], b"{}")));
    for request in [put(), put().holding("text/csv".to_owned())] {
        let asker = Asker {
            user: &rig.user,
            mailbox: None,
            deadline: Instant::now() + Duration::from_secs(20),
            mark: None,
        };
        rig.client.send(asker, request).await.unwrap();
    }
    let seen = rig.graph.seen.lock();
    for (request, media_type) in seen.iter().zip(["application/json", "text/csv"]) {
        assert!(request.headers.contains(&("content-type", media_type.to_owned())), "{:?}", request.headers);
    }
}

#[tokio::test]
async fn a_removal_whose_answer_got_lost_has_happened() {
    let delete = Request::write(Method::DELETE, Target::new("/me/events/x"), None);
    let gone = |n: usize| if n == 0 { raw(503, &[("retry-after", "0")], b"") } else { raw(404, &[], b"") };
    let (outcome, asked) = write(delete.clone(), gone).await;
    assert_eq!((outcome.is_ok(), asked), (true, 2));
    let (outcome, _) = write(delete, |_| raw(404, &[], b"")).await;
    assert!(matches!(outcome, Err(GraphError::Refused { fault: Fault::NotFound, .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_write_names_its_version() {
    let rig = rig(FakeGraph::new(|_, _| raw(412, &[], b"")));
    let asker = Asker {
        user: &rig.user,
        mailbox: None,
        deadline: Instant::now() + Duration::from_secs(20),
        mark: None,
    };
    let patch = Request::write(Method::PATCH, Target::new("/me/events/x"), None).if_match("W/\"7\"");
    let error = rig.client.send(asker, patch).await.unwrap_err();
    assert!(matches!(error, GraphError::Refused { fault: Fault::Conflict, .. }), "{error:?}");
    assert!(rig.graph.seen.lock()[0].headers.contains(&("if-match", "W/\"7\"".to_owned())));
}

#[tokio::test]
async fn an_unreadable_answer_is_an_error_that_quotes_nothing() {
    let rig = rig(FakeGraph::new(|_, _| raw(200, &[], b"{\"value\": \"secret subject")));
    let answer = rig.get(20).await.unwrap();
    let error = answer.view::<super::page::Page<'_, u8>>().unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn a_refusal_keeps_code_and_request_id() {
    let rig = rig(FakeGraph::new(|_, _| {
        json(404, &value!({"error": {"code": "ErrorItemNotFound", "message": "gone"}}))
    }));
    let GraphError::Refused { fault, code, request_id, .. } = rig.get(20).await.unwrap_err() else {
        panic!()
    };
    assert_eq!(
        (fault, code.as_str(), request_id.as_deref()),
        (Fault::NotFound, "ErrorItemNotFound", Some("req-1"))
    );
}

#[tokio::test]
async fn in_another_mailbox_the_same_paths_lead_there_and_refusals_are_about_it() {
    let denied = value!({"error": {"code": "ErrorAccessDenied", "message": "m"}});
    let rig = rig(FakeGraph::new(move |_, _| json(403, &denied)));
    let mailbox = Mailbox::parse("support@contoso.example").unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let asker = Asker { user: &rig.user, mailbox: Some(&mailbox), deadline, mark: None };
    let (there, page) = (Target::new("/me/messages/x"), "https://graph.example/v1.0/me/x");
    for (request, asked, expected) in [
        (Request::outlook(there), "/users/support@contoso.example/messages/x", Fault::MailboxDenied),
        (Request::next(page.to_owned()), page, Fault::MailboxDenied),
        (Request::files("/me/drive/root"), "/me/drive/root", Fault::MissingPermission),
    ] {
        let GraphError::Refused { fault, .. } = rig.client.send(asker, request).await.unwrap_err() else {
            panic!("{asked}")
        };
        assert_eq!((fault, rig.graph.targets().last().unwrap().as_str()), (expected, asked));
    }
    let own = Asker { mailbox: None, ..asker };
    let request = Request::outlook(Target::new("/me/messages/x"));
    let refused = rig.client.send(own, request).await.unwrap_err();
    assert!(matches!(refused, GraphError::Refused { fault: Fault::MissingPermission, .. }));
}

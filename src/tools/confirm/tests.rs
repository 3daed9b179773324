use super::*;
use crate::adapters::embedded::EmbeddedStore;
use crate::domain::clock::TestClock;
use crate::domain::ids::{ClientId, GrantId};
use crate::domain::keyring::KeyRing;
use crate::domain::mailbox::Mailbox;
use crate::domain::scope::ScopeSet;
use crate::domain::write_mark::WriteMark;
use crate::tools::context::Caller;
use crate::tools::outlet::{Features, Outlet};
use std::time::Instant;

const NOW: i64 = 1_795_219_200_000;

struct Rig {
    clock: Arc<TestClock>,
    store: Arc<EmbeddedStore>,
}

fn rig() -> Rig {
    let clock = Arc::new(TestClock::at(NOW));
    Rig { store: Arc::new(EmbeddedStore::memory(clock.clone())), clock }
}

impl Rig {
    /// One replica.
    fn writes(&self, domains: &[&str], per_hour: u32) -> Writes {
        self.writes_with(&KeyRing::from_text(&"k".repeat(40)).unwrap(), domains, per_hour)
    }

    /// One with other keys.
    fn writes_with(&self, ring: &KeyRing, domains: &[&str], per_hour: u32) -> Writes {
        let recipient_domains = domains.iter().map(ToString::to_string).collect();
        let rules = WriteRules { recipient_domains, per_hour };
        Writes::new(self.store.clone(), Cipher::new(ring), Hasher::new(ring), rules)
    }
}

fn context(user: &str, form: bool, answers: &Value) -> CallContext {
    CallContext {
        caller: Caller {
            user: UserKey::new("t", user),
            client: ClientId::new("c"),
            grant: GrantId::new("g"),
            scopes: ScopeSet::default(),
        },
        mailbox: None,
        mark: WriteMark::default(),
        deadline: Instant::now() + Duration::from_mins(1),
        outlet: Outlet {
            features: Features { form, ..Features::default() },
            answers: Arc::new(answers.as_object().cloned().unwrap_or_default()),
            ..Outlet::default()
        },
    }
}

fn args(args: &Value) -> Args {
    args.as_object().cloned().unwrap_or_default()
}

/// Holds a write to bob as `user` of a client that cannot ask.
async fn hold(
    writes: &Writes,
    user: &str,
    payload: &Value,
    given: &Value,
) -> Result<Option<Value>, ToolError> {
    let people = ["bob@contoso.example".to_owned()];
    let write = Write {
        service: "calendar",
        tool: "invite",
        payload,
        preview: "Invite Bob".to_owned(),
        leaves: true,
        recipients: ("attendees", &people),
    };
    let held = writes.hold(&context(user, false, &json!({})), &args(given), &write).await?;
    Ok(held.map(|output| serde_json::from_str(output.structured.get()).unwrap()))
}

async fn token(writes: &Writes, payload: &Value) -> Value {
    token_of(writes, "alice", payload).await
}

async fn token_of(writes: &Writes, user: &str, payload: &Value) -> Value {
    let held = hold(writes, user, payload, &json!({})).await.unwrap().unwrap();
    assert_eq!((&held["status"], &held["expires_in_s"]), (&json!("confirmation_required"), &json!(600)));
    json!({"confirm_token": held["confirm_token"]})
}

#[tokio::test]
async fn a_token_is_good_for_one_write_of_one_person_at_any_replica() {
    let rig = rig();
    let (one, other) = (rig.writes(&[], 0), rig.writes(&[], 0));
    let payload = json!({"subject": "crane", "start": "09:00"});
    let given = token(&one, &payload).await;
    for (user, payload) in [("bob", &payload), ("alice", &json!({"subject": "crane", "start": "10:00"}))] {
        let refused = hold(&other, user, payload, &given).await.unwrap_err();
        let field = ToolErrorKind::InvalidInput { field: Some("confirm_token".to_owned()) };
        assert_eq!(refused.kind, field);
    }
    // A refusal does not use it up, and the order of members does not matter.
    let reordered = json!({"start": "09:00", "subject": "crane"});
    assert_eq!(hold(&other, "alice", &reordered, &given).await.unwrap(), None);
    assert!(hold(&one, "alice", &payload, &given).await.unwrap_err().public.contains("used"));
    assert!(hold(&other, "alice", &payload, &given).await.unwrap_err().public.contains("used"));
}

#[tokio::test]
async fn a_token_expires_and_what_is_no_token_is_refused() {
    let rig = rig();
    let writes = rig.writes(&[], 0);
    let payload = json!({"subject": "crane"});
    let given = token(&writes, &payload).await;
    rig.clock.advance(LIFE);
    for given in [given, json!({"confirm_token": "c_x"}), json!({"confirm_token": "w_".repeat(99)})] {
        assert_eq!(hold(&writes, "alice", &payload, &given).await.unwrap_err().code(), "invalid_input");
    }
}

#[tokio::test]
async fn of_many_calls_with_one_token_one_passes() {
    let rig = rig();
    let writes = [rig.writes(&[], 0), rig.writes(&[], 0)];
    let payload = json!({"subject": "crane"});
    let given = token(&writes[0], &payload).await;
    let calls = (0..20).map(|n| hold(&writes[n % 2], "alice", &payload, &given));
    let passed =
        futures_util::future::join_all(calls).await.into_iter().filter(|held| matches!(held, Ok(None)));
    assert_eq!(passed.count(), 1);
}

#[tokio::test]
async fn a_dry_run_shows_and_does_nothing_even_with_a_token() {
    let rig = rig();
    let writes = rig.writes(&[], 0);
    let payload = json!({"subject": "crane"});
    let mut given = token(&writes, &payload).await;
    given["dry_run"] = json!(true);
    let held = hold(&writes, "alice", &payload, &given).await.unwrap().unwrap();
    assert_eq!((&held["status"], &held["preview"]), (&json!("preview"), &json!("Invite Bob")));
    given["dry_run"] = json!(false);
    assert_eq!(hold(&writes, "alice", &payload, &given).await.unwrap(), None, "the token still stands");
}

#[tokio::test]
async fn a_client_that_can_ask_asks_and_its_answer_is_to_that_payload_alone() {
    let writes = rig().writes(&[], 0);
    let payload = json!({"subject": "crane"});
    let hold = async |payload: &Value, answers: &Value| {
        let write = Write {
            service: "calendar",
            tool: "invite",
            payload,
            preview: "Invite Bob".to_owned(),
            leaves: true,
            recipients: ("attendees", &[]),
        };
        writes.hold(&context("alice", true, answers), &Args::new(), &write).await
    };
    let ToolErrorKind::InputRequired { questions } = hold(&payload, &json!({})).await.unwrap_err().kind
    else {
        panic!("no question")
    };
    let key = questions[0].key.as_str();
    assert!(hold(&payload, &json!({key: {"action": "accept", "content": {}}})).await.unwrap().is_none());
    for action in ["decline", "cancel"] {
        let held = hold(&payload, &json!({key: {"action": action}})).await.unwrap().unwrap();
        assert!(held.structured.get().contains("declined") && !held.is_error, "{action}");
    }
    let other = hold(&json!({"subject": "ship"}), &json!({key: {"action": "accept"}})).await.unwrap_err();
    assert!(matches!(other.kind, ToolErrorKind::InputRequired { .. }));
}

#[tokio::test]
async fn the_operator_bounds_whom_and_how_often() {
    let rig = rig();
    let payload = json!({"subject": "crane"});
    let refused =
        hold(&rig.writes(&["fabrikam.example"], 0), "alice", &payload, &json!({"dry_run": true})).await;
    let refused = refused.unwrap_err();
    assert!(
        refused.public.contains("bob@contoso.example") && refused.public.contains("attendees"),
        "{refused}"
    );
    let writes = rig.writes(&["contoso.example"], 2);
    for _ in 0..2 {
        let given = token(&writes, &payload).await;
        assert_eq!(hold(&writes, "alice", &payload, &given).await.unwrap(), None);
    }
    let given = token(&writes, &payload).await;
    let full = hold(&writes, "alice", &payload, &given).await.unwrap_err();
    assert!(full.retry_after().is_some_and(|wait| wait > Duration::from_mins(20)), "{full}");
    rig.clock.advance(Duration::from_mins(5));
    assert_eq!(
        hold(&writes, "bob", &payload, &token_of(&writes, "bob", &payload).await).await.unwrap(),
        None
    );
}

#[test]
fn what_a_writing_tool_says_of_itself_has_a_place_for_every_answer() {
    let properties = inputs(json!({"subject": {"type": "string"}}), true);
    let names: Vec<&String> = properties.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 3);
    assert!(inputs(json!({}), false).get("confirm_token").is_none());
    let schema = outcome_schema(json!({"event": {"type": "object", "properties": {}}}));
    let held =
        Held { confirm_token: Some("w_x"), expires_in_s: Some(600), ..Held::new("declined", "p", "n") };
    let held = serde_json::to_value(held).unwrap();
    for name in held.as_object().unwrap().keys() {
        assert!(schema["properties"].get(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn what_was_done_once_is_not_done_again_and_its_result_is_told() {
    use super::once::Begun;
    let rig = rig();
    let (here, there) = (rig.writes(&[], 0), rig.writes(&[], 0));
    let [alice, bob] = ["alice", "bob"].map(|user| context(user, false, &json!({})));
    let what = json!({"send": "x"});
    let begun = |begun: Result<Begun, ToolError>| match begun.unwrap() {
        Begun::Now(ticket) => ticket,
        other @ (Begun::Before(_) | Begun::Elsewhere) => panic!("{other:?}"),
    };
    let first = begun(here.begin(&alice, &what).await);
    assert!(matches!(there.begin(&alice, &what).await.unwrap(), Begun::Elsewhere));
    here.abandon(&first).await;
    let second = begun(there.begin(&alice, &what).await);
    there.finish(&second, "sent").await;
    for replica in [&here, &there] {
        assert!(
            matches!(replica.begin(&alice, &what).await.unwrap(), Begun::Before(result) if result == "sent")
        );
        assert_eq!(replica.done(&bob, &what).await.unwrap(), None, "another person's");
        assert_eq!(replica.done(&alice, &json!({"send": "y"})).await.unwrap(), None);
        let support = CallContext { mailbox: Mailbox::parse("support@contoso.example"), ..alice.clone() };
        assert_eq!(replica.done(&support, &what).await.unwrap(), None, "in another mailbox");
    }
    begun(here.begin(&bob, &what).await);
    rig.clock.advance(Duration::from_mins(16));
    begun(here.begin(&alice, &what).await);
}

/// While a key is being added, replicas differ in which keys they have.
#[tokio::test]
async fn of_replicas_with_other_keys_one_writes_and_the_others_leave_nothing_taken() {
    use super::once::Begun;
    let rig = rig();
    let old = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let new = format!("b:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,{old}");
    let [before, after] = [old, &new].map(|list| rig.writes_with(&KeyRing::from_list(list).unwrap(), &[], 0));
    let (alice, what) = (context("alice", false, &json!({})), json!({"send": "x"}));
    let Begun::Now(ticket) = before.begin(&alice, &what).await.unwrap() else {
        panic!("nobody else is at it")
    };
    assert!(matches!(after.begin(&alice, &what).await.unwrap(), Begun::Elsewhere));
    before.abandon(&ticket).await;
    assert!(matches!(after.begin(&alice, &what).await.unwrap(), Begun::Now(_)), "it was certainly not done");
    assert!(matches!(before.begin(&alice, &what).await.unwrap(), Begun::Elsewhere));
}

#[tokio::test]
async fn a_word_for_one_mailbox_is_none_for_another() {
    let writes = rig().writes(&[], 0);
    let people = ["bob@contoso.example".to_owned()];
    let payload = json!({"subject": "x"});
    let mut call = context("alice", false, &json!({}));
    let held = async |call: &CallContext, given: Value| {
        let write = Write {
            service: "mail-query",
            tool: "send_email",
            payload: &payload,
            preview: "Send this mail:".to_owned(),
            leaves: true,
            recipients: ("to", &people),
        };
        writes.hold(call, &args(&given), &write).await
    };
    call.mailbox = Mailbox::parse("support@contoso.example");
    let offered = held(&call, json!({})).await.unwrap().unwrap();
    let offered: Value = serde_json::from_str(offered.structured.get()).unwrap();
    assert!(offered["preview"].as_str().unwrap().starts_with("In the mailbox support@contoso.example:\n"));
    let given = json!({"confirm_token": offered["confirm_token"]});
    for other in [None, Mailbox::parse("sales@contoso.example")] {
        let elsewhere = CallContext { mailbox: other, ..call.clone() };
        let refused = held(&elsewhere, given.clone()).await.unwrap_err();
        assert!(refused.public.contains("other arguments"), "{refused}");
    }
    assert!(held(&call, given).await.unwrap().is_none());
}

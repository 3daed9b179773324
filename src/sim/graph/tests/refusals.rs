//! What Graph refuses, and how it says so.
use super::{ALL, Lab};

#[actix_web::test]
async fn queries_that_exchange_refuses() {
    let lab = Lab::new(0);
    for (query, code) in [
        ("$filter=isRead", 200),
        ("$filter=subject eq", 400),
        ("$filter=receivedDateTime ge '2026-01-01'", 400),
        ("$filter=nonsense eq 1", 400),
        ("$filter=from/emailAddress/address eq 'x'&$orderby=receivedDateTime desc", 400),
        (
            "$filter=receivedDateTime ge 2020-01-01 and from/emailAddress/address eq 'x'&$orderby=receivedDateTime desc",
            200,
        ),
        ("$select=subject,nonsense", 400),
        ("$orderby=body/content", 400),
        ("$orderby=receivedDateTime sideways", 400),
        ("$top=0", 400),
        ("$top=1001", 400),
        ("$top=x", 400),
        ("$skip=-1", 400),
        ("$count=maybe", 400),
        ("$top=1&$top=2", 400),
        ("$search=unquoted", 400),
        ("$search=\"crane\"&$orderby=receivedDateTime", 400),
        ("$search=\"crane\"&$filter=isRead eq true", 400),
        ("$search=\"crane\"&$skip=5", 400),
        ("$search=\"(crane\"", 400),
        ("$apply=x", 400),
        ("$expand=nonsense", 400),
    ] {
        let path = format!("/me/messages?{}", query.replace(' ', "%20").replace('"', "%22"));
        let got = lab.get("alice", &path).await;
        assert_eq!(got.status, code, "{query}: {}", String::from_utf8_lossy(&got.body));
    }
    let inefficient =
        lab.get("alice", "/me/messages?$filter=isRead%20eq%20true&$orderby=receivedDateTime").await;
    assert_eq!(inefficient.code(), "InefficientFilter");
    assert_eq!(
        lab.get("alice", "/me/messages?$search=%22a%22&$orderby=subject").await.code(),
        "SearchWithOrderBy"
    );
    assert_eq!(lab.get("alice", "/me/messages?$filter=x").await.code(), "ErrorInvalidUrlQueryFilter");
}

#[actix_web::test]
async fn tokens_and_scopes_decide() {
    let lab = Lab::new(0);
    let none = lab.send("", "GET", "/v1.0/me", &[("client-request-id", "my-id")], "").await;
    assert_eq!((none.status, none.code().as_str()), (401, "InvalidAuthenticationToken"));
    assert!(none.header("WWW-Authenticate").starts_with("Bearer realm=\"\""));
    assert_eq!(none.header("client-request-id"), "my-id");
    assert!(!none.header("request-id").is_empty() && !none.header("x-ms-ags-diagnostic").is_empty());
    assert_eq!(none.json()["error"]["innerError"]["client-request-id"], "my-id");
    assert_eq!(lab.send("forged", "GET", "/v1.0/me", &[], "").await.status, 401);
    for (scopes, path, status) in [
        (&["User.Read"][..], "/me/messages", 403),
        (&["User.Read"], "/me", 200),
        (&["Mail.Read"], "/me", 403),
        (&["Mail.Read"], "/me/mailboxSettings", 403),
        (&["MailboxSettings.Read"], "/me/mailboxSettings/timeZone", 200),
        (&["Mail.ReadBasic"], "/me/messages?$select=subject", 200),
        (&["Mail.ReadBasic"], "/me/messages?$select=body", 403),
        (&["Mail.ReadBasic"], "/me/messages?$search=%22crane%22", 403),
        (&["Mail.ReadWrite"], "/me/messages?$select=body", 200),
    ] {
        let got = lab.send(&lab.token("alice", scopes), "GET", &format!("/v1.0{path}"), &[], "").await;
        assert_eq!(got.status, status, "{scopes:?} {path}");
    }
    let basic =
        lab.send(&lab.token("alice", &["Mail.ReadBasic"]), "GET", "/v1.0/me/messages", &[], "").await.json();
    assert!(basic["value"][0].get("body").is_none() && basic["value"][0].get("subject").is_some());
}

#[actix_web::test]
async fn one_user_cannot_reach_another() {
    let lab = Lab::new(10);
    for prefer in ["IdType=\"ImmutableId\"", "odata.maxpagesize=50"] {
        let rows =
            lab.get_with("alice", "/me/messages?$top=20&$select=id", &[("Prefer", prefer)]).await.json();
        for row in rows["value"].as_array().unwrap() {
            let path = format!("/me/messages/{}", row["id"].as_str().unwrap());
            assert_eq!(lab.get_with("alice", &path, &[("Prefer", prefer)]).await.status, 200);
            let stolen = lab.get_with("bob", &path, &[("Prefer", prefer)]).await;
            assert_eq!((stolen.status, stolen.code().as_str()), (400, "ErrorInvalidMailboxItemId"));
        }
    }
    assert_eq!(lab.get("bob", "/users/alice@contoso.example/messages").await.status, 403);
    assert_eq!(lab.get("bob", "/users/nobody@contoso.example/messages").await.status, 404);
    assert_eq!(lab.get("bob", "/users/bob@contoso.example/messages").await.status, 200);
    assert_eq!(lab.get("bob", "/users/alice@contoso.example").await.status, 403);
    let inbox = lab.get("alice", "/me/mailFolders/inbox").await.json();
    assert_eq!(
        lab.get("bob", &format!("/me/mailFolders/{}", inbox["id"].as_str().unwrap())).await.status,
        400
    );
}

#[actix_web::test]
async fn a_mailbox_of_others_takes_its_own_scopes_and_a_delegation() {
    let lab = Lab::new(0);
    let ask = async |user: &str, scopes: &[&str], method: &str, path: &str| {
        let url = format!("/v1.0/users/{path}");
        lab.send(&lab.token(user, scopes), method, &url, &[], "{}").await
    };
    let (messages, shared) =
        ("support@contoso.example/messages", ["Mail.ReadWrite.Shared", "Mail.Send.Shared"]);
    for (user, scopes, method, path, status) in [
        ("alice", &shared[..], "GET", messages, 200),
        ("alice", &shared[..], "POST", messages, 201),
        ("alice", &["Mail.ReadWrite", "Mail.Send"][..], "GET", messages, 403),
        ("alice", &["Mail.Read.Shared"][..], "POST", messages, 403),
        ("minji", &shared[..], "GET", messages, 200),
        ("minji", &shared[..], "POST", messages, 403),
        ("bob", &shared[..], "GET", messages, 403),
        ("alice", &shared[..], "GET", "bob@contoso.example/messages", 403),
        ("alice", &shared[..], "GET", "support@contoso.example/mailboxSettings", 403),
        ("bob", &["Calendars.Read.Shared"][..], "GET", "alice@contoso.example/events", 200),
        ("bob", &["Calendars.Read"][..], "GET", "alice@contoso.example/events", 403),
        ("bob", &["Calendars.ReadWrite.Shared"][..], "POST", "alice@contoso.example/events", 403),
        ("bob", &["Mail.Read.Shared"][..], "GET", "alice@contoso.example/messages", 403),
    ] {
        assert_eq!(ask(user, scopes, method, path).await.status, status, "{user} {scopes:?} {method} {path}");
    }
    let unknown = ask("alice", &shared, "GET", "nobody@contoso.example/messages").await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "ErrorInvalidUser"));
    let send = ask("alice", &shared, "POST", "invoices@contoso.example/messages/x/send").await;
    assert_eq!((send.status, send.code().as_str()), (403, "ErrorSendAsDenied"));
    // Ids are of their mailbox.
    let rows = ask("alice", &shared, "GET", messages).await.json();
    let id = rows["value"][0]["id"].as_str().unwrap();
    assert_eq!(ask("alice", &shared, "GET", &format!("{messages}/{id}")).await.status, 200);
    let lost = lab.get("alice", &format!("/me/messages/{id}")).await;
    assert_eq!((lost.status, lost.code().as_str()), (400, "ErrorInvalidMailboxItemId"));
}

#[actix_web::test]
async fn unknown_paths_and_methods() {
    let lab = Lab::new(0);
    assert_eq!(lab.get("alice", "/me/nonsense").await.code(), "BadRequest");
    assert_eq!(lab.get("alice", "/nonsense").await.status, 400);
    let token = lab.token("alice", &ALL);
    assert_eq!(lab.send(&token, "PUT", "/v1.0/me/messages/x", &[], "").await.status, 405);
    assert_eq!(lab.send(&token, "DELETE", "/v1.0/me/messages/x", &[], "").await.status, 403);
    assert_eq!(lab.get("alice", "/me/messages/%FF%FE").await.status, 400);
    let zone = lab.get_with("alice", "/me/messages", &[("Prefer", "outlook.timezone=\"Mars\"")]).await;
    assert_eq!((zone.status, zone.code().as_str()), (400, "TimeZoneNotSupportedException"));
}

#[actix_web::test]
async fn memberships_are_told_to_the_person_only() {
    let lab = Lab::new(0);
    let group = "11111111-2222-4333-8444-555555555555";
    let alice = lab.state.directory.by_upn("alice@contoso.example").unwrap();
    alice.change_memberships(|memberships| memberships.groups = vec![group.to_owned()]);
    let url = "/v1.0/me/checkMemberObjects";
    let ask = async |user: &str, scopes: &[&str], method: &str, body: String| {
        lab.send(&lab.token(user, scopes), method, url, &[], &body).await
    };
    let one = serde_json::json!({ "ids": [group.to_uppercase()] }).to_string();
    let told = ask("alice", &ALL, "POST", one.clone()).await;
    assert_eq!(told.json()["value"], serde_json::json!([group.to_uppercase()]));
    assert_eq!(ask("bob", &ALL, "POST", one.clone()).await.json()["value"], serde_json::json!([]));
    let denied = ask("alice", &["Mail.Read"], "POST", one.clone()).await;
    assert_eq!((denied.status, denied.code().as_str()), (403, "Authorization_RequestDenied"));
    assert_eq!(ask("alice", &ALL, "GET", one).await.status, 405);
    let many = serde_json::json!({ "ids": vec![group; 21] }).to_string();
    for bad in ["{}".to_owned(), many, r#"{"ids":["x"]}"#.to_owned()] {
        let refused = ask("alice", &ALL, "POST", bad.clone()).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "Request_BadRequest"), "{bad}");
    }
}

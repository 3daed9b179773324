//! The bearer check at the door of a service.

use super::support::{ISSUER, World, presenting};
use crate::domain::ids::{ClientId, ServiceName, UserKey};
use crate::domain::resource::Endpoint;
use crate::domain::scope::ScopeSet;
use crate::domain::token::new_grant;
use crate::oauth::bearer::AuthFailure;
use crate::tools::context::Caller;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::test::TestRequest;

fn challenge(response: &HttpResponse) -> &str {
    response.headers().get(header::WWW_AUTHENTICATE).unwrap().to_str().unwrap()
}

const METADATA: &str =
    "resource_metadata=\"https://entrada.example/.well-known/oauth-protected-resource/mail-query/mcp\"";

#[actix_web::test]
async fn a_bearer_opens_its_own_service_only() {
    let world = World::new();
    let client = world.public_client().await;
    let answer = world.signed_in(&client, "alice").await;
    let presented = presenting(&format!("bearer {}", answer["access_token"].as_str().unwrap()));
    let bearer = world.guard.authenticate(presented.head(), &ServiceName::new("mail-query")).await.unwrap();
    assert_eq!((&*bearer.caller.user.oid, bearer.caller.client.as_str()), ("alice", client.as_str()));
    let calendar = ServiceName::new("calendar");
    let failure = world.guard.authenticate(presented.head(), &calendar).await.unwrap_err();
    assert!(matches!(failure, AuthFailure::WrongAudience));
    let response = world.guard.response(&failure, &calendar, Endpoint::Mcp);
    assert_eq!(response.status(), 401);
    assert!(challenge(&response).starts_with("Bearer error=\"invalid_token\""));
    assert!(challenge(&response).contains("/oauth-protected-resource/calendar/mcp\""));
}

#[actix_web::test]
async fn refusals_say_where_to_sign_in() {
    let world = World::new();
    let mail = ServiceName::new("mail-query");
    let refused = async |value: Option<&str>| {
        let request = value.map_or_else(|| TestRequest::post().to_http_request(), presenting);
        let failure = world.guard.authenticate(request.head(), &mail).await.unwrap_err();
        world.guard.response(&failure, &mail, Endpoint::Mcp)
    };
    let none = refused(None).await;
    assert_eq!(none.status(), 401);
    assert_eq!(challenge(&none), format!("Bearer {METADATA}, scope=\"Mail.Read User.Read\""));
    for wrong in ["Bearer eyJhbGciOiJSUzI1NiJ9.e30.x", "Bearer dcr_at_x", "Bearer"] {
        let response = refused(Some(wrong)).await;
        assert_eq!(response.status(), 401);
        assert!(challenge(&response).contains("error=\"invalid_token\""), "{wrong}");
    }
    assert!(!challenge(&refused(Some("Basic YTpi")).await).contains("error="));
    let ambiguous = world.guard.response(&AuthFailure::Ambiguous, &mail, Endpoint::Mcp);
    assert_eq!(ambiguous.status(), 401);
    assert!(challenge(&ambiguous).contains("error=\"invalid_request\""));
}

#[actix_web::test]
async fn a_step_up_asks_for_old_and_new_scopes_at_once() {
    let world = World::new();
    let mail = ServiceName::new("mail-query");
    let mut caller = Caller {
        user: UserKey::new("t-1", "ada"),
        client: ClientId::new("client"),
        grant: new_grant(),
        scopes: ScopeSet::parse("Mail.Read offline_access"),
    };
    let at = (&mail, Endpoint::Mcp);
    let response = world.guard.insufficient_scope(at, &ScopeSet::parse("Mail.Send"), &caller);
    assert_eq!(response.status(), 403);
    assert!(challenge(&response).contains("error=\"insufficient_scope\""));
    assert!(challenge(&response).ends_with(&format!("{METADATA}, scope=\"Mail.Read Mail.Send\"")));
    assert!(!challenge(&response).contains("new key"));
    caller.client = ClientId::personal_key(&new_grant());
    let response = world.guard.insufficient_scope(at, &ScopeSet::parse("Mail.Send"), &caller);
    assert!(challenge(&response).contains(&format!("make a new key with it at {ISSUER}/account/keys")));
}

//! Clients that publish their metadata at the URL that is their id.

use super::support::{Browser, ISSUER, REDIRECT, World, authorize_uri};
use crate::oauth::{MetadataDocumentSettings, OauthSettings};
use crate::ports::documents::FetchError;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

const ID: &str = "https://app.example/client.json";

fn document() -> Value {
    json!({"client_id": ID, "client_name": "App", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"})
}

async fn begins(world: &World, id: &str) -> bool {
    let reply = Browser::new(world).get(&authorize_uri(id, &[])).await;
    if reply.status == 302 && reply.location().starts_with("/consent") {
        return true;
    }
    reply.assert_page(400);
    false
}

#[actix_web::test]
async fn a_published_client_signs_in_and_its_host_is_named() {
    let world = World::new();
    world.documents.publish(ID, &document());
    let page = Browser::new(&world).consent_page(&authorize_uri(ID, &[])).await;
    assert!(page.body.contains("app.example"), "{}", page.body);
    assert!(!page.body.contains("not verified"), "{}", page.body);
    let first = world.signed_in(ID, "alice").await;
    let refresh = world.refresh(ID, first["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refresh.status, 200, "{refresh:?}");
    assert_eq!(world.documents.asked.load(Ordering::SeqCst), 1, "the rest came from the kept copy");
    let metadata = world.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    assert_eq!(metadata["issuer"], ISSUER);
}

#[actix_web::test]
async fn a_copy_is_shared_by_replicas_and_refreshed_when_it_is_old() {
    let world = World::new();
    world.documents.publish(ID, &document());
    assert!(begins(&world, ID).await);
    let replica = world.replica(super::support::OLD_KEY);
    assert!(begins(&replica, ID).await, "the other replica's copy serves");
    assert_eq!(replica.documents.asked.load(Ordering::SeqCst), 0);
    world.wait(Duration::from_mins(6));
    let mut moved = document();
    moved["redirect_uris"] = json!(["https://elsewhere.example/cb"]);
    world.documents.publish(ID, &moved);
    assert!(!begins(&world, ID).await, "the redirect URI is not published any more");
    let parallel = futures_util::future::join_all((0..20).map(|_| begins(&world, ID))).await;
    assert!(parallel.iter().all(|begun| !begun));
    assert_eq!(world.documents.asked.load(Ordering::SeqCst), 2);
}

#[actix_web::test]
async fn a_document_that_is_wrong_is_refused_and_not_kept() {
    let world = World::new();
    for (member, value) in [
        ("client_id", json!("https://app.example/other.json")),
        ("client_secret", json!("s")),
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("redirect_uris", json!(["https://*.app.example/cb"])),
    ] {
        let mut wrong = document();
        wrong[member] = value;
        world.documents.publish(ID, &wrong);
        assert!(!begins(&world, ID).await, "{member}");
        world.wait(Duration::from_secs(30));
    }
    world.documents.publish(ID, &document());
    assert!(begins(&world, ID).await, "a refusal is forgotten within moments");
}

#[actix_web::test]
async fn failures_are_not_asked_again_at_once() {
    let world = World::new();
    for _ in 0..5 {
        assert!(!begins(&world, ID).await);
    }
    assert_eq!(world.documents.asked.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_host_that_is_away_logs_nobody_out() {
    let world = World::new();
    world.documents.publish(ID, &document());
    let first = world.signed_in(ID, "alice").await;
    world.documents.known.lock().clear();
    world.wait(Duration::from_hours(1));
    assert!(!begins(&world, ID).await, "a new sign-in wants the current document");
    let refresh = world.refresh(ID, first["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refresh.status, 200, "{refresh:?}");
    let unknown = world.refresh("https://app.example/never.json", "dcr_rt_x").await;
    assert_eq!((unknown.status, unknown.error().as_str()), (503, "temporarily_unavailable"));
    assert_ne!(unknown.header("retry-after"), "");
}

#[actix_web::test]
async fn a_pinned_document_serves_only_when_the_host_cannot_be_reached() {
    let world = World::new();
    let id = "https://claude.ai/oauth/mcp-oauth-client-metadata";
    let uri = authorize_uri(id, &[("redirect_uri", "https://claude.ai/api/mcp/auth_callback")]);
    let reply = world.get(&uri).await;
    assert_eq!(reply.status, 302, "{reply:?}");
    world.wait(Duration::from_mins(1));
    let gone = FetchError::Refused("its host answers 404".to_owned());
    world.documents.known.lock().insert(id.to_owned(), Err(gone));
    world.get(&uri).await.assert_page(400);
}

#[actix_web::test]
async fn the_operator_chooses_the_hosts() {
    let settings = |metadata_documents| OauthSettings { metadata_documents, ..OauthSettings::default() };
    let allowed = |host: &str| MetadataDocumentSettings {
        allowed_hosts: vec![host.to_owned()],
        ..MetadataDocumentSettings::default()
    };
    let denied = |host: &str| MetadataDocumentSettings {
        denied_hosts: vec![host.to_owned()],
        ..MetadataDocumentSettings::default()
    };
    let off = MetadataDocumentSettings { enabled: false, ..MetadataDocumentSettings::default() };
    for (choice, expected) in [
        (allowed("app.example"), true),
        (allowed(".example"), true),
        (allowed("claude.ai"), false),
        (denied(".example"), false),
        (off, false),
    ] {
        let world = World::with(settings(choice.clone()), Some("mail-query"));
        world.documents.publish(ID, &document());
        assert_eq!(begins(&world, ID).await, expected, "{choice:?}");
        assert_eq!(world.documents.asked.load(Ordering::SeqCst), usize::from(expected));
    }
}

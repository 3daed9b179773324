//! `/revoke`.

use super::support::World;
use actix_web::test::TestRequest;

async fn revoke(world: &World, form: &[(&str, &str)]) -> u16 {
    world.call(TestRequest::post().uri("/revoke").set_form(form)).await.status
}

#[actix_web::test]
async fn a_refresh_token_takes_its_grant_with_it_and_nobody_elses() {
    let world = World::new();
    let client = world.public_client().await;
    let (alice, bob) = (world.signed_in(&client, "alice").await, world.signed_in(&client, "bob").await);
    let text = |answer: &serde_json::Value, name: &str| answer[name].as_str().unwrap().to_owned();
    let refresh = text(&alice, "refresh_token");
    assert_eq!(revoke(&world, &[("client_id", &client), ("token", &refresh)]).await, 200);
    assert!(!world.works(&text(&alice, "access_token")).await);
    assert_eq!(world.refresh(&client, &refresh).await.error(), "invalid_grant");
    assert!(world.works(&text(&bob, "access_token")).await);
}

#[actix_web::test]
async fn an_access_token_ends_alone() {
    let world = World::new();
    let client = world.public_client().await;
    let signed_in = world.signed_in(&client, "alice").await;
    let access = signed_in["access_token"].as_str().unwrap();
    let form = [("client_id", &*client), ("token", access), ("token_type_hint", "refresh_token")];
    assert_eq!(revoke(&world, &form).await, 200);
    assert!(!world.works(access).await);
    let again = world.refresh(&client, signed_in["refresh_token"].as_str().unwrap()).await;
    assert_eq!(again.status, 200);
}

#[actix_web::test]
async fn unknown_and_foreign_tokens_get_200_and_foreign_ones_live_on() {
    let world = World::new();
    let client = world.public_client().await;
    let other = world.register(serde_json::json!({
        "redirect_uris": ["https://other.example/cb"], "token_endpoint_auth_method": "none",
    }));
    let other = other.await.json()["client_id"].as_str().unwrap().to_owned();
    let signed_in = world.signed_in(&client, "alice").await;
    let access = signed_in["access_token"].as_str().unwrap();
    for token in [access, signed_in["refresh_token"].as_str().unwrap(), "dcr_rt_unknown", "x"] {
        assert_eq!(revoke(&world, &[("client_id", &other), ("token", token)]).await, 200);
    }
    assert!(world.works(access).await);
    assert_eq!(revoke(&world, &[("client_id", &client)]).await, 400);
    assert_eq!(revoke(&world, &[("client_id", "unknown"), ("token", access)]).await, 401);
}

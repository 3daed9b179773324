//! Refresh semantics: lenient as Entra, strict on demand, and every way a grant ends.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::support::{World, aadsts, with};
use crate::sim::TenantOptions;

fn refresh_token(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_used_refresh_token_stays_usable_and_a_new_one_is_returned() {
    let world = World::start(TenantOptions::default());
    let first = refresh_token(&world.tokens("alice").await);
    let tokens: Value = world.token(&world.refreshment(&first)).await.json().await.unwrap();
    let second = refresh_token(&tokens);
    assert_ne!(first, second);
    let id_token = tokens["id_token"].as_str().unwrap();
    let claims: Value = jsonwebtoken::dangerous::insecure_decode::<Value>(id_token).unwrap().claims;
    assert!(claims.get("nonce").is_none());
    for token in [&first, &second] {
        let named = with(world.refreshment(token), &[("scope", "https://graph.microsoft.com/Mail.Read")]);
        let tokens: Value = world.token(&named).await.json().await.unwrap();
        assert_eq!(tokens["scope"], "Mail.Read User.Read");
        assert!(tokens.get("id_token").is_none());
        assert!(tokens["refresh_token"].is_string());
    }
    world.stop().await;
}

#[actix_web::test]
async fn in_strict_mode_one_of_many_parallel_refreshes_wins() {
    let world = World::start(TenantOptions { strict_refresh: true, ..TenantOptions::default() });
    let form = world.refreshment(&refresh_token(&world.tokens("alice").await));
    let answers = join_all((0..12).map(|_| world.token(&form))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
    let (status, error, code) = aadsts(world.token(&form).await).await;
    assert_eq!((status, error.as_str(), code), (400, "invalid_grant", 70_000));
    world.control("/options", json!({ "strict_refresh": false })).await;
    let form = world.refreshment(&refresh_token(&world.tokens("alice").await));
    let answers = join_all((0..4).map(|_| world.token(&form))).await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    world.stop().await;
}

#[actix_web::test]
async fn refusals_name_the_reason_of_the_end() {
    let world = World::start(TenantOptions::default());
    let form = world.refreshment(&refresh_token(&world.tokens("alice").await));
    let bob = world.refreshment(&refresh_token(&world.tokens("bob").await));
    for (change, expected) in [
        (("refresh_token", ""), ("invalid_request", 900_144)),
        (("refresh_token", "1.Aunknown"), ("invalid_grant", 70_000)),
        (("resource", "https://graph.microsoft.com"), ("invalid_target", 9_010_010)),
        (("scope", "Mail.Read Mail.Send"), ("invalid_grant", 65_001)),
        (("scope", "Mail.Raed"), ("invalid_scope", 70_011)),
        (("scope", "User.Read .default"), ("invalid_scope", 70_011)),
    ] {
        let (_, error, code) = aadsts(world.token(&with(form.clone(), &[change])).await).await;
        assert_eq!((error.as_str(), code), expected, "{change:?}");
    }
    let alice = "/users/alice@contoso.example";
    world.control(alice, json!({ "disabled": true })).await;
    assert_eq!(aadsts(world.token(&form).await).await.2, 50_057);
    world.control(alice, json!({ "disabled": false })).await;
    assert_eq!(world.token(&form).await.status(), 200);
    world.control(alice, json!({ "revoke_consent": true })).await;
    let named = with(form.clone(), &[("scope", "Mail.Read")]);
    assert_eq!(aadsts(world.token(&named).await).await.2, 65_001);
    assert_eq!(aadsts(world.token(&form).await).await.2, 65_001);
    world.control(alice, json!({ "revoke_sessions": true })).await;
    assert_eq!(aadsts(world.token(&form).await).await.2, 50_173);
    assert_eq!(world.token(&bob).await.status(), 200);
    world.stop().await;
}

#[actix_web::test]
async fn a_disabled_account_cannot_sign_in_nor_redeem() {
    let world = World::start(TenantOptions::default());
    let code = world.code(&world.request(), "bob").await;
    world.control("/users/bob@contoso.example", json!({ "disabled": true })).await;
    assert_eq!(aadsts(world.token(&world.redemption(&code)).await).await.2, 50_057);
    let page = world.submit(&world.request(), "bob@contoso.example", "accept").await;
    assert!(page.text().await.unwrap().contains("disabled"));
    world.stop().await;
}

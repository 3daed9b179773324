//! Each refusal, at the page, at the reply URL and at the token endpoint.

use futures_util::future::join_all;
use reqwest::header;
use serde_json::{Value, json};

use super::support::{REDIRECT, World, aadsts, landed, with};
use crate::sim::TenantOptions;

#[actix_web::test]
async fn some_refusals_are_only_shown() {
    let world =
        World::start(TenantOptions { redirect_uris: vec![REDIRECT.to_owned()], ..TenantOptions::default() });
    for (change, code) in [
        (("client_id", ""), 900_144),
        (("client_id", "00000000-0000-0000-0000-000000000000"), 700_016),
        (("redirect_uri", "https://evil.example/callback"), 50_011),
        (("redirect_uri", "http://127.0.0.1:10/callback"), 50_011),
        (("response_mode", "web_message"), 90_023),
    ] {
        let response = world.authorize(&with(world.request(), &[change])).await;
        assert_eq!(response.status(), 400, "{change:?}");
        assert!(response.headers().get(header::LOCATION).is_none());
        let page = response.text().await.unwrap();
        assert!(page.contains(&format!("AADSTS{code}")), "{change:?}: {page}");
    }
    let url = format!("{}/nowhere.example/oauth2/v2.0/authorize", world.url);
    let page = world.http.get(url).query(&world.request()).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("AADSTS90002"));
    world.stop().await;
}

#[actix_web::test]
async fn other_refusals_go_to_the_reply_url() {
    let world = World::start(TenantOptions::default());
    for (change, error, code) in [
        (("response_type", "token"), "unsupported_response_type", 700_054),
        (("response_type", ""), "invalid_request", 900_144),
        (("scope", ""), "invalid_request", 900_144),
        (("scope", "openid Mail.Raed"), "invalid_client", 650_053),
        (("scope", "Mail.Read .default"), "invalid_scope", 70_011),
        (("scope", "https://other.example/Things.Read"), "invalid_resource", 500_011),
        (("resource", "https://graph.microsoft.com"), "invalid_target", 9_010_010),
        (("code_challenge", "short"), "invalid_request", 50_147),
        (("code_challenge_method", "S512"), "invalid_request", 50_147),
        (("prompt", "maybe"), "invalid_request", 90_023),
    ] {
        let answer = landed(&world.authorize(&with(world.request(), &[change])).await);
        assert_eq!(answer["error"], error, "{change:?}");
        assert!(answer["error_description"].starts_with(&format!("AADSTS{code}: ")), "{answer:?}");
        assert_eq!(answer["state"], "st&te=1 ü");
    }
    for scope in ["ChannelMessage.Read.All", "openid User.Read.All"] {
        let request = with(world.request(), &[("scope", scope)]);
        let answer = landed(&world.submit(&request, "alice@contoso.example", "accept").await);
        assert!(answer["error_description"].starts_with("AADSTS90094: "), "{answer:?}");
    }
    world.stop().await;
}

#[actix_web::test]
async fn the_token_endpoint_names_each_cause() {
    let world = World::start(TenantOptions::default());
    let code = world.code(&world.request(), "alice").await;
    let good = world.redemption(&code);
    for (change, expected) in [
        (("grant_type", ""), (400, "invalid_request", 900_144)),
        (("grant_type", "password"), (400, "unsupported_grant_type", 70_003)),
        (("client_id", ""), (400, "invalid_request", 900_144)),
        (("client_id", "x\0y"), (400, "unauthorized_client", 700_016)),
        (("client_secret", ""), (401, "invalid_client", 7_000_218)),
        (("client_secret", "wrong"), (401, "invalid_client", 7_000_215)),
        (("client_assertion", "a.b.c"), (400, "invalid_request", 900_144)),
        (("resource", "https://graph.microsoft.com"), (400, "invalid_target", 9_010_010)),
        (("code", ""), (400, "invalid_request", 900_144)),
        (("code", "1.Aunknown"), (400, "invalid_grant", 70_000)),
        (("redirect_uri", ""), (400, "invalid_request", 900_144)),
        (("redirect_uri", "http://127.0.0.1:9/other"), (400, "invalid_client", 50_011)),
        (("redirect_uri", "https://evil.example/"), (400, "invalid_client", 50_011)),
        (("code_verifier", ""), (400, "invalid_grant", 50_148)),
        (("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX"), (400, "invalid_grant", 501_481)),
        (("scope", "Mail.Read .default"), (400, "invalid_scope", 70_011)),
        (("scope", "Mail.Send"), (400, "invalid_grant", 65_001)),
    ] {
        let (status, error, code) = aadsts(world.token(&with(good.clone(), &[change])).await).await;
        assert_eq!((status, error.as_str(), code), expected, "{change:?}");
    }
    // None of those spent the code.
    assert_eq!(world.token(&good).await.status(), 200);
    assert_eq!(aadsts(world.token(&good).await).await.2, 54_005);
    world.stop().await;
}

#[actix_web::test]
async fn only_form_posts_without_an_origin_are_served() {
    let world = World::start(TenantOptions::default());
    let code = world.code(&world.request(), "alice").await;
    let form = world.redemption(&code);
    let url = world.at("/oauth2/v2.0/token");
    let post = || world.http.post(&url);
    let origin = post().form(&form).header(header::ORIGIN, "http://localhost:1").send().await.unwrap();
    assert_eq!(aadsts(origin).await.2, 9_002_326);
    assert_eq!(aadsts(world.http.get(&url).query(&form).send().await.unwrap()).await.2, 900_561);
    assert_eq!(aadsts(post().json(&json!({ "grant_type": "x" })).send().await.unwrap()).await.2, 900_144);
    let twice = post().form(&form).query(&[("a", "b")]).body("grant_type=a&grant_type=b");
    assert_eq!(aadsts(twice.send().await.unwrap()).await.2, 9_000_411);
    let huge = post().form(&[("code", "x".repeat(2 << 20))]).send().await.unwrap();
    assert_eq!(aadsts(huge).await.0, 413);
    let broken = post().header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(aadsts(broken.body(b"\xff%zz%0\0&&=".to_vec()).send().await.unwrap()).await.2, 900_144);
    let basic = with(form, &[("client_secret", ""), ("client_id", "")]);
    let basic = post().form(&basic).basic_auth(&world.app_id, Some(&world.secret)).send().await.unwrap();
    assert_eq!(basic.status(), 200);
    world.stop().await;
}

#[actix_web::test]
async fn parallel_redemptions_of_one_code_have_one_winner() {
    let world = World::start(TenantOptions::default());
    let code = world.code(&world.request(), "bob").await;
    let form = world.redemption(&code);
    let answers = join_all((0..20).map(|_| world.token(&form))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
    world.stop().await;
}

#[actix_web::test]
async fn the_callers_request_id_comes_back() {
    let world = World::start(TenantOptions::default());
    let id = "11111111-2222-4333-8444-555555555555";
    let response = world
        .http
        .post(world.at("/oauth2/v2.0/token"))
        .header("client-request-id", id)
        .form(&[("grant_type", "password")])
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["client-request-id"], id);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["correlation_id"], id);
    assert!(world.json("/nothing/here").await["error"].is_string());
    world.stop().await;
}

#[actix_web::test]
async fn hostile_input_is_refused_and_the_tenant_lives_on() {
    let world = World::start(TenantOptions::default());
    let authorize = world.at("/oauth2/v2.0/authorize");
    let page = world.http.get(format!("{authorize}?client_id=a&client_id=b")).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("AADSTS9000411"));
    for username in ["\0", "alice@contoso.example\0", "<b>&\"'", &"x".repeat(60_000), "\u{202e}가나다"] {
        let response = world.submit(&world.request(), username, "accept").await;
        assert_eq!(response.status(), 200, "{username:?}");
    }
    let long = with(world.request(), &[("state", &"s".repeat(20_000)), ("nonce", "\0\r\nX: y")]);
    let answer = world.submit(&long, "bob@contoso.example", "accept").await;
    assert_eq!(landed(&answer)["state"].len(), 20_000);
    let split = with(world.request(), &[("redirect_uri", "http://127.0.0.1:9/callback\r\nSet-Cookie: a=b")]);
    let response = world.submit(&split, "bob@contoso.example", "accept").await;
    assert!(
        response
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .all(|cookie| !cookie.as_bytes().starts_with(b"a="))
    );
    for path in
        ["/%00/oauth2/v2.0/token", "/%ff%fe/v2.0/.well-known/openid-configuration", "//", "/error?code=x"]
    {
        let status = world.http.get(format!("{}{path}", world.url)).send().await.unwrap().status();
        assert!(!status.is_server_error(), "{path}: {status}");
    }
    assert_eq!(world.json("/_sim/health").await["status"], "ok");
    world.stop().await;
}

//! Metadata documents.

use super::support::{ISSUER, RESOURCE, World};
use actix_web::http::header;
use serde_json::json;

#[actix_web::test]
async fn every_form_of_the_server_document_is_the_same() {
    let world = World::new();
    let base = "/.well-known/oauth-authorization-server";
    let first = world.get(base).await;
    assert_eq!(first.json()["issuer"], ISSUER);
    assert_eq!(first.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert_eq!(first.json()["token_endpoint_auth_methods_supported"][0], "none");
    for suffix in ["/mail-query", "/mail-query/mcp", "/calendar/sse"] {
        assert_eq!(world.get(&format!("{base}{suffix}")).await.body, first.body, "{suffix}");
    }
    assert_eq!(world.get(&format!("{base}/nothing/mcp")).await.status, 404);
}

#[actix_web::test]
async fn a_resource_document_names_the_url_it_was_asked_for() {
    let world = World::new();
    let base = "/.well-known/oauth-protected-resource";
    for end in ["mail-query/mcp", "mail-query/sse", "mail-query/ws", "mail-query"] {
        let document = world.get(&format!("{base}/{end}")).await.json();
        assert_eq!(document["resource"], format!("{ISSUER}/{end}"));
        assert_eq!(document["authorization_servers"], json!([ISSUER]));
        assert_eq!(document["scopes_supported"], json!(["Mail.Read", "Mail.Send", "User.Read"]));
    }
    assert_eq!(world.get(&format!("/mail-query/mcp{base}")).await.json()["resource"], RESOURCE);
    assert_eq!(world.get(base).await.json()["resource"], RESOURCE);
    let unknown = world.get(&format!("{base}/nothing/mcp")).await;
    assert_eq!((unknown.status, unknown.error().as_str()), (404, "not_found"));
}

#[actix_web::test]
async fn the_openid_unit_is_one_switch() {
    let openid = "/.well-known/openid-configuration";
    let paths = [openid.to_owned(), format!("{openid}/mail-query/mcp"), format!("/mail-query/mcp{openid}")];
    let on = World::new();
    let server = on.get("/.well-known/oauth-authorization-server").await;
    for path in &paths {
        assert_eq!(on.get(path).await.body, server.body, "{path}");
    }
    assert_eq!(server.json()["jwks_uri"], format!("{ISSUER}/jwks.json"));
    assert!(!server.body.contains("null"));
    let settings = crate::oauth::OauthSettings { openid: false, ..crate::oauth::OauthSettings::default() };
    let off = World::with(settings, Some("mail-query"));
    for path in paths.iter().map(String::as_str).chain(["/jwks.json", "/userinfo"]) {
        assert_eq!(off.get(path).await.status, 404, "{path}");
    }
    let document = off.get("/.well-known/oauth-authorization-server").await.json();
    assert!(document.get("jwks_uri").is_none() && document.get("userinfo_endpoint").is_none());
    assert!(!document["scopes_supported"].as_array().unwrap().contains(&json!("openid")));
}

#[actix_web::test]
async fn without_a_default_service_the_root_has_no_resource_document() {
    let world = World::with(crate::oauth::OauthSettings::default(), None);
    assert_eq!(world.get("/.well-known/oauth-protected-resource").await.status, 404);
}

//! What holds for every text that clients send to the authorization server.

use super::bearer::{AuthFailure, Presented, presented};
use super::client_metadata::{self, accept};
pub(crate) use super::clients::fuzzing as clients;
pub(crate) use super::dpop::fuzzing as dpop;
use super::params::{Params, append_query};
use super::redirect::{self, RedirectPolicy, destination};
use crate::domain::client::ClientAuthMethod;
use actix_web::http::header::{self, HeaderMap};
use actix_web::test::TestRequest;
use serde_json::Value;
use std::collections::HashSet;
use url::Url;

const SECRETS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The credential of a request: one, or none.
pub(crate) fn headers(map: &HeaderMap) {
    let request = map.iter().fold(TestRequest::default(), TestRequest::append_header);
    let request = request.to_srv_request();
    let count = map.get_all(header::AUTHORIZATION).count();
    match Presented::of(request.head()) {
        Ok(_) => assert_eq!(count, 1),
        Err(AuthFailure::Ambiguous) => assert!(count > 1),
        Err(AuthFailure::Missing) => assert!(count < 2),
        Err(_) => {}
    }
    if let Ok(token) = presented(map) {
        assert_eq!((count, token), (1, token.trim()));
    }
}

/// Lines of redirect URIs: one that is accepted is what a browser would make of it, and means only itself.
pub(crate) fn redirect_uris(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let policy = RedirectPolicy::default();
    let accepted: Vec<&str> = text.lines().filter(|uri| policy.check(uri).is_ok()).take(8).collect();
    for uri in &accepted {
        assert_eq!(redirect::validate(uri), Ok(()));
        assert!(redirect::matches(&[(*uri).to_owned()], uri), "{uri}");
        assert!(!destination(uri).is_empty() && !destination(uri).contains(['@', '<', '"']), "{uri}");
        let Ok(url) = Url::parse(uri) else { unreachable!("an accepted URI is one: {uri}") };
        assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none(), "{uri}");
        if let "http" | "https" = url.scheme() {
            let host = url.host_str().unwrap_or_default();
            assert!(destination(uri).to_ascii_lowercase().starts_with(host), "{uri}");
            assert!(url.scheme() == "https" || ["127.0.0.1", "[::1]", "localhost"].contains(&host), "{uri}");
        }
        answered(uri, &url);
    }
    for uri in text.lines().take(8) {
        for registered in &accepted {
            if redirect::matches(&[(*registered).to_owned()], uri) {
                same_place(registered, uri);
            }
        }
    }
}

/// An answer adds its parameters and changes nothing else.
fn answered(uri: &str, before: &Url) {
    let pairs = [("code", "a b&c=d#e"), ("state", "\u{ac00}%00\r\n")];
    let sent = append_query(uri, &pairs);
    let Ok(url) = Url::parse(&sent) else { unreachable!("an answer goes to a URI: {sent}") };
    let (had, has): (Vec<_>, Vec<_>) = (before.query_pairs().collect(), url.query_pairs().collect());
    let new: Vec<_> = has.iter().skip(had.len()).map(|(name, value)| (&**name, &**value)).collect();
    assert!(has.starts_with(&had) && new == pairs, "{sent}");
    assert_eq!(
        (url.scheme(), url.authority(), url.path()),
        (before.scheme(), before.authority(), before.path())
    );
}

fn same_place(registered: &str, uri: &str) {
    let (Ok(one), Ok(other)) = (Url::parse(registered), Url::parse(uri)) else {
        unreachable!("both are URIs: {registered} {uri}")
    };
    let parts = |url: &Url| {
        let query = url.query().map(str::to_owned);
        (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.path().to_owned(), query)
    };
    assert_eq!(parts(&one), parts(&other));
    assert!(one.port() == other.port() || one.scheme() == "http", "{registered} {uri}");
}

/// The body of a registration: what is accepted is bounded, holds no private key, and is accepted again as it is.
pub(crate) fn registration(data: &[u8]) {
    let policy = RedirectPolicy::default();
    let Ok(input) = client_metadata::object(data) else { return };
    let Ok(accepted) = accept(&input, &policy) else { return };
    let text = Value::Object(accepted.metadata.clone()).to_string();
    assert!(text.len() <= 8 * 1024 && !accepted.redirect_uris.is_empty());
    for uri in &accepted.redirect_uris {
        assert_eq!(policy.check(uri), Ok(()));
    }
    let keys = accepted.metadata.get("jwks").and_then(|set| set.get("keys")).and_then(Value::as_array);
    for key in keys.into_iter().flatten().filter_map(Value::as_object) {
        assert!(!SECRETS.iter().any(|secret| key.contains_key(*secret)));
    }
    assert!(accepted.auth_method == ClientAuthMethod::PrivateKeyJwt || keys.is_none());
    match accept(&accepted.metadata, &policy) {
        Ok(again) => {
            assert_eq!((again.digest(), again.auth_method), (accepted.digest(), accepted.auth_method));
        }
        Err(fault) => unreachable!("what was accepted is refused: {fault}: {text}"),
    }
}

/// A query or a form: read as the URL standard reads it, each name once.
pub(crate) fn parameters(data: &[u8]) {
    let Ok(params) = Params::parse(data) else { return };
    let mut seen = HashSet::new();
    for (name, value) in url::form_urlencoded::parse(data) {
        assert!(!name.contains('\0') && !value.contains('\0'));
        assert!(name == "resource" || seen.insert(name.clone()), "{name} twice");
        if value.is_empty() {
            assert!(name == "resource" || params.get(&name).is_none());
        } else {
            assert!(params.all(&name).any(|known| known == value), "{name}={value}");
        }
    }
}

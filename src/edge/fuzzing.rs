//! What holds for every Host, Origin and Content header: nobody is let in under a name that is not ours, as a URL parser
//! reads it.

use super::body::{declared_length, is_json};
use super::{Edge, EdgeSettings, preflight};
use actix_web::http::header::{self, HeaderMap};
use actix_web::test::TestRequest;
use url::Url;

const OWN: [&str; 2] = ["door.example", "entrada.internal"];
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const PAGES: [&str; 2] = ["https://door.example", "https://claude.ai"];

pub(crate) fn headers(map: &HeaderMap) {
    let _ = (is_json(map), declared_length(map));
    let answer = preflight(map);
    let allowed = answer.headers().get(header::ACCESS_CONTROL_ALLOW_HEADERS);
    for name in allowed.and_then(|value| value.to_str().ok()).unwrap_or_default().split(", ") {
        assert_ne!(name, "cookie");
    }
    let request = map.iter().fold(TestRequest::default(), TestRequest::append_header);
    let request = request.to_srv_request();
    for local in [false, true] {
        let settings = EdgeSettings {
            allowed_hosts: vec!["entrada.internal:8443".to_owned()],
            allowed_origins: vec!["https://claude.ai".to_owned()],
            local,
        };
        if Edge::new("https://door.example", &settings).admits(request.head()) {
            let host = map.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
            assert!(is_ours(&format!("http://{host}"), local), "host {host}");
            if let Some(origin) = map.get(header::ORIGIN).and_then(|value| value.to_str().ok()) {
                let is_listed = PAGES.iter().any(|page| origin.eq_ignore_ascii_case(page));
                assert!(is_listed || local && is_ours(origin, true), "origin {origin}");
            }
        }
    }
}

fn is_ours(url: &str, local: bool) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default();
    let is_bare =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    is_bare && (OWN.contains(&host) || local && LOOPBACK.contains(&host))
}

//! Where a form was sent from.

use crate::oauth::wire;
use actix_web::http::header::{self, HeaderMap};
use url::Url;

/// Whether a form comes from another origin. Fetch Metadata decides where the browser sends it: our pages have no
/// referrer, so `Origin` is `null` even for our own forms. Other browsers are asked for `Origin`; what sends neither
/// is no browser that another site could use, and the token of the form decides.
pub(super) fn is_foreign(headers: &HeaderMap, issuer: &str) -> bool {
    if headers.contains_key("sec-fetch-site") {
        return wire::is_cross_site(headers);
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let own = Url::parse(issuer).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    origin.to_str().map_or(true, |origin| origin != own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn foreign(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        is_foreign(&headers, "https://door.example/base")
    }

    #[test]
    fn only_our_own_pages_and_no_browser_at_all_pass() {
        assert!(!foreign(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(!foreign(&[("origin", "https://door.example")]));
        assert!(!foreign(&[]));
        for headers in [
            [("sec-fetch-site", "cross-site"), ("origin", "https://door.example")],
            [("sec-fetch-site", "same-site"), ("origin", "https://door.example")],
            [("sec-fetch-site", "none"), ("origin", "null")],
        ] {
            assert!(foreign(&headers), "{headers:?}");
        }
        for origin in ["null", "https://evil.example", "http://door.example", "https://door.example:444"] {
            assert!(foreign(&[("origin", origin)]), "{origin}");
        }
    }
}

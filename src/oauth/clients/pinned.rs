//! Documents of vendors whose hosts keep servers out (a browser challenge in front of claude.ai, for one), written down
//! from what the vendors publish or describe. Each file names nothing but what a sign-in needs. They serve only when the
//! host cannot be reached; a fetched document always wins, and one that says something else is reported as drift.
//!
//! Seen: claude.ai 2026-09-29 (hosted) and 2026-09-08 (Claude Code), vscode.dev 2026-09, opencode.ai 2026-09 (source of
//! its website).

use crate::domain::ids::ClientId;
use crate::oauth::audit;
use serde_json::{Map, Value};

const DOCUMENTS: [(&str, &str); 4] = [
    ("https://claude.ai/oauth/mcp-oauth-client-metadata", include_str!("pinned/claude.json")),
    ("https://claude.ai/oauth/claude-code-client-metadata", include_str!("pinned/claude-code.json")),
    ("https://vscode.dev/oauth/client-metadata.json", include_str!("pinned/vscode.json")),
    ("https://opencode.ai/oauth/opencode/client.json", include_str!("pinned/opencode.json")),
];
/// Members whose change changes who may sign in, and where they are sent.
const TELLING: [&str; 4] = ["client_name", "redirect_uris", "token_endpoint_auth_method", "jwks_uri"];

/// The document as last seen.
pub(super) fn document(id: &str) -> Option<&'static str> {
    DOCUMENTS.iter().find(|(url, _)| *url == id).map(|(_, body)| *body)
}

/// Reports when a fetched document says something else than the one that is kept.
pub(super) fn compare(id: &str, fetched: &[u8]) {
    if document(id).is_some_and(|kept| differ(kept.as_bytes(), fetched)) {
        audit::alarm("client_document_drift", &ClientId::new(id), None);
    }
}

fn differ(kept: &[u8], fetched: &[u8]) -> bool {
    let read = |body| serde_json::from_slice::<Map<String, Value>>(body).unwrap_or_default();
    let (kept, fetched) = (read(kept), read(fetched));
    TELLING.iter().any(|member| kept.get(*member) != fetched.get(*member))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;
    use crate::oauth::clients::{document as documents, url};
    use crate::oauth::redirect::{self, RedirectPolicy};

    #[test]
    fn every_kept_document_is_a_valid_one() {
        for (id, body) in DOCUMENTS {
            url::parse(id).unwrap();
            let now = Timestamp::from_millis(0);
            documents::read(id, body.as_bytes(), &RedirectPolicy::default(), now).unwrap();
        }
        let code = documents::read(
            DOCUMENTS[1].0,
            DOCUMENTS[1].1.as_bytes(),
            &RedirectPolicy::default(),
            Timestamp::from_millis(0),
        );
        assert!(redirect::matches(&code.unwrap().redirect_uris, "http://localhost:53682/callback"));
    }

    #[test]
    fn drift_is_what_a_sign_in_would_notice() {
        let kept =
            br#"{"client_name":"A","redirect_uris":["http://127.0.0.1/"],"client_uri":"https://a.example"}"#;
        assert!(!differ(
            kept,
            br#"{"redirect_uris":["http://127.0.0.1/"],"client_name":"A","logo_uri":"x"}"#
        ));
        assert!(differ(kept, br#"{"client_name":"A","redirect_uris":["https://evil.example/"]}"#));
    }
}

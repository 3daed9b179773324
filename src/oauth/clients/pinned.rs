//! Documents of vendors whose hosts keep servers out (a browser challenge in front of claude.ai, for one), written down
//! from what the vendors publish or describe. Each file names nothing but what a sign-in needs. They serve only when the
//! host cannot be reached; a fetched document always wins, and one that says something else is reported as drift.
//!
//! Seen: claude.ai 2026-09-29 (hosted) and 2026-09-08 (Claude Code), vscode.dev 2026-09, opencode.ai 2026-09 (source of
//! its website), chatgpt.com 2026-09-21 (ChatGPT) and 2026-09 (Codex), these two as several servers that met them have
//! recorded them alike. The documents that chatgpt.com makes for each connection or server (`/oauth/{id}/client.json`,
//! `/oauth/codex/{id}/client.json`) cannot be known beforehand.

use crate::domain::ids::ClientId;
use crate::oauth::audit;
use serde_json::{Map, Value};

const DOCUMENTS: [(&str, &str); 6] = [
    ("https://claude.ai/oauth/mcp-oauth-client-metadata", include_str!("pinned/claude.json")),
    ("https://claude.ai/oauth/claude-code-client-metadata", include_str!("pinned/claude-code.json")),
    ("https://chatgpt.com/oauth/client.json", include_str!("pinned/chatgpt.json")),
    ("https://chatgpt.com/oauth/codex/client.json", include_str!("pinned/codex.json")),
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
    use crate::domain::client::ClientAuthMethod;
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
        let pinned = |id: &str| {
            let body = document(id).unwrap();
            documents::read(id, body.as_bytes(), &RedirectPolicy::default(), Timestamp::from_millis(0))
                .unwrap()
        };
        let code = pinned("https://claude.ai/oauth/claude-code-client-metadata");
        assert!(redirect::matches(&code.redirect_uris, "http://localhost:53682/callback"));
        let codex = pinned("https://chatgpt.com/oauth/codex/client.json");
        assert!(redirect::matches(&codex.redirect_uris, "http://127.0.0.1:49152/callback"));
        assert!(!redirect::matches(&codex.redirect_uris, "http://127.0.0.1:49152/callback/9f2c"));
        // It says one method in the old way and two in the new: either will do.
        let chatgpt = pinned("https://chatgpt.com/oauth/client.json");
        assert!(chatgpt.authenticates_by(ClientAuthMethod::PrivateKeyJwt));
        assert!(chatgpt.authenticates_by(ClientAuthMethod::None));
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

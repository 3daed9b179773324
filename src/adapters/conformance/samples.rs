//! Records to store, and the moments at which they live.

use crate::domain::cipher::Cipher;
use crate::domain::client::{ClientAuthMethod, ClientOrigin, ClientRecord};
use crate::domain::clock::Timestamp;
use crate::domain::grant::{AccessRecord, CodeRecord, RefreshRecord};
use crate::domain::ids::{ClientId, GrantId, KeyThumbprint, ServiceName, SessionId, UserKey};
use crate::domain::keyring::KeyRing;
use crate::domain::random;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Sealed;
use crate::domain::session::SessionRecord;
use crate::domain::token::{Hasher, Token, TokenHash, TokenKind, TokenRef, new_grant};
use crate::ports::store::Rotation;
use std::time::Duration;

/// The moment at which test clocks start.
pub(super) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub(super) const MINUTE: Duration = Duration::from_mins(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

fn ring() -> KeyRing {
    KeyRing::from_list("a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap()
}

pub(super) fn hasher() -> Hasher {
    Hasher::new(&ring())
}

pub(super) fn cipher() -> Cipher {
    Cipher::new(&ring())
}

pub(super) fn hash(value: &str) -> TokenHash {
    hasher().hash("test", value)
}

pub(super) fn fresh_hash() -> TokenHash {
    hash(&random::text::<16>())
}

pub(super) fn sealed(text: &str) -> Sealed {
    // All byte values, spaces and line ends included, must come back as they went in.
    Sealed::from_bytes(text.bytes().chain(0..=255).collect())
}

pub(super) fn user(oid: &str) -> UserKey {
    UserKey::new("tenant-1", oid)
}

pub(super) fn client_id() -> ClientId {
    ClientId::new("client-1")
}

/// A grant with everything that it may hold.
pub(super) struct Sample {
    pub(super) grant: GrantId,
    pub(super) code: (TokenRef, CodeRecord),
    pub(super) access: (TokenRef, AccessRecord),
    pub(super) refresh: (TokenRef, RefreshRecord),
    /// Texts of the three credentials, which no store may ever see.
    pub(super) texts: [String; 3],
}

impl Sample {
    pub(super) fn new() -> Self {
        let grant = new_grant();
        let mint = |kind| {
            let token = Token::mint(kind, &grant);
            (hasher().token_ref(&token), token.expose().to_owned())
        };
        let (code, code_text) = mint(TokenKind::Code);
        let (access, access_text) = mint(TokenKind::Access);
        let (refresh, refresh_text) = mint(TokenKind::Refresh);
        Self {
            code: (code, code_record(&grant)),
            access: (access, access_record(&grant, START)),
            refresh: (refresh, refresh_record(&grant, START)),
            texts: [code_text, access_text, refresh_text],
            grant,
        }
    }

    /// A rotation of `old` into fresh tokens, with an answer of its own.
    pub(super) fn rotation(&self, old: &TokenRef, now: Timestamp, answer: &str) -> Rotation {
        let fresh = |kind| hasher().token_ref(&Token::mint(kind, &self.grant));
        Rotation {
            old: old.clone(),
            refresh: (fresh(TokenKind::Refresh), refresh_record(&self.grant, now)),
            access: (fresh(TokenKind::Access), access_record(&self.grant, now)),
            successor: sealed(answer),
            now,
        }
    }
}

pub(super) fn code_record(grant: &GrantId) -> CodeRecord {
    CodeRecord {
        grant: grant.clone(),
        client: client_id(),
        user: user("alice"),
        service: ServiceName::new("mail-query"),
        scopes: ScopeSet::parse("Mail.Read offline_access"),
        redirect_uri: "http://127.0.0.1/callback".to_owned(),
        code_challenge: "challenge".to_owned(),
        upstream_version: 1,
        nonce: Some("nonce".to_owned()),
        jkt: Some(KeyThumbprint::new("thumbprint")),
        flow: None,
        auth_time: None,
        issued_at: START,
        expires_at: START.plus(MINUTE),
    }
}

pub(super) fn access_record(grant: &GrantId, now: Timestamp) -> AccessRecord {
    AccessRecord {
        grant: grant.clone(),
        client: client_id(),
        user: user("alice"),
        service: ServiceName::new("mail-query"),
        scopes: ScopeSet::parse("Mail.Read"),
        flow: None,
        jkt: Some(KeyThumbprint::new("thumbprint")),
        name: None,
        issued_at: now,
        expires_at: now.plus(HOUR),
    }
}

pub(super) fn refresh_record(grant: &GrantId, now: Timestamp) -> RefreshRecord {
    RefreshRecord {
        grant: grant.clone(),
        client: client_id(),
        user: user("alice"),
        service: ServiceName::new("mail-query"),
        scopes: ScopeSet::parse("Mail.Read"),
        upstream_version: 1,
        jkt: Some(KeyThumbprint::new("thumbprint")),
        issued_at: now,
        expires_at: now.plus(30 * DAY),
        grant_expires_at: now.plus(90 * DAY),
    }
}

pub(super) fn client(id: &str, digest: &str, auth_method: ClientAuthMethod) -> ClientRecord {
    ClientRecord {
        id: ClientId::new(id),
        origin: ClientOrigin::Registered,
        auth_method,
        other_auth_methods: Vec::new(),
        secret_hash: None,
        management_hash: None,
        redirect_uris: vec!["http://127.0.0.1/callback".to_owned()],
        name: Some("메일 도우미".to_owned()),
        metadata: serde_json::from_str(r#"{"b":1,"a":"ü"}"#).unwrap(),
        digest: digest.to_owned(),
        issued_at: START,
    }
}

pub(super) fn session(id: &str) -> SessionRecord {
    SessionRecord {
        id: SessionId::new(id),
        service: ServiceName::new("mail-query"),
        user: user("alice"),
        client: client_id(),
        protocol_version: "2025-11-25".to_owned(),
        client_info: serde_json::json!({"name": "test", "version": "1"}),
        capabilities: serde_json::json!({"elicitation": {}}),
        log_level: None,
        subscriptions: Vec::new(),
        initialized: false,
        created_at: START,
        revision: 0,
    }
}

//! Opaque credentials: how they look, how they are checked before any look-up, how they are hashed.
//!
//! # Shape
//! `dcr_at_` + base64url(16-byte grant ‖ 32 random bytes) + 6 characters of checksum. The grant part routes every
//! verb of one grant to one Redis slot; the 256 random bits are the secret; the checksum lets secret scanners and
//! this server refuse a mistyped token without asking the store.

use crate::domain::ids::GrantId;
use crate::domain::keyring::KeyRing;
use crate::domain::random;
use crate::domain::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::fmt;

const GRANT_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const BODY_CHARS: usize = 64;
const CHECK_CHARS: usize = 6;

/// What a credential is for; the kind is part of its hash, so one kind never passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Bearer for an MCP or OpenAI endpoint.
    Access,
    /// Refresh token (RFC 6749 §1.5).
    Refresh,
    /// Authorization code (RFC 6749 §1.3.1).
    Code,
    /// Personal key: a bearer that its owner made by hand, for clients that know only a static key.
    Personal,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "dcr_at_",
            Self::Refresh => "dcr_rt_",
            Self::Code => "dcr_ac_",
            Self::Personal => "dcr_pk_",
        }
    }
}

/// A fresh grant id: 128 random bits.
pub(crate) fn new_grant() -> GrantId {
    GrantId::new(URL_SAFE_NO_PAD.encode(random::bytes::<GRANT_BYTES>()))
}

/// A well-formed credential with the grant it belongs to. Whether it is valid, the store knows.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) grant: GrantId,
    text: Secret<String>,
}

impl Token {
    /// A new credential of `kind` for `grant`.
    pub(crate) fn mint(kind: TokenKind, grant: &GrantId) -> Self {
        let mut raw = URL_SAFE_NO_PAD.decode(grant.as_str()).unwrap_or_default();
        raw.resize(GRANT_BYTES, 0);
        raw.extend_from_slice(&random::bytes::<SECRET_BYTES>());
        let body = URL_SAFE_NO_PAD.encode(raw);
        let text = format!("{}{body}{}", kind.prefix(), checksum(kind, &body));
        Self { kind, grant: grant.clone(), text: Secret::new(text) }
    }

    /// Reads a credential of `kind`; `None` for anything that cannot be one of ours.
    pub(crate) fn parse(kind: TokenKind, text: &str) -> Option<Self> {
        let rest = text.strip_prefix(kind.prefix())?;
        let (body, check) = rest.split_at_checked(BODY_CHARS)?;
        if check.len() != CHECK_CHARS || checksum(kind, body) != check {
            return None;
        }
        let raw = URL_SAFE_NO_PAD.decode(body).ok()?;
        let grant = GrantId::new(URL_SAFE_NO_PAD.encode(raw.get(..GRANT_BYTES)?));
        Some(Self { kind, grant, text: Secret::new(text.to_owned()) })
    }

    /// Reads what opens a service: a bearer that an app was given, or a personal key.
    pub(crate) fn parse_bearer(text: &str) -> Option<Self> {
        Self::parse(TokenKind::Access, text).or_else(|| Self::parse(TokenKind::Personal, text))
    }

    /// The text that the client holds.
    pub(crate) fn expose(&self) -> &str {
        self.text.expose()
    }
}

fn checksum(kind: TokenKind, body: &str) -> String {
    let digest = Sha256::new().chain_update(kind.prefix()).chain_update(body).finalize();
    let mut text = URL_SAFE_NO_PAD.encode(digest);
    text.truncate(CHECK_CHARS);
    text
}

/// Keyed hash of a credential or one-time value: the only form that a store sees.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    /// Unpadded base64url, for use inside a store key.
    pub(crate) fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// A credential as the store addresses it: its grant and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenRef {
    pub(crate) grant: GrantId,
    pub(crate) hash: TokenHash,
}

/// HMAC-SHA-256 with a pepper derived from each key of the ring (active first), so that a stolen store is worthless
/// and a key rotation leaves live credentials valid.
#[derive(Clone)]
pub(crate) struct Hasher {
    peppers: Vec<Hmac<Sha256>>,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({} peppers)", self.peppers.len())
    }
}

impl Hasher {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        let pepper = |key: [u8; 32]| <Hmac<Sha256> as Mac>::new_from_slice(&key).ok();
        Self { peppers: ring.keys().iter().filter_map(|k| pepper(k.derive("pepper"))).collect() }
    }

    /// Hash under the active key: what a new value is stored under.
    pub(crate) fn hash(&self, purpose: &str, value: &str) -> TokenHash {
        self.hashes(purpose, value).next().unwrap_or(TokenHash([0; 32]))
    }

    /// Hashes under every key, active first: where an existing value may be found.
    pub(crate) fn hashes<'a>(
        &'a self,
        purpose: &'a str,
        value: &'a str,
    ) -> impl Iterator<Item = TokenHash> + 'a {
        self.peppers.iter().map(move |pepper| {
            let mac = pepper.clone().chain_update(purpose).chain_update([0]).chain_update(value);
            TokenHash(mac.finalize().into_bytes().into())
        })
    }

    /// Store address of a new credential.
    pub(crate) fn token_ref(&self, token: &Token) -> TokenRef {
        TokenRef { grant: token.grant.clone(), hash: self.hash(token.kind.prefix(), token.expose()) }
    }

    /// Store addresses at which a presented credential may be found, active key first.
    pub(crate) fn token_refs<'a>(&'a self, token: &'a Token) -> impl Iterator<Item = TokenRef> + 'a {
        self.hashes(token.kind.prefix(), token.expose())
            .map(|hash| TokenRef { grant: token.grant.clone(), hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(list: &str) -> Hasher {
        Hasher::new(&KeyRing::from_list(list).unwrap())
    }

    const A: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const B: &str = "b:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    #[test]
    fn a_minted_token_parses_back_to_its_grant_and_kind_only() {
        let grant = new_grant();
        let token = Token::mint(TokenKind::Access, &grant);
        assert!(token.expose().starts_with("dcr_at_"));
        assert_eq!(Token::parse(TokenKind::Access, token.expose()).unwrap().grant, grant);
        assert!(Token::parse(TokenKind::Refresh, token.expose()).is_none());
        assert!(Token::parse(TokenKind::Refresh, &token.expose().replace("_at_", "_rt_")).is_none());
        let key = Token::mint(TokenKind::Personal, &grant);
        assert!(key.expose().starts_with("dcr_pk_"));
        assert_eq!(Token::parse_bearer(key.expose()).unwrap().kind, TokenKind::Personal);
        assert_eq!(Token::parse_bearer(token.expose()).unwrap().kind, TokenKind::Access);
        assert!(Token::parse(TokenKind::Access, key.expose()).is_none());
        assert!(Token::parse_bearer(&key.expose().replace("_pk_", "_at_")).is_none());
        let refresh = Token::mint(TokenKind::Refresh, &grant);
        assert!(Token::parse_bearer(refresh.expose()).is_none());
    }

    #[test]
    fn a_mistyped_or_foreign_text_is_refused() {
        let token = Token::mint(TokenKind::Refresh, &new_grant());
        let text = token.expose();
        let last = if text.ends_with('A') { 'B' } else { 'A' };
        let typo = format!("{}{last}", text.get(..text.len() - 1).unwrap());
        for wrong in [typo.as_str(), "", "dcr_rt_", "dcr_rt_é", &text[..60], &format!("{text}x")] {
            assert!(Token::parse(TokenKind::Refresh, wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_found_again_after_a_key_rotation() {
        let token = Token::mint(TokenKind::Access, &new_grant());
        let stored = hasher(A).token_ref(&token);
        let both = format!("{B},{A}");
        assert!(hasher(&both).token_refs(&token).any(|r| r == stored));
        assert_ne!(hasher(&both).token_ref(&token), stored);
    }
}

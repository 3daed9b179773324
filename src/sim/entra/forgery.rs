//! Id_tokens on demand that no tenant would issue: what a test wants to be wrong about the next ones.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, errors::Result};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::keys;

/// One wish. The oldest applies until it is used up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgery {
    /// Claims to replace or add; null takes one away.
    #[serde(default)]
    claims: Map<String, Value>,
    /// `kid` of the header; the tenant's own when absent.
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    signature: Signature,
    /// How many tokens.
    #[serde(default = "once")]
    times: u32,
}

const fn once() -> u32 {
    1
}

/// Who signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Signature {
    /// The tenant, rightly.
    #[default]
    Tenant,
    /// The tenant, with a byte of the signature changed.
    Broken,
    /// Nobody: `alg` none.
    None,
    /// HS256, with the tenant's public key as the secret.
    PublicKey,
}

/// The wishes that are left.
#[derive(Debug, Default)]
pub(crate) struct ForgeryBook(Mutex<Vec<Forgery>>);

impl ForgeryBook {
    /// Adds a wish behind the others.
    pub(crate) fn add(&self, forgery: Forgery) {
        self.0.lock().push(forgery);
    }

    /// Forgets every wish.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }

    /// Takes one use of the oldest.
    pub(super) fn take(&self) -> Option<Forgery> {
        let mut wishes = self.0.lock();
        wishes.retain(|wish| wish.times > 0);
        let wish = wishes.first_mut()?;
        wish.times -= 1;
        Some(wish.clone())
    }
}

/// The token that was wished for, made from the claims of the right one.
pub(super) fn forge(wish: Forgery, claims: Value) -> Result<String> {
    let Value::Object(mut claims) = claims else { return keys::sign(&claims) };
    for (name, value) in wish.claims {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    let kid = wish.kid.unwrap_or_else(|| keys::KEY_ID.to_owned());
    match wish.signature {
        Signature::Tenant => keys::sign_as(&kid, &claims),
        Signature::Broken => Ok(broken(&keys::sign_as(&kid, &claims)?)),
        Signature::None => {
            let header = json!({ "typ": "JWT", "alg": "none", "kid": kid }).to_string();
            let part = |text: String| URL_SAFE_NO_PAD.encode(text);
            Ok(format!("{}.{}.", part(header), part(Value::Object(claims).to_string())))
        }
        Signature::PublicKey => {
            let header = Header { kid: Some(kid), ..Header::new(Algorithm::HS256) };
            encode(&header, &claims, &EncodingKey::from_secret(&keys::modulus().unwrap_or_default()))
        }
    }
}

fn broken(token: &str) -> String {
    let Some((signed, signature)) = token.rsplit_once('.') else { return String::new() };
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", signature.get(1..).unwrap_or_default())
}

//! Client metadata of a registration (RFC 7591 §2): what is accepted, what is replaced, what is refused.

use super::jwks;
use super::redirect::{self, RedirectPolicy};
use crate::domain::client::ClientAuthMethod;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

const MAX_REDIRECTS: usize = 20;
const MAX_NAME_CHARS: usize = 200;
const MAX_TEXT_CHARS: usize = 2000;
const MAX_CONTACTS: usize = 10;
/// All that one client may cost the store.
const MAX_METADATA_BYTES: usize = 8 * 1024;
const GRANT_TYPES: [&str; 2] = ["authorization_code", "refresh_token"];

/// Why a registration is refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum MetadataFault {
    #[error("the body must be a JSON object")]
    NotAnObject,
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{0}` has the wrong type")]
    Type(&'static str),
    #[error("`{0}` is too long")]
    TooLong(&'static str),
    #[error("`{0}` asks for something this server does not do")]
    Unsupported(&'static str),
    #[error("`{0}` and `{1}` exclude each other")]
    Exclusive(&'static str, &'static str),
    #[error("private_key_jwt needs `jwks` or `jwks_uri`")]
    NoKeys,
    #[error("`jwks` is refused: {0}")]
    Keys(#[from] jwks::KeyFault),
    #[error("all metadata together is longer than {MAX_METADATA_BYTES} bytes")]
    TooMuch,
    #[error("redirect URI {position} is refused: {fault}")]
    Redirect { position: usize, fault: redirect::RedirectFault },
}

/// A checked registration.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    pub(super) redirect_uris: Vec<String>,
    pub(super) auth_method: ClientAuthMethod,
    pub(super) name: Option<String>,
    /// Every accepted member with its final value, in a fixed order.
    pub(super) metadata: Map<String, Value>,
}

impl Accepted {
    /// Equal metadata, equal digest.
    pub(super) fn digest(&self) -> String {
        // The members are put in in a fixed order, so the text is canonical.
        URL_SAFE_NO_PAD.encode(Sha256::digest(Value::Object(self.metadata.clone()).to_string()))
    }
}

/// The object that a registration sends; null members count as absent.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, MetadataFault> {
    let value: Value = serde_json::from_slice(body).map_err(|_| MetadataFault::NotAnObject)?;
    let Value::Object(mut input) = value else { return Err(MetadataFault::NotAnObject) };
    input.retain(|_, value| !value.is_null());
    Ok(input)
}

/// Checks metadata that a client declares of itself. Members that nobody knows are ignored.
pub(super) fn accept(input: &Map<String, Value>, policy: &RedirectPolicy) -> Result<Accepted, MetadataFault> {
    let redirect_uris = redirect_uris(input, policy)?;
    let auth_method = auth_method(input, &redirect_uris)?;
    let keys = keys(input, auth_method)?;
    let name = text(input, "client_name", MAX_NAME_CHARS)?;
    let mut metadata = Map::new();
    if let Some(name) = &name {
        metadata.insert("client_name".to_owned(), json!(name));
    }
    metadata.insert("redirect_uris".to_owned(), json!(redirect_uris));
    metadata.insert("grant_types".to_owned(), json!(grant_types(input)?));
    response_types(input)?;
    metadata.insert("response_types".to_owned(), json!(["code"]));
    metadata.insert("token_endpoint_auth_method".to_owned(), json!(auth_method));
    for member in ["scope", "software_id", "software_version"] {
        if let Some(value) = text(input, member, MAX_TEXT_CHARS)? {
            metadata.insert(member.to_owned(), json!(value));
        }
    }
    if let Some(kind) = text(input, "application_type", MAX_NAME_CHARS)? {
        if kind != "native" && kind != "web" {
            return Err(MetadataFault::Unsupported("application_type"));
        }
        metadata.insert("application_type".to_owned(), json!(kind));
    }
    for member in ["client_uri", "logo_uri", "tos_uri", "policy_uri"] {
        // A link is kept only when it can be shown as one; `javascript:` and its like are left out.
        if let Some(value) = text(input, member, MAX_TEXT_CHARS)?.filter(|v| v.starts_with("https://")) {
            metadata.insert(member.to_owned(), json!(value));
        }
    }
    if let Some(contacts) = strings(input, "contacts")? {
        if contacts.len() > MAX_CONTACTS || contacts.iter().any(|c| c.chars().count() > MAX_NAME_CHARS) {
            return Err(MetadataFault::TooLong("contacts"));
        }
        metadata.insert("contacts".to_owned(), json!(contacts));
    }
    // Like the default when it is false, hence one client with those that do not say it.
    if flag(input, "dpop_bound_access_tokens")? {
        metadata.insert("dpop_bound_access_tokens".to_owned(), json!(true));
    }
    metadata.extend(keys);
    if Value::Object(metadata.clone()).to_string().len() > MAX_METADATA_BYTES {
        return Err(MetadataFault::TooMuch);
    }
    Ok(Accepted { redirect_uris, auth_method, name, metadata })
}

fn redirect_uris(input: &Map<String, Value>, policy: &RedirectPolicy) -> Result<Vec<String>, MetadataFault> {
    let list = strings(input, "redirect_uris")?.filter(|l| !l.is_empty());
    let list = list.ok_or(MetadataFault::Missing("redirect_uris"))?;
    if list.len() > MAX_REDIRECTS {
        return Err(MetadataFault::TooLong("redirect_uris"));
    }
    for (index, uri) in list.iter().enumerate() {
        policy.check(uri).map_err(|fault| MetadataFault::Redirect { position: index + 1, fault })?;
    }
    Ok(list)
}

fn auth_method(input: &Map<String, Value>, redirects: &[String]) -> Result<ClientAuthMethod, MetadataFault> {
    const MEMBER: &str = "token_endpoint_auth_method";
    let method = match text(input, MEMBER, MAX_NAME_CHARS)?.as_deref() {
        Some("none") => ClientAuthMethod::None,
        Some("client_secret_basic") => ClientAuthMethod::ClientSecretBasic,
        Some("client_secret_post") => ClientAuthMethod::ClientSecretPost,
        Some("private_key_jwt") => ClientAuthMethod::PrivateKeyJwt,
        Some(_) => return Err(MetadataFault::Unsupported(MEMBER)),
        // RFC 7591 says `client_secret_basic`; a native application cannot keep a secret (RFC 8252 §8.5).
        None if redirects.iter().all(|uri| redirect::is_native(uri)) => ClientAuthMethod::None,
        None => ClientAuthMethod::ClientSecretBasic,
    };
    if method == ClientAuthMethod::None && input.contains_key("client_secret") {
        return Err(MetadataFault::Exclusive("client_secret", MEMBER));
    }
    Ok(method)
}

/// The keys of a client that signs. Others need none, yet a wrong declaration is still a wrong declaration.
fn keys(
    input: &Map<String, Value>,
    method: ClientAuthMethod,
) -> Result<Option<(String, Value)>, MetadataFault> {
    if input.contains_key("jwks") && input.contains_key("jwks_uri") {
        return Err(MetadataFault::Exclusive("jwks", "jwks_uri"));
    }
    let uri = text(input, "jwks_uri", MAX_TEXT_CHARS)?;
    let keys = match (input.get("jwks"), uri) {
        (Some(keys), _) => Some(("jwks".to_owned(), jwks::public_part(keys)?)),
        (None, Some(uri)) if jwks::is_fetchable(&uri) => Some(("jwks_uri".to_owned(), json!(uri))),
        (None, Some(_)) => return Err(MetadataFault::Unsupported("jwks_uri")),
        (None, None) => None,
    };
    match method {
        ClientAuthMethod::PrivateKeyJwt => keys.ok_or(MetadataFault::NoKeys).map(Some),
        ClientAuthMethod::None | ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost => {
            Ok(None)
        }
    }
}

fn grant_types(input: &Map<String, Value>) -> Result<Vec<&'static str>, MetadataFault> {
    let Some(asked) = strings(input, "grant_types")?.filter(|l| !l.is_empty()) else {
        return Ok(GRANT_TYPES.to_vec());
    };
    // Others are left out of the answer, as RFC 7591 §3.2.1 allows; without the code grant nothing would work.
    let kept: Vec<_> = GRANT_TYPES.into_iter().filter(|known| asked.iter().any(|a| a == known)).collect();
    if kept.contains(&"authorization_code") {
        Ok(kept)
    } else {
        Err(MetadataFault::Unsupported("grant_types"))
    }
}

fn response_types(input: &Map<String, Value>) -> Result<(), MetadataFault> {
    match strings(input, "response_types")?.filter(|l| !l.is_empty()) {
        Some(asked) if !asked.iter().any(|a| a == "code") => {
            Err(MetadataFault::Unsupported("response_types"))
        }
        Some(_) | None => Ok(()),
    }
}

fn text(
    input: &Map<String, Value>,
    member: &'static str,
    max_chars: usize,
) -> Result<Option<String>, MetadataFault> {
    let Some(value) = input.get(member) else { return Ok(None) };
    let value = value.as_str().ok_or(MetadataFault::Type(member))?;
    if value.chars().count() > max_chars {
        return Err(MetadataFault::TooLong(member));
    }
    Ok(Some(value.to_owned()).filter(|v| !v.is_empty()))
}

fn flag(input: &Map<String, Value>, member: &'static str) -> Result<bool, MetadataFault> {
    input.get(member).map_or(Ok(false), |value| value.as_bool().ok_or(MetadataFault::Type(member)))
}

fn strings(input: &Map<String, Value>, member: &'static str) -> Result<Option<Vec<String>>, MetadataFault> {
    let Some(value) = input.get(member) else { return Ok(None) };
    let items = value.as_array().ok_or(MetadataFault::Type(member))?;
    let texts: Option<Vec<String>> = items.iter().map(|v| v.as_str().map(ToOwned::to_owned)).collect();
    texts.map(Some).ok_or(MetadataFault::Type(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "https://x.example/cb";

    fn accepted(value: &Value) -> Result<Accepted, MetadataFault> {
        accept(&object(value.to_string().as_bytes())?, &RedirectPolicy::default())
    }

    #[test]
    fn wrong_metadata_is_refused() {
        let with = |member: &str, value: Value| {
            let mut body = json!({"redirect_uris": [URI]});
            body[member] = value;
            body
        };
        let many: Vec<String> = (0..1000).map(|i| format!("{URI}{i}")).collect();
        for body in [
            json!([]),
            json!({}),
            with("redirect_uris", json!([])),
            with("redirect_uris", json!(URI)),
            with("redirect_uris", json!(many)),
            with("client_name", json!("x".repeat(5000))),
            with("client_name", json!(7)),
            with("grant_types", json!(["implicit"])),
            with("response_types", json!(["token"])),
            with("token_endpoint_auth_method", json!("tls_client_auth")),
            with("jwks_uri", json!("https://127.0.0.1/k")),
            with("jwks_uri", json!("https://localhost/k")),
            with("jwks_uri", json!("http://x.example/k")),
            with("token_endpoint_auth_method", json!("private_key_jwt")),
            json!({"redirect_uris": [URI], "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}}),
            with("dpop_bound_access_tokens", json!("true")),
            with("scope", json!("x".repeat(1999)))
                .as_object()
                .map(|o| {
                    let mut o = o.clone();
                    for member in ["software_id", "software_version", "client_uri", "tos_uri", "policy_uri"] {
                        o.insert(member.to_owned(), json!(format!("https://x.example/{}", "x".repeat(1900))));
                    }
                    Value::Object(o)
                })
                .unwrap(),
            json!({"redirect_uris": [URI], "jwks": {"keys": []}, "jwks_uri": "https://x.example/k"}),
            json!({"redirect_uris": [URI], "token_endpoint_auth_method": "none", "client_secret": "s"}),
        ] {
            assert!(accepted(&body).is_err(), "{body}");
        }
        assert_eq!(object(b"not json").unwrap_err(), MetadataFault::NotAnObject);
    }

    #[test]
    fn defaults_follow_the_kind_of_client() {
        let web = accepted(&json!({"redirect_uris": [URI]})).unwrap();
        assert_eq!(web.auth_method, ClientAuthMethod::ClientSecretBasic);
        let native = accepted(&json!({"redirect_uris": ["http://127.0.0.1/cb", "cursor://x/cb"]})).unwrap();
        assert_eq!(native.auth_method, ClientAuthMethod::None);
        assert_eq!(native.metadata["grant_types"], json!(["authorization_code", "refresh_token"]));
    }

    #[test]
    fn nothing_null_unknown_or_dangerous_is_echoed() {
        let body = json!({
            "redirect_uris": [URI], "client_name": null, "logo_uri": "javascript:alert(1)",
            "client_uri": "https://x.example", "x_unknown": 1, "grant_types": ["authorization_code", "password"],
        });
        let got = Value::Object(accepted(&body).unwrap().metadata);
        let expected = json!({
            "redirect_uris": [URI], "grant_types": ["authorization_code"], "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic", "client_uri": "https://x.example",
        });
        assert_eq!(got, expected);
    }

    #[test]
    fn the_digest_depends_on_accepted_members_only() {
        let digest = |body: Value| accepted(&body).unwrap().digest();
        let one = digest(json!({"client_name": "A", "redirect_uris": [URI]}));
        assert_eq!(one, digest(json!({"redirect_uris": [URI], "x": 1, "client_name": "A"})));
        assert_ne!(one, digest(json!({"client_name": "B", "redirect_uris": [URI]})));
        let bound = |bound: bool| json!({"client_name": "A", "redirect_uris": [URI], "dpop_bound_access_tokens": bound});
        assert_eq!(one, digest(bound(false)));
        assert_ne!(one, digest(bound(true)));
    }
}

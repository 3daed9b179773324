//! A client's metadata document (draft-ietf-oauth-client-id-metadata-document §4): what it must say to be one.

use crate::domain::client::{ClientAuthMethod, ClientOrigin, ClientRecord};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ClientId;
use crate::oauth::client_metadata::{self, MetadataFault};
use crate::oauth::redirect::RedirectPolicy;
use serde_json::{Map, Value, json};

const METHOD: &str = "token_endpoint_auth_method";
/// Some documents list further methods beside the one; the first that works here is as good.
const METHODS: [&str; 2] = ["token_endpoint_auth_methods_supported", "token_endpoint_auth_methods"];

/// Why a document is refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(in crate::oauth) enum DocumentFault {
    #[error("its `client_id` is not the URL that it was fetched from")]
    OtherClient,
    #[error("`client_name` is missing")]
    NoName,
    #[error("it holds `{0}`; a public document cannot keep a secret")]
    Secret(String),
    #[error("none of its authentication methods is none or private_key_jwt")]
    Method,
    #[error(transparent)]
    Metadata(#[from] MetadataFault),
}

/// The client that a document describes.
pub(super) fn read(
    id: &str,
    body: &[u8],
    policy: &RedirectPolicy,
    now: Timestamp,
) -> Result<ClientRecord, DocumentFault> {
    let mut input = client_metadata::object(body)?;
    if input.get("client_id").and_then(Value::as_str) != Some(id) {
        return Err(DocumentFault::OtherClient);
    }
    if let Some(secret) = input.keys().find(|member| member.starts_with("client_secret")) {
        return Err(DocumentFault::Secret(secret.clone()));
    }
    if input.get("client_name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(DocumentFault::NoName);
    }
    let (method, others) = methods(&input)?;
    input.insert(METHOD.to_owned(), json!(method));
    let accepted = client_metadata::accept(&input, policy)?;
    Ok(ClientRecord {
        id: ClientId::new(id),
        origin: ClientOrigin::Published,
        auth_method: method,
        other_auth_methods: others,
        secret_hash: None,
        management_hash: None,
        digest: accepted.digest(),
        redirect_uris: accepted.redirect_uris,
        name: accepted.name,
        metadata: accepted.metadata,
        issued_at: now,
    })
}

/// The method that the client must use, and those that it may use instead.
fn methods(input: &Map<String, Value>) -> Result<(ClientAuthMethod, Vec<ClientAuthMethod>), DocumentFault> {
    let one = input.get(METHOD).and_then(Value::as_str);
    let lists = METHODS.iter().filter_map(|member| input.get(*member)?.as_array()).flatten();
    let mut named: Vec<&str> = one.into_iter().chain(lists.filter_map(Value::as_str)).collect();
    if named.is_empty() {
        named.push("none");
    }
    // A shared secret is wrong here even beside something better.
    if named.iter().any(|name| name.starts_with("client_secret")) {
        return Err(DocumentFault::Method);
    }
    let has_keys = input.contains_key("jwks") || input.contains_key("jwks_uri");
    let signs = named.contains(&"private_key_jwt") && has_keys;
    match (signs, named.contains(&"none")) {
        (true, true) => Ok((ClientAuthMethod::PrivateKeyJwt, vec![ClientAuthMethod::None])),
        (true, false) => Ok((ClientAuthMethod::PrivateKeyJwt, Vec::new())),
        (false, true) => Ok((ClientAuthMethod::None, Vec::new())),
        (false, false) => Err(DocumentFault::Method),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "https://app.example/client.json";

    fn with(member: &str, value: Value) -> Value {
        let mut document =
            json!({"client_id": ID, "client_name": "App", "redirect_uris": ["http://127.0.0.1/callback"]});
        document[member] = value;
        document
    }

    fn record(document: &Value) -> Result<ClientRecord, DocumentFault> {
        let now = Timestamp::from_millis(0);
        read(ID, document.to_string().as_bytes(), &RedirectPolicy::default(), now)
    }

    #[test]
    fn a_document_must_be_about_its_own_url_and_keep_no_secret() {
        for bad in [
            with("client_id", json!("https://app.example/other.json")),
            with("client_id", Value::Null),
            with("client_name", Value::Null),
            with("client_secret", json!("s")),
            with("client_secret_expires_at", json!(0)),
            with(METHOD, json!("client_secret_post")),
            with(METHOD, json!("tls_client_auth")),
            with(METHOD, json!("private_key_jwt")),
            with(METHODS[0], json!(["client_secret_basic", "none"])),
            with("redirect_uris", json!(["https://*.app.example/cb"])),
            with("redirect_uris", json!([])),
            json!([]),
        ] {
            assert!(record(&bad).is_err(), "{bad}");
        }
        let plain = record(&with("x", json!(1))).unwrap();
        assert_eq!((plain.auth_method, plain.origin), (ClientAuthMethod::None, ClientOrigin::Published));
    }

    #[test]
    fn of_several_methods_those_that_work_are_taken() {
        let mut document = with(METHOD, json!("private_key_jwt"));
        document[METHODS[0]] = json!(["none", "private_key_jwt"]);
        assert_eq!(record(&document).unwrap().auth_method, ClientAuthMethod::None, "it publishes no keys");
        document["jwks_uri"] = json!("https://app.example/jwks.json");
        let both = record(&document).unwrap();
        assert!(both.authenticates_by(ClientAuthMethod::None));
        assert!(both.authenticates_by(ClientAuthMethod::PrivateKeyJwt));
        assert!(!both.authenticates_by(ClientAuthMethod::ClientSecretBasic));
    }
}

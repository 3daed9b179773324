//! The client's side of OAuth 2.1, as MCP clients do it: the service names its authorization server (RFC 9728), that
//! one describes itself (RFC 8414), registers the client (RFC 7591), and gives tokens for the service (RFC 8707) against a
//! code with PKCE (RFC 7636).

use super::address::{Address, is_private};
use super::keep::Login;
use super::loopback::Loopback;
use super::{RemoteError, clean};
use crate::cli::CommandError;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::random;
use crate::domain::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, RequestBuilder, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Duration;
use url::Url;

const NAME: &str = "Entrada command line";
const MAX_BODY: usize = 256 * 1024;
/// Life of a bearer whose answer names none.
const SHORT_LIFE_S: u64 = 300;

/// What a service says of itself (RFC 9728 §2).
#[derive(Deserialize)]
struct ResourceDocument {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
}

/// What an authorization server says of itself (RFC 8414 §2).
#[derive(Deserialize)]
pub(super) struct ServerDocument {
    pub(super) issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    #[serde(default)]
    registration_endpoint: Option<Url>,
    #[serde(default)]
    revocation_endpoint: Option<Url>,
}

#[derive(Deserialize)]
struct Registered {
    client_id: String,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// A sign-in on its way.
pub(super) struct Attempt {
    server: ServerDocument,
    client_id: String,
    redirect_uri: String,
    resource: String,
    verifier: String,
    pub(super) state: String,
    /// Where the person signs in.
    pub(super) url: Url,
}

impl Attempt {
    pub(super) fn issuer(&self) -> &str {
        &self.server.issuer
    }

    /// Finds the server, registers there, and makes the URL for the browser.
    pub(super) async fn begin(
        http: &Client,
        address: &Address,
        (scope, redirect_uri): (Option<&str>, String),
        plain_http: bool,
    ) -> Result<Self, CommandError> {
        let server = discover(http, address, plain_http).await?;
        let endpoint = server.registration_endpoint.clone();
        let none =
            || RemoteError::Metadata("it registers no clients; make a personal key instead".to_owned());
        let metadata = json!({
            "client_name": NAME,
            "redirect_uris": [Loopback::registered()],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        let request = http.post(address.reached(&endpoint.ok_or_else(none)?)).json(&metadata);
        let Registered { client_id } = ask(request, address).await?;
        let (state, verifier) = (random::text::<32>(), random::text::<32>());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let resource = address.resource();
        let scope = format!("{} offline_access", scope.unwrap_or_default());
        let mut url = server.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &client_id)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("resource", &resource)
            .append_pair("scope", scope.trim());
        Ok(Self { server, client_id, redirect_uri, resource, verifier, state, url })
    }

    /// Tokens for the code.
    pub(super) async fn redeem(
        self,
        http: &Client,
        address: &Address,
        code: &str,
    ) -> Result<Login, CommandError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &self.verifier),
            ("client_id", &self.client_id),
            ("resource", &self.resource),
        ];
        let request = http.post(address.reached(&self.server.token_endpoint)).form(&form);
        let tokens: Tokens = ask(request, address).await?;
        let refresh_token = tokens.refresh_token.clone().unwrap_or_default();
        let login = Login {
            resource: self.resource,
            issuer: self.server.issuer,
            token_endpoint: self.server.token_endpoint.into(),
            revocation_endpoint: self.server.revocation_endpoint.map(Into::into),
            client_id: self.client_id,
            access_token: Secret::new(String::new()),
            refresh_token: Secret::new(refresh_token),
            expires_at: SystemClock.now(),
        };
        Ok(renewed(&login, tokens))
    }
}

/// The authorization server of a service.
async fn discover(
    http: &Client,
    address: &Address,
    plain_http: bool,
) -> Result<ServerDocument, CommandError> {
    let wrong = |problem: &str| CommandError::from(RemoteError::Metadata(problem.to_owned()));
    let document: ResourceDocument = ask(http.get(address.metadata()), address).await?;
    if document.resource != address.resource() {
        let problem = format!("it calls itself {}, not {}", clean(&document.resource), address.resource());
        return Err(wrong(&problem));
    }
    let issuer =
        document.authorization_servers.first().ok_or_else(|| wrong("it names no server to sign in at"))?;
    // What the server names is reached where it is, and checked under its name.
    let mut well_known = Url::parse(issuer).map_err(|_| wrong("its server to sign in at is no URL"))?;
    let path = well_known.path().trim_end_matches('/').to_owned();
    well_known.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    let well_known = address.reached(&well_known);
    if !is_private(&well_known, plain_http) {
        return Err(RemoteError::PlainHttp(well_known).into());
    }
    let server: ServerDocument = ask(http.get(well_known), address).await?;
    if server.issuer != *issuer {
        return Err(wrong("its server to sign in at calls itself otherwise"));
    }
    let mut endpoints = vec![&server.authorization_endpoint, &server.token_endpoint];
    endpoints.extend(server.registration_endpoint.iter().chain(&server.revocation_endpoint));
    let public =
        endpoints.into_iter().map(|url| address.reached(url)).find(|url| !is_private(url, plain_http));
    match public {
        Some(url) => Err(RemoteError::PlainHttp(url).into()),
        None => Ok(server),
    }
}

/// The same sign-in with fresh tokens.
pub(super) async fn refresh(
    http: &Client,
    login: &Login,
    address: &Address,
    plain_http: bool,
) -> Result<Login, CommandError> {
    let endpoint = endpoint(&login.token_endpoint, address, plain_http)?;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", login.refresh_token.expose()),
        ("client_id", &login.client_id),
        ("resource", &login.resource),
    ];
    let tokens = ask(http.post(endpoint).form(&form), address).await?;
    Ok(renewed(login, tokens))
}

/// Ends the sign-in at the server (RFC 7009).
pub(super) async fn revoke(
    http: &Client,
    login: &Login,
    address: &Address,
    plain_http: bool,
) -> Result<(), CommandError> {
    let Some(revocation) = &login.revocation_endpoint else { return Ok(()) };
    let form = [("token", login.refresh_token.expose().as_str()), ("client_id", &login.client_id)];
    let request = http.post(endpoint(revocation, address, plain_http)?).form(&form);
    send(request, address).await.map(drop)
}

fn endpoint(text: &str, address: &Address, plain_http: bool) -> Result<Url, RemoteError> {
    let url = Url::parse(text).map_err(|_| RemoteError::Url(text.to_owned()))?;
    let url = address.reached(&url);
    if is_private(&url, plain_http) { Ok(url) } else { Err(RemoteError::PlainHttp(url)) }
}

fn renewed(login: &Login, tokens: Tokens) -> Login {
    let life = Duration::from_secs(tokens.expires_in.unwrap_or(SHORT_LIFE_S));
    Login {
        access_token: Secret::new(tokens.access_token),
        refresh_token: tokens.refresh_token.map_or_else(|| login.refresh_token.clone(), Secret::new),
        expires_at: SystemClock.now().plus(life),
        ..login.clone()
    }
}

/// A request whose answer is a JSON document.
async fn ask<T: DeserializeOwned>(request: RequestBuilder, address: &Address) -> Result<T, CommandError> {
    let body = send(request, address).await?;
    let unusable = |_| RemoteError::Metadata("an answer is not what OAuth says it should be".to_owned());
    Ok(serde_json::from_slice(&body).map_err(unusable)?)
}

async fn send(request: RequestBuilder, address: &Address) -> Result<Vec<u8>, CommandError> {
    let unreachable = |error: reqwest::Error| RemoteError::unreachable(address.server(), &error);
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let seconds = response.headers().get(header::RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_BODY {
            return Err(RemoteError::Broken("it is too long".to_owned()).into());
        }
    }
    if status.is_success() { Ok(body) } else { Err(refusal(status, &body, seconds, address).into()) }
}

fn refusal(status: StatusCode, body: &[u8], seconds: Option<u64>, address: &Address) -> RemoteError {
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let message = clean(&refusal.error_description);
    let message = if message.is_empty() { clean(&refusal.error) } else { message };
    match (status, refusal.error.as_str()) {
        (_, "invalid_grant" | "invalid_client") => {
            RemoteError::Ended { message, service: address.to_string() }
        }
        (StatusCode::NOT_FOUND, _) => {
            let message = "it does not say who signs people in".to_owned();
            RemoteError::NoService { url: address.metadata(), message }
        }
        (StatusCode::TOO_MANY_REQUESTS, _) => RemoteError::TooMany { message, seconds },
        _ => RemoteError::Server { status: status.as_u16(), message, seconds },
    }
}

//! A client for the tests: starts a tenant, walks through the account page, asks for tokens.

use std::collections::BTreeMap;

use actix_web::dev::ServerHandle;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Client, Response, StatusCode, header, redirect};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::sim::{Tenant, TenantOptions};

pub(super) const REDIRECT: &str = "http://127.0.0.1:9/callback";
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const SCOPE: &str = "openid profile email offline_access User.Read Mail.Read";

/// A running tenant and a browser-like client that follows no redirects.
pub(super) struct World {
    pub(super) url: String,
    pub(super) app_id: String,
    pub(super) secret: String,
    pub(super) tenant_id: String,
    pub(super) http: Client,
    handle: ServerHandle,
}

pub(super) type Pairs<'a> = Vec<(&'a str, String)>;

/// Replaces, adds or (with an empty value) removes parameters.
pub(super) fn with<'a>(mut pairs: Pairs<'a>, changes: &[(&'a str, &str)]) -> Pairs<'a> {
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        if !value.is_empty() {
            pairs.push((name, (*value).to_owned()));
        }
    }
    pairs
}

impl World {
    pub(super) fn start(options: TenantOptions) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tenant = Tenant::bind(TenantOptions { workers: 1, ..options }).unwrap();
        let (url, app_id) = (tenant.url(), tenant.app_id().to_owned());
        let (secret, tenant_id) = (tenant.app_secret().to_owned(), tenant.tenant_id());
        let server = tenant.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Self { url, app_id, secret, tenant_id, http, handle }
    }

    pub(super) async fn stop(self) {
        self.handle.stop(false).await;
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}/common{path}", self.url)
    }

    pub(super) async fn json(&self, path: &str) -> Value {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    pub(super) async fn control(&self, path: &str, body: Value) -> Response {
        self.http.post(format!("{}/_sim{path}", self.url)).json(&body).send().await.unwrap()
    }

    /// A complete authorization request.
    pub(super) fn request(&self) -> Pairs<'static> {
        vec![
            ("client_id", self.app_id.clone()),
            ("response_type", "code".to_owned()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("scope", SCOPE.to_owned()),
            ("state", "st&te=1 ü".to_owned()),
            ("nonce", "n-0S6".to_owned()),
            ("code_challenge", URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))),
            ("code_challenge_method", "S256".to_owned()),
        ]
    }

    pub(super) async fn authorize(&self, request: &Pairs<'_>) -> Response {
        self.http.get(self.at("/oauth2/v2.0/authorize")).query(request).send().await.unwrap()
    }

    /// Opens the page, fills in the form as a browser would, submits it.
    pub(super) async fn submit(&self, request: &Pairs<'_>, username: &str, decision: &str) -> Response {
        let page = self.authorize(request).await;
        assert_eq!(page.status(), StatusCode::OK);
        let url = page.url().clone();
        let (action, mut fields) = form(&page.text().await.unwrap());
        fields.insert("username".to_owned(), username.to_owned());
        fields.insert("decision".to_owned(), decision.to_owned());
        self.http.post(url.join(&action).unwrap()).form(&fields).send().await.unwrap()
    }

    /// Signs in and returns the code.
    pub(super) async fn code(&self, request: &Pairs<'_>, user: &str) -> String {
        let response = self.submit(request, &format!("{user}@contoso.example"), "accept").await;
        landed(&response)["code"].clone()
    }

    /// A complete redemption of a code.
    pub(super) fn redemption(&self, code: &str) -> Pairs<'static> {
        vec![
            ("client_id", self.app_id.clone()),
            ("client_secret", self.secret.clone()),
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ]
    }

    /// A complete refresh.
    pub(super) fn refreshment(&self, token: &str) -> Pairs<'static> {
        vec![
            ("client_id", self.app_id.clone()),
            ("client_secret", self.secret.clone()),
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.to_owned()),
        ]
    }

    pub(super) async fn token(&self, form: &Pairs<'_>) -> Response {
        self.http.post(self.at("/oauth2/v2.0/token")).form(form).send().await.unwrap()
    }

    /// Signs in and redeems.
    pub(super) async fn tokens(&self, user: &str) -> Value {
        let code = self.code(&self.request(), user).await;
        let response = self.token(&self.redemption(&code)).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    pub(super) async fn me(&self, access_token: &str) -> StatusCode {
        let url = format!("{}/v1.0/me", self.url);
        self.http.get(url).bearer_auth(access_token).send().await.unwrap().status()
    }
}

/// Action and named fields of the page's form.
pub(super) fn form(page: &str) -> (String, BTreeMap<String, String>) {
    let page = scraper::Html::parse_document(page);
    let select = |text: &str| scraper::Selector::parse(text).unwrap();
    let form = page.select(&select("form")).next().expect("a form");
    let fields = form
        .select(&select("input[name]"))
        .map(|input| {
            let value = |name: &str| input.value().attr(name).unwrap_or_default().to_owned();
            (value("name"), value("value"))
        })
        .collect();
    (form.value().attr("action").unwrap().to_owned(), fields)
}

/// The parameters of a redirect to the reply URL.
pub(super) fn landed(response: &Response) -> BTreeMap<String, String> {
    assert_eq!(response.status(), StatusCode::FOUND);
    let location = response.headers()[header::LOCATION].to_str().unwrap();
    assert!(location.starts_with(REDIRECT), "{location}");
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

/// Checks the shape of an error body and returns its code.
pub(super) async fn aadsts(response: Response) -> (u16, String, u64) {
    let status = response.status().as_u16();
    let request_id = response.headers()["x-ms-request-id"].to_str().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    let code = body["error_codes"][0].as_u64().unwrap();
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    for part in [" Trace ID: ", " Correlation ID: ", " Timestamp: "] {
        assert!(description.contains(part), "{description}");
    }
    assert_eq!(body["trace_id"], request_id.as_str());
    assert!(body["error_uri"].as_str().unwrap().ends_with(&format!("/error?code={code}")));
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
    assert!(uuid::Uuid::parse_str(body["correlation_id"].as_str().unwrap()).is_ok());
    (status, body["error"].as_str().unwrap().to_owned(), code)
}

//! The OAuth dance by hand: registration, PKCE, authorization, token, refresh. For tests that look at single answers.

use super::browser::Browser;
use super::http;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Redirect URI of the tests' clients; nobody listens there.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:9/callback";
/// Verifier of every code that these tests ask for; long enough for RFC 7636 §4.1.
pub(crate) const VERIFIER: &str = "a-verifier-of-the-tests-0123456789-0123456789-0123456789";

/// S256 (RFC 7636 §4.2).
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// A query parameter of `url`.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A registered public client at one server.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) resource: String,
    /// Scopes to ask for; empty: none are named.
    pub(crate) scope: String,
    http: reqwest::Client,
}

/// Tokens of one login.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Client {
    /// Registers (RFC 7591) at `base` for the mail service.
    pub(crate) async fn register(base: &str) -> Self {
        Self::register_as(base, "Entrada tests").await
    }

    /// Registers under a name; equal public registrations share one `client_id`, other names get another.
    pub(crate) async fn register_as(base: &str, name: &str) -> Self {
        let http = http::client();
        let metadata = json!({
            "client_name": name,
            "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        });
        let response = http.post(format!("{base}/register")).json(&metadata).send().await.unwrap();
        assert_eq!(response.status(), 201);
        let answer: Value = response.json().await.unwrap();
        Self::known(base, answer["client_id"].as_str().unwrap())
    }

    /// A client that was registered before.
    pub(crate) fn known(base: &str, id: &str) -> Self {
        let resource = format!("{base}/mail-query/mcp");
        Self {
            base: base.to_owned(),
            id: id.to_owned(),
            resource,
            scope: String::new(),
            http: http::client(),
        }
    }

    /// The same client talking to another address of the same server.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The same client asking for another resource.
    pub(crate) fn for_resource(&self, resource: &str) -> Self {
        Self { resource: resource.to_owned(), ..self.clone() }
    }

    /// The same client asking for scopes by name.
    pub(crate) fn with_scope(&self, scope: &str) -> Self {
        Self { scope: scope.to_owned(), ..self.clone() }
    }

    /// The URL that a client opens in the browser.
    pub(crate) fn authorize_url(&self, state: &str) -> String {
        let query = [
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", REDIRECT),
            ("state", state),
            ("code_challenge_method", "S256"),
            ("code_challenge", &challenge(VERIFIER)),
            ("resource", &self.resource),
        ];
        let mut url = reqwest::Url::parse_with_params(&format!("{}/authorize", self.base), query).unwrap();
        if !self.scope.is_empty() {
            url.query_pairs_mut().append_pair("scope", &self.scope);
        }
        url.into()
    }

    /// Signs `user` in through the HTML pages and answers the code.
    pub(crate) async fn code(&self, user: &str) -> String {
        let landing = Browser::new(user).walk(&self.authorize_url("state-of-the-test"), REDIRECT).await;
        assert_eq!(parameter(&landing, "state").as_deref(), Some("state-of-the-test"), "{landing}");
        assert_eq!(parameter(&landing, "iss").as_deref(), Some(self.base.as_str()), "{landing}");
        parameter(&landing, "code").unwrap_or_else(|| panic!("no code in {landing}"))
    }

    /// `person` asks for what only an administrator may grant; `admin` grants it by the link of the page that refuses.
    /// `entra` is the tenant's URL.
    pub(crate) async fn approve(&self, entra: &str, person: &str, admin: &str) {
        let callback = format!("{}/callback", self.base);
        let mut browser = Browser::new(person);
        let sign_in = browser.walk(&self.authorize_url("s"), &format!("{entra}/")).await;
        let refused = browser.walk(&sign_in, &callback).await;
        let (_, page) = browser.open(&refused).await;
        let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let link = links.map(|link| link.replace("&amp;", "&")).find(|link| link.contains("/adminconsent"));
        let link = link.unwrap_or_else(|| panic!("no link to approve in {page}"));
        let granted = Browser::new(admin).walk(&link, &callback).await;
        assert_eq!(parameter(&granted, "admin_consent").as_deref(), Some("True"), "{granted}");
    }

    /// The form that redeems a code.
    pub(crate) fn code_form<'a>(&'a self, code: &'a str) -> [(&'static str, &'a str); 6] {
        [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
            ("client_id", &self.id),
            ("resource", &self.resource),
        ]
    }

    /// The form that redeems a refresh token.
    pub(crate) fn refresh_form<'a>(&'a self, refresh_token: &'a str) -> [(&'static str, &'a str); 4] {
        [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", &self.id),
            ("resource", &self.resource),
        ]
    }

    /// Redeems a code at `base` (a replica, or the balancer).
    pub(crate) async fn redeem(&self, code: &str) -> reqwest::Response {
        self.http.post(format!("{}/token", self.base)).form(&self.code_form(code)).send().await.unwrap()
    }

    /// Redeems a refresh token.
    pub(crate) async fn refresh(&self, refresh_token: &str) -> reqwest::Response {
        self.try_refresh(refresh_token).await.unwrap()
    }

    /// The same, where the server may vanish.
    pub(crate) async fn try_refresh(&self, refresh_token: &str) -> reqwest::Result<reqwest::Response> {
        self.http.post(format!("{}/token", self.base)).form(&self.refresh_form(refresh_token)).send().await
    }

    /// Signs in and redeems.
    pub(crate) async fn sign_in(&self, user: &str) -> Tokens {
        let code = self.code(user).await;
        tokens(self.redeem(&code).await).await
    }
}

/// The tokens of a successful answer.
pub(crate) async fn tokens(response: reqwest::Response) -> Tokens {
    let status = response.status();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}")).to_owned();
    Tokens { access: text("access_token"), refresh: text("refresh_token") }
}

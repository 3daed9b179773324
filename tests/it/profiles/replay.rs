//! Goes a client's whole way, request by request: 401, discovery, registration or document, authorization, token, first
//! tool call, refresh, next tool call. Every answer is held against the response contract that all clients rely on.

use super::clients::{Profile, ScopeSource, Speaks};
use crate::support::browser::Browser;
use crate::support::http;
use crate::support::login::{VERIFIER, challenge, parameter};
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How the client says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    Registered,
    Document(&'static str),
}

/// One client on its way through one server.
pub(super) struct Replay<'a> {
    profile: &'a Profile,
    base: &'a str,
    resource: String,
    http: reqwest::Client,
    challenged: String,
    resource_scopes: String,
    server: Value,
}

/// What the token endpoint gave.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) client_id: String,
    pub(super) access: String,
    pub(super) refresh: String,
    pub(super) scope: String,
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split_whitespace().collect()
}

fn list(value: &Value) -> String {
    let items = value.as_array().unwrap_or_else(|| panic!("no list: {value}"));
    items.iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// A quoted parameter of a challenge (RFC 6750 §3).
fn quoted<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    challenge.split_once(&format!("{name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

impl<'a> Replay<'a> {
    pub(super) fn new(profile: &'a Profile, base: &'a str) -> Self {
        Self {
            profile,
            base,
            resource: format!("{base}/mail-query/mcp"),
            http: http::client(),
            challenged: String::new(),
            resource_scopes: String::new(),
            server: Value::Null,
        }
    }

    fn note(&self, step: &str, seen: &str) {
        println!("{} | {step} | {seen}", self.profile.name);
    }

    fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let mut request = self.http.request(method, url).header("User-Agent", self.profile.user_agent);
        if let Some(origin) = self.profile.origin {
            request = request.header("Origin", origin);
        }
        request
    }

    /// What a browser asks first, and lets the page go on for.
    async fn preflight(&self, method: &str, url: &str, headers: &str) {
        let Some(origin) = self.profile.origin else { return };
        let request = self
            .request(Method::OPTIONS, url)
            .header("Access-Control-Request-Method", method)
            .header("Access-Control-Request-Headers", headers);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "preflight of {url}: {}", answer.status());
        let of = |name: &str| answer.headers().get(name).map_or("", |v| v.to_str().unwrap()).to_lowercase();
        let allowed = of("access-control-allow-origin");
        assert!(allowed == "*" || allowed == origin, "preflight of {url}: origin `{allowed}`");
        let methods = of("access-control-allow-methods");
        assert!(methods.contains(&method.to_lowercase()), "preflight of {url}: methods `{methods}`");
        let granted = of("access-control-allow-headers");
        for header in headers.split(',') {
            assert!(granted.contains(header.trim()), "preflight of {url}: {header} not in `{granted}`");
        }
        assert_eq!(of("access-control-allow-credentials"), "", "no cookies across origins at {url}");
    }

    /// The page may read the answer, and the named header.
    fn readable(&self, url: &str, headers: &HeaderMap, exposed: &str) {
        let Some(origin) = self.profile.origin else { return };
        let of = |name: &str| headers.get(name).map_or("", |v| v.to_str().unwrap()).to_lowercase();
        let allowed = of("access-control-allow-origin");
        assert!(allowed == "*" || allowed == origin, "{url}: origin `{allowed}`");
        let shown = of("access-control-expose-headers");
        assert!(exposed.is_empty() || shown.contains(exposed), "{url}: `{exposed}` not in `{shown}`");
    }

    async fn document(&self, url: &str) -> Value {
        let mut request = self.request(Method::GET, url).header("Accept", "application/json");
        if let Some(version) = self.profile.discovery_version {
            self.preflight("GET", url, "mcp-protocol-version").await;
            request = request.header("MCP-Protocol-Version", version);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{url}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/json"), "{url}");
        self.readable(url, answer.headers(), "");
        answer.json().await.unwrap()
    }

    /// From the first knock to the metadata of the authorization server.
    pub(super) async fn discover(&mut self) {
        let headers = "authorization,content-type,mcp-protocol-version";
        self.preflight("POST", &self.resource, headers).await;
        let body = self.initialize();
        let knock = self.request(Method::POST, &self.resource).header("Accept", ACCEPT).json(&body);
        let answer = knock.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        self.readable(&self.resource, answer.headers(), "www-authenticate");
        let challenge = answer.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned();
        assert!(challenge.starts_with("Bearer "), "{challenge}");
        assert_eq!(quoted(&challenge, "error"), None, "nothing was presented, so nothing is wrong with it");
        quoted(&challenge, "scope").expect("a scope").clone_into(&mut self.challenged);
        self.note("401", &challenge);

        let metadata = quoted(&challenge, "resource_metadata").expect("resource_metadata");
        let resource = self.document(metadata).await;
        assert_eq!(resource["resource"], self.resource.as_str(), "the URL that was typed");
        assert_eq!(resource["authorization_servers"][0], self.base, "the issuer");
        self.resource_scopes = list(&resource["scopes_supported"]);
        assert!(!words(&self.resource_scopes).contains("offline_access"));
        self.note("protected resource metadata", metadata);

        let url = format!("{}/.well-known/oauth-authorization-server", self.base);
        self.server = self.document(&url).await;
        assert_eq!(self.server["issuer"], self.base);
        assert_eq!(list(&self.server["code_challenge_methods_supported"]), "S256");
        assert!(list(&self.server["token_endpoint_auth_methods_supported"]).contains("none"));
        assert_eq!(self.server["authorization_response_iss_parameter_supported"], true);
        self.note("authorization server metadata", &url);
    }

    fn endpoint(&self, name: &str) -> &str {
        self.server[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.server))
    }

    /// Registers, and answers the client id.
    pub(super) async fn register(&self) -> String {
        let url = self.endpoint("registration_endpoint");
        self.preflight("POST", url, "content-type").await;
        let request = self.request(Method::POST, url).json(&self.profile.registration);
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let client: Value = answer.json().await.unwrap();
        assert_eq!(status, 201, "{client}");
        self.readable(url, &headers, "");
        assert_eq!(headers["cache-control"], "no-store");
        for (name, value) in client.as_object().unwrap() {
            assert!(!value.is_null(), "`{name}` is null, which strict clients refuse: {client}");
        }
        assert_eq!(client["redirect_uris"], self.profile.registration["redirect_uris"], "byte for byte");
        assert_eq!(client["token_endpoint_auth_method"], "none");
        assert!(client.get("client_secret").is_none(), "a public client has none");
        let id = client["client_id"].as_str().unwrap().to_owned();
        self.note("registration", &format!("201, {id}"));
        id
    }

    fn scope(&self) -> String {
        let base = match self.profile.scopes {
            ScopeSource::Challenge => self.challenged.clone(),
            ScopeSource::Resource => self.resource_scopes.clone(),
            ScopeSource::Server => list(&self.server["scopes_supported"]),
            ScopeSource::Nothing => String::new(),
        };
        let mut wanted: Vec<&str> = base.split_whitespace().collect();
        wanted.extend(self.profile.extra_scopes.iter().filter(|s| !base.contains(**s)));
        wanted.join(" ")
    }

    /// Signs `user` in through the pages and redeems the code.
    pub(super) async fn sign_in(&self, user: &str, identity: Identity) -> Login {
        let (client_id, redirect) = match identity {
            Identity::Registered => (self.register().await, self.profile.redirect),
            Identity::Document(url) => {
                assert_eq!(self.server["client_id_metadata_document_supported"], true);
                (url.to_owned(), self.profile.document_redirect.unwrap_or(self.profile.redirect))
            }
        };
        let scope = self.scope();
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", client_id.as_str()),
            ("redirect_uri", redirect),
            ("state", "st=1&x/y+z"),
            ("code_challenge", ""),
            ("code_challenge_method", "S256"),
            ("resource", self.resource.as_str()),
        ];
        let challenge = challenge(VERIFIER);
        query[4].1 = &challenge;
        if !scope.is_empty() {
            query.push(("scope", &scope));
        }
        let url = reqwest::Url::parse_with_params(self.endpoint("authorization_endpoint"), query).unwrap();
        let landing = Browser::new(user).walk(url.as_str(), redirect).await;
        assert_eq!(parameter(&landing, "state").as_deref(), Some("st=1&x/y+z"), "{landing}");
        assert_eq!(parameter(&landing, "iss").as_deref(), Some(self.base), "{landing}");
        let code = parameter(&landing, "code").unwrap_or_else(|| panic!("no code: {landing}"));
        self.note("authorization", &format!("code at {redirect}"));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", redirect),
            ("code_verifier", VERIFIER),
            ("client_id", &client_id),
            ("resource", &self.resource),
        ];
        self.token(&client_id, &form, "code").await
    }

    /// The next tokens, as this client asks for them.
    pub(super) async fn refresh(&self, login: &Login) -> Login {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", login.refresh.as_str()),
            ("client_id", login.client_id.as_str()),
        ];
        if self.profile.resource_on_refresh {
            form.push(("resource", &self.resource));
        }
        if self.profile.scope_on_refresh {
            form.push(("scope", &login.scope));
        }
        let next = self.token(&login.client_id, &form, "refresh").await;
        assert_eq!(words(&next.scope), words(&login.scope), "a refresh keeps what was granted");
        next
    }

    async fn token(&self, client_id: &str, form: &[(&str, &str)], what: &str) -> Login {
        let url = self.endpoint("token_endpoint");
        self.preflight("POST", url, "content-type").await;
        let answer = self.request(Method::POST, url).form(form).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{what}: {body}");
        self.readable(url, &headers, "");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(body["token_type"], "Bearer");
        assert!(body["expires_in"].as_u64().unwrap() > 0, "{body}");
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
        self.note(what, &format!("200, scope `{}`", text("scope")));
        Login {
            client_id: client_id.to_owned(),
            access: text("access_token"),
            refresh: text("refresh_token"),
            scope: text("scope"),
        }
    }

    fn initialize(&self) -> Value {
        let (Speaks::Session(version) | Speaks::Forgetful(version) | Speaks::SessionPerCall(version)) =
            self.profile.speaks;
        json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {
                "protocolVersion": version, "capabilities": {},
                "clientInfo": { "name": self.profile.name, "version": "1" },
            },
        })
    }

    async fn post(&self, login: &Login, session: Option<&str>, body: &Value) -> Response {
        let (Speaks::Session(version) | Speaks::Forgetful(version) | Speaks::SessionPerCall(version)) =
            self.profile.speaks;
        let mut request = self
            .request(Method::POST, &self.resource)
            .header("Accept", ACCEPT)
            .bearer_auth(&login.access)
            .json(body);
        if body["method"] != "initialize" {
            request = request.header("MCP-Protocol-Version", version);
        }
        if let Some(session) = session {
            request = request.header("Mcp-Session-Id", session);
        }
        request.send().await.unwrap()
    }

    async fn open_session(&self, login: &Login) -> String {
        let answer = self.post(login, None, &self.initialize()).await;
        assert_eq!(answer.status(), 200);
        self.readable(&self.resource, answer.headers(), "mcp-session-id");
        let session = answer.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(self.post(login, Some(&session), &note).await.status(), 202);
        session
    }

    /// Lists the tools and reads mail; the subjects seen.
    pub(super) async fn read_mail(&self, login: &Login) -> Value {
        let mut session = self.open_session(login).await;
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let keeps = !matches!(self.profile.speaks, Speaks::Forgetful(_));
        let listed = message(self.post(login, keeps.then_some(&session), &list).await).await;
        let tools = listed["result"]["tools"].as_array().unwrap_or_else(|| panic!("no tools: {listed}"));
        assert!(tools.iter().any(|tool| tool["name"] == "query_email"));
        if matches!(self.profile.speaks, Speaks::SessionPerCall(_)) {
            session = self.open_session(login).await;
        }
        let arguments = json!({ "start_date": "2000-01-01", "max_mails": 200 });
        let call = json!({
            "jsonrpc": "2.0", "id": "call-1", "method": "tools/call",
            "params": { "name": "query_email", "arguments": arguments },
        });
        let called = message(self.post(login, keeps.then_some(&session), &call).await).await;
        assert_ne!(called["result"]["isError"], true, "{called}");
        self.note("first tool call", &format!("{} tools, query_email answered", tools.len()));
        called["result"].clone()
    }
}

const ACCEPT: &str = "application/json, text/event-stream";

/// The JSON-RPC answer, be it JSON or the last event of a stream.
async fn message(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, 200, "{text}");
    let mut data = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
    let json = data.rfind(|data| !data.is_empty()).unwrap_or(&text);
    serde_json::from_str(json).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

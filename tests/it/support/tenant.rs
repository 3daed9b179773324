//! The simulated tenant: its process, its control routes, and Graph asked directly, as the truth to compare with.

use super::browser::Browser;
use super::http;
use super::process::Process;
use serde_json::{Value, json};

/// Where a browser lands that signs in at the tenant without Entrada.
const DIRECT_REDIRECT: &str = "http://127.0.0.1:1/direct";

/// A running tenant.
pub(crate) struct Tenant {
    pub(crate) process: Process,
    pub(crate) url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) directory_id: String,
    /// Settings that point a server here, as the tenant prints them.
    pub(crate) settings: Vec<(String, String)>,
}

/// Names of those settings.
const SETTINGS: [&str; 6] = [
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_TENANT_ID",
    "ENTRADA_ENTRA_AUTHORITY",
    "ENTRADA_GRAPH_URL",
    "ENTRADA_INSECURE_UPSTREAM",
];

impl Tenant {
    /// Starts `entrada tenant` on a free port.
    pub(crate) fn start(extra: &[&str]) -> Self {
        // What they exchange is checked when all tests have run (`tests/contract`).
        let record = concat!(env!("CARGO_TARGET_TMPDIR"), "/graph");
        let args = ["tenant", "--port", "0", "--record", record];
        let args: Vec<&str> = args.iter().chain(extra).copied().collect();
        let mut process = Process::entrada(&args, &[]);
        let url = process.wait_for("tenant listening on ");
        let settings: Vec<(String, String)> =
            SETTINGS.map(|name| (name.to_owned(), process.wait_for(&format!("{name}=")))).to_vec();
        let [client_id, client_secret, directory_id] =
            [0, 1, 2].map(|index: usize| settings[index].1.clone());
        Self { process, url, client_id, client_secret, directory_id, settings }
    }

    /// Adds a fault rule: `path` and any of `method`, `status`, `delay_ms`, `body`, `headers`, `times`, `reset`.
    pub(crate) async fn fault(&self, rule: Value) {
        self.control(reqwest::Method::POST, "faults", Some(rule)).await;
    }

    /// The next id_token is wrong: `claims` to replace (null takes one away), `kid`, `signature` (`broken`, `none`,
    /// `public_key`), and `times`.
    pub(crate) async fn forge(&self, rule: Value) {
        self.control(reqwest::Method::POST, "id_token", Some(rule)).await;
    }

    /// Removes every fault rule.
    pub(crate) async fn clear_faults(&self) {
        self.control(reqwest::Method::DELETE, "faults", None).await;
    }

    /// Fault rules that are not used up.
    pub(crate) async fn faults_left(&self) -> usize {
        let rules = self.control(reqwest::Method::GET, "faults", None).await;
        rules.as_array().map_or(0, Vec::len)
    }

    /// Every access token of the tenant ends now; refresh tokens live on.
    pub(crate) async fn expire_tokens(&self) {
        self.control(reqwest::Method::POST, "tokens/expire", Some(json!({}))).await;
    }

    /// An administrator ends all sessions and tokens of `user`.
    pub(crate) async fn revoke(&self, user: &str) {
        let route = format!("users/{user}");
        self.control(reqwest::Method::POST, &route, Some(json!({ "revoke_sessions": true }))).await;
    }

    /// How many token requests of `grant` arrived.
    pub(crate) async fn grants(&self, grant: &str) -> u64 {
        self.counters().await["grants"][grant].as_u64().unwrap_or(0)
    }

    /// All counters.
    pub(crate) async fn counters(&self) -> Value {
        self.control(reqwest::Method::GET, "counters", None).await
    }

    /// One control route; its answer, null when it has none.
    pub(crate) async fn control(&self, method: reqwest::Method, route: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_sim/{route}", self.url);
        let request = http::client().request(method, &url);
        let request = if let Some(body) = &body { request.json(body) } else { request };
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{url} answered {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// A Graph token of `user`, got at the tenant itself, without Entrada.
    pub(crate) async fn graph_token(&self, user: &str) -> String {
        self.token(user, "Mail.Read User.Read").await
    }

    /// The same with scopes of Graph.
    async fn token(&self, user: &str, scopes: &str) -> String {
        let scopes = format!("openid profile email offline_access {scopes}");
        let verifier = "direct-verifier-direct-verifier-direct-verifier";
        let base = format!("{}/{}/oauth2/v2.0", self.url, self.directory_id);
        let query = [
            ("client_id", self.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", DIRECT_REDIRECT),
            ("response_mode", "query"),
            ("scope", &scopes),
            ("state", "direct"),
            ("nonce", "direct"),
            ("code_challenge_method", "S256"),
            ("code_challenge", &super::login::challenge(verifier)),
        ];
        let url = reqwest::Url::parse_with_params(&format!("{base}/authorize"), query).unwrap();
        let landing = Browser::new(user).walk(url.as_str(), DIRECT_REDIRECT).await;
        let form = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", &self.client_secret),
            ("grant_type", "authorization_code"),
            ("redirect_uri", DIRECT_REDIRECT),
            ("code_verifier", verifier),
            ("code", &super::login::parameter(&landing, "code").unwrap()),
        ];
        let response = http::client().post(format!("{base}/token")).form(&form).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// Asks Graph as `user`; `target` starts behind `/v1.0`.
    pub(crate) async fn graph(&self, user: &str, target: &str) -> Value {
        self.graph_as(user, "Mail.Read User.Read", target).await
    }

    /// The same with scopes.
    pub(crate) async fn graph_as(&self, user: &str, scopes: &str, target: &str) -> Value {
        self.graph_with(&self.token(user, scopes).await, target).await
    }

    /// The same with a token that was got before.
    pub(crate) async fn graph_with(&self, token: &str, target: &str) -> Value {
        let url = format!("{}/v1.0{target}", self.url);
        let response = http::client()
            .get(&url)
            .bearer_auth(token)
            .header("Prefer", "IdType=\"ImmutableId\"")
            .send()
            .await
            .unwrap();
        let answer: Value = response.json().await.unwrap();
        assert!(answer.get("error").is_none(), "{url}: {answer}");
        answer
    }

    /// Puts a file into the OneDrive of `user`, as another program would; `path` is percent-encoded.
    pub(crate) async fn put_file(&self, user: &str, path: &str, bytes: Vec<u8>) {
        let token = self.token(user, "Files.ReadWrite").await;
        let url = format!("{}/v1.0/me/drive/root:/{path}:/content", self.url);
        let response = http::client().put(&url).bearer_auth(token).body(bytes).send().await.unwrap();
        assert!(response.status().is_success(), "{url}: {}", response.text().await.unwrap());
    }

    /// Subjects of every message in the mailbox of `user`.
    pub(crate) async fn subjects(&self, user: &str) -> Vec<String> {
        let answer = self.graph(user, "/me/messages?$top=1000&$select=id,subject").await;
        let list = answer["value"].as_array().unwrap();
        list.iter().map(|message| message["subject"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The token endpoint fails with `status` until the faults are cleared.
    pub(crate) async fn break_tokens(&self, status: u16) {
        self.fault(json!({ "path": "*/oauth2/v2.0/token", "status": status })).await;
    }
}

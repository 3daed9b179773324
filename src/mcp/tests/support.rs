//! A service with a few telling tools, replicas over one store on real sockets, and a client that speaks bare HTTP.

use super::super::{McpParts, McpSettings, McpState, configure};
use super::wire::Recorder;
use crate::actors::{RegistrySettings, Streams};
use crate::adapters::embedded::EmbeddedStore;
use crate::domain::cipher::Cipher;
use crate::domain::clock::{Clock, TestClock, Timestamp};
use crate::domain::grant::AccessRecord;
use crate::domain::ids::{ClientId, ServiceName, UserKey};
use crate::domain::keyring::KeyRing;
use crate::domain::resource::{Resources, ServiceInfo};
use crate::domain::scope::ScopeSet;
use crate::domain::switches::Switches;
use crate::domain::token::{Hasher, Token, TokenKind, new_grant};
use crate::edge::EdgeSettings;
use crate::oauth::bearer::BearerGuard;
use crate::ports::store::{GrantStore, Store};
use crate::tools::context::CallContext;
use crate::tools::dispatch::{CallLimits, Dispatcher};
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::ToolOutput;
use crate::tools::registry::ToolRegistry;
use crate::tools::switchboard::Switchboard;
use crate::tools::tool::{Annotations, Args, Service, Tool, ToolSpec};
use actix_web::{App, HttpServer, web};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

pub(super) const START_MS: i64 = 1_780_000_000_000;

/// What the tools saw.
#[derive(Default)]
pub(super) struct Witness {
    pub(super) started: Notify,
    pub(super) release: Notify,
    pub(super) finished: Notify,
    pub(super) dropped: Notify,
}

struct Fake {
    spec: ToolSpec,
    witness: Arc<Witness>,
}

fn fake(name: &'static str, scopes: &'static [&'static str], witness: &Arc<Witness>) -> Arc<dyn Tool> {
    Arc::new(Fake {
        spec: ToolSpec {
            name,
            title: "A tool",
            description: "Does what its name says.",
            input_schema: json!({"type": "object", "properties": {"text": {"type": "string"}}}),
            output_schema: json!({"type": "object", "properties": {"echo": {"type": "object"}, "user": {"type": "string"}}, "required": ["echo"]}),
            annotations: Annotations::READ,
            scopes,
            aliases: &[],
        },
        witness: Arc::clone(witness),
    })
}

/// Notices when a call ends without having finished.
struct Presence(Arc<Witness>, bool);

impl Drop for Presence {
    fn drop(&mut self) {
        if self.1 { self.0.finished.notify_one() } else { self.0.dropped.notify_one() }
    }
}

#[async_trait]
impl Tool for Fake {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        match self.spec.name {
            "slow" => {
                let mut presence = Presence(Arc::clone(&self.witness), false);
                self.witness.started.notify_one();
                self.witness.release.notified().await;
                presence.1 = true;
            }
            "panic" => panic!("on purpose"),
            "signed_out" => return Err(ToolError::new(ToolErrorKind::SignInRequired, "Sign in again.")),
            "throttled" => {
                let kind = ToolErrorKind::RateLimited { retry_after: Duration::from_secs(7) };
                return Err(ToolError::new(kind, "Wait 7 seconds."));
            }
            _ => {}
        }
        let user = context.caller.user.oid.to_string();
        ToolOutput::new(format!("hello {user}\n\"quoted\""), &json!({"echo": args, "user": user}))
            .map_err(ToolError::internal)
    }
}

struct FakeService {
    info: ServiceInfo,
    tools: Vec<Arc<dyn Tool>>,
}

impl Service for FakeService {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }
    fn instructions(&self) -> &'static str {
        "Use the tools."
    }
    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }
}

fn info(name: &str) -> ServiceInfo {
    ServiceInfo {
        name: ServiceName::new(name),
        title: "Mail".to_owned(),
        description: "Reads mail.".to_owned(),
        required_scopes: ScopeSet::parse("Mail.Read"),
        supported_scopes: ScopeSet::parse("Mail.Read Mail.Send"),
    }
}

fn ring() -> KeyRing {
    KeyRing::from_list("a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap()
}

/// What replicas share.
pub(super) struct World {
    pub(super) store: Arc<EmbeddedStore>,
    pub(super) clock: Arc<TestClock>,
    pub(super) witness: Arc<Witness>,
    hasher: Hasher,
    cipher: Cipher,
}

impl World {
    pub(super) fn new() -> Self {
        let clock = Arc::new(TestClock::at(START_MS));
        Self {
            store: Arc::new(EmbeddedStore::memory(clock.clone())),
            clock,
            witness: Arc::default(),
            hasher: Hasher::new(&ring()),
            cipher: Cipher::new(&ring()),
        }
    }

    /// A bearer of `user` for `service`, good for an hour.
    pub(super) async fn bearer(&self, user: &str, service: &str) -> String {
        self.bearer_for(user, service, Duration::from_hours(1)).await
    }

    pub(super) async fn bearer_for(&self, user: &str, service: &str, life: Duration) -> String {
        self.bearer_of(UserKey::new("tenant", user), service, life).await
    }

    pub(super) async fn bearer_of(&self, user: UserKey, service: &str, life: Duration) -> String {
        let token = Token::mint(TokenKind::Access, &new_grant());
        let now: Timestamp = self.clock.now();
        let record = AccessRecord {
            grant: token.grant.clone(),
            client: ClientId::new("client"),
            user,
            service: ServiceName::new(service),
            scopes: ScopeSet::parse("Mail.Read"),
            flow: None,
            jkt: None,
            name: None,
            issued_at: now,
            expires_at: now.plus(life),
        };
        self.store.issue((&self.hasher.token_ref(&token), &record), None).await.unwrap();
        token.expose().to_owned()
    }

    pub(super) fn replica(&self) -> Replica {
        self.replica_with(McpSettings { edge: EdgeSettings::loopback(), ..McpSettings::default() }, None)
    }

    /// A server over this world's store; `sessions` replaces the store of the front alone.
    pub(super) fn replica_with(&self, settings: McpSettings, sessions: Option<Arc<dyn Store>>) -> Replica {
        let tools = || -> Vec<Arc<dyn Tool>> {
            let names = ["echo", "slow", "panic", "signed_out", "throttled"];
            let mut all: Vec<_> = names.iter().map(|n| fake(n, &["Mail.Read"], &self.witness)).collect();
            all.push(fake("send", &["Mail.Send"], &self.witness));
            all
        };
        let service =
            |name: &str| -> Arc<dyn Service> { Arc::new(FakeService { info: info(name), tools: tools() }) };
        self.start(["mail-query", "teams"].map(service).to_vec(), settings, sessions)
    }

    /// A server of other services.
    pub(super) fn replica_of(&self, services: Vec<Arc<dyn Service>>) -> Replica {
        self.start(services, McpSettings { edge: EdgeSettings::loopback(), ..McpSettings::default() }, None)
    }

    fn start(
        &self,
        services: Vec<Arc<dyn Service>>,
        settings: McpSettings,
        sessions: Option<Arc<dyn Store>>,
    ) -> Replica {
        let infos = services.iter().map(|s| s.info().clone()).collect();
        let resources = Arc::new(Resources::new("https://door.example".to_owned(), infos, None));
        let limits = CallLimits { deadline: Duration::from_mins(1), output_bytes: 1 << 20 };
        let registry =
            RegistrySettings { max_streams: 64, max_streams_per_user: 8, session_ttl: settings.session_ttl };
        let store: Arc<dyn Store> = self.store.clone();
        let (streams, keeper) = Streams::alone(registry, store, self.cipher.clone());
        let router = Arc::new(streams);
        let switches = Arc::new(Switches::default());
        let board = Switchboard::start(self.store.clone(), self.cipher.clone(), switches.clone());
        let parts = McpParts {
            dispatcher: Dispatcher::new(ToolRegistry::new(services, switches.clone()), limits),
            guard: Arc::new(BearerGuard::new(
                self.store.clone(),
                self.hasher.clone(),
                resources.clone(),
                self.clock.clone(),
                crate::oauth::DpopSettings::default(),
            )),
            store: sessions.unwrap_or_else(|| self.store.clone()),
            router: router.clone(),
            resources,
            switchboard: board.clone(),
            clock: self.clock.clone(),
            cipher: Cipher::new(&ring()),
        };
        let state = web::Data::new(McpState::new(parts, settings));
        let shared = state.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .configure(configure)
                .route("/token", web::to(|| async { "another front" }))
        })
        .workers(1)
        .disable_signals()
        .h1_allow_half_closed(false)
        .bind(("127.0.0.1", 0))
        .unwrap();
        let port = server.addrs()[0].port();
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Replica { port, router, state, _board: board, handle, _keeper: keeper }
    }
}

/// One running server; stops when dropped.
pub(super) struct Replica {
    pub(super) port: u16,
    pub(super) router: Arc<Streams>,
    pub(super) state: web::Data<McpState>,
    _board: Arc<Switchboard>,
    handle: actix_web::dev::ServerHandle,
    _keeper: Box<dyn std::any::Any>,
}

impl Drop for Replica {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// A request under construction.
#[derive(Clone)]
pub(super) struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A POST of `body` to `mail-query` as a well-behaved client sends it.
pub(super) fn post(bearer: &str, body: impl AsRef<[u8]>) -> Ask {
    Ask { body: body.as_ref().to_vec(), ..bare("POST", "/mail-query/mcp") }
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, text/event-stream")
        .header("Authorization", &format!("Bearer {bearer}"))
}

pub(super) fn request(method: &'static str, bearer: &str) -> Ask {
    bare(method, "/mail-query/mcp").header("Authorization", &format!("Bearer {bearer}"))
}

pub(super) fn bare(method: &'static str, path: &str) -> Ask {
    Ask { method, path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
}

impl Ask {
    /// Sets a header, replacing one of that name; an empty value removes it.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds a header beside one of that name.
    pub(super) fn also(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub(super) fn session(self, id: &str) -> Self {
        self.header("Mcp-Session-Id", id)
    }

    /// Sends it and leaves the answer on the wire.
    pub(super) async fn open(&self, replica: &Replica) -> TcpStream {
        let mut socket = TcpStream::connect(("127.0.0.1", replica.port)).await.unwrap();
        self.write(replica, &mut socket).await;
        socket
    }

    /// Sends it on a connection that is open already.
    pub(super) async fn write(&self, replica: &Replica, socket: &mut TcpStream) {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let mut headers = self.headers.clone();
        if !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("host")) {
            headers.push(("Host".to_owned(), format!("127.0.0.1:{}", replica.port)));
        }
        let framed =
            |n: &str| ["content-length", "transfer-encoding"].iter().any(|f| n.eq_ignore_ascii_case(f));
        if self.method == "POST" && !headers.iter().any(|(n, _)| framed(n)) {
            headers.push(("Content-Length".to_owned(), self.body.len().to_string()));
        }
        if !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("connection")) {
            headers.push(("Connection".to_owned(), "close".to_owned()));
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        // The server may have answered and closed already; then the answer is what counts.
        let _ = socket.write_all(&self.body).await;
    }

    /// Sends it and reads the whole answer. Both are checked against the schema of their version.
    pub(super) async fn send(&self, replica: &Replica) -> Reply {
        let header = |name: &str| self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        let [version, session] = ["MCP-Protocol-Version", "Mcp-Session-Id"]
            .map(|name| header(name).map(|(_, value)| value.as_str()));
        let tap = Recorder::direct().tap(self.method, &self.path, version, session);
        if let Some(tap) = &tap {
            tap.client_says(&self.body);
        }
        let mut socket = self.open(replica).await;
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await.unwrap();
        let reply = Reply::read(&all);
        if let Some(tap) = tap {
            tap.answered(reply.status, reply.header("mcp-session-id"));
            if reply.header("content-type") == Some("text/event-stream") {
                let lines = reply.text().lines().filter_map(|line| line.strip_prefix("data:"));
                lines.for_each(|data| tap.event(data.trim().as_bytes()));
            } else {
                tap.body(reply.status, &reply.body);
            }
        }
        reply
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    fn read(all: &[u8]) -> Self {
        let end = all.windows(4).position(|w| w == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .filter_map(|l| l.split_once(": "))
            .map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()))
            .collect();
        let chunked = headers.iter().any(|(n, v)| n == "transfer-encoding" && v == "chunked");
        let body = &all[end + 4..];
        Self { status, headers, body: if chunked { dechunk(body) } else { body.to_vec() } }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// Status and JSON-RPC error code, 0 without one.
    pub(super) fn verdict(&self) -> (u16, i64) {
        let code = serde_json::from_slice::<Value>(&self.body).ok();
        (self.status, code.and_then(|v| v["error"]["code"].as_i64()).unwrap_or(0))
    }
}

fn dechunk(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(line) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        out.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 2 + size + 2..];
    }
    out
}

/// Reads from a stream until its text contains `needle`.
pub(super) async fn read_until(socket: &mut TcpStream, needle: &str) -> String {
    let mut all = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&all).into_owned();
        if text.contains(needle) {
            return text;
        }
        let read = socket.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the stream ended before {needle:?}: {text}");
        all.extend_from_slice(&buffer[..read]);
    }
}

/// The rest of a stream, to its end.
pub(super) async fn read_rest(socket: &mut TcpStream) -> String {
    let mut all = Vec::new();
    socket.read_to_end(&mut all).await.unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

pub(super) fn rpc(id: &Value, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

/// `initialize` asking for `version`.
pub(super) fn initialize(version: &str) -> String {
    initialize_with(version, &json!({}))
}

/// `initialize` by a client with these capabilities.
pub(super) fn initialize_with(version: &str, capabilities: &Value) -> String {
    let client = json!({"name": "t", "version": "1"});
    let params = json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": client});
    rpc(&json!(0), "initialize", &params)
}

/// Opens a session and answers its id.
pub(super) async fn session(replica: &Replica, bearer: &str, version: &str) -> String {
    let reply = post(bearer, initialize(version)).send(replica).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.header("mcp-session-id").expect("a session id").to_owned()
}

/// A request of 2026-07-28 with envelope and headers in order.
pub(super) fn modern(bearer: &str, method: &str, params: Value) -> Ask {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
    });
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    post(bearer, rpc(&json!(1), method, &params))
        .header("MCP-Protocol-Version", "2026-07-28")
        .header("Mcp-Method", method)
        .header("Mcp-Name", &name)
}

//! A round-robin HTTP proxy in front of the replicas: every request goes to the next one, streams pass through, and
//! MCP exchanges are kept for the schema check.

use super::http;
use super::sse::Events;
use super::wire::{Recorder, Tap};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::TryStreamExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// Bodies up to this size pass; more than any limit of the product.
const MAX_BODY: usize = 32 << 20;
/// Headers that belong to one connection (RFC 9110 §7.6.1).
const HOP_HEADERS: [&str; 5] = ["connection", "keep-alive", "transfer-encoding", "upgrade", "content-length"];

struct Shared {
    targets: Mutex<Vec<String>>,
    next: AtomicUsize,
    client: reqwest::Client,
    recorder: Recorder,
}

/// A running balancer.
pub(crate) struct Balancer {
    pub(crate) url: String,
    pub(crate) recorder: Recorder,
    shared: Arc<Shared>,
    handle: actix_web::dev::ServerHandle,
}

impl Balancer {
    /// Starts one with no replica behind it.
    pub(crate) fn start() -> Self {
        let recorder = Recorder::default();
        let shared = Arc::new(Shared {
            targets: Mutex::default(),
            next: AtomicUsize::new(0),
            client: http::client(),
            recorder: recorder.clone(),
        });
        let (sender, started) = mpsc::channel();
        let state = web::Data::from(Arc::clone(&shared));
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(state.clone())
                        .app_data(web::PayloadConfig::new(MAX_BODY))
                        .default_service(web::to(forward))
                })
                .workers(1)
                // Longer than the idle time of any client's pool, or requests race with the close.
                .keep_alive(Duration::from_mins(2))
                .disable_signals()
                .shutdown_timeout(0)
                .bind(("127.0.0.1", 0))
                .unwrap();
                let port = server.addrs()[0].port();
                let server = server.run();
                sender.send((port, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (port, handle) = started.recv().unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), recorder, shared, handle }
    }

    /// Sets the replicas.
    pub(crate) fn point_at(&self, targets: Vec<String>) {
        *self.shared.targets.lock().unwrap() = targets;
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // Stopping is a message to the server's thread; nobody waits for the answer.
        drop(self.handle.stop(false));
    }
}

async fn forward(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let targets = shared.targets.lock().unwrap().clone();
    let first = shared.next.fetch_add(1, Ordering::Relaxed);
    let tap = tap(&shared.recorder, &request);
    if let Some(tap) = &tap {
        tap.client_says(&body);
    }
    for turn in 0..targets.len() {
        let target = &targets[(first + turn) % targets.len()];
        match send(&shared.client, target, &request, body.clone()).await {
            Ok(response) => return answer(response, tap).await,
            // Nobody listens there: the next replica, as every balancer does.
            Err(error) if error.is_connect() => {}
            Err(error) => return HttpResponse::BadGateway().body(error.to_string()),
        }
    }
    HttpResponse::BadGateway().body("no replica answers")
}

async fn send(
    client: &reqwest::Client,
    target: &str,
    request: &HttpRequest,
    body: web::Bytes,
) -> reqwest::Result<reqwest::Response> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).unwrap();
    let mut forwarded = client.request(method, format!("{target}{path}"));
    for (name, value) in request.headers() {
        if !is_hop(name) {
            forwarded = forwarded.header(name.as_str(), value.as_bytes());
        }
    }
    forwarded.body(body).send().await
}

fn is_hop(name: &HeaderName) -> bool {
    HOP_HEADERS.contains(&name.as_str())
}

async fn answer(response: reqwest::Response, tap: Option<Tap>) -> HttpResponse {
    let status = response.status().as_u16();
    let mut builder = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    for (name, value) in response.headers() {
        if !HOP_HEADERS.contains(&name.as_str()) {
            builder.append_header((name.as_str(), value.as_bytes()));
        }
    }
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let is_stream = header("content-type").unwrap_or_default().starts_with("text/event-stream");
    if let Some(tap) = &tap {
        tap.answered(status, header("mcp-session-id"));
    }
    if is_stream {
        let mut events = Events::default();
        return builder.streaming(response.bytes_stream().inspect_ok(move |chunk| {
            for event in events.take(chunk) {
                if let Some(tap) = &tap {
                    tap.event(event.data.as_bytes());
                }
            }
        }));
    }
    match response.bytes().await {
        Ok(bytes) => {
            if let Some(tap) = &tap {
                tap.body(status, &bytes);
            }
            builder.body(bytes)
        }
        Err(error) => HttpResponse::BadGateway().body(error.to_string()),
    }
}

fn tap(recorder: &Recorder, request: &HttpRequest) -> Option<Tap> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    recorder.tap(request.method().as_str(), path, header("mcp-protocol-version"), header("mcp-session-id"))
}

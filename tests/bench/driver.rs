//! The load: a closed loop over a fixed number of connections and requests, and the CPU time it cost the other side.

use crate::report::Row;
use crate::support::http;
use crate::support::mcp::MODERN;
use bytes::Bytes;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Ticks per second of `/proc/PID/stat`; 100 on every Linux that runs this.
const TICKS: f64 = 100.0;

/// A server process and how to ask it.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) process: u32,
    pub(crate) url: String,
    pub(crate) bearer: String,
}

/// One request of the modern era, which needs no session.
#[derive(Clone)]
pub(crate) struct Ask {
    method: &'static str,
    tool: Option<&'static str>,
    body: Bytes,
}

impl Ask {
    /// `server/discover` or a list.
    pub(crate) fn method(method: &'static str) -> Self {
        Self { method, tool: None, body: body(method, None) }
    }

    /// The ten newest messages of ten years.
    pub(crate) fn ten_messages() -> Self {
        let tool = Some("query_email");
        Self { method: "tools/call", tool, body: body("tools/call", tool) }
    }
}

fn body(method: &str, tool: Option<&str>) -> Bytes {
    let mut params = json!({
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    });
    if let Some(tool) = tool {
        params["name"] = tool.into();
        params["arguments"] = json!({ "days_back": 3650, "max_mails": 10 });
    }
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string().into()
}

/// How much to send.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) warm_up: usize,
    pub(crate) requests: usize,
}

impl Load {
    /// Sends `asks` in turn until everything is sent; every answer must be a 200.
    pub(crate) async fn run(self, subject: &Subject, asks: &[Ask]) -> Row {
        let client = http::client();
        burst(&client, subject, asks, self.connections, self.warm_up).await;
        let (cpu, started) = (cpu_seconds(subject.process), Instant::now());
        let mut latencies = burst(&client, subject, asks, self.connections, self.requests).await;
        let (cpu, wall) = (cpu_seconds(subject.process) - cpu, started.elapsed());
        latencies.sort_unstable();
        Row {
            requests: self.requests,
            cpu_seconds: cpu,
            wall,
            p50: latencies[latencies.len() / 2],
            p99: latencies[latencies.len() * 99 / 100],
            resident_mb: resident_mb(subject.process),
        }
    }
}

async fn burst(
    client: &reqwest::Client,
    subject: &Subject,
    asks: &[Ask],
    connections: usize,
    requests: usize,
) -> Vec<Duration> {
    let left = Arc::new(AtomicUsize::new(requests));
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (client, subject, left) = (client.clone(), subject.clone(), Arc::clone(&left));
            let asks = asks.to_vec();
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while let Ok(n) = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                {
                    let started = Instant::now();
                    let response = request(&client, &subject, &asks[n % asks.len()]).send().await.unwrap();
                    assert_eq!(response.status(), 200);
                    response.bytes().await.unwrap();
                    latencies.push(started.elapsed());
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::with_capacity(requests);
    for worker in workers {
        latencies.extend(worker.await.unwrap());
    }
    latencies
}

fn request(client: &reqwest::Client, subject: &Subject, ask: &Ask) -> reqwest::RequestBuilder {
    let mut request = client
        .post(&subject.url)
        .bearer_auth(&subject.bearer)
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", MODERN)
        .header("Mcp-Method", ask.method);
    if let Some(tool) = ask.tool {
        request = request.header("Mcp-Name", tool);
    }
    request.body(ask.body.clone())
}

/// One answer, as text.
pub(crate) async fn once(subject: &Subject, ask: &Ask) -> String {
    request(&http::client(), subject, ask).send().await.unwrap().text().await.unwrap()
}

/// User and system time that a process has used.
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name may hold blanks; the fields are counted behind its closing bracket (utime 14, stime 15).
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS
}

/// The most memory that a process ever had.
pub(crate) fn peak_mb(process: u32) -> f64 {
    status_mb(process, "VmHWM:")
}

/// Resident memory of a process.
pub(crate) fn resident_mb(process: u32) -> f64 {
    status_mb(process, "VmRSS:")
}

fn status_mb(process: u32, field: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}

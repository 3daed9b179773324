//! The load: a closed loop over a fixed number of connections and requests, and the CPU time it cost the other side.

use crate::report::Row;
use crate::support::http;
use crate::support::mcp::MODERN;
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

/// How much to send.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) warm_up: usize,
    pub(crate) requests: usize,
}

impl Load {
    /// Sends everything; every answer must be a 200.
    pub(crate) async fn run(self, subject: &Subject, body: &str) -> Row {
        let client = http::client();
        burst(&client, subject, body, self.connections, self.warm_up).await;
        let (cpu, started) = (cpu_seconds(subject.process), Instant::now());
        let mut latencies = burst(&client, subject, body, self.connections, self.requests).await;
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
    body: &str,
    connections: usize,
    requests: usize,
) -> Vec<Duration> {
    let left = Arc::new(AtomicUsize::new(requests));
    let body = bytes::Bytes::copy_from_slice(body.as_bytes());
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (client, subject, body, left) =
                (client.clone(), subject.clone(), body.clone(), Arc::clone(&left));
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
                    let started = Instant::now();
                    let response = request(&client, &subject, body.clone()).send().await.unwrap();
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

fn request(client: &reqwest::Client, subject: &Subject, body: bytes::Bytes) -> reqwest::RequestBuilder {
    let is_call = body.windows(10).any(|part| part == b"tools/call");
    let mut request = client
        .post(&subject.url)
        .bearer_auth(&subject.bearer)
        .header("Content-Type", "application/json")
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", MODERN)
        .header("Mcp-Method", if is_call { "tools/call" } else { "tools/list" });
    if is_call {
        request = request.header("Mcp-Name", "query_email");
    }
    request.body(body)
}

/// One answer, as text.
pub(crate) async fn once(subject: &Subject, body: &str) -> String {
    let body = bytes::Bytes::copy_from_slice(body.as_bytes());
    request(&http::client(), subject, body).send().await.unwrap().text().await.unwrap()
}

/// User and system time that a process has used.
fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name may hold blanks; the fields are counted behind its closing bracket (utime 14, stime 15).
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS
}

/// Resident memory of a process.
pub(crate) fn resident_mb(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}

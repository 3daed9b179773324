//! `ping_host`: whether a host answers, and how fast.

use super::{ANNOTATIONS, Desk, Look, fault, host_schema, millis};
use crate::ports::probe::EchoBy;
use crate::services::args::typed;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The tool.
pub(super) struct PingHost {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    host: String,
    #[serde(default = "three")]
    count: u16,
    #[serde(default = "three_seconds")]
    timeout_sec: u64,
}

fn three() -> u16 {
    3
}

fn three_seconds() -> u64 {
    3
}

/// `structuredContent`.
#[derive(Serialize)]
struct Report {
    host: String,
    address: IpAddr,
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    sent: usize,
    received: usize,
    loss_percent: f64,
    /// Milliseconds of the echoes that came back.
    times_ms: Vec<f64>,
}

impl PingHost {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "ping_host",
            title: "Ping Host",
            description: "Ask a host on the public internet for echoes and tell how long they took. Without ICMP on \
                          this server, TCP connections are timed instead.",
            input_schema: json!({"type": "object", "properties": {
                "host": host_schema(),
                "count": {"type": "integer", "minimum": 1, "maximum": 5, "description": "Echoes to ask for; 3 unless given"},
                "timeout_sec": {"type": "integer", "minimum": 1, "maximum": 5, "description": "Seconds to wait for each; 3 unless given"},
            }, "required": ["host"]}),
            output_schema: json!({"type": "object", "properties": {
                "host": {"type": "string"}, "address": {"type": "string"},
                "method": {"type": "string", "enum": ["icmp", "tcp"]}, "port": {"type": "integer"},
                "sent": {"type": "integer"}, "received": {"type": "integer"},
                "loss_percent": {"type": "number"},
                "times_ms": {"type": "array", "items": {"type": "number"}},
            }, "required": ["host", "address", "method", "sent", "received", "loss_percent", "times_ms"]}),
            annotations: ANNOTATIONS,
            scopes: &[],
            aliases: &[],
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for PingHost {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let wish: Wish = typed(&args)?;
        let Look { host, address, _turn } = self.desk.begin(context, &wish.host).await?;
        let limit = Duration::from_secs(wish.timeout_sec);
        let echoes = self.desk.probe.echo(address, wish.count, limit).await;
        let echoes = echoes.map_err(|error| fault(&error, &wish.host))?;
        let (method, port) = match echoes.by {
            EchoBy::Icmp => ("icmp", None),
            EchoBy::Tcp(port) => ("tcp", Some(port)),
        };
        let times_ms: Vec<f64> = echoes.times.iter().flatten().map(|time| millis(*time)).collect();
        let (sent, received) = (echoes.times.len(), times_ms.len());
        let loss_percent = if sent == 0 { 100.0 } else { 100.0 * (sent - received) as f64 / sent as f64 };
        let report = Report {
            host: host.to_string(),
            address,
            method,
            port,
            sent,
            received,
            loss_percent: (loss_percent * 10.0).round() / 10.0,
            times_ms,
        };
        ToolOutput::new(text(&report, &echoes.times), &report).map_err(ToolError::internal)
    }
}

/// As `ping` writes it.
fn text(report: &Report, times: &[Option<Duration>]) -> String {
    let by = report.port.map_or_else(|| "ICMP".to_owned(), |port| format!("TCP port {port}"));
    let mut text = format!("PING {} ({}) by {by}\n", report.host, report.address);
    for (sequence, time) in times.iter().enumerate() {
        let _ = match time {
            Some(time) => writeln!(text, "seq={} time={} ms", sequence + 1, millis(*time)),
            None => writeln!(text, "seq={} no answer", sequence + 1),
        };
    }
    let _ =
        writeln!(text, "{} sent, {} received, {}% loss", report.sent, report.received, report.loss_percent);
    if let (Some(least), Some(most)) =
        (report.times_ms.iter().copied().reduce(f64::min), report.times_ms.iter().copied().reduce(f64::max))
    {
        let mean = report.times_ms.iter().sum::<f64>() / report.times_ms.len() as f64;
        let _ = writeln!(text, "min/avg/max {least}/{mean:.2}/{most} ms");
    }
    text
}

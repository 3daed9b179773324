//! What operators count and time, as Prometheus reads it (OpenMetrics 1.0). Labels come from our own vocabulary alone:
//! routes as patterns, tools and services by name, error classes; never a user, a client, an address or a subject.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Upper bounds in seconds: from a cached list to the longest call.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Methods by name; whatever else clients think of is one more.
const METHODS: [&str; 6] = ["GET", "POST", "DELETE", "OPTIONS", "HEAD", "PUT"];

type Timed<S> = Family<S, Histogram, fn() -> Histogram>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    service: String,
    tool: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ToolLabels {
    service: String,
    tool: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct GraphLabels {
    method: &'static str,
    /// 0 when no answer came.
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EntraLabels {
    operation: &'static str,
    outcome: &'static str,
    /// Number of the `AADSTS` error, 0 without one.
    aadsts: u32,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabels {
    event: String,
}

/// The meters of one process.
#[derive(Debug)]
pub(crate) struct Meters {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_time: Histogram,
    calls: Family<CallLabels, Counter>,
    call_time: Timed<ToolLabels>,
    graph: Family<GraphLabels, Counter>,
    graph_time: Histogram,
    entra: Family<EntraLabels, Counter>,
    events: Family<EventLabels, Counter>,
    streams: Gauge,
}

impl Default for Meters {
    fn default() -> Self {
        let mut meters = Self {
            registry: Registry::with_prefix("entrada"),
            requests: Family::default(),
            request_time: timer(),
            calls: Family::default(),
            call_time: Family::new_with_constructor(timer),
            graph: Family::default(),
            graph_time: timer(),
            entra: Family::default(),
            events: Family::default(),
            streams: Gauge::default(),
        };
        meters.name_all();
        meters
    }
}

impl Meters {
    fn name_all(&mut self) {
        let all = &mut self.registry;
        all.register("build", "Version of this server", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        all.register("http_requests", "Requests answered, by route pattern", self.requests.clone());
        all.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to the head of its answer",
            Unit::Seconds,
            self.request_time.clone(),
        );
        all.register("tool_calls", "Tool calls, by how they ended", self.calls.clone());
        all.register_with_unit(
            "tool_call_duration",
            "Time of a tool call, waits for Graph and the person included",
            Unit::Seconds,
            self.call_time.clone(),
        );
        all.register(
            "graph_requests",
            "Requests to Microsoft Graph, each repetition counted",
            self.graph.clone(),
        );
        all.register_with_unit(
            "graph_request_duration",
            "Time of one request to Microsoft Graph",
            Unit::Seconds,
            self.graph_time.clone(),
        );
        all.register("entra_token_requests", "Requests to Entra's token endpoint", self.entra.clone());
        all.register("audit_events", "Lines of the audit log, by event", self.events.clone());
        all.register("open_streams", "Streams open at this replica", self.streams.clone());
    }

    /// A request was answered; `route` is a pattern, empty when none matched.
    pub(crate) fn request(&self, method: &str, route: String, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { method: known(method), route, status }).inc();
        self.request_time.observe(took.as_secs_f64());
    }

    /// A tool call ended; `outcome` is `ok` or the stable code of the error.
    pub(crate) fn call(&self, service: &str, tool: &'static str, outcome: &'static str, took: Duration) {
        let service = service.to_owned();
        self.calls.get_or_create(&CallLabels { service: service.clone(), tool, outcome }).inc();
        self.call_time.get_or_create(&ToolLabels { service, tool }).observe(took.as_secs_f64());
    }

    /// A request to Graph ended, with a status if there was an answer.
    pub(crate) fn graph(&self, method: &str, status: Option<u16>, took: Duration) {
        let labels = GraphLabels { method: known(method), status: status.unwrap_or_default() };
        self.graph.get_or_create(&labels).inc();
        self.graph_time.observe(took.as_secs_f64());
    }

    /// Entra's token endpoint answered, or did not.
    pub(crate) fn entra(&self, operation: &'static str, outcome: &'static str, aadsts: u32) {
        self.entra.get_or_create(&EntraLabels { operation, outcome, aadsts }).inc();
    }

    /// A line went to the audit log.
    pub(crate) fn event(&self, event: &str) {
        self.events.get_or_create(&EventLabels { event: event.to_owned() }).inc();
    }

    /// How many streams are open now.
    pub(crate) fn set_open_streams(&self, count: usize) {
        self.streams.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// All of them in the OpenMetrics text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

fn timer() -> Histogram {
    Histogram::new(BUCKETS)
}

fn known(method: &str) -> &'static str {
    METHODS.iter().find(|known| **known == method).copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let meters = Meters::default();
        let took = Duration::from_millis(7);
        meters.request("POST", "/{svc}/mcp".to_owned(), 200, took);
        meters.request("BREW", String::new(), 405, took);
        meters.call("mail-query", "query_email", "ok", took);
        meters.graph("GET", None, took);
        meters.entra("refresh", "grant_dead", 700_082);
        meters.event("token_issued");
        meters.set_open_streams(3);
        let text = meters.text();
        for line in [
            r#"entrada_http_requests_total{method="POST",route="/{svc}/mcp",status="200"} 1"#,
            r#"entrada_http_requests_total{method="other",route="",status="405"} 1"#,
            r#"entrada_http_request_duration_seconds_bucket{le="0.01"} 2"#,
            r#"entrada_tool_calls_total{service="mail-query",tool="query_email",outcome="ok"} 1"#,
            r#"entrada_tool_call_duration_seconds_count{service="mail-query",tool="query_email"} 1"#,
            r#"entrada_graph_requests_total{method="GET",status="0"} 1"#,
            r#"entrada_entra_token_requests_total{operation="refresh",outcome="grant_dead",aadsts="700082"} 1"#,
            r#"entrada_audit_events_total{event="token_issued"} 1"#,
            "entrada_open_streams 3",
            "# EOF",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is missing:\n{text}");
        }
    }
}

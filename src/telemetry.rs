//! Logs: structured, on stderr only, one line per request. The fields of that line are documented in
//! `src/docs/REQUEST-LOG.md`. Tokens, codes, addresses, subjects and bodies never get here.

use crate::config::{LogFormat, LogSection};
use crate::domain::meters::Meters;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage, web};
use std::sync::Arc;
use std::time::Instant;
use tracing::field::{Empty, Field, Visit};
use tracing::{Level, Span};
use tracing_actix_web::RootSpanBuilder;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// The log filter cannot be parsed, or logging was started before.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    #[error("setting `log.level`: {0}")]
    Filter(String),
    #[error("logging was started twice")]
    Twice,
}

/// Starts logging for the process; lines of the audit log are counted in `meters`, whatever level is logged.
pub(crate) fn start(settings: &LogSection, meters: Arc<Meters>) -> Result<(), TelemetryError> {
    let filter =
        EnvFilter::builder().parse(&settings.level).map_err(|e| TelemetryError::Filter(e.to_string()))?;
    let audited = filter_fn(|metadata| metadata.is_event() && metadata.target() == AUDIT);
    let registry = tracing_subscriber::registry().with(CountEvents(meters).with_filter(audited));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(true);
    let started = match settings.format {
        LogFormat::Text => registry.with(lines.with_ansi(false).with_filter(filter)).try_init(),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            registry.with(lines.with_filter(filter)).try_init()
        }
    };
    started.map_err(|_| TelemetryError::Twice)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Logs where a panic happened and nothing else: its message may quote what somebody wrote.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(location, "panicked");
}

/// Target of the audit log.
const AUDIT: &str = "audit";

/// Counts lines of the audit log by their event.
struct CountEvents(Arc<Meters>);

impl<S: tracing::Subscriber> Layer<S> for CountEvents {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut EventName(&self.0));
    }
}

/// Finds the field `event`.
struct EventName<'a>(&'a Meters);

impl Visit for EventName<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "event" {
            self.0.event(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// When the request arrived.
struct Arrived(Instant);

/// Opens the root span of a request and writes its line. Routes are logged as patterns, never as URLs: a query may
/// hold a code or a state.
pub(crate) struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        request.extensions_mut().insert(Arrived(Instant::now()));
        let id = request.extensions().get::<tracing_actix_web::RequestId>().map(ToString::to_string);
        tracing::info_span!(
            "http.request",
            request.id = id.unwrap_or_default(),
            client.id = Empty,
            grant.id = Empty,
            token.bound = Empty,
            flow.id = Empty
        )
    }

    fn on_request_end<B: actix_web::body::MessageBody>(_: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        match outcome {
            Ok(response) => {
                let request = response.request();
                let arrived = request.extensions().get::<Arrived>().map(|a| a.0);
                let took = arrived.map(|arrived| arrived.elapsed()).unwrap_or_default();
                let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                let route = request.match_pattern().unwrap_or_default();
                tracing::event!(
                    target: "entrada::request",
                    Level::INFO,
                    http.method = %request.method(),
                    http.route = route,
                    http.status = response.status().as_u16(),
                    duration_us,
                    "request answered"
                );
                if let Some(meters) = request.app_data::<web::Data<Meters>>() {
                    meters.request(request.method().as_str(), route, response.status().as_u16(), took);
                }
            }
            Err(error) => {
                let status = error.as_response_error().status_code().as_u16();
                tracing::event!(target: "entrada::request", Level::INFO, http.status = status, "request refused");
            }
        }
    }
}

//! Logs: structured, on stderr only, one line per request. The fields of that line are documented in
//! `src/docs/REQUEST-LOG.md`. Tokens, codes, addresses, subjects and bodies never get here.

use crate::config::{LogFormat, LogSection};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage};
use std::time::Instant;
use tracing::field::Empty;
use tracing::{Level, Span};
use tracing_actix_web::RootSpanBuilder;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The log filter cannot be parsed, or logging was started before.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    #[error("setting `log.level`: {0}")]
    Filter(String),
    #[error("logging was started twice")]
    Twice,
}

/// Starts logging for the process.
pub(crate) fn start(settings: &LogSection) -> Result<(), TelemetryError> {
    let filter =
        EnvFilter::builder().parse(&settings.level).map_err(|e| TelemetryError::Filter(e.to_string()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(true);
    let started = match settings.format {
        LogFormat::Text => registry.with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true).with_span_list(false)).try_init(),
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
                let duration_us =
                    arrived.map_or(0, |a| u64::try_from(a.elapsed().as_micros()).unwrap_or(u64::MAX));
                tracing::event!(
                    target: "entrada::request",
                    Level::INFO,
                    http.method = %request.method(),
                    http.route = request.match_pattern().unwrap_or_default(),
                    http.status = response.status().as_u16(),
                    duration_us,
                    "request answered"
                );
            }
            Err(error) => {
                let status = error.as_response_error().status_code().as_u16();
                tracing::event!(target: "entrada::request", Level::INFO, http.status = status, "request refused");
            }
        }
    }
}

//! The two doors of a replica: the public one, and the operators' on an address of its own.

use super::{Parts, StartError};
use crate::config::Config;
use crate::console;
use crate::files;
use crate::mcp;
use crate::oauth;
use crate::openai;
use crate::ops;
use crate::telemetry::RequestSpan;
use actix_web::dev::Server;
use actix_web::middleware::{Condition, DefaultHeaders};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer};
use actix_web_lab::middleware::CatchPanic;
use std::any::Any;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tracing_actix_web::TracingLogger;

/// Idle connections are closed after this long; longer than the usual load balancer's 60 s.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A client gets this long to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// RFC 6797 §6.1, where clients reach us over TLS.
const HSTS: &str = "max-age=31536000";
/// A peer takes what is sent to it within this time.
const SILENCE_MS: u32 = 15_000;

/// A bound address.
pub(super) struct Bound {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl Bound {
    /// Binds `address`; port 0 takes a free one.
    pub(super) fn to(address: SocketAddr) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }
}

/// The server for clients and people.
pub(super) fn public(bound: Bound, config: &Config, parts: Parts) -> Result<Server, StartError> {
    let address = bound.address;
    let mut server = HttpServer::new(move || {
        let parts = parts.clone();
        App::new()
            .app_data(parts.meters)
            .app_data(parts.files)
            .app_data(parts.ops)
            .app_data(parts.oauth)
            .app_data(parts.mcp)
            .app_data(parts.openai)
            // Routes are tried in turn, and most requests are calls.
            .configure(mcp::configure)
            .configure(ops::configure)
            .configure(files::configure)
            .configure(oauth::configure)
            .configure(openai::configure)
            .wrap(Condition::new(
                parts.resources.issuer().starts_with("https://"),
                DefaultHeaders::new().add(("Strict-Transport-Security", HSTS)),
            ))
            .wrap(CatchPanic::default())
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    .keep_alive(KEEP_ALIVE)
    // A client that closes its side has left: modern MCP requests end with their connection, and streams of
    // vanished clients are given back at once.
    .h1_allow_half_closed(false)
    .client_request_timeout(HEAD_TIMEOUT)
    .on_connect(|connection, _| give_up_on_silence(connection))
    .shutdown_timeout(config.server.shutdown_grace_s)
    .disable_signals();
    if config.server.workers > 0 {
        server = server.workers(config.server.workers);
    }
    let server = server.listen(bound.listener).map_err(|source| StartError::Listen { address, source })?;
    Ok(server.run())
}

/// The server for operators. They are few, so one worker does.
pub(super) fn operators(bound: Bound, config: &Config, parts: Parts) -> Result<Server, StartError> {
    let address = bound.address;
    let server = HttpServer::new(move || {
        App::new()
            .app_data(parts.console.clone())
            .configure(console::configure)
            .wrap(CatchPanic::default())
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    .workers(1)
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(config.server.shutdown_grace_s)
    .disable_signals();
    let server = server.listen(bound.listener).map_err(|source| StartError::Listen { address, source })?;
    Ok(server.run())
}

/// Lets the kernel end a connection whose peer takes nothing for a while, be it gone without a word or not reading:
/// a stream that cannot be written to would otherwise be held for ever.
fn give_up_on_silence(connection: &dyn Any) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        // Only Linux knows the option; elsewhere the keep-alive of the system has to do.
        let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, SILENCE_MS);
    }
}

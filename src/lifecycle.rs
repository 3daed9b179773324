//! How the process ends: not ready, streams closed with a retry hint, requests drained, actors stopped.

use crate::actors::Actors;
use crate::mcp::McpState;
use crate::ops::Readiness;
use crate::ports::sessions::SessionRouter;
use actix_web::dev::ServerHandle;
use actix_web::web;
use futures_util::future::join_all;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Lets the process open as many files as the system allows it: every idle stream is one, and the usual soft limit of
/// 1,024 is reached long before `mcp.max_streams`.
pub(crate) fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// What a graceful stop goes through, in order.
pub(crate) struct Shutdown {
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) actors: Arc<Actors>,
    pub(crate) mcp: web::Data<McpState>,
    /// Every listener.
    pub(crate) servers: Vec<ServerHandle>,
    /// Between "not ready" and closing the listener.
    pub(crate) drain_delay: Duration,
    /// Cancelled from inside the process, e.g. when an actor cannot be kept alive.
    pub(crate) stop: CancellationToken,
}

impl Shutdown {
    /// Waits for SIGTERM, SIGINT or the token, then drains. Returns when the server has stopped.
    pub(crate) async fn wait_and_drain(self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = next(&mut terminate) => tracing::info!("SIGTERM: draining"),
            _ = next(&mut interrupt) => tracing::info!("SIGINT: draining"),
            () = self.stop.cancelled() => tracing::info!("stopping"),
        }
        self.readiness.start_draining();
        tokio::time::sleep(self.drain_delay).await;
        self.mcp.drain();
        self.actors.streams.drain().await;
        join_all(self.servers.iter().map(|server| server.stop(true))).await;
        self.actors.stop();
        tracing::info!("stopped");
        Ok(())
    }
}

async fn next(signal: &mut Signal) -> Option<()> {
    signal.recv().await
}

//! Counts and times every request that goes to Graph.

use crate::domain::meters::Meters;
use crate::ports::graph::{
    Elsewhere, GraphRequest, GraphResponse, GraphTransport, OpenAnswer, TransportError,
};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Instant;

/// A transport with meters around it.
pub(crate) struct MeteredGraph<T> {
    inner: T,
    meters: Arc<Meters>,
}

impl<T: GraphTransport> MeteredGraph<T> {
    pub(crate) fn new(inner: T, meters: Arc<Meters>) -> Self {
        Self { inner, meters }
    }
}

#[async_trait]
impl<T: GraphTransport> GraphTransport for MeteredGraph<T> {
    async fn send(&self, request: GraphRequest) -> Result<GraphResponse, TransportError> {
        let (method, started) = (request.method.clone(), Instant::now());
        let result = self.inner.send(request).await;
        let status = result.as_ref().ok().map(|answer| answer.status.as_u16());
        self.meters.graph(method.as_str(), status, started.elapsed());
        result
    }

    // Hosts of files are not Graph: they have meters of their own there.
    async fn fetch(&self, request: Elsewhere<'_>) -> Result<GraphResponse, TransportError> {
        self.inner.fetch(request).await
    }

    async fn open(&self, request: GraphRequest) -> Result<OpenAnswer, TransportError> {
        let (method, started) = (request.method.clone(), Instant::now());
        let result = self.inner.open(request).await;
        let status = result.as_ref().ok().map(|answer| answer.status.as_u16());
        self.meters.graph(method.as_str(), status, started.elapsed());
        result
    }

    async fn open_elsewhere(&self, request: Elsewhere<'_>) -> Result<OpenAnswer, TransportError> {
        self.inner.open_elsewhere(request).await
    }
}

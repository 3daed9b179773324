//! What OneDrive sends and takes for the holders of tickets.

use super::{Desk, asker, fault, require};
use crate::graph::encode::Target;
use crate::graph::request::Request;
use crate::services::drive_address::Address;
use crate::services::uploads;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::transfer::{Carrier, Incoming, Outgoing, Stored};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What a link of `read_file` leads to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FileWanted {
    /// As [`Address::of_id`] takes it.
    pub(super) item: String,
}

/// The carrier.
pub(super) struct FileCarrier {
    desk: Arc<Desk>,
}

impl FileCarrier {
    pub(super) fn new(desk: &Arc<Desk>) -> Self {
        Self { desk: Arc::clone(desk) }
    }
}

#[async_trait]
impl Carrier for FileCarrier {
    /// `GET {item}/content` (Files.Read; in drives of others Files.Read.All), then the bytes from where it points; 1 unit.
    async fn open(&self, context: &CallContext, what: &Value) -> Result<Outgoing, ToolError> {
        let wanted = FileWanted::deserialize(what).map_err(ToolError::internal)?;
        let address = Address::of_id(&wanted.item);
        require(context, address.scope())?;
        let request = Request::content(Target::new(address.graph_path("content")), usize::MAX);
        let opened = self.desk.deps.graph.open(asker(context), request).await;
        let opened = opened.map_err(|error| fault(error, address.scope()))?;
        Ok(Outgoing { length: opened.length, body: opened.body })
    }

    async fn receive(&self, context: &CallContext, file: Incoming) -> Result<Stored, ToolError> {
        uploads::receive(&self.desk.deps, context, file).await
    }
}

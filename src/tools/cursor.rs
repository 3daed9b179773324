//! Cursors of long answers: a short random handle for the caller, the state sealed in the store for 15 minutes (those
//! of changes for a week), bound to user, mailbox and tool. The next link of Graph itself never reaches a client.

use super::context::CallContext;
use super::error::{ToolError, ToolErrorKind};
use crate::domain::cipher::Cipher;
use crate::domain::random;
use crate::ports::store::{Store, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

const LIFE: Duration = Duration::from_mins(15);

/// Keeps cursors.
#[derive(Clone)]
pub(crate) struct Cursors {
    store: Arc<dyn Store>,
    cipher: Cipher,
}

impl Cursors {
    pub(crate) fn new(store: Arc<dyn Store>, cipher: Cipher) -> Self {
        Self { store, cipher }
    }

    /// Stores `state` and answers the handle that the caller passes back as `cursor`.
    pub(crate) async fn save(
        &self,
        call: &CallContext,
        tool: &str,
        state: &(impl Serialize + Sync),
    ) -> Result<String, ToolError> {
        self.keep(call, tool, state, LIFE).await
    }

    /// The same for as long as `life`.
    pub(crate) async fn keep(
        &self,
        call: &CallContext,
        tool: &str,
        state: &(impl Serialize + Sync),
        life: Duration,
    ) -> Result<String, ToolError> {
        let user = &call.caller.user;
        let id = format!("c_{}", random::text::<16>());
        let plain = serde_json::to_vec(state).map_err(ToolError::internal)?;
        let sealed = self.cipher.seal(&place(call, tool, &id), &plain);
        self.store.put_handle(user, &id, &sealed, life).await.map_err(unavailable)?;
        Ok(call.marked(&id))
    }

    /// Reads the state behind a handle, without the mark of its mailbox, which the call has entered. Unknown, expired and
    /// foreign handles are one and the same refusal.
    pub(crate) async fn load<T: DeserializeOwned>(
        &self,
        call: &CallContext,
        tool: &str,
        id: &str,
    ) -> Result<T, ToolError> {
        let gone = || {
            ToolError::invalid(
                "cursor",
                "This cursor is unknown or expired. Repeat the search without `cursor`.",
            )
        };
        if id.len() > 64 || !id.starts_with("c_") {
            return Err(gone());
        }
        let sealed = self.store.handle(&call.caller.user, id).await.map_err(unavailable)?.ok_or_else(gone)?;
        let plain = self.cipher.open(&place(call, tool, id), &sealed).map_err(|_| gone())?;
        serde_json::from_slice(&plain).map_err(|_| gone())
    }
}

fn place(call: &CallContext, tool: &str, id: &str) -> String {
    let (user, mailbox) = (&call.caller.user, call.mailbox.as_ref().map(|mailbox| format!("|{mailbox}")));
    format!("cursor|{user}|{tool}|{id}{}", mailbox.unwrap_or_default())
}

/// The store does not answer.
pub(super) fn unavailable(error: StoreError) -> ToolError {
    ToolError::new(
        ToolErrorKind::UpstreamUnavailable { retry_after: Some(Duration::from_secs(2)) },
        "The server's store is unavailable for the moment. Please try again shortly.",
    )
    .with_source(error)
}

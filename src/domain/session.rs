//! MCP sessions (legacy era): what every replica must know to serve any request of a session.

use crate::domain::clock::Timestamp;
use crate::domain::ids::{ClientId, ServiceName, SessionId, UserKey};
use serde::{Deserialize, Serialize};

/// A session opened by `initialize`. It is bound to user and service and is not authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    pub(crate) id: SessionId,
    pub(crate) service: ServiceName,
    pub(crate) user: UserKey,
    pub(crate) client: ClientId,
    /// Negotiated protocol version, e.g. `2025-11-25`.
    pub(crate) protocol_version: String,
    /// `clientInfo` and `capabilities` of `initialize`, as sent.
    #[serde(default)]
    pub(crate) client_info: serde_json::Value,
    #[serde(default)]
    pub(crate) capabilities: serde_json::Value,
    /// Level of `logging/setLevel`, when set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_level: Option<String>,
    /// URIs of `resources/subscribe`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) subscriptions: Vec<String>,
    /// `notifications/initialized` was received.
    #[serde(default)]
    pub(crate) initialized: bool,
    pub(crate) created_at: Timestamp,
    /// Counts changes of the record, so that two at once do not undo each other.
    #[serde(default)]
    pub(crate) revision: u64,
}

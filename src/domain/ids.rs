//! Identifiers, one type each, so that a client id can never stand where a session id belongs.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(Arc<str>);

        impl $name {
            pub(crate) fn new(value: impl Into<Arc<str>>) -> Self {
                Self(value.into())
            }

            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// OAuth `client_id` (RFC 6749 §2.2).
    ClientId
}
text_id! {
    /// One sign-in of one user at one client for one service: the family of every token that comes from it.
    GrantId
}
text_id! {
    /// One attempt to sign in, from `/authorize` to the first call: for people who look for what went wrong. No secret.
    FlowId
}
text_id! {
    /// MCP session, the value of `Mcp-Session-Id`: visible ASCII, 128 random bits or more.
    SessionId
}
text_id! {
    /// Thumbprint of a public key: SHA-256 in base64url, 43 characters (RFC 7638). The `jkt` of RFC 9449; no secret.
    KeyThumbprint
}
text_id! {
    /// Name of a sub-path such as `mail-query`; an MCP server and an OAuth audience of its own.
    ServiceName
}

/// The signed-in person: Entra tenant and object id from a verified id_token. The only key to anybody's data.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct UserKey {
    /// Tenant id (`tid`).
    pub(crate) tid: Arc<str>,
    /// Object id (`oid`), unique within the tenant.
    pub(crate) oid: Arc<str>,
}

impl UserKey {
    pub(crate) fn new(tid: impl Into<Arc<str>>, oid: impl Into<Arc<str>>) -> Self {
        Self { tid: tid.into(), oid: oid.into() }
    }
}

/// Begins the client id of a personal key; nobody can register such a one.
const PERSONAL_KEY: &str = "personal-key:";

impl ClientId {
    /// Whoever holds a personal key: a client of its own, so that sessions and tasks of two keys do not mix.
    pub(crate) fn personal_key(grant: &GrantId) -> Self {
        Self::new(format!("{PERSONAL_KEY}{grant}"))
    }

    pub(crate) fn is_personal_key(&self) -> bool {
        self.as_str().starts_with(PERSONAL_KEY)
    }
}

/// Stands where a person's tenant id would; none of Entra's has this form.
const APPLICATION: &str = "application";

impl UserKey {
    /// A client that acts for itself (RFC 6749 §4.4): there is no person, hence nobody's data.
    pub(crate) fn application(client: &ClientId) -> Self {
        Self::new(APPLICATION, client.as_str())
    }

    pub(crate) fn is_application(&self) -> bool {
        &*self.tid == APPLICATION
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.tid, self.oid)
    }
}

//! Finding the client behind a `client_id`: one that the operator set up, one that publishes its metadata at the https
//! URL that is its id (draft-ietf-oauth-client-id-metadata-document), or one that registered.

mod configured;
mod document;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod pinned;
mod remote;
mod url;

pub(crate) use configured::ConfiguredClient;
pub(super) use configured::records as configured;
pub(super) use remote::{Remote, RemoteFault, Wish};

use super::state::OauthState;
use crate::domain::client::ClientRecord;
use crate::domain::ids::ClientId;
use crate::ports::store::StoreError;
use document::DocumentFault;
use url::UrlFault;

/// Largest metadata document that is read.
const MAX_DOCUMENT: usize = 5 * 1024;

/// How clients may identify themselves by the URL of their metadata.
#[derive(Clone, Debug)]
pub(crate) struct MetadataDocumentSettings {
    pub(crate) enabled: bool,
    /// Hosts whose documents are read; one that starts with a dot means every host below it. Empty: any.
    pub(crate) allowed_hosts: Vec<String>,
    /// Hosts whose documents are not read, whatever else is allowed.
    pub(crate) denied_hosts: Vec<String>,
}

impl Default for MetadataDocumentSettings {
    fn default() -> Self {
        Self { enabled: true, allowed_hosts: Vec::new(), denied_hosts: Vec::new() }
    }
}

impl MetadataDocumentSettings {
    fn reads(&self, host: &str) -> bool {
        let listed = |list: &[String]| {
            let fits = |one: &String| host == one || (one.starts_with('.') && host.ends_with(one.as_str()));
            list.iter().any(fits)
        };
        !listed(&self.denied_hosts) && (self.allowed_hosts.is_empty() || listed(&self.allowed_hosts))
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientFault {
    #[error("the client is unknown")]
    Unknown,
    #[error("the client_id is no URL of a metadata document: {0}")]
    Url(#[from] UrlFault),
    #[error("this server does not accept clients of that host")]
    Host,
    #[error("the client's metadata document is refused: {0}")]
    Document(#[from] DocumentFault),
    #[error("the client's metadata document: {0}")]
    Remote(RemoteFault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RemoteFault> for ClientFault {
    fn from(fault: RemoteFault) -> Self {
        match fault {
            RemoteFault::Store(error) => Self::Store(error),
            fault @ (RemoteFault::Away | RemoteFault::Refused(_)) => Self::Remote(fault),
        }
    }
}

/// What the client is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A new sign-in: its metadata must be current.
    SignIn,
    /// Tokens of an earlier sign-in: a host that is away must not log anybody out, so an older copy will do.
    Tokens,
}

impl OauthState {
    /// The client with this id.
    pub(super) async fn find_client(
        &self,
        id: &str,
        occasion: Occasion,
    ) -> Result<ClientRecord, ClientFault> {
        if let Some(client) = self.configured.get(id) {
            return Ok(client.clone());
        }
        if self.settings.metadata_documents.enabled && id.contains("://") {
            return self.published_client(id, occasion).await;
        }
        self.store.client(&ClientId::new(id)).await?.ok_or(ClientFault::Unknown)
    }

    async fn published_client(&self, id: &str, occasion: Occasion) -> Result<ClientRecord, ClientFault> {
        let (url, host) = url::parse(id)?;
        if !self.settings.metadata_documents.reads(&host) {
            return Err(ClientFault::Host);
        }
        let read =
            |body: &[u8]| document::read(id, body, &self.settings.registration.redirects, self.clock.now());
        let wish = Wish {
            kind: "client",
            max_bytes: MAX_DOCUMENT,
            stale: occasion == Occasion::Tokens,
            anew: false,
        };
        let fetched = self.remote(&url, wish, |body| {
            read(body).map_err(|fault| fault.to_string())?;
            pinned::compare(id, body);
            Ok(())
        });
        match fetched.await {
            Ok(body) => Ok(read(&body)?),
            // Some vendors keep data centres out. Their documents as last seen serve when the host cannot be reached,
            // never when it answers something else.
            Err(RemoteFault::Away) => match pinned::document(id) {
                Some(body) => {
                    tracing::info!(target: "audit", event = "client_document_pinned", client.id = id, "client_document_pinned");
                    Ok(read(body.as_bytes())?)
                }
                None => Err(RemoteFault::Away.into()),
            },
            Err(fault) => Err(fault.into()),
        }
    }
}

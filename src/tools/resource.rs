//! Resources: things that a client reads by URI.

use super::context::CallContext;
use super::error::ToolError;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Most bytes of one resource.
pub(crate) const MAX_CONTENTS: usize = 4 << 20;

/// A listed resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourceEntry {
    pub(crate) uri: String,
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) mime_type: String,
}

/// A family of resources, by an RFC 6570 template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TemplateEntry {
    pub(crate) uri_template: &'static str,
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) mime_type: &'static str,
}

impl TemplateEntry {
    /// Whether a URI begins as this family's do.
    pub(crate) fn covers(&self, uri: &str) -> bool {
        let fixed = self.uri_template.split('{').next().unwrap_or_default();
        uri.starts_with(fixed)
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page begins, in the service's own terms; the front seals it.
    pub(crate) next: Option<String>,
}

/// What is behind a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) uri: String,
    pub(crate) mime_type: String,
    pub(crate) body: ContentsBody,
}

/// Text or bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContentsBody {
    Text(String),
    Blob(Vec<u8>),
}

impl Contents {
    pub(crate) fn text(uri: &str, mime_type: &str, text: impl Into<String>) -> Self {
        let body = ContentsBody::Text(text.into());
        Self { uri: uri.to_owned(), mime_type: mime_type.to_owned(), body }
    }

    /// As MCP writes it; every revision alike.
    pub(crate) fn json(&self) -> Value {
        match &self.body {
            ContentsBody::Text(text) => json!({ "uri": self.uri, "mimeType": self.mime_type, "text": text }),
            ContentsBody::Blob(bytes) => {
                json!({ "uri": self.uri, "mimeType": self.mime_type, "blob": STANDARD.encode(bytes) })
            }
        }
    }

    pub(crate) fn size(&self) -> usize {
        match &self.body {
            ContentsBody::Text(text) => text.len(),
            ContentsBody::Blob(bytes) => bytes.len(),
        }
    }
}

/// The resources of a service. Declaring it declares the MCP capability.
#[async_trait]
pub(crate) trait ResourceSet: Send + Sync {
    /// Graph scopes that listing and reading need.
    fn scopes(&self) -> &'static [&'static str];
    /// Whether changes of single resources are announced.
    fn is_subscribable(&self) -> bool {
        false
    }
    /// In listing order, which does not depend on the caller.
    fn templates(&self) -> &[TemplateEntry] {
        &[]
    }
    /// One page; `from` is the `next` of the page before.
    async fn list(&self, context: &CallContext, from: Option<&str>)
    -> Result<Page<ResourceEntry>, ToolError>;
    /// Reads one. Unknown, foreign and malformed URIs are all `NotFound`; never an empty list.
    async fn read(&self, context: &CallContext, uri: &str) -> Result<Vec<Contents>, ToolError>;
}

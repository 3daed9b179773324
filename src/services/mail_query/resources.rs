//! Mail as resources: messages and folders by URI, read by the same code as the tools.

use super::folders::{self, TreeRequest};
use super::get_email::GetEmail;
use super::query_email::QueryEmail;
use super::{Mail, SCOPES, asker, fault};
use crate::graph::encode::segment;
use crate::services::resource_uri::{decoded, gone, missing};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::resource::{Contents, Page, ResourceEntry, ResourceSet, TemplateEntry};
use crate::tools::tool::{Args, Tool};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Arc;

const MESSAGE: &str = "mail://message/";
const FOLDER: &str = "mail://folder/";
const MARKDOWN: &str = "text/markdown";
/// Folders of one page.
const PAGE: usize = 50;

const TEMPLATES: [TemplateEntry; 2] = [
    TemplateEntry {
        uri_template: "mail://message/{id}",
        name: "message",
        title: "Message",
        description: "One message with its body and the list of its attachments; the id is that of the tools.",
        mime_type: MARKDOWN,
    },
    TemplateEntry {
        uri_template: "mail://folder/{id}",
        name: "folder",
        title: "Mail folder",
        description: "The newest messages of a folder, by its id or its well-known name such as inbox.",
        mime_type: MARKDOWN,
    },
];

/// The resources of the service.
pub(super) struct MailResources {
    mail: Arc<Mail>,
    message: GetEmail,
    listing: QueryEmail,
}

impl MailResources {
    pub(super) fn new(mail: &Arc<Mail>) -> Self {
        Self {
            mail: Arc::clone(mail),
            message: GetEmail::new(Arc::clone(mail)),
            listing: QueryEmail::new(Arc::clone(mail)),
        }
    }
}

#[async_trait]
impl ResourceSet for MailResources {
    fn scopes(&self) -> &'static [&'static str] {
        SCOPES
    }

    fn templates(&self) -> &[TemplateEntry] {
        &TEMPLATES
    }

    /// The folders of the first two levels.
    async fn list(
        &self,
        context: &CallContext,
        from: Option<&str>,
    ) -> Result<Page<ResourceEntry>, ToolError> {
        let request = TreeRequest { parent: None, hidden: false, depth: 2 };
        let tree = folders::tree(&self.mail.deps.graph, asker(context), request);
        let (folders, _) = tree.await.map_err(fault)?;
        let start = from.and_then(|text| text.parse().ok()).unwrap_or(0_usize);
        let entry = |folder: &folders::FolderItem| ResourceEntry {
            uri: format!("{FOLDER}{}", segment(&folder.id)),
            name: folder.path.clone(),
            title: folder.name.clone(),
            description: format!("Mail folder with {} messages, {} unread.", folder.total, folder.unread),
            mime_type: MARKDOWN.to_owned(),
        };
        let items: Vec<_> = folders.iter().skip(start).take(PAGE).map(entry).collect();
        let end = start.saturating_add(items.len());
        Ok(Page { items, next: (end < folders.len()).then(|| end.to_string()) })
    }

    async fn read(&self, context: &CallContext, uri: &str) -> Result<Vec<Contents>, ToolError> {
        let (tool, args): (&dyn Tool, Value) = if let Some(id) = uri.strip_prefix(MESSAGE) {
            (&self.message, json!({ "id": decoded(id)? }))
        } else if let Some(id) = uri.strip_prefix(FOLDER) {
            (&self.listing, json!({ "folder": decoded(id)?, "limit": 25, "days_back": 3650 }))
        } else {
            return Err(gone());
        };
        let args: Args = if let Value::Object(args) = args { args } else { Args::new() };
        let output = tool.call(context, args).await.map_err(missing)?;
        Ok(vec![Contents::text(uri, MARKDOWN, output.text)])
    }
}

//! Files as resources: the recent ones listed, any of them read by its id with the reader of `read_file`.

use super::list_files::ListFiles;
use super::read_file::ReadFile;
use super::{Desk, SCOPES};
use crate::graph::encode::segment;
use crate::services::drive_address::Address;
use crate::services::resource_uri::{decoded, gone, missing};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::resource::{Contents, Page, ResourceEntry, ResourceSet, TemplateEntry};
use crate::tools::tool::{Args, Tool};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const FILE: &str = "file://onedrive/";
/// What text is read as.
const MARKDOWN: &str = "text/markdown";
/// Files of one page.
const PAGE: usize = 50;

const TEMPLATES: [TemplateEntry; 1] = [TemplateEntry {
    uri_template: "file://onedrive/{id}",
    name: "file",
    title: "File",
    description: "The text of a file, or a picture as it is; the id is that of the tools.",
    mime_type: MARKDOWN,
}];

/// The resources of the service.
pub(super) struct FileResources {
    desk: Arc<Desk>,
    listing: ListFiles,
    reader: ReadFile,
}

/// The members of `list_files`' answer that are needed here.
#[derive(Deserialize)]
struct Listed {
    items: Vec<Item>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    name: String,
    kind: String,
    #[serde(rename = "type", default)]
    content_type: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    modified: String,
}

impl FileResources {
    pub(super) fn new(desk: &Arc<Desk>) -> Self {
        Self {
            desk: Arc::clone(desk),
            listing: ListFiles::new(Arc::clone(desk)),
            reader: ReadFile::new(Arc::clone(desk)),
        }
    }
}

impl Item {
    fn entry(self) -> ResourceEntry {
        let is_picture = self.content_type.starts_with("image/");
        ResourceEntry {
            uri: format!("{FILE}{}", segment(&self.id)),
            title: self.name.clone(),
            description: format!("Recent file of OneDrive, changed {}.", self.modified),
            mime_type: if is_picture { self.content_type } else { MARKDOWN.to_owned() },
            name: if self.path.is_empty() { self.name } else { self.path },
        }
    }
}

#[async_trait]
impl ResourceSet for FileResources {
    fn scopes(&self) -> &'static [&'static str] {
        SCOPES
    }

    fn templates(&self) -> &[TemplateEntry] {
        &TEMPLATES
    }

    /// The recent files.
    async fn list(
        &self,
        context: &CallContext,
        from: Option<&str>,
    ) -> Result<Page<ResourceEntry>, ToolError> {
        let mut args = Args::new();
        args.insert("limit".to_owned(), json!(PAGE));
        match from {
            Some(cursor) => args.insert("cursor".to_owned(), Value::from(cursor)),
            None => args.insert("view".to_owned(), Value::from("recent")),
        };
        let answer = self.listing.call(context, args).await?;
        let listed: Listed = serde_json::from_str(answer.structured.get()).map_err(ToolError::internal)?;
        let files = listed.items.into_iter().filter(|item| item.kind == "file");
        Ok(Page { items: files.map(Item::entry).collect(), next: listed.next_cursor })
    }

    async fn read(&self, context: &CallContext, uri: &str) -> Result<Vec<Contents>, ToolError> {
        let id = decoded(uri.strip_prefix(FILE).ok_or_else(gone)?)?;
        let address = Address::parse("uri", &id).map_err(|_| gone())?;
        if !matches!(address, Address::Item(_) | Address::Remote { .. }) {
            return Err(gone());
        }
        let item = self.desk.lookup(context, &address).await.map_err(missing)?;
        if item.is_folder() {
            return Err(gone());
        }
        Ok(vec![self.reader.contents(context, &item, uri).await?])
    }
}

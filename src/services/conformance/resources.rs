//! Resources: text, bytes, a watched one, and a template.

use super::PNG;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::resource::{Contents, ContentsBody, Page, ResourceEntry, ResourceSet, TemplateEntry};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
pub(super) const WATCHED: &str = "test://watched-resource";
pub(super) const TEMPLATE: &str = "test://template/{id}/data";

pub(super) struct Fixtures;

fn entry(uri: &str, name: &str, description: &str, mime_type: &str) -> ResourceEntry {
    ResourceEntry {
        uri: uri.to_owned(),
        name: name.to_owned(),
        title: name.to_owned(),
        description: description.to_owned(),
        mime_type: mime_type.to_owned(),
    }
}

#[async_trait]
impl ResourceSet for Fixtures {
    fn scopes(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_subscribable(&self) -> bool {
        true
    }

    fn templates(&self) -> &[TemplateEntry] {
        const {
            &[TemplateEntry {
                uri_template: TEMPLATE,
                name: "template",
                title: "Template",
                description: "Data by id.",
                mime_type: "application/json",
            }]
        }
    }

    async fn list(&self, _: &CallContext, _: Option<&str>) -> Result<Page<ResourceEntry>, ToolError> {
        let items = vec![
            entry(TEXT, "static-text", "A text.", "text/plain"),
            entry(BINARY, "static-binary", "A picture.", "image/png"),
            entry(WATCHED, "watched-resource", "A text that may change.", "text/plain"),
        ];
        Ok(Page { items, next: None })
    }

    async fn read(&self, _: &CallContext, uri: &str) -> Result<Vec<Contents>, ToolError> {
        let text = |text: &str| Contents::text(uri, "text/plain", text);
        let contents = match uri {
            TEXT => text("This is the content of the static text resource."),
            WATCHED => text("Watched resource content"),
            BINARY => Contents {
                uri: uri.to_owned(),
                mime_type: "image/png".to_owned(),
                body: ContentsBody::Blob(STANDARD.decode(PNG).map_err(ToolError::internal)?),
            },
            _ => templated(uri)?,
        };
        Ok(vec![contents])
    }
}

fn templated(uri: &str) -> Result<Contents, ToolError> {
    let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    let id = id.filter(|id| !id.is_empty() && !id.contains('/'));
    let id = id.ok_or_else(|| ToolError::new(ToolErrorKind::NotFound, "There is no such resource."))?;
    let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
    Ok(Contents::text(uri, "application/json", data.to_string()))
}

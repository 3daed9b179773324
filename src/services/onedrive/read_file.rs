//! `read_file`: the text of a file, or the file itself in a form that clients show.

use super::carrier::FileWanted;
use super::item::{FileItem, bytes as size_text};
use super::{ALIASES, Desk, SCOPES, asker, fault};
use crate::graph::encode::Target;
use crate::graph::request::Request;
use crate::services::answer::{output, with_notes};
use crate::services::args::{OutputFormat, max_chars_schema, output_format_schema, typed};
use crate::services::drive_address::Address;
use crate::services::file_text::{self, FileText, Named, Part, file_text_schema};
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::output::{Block, ToolOutput};
use crate::tools::resource::{Contents, ContentsBody, MAX_CONTENTS};
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use crate::tools::transfer::{Link, Offered};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// Largest file that goes out as it is: in base64 it must fit into one answer.
const MAX_WHOLE: usize = 700 << 10;

/// The tool.
pub(super) struct ReadFile {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

/// Form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Text,
    /// The text; tables and headings have this form anyway.
    Markdown,
    /// Text of spreadsheets and CSV only.
    Table,
    /// A picture as it is.
    Image,
    /// A one-time address to download it from, without reading it.
    Link,
    /// Any small file as it is.
    Resource,
}

#[derive(Deserialize)]
struct Wish {
    file_path: String,
    #[serde(default)]
    mode: Mode,
    #[serde(flatten)]
    part: Part,
    #[serde(default)]
    output_format: OutputFormat,
}

/// `structuredContent`.
#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    item: FileItem,
    #[serde(flatten)]
    text: FileText,
    #[serde(skip_serializing_if = "Option::is_none")]
    download_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_s: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl ReadFile {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let mut properties = super::item::item_schema();
        if let (Some(all), Some(more)) = (properties.as_object_mut(), file_text_schema().as_object()) {
            all.extend(more.clone());
            all.insert("warnings".to_owned(), json!({"type": "array", "items": {"type": "string"}}));
            all.insert("download_url".to_owned(), json!({"type": "string"}));
            all.insert("expires_in_s".to_owned(), json!({"type": "integer"}));
        }
        let spec = ToolSpec {
            name: "read_file",
            title: "Read File",
            description: "Read a file of OneDrive: the text of pdf, docx, xlsx, xls, pptx, hwp, hwpx, odt, ods, odp, \
                          rtf, eml, msg, html, csv and text files, or a picture or a small file as it is.",
            input_schema: json!({"type": "object", "properties": {
                "file_path": {"type": "string", "description": "Path such as Documents/notes.txt, id, or sharing link"},
                "mode": {
                    "type": "string", "enum": ["text", "markdown", "table", "image", "link", "resource"],
                    "description": "text unless given; image and resource give the file as it is, link a one-time address to download it",
                },
                "pages": {"type": "string", "description": "Page or range such as 2-5; all unless given"},
                "sheet": {"type": "string", "description": "Name of a sheet; all visible ones unless given"},
                "max_chars": max_chars_schema("text"),
                "output_format": output_format_schema(),
            }, "required": ["file_path"]}),
            output_schema: json!({
                "type": "object", "properties": properties, "required": ["id", "name", "kind", "size", "truncated"],
            }),
            annotations: Annotations::READ_UNTRUSTED,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// `GET {item}/content` (Files.Read), then the bytes from where it points, bounded while they stream; 1 unit.
    async fn bytes(&self, context: &CallContext, item: &FileItem, limit: usize) -> Result<Bytes, ToolError> {
        file_text::check_size(&item.name, item.size, limit, "OneDrive")?;
        let address = Address::of_id(&item.id);
        let request = Request::content(Target::new(address.graph_path("content")), limit);
        let fetched = self.desk.deps.graph.download(asker(context), request).await;
        fetched.map_err(|error| fault(error, address.scope()))
    }

    /// A link to the bytes, for whoever the caller gives it to.
    async fn link(&self, context: &CallContext, item: &FileItem) -> Result<Link, ToolError> {
        let what = json!(FileWanted { item: item.id.clone() });
        let (name, content_type) = (item.name.as_str(), item.content_type.as_str());
        let offered = Offered { service: "onedrive", name, content_type, what };
        self.desk.deps.transfers.link(context, offered).await
    }

    /// The text, and the block for clients that show files.
    async fn read(
        &self,
        context: &CallContext,
        wish: &Wish,
        item: &FileItem,
    ) -> Result<(FileText, Option<Block>), ToolError> {
        let named = Named { name: &item.name, content_type: &item.content_type };
        match wish.mode {
            Mode::Text | Mode::Markdown | Mode::Table => {
                if wish.mode == Mode::Table && !is_table(&item.name) {
                    return Err(ToolError::invalid(
                        "mode",
                        "Only xlsx, xls, ods and csv files are tables: use mode text.",
                    ));
                }
                let bytes = self.bytes(context, item, self.desk.deps.settings.max_attachment_bytes).await?;
                Ok((file_text::read(&self.desk.deps, named, bytes, &wish.part).await?, None))
            }
            Mode::Link => {
                let block = Block::link(&item.web_url, &item.name, Some(&item.content_type));
                Ok((FileText::default(), Some(block)))
            }
            Mode::Image => {
                let Some(kind) = picture(&item.content_type) else {
                    return Err(ToolError::invalid(
                        "mode",
                        "This is not a picture: use mode text or resource.",
                    ));
                };
                let bytes = self.whole(context, item).await?;
                let text = FileText::unread(&bytes).await?;
                Ok((text, Some(Block::image(&STANDARD.encode(&bytes), kind))))
            }
            Mode::Resource => {
                let bytes = self.whole(context, item).await?;
                let text = FileText::unread(&bytes).await?;
                let contents = Contents {
                    uri: item.web_url.clone(),
                    mime_type: item.content_type.clone(),
                    body: ContentsBody::Blob(bytes.to_vec()),
                };
                Ok((text, Some(Block::resource(&contents))))
            }
        }
    }

    /// The file in one piece, as a resource: a picture as it is, else its text, else, where there is none, the bytes.
    pub(super) async fn contents(
        &self,
        context: &CallContext,
        item: &FileItem,
        uri: &str,
    ) -> Result<Contents, ToolError> {
        let kind = Some(item.content_type.as_str()).filter(|kind| !kind.is_empty());
        let blob = |bytes: &Bytes| Contents {
            uri: uri.to_owned(),
            mime_type: kind.unwrap_or("application/octet-stream").to_owned(),
            body: ContentsBody::Blob(bytes.to_vec()),
        };
        if item.content_type.starts_with("image/") {
            return Ok(blob(&self.bytes(context, item, MAX_CONTENTS).await?));
        }
        let settings = &self.desk.deps.settings;
        let bytes = self.bytes(context, item, settings.max_attachment_bytes).await?;
        let named = Named { name: &item.name, content_type: &item.content_type };
        let text = file_text::read(&self.desk.deps, named, bytes.clone(), &Part::default()).await?;
        if text.no_text.is_some() && bytes.len() <= MAX_CONTENTS {
            return Ok(blob(&bytes));
        }
        Ok(Contents::text(uri, "text/markdown", text.printed(&heading(item))))
    }

    async fn whole(&self, context: &CallContext, item: &FileItem) -> Result<Bytes, ToolError> {
        if item.size > MAX_WHOLE as u64 {
            let text = format!(
                "\"{}\" has {}; up to {} KB can be given as they are. Use mode text, or mode link for a one-time download address.",
                item.name,
                size_text(item.size),
                MAX_WHOLE >> 10,
            );
            let kind = ToolErrorKind::UpstreamRejected { code: "too_large".to_owned(), status: 413 };
            return Err(ToolError::new(kind, text));
        }
        self.bytes(context, item, MAX_WHOLE).await
    }
}

fn heading(item: &FileItem) -> String {
    format!("# {}\n{}, {}", item.label(), item.content_type, size_text(item.size))
}

fn is_table(name: &str) -> bool {
    let ending = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    ["xlsx", "xlsm", "xls", "ods", "csv", "tsv"].contains(&ending.as_str())
}

/// Kinds of pictures that clients show.
fn picture(content_type: &str) -> Option<&'static str> {
    ["image/png", "image/jpeg", "image/gif", "image/webp"].into_iter().find(|kind| content_type == *kind)
}

#[async_trait]
impl Tool for ReadFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let address = Address::parse("file_path", &wish.file_path)?;
        let item = self.desk.lookup(context, &address).await?;
        if item.is_folder() {
            let text = format!("\"{}\" is a folder: use list_files.", item.label());
            return Err(ToolError::invalid("file_path", text));
        }
        let (text, block) = self.read(context, &wish, &item).await?;
        let link = if wish.mode == Mode::Link { Some(self.link(context, &item).await?) } else { None };
        let mut prose = text.printed(&heading(&item));
        if let Some(link) = &link {
            let minutes = link.expires_in_s / 60;
            let _ = writeln!(
                prose,
                "Download (once, within {minutes} minutes): {}\nIn OneDrive: {}",
                link.url, item.web_url
            );
        }
        let (download_url, expires_in_s) = link.map(|link| (link.url, link.expires_in_s)).unzip();
        let found = Found { item, text, download_url, expires_in_s, warnings };
        let answer = output(|| with_notes(prose, &found.warnings, None), &found, wish.output_format)?;
        Ok(match block {
            Some(block) => answer.with(block),
            None => answer,
        })
    }
}

//! `write_file`: a new file, or new contents for one that is there when the caller says so.

use super::change::{Done, SCOPES, below_root, conflict, done_schema, failed, is_outdated, is_taken};
use super::item::{FileItem, Frame, ItemView, bytes as size_text};
use super::{ALIASES, Desk, asker};
use crate::graph::error::GraphError;
use crate::graph::request::Request;
use crate::services::args::typed;
use crate::services::drive;
use crate::services::drive_address::{Address, check_new_name};
use crate::services::uploads;
use crate::tools::confirm::{self, Write};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Longest media type.
const MAX_TYPE: usize = 127;
/// Longest etag; Graph's have about 45 characters.
const MAX_ETAG: usize = 200;

/// The tool.
pub(super) struct WriteFile {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Text,
    Base64,
}

#[derive(Deserialize)]
struct Wish {
    file_path: String,
    content: Option<String>,
    source: Option<String>,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    overwrite: bool,
    if_match: Option<String>,
    content_type: Option<String>,
}

impl Wish {
    /// The ticket of the file to write, where it came in by one.
    fn ticket(&self) -> Result<Option<&str>, ToolError> {
        match (&self.content, self.source.as_deref()) {
            (Some(_), None) => Ok(None),
            (None, Some(source)) => uploads::ticket(source).map(Some).ok_or_else(|| {
                let text = "`source` must be what request_upload gave as `source`: upload: and a ticket.";
                ToolError::invalid("source", text)
            }),
            (None, None) => Err(ToolError::invalid(
                "content",
                "Give the text as `content`, or a file that was sent in as `source` (see request_upload).",
            )),
            (Some(_), Some(_)) => Err(ToolError::invalid(
                "source",
                "`source` and `content` cannot be combined: give one of them.",
            )),
        }
    }

    fn bytes(&self, content: &str) -> Result<Bytes, ToolError> {
        let bytes = match self.encoding {
            Encoding::Text => Bytes::from(content.to_owned()),
            Encoding::Base64 => {
                let compact: String = content.split_whitespace().collect();
                let decoded = STANDARD.decode(compact).map_err(|_| {
                    ToolError::invalid(
                        "content",
                        "`content` is no base64: leave `encoding` out for plain text.",
                    )
                })?;
                decoded.into()
            }
        };
        Ok(bytes)
    }

    /// A media type (RFC 9110 §8.3.1), since it becomes a header; `sent` is that of a file that came in.
    fn media_type(&self, sent: Option<&str>) -> Result<String, ToolError> {
        let given = self.content_type.as_deref().or(sent).unwrap_or(match self.encoding {
            Encoding::Text => "text/plain",
            Encoding::Base64 => "application/octet-stream",
        });
        let printable = given.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if printable && given.contains('/') && given.len() <= MAX_TYPE {
            return Ok(given.to_owned());
        }
        Err(ToolError::invalid("content_type", "`content_type` must be a media type such as text/csv."))
    }

    /// The version to replace, as Graph writes it: models lose the quotes (RFC 9110 §8.8.3).
    fn version(&self) -> Result<Option<String>, ToolError> {
        let Some(given) = self.if_match.as_deref().map(str::trim) else { return Ok(None) };
        if given == "*" {
            let text = "`if_match` names one version; to replace any, pass overwrite=true instead.";
            return Err(ToolError::invalid("if_match", text));
        }
        let bare = given.trim_matches('"');
        let fits = (1..=MAX_ETAG).contains(&bare.len());
        if !fits || bare.bytes().any(|byte| !(0x21..0x7f).contains(&byte) || byte == b'"') {
            return Err(ToolError::invalid(
                "if_match",
                "`if_match` must be the `etag` of the file, unchanged.",
            ));
        }
        Ok(Some(if bare.starts_with("W/") { given.to_owned() } else { format!("\"{bare}\"") }))
    }

    /// Naming the version to replace is asking to replace it.
    fn replaces(&self) -> bool {
        self.overwrite || self.if_match.is_some()
    }
}

impl WriteFile {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "write_file",
            title: "Write File",
            description: "Write a file to the user's OneDrive; missing folders are made. A file that is there is replaced only with overwrite=true, or with if_match=etag if it is still that version.",
            input_schema: json!({"type": "object", "properties": confirm::inputs(json!({
                "file_path": {"type": "string", "description": "Path such as Documents/notes.txt, or the id of a file to replace"},
                "content": {"type": "string", "description": "What the file will hold"},
                "source": {"type": "string", "description": "Instead of content: upload:{ticket} of request_upload"},
                "encoding": {"type": "string", "enum": ["text", "base64"], "description": "Form of content; text unless given"},
                "overwrite": {"type": "boolean", "description": "Replace a file that is there; no unless given"},
                "if_match": {"type": "string", "description": "etag of the version to replace"},
                "content_type": {"type": "string", "description": "Media type, e.g. text/csv"},
            }), false), "required": ["file_path"]}),
            output_schema: done_schema(),
            annotations: Annotations::WRITE.destructive().idempotent(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// See [`drive::put_request`].
    fn request(
        address: &Address,
        wish: &Wish,
        (bytes, sent): (&Bytes, Option<&str>),
    ) -> Result<Request, ToolError> {
        let (media_type, version) = (wish.media_type(sent)?, wish.version()?);
        // By id Graph replaces whatever there is, and takes no such option.
        let behavior =
            matches!(address, Address::Path(_)).then_some(if wish.replaces() { "replace" } else { "fail" });
        let request = drive::put_request(address, behavior, media_type, bytes);
        Ok(match version {
            Some(etag) => request.if_match(&etag),
            None if wish.overwrite => request,
            // Sent again it would find its own file in the way.
            None => request.once(),
        })
    }

    async fn send(
        &self,
        context: &CallContext,
        request: Request,
        bytes: Bytes,
    ) -> Result<FileItem, GraphError> {
        let zone = self.desk.zone(context).await;
        let answer = drive::put(&self.desk.deps.graph, asker(context), request, bytes).await?;
        let view: ItemView<'_> = answer.view()?;
        Ok(FileItem::new(&view, Frame { zone, own_drive: None }))
    }

    /// What stands in the way, in words that say how to go on.
    async fn explained(&self, context: &CallContext, address: &Address, error: GraphError) -> ToolError {
        let status = if is_taken(&error) {
            409
        } else if is_outdated(&error) {
            412
        } else {
            return failed(error);
        };
        match self.desk.try_lookup(context, address).await {
            Ok(Some(item)) => standing(&item, status),
            Ok(None) | Err(_) => failed(error),
        }
    }
}

/// There is such a file already, perhaps in another version than was thought.
fn standing(item: &FileItem, status: u16) -> ToolError {
    if item.is_folder() {
        return conflict(409, format!("\"{}\" is a folder: choose another name.", item.label()));
    }
    let (size, changed) = (size_text(item.size), &item.modified);
    let what = if status == 412 {
        format!("\"{}\" is no longer the version that `if_match` names", item.label())
    } else {
        format!("\"{}\" is there already", item.label())
    };
    let etag = &item.etag;
    conflict(
        status,
        format!(
            "{what} ({size}, changed {changed}, etag {etag}); nothing was written. To replace it, pass overwrite=true and \
             if_match={etag}; to keep it, choose another name."
        ),
    )
}

#[async_trait]
impl Tool for WriteFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let address = below_root("file_path", &wish.file_path)?;
        if let Address::Path(names) = &address {
            names.iter().try_for_each(|name| check_new_name("file_path", name))?;
        }
        let ticket = wish.ticket()?;
        let deps = &self.desk.deps;
        let (bytes, sent) = match ticket {
            Some(ticket) => {
                let limit = deps.settings.max_attachment_bytes;
                let source = uploads::read(deps, context, ("source", ticket), limit).await?;
                (source.bytes, Some(source.content_type))
            }
            None => (wish.bytes(wish.content.as_deref().unwrap_or_default())?, None),
        };
        let size = bytes.len() as u64;
        let request = Self::request(&address, &wish, (&bytes, sent.as_deref()))?;
        if matches!(address, Address::Item(_)) && !wish.replaces() {
            let item = self.desk.lookup(context, &address).await?;
            return Err(standing(&item, 409));
        }
        let write = Write {
            service: "onedrive",
            tool: self.spec.name,
            payload: &json!({ "path": wish.file_path, "size": size, "replaces": wish.replaces() }),
            preview: format!("Write {} to {}.", size_text(size), wish.file_path),
            leaves: false,
            recipients: ("file_path", &[]),
        };
        if let Some(answer) = deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        match self.send(context, request, bytes).await {
            Ok(item) => {
                if let Some(ticket) = ticket {
                    uploads::discard(deps, context, ticket).await;
                }
                let said = format!("Wrote {} to {}.", size_text(item.size), item.label());
                Done::new(item, warnings).output(&said)
            }
            Err(error) => Err(self.explained(context, &address, error).await),
        }
    }
}

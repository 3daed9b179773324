//! Attachments as Graph lists them, and as callers get them.

use super::{Mail, asker, fault};
use crate::graph::encode::{Target, segment};
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use serde::{Deserialize, Serialize};

const MAX_PAGES: usize = 5;

/// Metadata; never `contentBytes`, which Graph adds unless `$select` leaves it out.
pub(super) const SELECT: &str = "id,name,contentType,size,isInline,lastModifiedDateTime";

/// An attachment of a message.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AttachmentView<'a> {
    #[serde(borrow, rename = "@odata.type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) content_type: Text<'a>,
    pub(super) size: u64,
    pub(super) is_inline: bool,
}

/// What sort of attachment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sort {
    File,
    /// Another message, event or contact.
    Item,
    /// A link to a file in OneDrive or SharePoint.
    Reference,
}

/// An attachment as callers get it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct AttachmentItem {
    pub(super) attachment_id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) content_type: String,
    pub(super) size: u64,
    pub(super) inline: bool,
    pub(super) kind: Sort,
}

impl AttachmentItem {
    pub(super) fn of(view: &AttachmentView<'_>) -> Self {
        Self {
            attachment_id: view.id.to_string(),
            name: crate::services::answer::line(&view.name),
            content_type: view.content_type.to_string(),
            size: view.size,
            inline: view.is_inline,
            kind: match view.kind.rsplit('.').next() {
                Some("itemAttachment") => Sort::Item,
                Some("referenceAttachment") => Sort::Reference,
                Some(_) | None => Sort::File,
            },
        }
    }
}

/// Path of an attachment in Graph; `part` is what is asked of it.
pub(super) fn path(message: &str, attachment: &str, part: &str) -> String {
    format!("/me/messages/{}/attachments/{}{part}", segment(message), segment(attachment))
}

/// `GET /me/messages/{id}/attachments?$select=…` (Mail.Read); never with contents.
pub(super) async fn list(
    mail: &Mail,
    context: &CallContext,
    message: &str,
) -> Result<Vec<AttachmentItem>, ToolError> {
    let target =
        Target::new(format!("/me/messages/{}/attachments", segment(message))).with("$select", SELECT);
    let (mut out, mut link) = (Vec::new(), target.build());
    for _ in 0..MAX_PAGES {
        let answer = mail.deps.graph.send(asker(context), Request::next(link)).await.map_err(fault)?;
        let page: Page<'_, AttachmentView<'_>> = answer.view().map_err(fault)?;
        out.extend(page.value.iter().map(AttachmentItem::of));
        match page.next_link() {
            Some(next) => link = next,
            None => break,
        }
    }
    Ok(out)
}

/// Properties in an output schema.
pub(super) fn attachment_schema() -> serde_json::Value {
    serde_json::json!({
        "attachment_id": {"type": "string"}, "name": {"type": "string"}, "type": {"type": "string"},
        "size": {"type": "integer"}, "inline": {"type": "boolean"}, "kind": {"type": "string"},
    })
}

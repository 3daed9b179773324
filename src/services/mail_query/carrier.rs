//! What mail sends to the holders of links: attachments as they are, and exports made when they are fetched.

use super::attachment_view;
use super::export_email::{ExportEmail, ExportWanted};
use super::{Mail, SCOPES, asker, fault};
use crate::graph::encode::Target;
use crate::graph::request::Request;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::transfer::{Carrier, Outgoing};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What a link of this service leads to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wanted {
    Attachment { message: String, attachment: String },
    Export(ExportWanted),
}

/// The carrier.
pub(super) struct MailCarrier {
    mail: Arc<Mail>,
    export: ExportEmail,
}

impl MailCarrier {
    pub(super) fn new(mail: &Arc<Mail>) -> Self {
        Self { mail: Arc::clone(mail), export: ExportEmail::new(Arc::clone(mail)) }
    }
}

#[async_trait]
impl Carrier for MailCarrier {
    /// `GET …/attachments/{id}/$value` (Mail.Read), or what an export takes.
    async fn open(&self, context: &CallContext, what: &Value) -> Result<Outgoing, ToolError> {
        // Of a mailbox of others the call that made the link has asked more.
        if context.mailbox.is_none() {
            context.caller.require("This link", SCOPES)?;
        }
        match Wanted::deserialize(what).map_err(ToolError::internal)? {
            Wanted::Attachment { message, attachment } => {
                let target = Target::new(attachment_view::path(&message, &attachment, "/$value"));
                let request = Request::outlook(target).download(usize::MAX);
                let opened = self.mail.deps.graph.open(asker(context), request).await.map_err(fault)?;
                Ok(Outgoing { length: opened.length, body: opened.body })
            }
            Wanted::Export(wanted) => self.export.open(context, wanted).await,
        }
    }
}

//! An export behind a one-time link: made when it is fetched, for whoever holds the link, and kept nowhere.

use super::bundle::Bundle;
use super::{Done, ExportEmail, Form, written};
use crate::ports::graph::{ByteStream, TransportError};
use crate::services::mail_query::carrier::Wanted;
use crate::services::mail_query::message::Frame;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use crate::tools::transfer::{Offered, Outgoing};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::{Duration, Instant};

/// Time for each message of an archive, which are fetched while it is sent.
const EACH: Duration = Duration::from_mins(2);
const ZIP: (&str, &str) = (".zip", "application/zip");

/// What a link to an export leads to.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::services::mail_query) struct ExportWanted {
    ids: Vec<String>,
    form: Form,
}

/// An archive on its way.
struct Sending {
    export: ExportEmail,
    context: CallContext,
    frame: Frame,
    ids: std::vec::IntoIter<String>,
    bundle: Option<Bundle>,
    /// What could not be read, told in a file of its own.
    failed: String,
}

impl ExportEmail {
    /// Offers the messages for download; several mail files go into one archive.
    pub(super) async fn link(
        &self,
        context: &CallContext,
        (ids, form): (Vec<String>, Form),
        done: &mut Done,
    ) -> Result<(), ToolError> {
        let zone = self.mail.frame(context).await?.zone;
        let (ending, content_type) =
            if form == Form::Eml && ids.len() > 1 { ZIP } else { (form.ending(), form.content_type()) };
        done.rows = ids.len();
        let name = self.made_name(zone, ending);
        let what = json!(Wanted::Export(ExportWanted { ids, form }));
        let offered = Offered { service: "mail-query", name: &name, content_type, what };
        done.link = Some(self.mail.deps.transfers.link(context, offered).await?.url);
        Ok(())
    }

    /// The bytes of an export.
    pub(in crate::services::mail_query) async fn open(
        &self,
        context: &CallContext,
        wanted: ExportWanted,
    ) -> Result<Outgoing, ToolError> {
        let ExportWanted { ids, form } = wanted;
        match (form, ids.as_slice()) {
            (Form::Eml, [id]) => {
                let frame = self.mail.frame(context).await?;
                Ok(whole(self.whole(context, id, &frame).await?.1))
            }
            (Form::Eml, _) => self.archive(context, ids).await,
            (Form::Csv | Form::Md | Form::Json, _) => {
                let (items, _) = self.items(context, &ids, skipped).await?;
                Ok(whole(Bytes::from(written(form, items).await?.0)))
            }
        }
    }

    /// The mail files in one archive, each fetched when the one before was sent.
    async fn archive(&self, context: &CallContext, ids: Vec<String>) -> Result<Outgoing, ToolError> {
        let sending = Sending {
            export: self.clone(),
            context: context.clone(),
            frame: self.mail.frame(context).await?,
            ids: ids.into_iter(),
            bundle: Some(Bundle::default()),
            failed: String::new(),
        };
        let parts = stream::unfold(sending, |mut sending| async move {
            let parts = sending.next().await?;
            Some((stream::iter(parts), sending))
        });
        Ok(Outgoing { length: None, body: Box::pin(parts.flatten()) })
    }
}

impl Sending {
    /// The next bytes; none behind the end.
    async fn next(&mut self) -> Option<Vec<Result<Bytes, TransportError>>> {
        let mut bundle = self.bundle.take()?;
        let mut full = false;
        if let Some(id) = self.ids.next() {
            self.context.deadline = Instant::now() + EACH;
            match self.export.whole(&self.context, &id, &self.frame).await {
                Ok((name, bytes)) => {
                    if let Some(parts) = bundle.entry(&name.replace(['/', '\\'], "_"), &bytes) {
                        self.bundle = Some(bundle);
                        return Some(parts.map(Ok).into());
                    }
                    full = true;
                    self.failed.push_str("The archive is full; the messages that follow were left out.\r\n");
                }
                Err(error) => {
                    for part in [id.as_str(), ": ", error.public.as_str(), "\r\n"] {
                        self.failed.push_str(part);
                    }
                    self.bundle = Some(bundle);
                    return Some(Vec::new());
                }
            }
        }
        let mut parts = Vec::new();
        if !self.failed.is_empty() && !full {
            let told = bundle.entry("failed.txt", &Bytes::from(std::mem::take(&mut self.failed)));
            parts.extend(told.into_iter().flatten().map(Ok));
        }
        parts.push(Ok(bundle.end()));
        Some(parts)
    }
}

fn whole(bytes: Bytes) -> Outgoing {
    let length = Some(bytes.len() as u64);
    let body: ByteStream = Box::pin(stream::iter([Ok(bytes)]));
    Outgoing { length, body }
}

/// A message that was removed since is left out of a table; what would leave out all of them is an error.
fn skipped(_: &str, error: ToolError) -> Result<(), ToolError> {
    match error.kind {
        ToolErrorKind::NotFound | ToolErrorKind::UpstreamRejected { .. } => Ok(()),
        ToolErrorKind::UnknownTool
        | ToolErrorKind::InvalidInput { .. }
        | ToolErrorKind::InsufficientScope { .. }
        | ToolErrorKind::SignInRequired
        | ToolErrorKind::MailboxUnavailable { .. }
        | ToolErrorKind::RateLimited { .. }
        | ToolErrorKind::UpstreamUnavailable { .. }
        | ToolErrorKind::Timeout
        | ToolErrorKind::Cancelled
        | ToolErrorKind::InputRequired { .. }
        | ToolErrorKind::MissingFeature { .. }
        | ToolErrorKind::Detached
        | ToolErrorKind::Protocol
        | ToolErrorKind::Internal => Err(error),
    }
}

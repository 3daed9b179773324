//! A draft as it stands at Microsoft, read before it is changed or sent, and as callers get it.

use super::letter::{FIELDS, Preview};
use super::message::{Frame, RawBody};
use super::{Mail, asker};
use crate::graph::client::Answer;
use crate::graph::encode::{Target, segment};
use crate::graph::error::GraphError;
use crate::graph::request::Request;
use crate::services::answer::{line, output, with_notes};
use crate::services::args::OutputFormat;
use crate::services::fault::tool_error;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

const SELECT: &str =
    "id,subject,isDraft,from,toRecipients,ccRecipients,bccRecipients,replyTo,importance,body,webLink";
/// Begins the history below an answer, in Exchange's own drafts.
const HISTORY: &str = "id=\"divRplyFwdMsg\"";

/// A message that is not sent yet.
pub(super) struct Draft {
    raw: Value,
}

/// `structuredContent` of a draft that was written.
#[derive(Serialize)]
pub(super) struct DraftDone {
    status: &'static str,
    draft_id: String,
    subject: String,
    to: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cc: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bcc: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    preview: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Output properties for [`DraftDone`].
pub(super) fn draft_schema() -> Value {
    // People, subject and text are in the preview.
    json!({"draft_id": {"type": "string"}, "link": {"type": "string"}})
}

impl Draft {
    /// `GET /me/messages/{id}?$select=…&$expand=attachments($select=…)` (Mail.Read).
    ///
    /// # Errors
    /// There is no such message; or it is none of the user's drafts.
    pub(super) async fn read(
        mail: &Mail,
        context: &CallContext,
        id: &str,
        scopes: &[&'static str],
    ) -> Result<Self, ToolError> {
        let target = Target::new(format!("/me/messages/{}", segment(id)))
            .with("$select", SELECT)
            .with("$expand", "attachments($select=id,name,contentType,size,isInline)");
        let request = Request::outlook(target).html_bodies();
        let answer = mail.deps.graph.send(asker(context), request).await;
        let draft = Self::of(&answer.map_err(|error| tool_error(error, scopes))?)
            .map_err(|error| tool_error(error, scopes))?;
        if draft.raw.get("isDraft").and_then(Value::as_bool) != Some(true) {
            let text = "`draft_id` is the id of a message that was sent or received, and not of a draft. It was not \
                        touched.";
            return Err(ToolError::invalid("draft_id", text));
        }
        Ok(draft)
    }

    /// The draft that a write answered.
    pub(super) fn of(answer: &Answer) -> Result<Self, GraphError> {
        Ok(Self { raw: answer.view()? })
    }

    /// Half a draft would only confuse. If it cannot be removed, the person sees it in Drafts.
    pub(super) async fn discard(&self, mail: &Mail, context: &CallContext) {
        let target = Target::new(format!("/me/messages/{}", segment(self.id())));
        let request = Request::write(Method::DELETE, target, None);
        if let Err(error) = mail.deps.graph.send(asker(context), request).await {
            tracing::debug!(%error, "a draft that could not be completed stays");
        }
    }

    /// Names of the files with these ids.
    ///
    /// # Errors
    /// One of them is none of this draft's.
    pub(super) fn files(&self, ids: &[String]) -> Result<Vec<String>, ToolError> {
        let all = self.raw.get("attachments").and_then(Value::as_array);
        let text = |file: &Value, name: &str| file.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = |id: &String| {
            let hit = all.into_iter().flatten().find(|file| text(file, "id").as_deref() == Some(id.as_str()));
            hit.map(|file| line(&text(file, "name").unwrap_or_default())).ok_or_else(|| {
                let text = "`remove_attachment_ids` names a file that this draft does not have. get_email lists them.";
                ToolError::invalid("remove_attachment_ids", text)
            })
        };
        ids.iter().map(name).collect()
    }

    fn text(&self, pointer: &str) -> &str {
        self.raw.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn id(&self) -> &str {
        self.text("/id")
    }

    /// For `If-Match`.
    pub(super) fn etag(&self) -> &str {
        self.text("/@odata.etag")
    }

    /// Addresses of one of [`FIELDS`].
    pub(super) fn people(&self, field: &str) -> Vec<String> {
        let all = self.raw.get(field).and_then(Value::as_array);
        let address = |person: &Value| Some(person.pointer("/emailAddress/address")?.as_str()?.to_owned());
        all.into_iter().flatten().filter_map(address).collect()
    }

    /// Somebody it goes to whose address cannot be shown or checked, such as a private list of contacts.
    pub(super) fn unaddressed(&self) -> Option<&str> {
        let all = FIELDS.iter().filter_map(|field| self.raw.get(*field)?.as_array()).flatten();
        let address = |person: &Value| person.pointer("/emailAddress/address")?.as_str().map(str::len);
        let mut nameless = all.filter(|person| address(person).is_none_or(|length| length == 0));
        nameless.next().map(|person| {
            person.pointer("/emailAddress/name").and_then(Value::as_str).unwrap_or("(without a name)")
        })
    }

    /// Addresses of everybody it goes to.
    pub(super) fn everybody(&self) -> Vec<String> {
        FIELDS.iter().flat_map(|field| self.people(field)).collect()
    }

    /// The body as HTML, whatever it was written in.
    pub(super) fn html(&self) -> &str {
        self.text("/body/content")
    }

    /// All that a reader of the mail will get; a confirmation is about exactly this.
    pub(super) fn content(&self) -> Value {
        let kept = ["id", "subject", "from", "replyTo", "importance", "body", "attachments"];
        let all = self.raw.as_object().into_iter().flatten();
        all.filter(|(name, _)| kept.contains(&name.as_str()) || FIELDS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// For a person to look at.
    pub(super) async fn preview(
        &self,
        mail: &Mail,
        context: &CallContext,
        what: &str,
    ) -> Result<String, ToolError> {
        let attachments = self.raw.get("attachments").and_then(Value::as_array);
        let name = |file: &Value| Some(line(file.get("name")?.as_str()?));
        let preview = Preview {
            what: what.to_owned(),
            people: FIELDS.map(|field| self.people(field)),
            own_domain: own_domain(mail, context).await?,
            subject: line(self.text("/subject")),
            importance: self.text("/importance").to_owned(),
            attachments: attachments.into_iter().flatten().filter_map(name).collect(),
            body: Some(RawBody { content: self.html().to_owned(), html: true, cut: false }),
        };
        preview.text().await
    }

    /// The answer of a tool that wrote it.
    pub(super) async fn output(
        &self,
        mail: &Mail,
        context: &CallContext,
        warnings: Vec<String>,
    ) -> Result<ToolOutput, ToolError> {
        let place = context.mailbox.as_ref().map(|mailbox| format!(" in {mailbox}")).unwrap_or_default();
        let preview = self.preview(mail, context, &format!("Saved as a draft{place}, not sent:")).await?;
        let id = context.marked(self.id());
        let text = format!("{preview}\n\ndraft_id: {id}\n");
        let [to, cc, bcc] = FIELDS.map(|field| self.people(field));
        let done = DraftDone {
            status: "done",
            draft_id: id,
            subject: line(self.text("/subject")),
            to,
            cc,
            bcc,
            link: self.text("/webLink").to_owned(),
            preview,
            warnings,
        };
        output(|| with_notes(text, &done.warnings, None), &done, OutputFormat::Text)
    }
}

/// The user's own mail domain.
pub(super) async fn own_domain(mail: &Mail, context: &CallContext) -> Result<String, ToolError> {
    let access = mail.deps.graph.access(&context.caller.user).await;
    let access = access.map_err(|error| tool_error(error, &[]))?;
    Ok(Frame::domain_of(&access.profile.username))
}

/// A new text above the history of an answer, where there is one.
pub(super) fn above_history(own: &str, html: &str) -> String {
    format!("{own}{}", history(html).unwrap_or_default())
}

/// From the line above the history to the end of the body.
fn history(html: &str) -> Option<&str> {
    let mark = html.find(HISTORY)?;
    let before = html.get(..mark)?;
    let block = before.rfind('<')?;
    let rule = before.get(..block)?.trim_end();
    let start = rule
        .rfind("<hr")
        .filter(|at| rule.get(*at..).is_some_and(|tag| tag.find('>') == Some(tag.len() - 1)));
    let below = html.get(start.unwrap_or(block)..)?;
    Some(below.split("</body>").next().unwrap_or(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_begins_at_its_line() {
        let html = "<html><body><p>old</p><hr tabindex=\"-1\"><div id=\"divRplyFwdMsg\" dir=\"ltr\">From: B</div>\
                    <p>quoted</p></body></html>";
        let below = "<hr tabindex=\"-1\"><div id=\"divRplyFwdMsg\" dir=\"ltr\">From: B</div><p>quoted</p>";
        assert_eq!(above_history("<p>new</p>", html), format!("<p>new</p>{below}"));
        let bare = "<body>x<div id=\"divRplyFwdMsg\">y</div></body>";
        assert_eq!(above_history("n", bare), "n<div id=\"divRplyFwdMsg\">y</div>");
        assert_eq!(above_history("n", "<p>no history</p>"), "n");
        for odd in ["id=\"divRplyFwdMsg\"", "<hr>id=\"divRplyFwdMsg\"", "<hr><b id=\"divRplyFwdMsg\""] {
            above_history("n", odd);
        }
    }
}

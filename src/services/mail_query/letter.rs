//! What a caller wants of a mail, in Graph's words. Everything that writes mail shares it.

use super::enclose::attach_schema;
use super::message::RawBody;
use crate::extract::html::mail_html_to_text;
use crate::services::answer::clipped;
use crate::services::markup::{self, BodyForm};
use crate::services::people::{addresses, people_schema};
use crate::tools::error::ToolError;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

const MAX_SUBJECT: usize = 255;
/// Characters of a body in a preview.
const MAX_SHOWN: usize = 6000;
/// Graph's names of the fields with people.
pub(super) const FIELDS: [&str; 3] = ["toRecipients", "ccRecipients", "bccRecipients"];

/// The arguments that all of them know.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Letter {
    to: Option<Vec<String>>,
    cc: Option<Vec<String>>,
    bcc: Option<Vec<String>>,
    subject: Option<String>,
    body: Option<String>,
    body_format: BodyForm,
    pub(super) importance: Option<String>,
    /// References of [`super::enclose`].
    pub(super) attach: Vec<String>,
}

/// The people of a mail, field by field as in [`FIELDS`]; `None` where nothing was said.
#[derive(Clone, Debug, Default)]
pub(super) struct People(pub(super) [Option<Vec<String>>; 3]);

impl People {
    /// All of them.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.iter().flatten().flatten().cloned().collect()
    }

    /// As members of a message.
    pub(super) fn members(&self) -> Map<String, Value> {
        let named = FIELDS.iter().zip(&self.0);
        named
            .filter_map(|(field, people)| Some(((*field).to_owned(), recipients(people.as_ref()?))))
            .collect()
    }
}

/// `recipient` objects.
pub(super) fn recipients(people: &[String]) -> Value {
    people.iter().map(|address| json!({"emailAddress": {"address": address}})).collect()
}

/// Input properties for [`Letter`] and those of one tool, which win.
pub(super) fn letter_schema(own: Value) -> Value {
    let mut all = json!({
        "to": people_schema("Mail addresses"),
        "cc": people_schema("As to"),
        "bcc": people_schema("As to"),
        "subject": {"type": "string", "description": "One line"},
        "body": {"type": "string", "description": "The text"},
        "body_format": {"type": "string", "enum": ["markdown", "html", "text"], "description": "markdown unless given"},
        "importance": {"type": "string", "enum": ["low", "normal", "high"], "description": "normal unless given"},
        "attach": attach_schema(),
    });
    if let (Some(all), Value::Object(own)) = (all.as_object_mut(), own) {
        all.extend(own);
    }
    all
}

impl Letter {
    /// The people, each address once per field.
    pub(super) fn people(&self) -> Result<People, ToolError> {
        let one = |field: &str, people: &Option<Vec<String>>| {
            people.as_ref().map(|people| addresses(field, people)).transpose()
        };
        Ok(People([one("to", &self.to)?, one("cc", &self.cc)?, one("bcc", &self.bcc)?]))
    }

    /// The subject. A line break could begin another header.
    pub(super) fn subject(&self) -> Result<Option<&str>, ToolError> {
        let Some(subject) = self.subject.as_deref().map(str::trim) else { return Ok(None) };
        if subject.contains(char::is_control) {
            return Err(ToolError::invalid("subject", "`subject` is one line, without line breaks."));
        }
        if subject.chars().count() > MAX_SUBJECT {
            return Err(ToolError::invalid(
                "subject",
                format!("`subject` may have {MAX_SUBJECT} characters."),
            ));
        }
        Ok(Some(subject))
    }

    /// The body as it goes out, made away from the async workers.
    pub(super) async fn body(&self) -> Result<Option<RawBody>, ToolError> {
        let Some(body) = self.body.clone() else { return Ok(None) };
        if self.body_format == BodyForm::Text {
            markup::check_length("body", &body)?;
            return Ok(Some(RawBody { content: body, html: false, cut: false }));
        }
        let form = self.body_format;
        let made = tokio::task::spawn_blocking(move || markup::html("body", &body, form)).await;
        let content = made.map_err(|_| ToolError::internal("the conversion of a body failed"))??;
        Ok(Some(RawBody { content, html: true, cut: false }))
    }

    /// Subject and importance as members of a message.
    pub(super) fn heads(&self) -> Result<Map<String, Value>, ToolError> {
        let subject = self.subject()?.map(|subject| ("subject".to_owned(), json!(subject)));
        let importance = self.importance.as_ref().map(|word| ("importance".to_owned(), json!(word)));
        Ok(subject.into_iter().chain(importance).collect())
    }
}

/// `itemBody` of a body.
pub(super) fn item_body(body: &RawBody) -> (String, Value) {
    let kind = if body.html { "html" } else { "text" };
    ("body".to_owned(), json!({"contentType": kind, "content": body.content}))
}

/// A mail for a person to look at before it goes anywhere.
#[derive(Default)]
pub(super) struct Preview {
    /// What is about to happen.
    pub(super) what: String,
    /// To, Cc, Bcc.
    pub(super) people: [Vec<String>; 3],
    /// The user's own domain: everybody else is marked.
    pub(super) own_domain: String,
    pub(super) subject: String,
    pub(super) importance: String,
    pub(super) attachments: Vec<String>,
    pub(super) body: Option<RawBody>,
}

impl Preview {
    /// Addresses and not names, which anybody may choose; the body as text, hidden parts counted.
    pub(super) async fn text(self) -> Result<String, ToolError> {
        let mut out = format!("{}\n", self.what);
        let shown = |address: &String| {
            let domain = address.rsplit('@').next().unwrap_or_default();
            let external = !self.own_domain.is_empty() && !domain.eq_ignore_ascii_case(&self.own_domain);
            if external { format!("{address} (external)") } else { address.clone() }
        };
        for (name, people) in ["To", "Cc", "Bcc"].iter().zip(&self.people) {
            if !people.is_empty() {
                let people: Vec<String> = people.iter().map(shown).collect();
                let _ = writeln!(out, "- {name}: {}", people.join(", "));
            }
        }
        if !self.subject.is_empty() {
            let _ = writeln!(out, "- Subject: {}", self.subject);
        }
        if !matches!(self.importance.as_str(), "" | "normal") {
            let _ = writeln!(out, "- Importance: {}", self.importance);
        }
        if !self.attachments.is_empty() {
            let _ = writeln!(out, "- Attachments: {}", self.attachments.join(", "));
        }
        let Some(body) = self.body else { return Ok(out) };
        let (text, hidden) = tokio::task::spawn_blocking(move || readable(body))
            .await
            .map_err(|_| ToolError::internal("the conversion of a body failed"))?;
        if hidden > 0 {
            let _ = writeln!(out, "- Beware: {hidden} parts of the text cannot be seen by a reader");
        }
        let _ = write!(out, "\n{}", text.trim());
        Ok(out)
    }
}

fn readable(body: RawBody) -> (String, usize) {
    let (text, hidden) = if body.html {
        let done = mail_html_to_text(&body.content, body.content.len());
        (done.text, done.hidden_removed)
    } else {
        (body.content, 0)
    };
    (clipped(text, MAX_SHOWN), hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(json: Value) -> Letter {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_subject_is_one_line_whatever_it_says() {
        for subject in ["\"Crane\" 🏗 <b>", "שלום עולם", "안녕", "  trimmed \n"] {
            assert_eq!(letter(json!({"subject": subject})).subject().unwrap(), Some(subject.trim()));
        }
        for subject in ["x\r\nBcc: eve@fabrikam.example", "x\ny", "a\u{0}b", "\u{85}x"] {
            let refused = letter(json!({"subject": subject})).subject().map(|s| s.map(str::to_owned));
            assert_eq!(refused.is_err(), subject.trim().contains(char::is_control), "{subject:?}");
        }
        assert!(letter(json!({"subject": "x".repeat(256)})).subject().is_err());
    }

    #[tokio::test]
    async fn a_preview_marks_strangers_and_what_cannot_be_seen() {
        let body = "<p>Hello</p><div style=\"display:none\">the password</div>".to_owned();
        let preview = Preview {
            what: "Send this mail:".to_owned(),
            people: [
                vec!["bob@contoso.example".to_owned()],
                Vec::new(),
                vec!["eve@fabrikam.example".to_owned()],
            ],
            own_domain: "contoso.example".to_owned(),
            subject: "Crane".to_owned(),
            importance: "high".to_owned(),
            attachments: vec!["plan.pdf".to_owned()],
            body: Some(RawBody { content: body, html: true, cut: false }),
        };
        let text = preview.text().await.unwrap();
        for part in [
            "- To: bob@contoso.example\n",
            "- Bcc: eve@fabrikam.example (external)\n",
            "- Importance: high",
            "- Attachments: plan.pdf",
            "1 parts",
            "Hello",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("Cc: \n") && !text.contains("password"), "{text}");
    }
}

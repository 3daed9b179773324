//! `mailbox_settings`: time zone, working hours and automatic replies; the replies can be set.

use super::{ALIASES, Mail, asker};
use crate::extract::html::mail_html_to_text;
use crate::graph::encode::Target;
use crate::graph::error::GraphError;
use crate::graph::request::Request;
use crate::services::answer::output;
use crate::services::args::{OutputFormat, typed};
use crate::services::fault::tool_error;
use crate::services::markup::{self, BodyForm};
use crate::services::time::{Edge, local_text, moment};
use crate::services::zone;
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

const NAME: &str = "mailbox_settings";
pub(super) const SCOPES: &[&str] = &["MailboxSettings.ReadWrite"];
/// Characters of a reply that are shown.
const MAX_SHOWN: usize = 4000;

/// The tool.
pub(super) struct MailboxSettings {
    mail: Arc<Mail>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    auto_reply: Option<String>,
    start: Option<String>,
    end: Option<String>,
    internal_message: Option<String>,
    external_message: Option<String>,
    external_audience: Option<String>,
}

/// The settings as callers get them. Absent members are left out.
#[derive(Default, Serialize)]
struct Told {
    status: &'static str,
    time_zone: String,
    working_hours: String,
    auto_reply: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    internal_message: String,
    external_message: String,
    external_audience: String,
}

impl MailboxSettings {
    pub(super) fn new(mail: Arc<Mail>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let properties = json!({
            "auto_reply": {"type": "string", "enum": ["off", "on", "scheduled"], "description": "To set it; otherwise all is only read"},
            "start": text("When scheduled: 2026-03-31T18:00 on the user's clock"),
            "end": text("As start"),
            "internal_message": text("Markdown for colleagues"),
            "external_message": text("Markdown for everybody else"),
            "external_audience": {"type": "string", "enum": ["none", "contacts", "all"], "description": "Who else gets one"},
        });
        let out = |name: &str| (name.to_owned(), json!({"type": "string"}));
        // The rest of the answer has the names of the arguments.
        let told = ["time_zone", "working_hours", "auto_reply"];
        let spec = ToolSpec {
            name: NAME,
            title: "Mailbox Settings",
            description: "Read time zone, working hours and automatic replies, or set replies, after a confirmation.",
            input_schema: json!({"type": "object", "properties": inputs(properties, true)}),
            output_schema: outcome_schema(told.map(out).into_iter().collect::<Map<_, _>>().into()),
            annotations: Annotations::WRITE.idempotent().open_world(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { mail, spec }
    }

    /// `GET /me/mailboxSettings` (MailboxSettings.Read), which takes no options.
    async fn read(&self, context: &CallContext) -> Result<Value, ToolError> {
        let request = Request::outlook(Target::new("/me/mailboxSettings"));
        let answer = self.mail.deps.graph.send(asker(context), request).await.map_err(fault)?;
        answer.view().map_err(fault)
    }

    /// `PATCH /me/mailboxSettings` (MailboxSettings.ReadWrite).
    async fn write(&self, context: &CallContext, setting: &Value) -> Result<(), ToolError> {
        let body = Bytes::from(json!({ "automaticRepliesSetting": setting }).to_string());
        let request = Request::write(Method::PATCH, Target::new("/me/mailboxSettings"), Some(body));
        self.mail.deps.graph.send(asker(context), request).await.map_err(fault)?;
        Ok(())
    }
}

fn fault(error: GraphError) -> ToolError {
    tool_error(error, SCOPES)
}

/// What is to be, in Graph's words; what is not given stays.
async fn wanted(wish: Wish, zone: Tz) -> Result<Value, ToolError> {
    let mut out = Map::new();
    let status = match wish.auto_reply.as_deref() {
        Some("off") => "disabled",
        Some("scheduled") => "scheduled",
        _ => "alwaysEnabled",
    };
    out.insert("status".to_owned(), json!(status));
    if status == "scheduled" {
        let part = |field: &str, text: Option<&str>, edge: Edge| {
            let missing = || ToolError::invalid(field, format!("`{field}` is needed for a scheduled reply."));
            moment(field, text.ok_or_else(missing)?, zone, edge)
        };
        let (start, end) = (
            part("start", wish.start.as_deref(), Edge::Start)?,
            part("end", wish.end.as_deref(), Edge::End)?,
        );
        if end <= start {
            return Err(ToolError::invalid("end", "`end` must come after `start`."));
        }
        let at = |at: DateTime<Utc>| json!({"dateTime": at.format("%Y-%m-%dT%H:%M:%S").to_string(), "timeZone": "UTC"});
        out.insert("scheduledStartDateTime".to_owned(), at(start));
        out.insert("scheduledEndDateTime".to_owned(), at(end));
    } else if wish.start.is_some() || wish.end.is_some() {
        return Err(ToolError::invalid("start", "`start` and `end` go with `auto_reply` scheduled."));
    }
    let audience =
        wish.external_audience.map(|who| if who == "contacts" { "contactsOnly".to_owned() } else { who });
    out.extend(audience.map(|who| ("externalAudience".to_owned(), json!(who))));
    for (field, name, text) in [
        ("internal_message", "internalReplyMessage", wish.internal_message),
        ("external_message", "externalReplyMessage", wish.external_message),
    ] {
        let Some(text) = text else { continue };
        let made = tokio::task::spawn_blocking(move || markup::html(field, &text, BodyForm::Markdown)).await;
        let html = made.map_err(|_| ToolError::internal("the conversion of a message failed"))??;
        out.insert(name.to_owned(), json!(html));
    }
    Ok(out.into())
}

/// The settings with `setting` on top of the automatic replies.
fn told(raw: &Value, setting: Option<&Value>, zone: Tz) -> Told {
    let mut reply =
        raw.get("automaticRepliesSetting").and_then(Value::as_object).cloned().unwrap_or_default();
    reply.extend(setting.and_then(Value::as_object).cloned().into_iter().flatten());
    let reply = Value::from(reply);
    let text = |of: &Value, at: &str| of.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let plain = |at: &str| mail_html_to_text(&text(&reply, at), MAX_SHOWN).text.trim().to_owned();
    let time = |name: &str| {
        let wall = text(&reply, &format!("/{name}/dateTime"));
        let wall =
            wall.get(..19).and_then(|wall| NaiveDateTime::parse_from_str(wall, "%Y-%m-%dT%H:%M:%S").ok())?;
        let from = zone::named(&text(&reply, &format!("/{name}/timeZone"))).unwrap_or(Tz::UTC);
        let at = wall.and_local_timezone(from).earliest()?;
        Some(local_text(at.to_utc(), zone))
    };
    let scheduled = text(&reply, "/status") == "scheduled";
    let days = raw.pointer("/workingHours/daysOfWeek").and_then(Value::as_array);
    let days: Vec<&str> = days.into_iter().flatten().filter_map(Value::as_str).collect();
    let hour = |at: &str| text(raw, at).get(..5).unwrap_or_default().to_owned();
    Told {
        status: "done",
        time_zone: text(raw, "/timeZone"),
        working_hours: format!(
            "{} {} to {}",
            days.join(", "),
            hour("/workingHours/startTime"),
            hour("/workingHours/endTime")
        ),
        auto_reply: match text(&reply, "/status").as_str() {
            "alwaysEnabled" => "on".to_owned(),
            "scheduled" => "scheduled".to_owned(),
            _ => "off".to_owned(),
        },
        start: time("scheduledStartDateTime").filter(|_| scheduled),
        end: time("scheduledEndDateTime").filter(|_| scheduled),
        internal_message: plain("/internalReplyMessage"),
        external_message: plain("/externalReplyMessage"),
        external_audience: match text(&reply, "/externalAudience").as_str() {
            "contactsOnly" => "contacts".to_owned(),
            other => other.to_owned(),
        },
    }
}

impl Told {
    fn print(&self) -> String {
        let mut out = format!("- Automatic replies: {}\n", self.auto_reply);
        let period =
            self.start.as_ref().zip(self.end.as_ref()).map(|(start, end)| format!("{start} to {end}"));
        for (name, value) in [
            ("When", period.as_deref().unwrap_or_default()),
            ("To colleagues", &self.internal_message),
            ("To everybody else", &self.external_message),
            ("Who else gets one", &self.external_audience),
            ("Time zone", &self.time_zone),
            ("Working hours", &self.working_hours),
        ] {
            if !value.is_empty() {
                let _ = writeln!(out, "- {name}: {value}");
            }
        }
        out
    }
}

#[async_trait]
impl Tool for MailboxSettings {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        self.mail.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let raw = self.read(context).await?;
        let own = raw.get("timeZone").and_then(Value::as_str).and_then(zone::named);
        let zone = own.unwrap_or_else(|| self.mail.deps.settings.zone());
        if wish.auto_reply.is_none() {
            let given = ["start", "end", "internal_message", "external_message", "external_audience"];
            if let Some(name) = given.into_iter().find(|name| args.contains_key(*name)) {
                let text = format!(
                    "`{name}` goes with `auto_reply`: say whether replies are to be on, scheduled or off."
                );
                return Err(ToolError::invalid("auto_reply", text));
            }
            let now = told(&raw, None, zone);
            return output(|| now.print(), &now, OutputFormat::Text);
        }
        let setting = wanted(wish, zone).await?;
        let then = told(&raw, Some(&setting), zone);
        if then.auto_reply != "off"
            && then.external_audience != "none"
            && !self.mail.deps.writes.reaches_everybody()
        {
            let text = "This server lets people write to known domains only, and such a reply goes to whoever writes: set \
                        `external_audience` to none.";
            return Err(ToolError::invalid("external_audience", text));
        }
        let write = Write {
            service: "mail-query",
            tool: NAME,
            payload: &setting,
            preview: format!("Set the automatic replies:\n{}", then.print()),
            // Whoever writes to the user gets one.
            leaves: then.auto_reply != "off",
            recipients: ("auto_reply", &[]),
        };
        if let Some(answer) = self.mail.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        self.write(context, &setting).await?;
        let now = told(&self.read(context).await?, None, zone);
        output(|| now.print(), &now, OutputFormat::Text)
    }
}

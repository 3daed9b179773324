//! `teams_send_channel_message`: a post in a channel, or an answer to one, as the user, after a preview.

use super::cards::checked_message_id;
use super::chat::Member;
use super::markup::{ContentFormat, MAX_MENTIONS, mentioned, prefix, written};
use super::team::PlaceItem;
use super::{ALIASES, Desk, asker, person, sent, team};
use crate::graph::encode::{Target, segment};
use crate::graph::request::Request;
use crate::services::answer::{line, with_notes};
use crate::services::args::typed;
use crate::tools::confirm::{Write, inputs, outcome_schema};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

const NAME: &str = "teams_send_channel_message";
/// Permissions of the tool: team and channel are found by name before anything is sent.
pub(super) const SCOPES: &[&str] = &["Team.ReadBasic.All", "Channel.ReadBasic.All", "ChannelMessage.Send"];
const MAX_SUBJECT: usize = 200;
/// Readers that a preview names.
const NAMED: usize = 5;

/// The tool.
pub(super) struct SendChannelMessage {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    team: String,
    channel: String,
    content: String,
    #[serde(default)]
    content_format: ContentFormat,
    subject: Option<String>,
    reply_to: Option<String>,
    #[serde(default)]
    mentions: Vec<String>,
    prefix: Option<String>,
}

#[derive(Serialize)]
struct Posted {
    status: &'static str,
    team: String,
    channel: String,
    message_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    link: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SendChannelMessage {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let properties = json!({
            "team": text("Name or id of a team"),
            "channel": text("Name or id of a channel"),
            "content": text("The message"),
            "content_format": {"type": "string", "enum": ["markdown", "text"], "description": "What content is; markdown unless given"},
            "subject": text("Heading of a new post"),
            "reply_to": text("Id of the post that it answers"),
            "mentions": {"type": "array", "items": {"type": "string"}, "maxItems": 20,
                "description": "People to mention; @Name in content says where"},
            "prefix": text("Stands before the text; [claude] unless given, none for nothing"),
        });
        let required = ["team", "channel", "content"];
        let spec = ToolSpec {
            name: NAME,
            title: "Post in Channel",
            description: "Post a message in a Teams channel as the user, or answer a post there, after a confirmation.",
            input_schema: json!({"type": "object", "properties": inputs(properties, true), "required": required}),
            output_schema: outcome_schema(json!({
                "team": {"type": "string"}, "channel": {"type": "string"}, "message_id": {"type": "string"},
                "link": {"type": "string"}, "warnings": {"type": "array", "items": {"type": "string"}},
            })),
            annotations: Annotations::WRITE.open_world(),
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    /// Who will read it, where the bearer may know. An operator who bounds whom people reach wants to know.
    async fn readers(
        &self,
        context: &CallContext,
        team: &PlaceItem,
        channel: &PlaceItem,
    ) -> Result<Option<Vec<Member>>, ToolError> {
        if !self.desk.deps.writes.reaches_everybody() {
            context.caller.require(NAME, &[SCOPES, &[team::CHANNEL_MEMBERS]].concat())?;
        }
        if !context.caller.scopes.allows(team::CHANNEL_MEMBERS) {
            return Ok(None);
        }
        team::members(&self.desk, context, team, Some(channel)).await.map(Some)
    }

    async fn mentioned(&self, context: &CallContext, names: &[String]) -> Result<Vec<Member>, ToolError> {
        if names.len() > MAX_MENTIONS {
            let text = format!("`mentions` takes at most {MAX_MENTIONS} people.");
            return Err(ToolError::invalid("mentions", text));
        }
        let mut all: Vec<Member> = Vec::new();
        for name in names {
            let one = person::one(&self.desk, context, "mentions", name).await?;
            if !all.contains(&one) {
                all.push(one);
            }
        }
        Ok(all)
    }
}

impl Wish {
    fn subject(&self) -> Result<Option<String>, ToolError> {
        let subject = self.subject.as_deref().map(line).filter(|subject| !subject.is_empty());
        if subject.as_ref().is_some_and(|subject| subject.chars().count() > MAX_SUBJECT) {
            let text = format!("`subject` has at most {MAX_SUBJECT} characters.");
            return Err(ToolError::invalid("subject", text));
        }
        if subject.is_some() && self.reply_to.is_some() {
            return Err(ToolError::invalid(
                "subject",
                "An answer has no `subject` of its own. Leave it out.",
            ));
        }
        Ok(subject)
    }
}

#[async_trait]
impl Tool for SendChannelMessage {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// `POST /teams/{id}/channels/{id}/messages`, or `…/{root}/replies` (ChannelMessage.Send): never repeated.
    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        if wish.content.trim().is_empty() {
            return Err(ToolError::invalid("content", "`content` is empty."));
        }
        let (prefix, subject) = (prefix(wish.prefix.as_deref())?, wish.subject()?);
        let root = wish.reply_to.as_deref().map(|id| checked_message_id("reply_to", id)).transpose()?;
        let (team, channel) = team::channel(&self.desk, context, &wish.team, &wish.channel).await?;
        if team.archived || channel.archived {
            return Err(ToolError::invalid(
                "channel",
                "This channel is archived: it can be read and not written in.",
            ));
        }
        let readers = self.readers(context, &team, &channel).await?;
        let people = match &readers {
            Some(readers) => mentioned(&wish.mentions, readers)?.into_iter().cloned().collect(),
            None => self.mentioned(context, &wish.mentions).await?,
        };
        let message =
            written(&wish.content, wish.content_format, prefix, &people.iter().collect::<Vec<_>>())?;
        let mut body = json!({"body": {"contentType": "html", "content": message.html}});
        if let Some(members) = body.as_object_mut() {
            members.extend(subject.as_ref().map(|subject| ("subject".to_owned(), json!(subject))));
            if !message.mentions.is_empty() {
                members.insert("mentions".to_owned(), json!(message.mentions));
            }
        }
        let mut ids: Vec<&str> = readers.iter().flatten().map(|one| one.id.as_str()).collect();
        ids.sort_unstable();
        let payload =
            json!({"team": team.id, "channel": channel.id, "root": root, "message": body, "readers": ids});
        // Whoever is not known still hears of it: it counts as a write to others.
        let addresses: Vec<String> = match &readers {
            Some(readers) => readers.iter().map(|one| one.mail.clone()).collect(),
            None => vec![channel.name.clone()],
        };
        let write = Write {
            service: "teams",
            tool: NAME,
            payload: &payload,
            preview: preview(
                &wish,
                (&team, &channel),
                (root, subject.as_deref(), prefix),
                readers.as_deref(),
            ),
            leaves: true,
            recipients: ("channel", &addresses),
        };
        if let Some(answer) = self.desk.deps.writes.hold(context, &args, &write).await? {
            return Ok(answer);
        }
        let below = root.map(|root| format!("/{}/replies", segment(root))).unwrap_or_default();
        let path = format!("/teams/{}/channels/{}/messages{below}", segment(&team.id), segment(&channel.id));
        let request =
            Request::teams_write(Target::new(path), Bytes::from(body.to_string())).in_thread(&channel.id);
        let sending = self.desk.deps.graph.send(asker(context), request);
        let done = sent::once(&self.desk, context, (&payload, SCOPES), sending).await?;
        warnings.extend(done.note());
        let posted = Posted {
            status: "done",
            message_id: done.id,
            link: done.link,
            team: team.name,
            channel: channel.name,
            warnings,
        };
        let text =
            format!("Posted in {} / {}.\nmessage_id: {}\n", posted.team, posted.channel, posted.message_id);
        ToolOutput::new(with_notes(text, &posted.warnings, None), &posted).map_err(ToolError::internal)
    }
}

fn preview(
    wish: &Wish,
    (team, channel): (&PlaceItem, &PlaceItem),
    (root, subject, prefix): (Option<&str>, Option<&str>, Option<&str>),
    readers: Option<&[Member]>,
) -> String {
    let readers = match readers {
        None => "everybody in the channel".to_owned(),
        Some(readers) => {
            let named: Vec<String> = readers.iter().take(NAMED).map(Member::printed).collect();
            match readers.len().saturating_sub(NAMED) {
                0 => named.join(", "),
                more => format!("{} and {more} more", named.join(", ")),
            }
        }
    };
    let what = root.map_or_else(|| "Post".to_owned(), |root| format!("Answer the post {root}"));
    let heading = subject.map(|subject| format!("{subject}\n")).unwrap_or_default();
    let lead = prefix.map(|prefix| format!("{prefix} ")).unwrap_or_default();
    format!(
        "{what} in the channel \"{}\" ({}) of the team \"{}\", read by {readers}:\n\n{heading}{lead}{}",
        channel.name, channel.kind, team.name, wish.content
    )
}

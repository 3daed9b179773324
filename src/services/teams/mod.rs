//! `/teams`: the signed-in user's own chats and teams. Graph shows a chat to nobody but its members, and nothing here
//! asks for another person's. What is sent is confirmed first (see `tools::confirm`).
//!
//! Names walk: what a caller calls a chat → [`recipient`] over [`chat::read`] → one chat, or a refusal that lists
//! what was meant. Texts walk: Graph's HTML → [`message`] → Markdown.

mod cards;
mod chat;
mod edit_message;
mod find_people;
mod get_channel_messages;
mod get_chat_messages;
mod get_chats_by_date;
mod get_meeting;
mod get_presence;
mod guide;
mod help;
mod list_chats;
mod list_members;
mod list_teams;
mod markup;
mod message;
mod names;
mod person;
mod plan;
mod recipient;
mod save_korean_name;
mod search;
mod search_messages;
mod send_channel_message;
mod send_chat_message;
mod sent;
mod team;
mod transcript;

use super::answer::listing_schema;
use super::own::asker;
use super::{ServiceDeps, own, zone};
use crate::domain::ids::ServiceName;
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::ScopeSet;
use crate::graph::error::{Fault, GraphError};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::plan::Planner;
use crate::tools::tool::{Args, Service, Tool};
use std::sync::Arc;

/// Permission of every tool that reads chats.
const SCOPES: &[&str] = &["Chat.Read"];
/// Arguments of other tools of this kind, accepted and checked, not listed.
const ALIASES: &[(&str, &str)] = &[("user_id", "user_id")];
/// The chat with oneself.
const NOTES: &str = "48:notes";

/// What the tools share.
struct Desk {
    deps: ServiceDeps,
    zones: zone::Zones,
}

impl Desk {
    /// See [`own::notes`].
    async fn notes(&self, context: &CallContext, args: &Args) -> Result<Vec<String>, ToolError> {
        own::notes(&self.deps.graph, context, args).await
    }
}

/// A Graph failure in words about chats.
fn fault(error: GraphError, scopes: &[&'static str]) -> ToolError {
    let words = match &error {
        GraphError::Throttled { retry_after, .. } => {
            let seconds = retry_after.as_secs_f64().ceil();
            Some(format!("Microsoft 365 limits requests for Teams. Try again in {seconds} seconds."))
        }
        GraphError::Refused { fault: Fault::NotFound, .. } => Some(
            "There is no such chat, team or message. List the chats and use a chat_id from there, unchanged."
                .to_owned(),
        ),
        GraphError::Refused { fault: Fault::MissingPermission, .. } => Some(format!(
            "Microsoft 365 refused access: the signed-in person is not in this chat or team or has no Teams license, or the \
             permission {} was taken back (then connect again and approve it).",
            scopes.join(" ")
        )),
        GraphError::Token(_)
        | GraphError::Refused { .. }
        | GraphError::Challenged { .. }
        | GraphError::Unavailable { .. }
        | GraphError::TimedOut
        | GraphError::OutcomeUnknown { .. }
        | GraphError::TooLarge { .. }
        | GraphError::ForeignLink
        | GraphError::Cut
        | GraphError::Malformed(_) => None,
    };
    let mut error = super::fault::tool_error(error, scopes);
    if let Some(words) = words {
        error.public = words;
    }
    error
}

/// A Graph failure of a tool that reads chats.
fn read_fault(error: GraphError) -> ToolError {
    fault(error, SCOPES)
}

/// A chat id that can be one; what it is not would only be refused in worse words.
fn checked_chat_id(id: &str) -> Result<&str, ToolError> {
    let id = id.trim();
    let plain = id.len() <= 300 && id.chars().all(|c| c.is_ascii_graphic());
    if plain && (id == NOTES || (id.starts_with("19:") && id.contains('@'))) {
        return Ok(id);
    }
    let text = "`chat_id` must be the id of a chat, such as 19:…@thread.v2 or 48:notes, unchanged from a list of chats. \
                To name a chat or a person, use `recipient_name`.";
    Err(ToolError::invalid("chat_id", text))
}

/// The service.
pub(super) struct Teams {
    info: ServiceInfo,
    tools: Vec<Arc<dyn Tool>>,
    planner: plan::TeamsPlanner,
}

impl Teams {
    pub(super) fn new(deps: &ServiceDeps) -> Self {
        let desk = Arc::new(Desk { deps: deps.clone(), zones: zone::Zones::default() });
        let required =
            ScopeSet::parse("User.Read Chat.Read People.Read").union(&ScopeSet::parse(zone::SCOPE));
        let some = [
            send_chat_message::SCOPES,
            send_channel_message::SCOPES,
            edit_message::SCOPES,
            get_channel_messages::SCOPES,
        ]
        .concat();
        let others = [
            person::DIRECTORY,
            send_chat_message::START,
            edit_message::WRITE,
            get_presence::OWN,
            get_presence::ALL,
            team::TEAM_MEMBERS,
            team::CHANNEL_MEMBERS,
            get_meeting::MEETINGS,
            get_meeting::TRANSCRIPTS,
            get_meeting::EVENTS,
            "Files.Read",
        ];
        let more: ScopeSet = some.into_iter().chain(others).collect();
        let planner = plan::TeamsPlanner { desk: Arc::clone(&desk) };
        let tools: Vec<Arc<dyn Tool>> = vec![
            Arc::new(help::Help::new()),
            Arc::new(list_chats::ListChats::new(Arc::clone(&desk))),
            Arc::new(get_chat_messages::GetChatMessages::new(Arc::clone(&desk))),
            Arc::new(get_chats_by_date::GetChatsByDate::new(Arc::clone(&desk))),
            Arc::new(save_korean_name::SaveKoreanName::new(Arc::clone(&desk))),
            Arc::new(find_people::FindPeople::new(Arc::clone(&desk))),
            Arc::new(send_chat_message::SendChatMessage::new(Arc::clone(&desk))),
            Arc::new(list_members::ListMembers::new(Arc::clone(&desk))),
            Arc::new(list_teams::ListTeams::new(Arc::clone(&desk))),
            Arc::new(list_teams::ListChannels::new(Arc::clone(&desk))),
            Arc::new(search_messages::SearchMessages::new(Arc::clone(&desk))),
            Arc::new(edit_message::EditMessage::new(Arc::clone(&desk))),
            Arc::new(send_channel_message::SendChannelMessage::new(Arc::clone(&desk))),
            Arc::new(get_presence::GetPresence::new(Arc::clone(&desk))),
            Arc::new(get_channel_messages::GetChannelMessages::new(Arc::clone(&desk))),
            Arc::new(get_meeting::GetMeeting::new(desk)),
        ];
        Self {
            info: ServiceInfo {
                name: ServiceName::new("teams"),
                title: "Teams".to_owned(),
                description:
                    "Read, search and write in the signed-in user's Teams chats and channels, and read about meetings and people."
                        .to_owned(),
                supported_scopes: required.union(&more),
                required_scopes: required,
            },
            tools,
            planner,
        }
    }
}

impl Service for Teams {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }

    fn instructions(&self) -> &'static str {
        guide::INSTRUCTIONS
    }

    fn guide(&self) -> &'static str {
        guide::HELP
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    fn planner(&self) -> Option<&dyn Planner> {
        Some(&self.planner)
    }
}

//! Plain-language requests to Teams: chats, what was said in them, teams, presence.

use super::Desk;
use crate::planner::{Area, Intent, Noun, Reading};
use crate::services::asked::{Wanted, is_for, mentions, named, phrase, read};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::plan::{Plan, Planner};
use async_trait::async_trait;
use std::sync::Arc;

/// Largest pages of the tools.
const HITS: usize = 50;
const MESSAGES: usize = 200;

/// The planner.
pub(super) struct TeamsPlanner {
    pub(super) desk: Arc<Desk>,
}

impl TeamsPlanner {
    fn person(&self, reading: &Reading) -> Option<String> {
        reading.with.first().map(|party| named(&self.desk.deps, party))
    }

    fn messages(&self, reading: &Reading) -> Plan {
        let deps = &self.desk.deps;
        let mut wanted = Wanted::default();
        wanted.put_some("keyword", phrase(reading));
        wanted.put_some(
            "from",
            reading.from.first().or_else(|| reading.with.first()).map(|party| named(deps, party)),
        );
        wanted.put_some("to", reading.to.first().map(|party| named(deps, party)));
        wanted.put_period("since", "before", reading.period.as_ref());
        wanted.put_some("has_attachment", reading.attachments);
        if reading.noun == Some(Noun::Channel) {
            wanted.put("search_scope", "channels");
        }
        wanted.put_limit(reading, HITS);
        let one_only = reading.from.len() + reading.to.len() + reading.with.len() > 1;
        let note = if one_only { "Only the first of the people is searched for." } else { "" };
        wanted.plan("teams_search_messages", reading, note)
    }

    /// The chats themselves: of a period, with somebody, unread ones.
    fn chats(&self, reading: &Reading) -> Plan {
        let mut wanted = Wanted::default();
        if reading.period.is_some() && !reading.unread {
            wanted.put_period("start_date", "end_date", reading.period.as_ref());
            wanted.put_some("user_name_filter", self.person(reading));
            return wanted.plan("teams_get_chats_by_date", reading, "");
        }
        if reading.unread {
            wanted.put("unread_only", true);
        }
        wanted.put_some("filter_by_name", self.person(reading));
        wanted.put_limit(reading, MESSAGES);
        wanted.plan("teams_list_chats", reading, "")
    }
}

#[async_trait]
impl Planner for TeamsPlanner {
    async fn plan(&self, context: &CallContext, request: &str) -> Result<Option<Plan>, ToolError> {
        let (reading, _) = read(&self.desk.deps, &self.desk.zones, context, request, Area::Chat).await;
        // "Is Bob available?" is asked of the calendar elsewhere, of presence here.
        let is_presence = !reading.change
            && (reading.free && reading.period.is_none()
                || mentions(request, &["online", "presence", "온라인", "자리"]));
        if is_presence {
            let people: Vec<String> = reading.people().map(|party| named(&self.desk.deps, party)).collect();
            let mut wanted = Wanted::default();
            if !people.is_empty() {
                wanted.put("people", people);
            }
            return Ok(Some(wanted.plan("teams_get_presence", &reading, "")));
        }
        if !is_for(&reading, Area::Chat) {
            return Ok(None);
        }
        if reading.noun == Some(Noun::Team) {
            return Ok(Some(Wanted::default().plan("teams_list_teams", &reading, "")));
        }
        let has_words = !reading.words.is_empty() || reading.subject.is_some();
        let has_author = !reading.from.is_empty() || !reading.to.is_empty();
        if !has_words
            && !has_author
            && let Some(person) =
                self.person(&reading).filter(|_| !reading.unread && reading.intent != Intent::Count)
        {
            let mut wanted = Wanted::default();
            wanted.put("recipient_name", person);
            wanted.put_period("since", "before", reading.period.as_ref());
            wanted.put_limit(&reading, MESSAGES);
            return Ok(Some(wanted.plan("teams_get_chat_messages", &reading, "")));
        }
        if has_words || has_author || reading.attachments.is_some() {
            return Ok(Some(self.messages(&reading)));
        }
        Ok(Some(self.chats(&reading)))
    }

    fn examples(&self) -> [&'static str; 3] {
        ["Show my unread chats", "팀즈에서 배포 관련 대화 찾아줘", "What did Bob say in Teams yesterday?"]
    }
}

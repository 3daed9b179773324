//! Plain-language requests to the mail service: one becomes a call of `query_email`, or of `simple_query` where numbers are
//! asked for.

use super::asked::asked;
use super::{Mail, list_mail_folders, query_email, simple_query};
use crate::planner::{Area, Intent, Noun};
use crate::services::asked::{Wanted, is_for, read};
use crate::services::time::instant;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::plan::{Plan, Planner};
use async_trait::async_trait;
use std::sync::Arc;

/// The planner.
pub(super) struct MailPlanner {
    pub(super) mail: Arc<Mail>,
}

#[async_trait]
impl Planner for MailPlanner {
    async fn plan(&self, context: &CallContext, request: &str) -> Result<Option<Plan>, ToolError> {
        let deps = &self.mail.deps;
        let (reading, zone) = read(deps, &self.mail.zones, context, request, Area::Mail).await;
        if !is_for(&reading, Area::Mail) {
            return Ok(None);
        }
        let mut wanted = Wanted::default();
        if reading.noun == Some(Noun::MailFolder) && !reading.has_matter() {
            return Ok(Some(wanted.plan(list_mail_folders::NAME, &reading, "")));
        }
        if matches!(reading.intent, Intent::Count | Intent::Analyze) {
            wanted.put("query", request.chars().take(simple_query::MAX_QUERY).collect::<String>());
            return Ok(Some(wanted.plan(simple_query::NAME, &reading, "")));
        }
        let asked = asked(&reading, &deps.settings.organizations, instant(deps.clock.now()), zone);
        for (name, value) in asked.args {
            wanted.put(&name, value);
        }
        Ok(Some(wanted.plan(query_email::NAME, &reading, &asked.notes.join(" "))))
    }

    fn examples(&self) -> [&'static str; 3] {
        [
            "Show unread mail from last week",
            "김민지가 보낸 예산 관련 메일 찾아줘",
            "How many emails did I get yesterday?",
        ]
    }
}

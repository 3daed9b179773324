//! Plain-language requests to a bundle: the service that is meant plans, and what is meant nowhere in particular is searched
//! for everywhere.

use crate::domain::clock::SharedClock;
use crate::planner::{Area, Background, Organizations, explain, read};
use crate::services::asked::phrase;
use crate::services::time::instant;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::plan::{Plan, Planner};
use crate::tools::tool::{Args, Service};
use async_trait::async_trait;
use chrono_tz::Tz;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// Services by what they are asked about.
const AREAS: &[(Area, &str)] = &[
    (Area::Mail, "mail-query"),
    (Area::Calendar, "calendar"),
    (Area::Chat, "teams"),
    (Area::File, "onedrive"),
    (Area::Note, "onenote"),
];
const SEARCH: &str = "search";

/// The planner of a bundle.
pub(super) struct BundlePlanner {
    services: Vec<(Area, Arc<dyn Service>)>,
    /// The tools that the bundle has.
    tools: HashSet<&'static str>,
    clock: SharedClock,
    examples: [&'static str; 3],
}

impl BundlePlanner {
    pub(super) fn of(
        services: &[Arc<dyn Service>],
        tools: HashSet<&'static str>,
        clock: &SharedClock,
    ) -> Self {
        let find = |name: &str| services.iter().find(|service| service.info().name.as_str() == name).cloned();
        let services: Vec<_> = AREAS.iter().filter_map(|(area, name)| Some((*area, find(name)?))).collect();
        let has = |name: &str| tools.contains(name);
        let examples = if has("calendar_list_events") && has("query_email") {
            ["Show unread mail from last week", "다음 주 일정 보여줘", "Search for the budget plan"]
        } else {
            ["Search for the budget plan", "예산 계획 찾아줘", "Find \"hull survey\""]
        };
        Self { services, tools, clock: clock.clone(), examples }
    }
}

#[async_trait]
impl Planner for BundlePlanner {
    async fn plan(&self, context: &CallContext, request: &str) -> Result<Option<Plan>, ToolError> {
        // What is asked about depends on no zone and no table; the service that plans reads again with its own.
        let organizations = Organizations::built_in();
        let background = Background {
            now: instant(self.clock.now()),
            zone: Tz::UTC,
            organizations: &organizations,
            home: None,
            only_home: false,
        };
        let reading = read(request, background);
        if reading.change || !reading.is_request() {
            return Ok(None);
        }
        let words = phrase(&reading);
        let is_mail = reading.people().next().is_some() || reading.unread || reading.folder.is_some();
        let area = reading.area.or(is_mail.then_some(Area::Mail));
        let service = self.services.iter().find(|(of, _)| Some(*of) == area).map(|(_, service)| service);
        if let Some(planner) = service.and_then(|service| service.planner())
            && let Some(plan) = planner.plan(context, request).await?
            && self.tools.contains(plan.tool)
        {
            return Ok(Some(plan));
        }
        let Some(words) = words.filter(|_| self.tools.contains(SEARCH)) else { return Ok(None) };
        let mut arguments = Args::new();
        arguments.insert("query".to_owned(), Value::String(words));
        Ok(Some(Plan { tool: SEARCH, arguments, understood: explain(&reading) }))
    }

    fn examples(&self) -> [&'static str; 3] {
        self.examples
    }
}

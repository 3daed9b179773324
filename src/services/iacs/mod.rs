//! `/iacs`: the working panels of the classification societies (IACS), for those who take part in them. A panel's chair
//! sends agendas under a code, and the members answer under it. Off until `services.enabled` names it.
//!
//! Mail is read by `query_email` itself, so that every rule of it holds here as well. What is kept (panels, their chairs,
//! the usual panel) is each person's own.

mod agenda;
mod assistant;
mod guide;
mod panels;
mod prompts;

use super::own;
use super::{ServiceDeps, SharedTool};
use crate::domain::ids::ServiceName;
use crate::domain::resource::ServiceInfo;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::prompt::Prompt;
use crate::tools::tool::{Args, Service, Tool};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Permission of every tool that reads mail.
const SCOPES: &[&str] = &["Mail.Read"];
/// Arguments that other tools of the original took: accepted and checked, not listed.
const ALIASES: &[(&str, &str)] = &[("user_id", "user_id")];

/// Pages of one search; whoever has more has to name a shorter period.
const MAX_PAGES: usize = 20;

/// What the tools share.
struct Desk {
    deps: ServiceDeps,
    /// `query_email`.
    mail: SharedTool,
}

/// A message as `query_email` tells it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Hit {
    id: String,
    subject: String,
    from: String,
    received_local: String,
    has_attachments: bool,
}

/// What `query_email` found.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Found {
    items: Vec<Hit>,
    has_more: bool,
    next_cursor: Option<String>,
    warnings: Vec<String>,
}

impl Hit {
    /// The sender's address.
    fn address(&self) -> String {
        let inner = self.from.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
        inner.map_or(self.from.as_str(), |(address, _)| address).trim().to_lowercase()
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id, "subject": self.subject, "from": self.from, "received_local": self.received_local,
            "has_attachments": self.has_attachments,
        })
    }

    fn line(&self) -> String {
        let when = self.received_local.get(..16).unwrap_or(&self.received_local).replace('T', " ");
        let files = if self.has_attachments { " · with attachments" } else { "" };
        format!("- {when} **{}** · {}{files}\n  id: {}\n", self.subject, self.from, self.id)
    }
}

/// Properties of a message in an output schema.
fn hit_schema() -> Value {
    json!({"type": "object", "properties": {
        "id": {"type": "string"}, "subject": {"type": "string"}, "from": {"type": "string"},
        "received_local": {"type": "string"}, "has_attachments": {"type": "boolean"},
    }})
}

impl Desk {
    /// See [`own::notes`].
    async fn notes(&self, context: &CallContext, args: &Args) -> Result<Vec<String>, ToolError> {
        own::notes(&self.deps.graph, context, args).await
    }

    /// Asks `query_email`, page by page; its refusals name its arguments.
    async fn find(&self, context: &CallContext, wish: &Value) -> Result<Found, ToolError> {
        let mut args: Args = wish.as_object().cloned().unwrap_or_default();
        let mut all = Found::default();
        for _ in 0..MAX_PAGES {
            let answer = self.mail.call(context, args).await?;
            let page: Found = serde_json::from_str(answer.structured.get()).map_err(ToolError::internal)?;
            all.items.extend(page.items);
            all.warnings.extend(page.warnings);
            all.has_more = page.has_more;
            let Some(cursor) = page.next_cursor else { break };
            args = json!({ "cursor": cursor }).as_object().cloned().unwrap_or_default();
        }
        all.warnings.dedup();
        Ok(all)
    }
}

/// The service.
pub(super) struct Iacs {
    info: ServiceInfo,
    tools: Vec<Arc<dyn Tool>>,
    prompts: Vec<Arc<dyn Prompt>>,
}

impl Iacs {
    /// `mail` is the service whose `query_email` reads.
    pub(super) fn new(deps: &ServiceDeps, mail: &dyn Service) -> Option<Self> {
        let query = mail.tools().iter().find(|tool| tool.spec().name == "query_email")?;
        let desk = Arc::new(Desk { deps: deps.clone(), mail: Arc::clone(query) });
        let tools: Vec<Arc<dyn Tool>> = vec![
            Arc::new(agenda::SearchAgenda::new(Arc::clone(&desk))),
            Arc::new(agenda::SearchResponses::new(Arc::clone(&desk))),
            Arc::new(panels::InsertInfo::new(Arc::clone(&desk))),
            Arc::new(panels::InsertDefaultValue::new(Arc::clone(&desk))),
            Arc::new(assistant::SimpleQuery::new(Arc::clone(&desk))),
            Arc::new(assistant::QueryWithParams::new(desk)),
        ];
        Some(Self {
            info: ServiceInfo {
                name: ServiceName::new("iacs"),
                title: "IACS panels".to_owned(),
                description: "Agendas and responses of the panels of IACS in the signed-in user's own mail."
                    .to_owned(),
                required_scopes: mail.info().required_scopes.clone(),
                supported_scopes: mail.info().required_scopes.clone(),
            },
            tools,
            prompts: prompts::all(),
        })
    }
}

impl Service for Iacs {
    fn info(&self) -> &ServiceInfo {
        &self.info
    }

    fn instructions(&self) -> &'static str {
        guide::INSTRUCTIONS
    }

    fn tools(&self) -> &[Arc<dyn Tool>] {
        &self.tools
    }

    fn prompts(&self) -> &[Arc<dyn Prompt>] {
        &self.prompts
    }
}

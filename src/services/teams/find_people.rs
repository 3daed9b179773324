//! `teams_find_people`: people by name or address, first among those the user has to do with.

use super::{ALIASES, Desk, asker, fault};
use crate::graph::encode::{Target, directory_term, kql_phrase};
use crate::graph::error::GraphError;
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::answer::{Answer, Applied, line, listing_schema};
use crate::services::args::{OutputFormat, output_format_schema, typed};
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

const SCOPES: &[&str] = &["People.Read"];
/// Permission to look beyond the people whom the user has to do with.
pub(super) const DIRECTORY: &str = "User.ReadBasic.All";
const DEFAULT_LIMIT: usize = 10;
const MAX_TEXT: usize = 200;

/// The tool.
pub(super) struct FindPeople {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Deserialize)]
struct Wish {
    text: String,
    limit: Option<usize>,
    #[serde(default)]
    output_format: OutputFormat,
}

/// A person as Graph sends one: `/me/people` and `/users` name the address differently.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PersonView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
    #[serde(borrow)]
    job_title: Text<'a>,
    #[serde(borrow)]
    mail: Text<'a>,
    #[serde(borrow)]
    user_principal_name: Text<'a>,
    #[serde(borrow)]
    scored_email_addresses: Vec<Address<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Address<'a> {
    #[serde(borrow)]
    address: Text<'a>,
}

/// A person as callers get one.
#[derive(Serialize)]
pub(super) struct PersonItem {
    id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) mail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
}

impl PersonItem {
    fn of(view: &PersonView<'_>) -> Self {
        let scored = view.scored_email_addresses.first().map_or("", |scored| &scored.address);
        let mail =
            [&*view.mail, scored, &*view.user_principal_name].into_iter().find(|mail| !mail.is_empty());
        Self {
            id: view.id.to_string(),
            name: line(&view.display_name),
            mail: mail.unwrap_or_default().to_owned(),
            title: line(&view.job_title),
        }
    }
}

impl FindPeople {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let spec = ToolSpec {
            name: "teams_find_people",
            title: "Find People",
            description: "Find people by name or address: first those the user has to do with, then the whole \
                          organization where that is permitted.",
            input_schema: json!({"type": "object", "properties": {
                "text": {"type": "string", "description": "Name, part of a name, or address"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 50, "description": "Most people; 10 unless given"},
                "output_format": output_format_schema(),
            }, "required": ["text"]}),
            output_schema: listing_schema(&json!({
                "id": {"type": "string"}, "name": {"type": "string"}, "mail": {"type": "string"},
                "title": {"type": "string"},
            })),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }

    async fn ask(&self, context: &CallContext, request: Request) -> Result<Vec<PersonItem>, GraphError> {
        let answer = self.desk.deps.graph.send(asker(context), request).await?;
        let page: Page<'_, PersonView<'_>> = answer.view()?;
        Ok(page.value.iter().map(PersonItem::of).collect())
    }

    /// `GET /me/people?$search="…"` (People.Read).
    async fn known(
        &self,
        context: &CallContext,
        phrase: &str,
        top: &str,
    ) -> Result<Vec<PersonItem>, GraphError> {
        let target = Target::new("/me/people")
            .with("$search", phrase)
            .with("$top", top)
            .with("$select", "id,displayName,jobTitle,userPrincipalName,scoredEmailAddresses");
        self.ask(context, Request::teams(target.build())).await
    }

    /// `GET /users?$search="displayName:…" OR "mail:…"` (User.ReadBasic.All).
    async fn everybody(
        &self,
        context: &CallContext,
        text: &str,
        top: &str,
    ) -> Result<Vec<PersonItem>, GraphError> {
        let terms = ["displayName", "mail"].into_iter().filter_map(|property| directory_term(property, text));
        let target = Target::new("/users")
            .with("$search", &terms.collect::<Vec<_>>().join(" OR "))
            .with("$top", top)
            .with("$select", "id,displayName,mail,userPrincipalName,jobTitle");
        self.ask(context, Request::teams(target.build()).eventual()).await
    }
}

#[async_trait]
impl Tool for FindPeople {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let mut warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let text: String = wish.text.chars().take(MAX_TEXT).collect();
        let Some(phrase) = kql_phrase(&text) else {
            return Err(ToolError::invalid("text", "`text` must hold a name or an address."));
        };
        let top = wish.limit.unwrap_or(DEFAULT_LIMIT).to_string();
        let mut engine = "people";
        let mut items = self.known(context, &phrase, &top).await.map_err(|error| fault(error, SCOPES))?;
        if items.is_empty() && context.caller.scopes.allows(DIRECTORY) {
            engine = "directory";
            items = self.everybody(context, &text, &top).await.map_err(|error| fault(error, &[DIRECTORY]))?;
        } else if items.is_empty() {
            warnings.push(format!(
                "Only people whom the user has to do with were searched. The permission {DIRECTORY} opens the whole \
                 organization."
            ));
        }
        let mut text = format!("{} people\n", items.len());
        for person in &items {
            let _ =
                writeln!(text, "- **{}** {} {}\n  id: {}", person.name, person.mail, person.title, person.id);
        }
        let answer = Answer {
            count: items.len(),
            has_more: false,
            next_cursor: None,
            applied: Applied { engine, query: phrase, scanned: items.len(), ..Applied::default() },
            truncated: false,
            max_chars: self.desk.deps.settings.max_chars,
            items,
            warnings,
        };
        answer.output(text, wish.output_format)
    }
}

//! `entrada admin`: the operators' API from the command line. Tables for people, `--json` for programs.

mod api;
mod table;

use super::{CommandError, say};
use crate::adapters::http::PlainHttp;
use crate::config::Sources;
pub(super) use api::AdminError;
use api::Api;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use table::{moments, table};

#[derive(Debug, Args)]
pub(super) struct AdminArguments {
    /// Address of the operators' listener; by default that of the settings (ENTRADA_ADMIN_LISTEN). The token comes
    /// from ENTRADA_ADMIN_TOKEN or ENTRADA_ADMIN_TOKEN_FILE.
    #[arg(long, global = true, env = "ENTRADA_ADMIN_URL", value_name = "URL")]
    url: Option<String>,
    /// Sends the token to another machine by http:// as well; without it only to this one.
    #[arg(long, global = true)]
    plain_http: bool,
    /// Prints JSON as the server answers it.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Registered clients, or all about one.
    Clients { id: Option<String> },
    /// Who let which app act for them.
    Grants(Whose),
    /// People with live grants.
    Users,
    /// MCP sessions of clients before 2026-07-28.
    Sessions,
    /// What happened in a sign-in, by the id on its pages.
    Flow { id: String },
    /// Ends grants at once, on every replica.
    Revoke(Revoked),
    /// Services and tools, and whether they are on.
    Services,
    /// Switches a service, or one tool of it, on.
    Enable { service: String, tool: Option<String> },
    /// Switches a service, or one tool of it, off.
    Disable { service: String, tool: Option<String> },
}

/// Which grants to list.
#[derive(Debug, Args)]
struct Whose {
    /// tid:oid, as `users` shows it.
    #[arg(long)]
    user: Option<String>,
    #[arg(long)]
    client: Option<String>,
    /// Tenant id.
    #[arg(long)]
    tenant: Option<String>,
    #[arg(long)]
    service: Option<String>,
}

/// What to end.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Revoked {
    /// One grant.
    #[arg(long)]
    grant: Option<String>,
    /// Every grant of a user: tid:oid, as `users` shows it.
    #[arg(long)]
    user: Option<String>,
    /// Every grant at a client.
    #[arg(long)]
    client: Option<String>,
    /// Every grant of a tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// A client's registration, with every grant at it.
    #[arg(long)]
    registration: Option<String>,
    /// An MCP session, whose client starts over; its grant stays.
    #[arg(long)]
    session: Option<String>,
}

pub(super) async fn run(arguments: AdminArguments, sources: &Sources) -> Result<(), CommandError> {
    let plain = if arguments.plain_http { PlainHttp::Allowed } else { PlainHttp::Refused };
    let api = Api::new(arguments.url.as_deref(), plain, sources)?;
    let (answer, text) = ask(&api, &arguments.command).await?;
    say(&if arguments.json { answer.to_string() } else { text })?;
    Ok(())
}

/// The answer, and how people read it.
async fn ask(api: &Api, command: &AdminCommand) -> Result<(Value, String), CommandError> {
    let answer = match command {
        AdminCommand::Clients { id: None } => {
            let items = api.list("clients", &[]).await?;
            let text = table(&items, &["client_id", "client_name", "origin", "issued_at"]);
            return Ok((Value::from(items), text));
        }
        AdminCommand::Grants(whose) => {
            let Whose { user, client, tenant, service } = whose;
            let given = [("user", user), ("client", client), ("tenant", tenant), ("service", service)];
            let query: Vec<_> =
                given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
            let items = api.list("grants", &query).await?;
            let text = table(&items, &["id", "user", "client", "service", "last_used_at", "expires_at"]);
            return Ok((Value::from(items), text));
        }
        AdminCommand::Users => {
            let items = api.list("users", &[]).await?;
            let text = table(&items, &["user", "grants", "last_used_at"]);
            return Ok((Value::from(items), text));
        }
        AdminCommand::Sessions => {
            let items = api.list("sessions", &[]).await?;
            let text = table(&items, &["id", "user", "client", "service", "protocol_version", "created_at"]);
            return Ok((Value::from(items), text));
        }
        AdminCommand::Flow { id } => {
            let answer = api.ask(Method::GET, &["flows", id], None).await?;
            let steps = moments(&answer, "steps", "at");
            let text = table(&steps, &["at", "step", "client", "service", "error", "aadsts"]);
            return Ok((answer, text));
        }
        AdminCommand::Services => {
            let answer = api.ask(Method::GET, &["services"], None).await?;
            let text = table(&switches(&answer), &["service", "tool", "state"]);
            return Ok((answer, text));
        }
        AdminCommand::Clients { id: Some(id) } => api.ask(Method::GET, &["clients", id], None).await?,
        AdminCommand::Revoke(revoked) => revoke(api, revoked).await?,
        AdminCommand::Enable { service, tool } => turn(api, service, tool.as_deref(), true).await?,
        AdminCommand::Disable { service, tool } => turn(api, service, tool.as_deref(), false).await?,
    };
    let text = if matches!(command, AdminCommand::Enable { .. } | AdminCommand::Disable { .. }) {
        table(&switches(&json!({ "services": [answer] })), &["service", "tool", "state"])
    } else {
        table::members(&answer)
    };
    Ok((answer, text))
}

async fn revoke(api: &Api, revoked: &Revoked) -> Result<Value, CommandError> {
    let Revoked { grant, user, client, tenant, registration, session } = revoked;
    let places = [("grants", grant), ("clients", registration), ("sessions", session)];
    for (list, id) in places {
        if let Some(id) = id {
            return api.ask(Method::DELETE, &[list, id], None).await;
        }
    }
    let all = [("user", user), ("client", client), ("tenant", tenant)];
    let whose =
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value.clone()?))));
    api.ask(Method::POST, &["revoke"], Some(Value::Object(whose.collect()))).await
}

async fn turn(api: &Api, service: &str, tool: Option<&str>, on: bool) -> Result<Value, CommandError> {
    let mut path = vec!["services", service];
    if let Some(tool) = tool {
        path.extend(["tools", tool]);
    }
    api.ask(Method::PUT, &path, Some(json!({ "enabled": on }))).await
}

/// One row per service and tool.
fn switches(answer: &Value) -> Vec<Value> {
    let of = |value: &Value, name: &str| value.get(name).cloned().unwrap_or_default();
    let list = |value: &Value, name: &str| of(value, name).as_array().cloned().unwrap_or_default();
    let state = |value: &Value| if of(value, "enabled") == true { "on" } else { "OFF" };
    let mut rows = Vec::new();
    for service in list(answer, "services") {
        rows.push(json!({ "service": of(&service, "name"), "tool": "", "state": state(&service) }));
        for tool in list(&service, "tools") {
            rows.push(
                json!({ "service": of(&service, "name"), "tool": of(&tool, "name"), "state": state(&tool) }),
            );
        }
    }
    rows
}

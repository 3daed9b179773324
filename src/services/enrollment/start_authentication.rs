//! `start_authentication`: how the person grants more, or connects another service. The sign-in itself is the client's: it
//! registers, proves itself and takes the tokens, so no link of ours could do it in its place.

use super::{ALIASES, Desk, SCOPES, away};
use crate::domain::scope::ScopeSet;
use crate::services::answer::with_notes;
use crate::services::args::typed;
use crate::tools::account;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;
use url::Url;

/// The tool.
pub(super) struct StartAuthentication {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    services: Vec<String>,
    extra_scopes: Vec<String>,
}

#[derive(Serialize)]
struct Way {
    service: String,
    /// The URL to give to a client.
    connect_url: String,
    /// Where its client sends the person, with its own `client_id`, `redirect_uri` and proof key added.
    authorize_url: String,
    scopes: String,
    missing: String,
    connected: bool,
}

#[derive(Serialize)]
struct Ways {
    items: Vec<Way>,
    /// Where a person sees and ends what is connected.
    account_url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl StartAuthentication {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = json!({"type": "string"});
        let list = |what: &str| json!({"type": "array", "items": {"type": "string"}, "maxItems": 20, "description": what});
        let spec = ToolSpec {
            name: "start_authentication",
            title: "Start Authentication",
            description: "Tell how the user connects services or grants more permissions: the address to give to the client, \
                          and what is missing so far. Nothing is granted by this call.",
            input_schema: json!({"type": "object", "properties": {
                "services": list("Names of services; all unless given"),
                "extra_scopes": list("Permissions to grant beyond what the service needs, e.g. Mail.Send"),
            }}),
            output_schema: json!({"type": "object", "properties": {
                "items": {"type": "array", "items": {"type": "object", "properties": {
                    "service": text, "connect_url": text, "authorize_url": text, "scopes": text, "missing": text,
                    "connected": {"type": "boolean"},
                }}},
                "account_url": text, "warnings": {"type": "array", "items": text},
            }, "required": ["items", "account_url"]}),
            annotations: Annotations::READ,
            scopes: SCOPES,
            aliases: ALIASES,
        };
        Self { desk, spec }
    }
}

#[async_trait]
impl Tool for StartAuthentication {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        let warnings = self.desk.notes(context, &args).await?;
        let wish: Wish = typed(&args)?;
        let resources = &self.desk.offer()?.resources;
        let offered = resources.offered();
        let named = |name: &String| {
            let found = offered.iter().find(|service| service.name.as_str() == name.trim());
            found.copied().ok_or_else(|| {
                let known: Vec<&str> = offered.iter().map(|service| service.name.as_str()).collect();
                ToolError::invalid("services", format!("`services` may name: {}.", known.join(", ")))
            })
        };
        let services = match wish.services.as_slice() {
            [] => offered.clone(),
            some => some.iter().map(named).collect::<Result<_, _>>()?,
        };
        let extra: ScopeSet = wish.extra_scopes.iter().map(|scope| scope.trim().to_owned()).collect();
        let known = offered.iter().fold(ScopeSet::default(), |all, one| all.union(&one.supported_scopes));
        if let Some(odd) = extra.iter().find(|scope| !known.contains(scope)) {
            let odd: String = odd.chars().filter(|c| !c.is_control()).take(60).collect();
            let text =
                format!("`extra_scopes`: no service here uses {odd}. list_permissions tells what there is.");
            return Err(ToolError::invalid("extra_scopes", text));
        }
        let store = self.desk.deps.store.as_ref();
        let grants = account::connections(store, &context.caller.user).await.map_err(away)?;
        let mut items = Vec::new();
        for service in services {
            let scopes = service.required_scopes.union(&extra.intersection(&service.supported_scopes));
            let own: Vec<_> = grants.iter().filter(|grant| grant.service == service.name).collect();
            let granted = own.iter().fold(ScopeSet::default(), |all, grant| all.union(&grant.scopes));
            let missing: ScopeSet = scopes.iter().filter(|scope| !granted.allows(scope)).collect();
            let resource = resources.resource_of(&service.name);
            let query = [("resource", resource.as_str()), ("scope", &scopes.to_string())];
            let authorize = Url::parse_with_params(&format!("{}/authorize", resources.issuer()), query);
            items.push(Way {
                service: service.name.to_string(),
                authorize_url: authorize.map_err(ToolError::internal)?.to_string(),
                connect_url: resource,
                scopes: scopes.to_string(),
                missing: missing.to_string(),
                connected: !own.is_empty(),
            });
        }
        let account_url = format!("{}/account/connections", resources.issuer());
        let mut text = String::new();
        for way in &items {
            let state = match (way.connected, way.missing.is_empty()) {
                (true, true) => "connected".to_owned(),
                (true, false) => format!("connected, without {}", way.missing),
                (false, _) => "not connected".to_owned(),
            };
            let _ = writeln!(text, "- {}: {state}\n  Connect a client to {}", way.service, way.connect_url);
        }
        let _ = writeln!(text, "\nThe person sees and ends connections at {account_url}");
        let ways = Ways { items, account_url, warnings };
        ToolOutput::new(with_notes(text, &ways.warnings, None), &ways).map_err(ToolError::internal)
    }
}

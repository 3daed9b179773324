//! `register_account`: the profile of the signed-in user. Applications and their secrets are the operator's, and refused.

use super::profile::{Person, Profile, person, person_schema, profile_schema};
use super::{Desk, SCOPES};
use crate::services::answer::{line, with_notes};
use crate::services::args::{is_set, typed};
use crate::services::zone;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::keepsakes::PROFILE;
use crate::tools::output::ToolOutput;
use crate::tools::tool::{Annotations, Args, Tool, ToolSpec};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// Longest name, in characters.
const MAX_NAME: usize = 100;
/// Arguments that would register an application.
const CREDENTIALS: [&str; 5] =
    ["oauth_client_id", "oauth_client_secret", "oauth_tenant_id", "oauth_redirect_uri", "email"];

/// The tool.
pub(super) struct RegisterAccount {
    desk: Arc<Desk>,
    spec: ToolSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    user_name: Option<String>,
    time_zone: Option<String>,
    language: Option<String>,
    default_services: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Registered {
    person: Person,
    profile: Profile,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl RegisterAccount {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let text = |what: &str| json!({"type": "string", "description": what});
        let spec = ToolSpec {
            name: "register_account",
            title: "Register Account",
            description: "Keep a profile of the signed-in user at this server: name, time zone, language, favoured services. \
                          It never registers another person or an application.",
            input_schema: json!({"type": "object", "properties": {
                "user_name": text("Name to be called by"),
                "time_zone": text("IANA or Windows name, e.g. Asia/Seoul"),
                "language": text("Language tag, e.g. ko-KR"),
                "default_services": {"type": "array", "items": {"type": "string"}, "maxItems": 20,
                    "description": "Names of services that are used most"},
            }}),
            output_schema: json!({"type": "object", "properties": {
                "person": {"type": "object", "properties": person_schema()},
                "profile": {"type": "object", "properties": profile_schema()},
                "warnings": {"type": "array", "items": {"type": "string"}},
            }, "required": ["person", "profile"]}),
            annotations: Annotations::WRITE.idempotent(),
            scopes: SCOPES,
            aliases: &[
                ("user_id", "user_id"),
                ("use_env_vars", ""),
                ("oauth_client_id", "oauth_client_id"),
                ("oauth_client_secret", "oauth_client_secret"),
                ("oauth_tenant_id", "oauth_tenant_id"),
                ("oauth_redirect_uri", "oauth_redirect_uri"),
                ("email", "email"),
            ],
        };
        Self { desk, spec }
    }

    fn change(&self, wish: Wish) -> Result<impl Fn(&mut Profile) -> Profile + use<>, ToolError> {
        let name = wish.user_name.as_deref().map(line);
        if name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
            let text = format!("`user_name` has at most {MAX_NAME} characters.");
            return Err(ToolError::invalid("user_name", text));
        }
        let zone = wish.time_zone.as_deref().map(|name| {
            let text =
                "`time_zone` must be an IANA or Windows name, such as Asia/Seoul or Korea Standard Time.";
            zone::named(name.trim())
                .map(chrono_tz::Tz::name)
                .ok_or_else(|| ToolError::invalid("time_zone", text))
        });
        let zone = zone.transpose()?;
        let is_tag = |tag: &str| {
            tag.len() <= 35
                && tag
                    .split('-')
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        };
        let language = wish.language.as_deref().map(|tag| tag.trim().to_owned());
        if language.as_ref().is_some_and(|tag| !is_tag(tag)) {
            return Err(ToolError::invalid("language", "`language` must be a language tag, such as ko-KR."));
        }
        let services = wish.default_services;
        let offered = self.desk.offer()?.resources.offered();
        let is_known = |name: &&String| !offered.iter().any(|service| service.name.as_str() == name.trim());
        if services.iter().flatten().find(is_known).is_some() {
            let known: Vec<&str> = offered.iter().map(|service| service.name.as_str()).collect();
            let text = format!("`default_services` may name: {}.", known.join(", "));
            return Err(ToolError::invalid("default_services", text));
        }
        Ok(move |profile: &mut Profile| {
            if let Some(name) = &name {
                profile.user_name.clone_from(name);
            }
            if let Some(zone) = zone {
                zone.clone_into(&mut profile.time_zone);
            }
            if let Some(language) = &language {
                profile.language.clone_from(language);
            }
            if let Some(services) = &services {
                profile.default_services = services.iter().map(|name| name.trim().to_owned()).collect();
            }
            profile.clone()
        })
    }
}

#[async_trait]
impl Tool for RegisterAccount {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn call(&self, context: &CallContext, args: Args) -> Result<ToolOutput, ToolError> {
        if let Some(field) = CREDENTIALS.into_iter().find(|name| is_set(&args, name)) {
            let text = format!(
                "`{field}` is not taken here: the account is the one that signed in, and applications and their secrets are \
                 set up by the operator of this server. Never send a secret through a tool; if this was a real one, \
                 replace it."
            );
            return Err(ToolError::invalid(field, text));
        }
        let warnings = self.desk.notes(context, &args).await?;
        let change = self.change(typed(&args)?)?;
        let person = person(&self.desk, context).await?;
        let profile = self.desk.deps.keepsakes.change(&context.caller.user, PROFILE, change).await?;
        let text = format!("Registered {} <{}>.\n", person.name, person.user_principal_name);
        let registered = Registered { person, profile, warnings };
        ToolOutput::new(with_notes(text, &registered.warnings, None), &registered)
            .map_err(ToolError::internal)
    }
}

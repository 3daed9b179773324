//! What a person told this server about themselves, and what Microsoft says of them.

use super::{Desk, SCOPES, asker, fault};
use crate::graph::encode::Target;
use crate::graph::page::Text;
use crate::graph::request::Request;
use crate::services::answer::line;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::keepsakes::PROFILE;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Kept per user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) user_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) time_zone: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) language: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) default_services: Vec<String>,
}

impl Profile {
    pub(super) async fn of(desk: &Desk, context: &CallContext) -> Result<Self, ToolError> {
        desk.deps.keepsakes.load(&context.caller.user, PROFILE).await
    }
}

/// Properties of a profile in an output schema.
pub(super) fn profile_schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "user_name": text, "time_zone": text, "language": text,
        "default_services": {"type": "array", "items": text},
    })
}

/// Who signed in.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) tenant_id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) mail: String,
    pub(super) user_principal_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) language: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Me<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
    #[serde(borrow)]
    mail: Text<'a>,
    #[serde(borrow)]
    user_principal_name: Text<'a>,
    #[serde(borrow)]
    preferred_language: Text<'a>,
}

/// `GET /me` (User.Read).
pub(super) async fn person(desk: &Desk, context: &CallContext) -> Result<Person, ToolError> {
    let target =
        Target::new("/me").with("$select", "id,displayName,mail,userPrincipalName,preferredLanguage");
    let failed = |error| fault::tool_error(error, SCOPES);
    let answer = desk.deps.graph.send(asker(context), Request::outlook(target)).await.map_err(failed)?;
    let me: Me<'_> = answer.view().map_err(failed)?;
    Ok(Person {
        id: me.id.to_string(),
        tenant_id: context.caller.user.tid.to_string(),
        name: line(&me.display_name),
        mail: me.mail.to_string(),
        user_principal_name: me.user_principal_name.to_string(),
        language: me.preferred_language.to_string(),
    })
}

/// Properties of a person in an output schema.
pub(super) fn person_schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "id": text, "tenant_id": text, "name": text, "mail": text, "user_principal_name": text, "language": text,
    })
}

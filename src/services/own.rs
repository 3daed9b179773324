//! Arguments that name a person or a mailbox: accepted as far as they mean the signed-in user, who is the only one
//! whose data is ever shown.

use super::fault;
use crate::graph::client::GraphClient;
use crate::graph::request::Asker;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::tool::Args;
use serde_json::Value;

/// The asker of a call: the caller, until the call's deadline.
pub(super) fn asker(context: &CallContext) -> Asker<'_> {
    Asker { user: &context.caller.user, deadline: context.deadline }
}

/// Refuses other mailboxes and notes a `user_id` that names somebody else.
pub(super) async fn notes(
    graph: &GraphClient,
    context: &CallContext,
    args: &Args,
) -> Result<Vec<String>, ToolError> {
    let named = |name: &str| args.get(name).and_then(Value::as_str).map(|text| text.trim().to_lowercase());
    let (user_id, mailbox) = (named("user_id"), named("mailbox"));
    let mut notes = Vec::new();
    if user_id.is_none() && mailbox.is_none() {
        return Ok(notes);
    }
    let user = &context.caller.user;
    let access = graph.access(user).await.map_err(|error| fault::tool_error(error, &[]))?;
    let own = access.profile.username.to_lowercase();
    let local = own.split('@').next().unwrap_or_default().to_owned();
    let is_own =
        |text: &str| text == own || text == local || text.eq_ignore_ascii_case(&user.oid) || text == "me";
    if mailbox.is_some_and(|mailbox| !is_own(&mailbox)) {
        return Err(ToolError::invalid(
            "mailbox",
            "Only the signed-in user's own mailbox can be used here. Leave `mailbox` out.",
        ));
    }
    if user_id.is_some_and(|user_id| !is_own(&user_id)) {
        notes.push(
            "`user_id` names somebody else and was ignored: this is the signed-in user's own data."
                .to_owned(),
        );
    }
    Ok(notes)
}

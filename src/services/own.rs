//! Arguments that name a person or a mailbox: accepted as far as they mean the signed-in user, who is the only one
//! whose data is ever shown.

use super::fault;
use crate::graph::client::GraphClient;
use crate::graph::request::Asker;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use crate::tools::tool::Args;
use serde_json::Value;

/// The asker of a call: the caller, in the mailbox of the call, until its deadline.
pub(super) fn asker(context: &CallContext) -> Asker<'_> {
    Asker {
        user: &context.caller.user,
        mailbox: context.mailbox.as_ref(),
        deadline: context.deadline,
        mark: Some(&context.mark),
    }
}

/// Refuses other mailboxes and notes a `user_id` that names somebody else. For tools that know one's own mailbox alone;
/// those that know others enter them, see [`super::mailbox`].
pub(super) async fn notes(
    graph: &GraphClient,
    context: &CallContext,
    args: &Args,
) -> Result<Vec<String>, ToolError> {
    let mailbox = args.get("mailbox").and_then(Value::as_str);
    if let Some(mailbox) = mailbox
        && !is_own(graph, context, mailbox).await?
    {
        return Err(ToolError::invalid(
            "mailbox",
            "Only the signed-in user's own mailbox can be used here. Leave `mailbox` out.",
        ));
    }
    user_notes(graph, context, args).await
}

/// Notes a `user_id` that names somebody else.
pub(super) async fn user_notes(
    graph: &GraphClient,
    context: &CallContext,
    args: &Args,
) -> Result<Vec<String>, ToolError> {
    let user_id = args.get("user_id").and_then(Value::as_str);
    let mut notes = Vec::new();
    if let Some(user_id) = user_id
        && !is_own(graph, context, user_id).await?
    {
        notes.push(
            "`user_id` names somebody else and was ignored: this is the signed-in user's own data."
                .to_owned(),
        );
    }
    Ok(notes)
}

/// Whether a text names the caller: sign-in name, what stands before its `@`, object id, or `me`.
pub(super) async fn is_own(
    graph: &GraphClient,
    context: &CallContext,
    text: &str,
) -> Result<bool, ToolError> {
    let user = &context.caller.user;
    let access = graph.access(user).await.map_err(|error| fault::tool_error(error, &[]))?;
    let (text, own) = (text.trim().to_lowercase(), access.profile.username.to_lowercase());
    let local = own.split('@').next().unwrap_or_default();
    Ok(text == own || text == local || text.eq_ignore_ascii_case(&user.oid) || text == "me")
}

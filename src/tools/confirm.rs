//! What stands between the wish to write and the write: a preview, the person's word, and the operator's bounds.
//!
//! # How a tool uses it
//! ```text
//! let write = Write { service, tool, payload: &payload, preview, leaves: true, recipients: ("attendees", &people) };
//! if let Some(answer) = deps.writes.hold(context, &args, &write).await? {
//!     return Ok(answer);
//! }
//! // ... write exactly `payload`
//! ```
//! Its input schema takes [`inputs`], its output schema [`outcome_schema`]. Everything before `hold` only reads: the
//! call is made again when the person has answered.
//!
//! # Order
//! `dry_run` previews. Then, for writes that leave the mailbox: a `confirm_token` of ours for exactly this payload; else
//! the client asks the person, where it can; else a preview with a token. A token counts once, on any replica.

use super::context::CallContext;
use super::error::{ToolError, ToolErrorKind};
use super::outlet::{Ask, Feature};
use super::output::ToolOutput;
use super::tool::Args;
use crate::domain::canonical;
use crate::domain::cipher::Cipher;
use crate::domain::ids::UserKey;
use crate::domain::random;
use crate::domain::rate::Rate;
use crate::domain::token::Hasher;
use crate::ports::store::{Store, StoreError};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) mod once;
#[cfg(test)]
mod tests;

/// Life of a token.
const LIFE: Duration = Duration::from_mins(10);
/// Start of every token, so that it is not taken for another handle.
const PREFIX: &str = "w_";
const MAX_TOKEN: usize = 64;

/// What an operator allows.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteRules {
    /// Domains of people that may be written to, in lower case; empty: every domain.
    pub(crate) recipient_domains: Vec<String>,
    /// Writes to other people per user and hour; 0: without bound.
    pub(crate) per_hour: u32,
}

/// One write, before it happens.
#[derive(Debug)]
pub(crate) struct Write<'a> {
    pub(crate) service: &'static str,
    pub(crate) tool: &'static str,
    /// All that decides what happens; a token is good for exactly this.
    pub(crate) payload: &'a Value,
    /// What will happen, for a person to read.
    pub(crate) preview: String,
    /// It reaches other people, or cannot be taken back: somebody must say yes first.
    pub(crate) leaves: bool,
    /// Addresses that hear of it, and the argument that names them.
    pub(crate) recipients: (&'static str, &'a [String]),
}

impl<'a> Write<'a> {
    /// The same, said and meant in the mailbox of the call; `bound` is the payload with that mailbox.
    fn placed(&'a self, context: &CallContext, bound: Option<&'a Value>) -> Self {
        let preview = match &context.mailbox {
            Some(mailbox) => format!("In the mailbox {mailbox}:\n{}", self.preview),
            None => self.preview.clone(),
        };
        Self {
            service: self.service,
            tool: self.tool,
            payload: bound.unwrap_or(self.payload),
            preview,
            leaves: self.leaves,
            recipients: self.recipients,
        }
    }
}

/// Guards writes.
pub(crate) struct Writes {
    store: Arc<dyn Store>,
    cipher: Cipher,
    hasher: Hasher,
    rules: WriteRules,
}

/// `structuredContent` of a write that did not happen.
#[derive(Serialize)]
struct Held<'a> {
    status: &'static str,
    preview: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_s: Option<u64>,
    next: &'static str,
}

impl Writes {
    pub(crate) fn new(store: Arc<dyn Store>, cipher: Cipher, hasher: Hasher, rules: WriteRules) -> Self {
        Self { store, cipher, hasher, rules }
    }

    /// `None` when the write may happen now; else the answer of the call.
    ///
    /// # Errors
    /// A recipient outside the allowed domains, a token that is not good for this, a used-up budget, or the question to
    /// the person, which the front asks.
    pub(crate) async fn hold(
        &self,
        context: &CallContext,
        args: &Args,
        write: &Write<'_>,
    ) -> Result<Option<ToolOutput>, ToolError> {
        let bound =
            context.mailbox.as_ref().map(|mailbox| json!({"mailbox": mailbox, "payload": write.payload}));
        let write = &write.placed(context, bound.as_ref());
        let user = &context.caller.user;
        self.check_recipients(write.recipients)?;
        if args.get("dry_run").and_then(Value::as_bool) == Some(true) {
            let next = "This was a dry run: nothing was done. Call again without `dry_run` to do it.";
            return held(&Held::new("preview", &write.preview, next)).map(Some);
        }
        let unattended = context.outlet.unattended.as_ref();
        if !write.leaves && !unattended.is_some_and(|call| call.holds_changes) {
            return Ok(None);
        }
        if let Some(token) = args.get("confirm_token").and_then(Value::as_str) {
            if unattended.is_some_and(|call| !call.said.contains(token)) {
                return Err(unseen());
            }
            self.check(user, write, token).await?;
            self.admit(user, write).await?;
            self.spend(token).await?;
            return Ok(None);
        }
        if !context.offers(Feature::Form) {
            return self.offer(user, write).await.map(Some);
        }
        // The answer is to this very payload: a call that asks for another one is asked anew.
        let key = format!("confirm_{}", short(&canonical::digest(write.payload)));
        let schema = json!({"type": "object", "properties": {}});
        let message = format!("{}\n\nShall this be done?", write.preview);
        let answer = context.ask(&key, Ask::Form { message, schema })?;
        if answer.get("action").and_then(Value::as_str) != Some("accept") {
            let next =
                "The person did not agree: nothing was done. Ask what they want instead of trying again.";
            return held(&Held::new("declined", &write.preview, next)).map(Some);
        }
        self.admit(user, write).await?;
        Ok(None)
    }

    /// Whether the operator lets people reach everybody, known or not.
    pub(crate) fn reaches_everybody(&self) -> bool {
        self.rules.recipient_domains.is_empty()
    }

    fn check_recipients(&self, (field, recipients): (&str, &[String])) -> Result<(), ToolError> {
        let allowed = &self.rules.recipient_domains;
        let is_allowed = |address: &&String| {
            let domain = address.rsplit('@').next().unwrap_or_default().to_lowercase();
            allowed.is_empty() || allowed.contains(&domain)
        };
        let Some(outside) = recipients.iter().find(|address| !is_allowed(address)) else { return Ok(()) };
        let text = format!(
            "This server does not write to {outside}: only people of {} may be reached. Leave that address out of `{field}`.",
            allowed.join(", ")
        );
        Err(ToolError::invalid(field, text))
    }

    /// A preview with a token.
    async fn offer(&self, user: &UserKey, write: &Write<'_>) -> Result<ToolOutput, ToolError> {
        let token = format!("{PREFIX}{}", random::text::<16>());
        let digest = canonical::digest(write.payload);
        let sealed = self.cipher.seal(&place(user, write, &token), digest.as_bytes());
        self.store.put_handle(user, &token, &sealed, LIFE).await.map_err(unavailable)?;
        let next = "Nothing was done yet. Show this to the person; when they agree, call again with the same \
                    arguments and this `confirm_token`.";
        held(&Held {
            confirm_token: Some(&token),
            expires_in_s: Some(LIFE.as_secs()),
            ..Held::new("confirmation_required", &write.preview, next)
        })
    }

    /// Unknown, expired and foreign tokens are one and the same refusal.
    async fn check(&self, user: &UserKey, write: &Write<'_>, token: &str) -> Result<(), ToolError> {
        if token.len() > MAX_TOKEN || !token.starts_with(PREFIX) {
            return Err(gone());
        }
        let sealed = self.store.handle(user, token).await.map_err(unavailable)?.ok_or_else(gone)?;
        let agreed = self.cipher.open(&place(user, write, token), &sealed).map_err(|_| gone())?;
        if agreed != canonical::digest(write.payload).as_bytes() {
            return Err(ToolError::invalid(
                "confirm_token",
                "`confirm_token` was given for other arguments, or what it is about has changed meanwhile. Repeat the \
                 arguments of the preview unchanged, or leave `confirm_token` out to get a new preview.",
            ));
        }
        Ok(())
    }

    /// Of any number of calls with one token, one passes. Spent under every key, since replicas may differ in which key is
    /// the active one while a ring is being changed.
    async fn spend(&self, token: &str) -> Result<(), ToolError> {
        for hash in self.hasher.hashes("confirm", token) {
            if !self.store.spend(&hash, LIFE).await.map_err(unavailable)? {
                return Err(gone());
            }
        }
        Ok(())
    }

    /// The hourly budget of writes to other people.
    async fn admit(&self, user: &UserKey, write: &Write<'_>) -> Result<(), ToolError> {
        if self.rules.per_hour == 0 || write.recipients.1.is_empty() {
            return Ok(());
        }
        let rate = Rate { burst: self.rules.per_hour, period: Duration::from_hours(1) };
        let budget = self.hasher.hash("writes", &user.to_string());
        match self.store.admit(&budget, rate).await.map_err(unavailable)? {
            None => Ok(()),
            Some(retry_after) => {
                let text = format!(
                    "This server lets a person write to others {} times an hour, and that is used up. Nothing was done; \
                     try again in {} minutes.",
                    self.rules.per_hour,
                    retry_after.as_secs().div_ceil(60)
                );
                Err(ToolError::new(ToolErrorKind::RateLimited { retry_after }, text))
            }
        }
    }
}

/// A program confirmed in the person's place.
fn unseen() -> ToolError {
    ToolError::invalid(
        "confirm_token",
        "Nothing was done: the person has not confirmed this. Show them the preview, and ask them to answer with the \
         `confirm_token` itself. Call again after that answer.",
    )
}

impl<'a> Held<'a> {
    fn new(status: &'static str, preview: &'a str, next: &'static str) -> Self {
        Self { status, preview, confirm_token: None, expires_in_s: None, next }
    }
}

fn held(held: &Held<'_>) -> Result<ToolOutput, ToolError> {
    let token = held.confirm_token.map(|token| format!("\nconfirm_token: {token}")).unwrap_or_default();
    let text = format!("{}\n\n{}{token}", held.preview, held.next);
    ToolOutput::new(text, held).map_err(ToolError::internal)
}

/// `properties` of a writing tool's input with those of [`Writes::hold`].
pub(crate) fn inputs(properties: Value, confirmed: bool) -> Value {
    let mut all = members(properties);
    if confirmed {
        let text = "From the preview of this call, once the person agreed";
        all.insert("confirm_token".to_owned(), json!({"type": "string", "description": text}));
    }
    all.insert(
        "dry_run".to_owned(),
        json!({"type": "boolean", "description": "Only show what would happen"}),
    );
    Value::Object(all)
}

/// Output schema of a writing tool: `properties` when the write happened (`status` is then `done`), else what
/// [`Writes::hold`] answers.
pub(crate) fn outcome_schema(properties: Value) -> Value {
    let mut all = members(json!({
        "status": {"type": "string", "enum": ["done", "preview", "confirmation_required", "declined"]},
        "preview": {"type": "string"}, "confirm_token": {"type": "string"}, "expires_in_s": {"type": "integer"},
        "next": {"type": "string"},
    }));
    all.extend(members(properties));
    json!({"type": "object", "properties": all, "required": ["status"]})
}

/// The same for a tool whose writes are the user's own business and never wait for a word.
pub(crate) fn written_schema(properties: Value) -> Value {
    let mut all = members(json!({
        "status": {"type": "string", "enum": ["done", "preview"]}, "preview": {"type": "string"}, "next": {"type": "string"},
    }));
    all.extend(members(properties));
    json!({"type": "object", "properties": all, "required": ["status"]})
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}

fn place(user: &UserKey, write: &Write<'_>, token: &str) -> String {
    format!("confirm|{user}|{}|{}|{token}", write.service, write.tool)
}

fn gone() -> ToolError {
    ToolError::invalid(
        "confirm_token",
        "`confirm_token` is unknown, used, or expired. If an earlier call with it got no answer, look first whether it was \
         done. Then call again without `confirm_token` to get a new preview.",
    )
}

fn unavailable(error: StoreError) -> ToolError {
    ToolError::new(
        ToolErrorKind::UpstreamUnavailable { retry_after: Some(Duration::from_secs(2)) },
        "The server's store is unavailable for the moment, so nothing was done. Please try again shortly.",
    )
    .with_source(error)
}

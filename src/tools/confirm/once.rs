//! Writes that must not happen twice, although Graph would not notice: whoever repeats a call whose answer got lost gets
//! that answer, on any replica.
//!
//! # How a tool uses it
//! ```text
//! let Begun::Now(ticket) = writes.begin(&context, &what).await? else { /* the answer of the first time, or a refusal */ };
//! match send().await {
//!     Ok(id) => writes.finish(&ticket, &id).await,
//!     Err(refused) => writes.abandon(&ticket).await,
//!     Err(unknown) => {} // nobody tries again before the ticket has run out
//! }
//! ```

use super::{Writes, unavailable};
use crate::domain::canonical;
use crate::domain::ids::UserKey;
use crate::domain::token::TokenHash;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a write is remembered: longer than a person's answer counts (10 minutes).
const LIFE: Duration = Duration::from_mins(15);

/// Whether a write may begin.
#[derive(Debug)]
pub(crate) enum Begun {
    Now(Ticket),
    /// It was done before; what [`Writes::finish`] noted.
    Before(String),
    /// Another call is at it, or nobody knows how it ended.
    Elsewhere,
}

/// The right to do a write.
#[derive(Debug)]
pub(crate) struct Ticket {
    user: UserKey,
    id: String,
}

impl Writes {
    /// What [`Self::finish`] noted of `what`, if that was done lately.
    pub(crate) async fn done(
        &self,
        context: &CallContext,
        what: &Value,
    ) -> Result<Option<String>, ToolError> {
        let (user, id) = (&context.caller.user, id(context, what));
        let Some(sealed) = self.store.handle(user, &id).await.map_err(unavailable)? else { return Ok(None) };
        let plain = self.cipher.open(&place(user, &id), &sealed).map_err(ToolError::internal)?;
        String::from_utf8(plain.clone()).map(Some).map_err(ToolError::internal)
    }

    /// Takes the right to do `what` in the mailbox of the call; it stands for the whole of it.
    pub(crate) async fn begin(&self, context: &CallContext, what: &Value) -> Result<Begun, ToolError> {
        if let Some(result) = self.done(context, what).await? {
            return Ok(Begun::Before(result));
        }
        let ticket = Ticket { user: context.caller.user.clone(), id: id(context, what) };
        // Spent and not leased: it outlives this process, which may be killed while Graph is at it.
        let rights = self.rights(&ticket);
        for (taken, hash) in rights.iter().enumerate() {
            let spent = self.store.spend(hash, LIFE).await;
            if !matches!(spent, Ok(true)) {
                // The others are somebody else's, this one perhaps too.
                self.give_back(rights.iter().take(taken)).await;
                return spent.map(|_| Begun::Elsewhere).map_err(unavailable);
            }
        }
        Ok(Begun::Now(ticket))
    }

    /// It is done. The right is left to run out: it holds where this note gets lost.
    pub(crate) async fn finish(&self, ticket: &Ticket, result: &str) {
        let sealed = self.cipher.seal(&place(&ticket.user, &ticket.id), result.as_bytes());
        if let Err(error) = self.store.put_handle(&ticket.user, &ticket.id, &sealed, LIFE).await {
            tracing::warn!(%error, "a write that was done was not noted");
        }
    }

    /// It was certainly not done: it may be tried again.
    pub(crate) async fn abandon(&self, ticket: &Ticket) {
        self.give_back(self.rights(ticket).iter()).await;
    }

    async fn give_back(&self, rights: impl Iterator<Item = &TokenHash>) {
        for hash in rights {
            if let Err(error) = self.store.unspend(hash).await {
                tracing::warn!(%error, "the right to a write was not given back");
            }
        }
    }

    /// Under every key: replicas may differ in which one is active while a ring is being changed.
    fn rights(&self, ticket: &Ticket) -> Vec<TokenHash> {
        self.hasher.hashes("once", &format!("{}:{}", ticket.user, ticket.id)).collect()
    }
}

fn id(context: &CallContext, what: &Value) -> String {
    let whole = match &context.mailbox {
        Some(mailbox) => json!({ "once": what, "mailbox": mailbox }),
        None => json!({ "once": what }),
    };
    format!("o_{}", canonical::digest(&whole))
}

fn place(user: &UserKey, id: &str) -> String {
    format!("once|{user}|{id}")
}

//! Korean names that a person gave to chats: kept per user, by the id of the chat.

use super::Desk;
use crate::tools::context::CallContext;
use crate::tools::error::ToolError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kind of the record, see `tools::keepsakes`.
const KIND: &str = crate::tools::keepsakes::TEAMS_NAMES;
/// Names that are kept for one person.
const MAX_NAMES: usize = 2_000;

/// The names, by chat id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) async fn of(desk: &Desk, context: &CallContext) -> Result<Self, ToolError> {
        desk.deps.keepsakes.load(&context.caller.user, KIND).await
    }

    pub(super) fn get(&self, chat: &str) -> Option<&str> {
        self.0.get(chat).map(String::as_str)
    }

    /// Keeps further names; false when there is no room for them.
    pub(super) async fn save(
        desk: &Desk,
        context: &CallContext,
        more: &[(String, String)],
    ) -> Result<bool, ToolError> {
        let add = |names: &mut Self| {
            let mut all = names.0.clone();
            all.extend(more.iter().cloned());
            let fits = all.len() <= MAX_NAMES;
            if fits {
                names.0 = all;
            }
            fits
        };
        desk.deps.keepsakes.change(&context.caller.user, KIND, add).await
    }
}

/// Whether a name is written in Hangul, at least in part.
pub(super) fn has_hangul(name: &str) -> bool {
    name.chars()
        .any(|c| matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}'))
}

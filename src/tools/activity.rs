//! What tools changed for a person: the newest calls of writing tools, kept for that person alone. Which tool, which id,
//! how it ended; never contents. Reading is not kept: it changes nothing, and is most of what is called.

use super::error::{ToolError, ToolErrorKind};
use super::keepsakes::{ACTIVITY, Keepsakes};
use super::output::ToolOutput;
use super::tool::Args;
use crate::domain::clock::SharedClock;
use crate::domain::ids::{ClientId, UserKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Calls that are kept for one person.
const MAX_ROWS: usize = 200;
/// The service of the account itself.
const ACCOUNT: &str = "enrollment";
/// Longest id that is kept, in characters.
const MAX_ID: usize = 200;

/// One call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Row {
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
    pub(crate) service: String,
    pub(crate) tool: String,
    pub(crate) client: String,
    /// `done`, what a preview ended in, or the code of the failure.
    pub(crate) outcome: String,
    /// The id that the call named, if it named one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) target_id: String,
    /// Microsoft's id of a request that failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) request_id: String,
}

/// All of them, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
}

/// Keeps them.
#[derive(Clone)]
pub(crate) struct Activity {
    keepsakes: Keepsakes,
    clock: SharedClock,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    status: Option<String>,
}

impl Activity {
    pub(crate) fn new(keepsakes: Keepsakes, clock: SharedClock) -> Self {
        Self { keepsakes, clock }
    }

    /// Notes a call, without making its caller wait. What cannot be written is lost, and the call is done all the same.
    pub(crate) fn note(
        &self,
        (user, client): (&UserKey, &ClientId),
        (service, tool): (&str, &str),
        target_id: String,
        result: &Result<ToolOutput, ToolError>,
    ) {
        // What concerns the account alone changes nothing in Microsoft 365, and a purge would be the first thing kept anew.
        if service == ACCOUNT || matches!(result, Err(error) if is_open(&error.kind)) {
            return;
        }
        let (outcome, request_id) = match result {
            Ok(output) => {
                let said: Said = serde_json::from_str(output.structured.get()).unwrap_or_default();
                (said.status.unwrap_or_else(|| "done".to_owned()), String::new())
            }
            Err(error) => (error.code().to_owned(), error.request_id.clone().unwrap_or_default()),
        };
        let row = Row {
            at_ms: self.clock.now().as_millis(),
            service: service.to_owned(),
            tool: tool.to_owned(),
            client: client.to_string(),
            outcome,
            target_id,
            request_id,
        };
        let (keepsakes, user) = (self.keepsakes.clone(), user.clone());
        tokio::spawn(async move {
            let add = |kept: &mut Rows| {
                kept.rows.push(row.clone());
                let over = kept.rows.len().saturating_sub(MAX_ROWS);
                kept.rows.drain(..over);
            };
            if let Err(error) = keepsakes.change(&user, ACTIVITY, add).await {
                tracing::warn!(code = error.code(), "a call was not noted for its user");
            }
        });
    }

    pub(crate) async fn of(&self, user: &UserKey) -> Result<Vec<Row>, ToolError> {
        Ok(self.keepsakes.load::<Rows>(user, ACTIVITY).await?.rows)
    }
}

/// The call is not over: the client is asked something, or goes on with it as a task.
fn is_open(kind: &ToolErrorKind) -> bool {
    matches!(kind, ToolErrorKind::InputRequired { .. } | ToolErrorKind::Detached)
}

/// The first id that a call names.
pub(crate) fn target_of(arguments: &Value) -> String {
    let is_id = |name: &str| (name == "id" || name.ends_with("_id")) && name != "user_id";
    let all: Option<&Args> = arguments.as_object();
    let found = all.and_then(|all| all.iter().find(|(name, _)| is_id(name)));
    let text = found.and_then(|(_, value)| value.as_str()).unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(MAX_ID).collect()
}

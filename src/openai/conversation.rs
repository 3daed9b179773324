//! What a client said so far and what it wants of the answer, whichever of OpenAI's two APIs it came by.

use super::error::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Most messages of a request.
const MAX_MESSAGES: usize = 2048;
/// Most functions of a client (OpenAI's own bound), and most calls of one message.
const MAX_TOOLS: usize = 128;
/// Members of a message that a language model reads. What else clients send back, such as our `tool_results`, is for
/// nobody, and strict servers refuse it.
const MESSAGE_MEMBERS: [&str; 5] = ["role", "content", "name", "tool_calls", "tool_call_id"];

/// A call of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    /// JSON text.
    pub(super) arguments: String,
}

/// One message, as far as rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// `system` or `developer`.
    Instructions,
    User(String),
    Assistant(Vec<Call>),
    Tool {
        call_id: String,
        text: String,
    },
}

/// `tool_choice`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Choice {
    #[default]
    Auto,
    None,
    Required,
    Function(String),
}

/// A checked request.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversation {
    /// What the client calls its messages: `messages` or `input`.
    pub(super) place: String,
    pub(super) turns: Vec<Turn>,
    /// The same messages in the form of `/chat/completions`, as they came.
    pub(super) messages: Vec<Value>,
    /// The client's own functions in the form of `/chat/completions`.
    pub(super) tools: Vec<Value>,
    pub(super) choice: Choice,
    /// The answer is to be JSON.
    pub(super) json: bool,
    /// Most tokens of the answer.
    pub(super) max_tokens: Option<u64>,
    /// Members that only a language model reads; they are passed on as they are.
    pub(super) rest: Map<String, Value>,
}

impl Conversation {
    /// Reads `messages`; `place` is what the client calls them, for errors.
    pub(super) fn of_messages(messages: Vec<Value>, place: &str) -> Result<Self, ApiError> {
        if messages.is_empty() {
            return Err(ApiError::invalid(place, "At least one message is needed."));
        }
        if messages.len() > MAX_MESSAGES {
            let message = format!("At most {MAX_MESSAGES} messages are read. Leave the oldest out.");
            return Err(ApiError::invalid(place, message));
        }
        let turns = messages.iter().enumerate().map(|(at, message)| turn(message, &format!("{place}[{at}]")));
        let turns = turns.collect::<Result<Vec<_>, _>>()?;
        check_order(&turns, place)?;
        let messages = messages.into_iter().map(known_members).collect();
        Ok(Self { place: place.to_owned(), turns, messages, ..Self::default() })
    }

    /// Takes the client's functions.
    pub(super) fn with_tools(self, tools: Vec<Value>) -> Result<Self, ApiError> {
        if tools.len() > MAX_TOOLS {
            return Err(ApiError::invalid("tools", format!("At most {MAX_TOOLS} functions are taken.")));
        }
        let mut names = HashSet::new();
        for (at, tool) in tools.iter().enumerate() {
            let name = function_name(tool).filter(|name| is_name(name)).ok_or_else(|| {
                let message =
                    "A tool must be a function with a name of letters, digits, _ and -, at most 64 long.";
                ApiError::invalid(format!("tools[{at}].function.name"), message)
            })?;
            if !names.insert(name) {
                let message = format!("The function `{name}` is there twice.");
                return Err(ApiError::invalid(format!("tools[{at}].function.name"), message));
            }
        }
        Ok(Self { tools, ..self })
    }

    /// Whether the client has a function of that name.
    pub(super) fn has_tool(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| function_name(tool) == Some(name))
    }

    /// The calls of the last assistant message that nobody has answered.
    pub(super) fn open_calls(&self) -> Vec<&Call> {
        let last = self.turns.iter().rposition(|turn| matches!(turn, Turn::Assistant(_)));
        let Some((Turn::Assistant(calls), after)) = last.and_then(|at| self.turns.get(at..)?.split_first())
        else {
            return Vec::new();
        };
        let is_answered = |call: &Call| {
            after.iter().any(|turn| matches!(turn, Turn::Tool { call_id, .. } if *call_id == call.id))
        };
        calls.iter().filter(|call| !is_answered(call)).collect()
    }

    /// Where the last message's content is, for errors.
    pub(super) fn asking_place(&self) -> String {
        format!("{}[{}].content", self.place, self.turns.len().saturating_sub(1))
    }

    /// Where the last message of the assistant is.
    pub(super) fn calling_place(&self) -> String {
        let at = self.turns.iter().rposition(|turn| matches!(turn, Turn::Assistant(_)));
        format!("{}[{}]", self.place, at.unwrap_or_default())
    }

    /// The texts of the answered calls that the conversation ends with, in order.
    pub(super) fn closing_answers(&self) -> Vec<&str> {
        let mut answers: Vec<&str> = self.turns.iter().rev().map_while(Turn::answer).collect();
        answers.reverse();
        answers
    }

    /// What the person wrote last.
    pub(super) fn last_words(&self) -> &str {
        let words = self.turns.iter().rev().find_map(|turn| match turn {
            Turn::User(text) => Some(text.as_str()),
            Turn::Instructions | Turn::Assistant(_) | Turn::Tool { .. } => None,
        });
        words.unwrap_or_default()
    }

    /// What the person asks: the text of the last message, if it is theirs.
    pub(super) fn request(&self) -> Option<&str> {
        match self.turns.last()? {
            Turn::User(text) => Some(text),
            Turn::Instructions | Turn::Assistant(_) | Turn::Tool { .. } => None,
        }
    }
}

impl Turn {
    fn answer(&self) -> Option<&str> {
        match self {
            Self::Tool { text, .. } => Some(text),
            Self::Instructions | Self::User(_) | Self::Assistant(_) => None,
        }
    }
}

/// Name of a function in the form of `/chat/completions`.
pub(super) fn function_name(tool: &Value) -> Option<&str> {
    let function =
        tool.get("function").filter(|_| tool.get("type").is_some_and(|kind| kind == "function"))?;
    function.get("name")?.as_str()
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// A message without what is for nobody.
fn known_members(message: Value) -> Value {
    let Value::Object(mut members) = message else { return message };
    members.retain(|name, value| {
        MESSAGE_MEMBERS.contains(&name.as_str()) && !(name == "tool_calls" && value.is_null())
    });
    Value::Object(members)
}

fn turn(message: &Value, place: &str) -> Result<Turn, ApiError> {
    let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
    let text = || text_of(message.get("content"), &format!("{place}.content"));
    match role {
        "system" | "developer" => text().map(|_| Turn::Instructions),
        "user" => text().map(Turn::User),
        "assistant" => {
            text()?;
            calls_of(message.get("tool_calls"), place).map(Turn::Assistant)
        }
        "tool" => {
            let call_id = message.get("tool_call_id").and_then(Value::as_str).ok_or_else(|| {
                let message = "A message of role tool names the call that it answers.";
                ApiError::invalid(format!("{place}.tool_call_id"), message)
            })?;
            Ok(Turn::Tool { call_id: call_id.to_owned(), text: text()? })
        }
        "function" => {
            let message = "The role function has been replaced: use role tool with tool_call_id.";
            Err(ApiError::invalid(format!("{place}.role"), message))
        }
        _ => {
            let message = "The role must be system, developer, user, assistant or tool.";
            Err(ApiError::invalid(format!("{place}.role"), message))
        }
    }
}

/// The text of a content: a string, parts, or nothing.
fn text_of(content: Option<&Value>, place: &str) -> Result<String, ApiError> {
    match content {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(parts)) => {
            let mut texts = Vec::new();
            for (at, part) in parts.iter().enumerate() {
                match part.get("type").and_then(Value::as_str) {
                    Some("text") => {
                        let text = part.get("text").and_then(Value::as_str);
                        texts.push(text.ok_or_else(|| {
                            ApiError::invalid(format!("{place}[{at}].text"), "A text part needs a text.")
                        })?);
                    }
                    // Pictures, sounds and files are for a language model alone.
                    Some(_) => {}
                    None => {
                        let message = "A part of a content needs a type.";
                        return Err(ApiError::invalid(format!("{place}[{at}].type"), message));
                    }
                }
            }
            Ok(texts.join("\n"))
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            Err(ApiError::invalid(place, "A content is a text or a list of parts."))
        }
    }
}

fn calls_of(calls: Option<&Value>, place: &str) -> Result<Vec<Call>, ApiError> {
    let calls = match calls {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(calls)) => calls,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(ApiError::invalid(format!("{place}.tool_calls"), "tool_calls is a list."));
        }
    };
    if calls.len() > MAX_TOOLS {
        let message = format!("At most {MAX_TOOLS} calls are read of one message.");
        return Err(ApiError::invalid(format!("{place}.tool_calls"), message));
    }
    let mut found: Vec<Call> = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let place = format!("{place}.tool_calls[{at}]");
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let function = call.get("function");
        let part = |name: &str| text(function.and_then(|f| f.get(name)));
        let missing = |name: &str| {
            ApiError::invalid(format!("{place}.{name}"), format!("A call needs a text `{name}`."))
        };
        let id = text(call.get("id")).ok_or_else(|| missing("id"))?;
        if found.iter().any(|earlier| earlier.id == id) {
            return Err(ApiError::invalid(format!("{place}.id"), "Two calls have the same id."));
        }
        let name = part("name").ok_or_else(|| missing("function.name"))?;
        let arguments = part("arguments").ok_or_else(|| missing("function.arguments"))?;
        found.push(Call { id, name, arguments });
    }
    Ok(found)
}

/// Answers follow the calls that they answer, once each; only the last calls may still be open.
fn check_order(turns: &[Turn], place: &str) -> Result<(), ApiError> {
    let mut open: HashSet<&str> = HashSet::new();
    for (at, turn) in turns.iter().enumerate() {
        match turn {
            Turn::Tool { call_id, .. } => {
                if !open.remove(call_id.as_str()) {
                    let message = "A message of role tool must answer, once, a call of the assistant message before it.";
                    return Err(ApiError::invalid(format!("{place}[{at}].tool_call_id"), message));
                }
            }
            Turn::Instructions | Turn::User(_) | Turn::Assistant(_) => {
                if !open.is_empty() {
                    let message =
                        "An assistant message with tool_calls must be followed by an answer to each of them.";
                    return Err(ApiError::invalid(format!("{place}[{at}]"), message));
                }
            }
        }
        if let Turn::Assistant(calls) = turn {
            open = calls.iter().map(|call| call.id.as_str()).collect();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(messages: Value) -> Result<Conversation, Value> {
        let messages = messages.as_array().unwrap().clone();
        Conversation::of_messages(messages, "messages")
            .map_err(|error| error.body()["error"]["param"].clone())
    }

    fn call(id: &str) -> Value {
        json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}})
    }

    #[test]
    fn parts_and_nothing_are_texts_too() {
        let read = read(json!([
            {"role": "developer", "content": [{"type": "text", "text": "be brief"}]},
            {"role": "assistant", "content": null},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}},
                {"type": "text", "text": "b"}]},
        ]));
        assert_eq!(read.unwrap().request(), Some("a\nb"));
    }

    #[test]
    fn open_calls_are_those_of_the_last_message_that_nobody_answered() {
        let calling = json!({"role": "assistant", "tool_calls": [call("1"), call("2")]});
        let answer = json!({"role": "tool", "tool_call_id": "1", "content": "one"});
        let asked = json!({"role": "user", "content": "?"});
        let half = read(json!([asked, calling, answer])).unwrap();
        assert_eq!(half.open_calls().iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["2"]);
        let rest = json!({"role": "tool", "tool_call_id": "2", "content": "two"});
        let whole = read(json!([asked, calling, answer, rest])).unwrap();
        assert!(whole.open_calls().is_empty());
        assert_eq!(whole.closing_answers(), ["one", "two"]);
        let further = read(json!([asked, calling, answer, rest, asked])).unwrap();
        assert_eq!((further.open_calls().len(), further.closing_answers().len()), (0, 0));
    }

    #[test]
    fn what_is_out_of_order_is_refused_with_its_place() {
        let calling = json!({"role": "assistant", "tool_calls": [call("1")]});
        let answer = json!({"role": "tool", "tool_call_id": "1", "content": "one"});
        let user = json!({"role": "user", "content": "?"});
        for (messages, place) in [
            (json!([]), "messages"),
            (json!([answer]), "messages[0].tool_call_id"),
            (json!([calling, answer, answer]), "messages[2].tool_call_id"),
            (json!([calling, user]), "messages[1]"),
            (json!([{"role": "tool", "content": "x"}]), "messages[0].tool_call_id"),
            (json!([{"role": "robot", "content": "x"}]), "messages[0].role"),
            (json!([{"content": "x"}]), "messages[0].role"),
            (json!(["x"]), "messages[0].role"),
            (json!([{"role": "user", "content": 5}]), "messages[0].content"),
            (json!([{"role": "user", "content": [{"text": "x"}]}]), "messages[0].content[0].type"),
            (json!([{"role": "assistant", "tool_calls": {}}]), "messages[0].tool_calls"),
            (
                json!([{"role": "assistant", "tool_calls": [call("1"), call("1")]}]),
                "messages[0].tool_calls[1].id",
            ),
            (
                json!([{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f"}}]}]),
                "messages[0].tool_calls[0].function.arguments",
            ),
        ] {
            assert_eq!(read(messages.clone()).unwrap_err(), place, "{messages}");
        }
    }

    #[test]
    fn functions_need_proper_names_once_each() {
        let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
        for (tools, good) in [
            (vec![tool("a"), tool("b-_1")], true),
            (vec![tool("a"), tool("a")], false),
            (vec![tool("")], false),
            (vec![tool("with space")], false),
            (vec![json!({"type": "web_search"})], false),
            (vec![tool("a"); 200], false),
        ] {
            assert_eq!(Conversation::default().with_tools(tools.clone()).is_ok(), good, "{tools:?}");
        }
    }
}

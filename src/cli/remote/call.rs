//! `entrada call URL TOOL …`: one tool, once.

use super::service::{Service, Where, text_of};
use super::{EXIT_CODES, RemoteError, clean, whisper};
use crate::cli::{CommandError, say};
use crate::config::Sources;
use clap::Args;
use serde_json::{Map, Value, json};
use std::io::{BufRead, IsTerminal, Write};

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct CallArguments {
    #[command(flatten)]
    place: Where,
    /// Name of the tool; `entrada tools URL` lists them.
    tool: String,
    /// Its arguments: one JSON object, or NAME=VALUE for each. A VALUE that is a number, true, false, a list or an object
    /// of JSON is meant as such, everything else as text.
    arguments: Vec<String>,
    /// Prints the structured answer instead of the text.
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) async fn run(wish: CallArguments, sources: &Sources) -> Result<(), CommandError> {
    let arguments = parsed(&wish.arguments)?;
    let mut service = wish.place.open(sources)?;
    let mut result = call(&mut service, &wish.tool, &arguments).await?;
    if let Some(token) = token_to_confirm(&result) {
        show(&result, wish.json)?;
        if !agreed().await? {
            return Err(RemoteError::Unconfirmed { token }.into());
        }
        let mut confirmed = arguments;
        confirmed.insert("confirm_token".to_owned(), token.into());
        result = call(&mut service, &wish.tool, &confirmed).await?;
    }
    show(&result, wish.json)?;
    if result.get("isError") == Some(&Value::Bool(true)) {
        return Err(RemoteError::Tool(wish.tool).into());
    }
    Ok(())
}

async fn call(
    service: &mut Service,
    tool: &str,
    arguments: &Map<String, Value>,
) -> Result<Value, CommandError> {
    service.ask("tools/call", Some(tool), json!({ "name": tool, "arguments": arguments })).await
}

/// What a writing tool wants to be told before it does anything.
fn token_to_confirm(result: &Value) -> Option<String> {
    let held = result.get("structuredContent")?;
    let waits = held.get("status")?.as_str()? == "confirmation_required";
    waits.then(|| held.get("confirm_token")?.as_str().map(clean)).flatten()
}

fn show(result: &Value, structured: bool) -> Result<(), CommandError> {
    let text = match result.get("structuredContent").filter(|_| structured) {
        Some(content) => format!("{content:#}"),
        None if structured => format!("{:#}", result.get("content").unwrap_or(&Value::Null)),
        None => text_of(result),
    };
    Ok(say(text.trim_end())?)
}

/// Asks the person at the terminal; nobody there has not agreed.
async fn agreed() -> Result<bool, CommandError> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    let ask = || {
        let mut err = std::io::stderr().lock();
        write!(err, "Do it? [y/N] ")?;
        err.flush()?;
        drop(err);
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        Ok::<_, std::io::Error>(matches!(line.trim(), "y" | "Y" | "yes"))
    };
    let agreed = tokio::task::spawn_blocking(ask).await.map_err(std::io::Error::other)??;
    if !agreed {
        whisper("Nothing was done.")?;
    }
    Ok(agreed)
}

/// The arguments of the tool, as they were given.
fn parsed(words: &[String]) -> Result<Map<String, Value>, RemoteError> {
    if let [only] = words
        && only.trim_start().starts_with('{')
    {
        let wrong = |error: serde_json::Error| {
            RemoteError::Argument(format!("the arguments are no JSON object: {error}"))
        };
        return serde_json::from_str(only).map_err(wrong);
    }
    let mut arguments = Map::new();
    for word in words {
        let wrong = |problem: &str| RemoteError::Argument(format!("`{}` {problem}", clean(word)));
        let (name, text) = word
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| wrong("is no argument: write NAME=VALUE, or one JSON object"))?;
        if arguments.insert(name.to_owned(), value(text)).is_some() {
            return Err(wrong("is given twice; a list is written NAME='[\"one\",\"two\"]'"));
        }
    }
    Ok(arguments)
}

/// A value; what JSON would not give back as it was written, such as a number of forty digits, is text.
fn value(text: &str) -> Value {
    let meant = serde_json::from_str::<Value>(text).ok();
    let is_meant = |value: &Value| match value {
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => true,
        Value::Number(number) => number.to_string() == text,
        Value::Null | Value::String(_) => false,
    };
    meant.filter(is_meant).unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Value, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        parsed(&words).map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_are_an_object_or_pairs() {
        assert_eq!(read(&[]).unwrap(), json!({}));
        assert_eq!(read(&[r#" {"a": 1}"#]).unwrap(), json!({"a": 1}));
        let pairs = [
            "top=5",
            "unread=true",
            "to=[\"a\"]",
            "q=a=b",
            "id=00123",
            "big=12345678901234567890123",
            "none=null",
        ];
        let expected = json!({"top": 5, "unread": true, "to": ["a"], "q": "a=b", "id": "00123",
            "big": "12345678901234567890123", "none": "null"});
        assert_eq!(read(&pairs).unwrap(), expected);
        assert!(read(&["{\"a\":"]).unwrap_err().contains("no JSON object"));
        assert!(read(&["folder"]).unwrap_err().contains("NAME=VALUE"));
        assert!(read(&["=x"]).unwrap_err().contains("NAME=VALUE"));
        assert!(read(&["a=1", "a=2"]).unwrap_err().contains("twice"));
    }

    #[test]
    fn only_what_waits_is_confirmed() {
        let held = json!({"structuredContent": {"status": "confirmation_required", "confirm_token": "t"}});
        assert_eq!(token_to_confirm(&held).as_deref(), Some("t"));
        for other in [json!({}), json!({"structuredContent": {"status": "done", "confirm_token": "t"}})] {
            assert_eq!(token_to_confirm(&other), None);
        }
    }
}

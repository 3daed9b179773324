//! Members of a request body, taken out one by one with errors that name them. What is left is kept for a language
//! model.

use super::conversation::Choice;
use super::error::ApiError;
use serde_json::{Map, Value};

/// A request's members.
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// A member that is there and not null.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name).filter(|value| !value.is_null())
    }

    /// A member, left in its place.
    pub(super) fn peek(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(ApiError::invalid(name, format!("`{name}` is true or false."))),
        }
    }

    /// A whole number of at least one.
    pub(super) fn count(&mut self, name: &str) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let count = value.as_u64().filter(|count| *count > 0);
        count.map(Some).ok_or_else(|| ApiError::invalid(name, format!("`{name}` is a whole number above 0.")))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ApiError::invalid(name, format!("`{name}` is a text."))),
        }
    }

    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Value>, ApiError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(ApiError::invalid(name, format!("`{name}` is a list."))),
        }
    }

    /// `model`, which must be the service.
    pub(super) fn model(&mut self, service: &str) -> Result<(), ApiError> {
        match self.text("model")? {
            Some(model) if model == service => Ok(()),
            Some(model) => Err(ApiError::unknown_model(&model, service)),
            None => {
                Err(ApiError::invalid("model", format!("`model` is missing. This URL serves `{service}`.")))
            }
        }
    }

    /// `tool_choice` of either API: a word, or an object that names a function.
    pub(super) fn choice(&mut self) -> Result<Choice, ApiError> {
        let bad = || {
            let message = "tool_choice is none, auto, required, or an object that names a function.";
            ApiError::invalid("tool_choice", message)
        };
        let Some(choice) = self.take("tool_choice") else { return Ok(Choice::Auto) };
        match choice.as_str() {
            Some("auto") => Ok(Choice::Auto),
            Some("none") => Ok(Choice::None),
            Some("required") => Ok(Choice::Required),
            Some(_) => Err(bad()),
            None => {
                let is_function = choice.get("type").is_some_and(|kind| kind == "function");
                let function = choice.get("function").unwrap_or(&choice);
                let name = function.get("name").and_then(Value::as_str).filter(|_| is_function);
                name.map(|name| Choice::Function(name.to_owned())).ok_or_else(bad)
            }
        }
    }

    /// Puts a member back for a language model.
    pub(super) fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// What nobody took.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn members(value: Value) -> Members {
        Members::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn members_are_checked_by_name_and_null_is_nothing() {
        let mut all = members(json!({"a": true, "b": 3, "c": "x", "d": [1], "e": null, "f": 0, "rest": 1}));
        assert_eq!(all.flag("a").unwrap(), Some(true));
        assert_eq!(all.count("b").unwrap(), Some(3));
        assert_eq!(all.text("c").unwrap().as_deref(), Some("x"));
        assert_eq!(all.list("d").unwrap(), [json!(1)]);
        assert_eq!(all.flag("e").unwrap(), None);
        assert_eq!(all.count("f").unwrap_err().body()["error"]["param"], "f");
        assert_eq!(Value::Object(all.rest()), json!({"rest": 1}));
        let mut wrong = members(json!({"a": "yes", "c": 5, "d": {}}));
        assert!(wrong.flag("a").is_err() && wrong.text("c").is_err() && wrong.list("d").is_err());
    }

    #[test]
    fn both_apis_choose_functions() {
        for (choice, expected) in [
            (json!(null), Some(Choice::Auto)),
            (json!("none"), Some(Choice::None)),
            (json!("required"), Some(Choice::Required)),
            (json!({"type": "function", "function": {"name": "f"}}), Some(Choice::Function("f".to_owned()))),
            (json!({"type": "function", "name": "f"}), Some(Choice::Function("f".to_owned()))),
            (json!({"type": "custom", "name": "f"}), None),
            (json!("some"), None),
            (json!(5), None),
        ] {
            assert_eq!(members(json!({"tool_choice": choice})).choice().ok(), expected, "{choice}");
        }
    }
}

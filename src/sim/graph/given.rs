//! Bodies of writes: members that a type has, and values of the types they should have.
use serde_json::{Map, Value};

use super::error::GraphError;
use crate::sim::directory::Directory;
use crate::sim::seed::model::Contact;

/// The members of a `microsoft.graph.{kind}`, which has those in `known`.
pub(super) fn members(body: &[u8], known: &[&str], kind: &str) -> Result<Map<String, Value>, GraphError> {
    let members = object(body)?;
    check(&members, known, kind)?;
    Ok(members)
}

/// The same for an entity inside a body.
pub(super) fn check(members: &Map<String, Value>, known: &[&str], kind: &str) -> Result<(), GraphError> {
    match members.keys().find(|name| !known.contains(&name.as_str()) && !name.contains('@')) {
        None => Ok(()),
        Some(name) => Err(GraphError::new(
            400,
            "RequestBodyRead",
            format!(
                "The property '{name}' does not exist on type 'microsoft.graph.{kind}'. Make sure to only use property \
                 names that are defined by the type."
            ),
        )),
    }
}

/// The parameters of an action.
pub(super) fn action(body: &[u8], allowed: &[&str]) -> Result<Map<String, Value>, GraphError> {
    let given = if body.is_empty() { Map::new() } else { object(body)? };
    match given.keys().find(|name| !allowed.iter().any(|known| known.eq_ignore_ascii_case(name))) {
        None => Ok(given),
        Some(name) => Err(GraphError::bad_request(format!(
            "The parameter '{name}' in the request payload is not a valid parameter for the operation."
        ))),
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, GraphError> {
    serde_json::from_slice(body).map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))
}

/// The person of a `recipient`: with the name that the directory knows, else the one given.
pub(super) fn recipient(value: &Value, directory: &Directory) -> Result<Contact, GraphError> {
    let email = value.get("emailAddress").ok_or_else(|| mistyped("emailAddress"))?;
    let address = member(email, "address").filter(|address| address.contains('@'));
    let address = address.ok_or_else(bad_recipients)?;
    let name = directory.by_upn(address).map(|found| found.display_name.clone());
    let name =
        name.or_else(|| member(email, "name").map(str::to_owned)).unwrap_or_else(|| address.to_owned());
    Ok(Contact { name: name.into(), address: address.to_owned().into() })
}

/// 400 for people that cannot be reached.
pub(super) fn bad_recipients() -> GraphError {
    GraphError::new(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
}

/// A text inside an object.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// A text.
pub(super) fn text(name: &str, value: &Value) -> Result<String, GraphError> {
    value.as_str().map(str::to_owned).ok_or_else(|| mistyped(name))
}

/// Yes or no.
pub(super) fn flag(name: &str, value: &Value) -> Result<bool, GraphError> {
    value.as_bool().ok_or_else(|| mistyped(name))
}

/// One of the words of an enumeration.
pub(super) fn word(name: &str, value: &Value, known: &[&'static str]) -> Result<&'static str, GraphError> {
    known.iter().find(|word| Some(**word) == value.as_str()).copied().ok_or_else(|| mistyped(name))
}

/// 400 for a value of another type.
pub(super) fn mistyped(name: &str) -> GraphError {
    GraphError::new(
        400,
        "RequestBodyRead",
        format!("Cannot convert the value of '{name}' to the expected type."),
    )
}

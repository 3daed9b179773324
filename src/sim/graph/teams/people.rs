//! `/me/people`, which knows those one has to do with, and `/users`, which knows everybody.
use serde_json::{Map, Value, json};

use super::super::call::{Answer, Call};
use super::super::error::GraphError;
use super::super::options::Options;
use super::{page, person};
use crate::sim::seed::colleagues::Colleague;
use crate::sim::seed::teams::Seeded;

/// Properties of a user in a list, when none are selected.
const USER: [&str; 5] = ["id", "displayName", "mail", "userPrincipalName", "jobTitle"];
const PERSON: [&str; 6] =
    ["id", "displayName", "jobTitle", "userPrincipalName", "scoredEmailAddresses", "personType"];
/// Page when none is asked for.
const PEOPLE_PAGE: usize = 10;
const USERS_PAGE: usize = 100;

/// `GET /me/people`: whoever shares a chat with the caller, those of most chats first.
pub(super) fn known(call: &Call<'_>, book: &Seeded) -> Result<Answer, GraphError> {
    if !call.granted(&["People.Read", "People.Read.All"]) {
        return Err(GraphError::access_denied());
    }
    let options = Options::read(call, &["$search", "$top", "$skip", "$filter", "$select"])?;
    let mut found: Vec<(usize, &Colleague)> = Vec::new();
    for chat in book.chats.iter().filter(|chat| chat.has(call.oid)) {
        for one in chat.members.iter().filter(|one| one.oid != call.oid) {
            let Some(one) = person(book, &one.oid) else { continue };
            match found.iter_mut().find(|(_, seen)| seen.oid == one.oid) {
                Some((times, _)) => *times += 1,
                None => found.push((1, one)),
            }
        }
    }
    found.sort_by_key(|(times, _)| std::cmp::Reverse(*times));
    let mut rows: Vec<&Colleague> = found.into_iter().map(|(_, one)| one).collect();
    if let Some(text) = call.query.get("$search") {
        let wanted = quoted(text)?;
        rows.retain(|one| matches(one, &wanted));
    }
    let fields = select(call, &PERSON, "person")?;
    let rows: Vec<&Colleague> = rows.into_iter().skip(options.skip).collect();
    page(call, "people", &rows, options.top.unwrap_or(PEOPLE_PAGE), |one| chosen(as_person(one), &fields))
}

/// `GET /users`. `$search` takes the header `ConsistencyLevel: eventual`.
pub(super) fn users(call: &Call<'_>, book: &Seeded) -> Result<Answer, GraphError> {
    if !call.granted(&["User.ReadBasic.All", "User.Read.All", "Directory.Read.All"]) {
        return Err(GraphError::denied());
    }
    let known = ["$search", "$top", "$count", "$select", "$orderby", "$skiptoken"];
    let options = Options::read(call, &known)?;
    let mut rows: Vec<&Colleague> = book.everybody.iter().collect();
    if let Some(text) = call.query.get("$search") {
        if !call.eventual {
            return Err(GraphError::new(
                400,
                "Request_UnsupportedQuery",
                "Request with $search query parameter only works through MSGraph with a special request header: \
                 'ConsistencyLevel: eventual'",
            ));
        }
        let clauses = text.split(" OR ").map(clause).collect::<Result<Vec<_>, _>>()?;
        rows.retain(|one| {
            clauses.iter().any(|(property, wanted)| match property.as_str() {
                "displayName" => starts(&one.name, wanted),
                "mail" | "userPrincipalName" => one.mail.to_lowercase().starts_with(wanted),
                _ => false,
            })
        });
    }
    let fields = select(call, &USER, "user")?;
    page(call, "users", &rows, options.top.unwrap_or(USERS_PAGE), |one| chosen(as_user(one), &fields))
}

/// `"displayName:Carol"`.
fn clause(text: &str) -> Result<(String, String), GraphError> {
    let inner = quoted(text.trim())?;
    let (property, wanted) = inner.split_once(':').ok_or_else(unquoted)?;
    Ok((property.trim().replace("displayname", "displayName"), wanted.trim().to_owned()))
}

/// The text between double quotes, in lower case.
fn quoted(text: &str) -> Result<String, GraphError> {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(unquoted)?;
    Ok(inner.replace("\\\"", "\"").trim_matches('"').to_lowercase())
}

fn unquoted() -> GraphError {
    GraphError::new(400, "Request_BadRequest", "Syntax error: the value of $search must be in double quotes.")
}

/// Whether every word begins a word of the name or the address.
fn matches(one: &Colleague, wanted: &str) -> bool {
    starts(&one.name, wanted) || one.mail.to_lowercase().starts_with(wanted)
}

fn starts(name: &str, wanted: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (have, wanted) = (words(name), words(wanted));
    !wanted.is_empty() && wanted.iter().all(|word| have.iter().any(|own| own.starts_with(word.as_str())))
}

fn select<'a>(call: &'a Call<'_>, all: &[&'a str], kind: &str) -> Result<Vec<&'a str>, GraphError> {
    let Some(text) = call.query.get("$select") else { return Ok(all.to_vec()) };
    let wanted: Vec<&str> = text.split(',').map(str::trim).collect();
    match wanted.iter().find(|name| !all.contains(name)) {
        None => Ok(wanted),
        Some(name) => Err(GraphError::bad_request(format!(
            "Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
        ))),
    }
}

fn chosen(all: Value, fields: &[&str]) -> Value {
    let Value::Object(mut members) = all else { return Value::Null };
    members.retain(|name, _| name == "id" || fields.contains(&name.as_str()));
    Value::Object(Map::from_iter(members))
}

fn as_person(one: &Colleague) -> Value {
    json!({
        "id": one.oid,
        "displayName": one.name,
        "jobTitle": one.title,
        "userPrincipalName": one.mail,
        "scoredEmailAddresses": [{ "address": one.mail, "relevanceScore": 10.0, "selectionLikelihood": "notSpecified" }],
        "personType": { "class": "Person", "subclass": "OrganizationUser" },
    })
}

fn as_user(one: &Colleague) -> Value {
    json!({
        "id": one.oid,
        "displayName": one.name,
        "mail": one.mail,
        "userPrincipalName": one.mail,
        "jobTitle": one.title,
    })
}

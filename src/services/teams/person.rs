//! People by what a caller calls them: first those whom the user has to do with, then the whole directory.

use super::chat::Member;
use super::recipient::folded;
use super::{Desk, asker, fault};
use crate::graph::encode::{Target, directory_term, kql_phrase};
use crate::graph::error::GraphError;
use crate::graph::page::{Page, Text};
use crate::graph::request::Request;
use crate::services::answer::line;
use crate::tools::context::CallContext;
use crate::tools::error::{ToolError, ToolErrorKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Permission to see the people whom the user has to do with.
pub(super) const SCOPES: &[&str] = &["People.Read"];
/// Permission to look beyond them.
pub(super) const DIRECTORY: &str = "User.ReadBasic.All";
/// People that are looked at for one name.
const CANDIDATES: &str = "20";
const MAX_TEXT: usize = 200;

/// A person as Graph sends one: `/me/people` and `/users` name the address differently.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PersonView<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    display_name: Text<'a>,
    #[serde(borrow)]
    job_title: Text<'a>,
    #[serde(borrow)]
    mail: Text<'a>,
    #[serde(borrow)]
    user_principal_name: Text<'a>,
    #[serde(borrow)]
    scored_email_addresses: Vec<Address<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Address<'a> {
    #[serde(borrow)]
    address: Text<'a>,
}

/// A person as callers get one.
#[derive(Serialize)]
pub(super) struct PersonItem {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) mail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) title: String,
}

impl PersonItem {
    fn of(view: &PersonView<'_>) -> Self {
        let scored = view.scored_email_addresses.first().map_or("", |scored| &scored.address);
        let mail =
            [&*view.mail, scored, &*view.user_principal_name].into_iter().find(|mail| !mail.is_empty());
        Self {
            id: view.id.to_string(),
            name: line(&view.display_name),
            mail: mail.unwrap_or_default().to_owned(),
            title: line(&view.job_title),
        }
    }
}

async fn ask(desk: &Desk, context: &CallContext, request: Request) -> Result<Vec<PersonItem>, GraphError> {
    let answer = desk.deps.graph.send(asker(context), request).await?;
    let page: Page<'_, PersonView<'_>> = answer.view()?;
    Ok(page.value.iter().map(PersonItem::of).collect())
}

/// `GET /me/people?$search="…"` (People.Read).
pub(super) async fn known(
    desk: &Desk,
    context: &CallContext,
    phrase: &str,
    top: &str,
) -> Result<Vec<PersonItem>, GraphError> {
    let target = Target::new("/me/people")
        .with("$search", phrase)
        .with("$top", top)
        .with("$select", "id,displayName,jobTitle,userPrincipalName,scoredEmailAddresses");
    ask(desk, context, Request::teams(target.build())).await
}

/// `GET /users?$search="displayName:…" OR "mail:…"` (User.ReadBasic.All).
pub(super) async fn everybody(
    desk: &Desk,
    context: &CallContext,
    text: &str,
    top: &str,
) -> Result<Vec<PersonItem>, GraphError> {
    let terms = ["displayName", "mail"].into_iter().filter_map(|property| directory_term(property, text));
    let target = Target::new("/users")
        .with("$search", &terms.collect::<Vec<_>>().join(" OR "))
        .with("$top", top)
        .with("$select", "id,displayName,mail,userPrincipalName,jobTitle");
    ask(desk, context, Request::teams(target.build()).eventual()).await
}

/// The one person of the organization whom `text` means: an address, a name or a part of one. Never a guess among
/// several.
///
/// # Errors
/// `NotFound` for nobody, `InvalidInput` for several; both name `field`.
pub(super) async fn one(
    desk: &Desk,
    context: &CallContext,
    field: &'static str,
    text: &str,
) -> Result<Member, ToolError> {
    let text: String = text.trim_start_matches('@').chars().take(MAX_TEXT).collect();
    let Some(phrase) = kql_phrase(&text) else {
        return Err(ToolError::invalid(field, format!("`{field}` must hold names or addresses.")));
    };
    let found = known(desk, context, &phrase, CANDIDATES).await.map_err(|error| fault(error, SCOPES))?;
    let mut fits = fitting(found, &text);
    let is_open = context.caller.scopes.allows(DIRECTORY);
    if fits.is_empty() && is_open {
        let found = everybody(desk, context, &text, CANDIDATES).await;
        fits = fitting(found.map_err(|error| fault(error, &[DIRECTORY]))?, &text);
    }
    if fits.len() < 2 {
        return fits.pop().ok_or_else(|| nobody(field, &text, is_open));
    }
    let listed: Vec<String> = fits.iter().map(Member::printed).collect();
    let text = format!(
        "`{field}`: \"{}\" is several people, so use an address: {}.",
        line(&text),
        listed.join(", ")
    );
    Err(ToolError::invalid(field, text))
}

fn nobody(field: &str, text: &str, is_open: bool) -> ToolError {
    let more = if is_open {
        String::new()
    } else {
        format!(
            " Only people whom the user has to do with were searched; {DIRECTORY} opens the whole organization."
        )
    };
    let text = format!("`{field}`: nobody is called \"{}\".{more}", line(text));
    ToolError::new(ToolErrorKind::NotFound, text)
}

/// People of the organization that fit; whole names and addresses before parts of them.
fn fitting(found: Vec<PersonItem>, text: &str) -> Vec<Member> {
    let wanted = folded(text);
    // Contacts from elsewhere have ids of another kind.
    let own = found.into_iter().filter(|one| Uuid::try_parse(&one.id).is_ok());
    let all: Vec<Member> = own.map(|one| Member { id: one.id, name: one.name, mail: one.mail }).collect();
    let is_whole = |one: &Member| folded(&one.name) == wanted || folded(&one.mail) == wanted;
    let whole: Vec<Member> = all.iter().filter(|one| is_whole(one)).cloned().collect();
    if whole.is_empty() { all } else { whole }
}

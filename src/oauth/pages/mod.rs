//! The pages of a sign-in. No script, no outside resource, nothing frames them, nobody keeps them.

mod admin;
mod consent;
mod fault;

use crate::domain::scope::ScopeSet;
use crate::html::{Icon, Lang, Texts, Words, icon};
use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
pub(super) use admin::{AdminConsent, admin_consent, granted};
pub(super) use consent::{Consent, consent, form_action};
pub(super) use fault::{dead_end, explained, unavailable, unusable_client};
use maud::{Markup, html};

/// A redirect of the browser that leaves no trace behind.
pub(super) fn redirect_to(status: StatusCode, location: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish()
}

/// A list of abilities; a permission that nobody described is shown by its name.
pub(super) fn abilities(scopes: &ScopeSet, lang: Lang) -> Markup {
    let words = &lang.texts().scopes;
    html! {
        ul.list.yes role="list" {
            @for scope in scopes.iter() {
                li {
                    (icon(Icon::Check))
                    @if let Some(Words { can, .. }) = words.of(scope) { span { (can) } } @else { code { (scope) } }
                }
            }
        }
    }
}

/// The square with the first letter of a name that stands for an app.
pub(super) fn tile(name: &str) -> Markup {
    let letter = name.chars().find(|c| c.is_alphanumeric()).unwrap_or('?').to_uppercase().to_string();
    html! { span.tile aria-hidden="true" { (letter) } }
}

/// The name of an app as it may be shown.
pub(super) fn app_name(declared: Option<&str>, texts: &Texts) -> String {
    let name = declared.map(crate::html::shown).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| texts.app.nameless.to_owned())
}

//! The page for organisations where only administrators approve, which is the normal first experience there.

use super::abilities;
use crate::domain::scope::ScopeSet;
use crate::html::{Icon, Lang, Page, icon};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::html;
use url::form_urlencoded::byte_serialize;

/// What the person and their administrator need.
#[derive(Clone, Copy, Debug)]
pub(in crate::oauth) struct AdminConsent<'a> {
    /// Our public URL.
    pub(in crate::oauth) server: &'a str,
    /// Permissions at Microsoft that have to be approved.
    pub(in crate::oauth) scopes: &'a ScopeSet,
    /// Where an administrator approves (Entra's admin consent endpoint).
    pub(in crate::oauth) link: Option<&'a str>,
    /// Begins the same sign-in again.
    pub(in crate::oauth) retry: Option<&'a str>,
    /// Tells the application that nothing came of it.
    pub(in crate::oauth) back: &'a str,
    pub(in crate::oauth) reference: Option<&'a str>,
}

/// The page.
pub(in crate::oauth) fn admin_consent(page: AdminConsent<'_>, lang: Lang) -> HttpResponse {
    let words = &lang.texts().admin;
    let body = html! {
        h1 { (words.title) }
        p.lead { (words.text) }
        h2 { (words.permissions) }
        (abilities(page.scopes, lang))
        p.hint { @for scope in page.scopes.iter() { code { (scope) } " " } }
        @if let Some(link) = page.link {
            @let message = (words.message)(page.server, &lines(page.scopes), link);
            h2 { (words.message_title) }
            label for="message" { (words.message_hint) }
            textarea #message readonly rows="15" { (message) }
            div.row { a.button.main href=(mail(words.subject, &message)) { (words.mail) } }
            h2 { (words.link) }
            code.copy { (link) }
            p { a href=(link) rel="noreferrer" { (words.i_am_admin) } }
        }
        h2 { (words.retry_title) }
        div.row {
            @if let Some(retry) = page.retry { a.button href=(retry) { (words.retry) } }
            a href=(page.back) rel="noreferrer" { (lang.texts().shell.back) }
        }
    };
    let shell = Page { reference: page.reference, ..Page::new(StatusCode::FORBIDDEN, words.title, lang) };
    shell.respond(body)
}

/// What an administrator sees who comes back from Entra.
pub(in crate::oauth) fn granted(lang: Lang) -> HttpResponse {
    let words = &lang.texts().admin;
    let body = html! {
        h1 { (words.granted_title) }
        div.note.fine { (icon(Icon::Check)) p { (words.granted) } }
    };
    Page::new(StatusCode::OK, words.granted_title, lang).respond(body)
}

fn lines(scopes: &ScopeSet) -> String {
    scopes.iter().map(|scope| format!("- {scope}")).collect::<Vec<_>>().join("\n")
}

/// RFC 6068: spaces are `%20`, lines end with CRLF.
fn mail(subject: &str, body: &str) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    format!("mailto:?subject={}&body={}", encode(subject), encode(&body.replace('\n', "\r\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_link_is_one_address_and_keeps_its_lines() {
        assert_eq!(mail("a b", "x&y\nz"), "mailto:?subject=a%20b&body=x%26y%0D%0Az");
    }
}

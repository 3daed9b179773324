//! The question whether an app may act for the person.

use super::{abilities, app_name, tile};
use crate::domain::client::ClientOrigin;
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::ScopeSet;
use crate::html::{AppTexts, Icon, Lang, Page, icon, shown};
use crate::oauth::flow::{Flow, verified_host};
use crate::oauth::redirect;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{Markup, html};

/// What the consent page shows.
#[derive(Clone, Copy, Debug)]
pub(in crate::oauth) struct Consent<'a> {
    pub(in crate::oauth) flow: &'a Flow,
    pub(in crate::oauth) id: &'a str,
    pub(in crate::oauth) csrf: &'a str,
    pub(in crate::oauth) service: Option<&'a ServiceInfo>,
    /// Who used this browser last, or whom the app expects.
    pub(in crate::oauth) account: Option<&'a str>,
    /// The client registered a short while ago.
    pub(in crate::oauth) is_new: bool,
    /// Our own pages are served over plain HTTP (loopback).
    pub(in crate::oauth) plain_http: bool,
}

/// The page.
pub(in crate::oauth) fn consent(page: Consent<'_>, lang: Lang) -> HttpResponse {
    let texts = lang.texts();
    let words = &texts.consent;
    let name = app_name(page.flow.client_name.as_deref(), texts);
    let title = (words.title)(&name);
    let body = html! {
        div.pair {
            (tile(&name)) (icon(Icon::Arrow)) span.tile aria-hidden="true" { (icon(Icon::Door)) }
        }
        h1 { (title) }
        p.lead { (words.lead) }
        (facts(&page, &name, lang))
        h2 { (words.can) }
        (abilities(&page.flow.scopes, lang))
        h2 { (words.cannot) }
        ul.list.no role="list" {
            @for text in out_of_reach(&page, lang) { li { (icon(Icon::Cross)) span { (text) } } }
        }
        @if redirect::is_native(&page.flow.redirect_uri) {
            div.note { (icon(Icon::Warning)) p { strong { (words.device_title) } (words.device) } }
        }
        p.hint { (words.unsure) }
        form method="post" action="/consent" {
            input type="hidden" name="flow" value=(page.id);
            input type="hidden" name="csrf" value=(page.csrf);
            div.actions {
                button.main type="submit" name="decision" value="approve" { (words.approve) }
                button type="submit" name="decision" value="deny" { (words.deny) }
            }
        }
        p.hint { (words.next) " " (words.undo) }
    };
    let form_action = form_action(&page.flow.redirect_uri, page.plain_http);
    let address = format!("/consent?flow={}", page.id);
    let shell = Page {
        form_action: &form_action,
        address: Some(&address),
        ..Page::new(StatusCode::OK, &title, lang)
    };
    shell.respond(body)
}

fn facts(page: &Consent<'_>, name: &str, lang: Lang) -> Markup {
    let texts = lang.texts();
    let words = &texts.consent;
    html! {
        dl.facts {
            div {
                dt { (words.app) }
                dd { (name) " " (trust(page, &texts.app)) }
            }
            div { dt { (words.destination) } dd { code { (redirect::destination(&page.flow.redirect_uri)) } } }
            @if let Some(service) = page.service { div { dt { (words.service) } dd { (service.title) } } }
            div {
                dt { (words.account) }
                dd { @if let Some(account) = page.account { (shown(account)) } @else { (words.account_later) } }
            }
        }
    }
}

/// How far the name can be believed: the host of a metadata document is proven by fetching it, everything that came
/// by registration is the app's own word.
fn trust(page: &Consent<'_>, words: &AppTexts) -> Markup {
    let host = verified_host(page.flow.client_origin, &page.flow.client);
    let is_configured = page.flow.client_origin == ClientOrigin::Configured;
    html! {
        @if host.is_some() { span.badge.good { (words.verified) } }
        @else if is_configured { span.badge.good { (words.configured) } }
        @else { span.badge.warn { (words.unverified) } }
        @if page.is_new { " " span.badge { (words.new) } }
        @if let Some(host) = host { span.hint { code { (host) } } }
        @else if !is_configured { span.hint { (words.unverified_hint) } }
        @if page.is_new { span.hint { (words.new_hint) } }
    }
}

/// What the service could do and this app may not, and what no app ever may.
fn out_of_reach(page: &Consent<'_>, lang: Lang) -> Vec<&'static str> {
    let texts = lang.texts();
    let none = ScopeSet::default();
    let offered = page.service.map_or(&none, |service| &service.supported_scopes);
    let offered = offered.everyday();
    let missing = offered.iter().filter(|scope| !page.flow.scopes.allows(scope));
    let mut list: Vec<&str> = missing.filter_map(|s| texts.scopes.of(s)).map(|words| words.cannot).collect();
    list.extend([texts.consent.never_others, texts.consent.never_password]);
    list
}

/// Chromium applies `form-action` to every redirect that follows a submission: to Entra, to the sign-in page of any
/// organisation behind it, and to the application. Their hosts cannot be listed, their schemes can.
pub(in crate::oauth) fn form_action(redirect: &str, plain_http: bool) -> String {
    let mut sources = "'self' https:".to_owned();
    let scheme = redirect.split(':').next().unwrap_or_default();
    if plain_http || scheme == "http" {
        sources.push_str(" http:");
    }
    if !matches!(scheme, "http" | "https" | "") {
        sources = format!("{sources} {scheme}:");
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_may_lead_to_the_application() {
        assert_eq!(form_action("https://x.example/cb", false), "'self' https:");
        assert_eq!(form_action("http://127.0.0.1:5/cb", false), "'self' https: http:");
        assert_eq!(form_action("cursor://a/cb", false), "'self' https: cursor:");
        assert_eq!(form_action("cursor://a/cb", true), "'self' https: http: cursor:");
    }
}

//! What `/account/keys` looks like: choosing a service, the form, and the key.

use super::keys::{BOX, PATH, PROBLEM_STATUS};
use super::page::{moment, token};
use super::sign_in::HOME;
use crate::domain::grant::AccessRecord;
use crate::domain::resource::ServiceInfo;
use crate::domain::scope::ScopeSet;
use crate::html::{Icon, KeyTexts, Lang, Page, Width, Words, icon};
use crate::oauth::pages::{abilities, form_action};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{Markup, html};

/// Why the form has to be filled in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// None, or longer than so many characters.
    Name(usize),
    Life,
    /// One that the service does not have.
    Permission,
    /// The person has so many keys, which is the most.
    TooMany(usize),
}

/// The form of one service.
#[derive(Clone, Debug)]
pub(super) struct Form<'a> {
    pub(super) service: &'a ServiceInfo,
    pub(super) csrf: &'a str,
    /// Permissions that every key of the service holds.
    pub(super) required: ScopeSet,
    /// Those to choose from.
    pub(super) optional: ScopeSet,
    /// Those that an administrator has to approve first.
    pub(super) by_admin: ScopeSet,
    pub(super) ticked: ScopeSet,
    pub(super) name: &'a str,
    /// Days to choose from.
    pub(super) lives: Vec<u64>,
    pub(super) days: Option<u64>,
    /// Our own pages are served over plain HTTP (loopback).
    pub(super) plain_http: bool,
    pub(super) problem: Option<Problem>,
}

/// A key that was made.
#[derive(Debug)]
pub(super) struct Made<'a> {
    pub(super) key: &'a str,
    pub(super) record: &'a AccessRecord,
    /// Permissions that Microsoft did not give.
    pub(super) missing: ScopeSet,
    pub(super) service: Option<&'a ServiceInfo>,
    /// Base URL for clients of OpenAI's API.
    pub(super) openai: String,
    /// URL for MCP clients.
    pub(super) mcp: String,
}

/// For which service?
pub(super) fn choose(services: &[&ServiceInfo], lang: Lang) -> HttpResponse {
    let words = &lang.texts().keys;
    let body = html! {
        h1 { (words.make_title) }
        p.lead { (words.lead) }
        h2 { (words.which_service) }
        ul.cards.two role="list" {
            @for service in services {
                li.item {
                    h3 lang="en" { a href=(format!("{PATH}?service={}", service.name)) { (service.title) } }
                    p.hint lang="en" { (service.description) }
                }
            }
        }
        p { a href=(HOME) { (words.back) } }
    };
    let page =
        Page { width: Width::Wide, address: Some(PATH), ..Page::new(StatusCode::OK, words.make_title, lang) };
    page.respond(body)
}

/// What may it do, and for how long?
pub(super) fn form(form: &Form<'_>, lang: Lang) -> HttpResponse {
    let words = &lang.texts().keys;
    let body = html! {
        h1 { (words.make_title) }
        p.lead { span lang="en" { (form.service.title) } " · " (words.lead) }
        @if let Some(problem) = form.problem {
            div.note role="alert" { (icon(Icon::Warning)) p { (words_of(problem, words)) } }
        }
        form method="post" action=(PATH) {
            (token(form.csrf))
            input type="hidden" name="service" value=(form.service.name);
            h2 { label.title for="name" { (words.name) } }
            p.hint #name-hint { (words.name_hint) }
            input #name type="text" name="name" value=(form.name) required maxlength="60" autocomplete="off"
                aria-describedby="name-hint";
            @if !form.required.is_empty() {
                h2 { (words.always) }
                (abilities(&form.required, lang))
            }
            @if !form.optional.is_empty() {
                fieldset {
                    legend { (words.may) }
                    @for scope in form.optional.iter() { (choice(form, scope, lang)) }
                }
            }
            fieldset {
                legend { (words.life) }
                @for (index, days) in form.lives.iter().enumerate() {
                    @let chosen = form.days.map_or(index == form.lives.len().min(2) - 1, |chosen| chosen == *days);
                    label.choice {
                        input type="radio" name="days" value=(days) checked[chosen];
                        span { ((words.days)(*days)) }
                    }
                }
            }
            div.row { button.main type="submit" { (words.go_on) } a href=(HOME) { (words.back) } }
            p.hint { (words.next) }
        }
    };
    let address = format!("{PATH}?service={}", form.service.name);
    // Chromium applies the policy to the redirect to Entra and to every sign-in page behind it.
    let form_action = form_action("", form.plain_http);
    let status = if form.problem.is_some() { PROBLEM_STATUS } else { StatusCode::OK };
    let shell = Page {
        form_action: &form_action,
        address: Some(&address),
        ..Page::new(status, words.make_title, lang)
    };
    shell.respond(body)
}

fn choice(form: &Form<'_>, scope: &str, lang: Lang) -> Markup {
    let texts = lang.texts();
    html! {
        label.choice {
            input type="checkbox" name=(format!("{BOX}{scope}")) value="yes" checked[form.ticked.contains(scope)];
            span {
                @if let Some(Words { can, .. }) = texts.scopes.of(scope) { (can) } @else { code { (scope) } }
                @if form.by_admin.contains(scope) { span.hint { " (" (texts.keys.by_admin) ")" } }
            }
        }
    }
}

fn words_of(problem: Problem, words: &KeyTexts) -> String {
    match problem {
        Problem::Name(most) => (words.wrong_name)(most),
        Problem::Life => words.wrong_life.to_owned(),
        Problem::Permission => words.wrong_permission.to_owned(),
        Problem::TooMany(most) => (words.too_many)(most),
    }
}

/// The key: on this page, once.
pub(super) fn made(made: &Made<'_>, lang: Lang) -> HttpResponse {
    let words = &lang.texts().keys;
    let service = made.service.map_or(made.record.service.as_str(), |service| &service.title);
    let body = html! {
        h1 { (words.ready_title) }
        p.lead { (words.ready) }
        code.copy #key { (made.key) }
        div.note { (icon(Icon::Warning)) p { (words.careful) } }
        h2 { (words.use_openai) }
        p.hint { (words.use_openai_hint) }
        code.copy { (made.openai) }
        h2 { (words.use_mcp) }
        p.hint { (words.use_mcp_hint) }
        code.copy { (made.mcp) }
        h2 { (words.what) }
        dl.facts {
            div { dt { (words.name) } dd { (made.record.name.as_deref().unwrap_or_default()) } }
            div { dt { (words.service) } dd lang="en" { (service) } }
            div { dt { (words.expires) } dd { (moment(made.record.expires_at, lang)) } }
        }
        h2 { (lang.texts().account.can) }
        (abilities(&made.record.scopes, lang))
        @if !made.missing.is_empty() {
            p.hint { (words.missing) " " @for scope in made.missing.iter() { code { (scope) } " " } }
        }
        div.row { a.button.main href=(HOME) { (words.done) } }
    };
    Page::new(StatusCode::OK, words.ready_title, lang).respond(body)
}

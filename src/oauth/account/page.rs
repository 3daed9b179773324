//! What `/account/connections` looks like.

use super::keys::PATH;
use super::session::Session;
use super::sign_in::HOME;
use crate::domain::clock::Timestamp;
use crate::domain::grant::GrantRecord;
use crate::domain::resource::Resources;
use crate::html::{Icon, Lang, Page, Width, icon};
use crate::oauth::pages::{abilities, app_name, tile};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use chrono::DateTime;
use maud::{Markup, html};

/// One app that acts for the person at one service.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) grant: GrantRecord,
    /// As declared by the client; nobody knows it any more when the registration is gone.
    pub(super) client_name: Option<String>,
    /// The host that vouches for the client.
    pub(super) verified_host: Option<String>,
}

/// What the page shows.
#[derive(Debug)]
pub(super) struct Connections<'a> {
    pub(super) session: &'a Session,
    /// Newest first.
    pub(super) apps: Vec<Connection>,
    /// Personal keys, newest first.
    pub(super) keys: Vec<Connection>,
    /// Whether more can be made.
    pub(super) offers_keys: bool,
    pub(super) resources: &'a Resources,
    pub(super) csrf: &'a str,
    /// Something was disconnected just now.
    pub(super) done: bool,
}

/// The page.
pub(super) fn connections(page: &Connections<'_>, lang: Lang) -> HttpResponse {
    let texts = lang.texts();
    let words = &texts.account;
    let body = html! {
        h1 { (words.title) }
        p.lead { (words.lead) }
        div.top {
            p { span.hint { (words.signed_in_as) } strong { (page.session.username) } }
            form method="post" action="/account/sign-out" {
                (token(page.csrf))
                button.quiet type="submit" { (words.sign_out) }
            }
        }
        @if page.done { div.note.fine role="status" { (icon(Icon::Check)) p { (words.revoked) } } }
        @if page.apps.is_empty() {
            section.item {
                h2 { (words.none_title) }
                p { (words.none) }
                p { a href="/" { (words.none_link) } }
            }
        } @else {
            ul.cards role="list" { @for one in &page.apps { li.item { (card(one, page, lang)) } } }
        }
        @if page.offers_keys || !page.keys.is_empty() { (keys(page, lang)) }
        @if page.apps.len() + page.keys.len() > 1 {
            details {
                summary { (words.revoke_all) }
                div {
                    p { (words.revoke_all_hint) }
                    form method="post" action=(HOME) {
                        (token(page.csrf))
                        button.danger type="submit" name="revoke_all" value="yes" { (words.revoke_all_button) }
                    }
                }
            }
        }
    };
    let shell = Page {
        width: Width::Wide,
        form_action: "'self'",
        address: Some(HOME),
        ..Page::new(StatusCode::OK, words.title, lang)
    };
    shell.respond(body)
}

pub(super) fn token(csrf: &str) -> Markup {
    html! { input type="hidden" name="csrf" value=(csrf); }
}

fn keys(page: &Connections<'_>, lang: Lang) -> Markup {
    let words = &lang.texts().keys;
    html! {
        h2 { (words.title) }
        p.hint { (words.lead) }
        @if !page.keys.is_empty() {
            ul.cards role="list" { @for one in &page.keys { li.item { (card(one, page, lang)) } } }
        }
        @if page.offers_keys { div.row { a.button href=(PATH) { (words.make) } } }
    }
}

fn card(one: &Connection, page: &Connections<'_>, lang: Lang) -> Markup {
    let texts = lang.texts();
    let words = &texts.account;
    let name = app_name(one.client_name.as_deref(), texts);
    let grant = &one.grant;
    let is_key = grant.is_personal_key();
    let (end, label) = if is_key {
        (texts.keys.revoke, texts.keys.revoke_label)
    } else {
        (words.revoke, words.revoke_label)
    };
    let begun = if is_key { texts.keys.made } else { words.connected };
    let service = grant.service.as_str();
    let service = page.resources.service(service).map_or(service, |known| &known.title);
    html! {
        div.head {
            (tile(&name))
            div {
                h2.name { (name) }
                p.hint {
                    (service) " · "
                    @if is_key { (texts.keys.kind) }
                    @else if let Some(host) = &one.verified_host { (texts.app.verified) ": " (host) }
                    @else { (texts.app.unverified) }
                    @if grant.key_bound { " · " (words.key_bound) }
                }
            }
            form method="post" action=(HOME) {
                (token(page.csrf))
                button.danger.quiet type="submit" name="revoke" value=(grant.id)
                    aria-label=(label(&name, service)) { (end) }
            }
        }
        h3.sub { (words.can) }
        (abilities(&grant.scopes, lang))
        dl.facts {
            div { dt { (begun) } dd { (moment(grant.created_at, lang)) } }
            div {
                dt { (words.last_used) }
                dd {
                    @if is_key && grant.last_used_at == grant.created_at { (texts.keys.unused) }
                    @else { (moment(grant.last_used_at, lang)) }
                }
            }
            @if is_key { div { dt { (texts.keys.expires) } dd { (moment(grant.expires_at, lang)) } } }
        }
    }
}

pub(super) fn moment(at: Timestamp, lang: Lang) -> Markup {
    let time = DateTime::from_timestamp_millis(at.as_millis()).unwrap_or_default();
    html! {
        time datetime=(time.format("%Y-%m-%dT%H:%M:%SZ")) { (time.format(lang.texts().account.moment)) }
    }
}

/// After signing out.
pub(super) fn signed_out(lang: Lang) -> HttpResponse {
    let words = &lang.texts().account;
    let body = html! {
        h1 { (words.signed_out_title) }
        p.lead { (words.signed_out) }
        a.button.main href=(HOME) { (words.sign_in_again) }
    };
    let address = Some("/account/signed-out");
    Page { address, ..Page::new(StatusCode::OK, words.signed_out_title, lang) }.respond(body)
}

/// A form that does not count.
pub(super) fn refused(status: StatusCode, lang: Lang) -> HttpResponse {
    let words = &lang.texts().account;
    let body = html! {
        h1 { (words.failed_title) }
        p.lead { (words.failed) }
        a.button.main href=(HOME) { (words.title) }
    };
    Page::new(status, words.failed_title, lang).respond(body)
}

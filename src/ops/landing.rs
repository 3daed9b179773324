//! The landing page: which services there are, how to connect a client, where to see what is connected.

use super::OpsState;
use crate::domain::resource::ServiceInfo;
use crate::html::{Icon, Lang, Page, Width, icon};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use maud::{Markup, html};
use serde_json::json;

/// `GET /`.
pub(super) async fn page(request: HttpRequest, state: web::Data<OpsState>) -> HttpResponse {
    let lang = Lang::of(&request);
    let words = &lang.texts().landing;
    let services = state.resources.offered();
    let url = |service: &ServiceInfo| state.resources.resource_of(&service.name);
    let body = html! {
        h1 { (words.title) }
        p.lead { (words.lead) }
        p { a.button.main href="/account/connections" { (words.account) } }
        h2 { (words.services) }
        ul.cards.two role="list" {
            @for service in &services {
                li.item {
                    h3 lang="en" { (service.title) }
                    p.hint lang="en" { (service.description) }
                    code.copy { (url(service)) }
                }
            }
        }
        @if let Some(first) = services.first() {
            h2 { (words.connect) }
            @if services.len() > 1 { p.hint { (words.connect_hint) } }
            (clients(first.name.as_str(), &url(first), lang))
            @if state.personal_keys { (openai(&url(first), lang)) }
        }
        h2 { (words.privacy_title) }
        ul.list.yes role="list" {
            @for promise in words.privacy { li { (icon(Icon::Check)) span { (promise) } } }
        }
    };
    let page =
        Page { width: Width::Wide, address: Some("/"), ..Page::new(StatusCode::OK, words.title, lang) };
    page.respond(body)
}

/// The fold for programs that speak OpenAI's API and know only a static key.
fn openai(url: &str, lang: Lang) -> Markup {
    let words = &lang.texts().landing;
    html! {
        details {
            summary { (words.openai) }
            div {
                p.hint { (words.openai_hint) " " a href="/account/keys" { (words.openai_key) } }
                pre.copy { code { (url.trim_end_matches("/mcp")) "/v1" } }
            }
        }
    }
}

/// One fold for each client, ready to copy.
fn clients(name: &str, url: &str, lang: Lang) -> Markup {
    let words = &lang.texts().landing;
    let code = json!({"name": name, "type": "http", "url": url});
    let cursor = json!({"mcpServers": {name: {"url": url}}});
    let known = [
        ("Claude, ChatGPT", Some(words.hosted), url.to_owned()),
        ("Claude Code", None, format!("claude mcp add --transport http {name} {url}")),
        ("VS Code", None, format!("code --add-mcp '{code}'")),
        ("Cursor", None, cursor.to_string()),
        (words.others, Some(words.others_hint), url.to_owned()),
    ];
    html! {
        @for (index, (client, hint, text)) in known.iter().enumerate() {
            details open[index == 0] {
                summary { (client) }
                div {
                    @if let Some(hint) = hint { p.hint { (hint) } }
                    pre.copy { code { (text) } }
                }
            }
        }
    }
}

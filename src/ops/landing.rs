//! The landing page: which services there are and how to connect a client.

use super::OpsState;
use actix_web::{HttpResponse, web};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;\
color:#1b1b1f;background:#fff}code{background:#f1f1f4;padding:.1em .3em;border-radius:4px;overflow-wrap:anywhere}\
pre{background:#f1f1f4;padding:.8em;border-radius:6px;overflow-x:auto}pre code{padding:0}\
@media(prefers-color-scheme:dark){body{color:#e6e6ea;background:#17171a}code,pre{background:#26262b}}";

/// `GET /`.
pub(super) async fn page(state: web::Data<OpsState>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ))
        .insert_header(("X-Frame-Options", "DENY"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .body(render(&state).into_string())
}

fn render(state: &OpsState) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Entrada" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Entrada" }
                p { "One door to Microsoft 365 for AI clients. Add one of these URLs to your client; it will ask you to sign in with Microsoft." }
                @for service in state.resources.services() {
                    @let url = state.resources.resource_of(&service.name);
                    h2 { (service.title) }
                    p { (service.description) }
                    p { code { (url) } }
                    pre { code { "claude mcp add --transport http " (service.name) " " (url) } }
                }
            }
        }
    }
}

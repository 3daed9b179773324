//! HTML pages: no script, no outside resource, nothing frames them, nobody keeps them.

use super::flow::Flow;
use super::redirect;
use super::texts::{Lang, explain};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest, Sha256};

const MAX_NAME_CHARS: usize = 80;
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;\
color:#1b1b1f;background:#fff}h1{font-size:1.4rem}dt{font-weight:600;margin-top:.8rem}dd{margin:0}\
.note{background:#fff4ce;padding:.6rem .8rem;border-radius:.4rem}button{font:inherit;padding:.5rem 1.2rem;\
margin:1rem .6rem 0 0;border-radius:.4rem;border:1px solid #555;background:#fff}\
button.main{background:#0b57d0;border-color:#0b57d0;color:#fff}code{overflow-wrap:anywhere}";

/// A message to the person at the browser.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notice<'a> {
    pub(super) status: StatusCode,
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    /// What to do next, in order.
    pub(super) steps: &'a [&'a str],
    /// Where the application waits to hear of it.
    pub(super) back: Option<&'a str>,
}

/// What the consent page shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Consent<'a> {
    pub(super) flow: &'a Flow,
    pub(super) id: &'a str,
    pub(super) csrf: &'a str,
    pub(super) service_title: &'a str,
    /// Our own pages are served over plain HTTP (loopback).
    pub(super) plain_http: bool,
}

/// A page that informs.
pub(super) fn notice(notice: Notice<'_>, lang: Lang) -> HttpResponse {
    let body = html! {
        h1 { (notice.title) }
        p { (notice.text) }
        @if !notice.steps.is_empty() { ol { @for step in notice.steps { li { (step) } } } }
        @if let Some(back) = notice.back {
            p { a href=(back) rel="noreferrer" { (lang.pick("Back to the application", "앱으로 돌아가기")) } }
        }
    };
    respond(notice.status, notice.title, body, "'none'", lang)
}

/// The question whether an application may act for the person.
pub(super) fn consent(page: Consent<'_>, lang: Lang) -> HttpResponse {
    let name = page.flow.client_name.as_deref().map(shown).filter(|n| !n.is_empty());
    let name = name.unwrap_or_else(|| lang.pick("An application without a name", "이름 없는 앱").to_owned());
    let title = lang.pick("Allow this application?", "이 앱을 허용할까요?");
    let redirect = &page.flow.redirect_uri;
    let body = html! {
        h1 { (title) }
        p { (lang.pick(
            "An application asks to use your Microsoft 365 account through this server.",
            "앱이 이 서버를 통해 Microsoft 365 계정을 사용하려고 합니다."
        )) }
        dl {
            dt { (lang.pick("Application", "앱")) }
            dd { strong { (name) } " "
                @if let Some(host) = page.flow.verified_host() {
                    (lang.pick("(published by ", "(게시한 곳: ")) code { (host) } ")"
                } @else {
                    (lang.pick("(self-declared, not verified)", "(앱이 스스로 밝힌 이름, 확인되지 않음)"))
                }
            }
            dt { (lang.pick("You will be sent to", "이동할 곳")) }
            dd { code { (redirect::destination(redirect)) } }
            dt { (lang.pick("Service", "서비스")) }
            dd { (page.service_title) }
            dt { (lang.pick("It will be able to", "허용되는 작업")) }
            dd { ul { @for scope in page.flow.scopes.iter() { li {
                @if let Some(words) = explain(scope, lang) { (words) } @else { code { (scope) } }
            } } } }
        }
        @if redirect::is_native(redirect) {
            p.note { (lang.pick(
                "This application runs on your own device. Go on only if you started it yourself just now.",
                "이 앱은 사용자의 기기에서 실행됩니다. 방금 직접 시작한 경우에만 계속하세요."
            )) }
        }
        p { (lang.pick(
            "If you did not ask for this, or do not know the address above, refuse.",
            "요청한 적이 없거나 위 주소를 모르면 거부하세요."
        )) }
        form method="post" action="/consent" {
            input type="hidden" name="flow" value=(page.id);
            input type="hidden" name="csrf" value=(page.csrf);
            button.main type="submit" name="decision" value="approve" { (lang.pick("Allow", "허용")) }
            button type="submit" name="decision" value="deny" { (lang.pick("Refuse", "거부")) }
        }
    };
    respond(StatusCode::OK, title, body, &form_action(redirect, page.plain_http), lang)
}

/// Chromium applies `form-action` to every redirect that follows a submission: to Entra, to the sign-in page of any
/// organisation behind it, and to the application. Their hosts cannot be listed, their schemes can.
fn form_action(redirect: &str, plain_http: bool) -> String {
    let mut sources = "'self' https:".to_owned();
    let scheme = redirect.split(':').next().unwrap_or_default();
    if plain_http || scheme == "http" {
        sources.push_str(" http:");
    } else if scheme != "https" {
        sources = format!("{sources} {scheme}:");
    }
    sources
}

/// A self-declared name: no control or direction-changing characters, bounded.
fn shown(name: &str) -> String {
    let hidden = |c: &char| {
        c.is_control()
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    name.chars().filter(|c| !hidden(c)).take(MAX_NAME_CHARS).collect::<String>().trim().to_owned()
}

fn respond(status: StatusCode, title: &str, body: Markup, form_action: &str, lang: Lang) -> HttpResponse {
    let page = html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    };
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    );
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(page.into_string())
}

/// A redirect of the browser that leaves no trace behind.
pub(super) fn redirect_to(status: StatusCode, location: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish()
}

/// The sign-in cannot go on because the store or Entra is away.
pub(super) fn unavailable(lang: Lang) -> HttpResponse {
    let text = lang.pick(
        "Sign-in does not work for the moment. Nothing is lost.",
        "지금은 로그인할 수 없습니다. 잃은 것은 없습니다.",
    );
    let step =
        lang.pick("Wait a few seconds and load this page again.", "잠시 후 이 페이지를 새로 고치세요.");
    let title = lang.pick("Sign-in is unavailable", "로그인할 수 없음");
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = notice(Notice { status, title, text, steps: &[step], back: None }, lang);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
    response
}

/// A request or a link that leads nowhere, with the way out.
pub(super) fn dead_end(status: StatusCode, text: &str, lang: Lang) -> HttpResponse {
    let title = lang.pick("This sign-in cannot go on", "로그인을 계속할 수 없음");
    let steps = [
        lang.pick("Close this page.", "이 페이지를 닫으세요."),
        lang.pick("Go back to the application and connect it again.", "앱으로 돌아가 다시 연결하세요."),
    ];
    notice(Notice { status, title, text, steps: &steps, back: None }, lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_hide_or_reverse_text() {
        assert_eq!(shown("Cl\u{202e}aude\r\n\u{200b} "), "Claude");
        assert_eq!(shown(&"x".repeat(500)).len(), MAX_NAME_CHARS);
    }

    #[test]
    fn the_form_may_lead_to_the_application() {
        assert_eq!(form_action("https://x.example/cb", false), "'self' https:");
        assert_eq!(form_action("http://127.0.0.1:5/cb", false), "'self' https: http:");
        assert_eq!(form_action("cursor://a/cb", false), "'self' https: cursor:");
    }
}

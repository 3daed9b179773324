//! The shell of a page, and the headers that keep it from being framed, kept, or leaked by a referrer.

use super::icons::{Icon, icon};
use super::lang::Lang;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const MAX_NAME_CHARS: usize = 80;

/// How much room the content takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// One question or message.
    Card,
    /// Lists and instructions.
    Wide,
}

/// A page, but for its body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    pub(crate) status: StatusCode,
    pub(crate) title: &'a str,
    pub(crate) lang: Lang,
    pub(crate) width: Width,
    /// Sources of the policy's `form-action`.
    pub(crate) form_action: &'a str,
    /// Address of this page without `ui_locales`, when opening it again does no harm.
    pub(crate) address: Option<&'a str>,
    /// Flow id, by which an operator finds what happened.
    pub(crate) reference: Option<&'a str>,
}

impl<'a> Page<'a> {
    /// A page without forms.
    pub(crate) fn new(status: StatusCode, title: &'a str, lang: Lang) -> Self {
        let (width, form_action) = (Width::Card, "'none'");
        Self { status, title, lang, width, form_action, address: None, reference: None }
    }

    /// The answer.
    pub(crate) fn respond(&self, body: Markup) -> HttpResponse {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; form-action {}; frame-ancestors 'none'; base-uri 'none'",
            self.form_action
        );
        HttpResponse::build(self.status)
            .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
            .insert_header((header::CONTENT_LANGUAGE, self.lang.tag()))
            .insert_header((header::CONTENT_SECURITY_POLICY, policy))
            .insert_header((header::X_FRAME_OPTIONS, "DENY"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(self.render(body).into_string())
    }

    fn render(&self, body: Markup) -> Markup {
        let words = &self.lang.texts().shell;
        html! {
            (DOCTYPE)
            html lang=(self.lang.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (self.title) " · Entrada" }
                    style { (PreEscaped(STYLE)) }
                }
                body class=(match self.width { Width::Card => "card", Width::Wide => "wide" }) {
                    header { a.brand href="/" { (icon(Icon::Door)) "Entrada" } span { (words.slogan) } }
                    main { (body) }
                    footer {
                        @if let Some(address) = self.address { (switch(address, self.lang)) }
                        @if let Some(reference) = self.reference {
                            p { (words.reference) " " code { (reference) } }
                        }
                    }
                }
            }
        }
    }
}

/// Offers the other language.
fn switch(address: &str, lang: Lang) -> Markup {
    let joint = if address.contains('?') { '&' } else { '?' };
    let other = lang.other();
    html! {
        a href=(format!("{address}{joint}ui_locales={}", other.tag())) lang=(other.tag()) hreflang=(other.tag()) {
            (other.texts().shell.language)
        }
    }
}

/// A name that strangers chose: no control or direction-changing characters, bounded.
pub(crate) fn shown(name: &str) -> String {
    let hidden = |c: &char| {
        c.is_control()
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    name.chars().filter(|c| !hidden(c)).take(MAX_NAME_CHARS).collect::<String>().trim().to_owned()
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
    fn the_style_is_allowed_and_calls_nobody() {
        let page = Page::new(StatusCode::OK, "t", Lang::Ko).respond(html! {});
        let policy = page.headers().get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(policy.contains(&format!("'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE)))));
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains("</"));
        assert_eq!(page.headers().get(header::CONTENT_LANGUAGE).unwrap(), "ko");
    }
}

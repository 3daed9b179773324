//! The pages of the simulated sign-in.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::directory::Person;

/// Content type of every page.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

const STYLE: &str = "
body{margin:0;min-height:100vh;display:grid;place-items:center;background:#eef1f6;color:#1b1b1b;
font:16px/1.5 system-ui,'Segoe UI','Malgun Gothic',sans-serif}
main{background:#fff;width:min(26rem,calc(100vw - 2rem));box-sizing:border-box;padding:2rem;
border-radius:8px;box-shadow:0 2px 12px #0002}
.flag{display:inline-block;background:#fff3cd;color:#5c4400;border-radius:4px;padding:0 .5rem;font-size:.8rem}
h1{font-size:1.4rem;margin:.8rem 0}
label{display:block;margin:1rem 0 .3rem}
input[type=text]{width:100%;box-sizing:border-box;padding:.55rem;font:inherit;border:1px solid #767676;border-radius:4px}
.row{display:flex;gap:.6rem;justify-content:flex-end;margin-top:1.4rem}
button{font:inherit;padding:.5rem 1.2rem;border:1px solid #0f5ea8;border-radius:4px;background:#0f5ea8;color:#fff;cursor:pointer}
button.plain{background:#fff;color:#1b1b1b;border-color:#767676}
.problem{color:#a80f1e}
ul{padding-left:1.2rem}
p.small,li{font-size:.9rem}
code{overflow-wrap:anywhere}
";

fn layout(title: &str, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " - Simulated Microsoft sign-in" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    span.flag { "Simulated Microsoft sign-in" }
                    (content)
                }
            }
        }
    }
}

/// What the account page shows.
pub(crate) struct Account<'a> {
    /// Where the form goes, relative to the page.
    pub(crate) action: &'a str,
    pub(crate) username: &'a str,
    pub(crate) problem: Option<&'a str>,
    pub(crate) people: &'a [Person],
    pub(crate) permissions: &'a [String],
    /// The request, carried through the form.
    pub(crate) carried: Vec<(&'a str, &'a str)>,
}

/// Asks who signs in; no password, since nobody real is behind it.
pub(crate) fn account(page: &Account) -> Markup {
    layout(
        "Sign in",
        html! {
            h1 { "Pick an account" }
            p.small { "This tenant is made up: no password, no real mailbox." }
            @if let Some(problem) = page.problem {
                p.problem role="alert" { (problem) }
            }
            form method="post" action=(page.action) {
                @for (name, value) in &page.carried {
                    input type="hidden" name=(name) value=(value);
                }
                label for="username" { "Account" }
                input #username type="text" name="username" value=(page.username) list="people"
                    autocomplete="username" spellcheck="false" required autofocus;
                datalist #people {
                    @for person in page.people {
                        option value=(person.upn) { (person.display_name) }
                    }
                }
                @if !page.permissions.is_empty() {
                    p.small { "The application \"Entrada\" will be allowed to use:" }
                    ul {
                        @for permission in page.permissions {
                            li { (permission) }
                        }
                    }
                }
                div.row {
                    button.plain type="submit" name="decision" value="cancel" formnovalidate { "Decline" }
                    button type="submit" name="decision" value="accept" { "Sign in" }
                }
            }
        },
    )
}

/// Tells why the request cannot go on.
pub(crate) fn error(code: u32, description: &str) -> Markup {
    layout(
        "Error",
        html! {
            h1 { "Sign-in is not possible" }
            p { "Error AADSTS" (code) }
            p.small { code { (description) } }
            p.small { "Close this page and start again from the application." }
        },
    )
}

/// Carries an answer to the reply URL by form (`response_mode=form_post`).
pub(crate) fn form_post(action: &str, pairs: &[(&str, &str)]) -> Markup {
    layout(
        "Working",
        html! {
            h1 { "One moment" }
            form method="post" action=(action) {
                @for (name, value) in pairs {
                    input type="hidden" name=(name) value=(value);
                }
                div.row { button type="submit" { "Continue" } }
            }
            script { (PreEscaped("document.forms[0].submit()")) }
        },
    )
}

/// Confirms a sign-out.
pub(crate) fn signed_out() -> Markup {
    layout("Signed out", html! { h1 { "You are signed out" } })
}

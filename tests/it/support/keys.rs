//! A person who makes a personal key at their account page.

use super::browser::{Browser, hidden};

/// A key that somebody wants.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) service: &'a str,
    pub(crate) name: &'a str,
    pub(crate) days: &'a str,
    /// Permissions beside those that every key of the service has.
    pub(crate) more: &'a [&'a str],
}

/// For mail, for a month, with what every key has.
pub(crate) const MAIL: Wanted<'_> =
    Wanted { service: "mail-query", name: "Open WebUI", days: "30", more: &[] };

/// Signs in to the account page and answers it.
pub(crate) async fn account(base: &str, browser: &mut Browser) -> String {
    let home = format!("{base}/account/connections");
    browser.walk(&home, &home).await;
    browser.open(&home).await.1
}

/// The page at the end of the way, for a browser that is signed in: by the form, over Microsoft, to the key.
pub(crate) async fn make_page(base: &str, browser: &mut Browser, wanted: Wanted<'_>) -> String {
    let form = format!("{base}/account/keys");
    let csrf = hidden(&browser.open(&format!("{form}?service={}", wanted.service)).await.1, "csrf");
    let boxes: Vec<String> = wanted.more.iter().map(|scope| format!("scope.{scope}")).collect();
    let mut fields = vec![
        ("csrf", csrf.as_str()),
        ("service", wanted.service),
        ("name", wanted.name),
        ("days", wanted.days),
    ];
    fields.extend(boxes.iter().map(|name| (name.as_str(), "yes")));
    let away = browser.post(&form, &fields, &[("origin", base)]).await;
    assert_eq!(away.status(), 303);
    let entra = away.headers()["location"].to_str().unwrap().to_owned();
    let back = browser.walk(&entra, &format!("{base}/callback")).await;
    browser.open(&back).await.1
}

/// The key on a page.
pub(crate) fn key_on(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("dcr_pk_")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')?;
    Some(format!("dcr_pk_{}", &rest[..end]))
}

/// A key of `user`.
pub(crate) async fn make(base: &str, user: &str, wanted: Wanted<'_>) -> String {
    let mut browser = Browser::new(user);
    account(base, &mut browser).await;
    let page = make_page(base, &mut browser, wanted).await;
    key_on(&page).unwrap_or_else(|| panic!("no key on {page}"))
}

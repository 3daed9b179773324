//! A person with a browser: cookies, redirects and HTML forms.

use super::http;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Response, Url};
use scraper::{ElementRef, Html, Selector};
use std::collections::BTreeMap;

/// Pages and redirects that one sign-in may take.
const MAX_STEPS: usize = 20;

/// Signs in as one user; keeps its cookies between walks.
#[derive(Clone)]
pub(crate) struct Browser {
    client: reqwest::Client,
    user: String,
    decision: &'static str,
    /// By host and name; browsers do not keep cookies apart by port.
    cookies: BTreeMap<(String, String), String>,
    /// Titles of the pages seen, for assertions.
    pub(crate) pages: Vec<String>,
}

/// A form, filled in.
#[derive(Debug)]
struct Form {
    action: Url,
    post: bool,
    fields: Vec<(String, String)>,
}

impl Browser {
    pub(crate) fn new(user: &str) -> Self {
        Self {
            client: http::client(),
            user: user.to_owned(),
            decision: "approve",
            cookies: BTreeMap::new(),
            pages: Vec::new(),
        }
    }

    /// A person who presses the other button on the consent page.
    pub(crate) fn denying(mut self) -> Self {
        self.decision = "deny";
        self
    }

    /// Opens `url` and goes through every page until a redirect to `target`, which is answered unopened.
    pub(crate) async fn walk(&mut self, url: &str, target: &str) -> String {
        let mut response = self.get(Url::parse(url).unwrap()).await;
        for _ in 0..MAX_STEPS {
            let here = response.url().clone();
            if let Some(location) = response.headers().get(LOCATION) {
                let next = here.join(location.to_str().unwrap()).unwrap();
                if next.as_str().starts_with(target) {
                    return next.into();
                }
                response = self.get(next).await;
                continue;
            }
            let status = response.status();
            let html = response.text().await.unwrap();
            let form = read_form(&html, &here, &self.user, self.decision);
            self.pages.push(title(&html));
            let form = form.unwrap_or_else(|| panic!("{status} at {}: no form in\n{html}", here.path()));
            response = self.submit(&here, form).await;
        }
        panic!("no end after {MAX_STEPS} steps; pages: {:?}", self.pages)
    }

    /// One GET with the cookies of the host.
    pub(crate) async fn get(&mut self, url: Url) -> Response {
        let request = self.client.get(url.clone()).header(COOKIE, self.cookie_header(&url));
        let response = request.header("Accept", "text/html").send().await.unwrap();
        self.keep_cookies(&response);
        response
    }

    /// Opens `url`, follows redirects to the page behind them, and answers where that is and what it says.
    pub(crate) async fn open(&mut self, url: &str) -> (Url, String) {
        let mut response = self.get(Url::parse(url).unwrap()).await;
        for _ in 0..MAX_STEPS {
            let here = response.url().clone();
            let Some(location) = response.headers().get(LOCATION) else {
                return (here, response.text().await.unwrap());
            };
            response = self.get(here.join(location.to_str().unwrap()).unwrap()).await;
        }
        panic!("no page after {MAX_STEPS} redirects of {url}")
    }

    /// Posts a form with the cookies of the host and the headers given; the answer is not followed.
    pub(crate) async fn post(
        &mut self,
        url: &str,
        fields: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Response {
        let url = Url::parse(url).unwrap();
        let mut request = self.client.post(url.clone()).form(fields).header(COOKIE, self.cookie_header(&url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        self.keep_cookies(&response);
        response
    }

    async fn submit(&mut self, page: &Url, form: Form) -> Response {
        let Form { mut action, post, fields } = form;
        let cookies = self.cookie_header(&action);
        let request = if post {
            self.client.post(action).form(&fields).header(ORIGIN, page.origin().ascii_serialization())
        } else {
            action.query_pairs_mut().clear().extend_pairs(&fields);
            self.client.get(action)
        };
        let response = request.header(COOKIE, cookies).header("Accept", "text/html").send().await.unwrap();
        self.keep_cookies(&response);
        response
    }

    fn cookie_header(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        let mine = self.cookies.iter().filter(|((of, _), _)| of == host);
        mine.map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&mut self, response: &Response) {
        let host = response.url().host_str().unwrap_or_default().to_owned();
        for header in response.headers().get_all(SET_COOKIE) {
            let text = header.to_str().unwrap();
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let key = (host.clone(), name.trim().to_owned());
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.trim().to_owned());
            }
        }
    }
}

fn select(css: &str) -> Selector {
    Selector::parse(css).unwrap()
}

/// The page's title.
fn title(html: &str) -> String {
    let page = Html::parse_document(html);
    page.select(&select("title")).next().map(|title| title.text().collect()).unwrap_or_default()
}

/// The value of a hidden field.
pub(crate) fn hidden(html: &str, name: &str) -> String {
    let page = Html::parse_document(html);
    let field = page.select(&select(&format!("input[type=hidden][name={name}]"))).next();
    let field = field.unwrap_or_else(|| panic!("no field {name} in\n{html}"));
    field.attr("value").unwrap_or_default().to_owned()
}

/// The form that the person would submit: the one with the user name or the decision, else the first.
fn read_form(html: &str, here: &Url, user: &str, decision: &str) -> Option<Form> {
    let page = Html::parse_document(html);
    let forms: Vec<ElementRef<'_>> = page.select(&select("form")).collect();
    let wanted = select("[name=username], [name=decision]");
    let form = forms.iter().find(|form| form.select(&wanted).next().is_some()).or(forms.first())?;
    let mut fields: Vec<(String, String)> = Vec::new();
    for input in form.select(&select("input[name]")) {
        let (name, value) = (input.attr("name")?, input.attr("value").unwrap_or_default());
        let kind = input.attr("type").unwrap_or("text");
        if name == "username" && kind != "hidden" {
            fields.push((name.to_owned(), user.to_owned()));
        } else if !matches!(kind, "submit" | "button" | "image")
            && (!matches!(kind, "checkbox" | "radio") || input.attr("checked").is_some())
        {
            fields.push((name.to_owned(), value.to_owned()));
        }
    }
    if form.select(&select("[name=decision]")).next().is_some() {
        fields.retain(|(name, _)| name != "decision");
        fields.push(("decision".to_owned(), decision.to_owned()));
    } else if let Some(button) = form.select(&select("button[name]")).next() {
        // The first button is the one that Enter presses.
        fields.push((button.attr("name")?.to_owned(), button.attr("value").unwrap_or_default().to_owned()));
    }
    let action = here.join(form.attr("action").unwrap_or_default()).unwrap();
    Some(Form { action, post: form.attr("method").is_some_and(|m| m.eq_ignore_ascii_case("post")), fields })
}

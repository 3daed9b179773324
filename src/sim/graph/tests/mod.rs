//! Graph over HTTP: what a mail client would meet.
mod calendar;
mod contract;
mod contract_mail;
mod contract_writes;
mod drive;
mod limits;
mod mail;
mod notes;
mod paging;
mod refusals;
mod teams;
mod teams_more;

use actix_web::http::header::HeaderMap;
use actix_web::{App, test, web};
use serde_json::Value;

use super::configure;
use crate::sim::clock;
use crate::sim::options::TenantOptions;
use crate::sim::state::SimState;
use crate::sim::tokens::AccessClaims;

/// All scopes that the tools use.
const ALL: [&str; 8] = [
    "User.Read",
    "Mail.Read",
    "MailboxSettings.Read",
    "Calendars.Read",
    "Chat.Read",
    "People.Read",
    "Files.Read.All",
    "Place.Read.All",
];

/// A tenant without sockets.
struct Lab {
    state: web::Data<SimState>,
}

/// An answer taken apart.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

impl Lab {
    fn new(extra_messages: usize) -> Self {
        let options = TenantOptions { extra_messages, ..TenantOptions::default() };
        Self { state: web::Data::new(SimState::new("http://127.0.0.1".to_owned(), &options)) }
    }

    fn token(&self, user: &str, scopes: &[&str]) -> String {
        let person = self.state.directory.by_upn(&format!("{user}@contoso.example")).unwrap();
        let claims = AccessClaims {
            oid: person.oid.clone(),
            app_id: "test-app".to_owned(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            expires_at: clock::now_secs() + 600,
        };
        self.state.tokens.issue(person, &self.state.directory.tenant_id, claims)
    }

    async fn send(&self, token: &str, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let app = test::init_service(App::new().app_data(self.state.clone()).configure(configure)).await;
        let mut request = test::TestRequest::default()
            .method(method.parse().unwrap())
            .uri(url)
            .insert_header(("Host", "graph.test"))
            .insert_header(("Authorization", format!("Bearer {token}")))
            .set_payload(body.to_owned());
        for (name, value) in headers {
            request = request.append_header((*name, *value));
        }
        let response = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Got { status, headers, body: test::read_body(response).await.to_vec() }
    }

    /// GET as `user` with all mail scopes; `path` is below `/v1.0`.
    async fn get(&self, user: &str, path: &str) -> Got {
        self.get_with(user, path, &[]).await
    }

    async fn get_with(&self, user: &str, path: &str, headers: &[(&str, &str)]) -> Got {
        let token = self.token(user, &ALL);
        self.send(&token, "GET", &format!("/v1.0{path}"), headers, "").await
    }

    /// The `value` of every page from `path` on, and the number of pages.
    async fn pages(&self, user: &str, path: &str, headers: &[(&str, &str)]) -> (Vec<Value>, usize) {
        let (mut all, mut pages, mut next) = (Vec::new(), 0, Some(format!("/v1.0{path}")));
        let token = self.token(user, &ALL);
        while let Some(url) = next {
            let got = self.send(&token, "GET", &url, headers, "").await;
            assert_eq!(got.status, 200, "{url}: {}", String::from_utf8_lossy(&got.body));
            let page = got.json();
            all.extend(page["value"].as_array().unwrap().iter().cloned());
            next = page["@odata.nextLink"]
                .as_str()
                .map(|link| link.strip_prefix("http://graph.test").expect("same host").to_owned());
            pages += 1;
            assert!(pages < 2000, "paging does not end");
        }
        (all, pages)
    }
}

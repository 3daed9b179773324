//! People who go on with what they have while Redis fails over: they are told to wait, and never to sign in again.

use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http::eventually;
use crate::support::login::{Client, Tokens, tokens};
use crate::support::mcp::Mcp;
use serde_json::json;

pub(super) const ALICE: &str = "alice@contoso.example";
pub(super) const BOB: &str = "bob@contoso.example";
const TOOL: &str = "list_mail_folders";

/// Two replicas on this store.
pub(super) async fn pair(store: Store) -> Cluster {
    Cluster::start(store, Plan { replicas: 2, ..Plan::default() }).await
}

/// Somebody with a registered client, a login and a session.
pub(super) struct Person {
    client: Client,
    pub(super) login: Tokens,
    session: Mcp,
    modern: Mcp,
}

impl Person {
    pub(super) async fn arrive(base: &str, name: &str) -> Self {
        // A client of its own for each, so that keys spread over the slots.
        let client = Client::register_as(base, &format!("App of {name}")).await;
        let login = client.sign_in(name).await;
        let session = Mcp::legacy(base, &login.access, "2025-11-25").await;
        let modern = Mcp::modern(base, &login.access);
        Self { client, login, session, modern }
    }

    /// Uses everything once. Whatever cannot be answered now must say so: 503 with `Retry-After`, and nothing else. True
    /// when all was answered.
    pub(super) async fn use_all(&self) -> bool {
        let answers = [
            self.session.call(TOOL, json!({})).await,
            self.modern.call(TOOL, json!({})).await,
            self.session.send("tools/list", json!({})).await,
        ];
        let mut fine = true;
        for answer in answers {
            match answer.status {
                200 => fine &= answer.result()["isError"] != true,
                503 => {
                    assert!(!answer.header("retry-after").is_empty(), "503 without Retry-After");
                    fine = false;
                }
                other => panic!("{other}: never 401 or 404: {}", answer.text),
            }
        }
        fine
    }

    /// Refreshes, trying again for as long as it says 503.
    pub(super) async fn refresh(&mut self) {
        let response = eventually("the refresh is answered", || async {
            let response = self.client.refresh(&self.login.refresh).await;
            let status = response.status().as_u16();
            // Who never stops may ask more often than one person should.
            assert!(matches!(status, 200 | 429 | 503), "{status}: {}", response.text().await.unwrap());
            if status != 200 {
                assert!(response.headers().contains_key("retry-after"));
                return None;
            }
            Some(response)
        })
        .await;
        self.login = tokens(response).await;
        self.modern = self.modern.with_bearer(&self.login.access);
        self.session = self.session.with_bearer(&self.login.access);
    }

    /// Everything works, by and by, with what they had.
    pub(super) async fn goes_on(&mut self) {
        eventually("everything is answered again", || async { self.use_all().await.then_some(()) }).await;
        self.refresh().await;
        eventually("with the new bearer too", || async { self.use_all().await.then_some(()) }).await;
    }
}

/// Several people, of two users.
pub(super) async fn crowd(base: &str, count: usize) -> Vec<Person> {
    let mut people = Vec::new();
    for index in 0..count {
        people.push(Person::arrive(base, if index % 2 == 0 { ALICE } else { BOB }).await);
    }
    people
}

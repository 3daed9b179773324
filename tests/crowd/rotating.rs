//! A client that rotates its refresh token, twice at once with the same token, and goes on with what it got.

use super::asking::{Account, Verdict, lost, of_status};
use crate::support::login::{Client, Tokens};
use crate::support::mcp::Mcp;
use serde_json::{Value, json};
use std::time::Duration;

const AGAIN: Duration = Duration::from_millis(100);

pub(crate) struct Rotating {
    pub(crate) client: Client,
    pub(crate) tokens: Tokens,
    pub(crate) mcp: Mcp,
    /// Id and subject of a mail that is always there.
    pub(crate) seed: (String, String),
}

impl Rotating {
    pub(crate) async fn turn(&mut self, account: &Account) {
        let (one, other) = tokio::join!(self.rotate(account), self.rotate(account));
        let (Some(one), Some(other)) = (one, other) else { return };
        if one != other {
            let said = format!("{}: two answers for one refresh token", account.name);
            account.ledger.note(|figures| figures.doubled.push(said));
        }
        let answer: Value = serde_json::from_str(&one).unwrap();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        self.tokens = Tokens { access: text("access_token"), refresh: text("refresh_token") };
        self.mcp = self.mcp.with_bearer(&self.tokens.access);
        let mut asked = account.ask("get_email, with a fresh bearer");
        loop {
            let answer = self.mcp.try_tool("get_email", json!({ "id": self.seed.0 })).await;
            let verdict = match account.of_call(answer, false) {
                Verdict::Right(content) if content.to_string().contains(&self.seed.1) => Verdict::Right(()),
                Verdict::Right(content) => Verdict::Wrong(format!("without its mark: {content}")),
                Verdict::Again(why, wait) => Verdict::Again(why, wait),
                Verdict::Open(why) => Verdict::Open(why),
                Verdict::Wrong(text) => Verdict::Wrong(text),
            };
            if asked.settle(verdict).await.is_some() {
                return;
            }
        }
    }

    /// The answer to one use of the token, whatever it takes.
    async fn rotate(&self, account: &Account) -> Option<String> {
        let mut asked = account.ask("refresh");
        loop {
            if let Some(end) = asked.settle(self.attempt().await).await {
                return end.right();
            }
        }
    }

    async fn attempt(&self) -> Verdict<String> {
        let response = match self.client.try_refresh(&self.tokens.refresh).await {
            Ok(response) => response,
            Err(error) => return Verdict::Again(lost(&error), AGAIN),
        };
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.unwrap_or_default().to_owned();
        match response.text().await {
            Ok(text) if status == 200 => Verdict::Right(text),
            Ok(text) => of_status(status, &retry_after, &text, |why| Verdict::Again(why, AGAIN)),
            Err(error) => Verdict::Again(lost(&error), AGAIN),
        }
    }
}

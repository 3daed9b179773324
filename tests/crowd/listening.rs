//! A client that is answered on the event stream of its session and resumes it wherever it broke off.
//!
//! Such a session is opened by HTTP+SSE at a replica that dies then: it lives on, and its stream is had by GET with
//! `Last-Event-ID` at any other.

use super::asking::{Account, Verdict, lost, of_message, of_status};
use crate::support::mcp::Mcp;
use crate::support::sse::Stream;
use crate::support::{http, tapped};
use reqwest::Response;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::timeout;

const AGAIN: Duration = Duration::from_millis(100);
/// After so long without its answer a request is made again.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Listening {
    http: reqwest::Client,
    base: String,
    bearer: String,
    /// Where to post.
    path: String,
    session: String,
    stream: Option<Stream>,
    /// Id of the newest event, and its number.
    last: Option<(String, u64)>,
    /// Answers that came.
    heard: BTreeSet<String>,
    turns: u64,
    /// Id and subject of a mail that is always there.
    seed: (String, String),
}

impl Listening {
    /// Opens a session at `replica`, which is about to die; afterwards the client is at `base`.
    pub(crate) async fn open(
        replica: &str,
        base: &str,
        bearer: &str,
        seed: &(String, String),
    ) -> (Self, Stream) {
        let mcp = Mcp::modern(replica, bearer);
        let response = mcp.open_sse().await;
        assert_eq!(response.status(), 200);
        let mut stream = Stream::of(response);
        let path = stream.until("sessionId=").await;
        let session = path.split_once("sessionId=").unwrap().1.to_owned();
        let mut listening = Self {
            http: http::client(),
            base: replica.to_owned(),
            bearer: bearer.to_owned(),
            path,
            session,
            stream: None,
            last: None,
            heard: BTreeSet::new(),
            turns: 0,
            seed: seed.clone(),
        };
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "entrada-tests", "version": "1" },
        });
        let hello = json!({ "jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello });
        assert_eq!(listening.post(&hello).await.unwrap().status(), 202);
        stream.until("serverInfo").await;
        base.clone_into(&mut listening.base);
        (listening, stream)
    }

    pub(crate) async fn turn(&mut self, account: &Account) {
        self.turns += 1;
        let mut asked = account.ask("event");
        let mut attempt = 0;
        loop {
            attempt += 1;
            let id = format!("e{}.{attempt}", self.turns);
            let verdict = self.attempt(account, &id).await;
            if asked.settle(verdict).await.is_some() {
                return;
            }
        }
    }

    async fn attempt(&mut self, account: &Account, id: &str) -> Verdict<()> {
        if let Err(verdict) = self.attach().await {
            return verdict;
        }
        let params = json!({ "name": "get_email", "arguments": { "id": self.seed.0 } });
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        let response = match self.post(&call).await {
            Ok(response) => response,
            Err(error) => return Verdict::Again(lost(&error), AGAIN),
        };
        if response.status() != 202 {
            return refused(response).await;
        }
        let waited = timeout(PATIENCE, self.hear(account, id)).await;
        waited.unwrap_or_else(|_| Verdict::Again("no event".to_owned(), AGAIN))
    }

    /// Reads on until the answer to `id`, over as many connections as it takes.
    async fn hear(&mut self, account: &Account, id: &str) -> Verdict<()> {
        loop {
            let Some(stream) = &mut self.stream else {
                match self.attach().await {
                    Err(Verdict::Again(..)) => tokio::time::sleep(AGAIN).await,
                    Err(verdict) => return verdict,
                    Ok(()) => {}
                }
                continue;
            };
            let Some(event) = stream.next().await else {
                self.stream = None;
                continue;
            };
            let number = event.id.rsplit('-').next().and_then(|number| number.parse::<u64>().ok());
            if event.data.is_empty() {
                // Where the stream goes on from.
                if self.last.is_none() {
                    self.last = number.map(|number| (event.id, number));
                }
                continue;
            }
            account.ledger.look(account.person, &account.name, &event.data);
            let message: Value = serde_json::from_str(&event.data).unwrap();
            let Some(answered) = message["id"].as_str() else { continue };
            let said = |what: &str| format!("{}: {what}: {} after {:?}", account.name, event.id, self.last);
            let Some(number) = number else { return Verdict::Wrong(said("an event without a number")) };
            if self.last.as_ref().is_some_and(|(_, last)| *last >= number)
                || !self.heard.insert(answered.to_owned())
            {
                let said = said("an event out of order, or twice");
                account.ledger.note(|figures| figures.doubled.push(said));
            }
            self.last = Some((event.id, number));
            if answered == id {
                return match of_message(&message, false) {
                    Some(Verdict::Right(content)) if content.to_string().contains(&self.seed.1) => {
                        Verdict::Right(())
                    }
                    Some(Verdict::Again(why, wait)) => Verdict::Again(why, wait),
                    Some(Verdict::Right(_) | Verdict::Open(_) | Verdict::Wrong(_)) | None => {
                        Verdict::Wrong(event.data)
                    }
                };
            }
        }
    }

    /// Has the stream, resumed after the last event that came.
    async fn attach(&mut self) -> Result<(), Verdict<()>> {
        if self.stream.is_some() {
            return Ok(());
        }
        let request = self.http.get(format!("{}/mail-query/mcp", self.base)).bearer_auth(&self.bearer);
        let mut request =
            request.header("Accept", "text/event-stream").header("Mcp-Session-Id", &self.session);
        if let Some((id, _)) = &self.last {
            request = request.header("Last-Event-ID", id);
        }
        match tapped::send(request).await {
            Ok(response) if response.status() == 200 => {
                self.stream = Some(Stream::of(response));
                Ok(())
            }
            Ok(response) => Err(refused(response).await),
            Err(error) => Err(Verdict::Again(lost(&error), AGAIN)),
        }
    }

    async fn post(&self, message: &Value) -> reqwest::Result<Response> {
        let request = self.http.post(format!("{}{}", self.base, self.path)).bearer_auth(&self.bearer);
        tapped::send(request.header("Accept", "application/json, text/event-stream").json(message)).await
    }
}

async fn refused(response: Response) -> Verdict<()> {
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after = retry_after.unwrap_or_default().to_owned();
    match tapped::text(response).await {
        Ok(text) => of_status(status, &retry_after, &text, |why| Verdict::Again(why, AGAIN)),
        Err(error) => Verdict::Again(lost(&error), AGAIN),
    }
}

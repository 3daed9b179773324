//! A client of the OpenAI front that writes under `Idempotency-Key`.

use super::asking::{Account, End, Verdict, lost, of_result, of_status};
use super::ledger::{Known, mark};
use super::mail::{find, letter};
use crate::support::mcp::Mcp;
use crate::support::openai::OpenAi;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Longer than a dead replica keeps a key.
const PATIENCE: Duration = Duration::from_secs(25);
const AGAIN: Duration = Duration::from_millis(100);

pub(crate) struct Keyed {
    pub(crate) api: OpenAi,
    /// To look with.
    pub(crate) mcp: Mcp,
    pub(crate) turns: u64,
}

impl Keyed {
    pub(crate) async fn turn(&mut self, account: &Account) {
        self.turns += 1;
        let subject = mark(account.person, 'k', self.turns);
        let mut asked = account.ask("chat completion that writes");
        let mut busy_since = None;
        // Another key for each request; the same for its repetitions.
        let mut request = 0;
        let end = loop {
            let verdict = self.attempt(account, &subject, &format!("{subject}-{request}")).await;
            let verdict = match verdict {
                Verdict::Again(why, wait) if why == "in use" => {
                    if busy_since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                        Verdict::Open("its key stays in use".to_owned())
                    } else {
                        Verdict::Again(why, wait)
                    }
                }
                Verdict::Again(why, wait) => {
                    if let Some(code) = why.strip_prefix("tool ") {
                        // That request is over, and nothing was done by it.
                        request += 1;
                        busy_since = None;
                        Verdict::Again(code.to_owned(), wait)
                    } else {
                        Verdict::Again(why, wait)
                    }
                }
                other @ (Verdict::Right(()) | Verdict::Open(_) | Verdict::Wrong(_)) => other,
            };
            if let Some(end) = asked.settle(verdict).await {
                break end;
            }
        };
        match end {
            End::Right(()) => account.wrote(&subject, Known::Done),
            End::Open | End::Failed => {
                let found = find(&self.mcp, account, "drafts", &subject).await;
                account.wrote(&subject, if found { Known::Done } else { Known::Open });
                if found && matches!(end, End::Open) {
                    asked.resolved();
                }
            }
        }
    }

    async fn attempt(&self, account: &Account, subject: &str, key: &str) -> Verdict<()> {
        let body = self.api.chat(&format!("create_email_draft {}", letter(subject)), json!({}));
        let request = self.api.request(Method::POST, "/chat/completions").header("Idempotency-Key", key);
        let response = match request.json(&body).send().await {
            Ok(response) => response,
            Err(error) => return Verdict::Again(lost(&error), AGAIN),
        };
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.unwrap_or_default().to_owned();
        let text = match response.text().await {
            Ok(text) => text,
            Err(error) => return Verdict::Again(lost(&error), AGAIN),
        };
        account.ledger.look(account.person, &account.name, &text);
        if status == 409 {
            return Verdict::Again("in use".to_owned(), AGAIN);
        }
        if status != 200 {
            return of_status(status, &retry_after, &text, |why| Verdict::Again(why, AGAIN));
        }
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let ran = &body["choices"][0]["message"]["tool_results"][0];
        match of_result(ran["is_error"] != false, &ran["structured_content"], &text, true) {
            Verdict::Right(_) => Verdict::Right(()),
            Verdict::Again(why, wait) => Verdict::Again(format!("tool {why}"), wait),
            Verdict::Open(why) => Verdict::Open(why),
            Verdict::Wrong(why) => Verdict::Wrong(why),
        }
    }
}

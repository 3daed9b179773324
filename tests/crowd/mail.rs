//! Clients of MCP that read and write mail.

use super::asking::{Account, End, Verdict};
use super::ledger::{Known, mark};
use crate::support::mcp::Mcp;
use serde_json::{Value, json};

/// Whom mails are sent to: nobody whose mailbox is looked at.
const OUTSIDE: &str = "eve@fabrikam.example";

/// Tokens that may get spent by calls whose answer is lost.
const ROUNDS: u32 = 5;

/// A mail with a mark of its own.
pub(crate) fn letter(subject: &str) -> Value {
    json!({ "to": [OUTSIDE], "subject": subject, "body": "The crane stands." })
}

/// Reads its owner's marked mail, in a session or without.
pub(crate) struct Reader {
    pub(crate) mcp: Mcp,
    /// Id and subject of a mail that is always there.
    pub(crate) seed: (String, String),
    pub(crate) turns: u64,
}

impl Reader {
    pub(crate) async fn turn(&mut self, account: &Account) {
        self.turns += 1;
        let (tool, arguments) = match self.turns % 3 {
            0 => ("list_mail_folders", json!({})),
            1 => ("query_email", json!({ "folder": "drafts", "subject_contains": self.seed.1 })),
            _ => ("get_email", json!({ "id": self.seed.0 })),
        };
        let mut asked = account.ask(tool);
        loop {
            let answer = self.mcp.try_tool(tool, arguments.clone()).await;
            let verdict = match account.of_call(answer, false) {
                // What was asked for is in it.
                Verdict::Right(content) if self.turns.is_multiple_of(3) => Verdict::Right(content),
                Verdict::Right(content) if content.to_string().contains(&self.seed.1) => {
                    Verdict::Right(content)
                }
                Verdict::Right(content) => Verdict::Wrong(format!("without its mark: {content}")),
                other @ (Verdict::Again(..) | Verdict::Open(_) | Verdict::Wrong(_)) => other,
            };
            if asked.settle(verdict).await.is_some() {
                return;
            }
        }
    }
}

/// Writes drafts and sends mails, each under a mark of its own.
pub(crate) struct Writer {
    pub(crate) mcp: Mcp,
    pub(crate) turns: u64,
}

impl Writer {
    pub(crate) async fn turn(&mut self, account: &Account) {
        self.turns += 1;
        if self.turns.is_multiple_of(2) { self.send(account).await } else { self.draft(account).await }
    }

    /// Nothing protects a draft whose answer is lost: it is looked for, and not written again.
    async fn draft(&self, account: &Account) {
        let subject = mark(account.person, 'd', self.turns);
        let mut asked = account.ask("create_email_draft");
        let end = loop {
            let answer = self.mcp.try_tool("create_email_draft", letter(&subject)).await;
            if let Some(end) = asked.settle(account.of_call(answer, true)).await {
                break end;
            }
        };
        match end {
            End::Right(_) => account.wrote(&subject, Known::Done),
            End::Open | End::Failed => {
                let found = find(&self.mcp, account, "drafts", &subject).await;
                account.wrote(&subject, if found { Known::Done } else { Known::Open });
                if found && matches!(end, End::Open) {
                    asked.resolved();
                }
            }
        }
    }

    /// A mail goes out after its preview was confirmed. A call whose answer is lost is made again: the server knows what
    /// it has sent.
    async fn send(&self, account: &Account) {
        let subject = mark(account.person, 's', self.turns);
        let Some(mut agreed) = self.preview(account, &subject).await else { return };
        account.wrote(&subject, Known::Open);
        let mut asked = account.ask("send_email");
        let mut rounds = 0;
        let end = loop {
            let answer = self.mcp.try_tool("send_email", agreed.clone()).await;
            let verdict = match account.of_call(answer, false) {
                Verdict::Right(content) if content["status"] == "done" => Verdict::Right(()),
                Verdict::Right(content) => Verdict::Wrong(content.to_string()),
                Verdict::Wrong(text) if text.contains("\"unknown_outcome\"") => {
                    Verdict::Open("unknown_outcome".to_owned())
                }
                Verdict::Wrong(text) if text.contains("\"kept_as_draft\"") => {
                    Verdict::Open("kept_as_draft".to_owned())
                }
                // Spent by the call whose answer was lost: the server says to look first, then to begin anew.
                Verdict::Wrong(text) if text.contains("confirm_token") && rounds < ROUNDS => {
                    rounds += 1;
                    if find(&self.mcp, account, "sent", &subject).await {
                        Verdict::Right(())
                    } else if let Some(anew) = self.preview(account, &subject).await {
                        agreed = anew;
                        continue;
                    } else {
                        Verdict::Open("no further preview".to_owned())
                    }
                }
                Verdict::Wrong(text) => Verdict::Wrong(text),
                Verdict::Again(why, wait) => Verdict::Again(why, wait),
                Verdict::Open(why) => Verdict::Open(why),
            };
            if let Some(end) = asked.settle(verdict).await {
                break end;
            }
        };
        match end {
            End::Right(()) => account.wrote(&subject, Known::Done),
            End::Open if find(&self.mcp, account, "sent", &subject).await => {
                account.wrote(&subject, Known::Done);
                asked.resolved();
            }
            End::Open | End::Failed => {}
        }
    }

    /// The arguments with a token, as the person agreed to them.
    async fn preview(&self, account: &Account, subject: &str) -> Option<Value> {
        let mut asked = account.ask("send_email, preview");
        loop {
            let answer = self.mcp.try_tool("send_email", letter(subject)).await;
            let verdict = match account.of_call(answer, false) {
                Verdict::Right(content) if content["confirm_token"].is_string() => {
                    let mut agreed = letter(subject);
                    agreed["confirm_token"] = content["confirm_token"].clone();
                    Verdict::Right(agreed)
                }
                // Sent by an earlier call: the call with any token says so again.
                Verdict::Right(content) if content["status"] == "done" => Verdict::Right(letter(subject)),
                Verdict::Right(content) => Verdict::Wrong(content.to_string()),
                other @ (Verdict::Again(..) | Verdict::Open(_) | Verdict::Wrong(_)) => other,
            };
            if let Some(end) = asked.settle(verdict).await {
                return end.right();
            }
        }
    }
}

/// Whether a mail with this subject is in a folder.
pub(crate) async fn find(mcp: &Mcp, account: &Account, folder: &str, subject: &str) -> bool {
    let mut asked = account.ask("query_email, to look");
    loop {
        let wanted = json!({ "folder": folder, "subject_contains": subject });
        let answer = mcp.try_tool("query_email", wanted).await;
        if let Some(end) = asked.settle(account.of_call(answer, false)).await {
            return end.right().is_some_and(|content| content["count"].as_u64().unwrap_or(0) > 0);
        }
    }
}

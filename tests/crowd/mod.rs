//! People at work while something breaks: the load of the fault matrix and of the soak.
//!
//! Each of three people has six clients: two that read (in a session and without), one that writes drafts and sends
//! mails, one that rotates its refresh token, one that is answered on an event stream, and one at the OpenAI front.
//! They ask one thing after the other, as good clients do; the ledger says what came of it.

pub(crate) mod asking;
pub(crate) mod blows;
mod keyed;
pub(crate) mod ledger;
mod listening;
mod mail;
mod rotating;

use crate::support::cluster::Cluster;
use crate::support::login::Client;
use crate::support::mcp::Mcp;
use crate::support::openai::OpenAi;
use asking::Account;
use keyed::Keyed;
use ledger::{Ledger, PEOPLE, Pauses, mark};
use listening::Listening;
use mail::{Reader, Writer, letter};
use rotating::Rotating;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// A condition that does not come about within this is a hang.
const GUARD: Duration = Duration::from_mins(2);

/// Bounds of the product that a crowd in one place would meet, and people do not.
pub(crate) const SETTINGS: [(&str, &str); 8] = [
    ("ENTRADA_TOOLS__WRITES_PER_HOUR", "0"),
    ("ENTRADA_TOOLS__DEADLINE_S", "8"),
    ("ENTRADA_LIMITS__ENABLED", "false"),
    ("ENTRADA_GRAPH__OUTLOOK_REQUESTS", "1000000"),
    ("ENTRADA_SERVER__DRAIN_DELAY_S", "1"),
    ("ENTRADA_LOG", "warn"),
    ("ENTRADA_ADMIN_LISTEN", crate::support::operator::SETTINGS[0].1),
    ("ENTRADA_ADMIN_TOKEN", crate::support::operator::SETTINGS[1].1),
];

/// A client at work.
enum Kind {
    Reader(Reader),
    Writer(Writer),
    Rotating(Box<Rotating>),
    Listening(Box<Listening>),
    Keyed(Keyed),
}

struct Worker {
    person: &'static str,
    name: String,
    kind: Kind,
}

impl Worker {
    async fn turn(&mut self, account: &Account) {
        match &mut self.kind {
            Kind::Reader(reader) => reader.turn(account).await,
            Kind::Writer(writer) => writer.turn(account).await,
            Kind::Rotating(rotating) => rotating.turn(account).await,
            Kind::Listening(listening) => listening.turn(account).await,
            Kind::Keyed(keyed) => keyed.turn(account).await,
        }
    }
}

/// The clients, signed in and idle.
pub(crate) struct Crowd {
    workers: Vec<Worker>,
    /// Time between two requests of a client.
    pub(crate) pace: Duration,
}

impl Crowd {
    /// Signs everybody in. Sessions with a stream are opened at one more replica, which dies of it; on the embedded store,
    /// which has one process, at that one, which is started again.
    pub(crate) async fn gather(cluster: &mut Cluster) -> Self {
        let limits = json!({ "concurrent": 1_000, "budget": 1_000_000_000 });
        cluster.tenant.control(reqwest::Method::POST, "graph/limits", Some(limits)).await;
        let url = cluster.url.clone();
        let shared = cluster.has_shared_store();
        let doomed = if shared { cluster.add().await } else { 0 };
        let (mut workers, mut streams) = (Vec::new(), Vec::new());
        let client = Client::register(&url).await.with_scope("Mail.ReadWrite Mail.Send");
        let chat = Client::register(&url).await.for_resource(&format!("{url}/mail-query/v1"));
        let chat = chat.with_scope("Mail.ReadWrite");
        for person in PEOPLE {
            let (login, other) = (client.sign_in(person).await, client.sign_in(person).await);
            let key = chat.sign_in(person).await.access;
            let mcp = Mcp::modern(&url, &login.access);
            let subject = mark(person, 'x', 0);
            let made = mcp.call("create_email_draft", letter(&subject)).await.output().clone();
            let seed = (made["draft_id"].as_str().unwrap().to_owned(), subject);
            let replica = cluster.replica_url(doomed).to_owned();
            let (listening, stream) = Listening::open(&replica, &url, &login.access, &seed).await;
            streams.push(stream);
            let reader = |mcp: Mcp| Kind::Reader(Reader { mcp, seed: seed.clone(), turns: 0 });
            let session = mcp.opened("2025-11-25").await;
            let rotating = Rotating {
                client: client.clone(),
                mcp: Mcp::modern(&url, &other.access),
                tokens: other,
                seed: seed.clone(),
            };
            let api = OpenAi::new(&url, "mail-query", &key);
            let kinds = [
                ("reader", reader(mcp.clone())),
                ("session", reader(session)),
                ("writer", Kind::Writer(Writer { mcp: mcp.clone(), turns: 0 })),
                ("login", Kind::Rotating(Box::new(rotating))),
                ("stream", Kind::Listening(Box::new(listening))),
                ("keyed", Kind::Keyed(Keyed { api, mcp, turns: 0 })),
            ];
            workers.extend(kinds.map(|(name, kind)| Worker {
                person,
                name: format!("{name} of {person}"),
                kind,
            }));
        }
        if shared {
            cluster.lose(doomed);
        } else {
            cluster.crash_and_restart(doomed).await;
        }
        drop(streams);
        Self { workers, pace: Duration::from_millis(10) }
    }

    /// Sets everybody to work.
    pub(crate) fn work(self) -> Load {
        let ledger = Arc::new(Ledger::default());
        let (mut accounts, mut running) = (Vec::new(), Vec::new());
        for mut worker in self.workers {
            let account = Arc::new(Account {
                ledger: Arc::clone(&ledger),
                person: worker.person,
                name: worker.name.clone(),
                answered: AtomicU64::new(0),
                stopped: AtomicBool::new(false),
                pauses: Pauses::default(),
                pace: self.pace,
            });
            accounts.push(Arc::clone(&account));
            running.push(tokio::spawn(async move {
                while !account.is_stopped() {
                    worker.turn(&account).await;
                    sleep(account.pace).await;
                }
                worker
            }));
        }
        Load { ledger, accounts, running, pace: self.pace }
    }
}

/// Everybody at work.
pub(crate) struct Load {
    pub(crate) ledger: Arc<Ledger>,
    accounts: Vec<Arc<Account>>,
    running: Vec<JoinHandle<Worker>>,
    pace: Duration,
}

impl Load {
    /// Waits until every client has got so many more right answers.
    pub(crate) async fn go_on(&self, answers: u64) {
        let answered = |account: &Arc<Account>| account.answered.load(Ordering::SeqCst);
        let goals: Vec<u64> = self.accounts.iter().map(|account| answered(account) + answers).collect();
        let behind = || {
            let pairs = self.accounts.iter().zip(&goals);
            let behind = pairs.filter(|(account, goal)| answered(account) < **goal);
            behind.map(|(account, _)| account.name.clone()).collect::<Vec<_>>()
        };
        let waiting = async {
            while !behind().is_empty() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let answered = timeout(GUARD, waiting).await;
        assert!(answered.is_ok(), "not answered: {:?}\n{:#?}", behind(), self.ledger.figures());
    }

    /// Waits until so many more requests had to be repeated, or were left open.
    pub(crate) async fn trouble(&self, more: u64) {
        let met = || {
            let figures = self.ledger.figures();
            figures.retried + figures.open.unsigned_abs() + figures.refused.len() as u64
        };
        let goal = met() + more;
        let waiting = async {
            while met() < goal {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let met = timeout(GUARD, waiting).await;
        assert!(met.is_ok(), "nobody met the fault: {:#?}", self.ledger.figures());
    }

    /// Lets everybody finish.
    pub(crate) async fn stop(self) -> (Crowd, Arc<Ledger>) {
        for account in &self.accounts {
            account.stopped.store(true, Ordering::SeqCst);
        }
        let mut workers = Vec::new();
        for running in self.running {
            workers.push(timeout(GUARD, running).await.expect("a client hangs").unwrap());
        }
        (Crowd { workers, pace: self.pace }, self.ledger)
    }
}

//! The service against the simulated tenant over HTTP: every filter finds what a scan over the whole mailbox finds.
#![cfg(feature = "sim")]

use super::MailQuery;
use crate::adapters::embedded::EmbeddedStore;
use crate::adapters::graph_http::GraphHttp;
use crate::adapters::http::{Clients, PlainHttp};
use crate::adapters::net_probe::NetProbe;
use crate::domain::cipher::Cipher;
use crate::domain::clock::{SystemClock, Timestamp};
use crate::domain::ids::{ClientId, GrantId, UserKey};
use crate::domain::keyring::KeyRing;
use crate::domain::reach::Policy;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Secret;
use crate::domain::upstream::{Profile, UpstreamAccess};
use crate::domain::write_mark::WriteMark;
use crate::extract::{Extractor, PoolLimits};
use crate::graph::client::GraphClient;
use crate::graph::testing::OpenGate;
use crate::ports::tokens::{AccessTokens, TokenError};
use crate::services::testing::{transfers, writes};
use crate::services::{ServiceDeps, ServiceSettings};
use crate::sim::{Tenant, TenantOptions};
use crate::tools::activity::Activity;
use crate::tools::context::{CallContext, Caller};
use crate::tools::cursor::Cursors;
use crate::tools::error::ToolError;
use crate::tools::keepsakes::Keepsakes;
use crate::tools::offer::Offers;
use crate::tools::schema::prepare;
use crate::tools::tool::Service;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SCOPES: &str = "User.Read Mail.Read MailboxSettings.Read";
const REDIRECT: &str = "http://127.0.0.1:9/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-any-server-1234567890";

/// Tokens signed in for by hand.
#[derive(Default)]
struct Tokens(HashMap<Arc<str>, Arc<UpstreamAccess>>);

#[async_trait]
impl AccessTokens for Tokens {
    async fn get(&self, user: &UserKey) -> Result<Arc<UpstreamAccess>, TokenError> {
        self.0.get(&user.oid).cloned().ok_or(TokenError::SignInRequired)
    }

    async fn renew(&self, _user: &UserKey, _seen: u64) -> Result<Arc<UpstreamAccess>, TokenError> {
        Err(TokenError::SignInRequired)
    }

    async fn challenged(&self, _: &UserKey, _: u64, _: &str) -> Result<(), TokenError> {
        Ok(())
    }

    fn forget(&self, _user: &UserKey) {}
}

struct World {
    url: String,
    http: reqwest::Client,
    service: MailQuery,
    users: HashMap<&'static str, (UserKey, String)>,
}

impl World {
    async fn start(options: TenantOptions) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tenant = Tenant::bind(TenantOptions { workers: 1, ..options }).unwrap();
        let (url, graph) = (tenant.url(), tenant.graph_url());
        let app = (tenant.app_id(), tenant.app_secret());
        actix_rt::spawn(tenant.run());
        let redirects = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().redirect(redirects).no_proxy().build().unwrap();
        let (mut tokens, mut users) = (Tokens::default(), HashMap::new());
        for name in ["alice", "bob", "minji"] {
            let token = sign_in(&http, &url, app, name).await;
            let me: Value = http
                .get(format!("{graph}/me"))
                .bearer_auth(&token)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            let user = UserKey::new("tenant", me["id"].as_str().unwrap());
            let access = UpstreamAccess {
                token: Secret::new(token.clone()),
                version: 1,
                expires_at: Timestamp::from_millis(i64::MAX),
                profile: Profile {
                    username: format!("{name}@contoso.example"),
                    name: name.to_owned(),
                    ..Profile::default()
                },
                settled: true,
            };
            tokens.0.insert(user.oid.clone(), Arc::new(access));
            users.insert(name, (user, token));
        }
        let clock = Arc::new(SystemClock);
        let transport = Arc::new(GraphHttp::new(Clients::new(PlainHttp::Allowed).unwrap(), &graph, true));
        let keepsakes = Keepsakes::new(
            Arc::new(EmbeddedStore::memory(clock.clone())),
            Cipher::new(&KeyRing::from_text(&"k".repeat(40)).unwrap()),
        );
        let service = MailQuery::new(&ServiceDeps {
            graph: GraphClient::new(transport, Arc::new(tokens), Arc::new(OpenGate::default())),
            cursors: Cursors::new(
                Arc::new(EmbeddedStore::memory(clock.clone())),
                Cipher::new(&KeyRing::from_text(&"k".repeat(40)).unwrap()),
            ),
            activity: Activity::new(keepsakes.clone(), clock.clone()),
            keepsakes,
            transfers: transfers(clock.clone()),
            store: Arc::new(EmbeddedStore::memory(clock.clone())),
            offers: Offers::default(),
            writes: Arc::new(writes(clock.clone())),
            extractor: Arc::new(Extractor::new("/nonexistent".into(), PoolLimits::default())),
            clock,
            settings: ServiceSettings::default(),
            probe: Arc::new(NetProbe::new(Policy::default())),
        });
        Self { url, http, service, users }
    }

    async fn call(&self, user: &str, tool: &str, args: Value) -> Result<Value, ToolError> {
        let tool = self.service.tools().iter().find(|t| t.spec().name == tool).unwrap();
        let context = CallContext {
            caller: Caller {
                user: self.users[user].0.clone(),
                client: ClientId::new("c"),
                grant: GrantId::new("g"),
                scopes: ScopeSet::parse(SCOPES),
            },
            mailbox: None,
            mark: WriteMark::default(),
            deadline: Instant::now() + Duration::from_mins(1),
            outlet: crate::tools::outlet::Outlet::default(),
        };
        let output = tool.call(&context, prepare(tool.spec(), args)?.args).await?;
        let structured: Value = serde_json::from_str(output.structured.get()).unwrap();
        let fits = jsonschema::validator_for(&tool.spec().output_schema).unwrap();
        let faults: Vec<_> = fits.iter_errors(&structured).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}");
        Ok(structured)
    }

    /// Ids of all pages of a query, in order.
    async fn query(&self, user: &str, args: &Value) -> Vec<String> {
        let (mut ids, mut args) = (Vec::new(), args.clone());
        loop {
            let answer = self.call(user, "query_email", args).await.unwrap();
            ids.extend(
                answer["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap().to_owned()),
            );
            let Some(cursor) = answer["next_cursor"].as_str() else {
                assert_eq!(answer["has_more"], false);
                return ids;
            };
            args = json!({"cursor": cursor, "max_chars": 100_000});
        }
    }

    async fn raw(&self, user: &str, url: &str) -> Value {
        let request = self.http.get(url).bearer_auth(&self.users[user].1);
        let prefer = "IdType=\"ImmutableId\", outlook.body-content-type=\"text\"";
        request.header("prefer", prefer).send().await.unwrap().json().await.unwrap()
    }

    /// Every message of a mailbox, straight from the tenant.
    async fn scan(&self, user: &str) -> Vec<Value> {
        let (mut all, mut next) = (Vec::new(), Some(format!("{}/v1.0/me/messages?$top=200", self.url)));
        while let Some(url) = next {
            let page = self.raw(user, &url).await;
            all.extend(page["value"].as_array().unwrap().iter().cloned());
            next = page["@odata.nextLink"].as_str().map(ToOwned::to_owned);
        }
        all
    }

    async fn folder(&self, user: &str, name: &str) -> String {
        let folder = self.raw(user, &format!("{}/v1.0/me/mailFolders/{name}", self.url)).await;
        folder["id"].as_str().unwrap().to_owned()
    }

    async fn fault(&self, fault: Value) {
        let url = format!("{}/_sim/faults", self.url);
        assert!(self.http.post(url).json(&fault).send().await.unwrap().status().is_success());
    }
}

/// The account page by hand: form, code, token.
async fn sign_in(http: &reqwest::Client, url: &str, (app, secret): (&str, &str), name: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let scope = format!("openid profile offline_access {SCOPES}");
    let request = [
        ("client_id", app),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", scope.as_str()),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let page = http.get(format!("{url}/common/oauth2/v2.0/authorize")).query(&request).send().await.unwrap();
    let at = page.url().clone();
    let (action, mut fields) = {
        let html = scraper::Html::parse_document(&page.text().await.unwrap());
        let select = |css: &str| scraper::Selector::parse(css).unwrap();
        let form = html.select(&select("form")).next().unwrap();
        let action = form.value().attr("action").unwrap_or_default().to_owned();
        let fields: HashMap<String, String> = form
            .select(&select("input[type=hidden]"))
            .map(|i| {
                (i.value().attr("name").unwrap().to_owned(), i.value().attr("value").unwrap_or("").to_owned())
            })
            .collect();
        (action, fields)
    };
    fields.insert("username".to_owned(), format!("{name}@contoso.example"));
    fields.insert("decision".to_owned(), "accept".to_owned());
    let landed = http.post(at.join(&action).unwrap()).form(&fields).send().await.unwrap();
    let location = url::Url::parse(landed.headers()["location"].to_str().unwrap()).unwrap();
    let code = location.query_pairs().find(|(k, _)| k == "code").unwrap().1.into_owned();
    let form = [
        ("client_id", app),
        ("client_secret", secret),
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let answer = http.post(format!("{url}/common/oauth2/v2.0/token")).form(&form).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned()
}

fn text<'a>(message: &'a Value, pointer: &str) -> &'a str {
    message.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn from(message: &Value) -> String {
    text(message, "/from/emailAddress/address").to_lowercase()
}

fn recipients(message: &Value) -> Vec<String> {
    ["toRecipients", "ccRecipients", "bccRecipients"]
        .iter()
        .flat_map(|kind| message[kind].as_array().into_iter().flatten())
        .map(|person| text(person, "/emailAddress/address").to_lowercase())
        .collect()
}

fn received(message: &Value) -> DateTime<Utc> {
    text(message, "/receivedDateTime").parse().unwrap()
}

/// Whether a word of subject, body or sender begins with `word`.
fn mentions(message: &Value, word: &str) -> bool {
    let sender = text(message, "/from/emailAddress/name");
    let all = format!(
        "{} {} {sender} {}",
        text(message, "/subject"),
        text(message, "/body/content"),
        from(message)
    );
    all.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .any(|part| part.starts_with(&word.to_lowercase()))
}

fn in_subject(message: &Value, part: &str) -> bool {
    text(message, "/subject").to_lowercase().contains(&part.to_lowercase())
}

type Check = Box<dyn Fn(&Value) -> bool>;

/// The most frequent value of something in a mailbox.
fn usual(all: &[Value], of: impl Fn(&Value) -> Vec<String>, but: &str) -> String {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for value in all.iter().flat_map(of).filter(|value| !value.is_empty() && value != but) {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().max_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0))).unwrap().0
}

/// A word that begins words in several subjects, but not in all.
fn subject_word(all: &[Value], letters: usize) -> String {
    let words = |message: &Value| {
        let subject = text(message, "/subject").to_lowercase();
        subject
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.chars().count() == letters && !word.chars().all(|c| c.is_ascii_digit()))
            .map(ToOwned::to_owned)
            .collect()
    };
    usual(all, words, "")
}

fn cases(all: &[Value], own: &str, folders: (&str, &str)) -> Vec<(Value, Check)> {
    let sender = usual(all, |m| vec![from(m)], own);
    let sent = folders.1.to_owned();
    let to = usual(all, |m| if text(m, "/parentFolderId") == sent { recipients(m) } else { Vec::new() }, own);
    let (four, five) = (subject_word(all, 4), subject_word(all, 5));
    let (inbox, sent) = (folders.0.to_owned(), folders.1.to_owned());
    let domain = sender.split_once('@').unwrap().1.to_owned();
    let middle = received(&all[all.len() / 2]);
    let is_sender = |address: &str| {
        let address = address.to_owned();
        move |m: &Value| from(m) == address
    };
    let mut cases: Vec<(Value, Check)> = vec![
        (json!({}), Box::new(|_| true)),
        (json!({"order": "oldest"}), Box::new(|_| true)),
        (json!({"sender_address": sender}), Box::new(is_sender(&sender))),
        (json!({"sender_address": sender.to_uppercase()}), Box::new(is_sender(&sender))),
        (json!({"unread_only": true}), Box::new(|m| m["isRead"] == false)),
        (json!({"has_attachments": true}), Box::new(|m| m["hasAttachments"] == true)),
        (json!({"has_attachments": "no"}), Box::new(|m| m["hasAttachments"] == false)),
        (json!({"importance": "high"}), Box::new(|m| m["importance"] == "high")),
        (json!({"folder": "inbox"}), Box::new(move |m| text(m, "/parentFolderId") == inbox)),
        (json!({"start_date": middle.to_rfc3339()}), Box::new(move |m| received(m) >= middle)),
    ];
    let (a, b) = (four.clone(), five.clone());
    cases.push((json!({"subject_contains": four}), Box::new(move |m| in_subject(m, &a))));
    cases.push((json!({"keyword": five}), Box::new(move |m| mentions(m, &b))));
    let b = five.clone();
    cases.push((json!({"keyword": five, "order": "oldest"}), Box::new(move |m| mentions(m, &b))));
    let b = five.clone();
    cases.push((
        json!({"keyword": five, "unread_only": true}),
        Box::new(move |m| mentions(m, &b) && m["isRead"] == false),
    ));
    let (a, b) = (four.clone(), five.clone());
    let either = json!({"keyword_filter": {"or_keywords": [four, five]}});
    cases.push((either, Box::new(move |m| mentions(m, &a) || mentions(m, &b))));
    let (a, b) = (four.clone(), five.clone());
    let without = json!({"keyword_filter": {"and_keywords": [five], "not_keywords": [four]}});
    cases.push((without, Box::new(move |m| mentions(m, &b) && !mentions(m, &a))));
    let who = sender.clone();
    let both = json!({"conversation_with": [sender]});
    cases.push((both, Box::new(move |m| from(m) == who || recipients(m).contains(&who))));
    cases.push((json!({"sender_address": domain}), Box::new(move |m| from(m).contains(&domain))));
    let address = to.clone();
    cases.push((
        json!({"recipient_address": to}),
        Box::new(move |m| text(m, "/parentFolderId") == sent && recipients(m).contains(&address)),
    ));
    cases
}

#[actix_rt::test]
async fn every_filter_finds_what_a_scan_of_the_mailbox_finds() {
    let world = World::start(TenantOptions::default()).await;
    for user in ["alice", "bob", "minji"] {
        let all = world.scan(user).await;
        let folders = (world.folder(user, "inbox").await, world.folder(user, "sentitems").await);
        let own = format!("{user}@contoso.example");
        for (mut args, check) in cases(&all, &own, (&folders.0, &folders.1)) {
            args["days_back"] = json!(3650);
            args["limit"] = json!(40);
            args["max_chars"] = json!(100_000);
            let found = world.query(user, &args).await;
            let expected: BTreeSet<String> =
                all.iter().filter(|m| check(m)).map(|m| text(m, "/id").to_owned()).collect();
            let unique: BTreeSet<String> = found.iter().cloned().collect();
            assert_eq!(unique.len(), found.len(), "{user} {args}: an id twice");
            let subjects = |ids: &BTreeSet<String>| -> Vec<String> {
                all.iter()
                    .filter(|m| ids.contains(text(m, "/id")))
                    .map(|m| format!("{} {}", text(m, "/receivedDateTime"), text(m, "/subject")))
                    .collect()
            };
            let missing = subjects(&expected.difference(&unique).cloned().collect());
            let surplus = subjects(&unique.difference(&expected).cloned().collect());
            assert!(
                missing.is_empty() && surplus.is_empty(),
                "{user} {args}\nmissing {missing:#?}\nsurplus {surplus:#?}"
            );
            let rare =
                args["importance"].is_string() || args["keyword"].is_string() && args["unread_only"] == true;
            assert!(!expected.is_empty() || rare, "{user} {args} proves nothing");
        }
    }
}

#[actix_rt::test]
async fn users_never_see_each_other() {
    let world = World::start(TenantOptions::default()).await;
    let (alice, bob) = (world.query("alice", &json!({"days_back": 3650})).await, world.scan("bob").await);
    let bobs: BTreeSet<_> = bob.iter().map(|m| text(m, "/id").to_owned()).collect();
    assert!(!alice.is_empty() && alice.iter().all(|id| !bobs.contains(id)));
    let foreign = world.call("alice", "get_email", json!({"id": bobs.first().unwrap()})).await.unwrap_err();
    assert_eq!(foreign.code(), "not_found");
}

#[actix_rt::test]
async fn a_large_mailbox_is_read_to_its_end_through_the_ceiling() {
    let world = World::start(TenantOptions { extra_messages: 1500, ..TenantOptions::default() }).await;
    let all = world.scan("alice").await;
    let listed = world.query("alice", &json!({"days_back": 3650, "limit": 200, "max_chars": 100_000})).await;
    assert_eq!(listed.len(), all.len());
    let word = subject_word(&all, 6);
    let expected = all.iter().filter(|m| mentions(m, &word)).count();
    let found = world.query("alice", &json!({"keyword": word, "days_back": 3650, "limit": 200})).await;
    let unique: BTreeSet<_> = found.iter().collect();
    assert_eq!((unique.len(), found.len()), (expected, expected), "{word}");
    // Nearly every message: far beyond the ceiling of one search.
    let own = "alice@contoso.example";
    let expected: BTreeSet<String> = all
        .iter()
        .filter(|m| from(m) == own || recipients(m).contains(&own.to_owned()))
        .map(|m| text(m, "/id").to_owned())
        .collect();
    assert!(expected.len() > 1000, "{}", expected.len());
    let args = json!({"conversation_with": [own], "days_back": 3650, "limit": 200, "max_chars": 100_000});
    let found = world.query("alice", &args).await;
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[actix_rt::test]
async fn throttling_is_waited_out_and_long_waits_are_told() {
    let world = World::start(TenantOptions::default()).await;
    let throttle = |seconds: &str| json!({"path": "/v1.0/me/messages", "status": 429, "times": 1, "headers": {"Retry-After": seconds}});
    world.fault(throttle("1")).await;
    assert!(world.call("bob", "query_email", json!({"max_mails": 5})).await.is_ok());
    world.fault(throttle("300")).await;
    let error = world.call("bob", "query_email", json!({"max_mails": 5})).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), ("throttled", Some(Duration::from_mins(5))));
}

#[actix_rt::test]
async fn each_message_thread_folder_and_text_file_can_be_read() {
    let world = World::start(TenantOptions::default()).await;
    for user in ["alice", "minji"] {
        let args = json!({"days_back": 3650, "limit": 200, "max_chars": 100_000});
        let answer = world.call(user, "query_email", args).await.unwrap();
        assert!(
            !world.call(user, "list_mail_folders", json!({})).await.unwrap()["items"]
                .as_array()
                .unwrap()
                .is_empty()
        );
        for item in answer["items"].as_array().unwrap() {
            let letter = world.call(user, "get_email", json!({"id": item["id"]})).await.unwrap();
            assert_eq!(letter["subject"], item["subject"]);
            for file in letter["attachments"].as_array().unwrap() {
                // Larger ones go to the child process, which is the binary and not this test.
                let plain = ["text/plain", "text/csv", "text/html"].contains(&text(file, "/type"))
                    && file["size"].as_u64().is_some_and(|size| (1..1 << 20).contains(&size));
                let args = json!({"message_id": item["id"], "attachment_id": file["attachment_id"]});
                if plain || file["kind"] == "item" {
                    let read = world.call(user, "get_attachment", args).await;
                    let read = read.unwrap_or_else(|error| panic!("{file}: {error}"));
                    assert!(
                        read["text"].as_str().is_some_and(|t| !t.is_empty()) || file["kind"] == "reference",
                        "{read}"
                    );
                }
            }
        }
        let first = &answer["items"][0];
        let thread = world.call(user, "get_email_thread", json!({"id": first["id"]})).await.unwrap();
        assert!(thread["items"].as_array().unwrap().iter().any(|item| item["id"] == first["id"]));
    }
}

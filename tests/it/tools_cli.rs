//! `entrada tools` and `entrada call` as a person or a script runs them, also at a server that is reached under another
//! address than its own.

use super::support::browser::Browser;
use super::support::cluster::{Cluster, Plan, Store, settings};
use super::support::http;
use super::support::login::{Client, parameter};
use super::support::process::Process;
use serde_json::Value;
use tempfile::TempDir;

const ALICE: &str = "alice@contoso.example";

/// Somebody's terminal, with what opens the service.
struct Terminal {
    home: TempDir,
    key: Option<String>,
}

impl Terminal {
    fn new(key: Option<String>) -> Self {
        Self { home: TempDir::new().unwrap(), key }
    }

    async fn with_bearer(cluster: &Cluster, scope: &str) -> Self {
        let client = Client::register(&cluster.url).await.with_scope(scope);
        Self::new(Some(client.sign_in(ALICE).await.access))
    }

    fn start(&self, arguments: &[&str]) -> Process {
        let home = self.home.path().to_str().unwrap().to_owned();
        let key = self.key.iter().map(|key| ("ENTRADA_KEY".to_owned(), key.clone()));
        let environment: Vec<_> = key.chain([("XDG_CONFIG_HOME".to_owned(), home)]).collect();
        Process::entrada(arguments, &environment)
    }

    /// Exit code, what was printed, and what was said beside it.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut process = self.start(arguments);
        let code = process.wait_exit().code().unwrap();
        let (out, beside) = (process.stdout_at_end(), process.stderr_at_end());
        for text in [&out, &beside] {
            assert!(!text.contains("dcr_") && !text.contains("panicked"), "{text}");
        }
        (code, out, beside)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_listed_and_called() {
    let cluster = Cluster::embedded().await;
    let service = format!("{}/mail-query", cluster.url);
    let alice = Terminal::with_bearer(&cluster, "Mail.Read").await;
    let (code, list, beside) = alice.run(&["tools", &service]);
    assert_eq!(code, 0, "{beside}");
    for line in ["list_mail_folders", "get_email"] {
        assert!(list.lines().any(|told| told == line), "{line}: {list}");
    }
    assert!(list.contains("    id* (string)"), "{list}");
    let (_, list, _) = alice.run(&["tools", &format!("{service}/mcp"), "--json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    assert!(list.as_array().unwrap().iter().any(|tool| tool["name"] == "get_email"), "{list}");

    let (code, text, beside) = alice.run(&["call", &service, "list_mail_folders"]);
    assert!(code == 0 && text.contains("Inbox"), "{text}{beside}");
    let newest = cluster.tenant.graph(ALICE, "/me/messages?$top=1&$select=id,subject").await;
    let id = newest["value"][0]["id"].as_str().unwrap();
    for argument in [format!("id={id}"), format!("{{\"id\": \"{id}\"}}")] {
        let (code, mail, beside) = alice.run(&["call", &service, "get_email", &argument, "--json"]);
        assert_eq!(code, 0, "{beside}");
        let mail: Value = serde_json::from_str(&mail).unwrap();
        assert_eq!(mail["id"], id);
    }
    // A number and a switch are meant as such.
    let (code, some, beside) = alice.run(&["call", &service, "query_email", "top=1", "--json"]);
    assert_eq!(code, 0, "{beside}");
    assert_eq!(serde_json::from_str::<Value>(&some).unwrap()["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_has_its_words_and_its_exit_code() {
    let cluster = Cluster::embedded().await;
    let service = format!("{}/mail-query", cluster.url);
    let alice = Terminal::with_bearer(&cluster, "Mail.Read").await;
    let nowhere = format!("{}/nothing", cluster.url);
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}/mail-query");
    for (arguments, code, words) in [
        (vec!["call", &service, "get_email", "id=nonsense"], 1, "get_email failed"),
        (vec!["call", &service, "no_such_tool"], 2, "no_such_tool"),
        (vec!["call", &service, "get_email", "nonsense"], 2, "NAME=VALUE"),
        (vec!["call", &service, "get_email", "{\"id\":"], 2, "no JSON object"),
        (vec!["tools", &nowhere], 2, "there is no service"),
        (vec!["tools", &closed], 5, "nobody answers"),
        (vec!["tools", "http://192.0.2.1/mail-query"], 2, "--plain-http"),
        (
            vec!["tools", &service, "--public-url", "https://door.example/mail-query"],
            2,
            "scheme, host and port",
        ),
    ] {
        let (ended, out, beside) = alice.run(&arguments);
        assert_eq!(ended, code, "{arguments:?}: {out}{beside}");
        assert!(beside.starts_with("entrada: ") && beside.contains(words), "{arguments:?}: {beside}");
    }
    // The answer of a tool that failed is shown all the same.
    let (_, shown, _) = alice.run(&["call", &service, "get_email", "id=nonsense"]);
    assert!(shown.contains("no such item"), "{shown}");
    let stranger = Terminal::new(Some("dcr_pk_unknown".to_owned()));
    assert_eq!(stranger.run(&["tools", "--help"]).0, 0);
    let (code, _, beside) = Terminal::new(None).run(&["tools", &service]);
    assert!(code == 2 && beside.contains("entrada login"), "{beside}");
    assert_eq!(stranger.start(&["tools", &service]).wait_exit().code(), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_is_done_after_a_word() {
    let cluster = Cluster::embedded().await;
    let service = format!("{}/mail-query", cluster.url);
    let alice = Terminal::with_bearer(&cluster, "Mail.ReadWrite").await;
    let newest = cluster.tenant.graph(ALICE, "/me/mailFolders/inbox/messages?$top=1&$select=id").await;
    let ids = format!("ids=[\"{}\"]", newest["value"][0]["id"].as_str().unwrap());
    let trash = async || {
        let all =
            cluster.tenant.graph(ALICE, "/me/mailFolders/deleteditems/messages?$top=1000&$select=id").await;
        all["value"].as_array().unwrap().len()
    };
    let before = trash().await;
    // Nobody is at this terminal to be asked.
    let (code, preview, beside) = alice.run(&["call", &service, "delete_email", &ids]);
    assert_eq!(code, 6, "{preview}{beside}");
    assert!(preview.contains("Deleted Items"), "{preview}");
    assert_eq!(trash().await, before);
    let token = beside.split("confirm_token=").nth(1).unwrap().trim();
    let token = format!("confirm_token={token}");
    let (code, done, beside) = alice.run(&["call", &service, "delete_email", &ids, &token]);
    assert_eq!(code, 0, "{done}{beside}");
    assert_eq!(trash().await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_reached_at_another_address_than_its_own() {
    let cluster = Cluster::start(Store::embedded(), Plan::default()).await;
    // As through a port-forward: the replica itself, past what stands before it.
    let forwarded = format!("{}/mail-query", cluster.replica_url(0));
    let alice = Terminal::new(None);
    let plain = alice.run(&["login", &forwarded]);
    assert!(plain.0 == 1 && plain.2.contains("it calls itself"), "{}", plain.2);
    let public = ["--public-url", cluster.url.as_str()];
    let mut login = alice.start(&["login", &forwarded, public[0], public[1]]);
    let url = login.wait_for("Open in your browser: ");
    assert!(url.starts_with(&cluster.url), "the browser goes to the public address: {url}");
    let back = parameter(&url, "redirect_uri").unwrap();
    let landing = Browser::new(ALICE).walk(&url, &back).await;
    // From here on nobody answers at the public address.
    cluster.balancer.point_at(Vec::new());
    assert_eq!(http::client().get(&landing).send().await.unwrap().status(), 200);
    assert_eq!(login.wait_exit().code(), Some(0), "{}", login.stderr_at_end());
    let (code, text, beside) = alice.run(&["call", &forwarded, "list_mail_folders", public[0], public[1]]);
    assert!(code == 0 && text.contains("Inbox"), "{text}{beside}");
    let (code, _, beside) = alice.run(&["logout", &forwarded, public[0], public[1]]);
    assert_eq!(code, 0, "{beside}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_url_can_be_given_at_the_start() {
    let cluster = Cluster::embedded().await;
    let store = Store::embedded();
    let own = settings(&cluster.tenant, "https://door.example", &store.url());
    let mut replica = Process::entrada(&["serve", "--public-url", "http://localhost:18080"], &own);
    let url = replica.wait_for("entrada listening on ");
    let metadata = format!("{url}/.well-known/oauth-authorization-server");
    let described: Value = http::client().get(metadata).send().await.unwrap().json().await.unwrap();
    assert_eq!(described["issuer"], "http://localhost:18080");
    let mut wrong = Process::entrada(&["serve", "--public-url", "http://door.example"], &own);
    assert!(!wrong.wait_exit().success());
    assert!(wrong.stderr_at_end().contains("server.public_url"));
}

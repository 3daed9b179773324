//! `entrada login`, `chat` without a key, and `logout`, as a person runs them: a terminal and a browser.

use super::support::browser::Browser;
use super::support::cluster::Cluster;
use super::support::http;
use super::support::login::parameter;
use super::support::process::Process;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

/// Somebody's terminal.
struct Terminal {
    home: TempDir,
}

impl Terminal {
    fn new() -> Self {
        Self { home: TempDir::new().unwrap() }
    }

    fn start(&self, arguments: &[&str]) -> Process {
        let config = self.home.path().to_str().unwrap().to_owned();
        Process::entrada(arguments, &[("XDG_CONFIG_HOME".to_owned(), config)])
    }

    /// Exit code and everything printed.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut process = self.start(arguments);
        let code = process.wait_exit().code();
        let text = process.stdout_at_end() + &process.stderr_at_end();
        assert!(!text.contains("dcr_") && !text.contains("panicked"), "{text}");
        (code, text)
    }

    /// Signs `user` in; where the browser was sent back to.
    async fn login(&self, arguments: &[&str], user: Browser) -> (Option<i32>, String) {
        let mut process = self.start(arguments);
        let url = process.wait_for("Open in your browser: ");
        let back = parameter(&url, "redirect_uri").unwrap();
        let mut browser = user;
        let landing = browser.walk(&url, &back).await;
        // A stranger at the same port ends nothing.
        assert_eq!(http::status(&format!("{back}?code=c&state=wrong")).await, Some(404));
        let page = http::client().get(&landing).send().await.unwrap();
        assert_eq!(page.status(), 200);
        let code = process.wait_exit().code();
        (code, process.stdout_at_end() + &process.stderr_at_end())
    }

    fn files(&self) -> Vec<(u32, Vec<u8>)> {
        let folder = self.home.path().join("entrada");
        let read = |path: &Path| {
            (std::fs::metadata(path).unwrap().permissions().mode() & 0o777, std::fs::read(path).unwrap())
        };
        std::fs::read_dir(folder).unwrap().map(|entry| read(&entry.unwrap().path())).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_talks_and_signs_out() {
    let mut cluster = Cluster::embedded().await;
    let service = format!("{}/mail-query", cluster.url);
    let (alices, bobs) = (Terminal::new(), Terminal::new());
    let (code, text) = alices.run(&["chat", &service, "-m", "list_mail_folders {}"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains(&format!("entrada login {service}")), "{text}");
    for (terminal, user) in [(&alices, ALICE), (&bobs, BOB)] {
        let (code, text) = terminal.login(&["login", &service], Browser::new(user)).await;
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("Signed in."), "{text}");
        let files = terminal.files();
        assert_eq!(files.len(), 2);
        for (mode, bytes) in files {
            assert_eq!(mode, 0o600);
            assert!(!String::from_utf8_lossy(&bytes).contains("dcr_"));
        }
    }
    // Everybody's own mail, and nobody else's.
    let ask = |terminal: &Terminal, message: &str| terminal.run(&["chat", &service, "-m", message]);
    let newest = async |user: &str| {
        let list = cluster.tenant.graph(user, "/me/messages?$top=1&$select=id,subject").await;
        let text = |name: &str| list["value"][0][name].as_str().unwrap().to_owned();
        (text("id"), text("subject"))
    };
    let (id, subject) = newest(ALICE).await;
    let message = format!("get_email {{\"id\":\"{id}\"}}");
    let (code, text) = ask(&alices, &message);
    assert!(code == Some(0) && text.contains(&subject) && text.contains("→ get_email {"), "{text}");
    let (_, text) = ask(&bobs, &message);
    assert!(text.contains("→ get_email {") && text.contains('✗'), "{text}");
    // Another service is another sign-in.
    let (code, text) = alices.run(&["chat", &format!("{}/calendar", cluster.url), "-m", "hi"]);
    assert_eq!(code, Some(2), "{text}");
    // The bearer has ended at the server: it is renewed, and the next run goes on from there.
    cluster.tenant.forge(serde_json::json!({ "claims": { "exp": 4_000_000_000_u32 }, "times": 100 })).await;
    cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", "7200");
    cluster.crash_and_restart(0).await;
    for _ in 0..2 {
        let (code, text) = ask(&alices, "list_mail_folders {}");
        assert_eq!(code, Some(0), "{text}");
    }
    let (code, text) = alices.run(&["logout", &service]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(ask(&alices, "list_mail_folders {}").0, Some(2));
    assert_eq!(alices.run(&["logout", &service]).0, Some(0), "nobody is signed in any more");
    assert_eq!(ask(&bobs, "list_mail_folders {}").0, Some(0));
    // Ended elsewhere, at the account page for instance.
    cluster.tenant.revoke(BOB).await;
    cluster.set("ENTRADA_SERVER__TEST_CLOCK_OFFSET_S", "14400");
    cluster.crash_and_restart(0).await;
    let (code, text) = ask(&bobs, "list_mail_folders {}");
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains(&format!("Run `entrada login {service}` again")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_comes_to_nothing_says_why() {
    let cluster = Cluster::embedded().await;
    let service = format!("{}/mail-query/mcp", cluster.url);
    let terminal = Terminal::new();
    let (code, text) = terminal.login(&["login", &service], Browser::new(ALICE).denying()).await;
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("nobody is signed in: the person refused"), "{text}");
    let (code, text) = terminal.run(&["login", &format!("{}/nothing", cluster.url)]);
    assert_eq!(code, Some(2), "{text}");
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let (code, text) = terminal.run(&["login", &format!("http://{closed}/mail-query")]);
    assert_eq!(code, Some(5), "{text}");
    let (code, text) = terminal.run(&["login", "http://192.0.2.1/mail-query"]);
    assert!(code == Some(2) && text.contains("--plain-http"), "{text}");
    assert!(!terminal.home.path().join("entrada").exists(), "nothing is kept of it");
}

//! Clients whose id is the URL of their metadata: H16–H20; and their keys: H68.

use super::client_auth::{PROVEN, REFUSED, assert_by, claims};
use super::{ALICE, Table, page, rows};
use crate::support::browser::Browser;
use crate::support::cluster::Store;
use crate::support::http;
use crate::support::https::{Reply, Trap, head};
use crate::support::internet::{HOST, INSIDE, Net, document};
use crate::support::login::{Client, REDIRECT};
use crate::support::mcp::Mcp;
use crate::support::signing::Signer;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::io::Write;

rows!(on_the_internet: h16, h17, h18, h19, h20, h68_published, a_published_client_signs_in);

/// The product's limit for a document.
const MAX_DOCUMENT: usize = 5 * 1024;

impl Net {
    /// Begins a sign-in of the client `id`: `consent`, or the page that it ends at.
    async fn begin(&self, id: &str) -> String {
        let client = Client::known(&self.cluster.url, id);
        let response = http::client().get(client.authorize_url("s")).send().await.unwrap();
        let location = response.headers().get("location").map(|to| to.to_str().unwrap());
        if location.is_some_and(|to| to.starts_with("/consent?flow=")) {
            return "consent".to_owned();
        }
        page(&response)
    }

    /// Begins a sign-in of the client whose document this is.
    async fn begin_with(&self, path: &str, reply: Reply) -> String {
        self.site.publish(path, reply);
        self.begin(&format!("{HOST}{path}")).await
    }

    /// Fails when the product tried to reach anything but a site that answered. The trap is seen to be one, and the
    /// log to tell: a name that the stand declares to be outside does get there.
    async fn assert_nothing_dialled(&self) {
        self.trap.assert_untouched();
        let door = self.begin("https://door.example/client.json");
        let (seen, ()) = tokio::join!(door, self.trap.touched());
        assert_eq!(seen, "400 page");
        let log = http::eventually("the failure is logged", || async {
            let log = self.cluster.replicas[0].stderr();
            log.contains("door.example").then_some(log)
        })
        .await;
        assert_eq!(log.matches("a document cannot be fetched").count(), 1, "{log}");
    }
}

/// Runs a row with a site, on both stores.
pub(super) async fn on_the_internet(row: impl AsyncFn(&Net, Table)) {
    row(&Net::start(Store::embedded()).await, Table("embedded")).await;
    if let Some(store) = Store::redis() {
        row(&Net::start(store).await, Table("redis")).await;
    }
}

fn good(path: &str) -> Reply {
    Reply::json(document(path).to_string())
}

async fn a_published_client_signs_in(net: &Net, _: Table) {
    net.site.publish("/client.json", good("/client.json"));
    let client = Client::known(&net.cluster.url, &format!("{HOST}/client.json"));
    let (_, html) = Browser::new(ALICE).open(&client.authorize_url("s")).await;
    assert!(html.contains("app.example"), "the page names the host that stands for it: {html}");
    let login = client.sign_in(ALICE).await;
    Mcp::modern(&net.cluster.url, &login.access).call("list_mail_folders", json!({})).await.output();
    assert_eq!(client.refresh(&login.refresh).await.status(), 200);
    assert_eq!(net.site.asked(), ["/client.json"], "one fetch serves all of it");
}

async fn h16(net: &Net, table: Table) {
    let port = net.trap.port();
    for path in ["/", "/c.json", "/a/c.json"] {
        net.site.publish(path, good(path));
    }
    for id in [
        "http://app.example/c.json",
        &format!("http://127.0.0.1:{port}/c.json"),
        "https://app.example",
        "https://app.example/",
        "https://app.example?c.json",
        "https://app.example/c.json#f",
        "https://app.example/c.json#",
        "https://a@app.example/c.json",
        "https://a:b@app.example/c.json",
        "https://@app.example/c.json",
        "https://app.example/a/../c.json",
        "https://app.example/./c.json",
        "https://app.example/a/%2e%2e/c.json",
        "https://app.example\\c.json",
        "https:app.example/c.json",
        "https:///app.example/c.json",
        "HTTPS://app.example/c.json",
        "https://APP.example/c.json",
        "https://app.example:443/c.json",
        " https://app.example/c.json",
        "https://app.example/c .json",
        "ftp://app.example/c.json",
        "file:///etc/passwd",
        "://app.example/c.json",
    ] {
        assert_eq!(net.begin(id).await, "400 page", "{id}");
    }
    assert_eq!(net.site.asked(), [""; 0], "nothing was sent to find out");
    net.assert_nothing_dialled().await;
    assert_eq!(net.begin(&format!("{HOST}/c.json")).await, "consent");
    table.held(
        "H16",
        "client_id http, without path, with fragment, userinfo, dot segments",
        "400 page, nothing fetched",
    );
}

async fn h17(net: &Net, table: Table) {
    let port = net.trap.port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.8.8.8",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "[fd00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "app.localhost",
        "app.local",
        "metadata.google.internal",
        "router",
        "app.example.",
    ];
    let named = INSIDE.map(|(name, _)| name);
    for host in hosts.iter().chain(&named) {
        let id = format!("https://{host}:{port}/client.json");
        assert_eq!(net.begin(&id).await, "400 page", "{id}");
        let id = format!("https://{host}/client.json");
        assert_eq!(net.begin(&id).await, "400 page", "{id}");
    }
    // Its keys may not lie there either.
    for host in named {
        let mut with_keys = document("/keys.json");
        with_keys["client_id"] = json!(format!("{HOST}/{host}.json"));
        with_keys["token_endpoint_auth_method"] = json!("private_key_jwt");
        with_keys["jwks_uri"] = json!(format!("https://{host}:{port}/jwks.json"));
        assert_eq!(
            net.begin_with(&format!("/{host}.json"), Reply::json(with_keys.to_string())).await,
            "consent"
        );
        let id = format!("{HOST}/{host}.json");
        let signer = Signer::new(7);
        let assertion = signer.sign(&signer.header("k1"), &claims(&net.cluster, &id, "1"));
        assert_eq!(assert_by(&net.cluster.url, &assertion).await, REFUSED, "{host}");
    }
    net.assert_nothing_dialled().await;
    table.held(
        "H17",
        "client_id and jwks_uri at inner addresses, written and resolved",
        "400 page, no connection",
    );
}

/// A gzip stream that is a good document when unpacked, and 10 MB of it.
fn bomb(path: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(document(path).to_string().as_bytes()).unwrap();
    packer.write_all(&vec![b' '; 10 << 20]).unwrap();
    packer.finish().unwrap()
}

/// Most memory that the product ever had, in kB.
fn peak_kb(net: &Net) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", net.cluster.replicas[0].id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

async fn h18(net: &Net, table: Table) {
    const JSON: (&str, &str) = ("Content-Type", "application/json");
    assert_eq!(net.begin_with("/good.json", good("/good.json")).await, "consent");
    let trap = format!("https://127.0.0.1:{}/", net.trap.port());
    let padded = |path: &str, length: usize| {
        let text = document(path).to_string();
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    let exact = Reply::json(padded("/exact.json", MAX_DOCUMENT));
    assert_eq!(net.begin_with("/exact.json", exact).await, "consent", "5 KiB are not too many");
    let text = |path: &str| document(path).to_string();
    let headless = |headers: &[(&str, &str)]| head("200 OK", &[headers, &[("Connection", "close")]].concat());
    let gzip = ("Content-Encoding", "gzip");
    let bomb = bomb("/bomb.json");
    assert!(bomb.len() < 64 * 1024);
    let before = peak_kb(net);
    let replies = [
        ("/moved.json", Reply::new("302 Found", &[("Location", "/good.json")], "")),
        ("/moved-away.json", Reply::new("301 Moved", &[("Location", &trap)], "")),
        ("/moved-body.json", Reply::new("307 Moved", &[("Location", &trap), JSON], text("/moved-body.json"))),
        ("/large.json", Reply::json(padded("/large.json", MAX_DOCUMENT + 1))),
        ("/bomb.json", Reply::new("200 OK", &[JSON, gzip], &bomb)),
        (
            "/deflate.json",
            Reply::new("200 OK", &[JSON, ("Content-Encoding", "deflate")], text("/deflate.json")),
        ),
        ("/html.json", Reply::new("200 OK", &[("Content-Type", "text/html")], text("/html.json"))),
        ("/text.json", Reply::new("200 OK", &[("Content-Type", "text/plain")], text("/text.json"))),
        ("/untyped.json", Reply::new("200 OK", &[], text("/untyped.json"))),
        ("/missing.json", Reply::new("404 Not Found", &[JSON], text("/missing.json"))),
        ("/gone.json", Reply::new("410 Gone", &[JSON], text("/gone.json"))),
        ("/created.json", Reply::new("201 Created", &[JSON], text("/created.json"))),
        ("/broken.json", Reply::new("500 Oops", &[JSON], text("/broken.json"))),
        ("/noise.json", Reply::Whole(b"\x00\x01\x02 no HTTP\r\n\r\n".to_vec())),
        ("/endless.json", Reply::Endless([headless(&[JSON]), text("/endless.json").into_bytes()].concat())),
        ("/endless-gzip.json", Reply::Endless([headless(&[JSON, gzip]), bomb].concat())),
        ("/endless-head.json", Reply::Endless(b"HTTP/1.1 200 OK\r\nX: ".to_vec())),
        ("/drip.json", Reply::Drip([headless(&[JSON]), text("/drip.json").into_bytes()].concat())),
        ("/drip-head.json", Reply::Drip(b"HTTP/1.1 200 OK\r\nX: ".to_vec())),
        ("/mute.json", Reply::Mute),
    ];
    let paths = replies.iter().map(|(path, _)| *path).collect::<Vec<_>>();
    // No more than two at a time: the product asks no host for more.
    for pair in replies.chunks(2) {
        let asked = pair.iter().map(async |(path, reply)| (*path, net.begin_with(path, reply.clone()).await));
        for (path, seen) in join_all(asked).await {
            assert_eq!(seen, "400 page", "{path}");
        }
    }
    net.trap.assert_untouched();
    assert!(net.begin(&format!("{HOST}/good.json")).await == "consent", "the others go on");
    let mut taken = 0;
    for path in paths {
        let sent = http::eventually(path, || async { net.site.sent(path) }).await;
        // A drip is one byte a second, so bytes are seconds; of an endless answer the sockets hold some.
        let most = if path.starts_with("/drip") { 10 } else { 16 << 20 };
        assert!(sent <= most, "{path}: {sent}");
        taken += sent;
    }
    let grown = peak_kb(net).saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} kB");
    let seen = format!("400 page; {} kB read of endless answers, {grown} kB of memory", taken / 1024);
    table.held("H18", "document that redirects, is large, packed, endless, slow, of another type", seen);
}

async fn h19(net: &Net, table: Table) {
    let method = "token_endpoint_auth_method";
    let private = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ", "d": "AQ"}]});
    let changes = [
        ("client_id", json!(format!("{HOST}/other.json"))),
        ("client_id", json!(HOST)),
        ("client_id", Value::Null),
        ("client_id", json!([format!("{HOST}/9.json")])),
        ("client_name", Value::Null),
        ("client_secret", json!("s")),
        ("client_secret", json!("")),
        ("client_secret_expires_at", json!(0)),
        (method, json!("client_secret_basic")),
        (method, json!("client_secret_post")),
        (method, json!("client_secret_jwt")),
        (method, json!("tls_client_auth")),
        (method, json!("private_key_jwt")),
        ("token_endpoint_auth_methods_supported", json!(["none", "client_secret_basic"])),
        ("redirect_uris", json!(["https://*.app.example/cb"])),
        ("redirect_uris", json!(["https://app.example/*"])),
        ("redirect_uris", json!(["*"])),
        ("redirect_uris", json!([REDIRECT, "javascript:alert(1)"])),
        ("redirect_uris", json!([])),
        ("redirect_uris", json!(REDIRECT)),
        ("jwks", private),
        ("grant_types", json!(["implicit"])),
    ];
    for (number, (member, value)) in changes.into_iter().enumerate() {
        let path = format!("/{number}.json");
        let mut wrong = document(&path);
        wrong[member] = value;
        let seen = net.begin_with(&path, Reply::json(wrong.to_string())).await;
        assert_eq!(seen, "400 page", "{wrong}");
    }
    let bodies: [&[u8]; 6] = [b"", b"[]", b"null", b"not json", b"\xff\xfe{}", &[b'['; 5000]];
    for (number, body) in bodies.into_iter().enumerate() {
        assert_eq!(net.begin_with(&format!("/body-{number}.json"), Reply::json(body)).await, "400 page");
    }
    // A good one beside them, and a redirect URI that it does not publish.
    assert_eq!(net.begin_with("/good.json", good("/good.json")).await, "consent");
    let mut moved = document("/moved.json");
    moved["redirect_uris"] = json!(["https://app.example/cb"]);
    assert_eq!(net.begin_with("/moved.json", Reply::json(moved.to_string())).await, "400 page");
    table.held("H19", "document with another client_id, a secret, a secret method, a wildcard", "400 page");
}

async fn h20(net: &Net, table: Table) {
    // The first answer leads to the site. The second, which whoever asks again before dialling would get, leads inside.
    let inside = Trap::at(&format!("127.0.0.2:{}", net.site.address.port()));
    let id = format!("https://rebind.example:{}/client.json", net.site.address.port());
    let mut document = document("/client.json");
    document["client_id"] = json!(id);
    net.site.publish("/client.json", Reply::json(document.to_string()));
    assert_eq!(net.begin(&id).await, "consent", "the address that was checked is the one that was dialled");
    assert_eq!(net.site.asked(), ["/client.json"]);
    // From here on DNS says the inner address: it is looked at anew, and refused.
    let other = id.replace("client.json", "other.json");
    assert_eq!(net.begin(&other).await, "400 page");
    assert_eq!(net.begin(&id).await, "consent", "the kept document serves");
    inside.assert_untouched();
    assert_eq!(net.site.asked(), ["/client.json"]);
    net.assert_nothing_dialled().await;
    table.held(
        "H20",
        "DNS answers outside first, inside afterwards",
        "the checked address is dialled; then 400 page",
    );
}

async fn h68_published(net: &Net, table: Table) {
    let path = "/signing.json";
    let id = format!("{HOST}{path}");
    let mut document = document(path);
    document["token_endpoint_auth_method"] = json!("private_key_jwt");
    document["jwks_uri"] = json!(format!("{HOST}/jwks.json"));
    net.site.publish("/jwks.json", Reply::json(Signer::new(7).jwks("k1").to_string()));
    assert_eq!(net.begin_with(path, Reply::json(document.to_string())).await, "consent");
    let said = |key: u8, kid: &str, jti: &str| {
        let signer = Signer::new(key);
        signer.sign(&signer.header(kid), &claims(&net.cluster, &id, jti))
    };
    let once = said(7, "k1", "1");
    assert_eq!(assert_by(&net.cluster.url, &once).await, PROVEN);
    assert_eq!(assert_by(&net.cluster.url, &once).await, REFUSED);
    assert_eq!(assert_by(&net.cluster.url, &said(8, "k1", "2")).await, REFUSED);
    // Keys that nobody publishes are looked for once, however many are named.
    for number in 0..10 {
        assert_eq!(assert_by(&net.cluster.url, &said(8, &format!("made-up-{number}"), "3")).await, REFUSED);
    }
    assert_eq!(assert_by(&net.cluster.url, &said(7, "k1", "4")).await, PROVEN);
    let fetched = net.site.asked().iter().filter(|path| *path == "/jwks.json").count();
    assert_eq!(fetched, 2);
    table.held(
        "H68",
        "private_key_jwt of a published client: replay, other key, 10 unknown kids",
        format!("{REFUSED}; keys fetched twice"),
    );
}

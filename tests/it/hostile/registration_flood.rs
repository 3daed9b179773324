//! Registrations by the thousand: H71.

use super::{ALICE, Table};
use crate::support::cluster::{Cluster, Plan, Store};
use crate::support::http::{self, eventually};
use crate::support::login::{Client, REDIRECT};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

/// Enough to see what one costs, few enough to be gone within a test.
const FLOOD: usize = 3000;
/// Most that a registration may cost Redis, in bytes: two sealed copies and their keys.
const COST: u64 = 4096;

/// Registers under a name of its own; the id.
async fn register(http: &reqwest::Client, base: &str, number: usize) -> String {
    let metadata = json!({
        "client_name": format!("flood {number}"), "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
    });
    let response = http.post(format!("{base}/register")).json(&metadata).send().await.unwrap();
    assert_eq!(response.status(), 201);
    response.json::<Value>().await.unwrap()["client_id"].as_str().unwrap().to_owned()
}

/// Whether a sign-in of the client can begin.
async fn is_known(cluster: &Cluster, id: &str) -> bool {
    let url = Client::known(&cluster.url, id).authorize_url("s");
    let status = http::client().get(url).send().await.unwrap().status().as_u16();
    assert!(matches!(status, 302 | 400), "{status}");
    status == 302
}

/// Registers the flood; the first and the last of it.
async fn flood(cluster: &Cluster) -> [String; 2] {
    let http = http::client();
    let base = cluster.replica_url(0);
    let ids = stream::iter(0..FLOOD).map(|number| register(&http, base, number)).buffered(16);
    let ids: Vec<String> = ids.collect().await;
    [ids[0].clone(), ids[FLOOD - 1].clone()]
}

/// Bytes that Redis holds, and how many records of clients are among them.
async fn held(mut connection: redis::aio::MultiplexedConnection) -> (u64, usize) {
    let info: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await.unwrap();
    let bytes = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("ent:client:*").query_async(&mut connection).await.unwrap();
    (bytes.trim().parse().unwrap(), keys.len())
}

/// Registers the flood beside a client that is used, looks at the store while all of it is there, and waits until the
/// flood is forgotten.
async fn forgets(store: Store, at_the_height: impl AsyncFnOnce()) -> Cluster {
    let settings = [("ENTRADA_REGISTRATION__UNUSED_TTL_S", "20"), ("ENTRADA_LIMITS__ENABLED", "false")];
    let cluster = Cluster::start(store, Plan { settings: &settings, ..Plan::default() }).await;
    let used = Client::register(&cluster.url).await;
    let login = used.sign_in(ALICE).await;
    let [first, last] = flood(&cluster).await;
    assert!(is_known(&cluster, &last).await);
    at_the_height().await;
    eventually("the flood is forgotten", || async {
        let gone = !is_known(&cluster, &first).await && !is_known(&cluster, &last).await;
        gone.then_some(())
    })
    .await;
    assert!(is_known(&cluster, &used.id).await);
    assert_eq!(used.refresh(&login.refresh).await.status(), 200);
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn h71_embedded() {
    forgets(Store::embedded(), async || ()).await;
    let what = format!("{FLOOD} registrations, then idle");
    Table("embedded").held("H71", what, "unused ones gone after their time, the used one stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn h71_redis() {
    let Some(store) = Store::redis() else { return };
    let client = redis::Client::open(store.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let (before, _) = held(connection.clone()).await;
    let mut each = 0;
    let _cluster = forgets(store, async || {
        each = (held(connection.clone()).await.0.saturating_sub(before)) / FLOOD as u64;
    })
    .await;
    assert!(each < COST, "{each} bytes");
    // Redis frees what has expired a little at a time.
    let left = eventually("Redis frees the flood", || async {
        let (bytes, clients) = held(connection.clone()).await;
        (clients == 1).then_some(bytes.saturating_sub(before))
    })
    .await;
    assert!(left < FLOOD as u64 * COST / 4, "{left} bytes are left");
    Table("redis").held(
        "H71",
        format!("{FLOOD} registrations, then idle"),
        format!(
            "{each} bytes each; unused ones gone after their time, the used one stays; {left} bytes left"
        ),
    );
}

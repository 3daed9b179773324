//! A product with hosts around it: one that publishes what clients say of themselves, and doors on this machine that it
//! must leave alone.

use super::cluster::{Cluster, Plan, Store};
use super::https::{Site, Trap};
use super::login::REDIRECT;
use serde_json::{Value, json};

/// Where the site is that publishes.
pub(crate) const HOST: &str = "https://app.example";

/// What DNS answers for names that lead inside. Port 0 marks an answer that is checked like any other.
pub(crate) const INSIDE: [(&str, &str); 9] = [
    ("loopback.example", "127.0.0.1:0"),
    ("loopback6.example", "[::1]:0"),
    ("mapped.example", "[::ffff:127.0.0.1]:0"),
    ("nat64.example", "[64:ff9b::7f00:1]:0"),
    ("private.example", "10.0.0.1:0"),
    ("metadata.example", "169.254.169.254:0"),
    ("carrier.example", "100.64.0.1:0"),
    ("local6.example", "[fd00::1]:0"),
    ("unspecified.example", "0.0.0.0:0"),
];

/// A product, a site that it takes for one of the internet, and a door on this machine that it must leave alone.
pub(crate) struct Net {
    pub(crate) cluster: Cluster,
    pub(crate) site: Site,
    pub(crate) trap: Trap,
}

impl Net {
    pub(crate) async fn start(store: Store) -> Self {
        let site = Site::start(&["app.example", "rebind.example"]).await;
        let trap = Trap::at("0.0.0.0:0");
        let names = INSIDE.map(|(name, answer)| format!("{name}={answer}"));
        let addresses = format!(
            "app.example={site},door.example=127.0.0.1:{},rebind.example={site}|127.0.0.2:0,{}",
            trap.port(),
            names.join(","),
            site = site.address,
        );
        let authority = site.authority();
        let settings = [
            ("ENTRADA_CLIENT_METADATA__TEST_ADDRESSES", addresses.as_str()),
            ("ENTRADA_CLIENT_METADATA__TEST_AUTHORITY", authority.to_str().unwrap()),
            ("ENTRADA_LIMITS__ENABLED", "false"),
        ];
        let cluster = Cluster::start(store, Plan { settings: &settings, ..Plan::default() }).await;
        Self { cluster, site, trap }
    }
}

/// The document of a client at `path`.
pub(crate) fn document(path: &str) -> Value {
    json!({
        "client_id": format!("{HOST}{path}"), "client_name": "App", "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "none",
    })
}

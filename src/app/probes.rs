//! What `entrada check` tries: everything that the settings name.

use super::{Outside, StartError, credential, machine_clock};
use crate::config::Config;
use crate::domain::cipher::Cipher;
use crate::domain::secret::Secret;
use crate::ports::graph::{GraphRequest, GraphTransport};
use crate::ports::store::{Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// An attempt: name, remedy, and what comes of it.
pub(crate) type Probe = (&'static str, &'static str, BoxFuture<'static, Result<String, String>>);

/// Attempts to reach everything that the settings name.
pub(crate) fn probes(config: &Config) -> Result<Vec<Probe>, StartError> {
    let clock = machine_clock(config);
    let cipher = Cipher::new(&config.key_ring()?);
    let Outside { store, identity, graph, .. } = Outside::build(config, &clock, &cipher, &Arc::default())?;
    let place = config.store_url()?.describe();
    let reach_store = async move {
        let reached = reach_store(store.as_ref()).await;
        reached.map(|found| format!("{place}{found}")).map_err(|e| format!("{place}: {e}"))
    };
    let used = format!("credential: {}", credential(config).describe());
    let same = identity.clone();
    let reach_entra = async move { identity.check().await.map(|()| used).map_err(|e| e.to_string()) };
    let try_credential = async move {
        let tried = same.try_credential().await.map_err(|e| e.to_string())?;
        Ok(if tried { "accepted" } else { "shows at the first sign-in only" }.to_owned())
    };
    let reach_graph = async move { reach_graph(graph.as_ref()).await };
    Ok(vec![
        (
            "store",
            "Is ENTRADA_STORE right, and is Redis running and reachable from here? STORAGE.md shows every form of the URL.",
            reach_store.boxed(),
        ),
        (
            "Entra discovery and keys",
            "Are AZURE_TENANT_ID and AZURE_AUTHORITY_HOST right, and is outbound HTTPS allowed?",
            reach_entra.boxed(),
        ),
        (
            "Entra credential",
            "Has the secret or certificate expired, and does the registration have it? Replace it there and here.",
            try_credential.boxed(),
        ),
        ("Graph", "Is ENTRADA_GRAPH_URL right, and is outbound HTTPS allowed?", reach_graph.boxed()),
    ])
}

/// The store serves; says how many records of each kind it holds, and what should be changed about it.
async fn reach_store(store: &dyn Store) -> Result<String, StoreError> {
    store.ping().await?;
    let counts = store.census().await?;
    let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let held = if counts.is_empty() { "empty".to_owned() } else { counts.join(", ") };
    let advice = store.advice().await?;
    Ok([format!("; {held}")]
        .into_iter()
        .chain(advice.iter().map(|text| format!("\n      note: {text}")))
        .collect())
}

/// Graph is reachable when it refuses us properly: a 401 needs no token and proves the address.
async fn reach_graph(graph: &dyn GraphTransport) -> Result<String, String> {
    let request = GraphRequest {
        method: ::http::Method::GET,
        target: "/me".to_owned(),
        token: Secret::new("none".to_owned()),
        headers: Vec::new(),
        body: None,
        max_bytes: 64 * 1024,
        timeout: Duration::from_secs(10),
    };
    let response = graph.send(request).await.map_err(|e| e.to_string())?;
    if response.status == ::http::StatusCode::UNAUTHORIZED {
        return Ok(String::new());
    }
    Err(format!("expected 401 for a request without a token, got {}", response.status))
}

//! The HTTP client of the tests, and waiting for a condition.

use std::sync::OnceLock;
use std::time::Duration;

/// How long a condition may take before the test counts as hung. A guard, not a measurement.
pub(crate) const GUARD: Duration = Duration::from_mins(1);

/// Chooses the TLS provider once per process; clients cannot be built before.
pub(crate) fn install_tls() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A client that follows no redirect and no proxy setting.
pub(crate) fn client() -> reqwest::Client {
    builder().build().unwrap()
}

/// The same, with a fresh connection for every request.
pub(crate) fn client_without_keep_alive() -> reqwest::Client {
    builder().pool_max_idle_per_host(0).build().unwrap()
}

fn builder() -> reqwest::ClientBuilder {
    install_tls();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(GUARD)
}

/// Waits until `condition` answers `Some`, asking again and again.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) -> T {
    let wait = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let outcome = tokio::time::timeout(GUARD, wait).await;
    outcome.unwrap_or_else(|_| panic!("did not happen: {what}"))
}

/// Status of a GET, or `None` when nobody answers.
pub(crate) async fn status(url: &str) -> Option<u16> {
    Some(client().get(url).send().await.ok()?.status().as_u16())
}

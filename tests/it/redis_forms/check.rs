//! A place that is not what the URL says: `entrada check` and readiness say so, and how to mend it.

use crate::support::cluster::{Store, settings};
use crate::support::http::{self, eventually};
use crate::support::process::Process;
use crate::support::redis_forms::node::Node;
use crate::support::tenant::Tenant;

/// What `entrada check` says about this store; it must fail.
fn refusal(tenant: &Tenant, url: &str, more: &[(String, String)]) -> String {
    let mut settings = settings(tenant, "http://127.0.0.1:1", url);
    settings.extend(more.iter().cloned());
    let mut check = Process::entrada(&["check"], &settings);
    assert!(!check.wait_exit().success(), "{url} was accepted");
    let said = format!("{}{}", check.stdout_at_end(), check.stderr_at_end());
    assert!(!said.contains("pa55") && !said.contains("panicked"), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_is_wrong_with_the_place() {
    let Some(guarded) = Store::guarded().await else { return };
    let Some(mut sentinels) = Store::sentinel().await else { return };
    let Some(mut cluster) = Store::cluster().await else { return };
    let Some(single) = Node::server(None, &[]).await else { return };
    let tenant = Tenant::start(&[]);
    let at = guarded.url().split_once('@').unwrap().1.to_owned();
    let files = guarded.settings();
    let sentinel = sentinels.sentinel_servers().sentinels[0].address();
    let node = cluster.cluster_servers().nodes[0].address();
    for (url, more, said) in [
        (format!("rediss://entrada:pa55wrong@{at}"), files.as_slice(), "refuses user or password"),
        (format!("rediss://{at}"), files.as_slice(), "asks for a password"),
        (guarded.url(), &[][..], "store.ca_file"),
        (format!("redis://{at}"), &[][..], "FAIL"),
        (format!("redis://{sentinel}"), &[][..], "redis+sentinel://"),
        (format!("redis://{node}"), &[][..], "redis+cluster://"),
        (format!("redis+sentinel://{sentinel}/nobody"), &[][..], "they know: entrada"),
        (format!("redis+cluster://{}", single.address()), &[][..], "write redis://"),
        (format!("redis+sentinel://:pa55@{sentinel}"), &[][..], "master-name"),
    ] {
        let text = refusal(&tenant, &url, more);
        assert!(text.contains(said), "{said} is not in: {text}");
    }
    for store in [&sentinels, &cluster] {
        let mut check = Process::entrada(&["check"], &settings(&tenant, "http://127.0.0.1:1", &store.url()));
        assert!(check.wait_exit().success(), "{}", check.stdout_at_end());
    }
    // A server starts all the same, and says why it is not ready.
    let own = settings(&tenant, "http://127.0.0.1:1", &format!("redis://{node}"));
    let mut server = Process::entrada(&["serve"], &own);
    let url = server.wait_for("entrada listening on ");
    assert_eq!(http::status(&format!("{url}/health/ready")).await, Some(503));
    eventually("the log says it", || async { server.stderr().contains("redis+cluster://").then_some(()) })
        .await;
}

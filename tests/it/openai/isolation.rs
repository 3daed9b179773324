//! Two people through both fronts at once: nobody ever sees a word of the other's.

use super::super::support::cluster::Cluster;
use super::super::support::mcp::Mcp;
use super::{ALICE, BOB, OpenAi, connect};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};

/// Calls in all, over both fronts and both people.
const CALLS: usize = 10_000;
/// Calls that are under way at a time.
const AT_ONCE: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_calls_of_two_people_never_cross() {
    let Some(cluster) = Cluster::pair().await else { return };
    let people = [(ALICE, BOB), (BOB, ALICE)];
    let mut clients = Vec::new();
    for (own, other) in people {
        let mail = connect(&cluster, "mail-query", own, "").await;
        let found = mail.run("query_email", &json!({"max_mails": 1, "days_back": 3650})).await;
        let id = found.structured()["items"][0]["id"].as_str().unwrap().to_owned();
        let enrolled = connect(&cluster, "enrollment", own, "").await;
        clients.push((own, other, id, mail, enrolled));
    }
    let (ids, clients) = ([clients[0].2.clone(), clients[1].2.clone()], &clients);
    let ids = &ids;
    let outcomes = stream::iter(0..CALLS).map(|number| async move {
        let (own, other, id, mail, enrolled) = &clients[number % 2];
        let strange = &ids[1 - number % 2];
        match number / 2 % 50 {
            // A message of one's own, and one of the other's by its id.
            0 => assert!(over(number, mail, "get_email", json!({"id": id})).await.contains(id.as_str())),
            1 => {
                let told = over(number, mail, "get_email", json!({"id": strange})).await;
                assert!(told.contains("\"not_found\""), "{own} was told {told}");
            }
            _ => {
                let told = over(number, enrolled, "list_active_accounts", json!({})).await;
                assert!(told.contains(own) && !told.contains(other), "{own} was told {told}");
            }
        }
    });
    assert_eq!(outcomes.buffer_unordered(AT_ONCE).count().await, CALLS);
}

/// The structured result of a call, by one front or the other.
async fn over(number: usize, client: &OpenAi, tool: &str, arguments: Value) -> String {
    if (number / 2).is_multiple_of(2) {
        let answer = client.run(tool, &arguments).await;
        return answer.message()["tool_results"][0]["structured_content"].to_string();
    }
    let mcp = Mcp::of(&format!("{}/mcp", client.base.trim_end_matches("/v1")), &client.key);
    mcp.call(tool, arguments).await.result()["structuredContent"].to_string()
}

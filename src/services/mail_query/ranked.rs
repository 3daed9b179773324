//! Engine C: `POST /search/query`, ranked by Microsoft, with a total.

use super::listing::{Found, Listing, Position, Run};
use super::message::{MessageView, project};
use crate::graph::encode::Target;
use crate::graph::error::GraphError;
use crate::graph::page::Text;
use crate::graph::request::Request;
use serde::Deserialize;
use serde_json::json;

/// Most hits of one request for messages.
const MAX_SIZE: usize = 25;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    value: Vec<Part<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow, default)]
    hits_containers: Vec<Container<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow, default)]
    hits: Vec<Hit<'a>>,
    #[serde(default)]
    total: Option<u64>,
    #[serde(default)]
    more_results_available: bool,
}

#[derive(Deserialize)]
struct Hit<'a> {
    #[serde(borrow, rename = "hitId", default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    summary: Text<'a>,
    #[serde(borrow, default)]
    resource: MessageView<'a>,
}

impl Run<'_> {
    /// Up to `want` hits from number `from` (Mail.Read).
    pub(super) async fn ranked(&self, from: usize, want: usize) -> Result<Listing, GraphError> {
        let size = want.clamp(1, MAX_SIZE);
        let body = json!({"requests": [{
            "entityTypes": ["message"],
            "query": {"queryString": self.plan.kql(&self.plan.window)},
            "from": from,
            "size": size,
        }]});
        let request = Request::query(Target::new("/search/query"), body.to_string().into());
        let answer = self.graph.send(self.asker, request).await?;
        let answer: Answer<'_> = answer.view()?;
        let mut out = Listing::default();
        for container in answer.value.into_iter().flat_map(|part| part.hits_containers) {
            out.total = container.total.or(out.total);
            if container.more_results_available && !container.hits.is_empty() {
                out.next = Some(Position::Ranked { from: from + container.hits.len() });
            }
            for (at, mut hit) in container.hits.into_iter().enumerate() {
                out.scanned += 1;
                if hit.resource.id.is_empty() {
                    hit.resource.id = hit.id;
                }
                if hit.resource.body_preview.is_empty() {
                    hit.resource.body_preview = hit.summary;
                }
                if self.plan.post.keeps(&hit.resource) {
                    let item = project(&hit.resource, self.frame);
                    out.found.push(Found { item, at: Position::Ranked { from: from + at } });
                }
            }
        }
        Ok(out)
    }
}

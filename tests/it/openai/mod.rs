//! The OpenAI front over the running binary: models, chat completions and responses, by rules and with a language model.

mod bad_input;
mod isolation;
mod parity;
mod repeated;
mod responses;
mod rules;
mod upstream;

use super::support::cluster::{Cluster, Plan, Store};
use super::support::login::Client;
use super::support::model::Model;
use super::support::openai::OpenAi;

const ALICE: &str = "alice@contoso.example";
const BOB: &str = "bob@contoso.example";

/// A person's client of a service, signed in with what the service asks for at first and `scopes`.
async fn connect(cluster: &Cluster, service: &str, user: &str, scopes: &str) -> OpenAi {
    let resource = if service == "m365" {
        format!("{}/v1", cluster.url)
    } else {
        format!("{}/{service}/v1", cluster.url)
    };
    let client = Client::register(&cluster.url).await.for_resource(&resource);
    let client = if scopes.is_empty() { client } else { client.with_scope(scopes) };
    OpenAi::new(&cluster.url, service, &client.sign_in(user).await.access)
}

/// A cluster whose answers come from a language model.
async fn with_model(model: &Model, more: &[(&str, &str)]) -> Cluster {
    let settings: Vec<_> = model.settings().into_iter().chain(more.iter().copied()).collect();
    Cluster::start(Store::embedded(), Plan { settings: &settings, ..Plan::default() }).await
}

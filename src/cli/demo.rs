//! `entrada demo`: the whole main job on one machine, nothing to set up.

use super::{CommandError, say};
use crate::app::App;
use crate::config::{Sources, load};
use crate::domain::meters::Meters;
use crate::domain::random;
use crate::sim::{Tenant, TenantOptions};
use crate::telemetry;
use clap::Args;
use std::sync::Arc;

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Port of the server on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Port of the simulated tenant on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8081)]
    tenant_port: u16,
    /// Store: redis://…, embedded:PATH or embedded:memory. The tenant forgets its users' sign-ins when it ends, so
    /// by default the store does as well.
    #[arg(long, default_value = "embedded:memory")]
    store: String,
    /// Generated messages per mailbox, besides the seeded ones.
    #[arg(long, default_value_t = 0)]
    messages: usize,
}

pub(super) async fn run(arguments: DemoArguments, mut sources: Sources) -> Result<(), CommandError> {
    let tenant = Tenant::bind(TenantOptions {
        port: arguments.tenant_port,
        extra_messages: arguments.messages,
        ..TenantOptions::default()
    })?;
    let has_key = ["ENCRYPTION_KEY", "ENCRYPTION_KEYS"].iter().any(|n| sources.environment.contains_key(*n));
    if !has_key {
        sources.overrides.push(("keys.encryption_key", random::text::<32>()));
    }
    sources.overrides.extend([
        ("server.listen", format!("127.0.0.1:{}", arguments.port)),
        ("store.url", arguments.store),
        ("entra.client_id", tenant.app_id().to_owned()),
        ("entra.client_secret", tenant.app_secret().to_owned()),
        ("entra.tenant_id", tenant.tenant_id()),
        ("entra.authority", tenant.authority()),
        ("graph.url", tenant.graph_url()),
        ("graph.insecure_upstream", "true".to_owned()),
    ]);
    let mut config = load(&sources)?;
    if !config.services.enabled.iter().any(|name| name == "net") {
        config.services.enabled.push("net".to_owned());
    }
    config.validate()?;
    let meters = Arc::new(Meters::default());
    telemetry::start(&config.log, meters.clone())?;
    let app = App::build(&config, meters)?;
    say(&format!("entrada listening on {}", app.local_url()))?;
    if let Some(url) = app.admin_url() {
        say(&format!("operators: {url}/admin/v1"))?;
    }
    say(&format!("tenant listening on {}", tenant.url()))?;
    say(&welcome(&app))?;
    let tenant = tenant.run();
    let tenant_handle = tenant.handle();
    let tenant_task = actix_web::rt::spawn(tenant);
    let ended = app.run().await;
    tenant_handle.stop(false).await;
    drop(tenant_task);
    if ended? { Ok(()) } else { Err(CommandError::GaveUp) }
}

fn welcome(app: &App) -> String {
    use std::fmt::Write as _;
    let mut text = String::from(
        "\nSign in as alice@contoso.example, bob@contoso.example or minji@contoso.example (no password).\n",
    );
    for service in app.resources().services() {
        let url = app.resources().resource_of(&service.name);
        let _ = write!(
            text,
            "\n{}: {url}\n  claude mcp add --transport http {} {url}\n  code --add-mcp '{{\"name\":\"{}\",\"type\":\"http\",\"url\":\"{url}\"}}'\n  npx @modelcontextprotocol/inspector --server-url {url} --transport http\n",
            service.title, service.name, service.name,
        );
    }
    text
}

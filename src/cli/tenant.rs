//! `entrada tenant`: the simulated Microsoft tenant alone.

use super::{CommandError, say};
use crate::sim::{Tenant, TenantOptions};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct TenantArguments {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8081)]
    port: u16,
    /// Generated messages per mailbox, besides the seeded ones.
    #[arg(long, default_value_t = 0)]
    messages: usize,
    /// Milliseconds before each answer of Graph.
    #[arg(long, default_value_t = 0)]
    graph_delay_ms: u64,
    /// A used refresh token dies (Entra itself keeps it usable).
    #[arg(long)]
    strict_refresh: bool,
    /// Folder for a record of all exchanges with Graph, without tokens.
    #[arg(long)]
    record: Option<PathBuf>,
}

pub(super) async fn run(arguments: TenantArguments) -> Result<(), CommandError> {
    let tenant = Tenant::bind(TenantOptions {
        port: arguments.port,
        extra_messages: arguments.messages,
        graph_delay_ms: arguments.graph_delay_ms,
        strict_refresh: arguments.strict_refresh,
        record: arguments.record,
        ..TenantOptions::default()
    })?;
    say(&format!("tenant listening on {}", tenant.url()))?;
    say(&describe(&tenant))?;
    let server = tenant.run();
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            handle.stop(false).await;
        }
    });
    server.await?;
    Ok(())
}

/// The variables that point `entrada serve` to this tenant.
fn describe(tenant: &Tenant) -> String {
    format!(
        "AZURE_CLIENT_ID={}\nAZURE_CLIENT_SECRET={}\nAZURE_TENANT_ID={}\nENTRADA_ENTRA_AUTHORITY={}\nENTRADA_GRAPH_URL={}\nENTRADA_INSECURE_UPSTREAM=true",
        tenant.app_id(),
        tenant.app_secret(),
        tenant.tenant_id(),
        tenant.authority(),
        tenant.graph_url(),
    )
}

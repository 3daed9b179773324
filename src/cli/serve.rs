//! `entrada serve`.

use super::{CommandError, say};
use crate::app::App;
use crate::config::{Sources, load};
use crate::domain::meters::Meters;
use crate::telemetry;
use clap::Args;
use std::sync::Arc;

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// What clients call this server, instead of ENTRADA_PUBLIC_URL: issuer, resources and redirect URI follow from it. For
    /// a pod that is debugged through `kubectl port-forward`; its sign-ins and keys are not those of the other replicas.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

pub(super) async fn run(arguments: ServeArguments, mut sources: Sources) -> Result<(), CommandError> {
    sources.overrides.extend(arguments.public_url.map(|url| ("server.public_url", url)));
    let config = load(&sources)?;
    config.validate()?;
    let meters = Arc::new(Meters::default());
    telemetry::start(&config.log, meters.clone())?;
    let app = App::build(&config, meters)?;
    for service in app.resources().services() {
        let url = app.resources().resource_of(&service.name);
        tracing::info!(service.name = %service.name, url, "service mounted");
    }
    say(&format!("entrada listening on {}", app.local_url()))?;
    if let Some(url) = app.admin_url() {
        say(&format!("operators: {url}/admin/v1"))?;
    }
    for service in app.resources().services() {
        say(&format!("{}: {}", service.title, app.resources().resource_of(&service.name)))?;
    }
    if app.run().await? { Ok(()) } else { Err(CommandError::GaveUp) }
}

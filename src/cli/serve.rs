//! `entrada serve`.

use super::{CommandError, say};
use crate::app::App;
use crate::config::{Sources, load};
use crate::domain::meters::Meters;
use crate::telemetry;
use std::sync::Arc;

pub(super) async fn run(sources: Sources) -> Result<(), CommandError> {
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

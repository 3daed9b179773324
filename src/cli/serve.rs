//! `entrada serve`.

use super::{CommandError, say};
use crate::app::App;
use crate::config::{Sources, load};
use crate::telemetry;

pub(super) async fn run(sources: Sources) -> Result<(), CommandError> {
    let config = load(&sources)?;
    config.validate()?;
    telemetry::start(&config.log)?;
    let app = App::build(&config)?;
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

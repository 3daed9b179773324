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
    say(&format!("entrada listening on {}", app.local_url()))?;
    if app.run().await? { Ok(()) } else { Err(CommandError::GaveUp) }
}

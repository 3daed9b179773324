//! `entrada check`: says what is wrong with the settings or the surroundings, and how to mend it.

use super::{CommandError, say};
use crate::app;
use crate::config::{Sources, load};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn run(sources: Sources) -> Result<(), CommandError> {
    let config = load(&sources)?;
    config.validate()?;
    say("ok    settings")?;
    let mut failed = 0;
    for (name, remedy, probe) in app::probes(&config)? {
        let verdict = match tokio::time::timeout(TIMEOUT, probe).await {
            Ok(Ok(detail)) => Ok(detail),
            Ok(Err(problem)) => Err(problem),
            Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
        };
        match verdict {
            Ok(detail) if detail.is_empty() => say(&format!("ok    {name}"))?,
            Ok(detail) => say(&format!("ok    {name}: {detail}"))?,
            Err(problem) => {
                failed += 1;
                say(&format!("FAIL  {name}: {problem}\n      {remedy}"))?;
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(CommandError::ChecksFailed(failed)) }
}
